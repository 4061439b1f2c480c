"""Quoting stops before the journal fails, and comes back when it can be written again.

The verdict is that of every session (`mmbot.trading.storage_guard`); here it becomes a hold. While
it is the disk's nothing is taken in: every frame would be written down where there is no room. A
store that is behind is no reason for that. A journal that takes nothing more for good ends the
session.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mmbot.trading.live.holds import HoldReason
from mmbot.trading.storage_guard import StorageGuard, StorageHold, StorageReading, free_mb
from mmbot.units import NS_PER_SEC

if TYPE_CHECKING:
    from mmbot.errors import StoreError
    from mmbot.trading.live.shell import Shell

__all__ = ["StorageWatch"]

_LOOK_NS: Final = NS_PER_SEC
_REASONS: Final = (HoldReason.DISK, HoldReason.JOURNAL, HoldReason.STORE)


@dataclass(slots=True)
class StorageWatch:
    """A `Watch`.

    Attributes:
        guard: the verdict.
        journal_dir: where the journal lies.
        lag_records: the store's lag, if there is a store.
        room: free MiB of a directory.
    """

    guard: StorageGuard
    journal_dir: Path
    lag_records: Callable[[], int] | None = None
    room: Callable[[Path], float | None] = free_mb
    _free_mb: float | None = None
    _next_ns: int = 0

    async def look(self, shell: Shell, now_ns: int) -> None:
        """See `Watch`."""
        error = self._retry(shell)
        if now_ns >= self._next_ns:
            self._next_ns = now_ns + _LOOK_NS
            self._free_mb = self.room(self.journal_dir)
        lag = None if self.lag_records is None else self.lag_records()
        self.guard.update(StorageReading(free_mb=self._free_mb, lag_records=lag, refused=error))
        self._hold(shell, self.guard.held, is_refused=error is not None)
        is_deaf = shell.holds.has(HoldReason.DISK) or shell.holds.has(HoldReason.JOURNAL)
        shell.set_deaf(is_deaf=is_deaf)

    def _retry(self, shell: Shell) -> StoreError | None:
        """Why the journal still takes nothing, after another attempt; None if it takes it."""
        error = shell.desk.disk_error
        if error is None:
            return None
        if error.code == "E_STORE_JOURNAL":
            # A sync that failed: nobody knows what the disk holds.
            shell.fail(str(error))
            return error
        shell.desk.write()
        return shell.desk.disk_error

    def _hold(self, shell: Shell, held: StorageHold | None, *, is_refused: bool) -> None:
        because = None if held is None else _reason(held, is_refused=is_refused)
        for reason in _REASONS:
            if held is not None and reason is because:
                if shell.holds.put(reason, held.line):
                    shell.log(f"| {reason.value} | ERROR | {held.line} |")
            elif shell.holds.lift(reason):
                shell.log(f"| {reason.value} | OK | {_over(reason, self._free_mb)} |")


def _reason(held: StorageHold, *, is_refused: bool) -> HoldReason:
    if is_refused:
        return HoldReason.JOURNAL
    return HoldReason.STORE if held.code == "E_STORE_LAG" else HoldReason.DISK


def _over(reason: HoldReason, room_mb: float | None) -> str:
    if reason is HoldReason.DISK and room_mb is not None:
        return f"free_mb={room_mb:.0f}"
    return "it is written again" if reason is HoldReason.JOURNAL else "over"
