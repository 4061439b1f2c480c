"""The lock file of one summary: taken with O_CREAT|O_EXCL, broken only when it is two hours old.

A writer that is killed leaves its lock behind. Others wait, give up, keep their data, and try again
later; after two hours the lock counts as abandoned. Breaking is itself guarded by an O_EXCL file:
without it two waiters could both see the old lock, and the second would remove the first one's new
lock. A lock is only ever released by the writer whose nonce it holds.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mmbot.clock import monotonic_ns, sleep_ns, wall_ns
from mmbot.errors import StoreError
from mmbot.units import NS_PER_HOUR, NS_PER_MS, NS_PER_SEC, format_utc

__all__ = ["Lock", "LockTiming", "hold_lock", "lock_path"]

LOCK_AGE_MAX_NS: Final = 2 * NS_PER_HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class LockTiming:
    """How long to wait, and the clocks, which tests replace."""

    wait_ns: int = 30 * NS_PER_SEC
    pause_ns: int = 50 * NS_PER_MS
    age_max_ns: int = LOCK_AGE_MAX_NS
    wall_ns: Callable[[], int] = wall_ns
    monotonic_ns: Callable[[], int] = monotonic_ns
    sleep_ns: Callable[[int], None] = sleep_ns


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock that is held; `broken` counts abandoned ones that were removed to get it."""

    path: Path
    broken: int


def lock_path(path: Path) -> Path:
    """The lock file of `path`."""
    return path.with_name(path.name + ".lock")


@contextlib.contextmanager
def hold_lock(path: Path, timing: LockTiming | None = None) -> Iterator[Lock]:
    """Hold the lock of `path` while the block runs; its directory must exist.

    Raises:
        StoreError: ``E_SUM_LOCK`` when another writer holds it for longer than the wait.
    """
    timing = timing or LockTiming()
    lock = lock_path(path)
    token = secrets.token_hex(8)
    deadline_ns = timing.monotonic_ns() + timing.wait_ns
    broken = 0
    while not _create(lock, token, timing):
        if _break_abandoned(lock, timing):
            broken += 1
            continue
        if timing.monotonic_ns() >= deadline_ns:
            raise StoreError("E_SUM_LOCK", f"file={lock}", "is held by another writer")
        timing.sleep_ns(timing.pause_ns)
    try:
        yield Lock(lock, broken)
    finally:
        _release(lock, token)


def _create(lock: Path, token: str, timing: LockTiming) -> bool:
    try:
        with lock.open("x", encoding="ascii", newline="\n") as file:
            time = format_utc(timing.wall_ns())
            file.write(f"pid={os.getpid()}\ntime={time}\nnonce={token}\n")
    except FileExistsError:
        return False
    except PermissionError:
        # Windows refuses a name whose file is just being removed.
        if os.name != "nt":
            raise
        return False
    return True


def _release(lock: Path, token: str) -> None:
    with contextlib.suppress(OSError):
        if f"nonce={token}" in lock.read_text(encoding="ascii", errors="replace"):
            lock.unlink()


def _break_abandoned(lock: Path, timing: LockTiming) -> bool:
    if not _is_abandoned(lock, timing):
        return False
    guard = lock.with_name(lock.name + ".breaking")
    try:
        guard.open("x", encoding="ascii").close()
    except (FileExistsError, PermissionError):
        if _is_abandoned(guard, timing):
            with contextlib.suppress(OSError):
                guard.unlink()
        return False
    try:
        # Seen again under the guard: somebody else may have broken and taken it meanwhile.
        if not _is_abandoned(lock, timing):
            return False
        lock.unlink(missing_ok=True)
    finally:
        with contextlib.suppress(OSError):
            guard.unlink()
    return True


def _is_abandoned(file: Path, timing: LockTiming) -> bool:
    try:
        age_ns = timing.wall_ns() - file.stat().st_mtime_ns
    except OSError:
        return False
    return age_ns > timing.age_max_ns
