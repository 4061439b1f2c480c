"""Writes a session's state file beside the trading loop, which never waits for the disk."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from mmbot.clock import monotonic_ns
from mmbot.errors import StoreError
from mmbot.trading.live.state_file import SessionState, prune_states, stop_path, write_state
from mmbot.units import NS_PER_SEC

__all__ = ["HEARTBEAT_NS", "Heartbeat"]

HEARTBEAT_NS: Final = NS_PER_SEC


class Heartbeat:
    """Takes the newest state; a thread of its own replaces the file.

    Args:
        directory: where state files lie; None is `state_dir`.
        log: takes one line when the machine refuses, once until it works again.
    """

    def __init__(
        self, directory: Path | None = None, log: Callable[[str], None] = lambda _line: None
    ) -> None:
        self._directory = directory
        self._log = log
        self._wake = threading.Condition()
        self._newest: SessionState | None = None
        self._is_closed = False
        self._has_failed = False
        self._next_ns = 0
        self._thread = threading.Thread(target=self._run, name="state-file", daemon=True)

    def is_due(self) -> bool:
        """Whether a second has passed since the last state."""
        return monotonic_ns() >= self._next_ns

    def publish(self, state: SessionState) -> None:
        """Give a state away; an earlier one that was not written yet is dropped."""
        self._next_ns = monotonic_ns() + HEARTBEAT_NS
        with self._wake:
            self._newest = state
            self._wake.notify()

    def __enter__(self) -> Self:
        prune_states(self._directory)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._wake:
            self._is_closed = True
            self._wake.notify()
        self._thread.join()

    def forget_stop_order(self, session: str) -> None:
        """Remove a stop order that an earlier session of the same id left."""
        stop_path(session, self._directory).unlink(missing_ok=True)

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._newest is not None or self._is_closed)
                state, self._newest = self._newest, None
            if state is None:
                return
            self._write(state)

    def _write(self, state: SessionState) -> None:
        try:
            write_state(state, self._directory)
        except StoreError as exc:
            if not self._has_failed:
                self._log(f"| state_file | ERROR | {exc} |")
            self._has_failed = True
        else:
            self._has_failed = False
