"""One run at a time: a lock file with pid, host and heartbeat.

The heartbeat is the file's time of change. A lock is taken over when its heartbeat stopped a minute
ago, or at once when its process on this machine is dead.
"""

from __future__ import annotations

import contextlib
import os
import platform
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from mmbot.clock import wall_ns
from mmbot.errors import StoreError
from mmbot.soak.paths import read_object
from mmbot.store.artifacts import write_json
from mmbot.units import NS_PER_SEC

__all__ = ["HEARTBEAT_SEC", "held_by_other", "run_lock"]

HEARTBEAT_SEC: Final = 10.0
STALE_SEC: Final = 60


@contextlib.contextmanager
def run_lock(path: Path, beat: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the lock while the block runs; `beat` is called with every heartbeat.

    Raises:
        StoreError: ``E_SOAK_LOCKED`` when another run holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for _ in range(2):
        if _create(path):
            break
        if held_by_other(path):
            raise StoreError("E_SOAK_LOCKED", f"file={path}", "another run holds the lock")
        path.unlink(missing_ok=True)
    else:
        raise StoreError("E_SOAK_LOCKED", f"file={path}", "another run took the lock")
    ended = threading.Event()
    thread = threading.Thread(target=_keep, args=(path, ended, beat), daemon=True)
    try:
        write_json(path, {"host": platform.node(), "pid": os.getpid()})
        thread.start()
        yield
    finally:
        ended.set()
        if thread.is_alive():
            thread.join()
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def held_by_other(path: Path) -> bool:
    """Whether a living run of another process holds the lock."""
    try:
        age_ns = wall_ns() - path.stat().st_mtime_ns
    except OSError:
        return False
    if age_ns > STALE_SEC * NS_PER_SEC:
        return False
    holder = read_object(path)
    if holder is None:
        # Just created and not yet written.
        return True
    if holder.get("host") != platform.node() or not isinstance(holder.get("pid"), int):
        return True
    return holder["pid"] != os.getpid() and _is_alive(holder["pid"])


def _create(path: Path) -> bool:
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
    except FileExistsError:
        return False
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise StoreError("E_STORE_DISK", f"file={path}", f"cannot be created: {reason}") from exc
    return True


def _keep(path: Path, ended: threading.Event, beat: Callable[[], None]) -> None:
    while not ended.wait(HEARTBEAT_SEC):
        with contextlib.suppress(OSError):
            os.utime(path)
        beat()


def _is_alive(pid: int) -> bool:
    if os.name == "nt":
        # Signal 0 would be delivered as Ctrl-C there. Age alone decides.
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
