"""A session that cannot be written down does not quote.

Three things demand that: the journal refuses a record, the disk has less room than
``storage.min_free_mb``, the store lags more than ``storage.max_lag_records`` behind. While one of
them holds the session is flat (the core's storage hold): own orders are cancelled, cancels stay
allowed, nothing else goes out. It quotes again when all are over. A disk that is nearly full must
have a tenth more room than the limit before that counts as over, so that a session at the edge
does not go to and fro.

`judge` decides from a reading; `StorageGuard` keeps the last verdict and says what changed. Reading
the disk and switching the core are the caller's: `StorageCompanion` does that for a session whose
engine is `mmbot.core.Backtest`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from mmbot import clock, core
from mmbot.config.operations import StorageConfig
from mmbot.errors import StoreError
from mmbot.trading.session import Taken
from mmbot.units import NS_PER_SEC

__all__ = [
    "StorageCompanion",
    "StorageGuard",
    "StorageHold",
    "StorageLimits",
    "StorageReading",
    "free_mb",
    "judge",
]

_CHECK_NS: Final = NS_PER_SEC
_MIB: Final = 1 << 20
#: Room beyond the limit at which a full disk counts as over.
_ROOM_RATIO: Final = 1.1


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageLimits:
    """Free MiB below which, and records of lag beyond which, quoting pauses."""

    min_free_mb: int
    max_lag_records: int

    @classmethod
    def of(cls, config: StorageConfig) -> StorageLimits:
        """The limits of a configuration."""
        return cls(min_free_mb=config.min_free_mb, max_lag_records=config.max_lag_records)


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageReading:
    """What is known of the storage now.

    Attributes:
        free_mb: room where the journal lies, MiB; None if it cannot be found out.
        lag_records: records that the store does not have yet; None without a store.
        refused: why the journal took no record at the last attempt; None if it did.
    """

    free_mb: float | None = None
    lag_records: int | None = None
    refused: StoreError | None = None


@dataclass(frozen=True, slots=True)
class StorageHold:
    """Why a session is held back: a registered code, and one line for people."""

    code: str
    line: str


def judge(
    limits: StorageLimits, reading: StorageReading, *, held: StorageHold | None
) -> StorageHold | None:
    """Whether the session is to be held back; `held` is the verdict before."""
    if reading.refused is not None:
        return StorageHold(reading.refused.code, str(reading.refused))
    least = limits.min_free_mb * (_ROOM_RATIO if _is_of(held, "E_STORE_DISK") else 1.0)
    if reading.free_mb is not None and reading.free_mb < least:
        what = f"{reading.free_mb:.0f} MiB are free, {limits.min_free_mb} are needed"
        return StorageHold("E_STORE_DISK", f"E_STORE_DISK: storage.min_free_mb: {what}")
    lag = reading.lag_records
    if lag is not None and lag > limits.max_lag_records:
        what = f"the store is {lag} records behind, {limits.max_lag_records} are allowed"
        return StorageHold("E_STORE_LAG", f"E_STORE_LAG: storage.max_lag_records: {what}")
    return None


def _is_of(held: StorageHold | None, code: str) -> bool:
    return held is not None and held.code == code


class StorageGuard:
    """The verdict over a session's storage, and when it changes."""

    def __init__(self, limits: StorageLimits) -> None:
        self._limits = limits
        self._held: StorageHold | None = None

    @property
    def held(self) -> StorageHold | None:
        """Why the session is held back; None if it is not."""
        return self._held

    def update(self, reading: StorageReading) -> bool:
        """Take in a reading; True if the session is to be held back from now on, or no longer.

        Another reason for the same hold is no change, but `held` tells it.
        """
        before, self._held = self._held, judge(self._limits, reading, held=self._held)
        return (before is None) != (self._held is None)


def free_mb(path: Path | str) -> float | None:
    """Room for this user on the file system of `path`, MiB; None if the system does not say."""
    try:
        found = os.statvfs(path)
    except OSError:
        return None
    return found.f_bavail * found.f_frsize / _MIB


class Journal(Protocol):
    """What is asked of a journal: its directory, and why it took no record at the last attempt."""

    @property
    def path(self) -> Path:
        """The directory of the session."""

    @property
    def refused(self) -> StoreError | None:
        """None if the last attempt succeeded."""


class StorageCompanion:
    """Holds a session back while its storage fails (`mmbot.trading.session.Companion`).

    It stands before the journal among the companions, so that what it does to the session is
    written down with the next records.

    Args:
        guard: the verdict.
        journal: of the session.
        say: takes one line for each change.
        lag_records: the store's lag, if there is a store.
        room: free MiB of a directory.
    """

    def __init__(
        self,
        guard: StorageGuard,
        journal: Journal,
        say: Callable[[str], None],
        *,
        lag_records: Callable[[], int] | None = None,
        room: Callable[[Path], float | None] = free_mb,
    ) -> None:
        self._guard = guard
        self._journal = journal
        self._say = say
        self._lag_records = lag_records
        self._room = room
        self._due_ns = 0
        self._free_mb: float | None = None

    def begin(self, engine: core.Backtest, market_ns: int) -> None:
        """See `Companion`."""
        del market_ns
        self._check(engine)

    def on_chunk(self, symbol: int, chunk: core.EventChunk) -> None:
        """See `Companion`."""

    def step(self, engine: core.Backtest, market_ns: int, taken: Sequence[Taken]) -> None:
        """Hold the session back, or let it go on."""
        del market_ns, taken
        self._check(engine)

    def close(self, engine: core.Backtest, market_ns: int, taken: Sequence[Taken]) -> None:
        """See `Companion`."""

    def _check(self, engine: core.Backtest) -> None:
        now_ns = clock.monotonic_ns()
        if now_ns >= self._due_ns:
            self._due_ns = now_ns + _CHECK_NS
            self._free_mb = self._room(self._journal.path)
        reading = StorageReading(
            free_mb=self._free_mb,
            lag_records=None if self._lag_records is None else self._lag_records(),
            refused=self._journal.refused,
        )
        if not self._guard.update(reading):
            return
        held = self._guard.held
        engine.session(0).set_storage_hold(held is not None)
        self._say("storage: quoting resumes" if held is None else f"{held.line}; quoting pauses")
