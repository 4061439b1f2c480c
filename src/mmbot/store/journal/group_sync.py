"""Syncs of many appends at once, off the path of who appends.

A record counts as written when write(2) has returned: that survives the death of the process. What
a power failure may take is bounded by syncing on a thread of its own: the first append after a sync
starts the clock, the sync follows `interval_ns` later and covers everything appended meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from mmbot.units import NS_PER_SEC

__all__ = ["GroupSync"]


class GroupSync:
    """Calls `sync` at most once an interval, and only after `notify`; stops at its first error."""

    def __init__(self, sync: Callable[[], None], interval_ns: int) -> None:
        self.error: Exception | None = None
        self._sync = sync
        self._interval_sec = interval_ns / NS_PER_SEC
        self._dirty = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mmbot-journal-sync", daemon=True)
        self._thread.start()

    def notify(self) -> None:
        """Something was appended."""
        if not self._dirty.is_set():
            self._dirty.set()

    def close(self) -> None:
        """End the thread; what is not synced yet is the caller's."""
        self._stop.set()
        self._dirty.set()
        self._thread.join()

    def _run(self) -> None:
        # asked again after each sync: `close` may have set `_dirty` just before it was cleared
        while not self._stop.is_set():
            self._dirty.wait()
            if self._stop.wait(self._interval_sec):
                return
            self._dirty.clear()
            try:
                self._sync()
            except Exception as exc:  # noqa: BLE001 -- outermost frame: append raises it
                self.error = exc
                return
