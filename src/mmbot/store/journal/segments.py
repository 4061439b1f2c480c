"""Names of journals and segments, one open segment, and the lock of a writer."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mmbot import core
from mmbot.errors import StoreError
from mmbot.store.artifacts import sync_directory

__all__ = [
    "LOCK_NAME",
    "SUFFIX",
    "Segment",
    "damaged",
    "list_segments",
    "list_sessions",
    "read_blocks",
    "refused",
    "segment_path",
    "session_lock",
    "session_path",
    "store_error",
]

SUFFIX: Final = ".mmj"
LOCK_NAME: Final = "writer.lock"
_NAME: Final = re.compile(r"(0|[1-9][0-9]*)\.mmj", re.ASCII)
_SESSION_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
_BLOCK_BYTES: Final = 1 << 20
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# Only Windows knows text mode.
_O_BINARY: Final[int] = getattr(os, "O_BINARY", 0)
# Only Linux has files without a name.
_O_TMPFILE: Final[int] = getattr(os, "O_TMPFILE", 0)


def session_path(directory: Path | str, session_id: str) -> Path:
    """The directory of a session's journal.

    Raises:
        StoreError: ``E_STORE_TYPE`` for an id that cannot be the name of a directory everywhere.
    """
    if _SESSION_ID.fullmatch(session_id) is None:
        raise StoreError("E_STORE_TYPE", "session_id", f"cannot name a directory: {session_id!r}")
    return Path(directory) / session_id


def segment_path(session: Path, number: int) -> Path:
    """The path of segment `number`."""
    return session / f"{number}{SUFFIX}"


def list_segments(session: Path) -> list[Path]:
    """Segments of a journal in their order.

    Raises:
        StoreError: ``E_STORE_JOURNAL`` when one between them is missing, ``E_STORE_DISK`` when the
        directory cannot be read.
    """
    with refused(session):
        names = [_NAME.fullmatch(path.name) for path in session.iterdir()]
    numbers = sorted(int(match[1]) for match in names if match)
    if numbers and numbers != list(range(numbers[-1] + 1)):
        missing = next(n for n, number in enumerate(numbers) if n != number)
        raise StoreError("E_STORE_JOURNAL", f"file={segment_path(session, missing)}", "is missing")
    return [segment_path(session, number) for number in numbers]


def list_sessions(directory: Path | str) -> list[Path]:
    """Directories below `directory` that hold segments, by name."""
    directory = Path(directory)
    if not directory.is_dir():
        return []
    with refused(directory):
        return sorted(path for path in directory.iterdir() if path.is_dir() and _has_segment(path))


def _has_segment(session: Path) -> bool:
    return any(_NAME.fullmatch(path.name) for path in session.iterdir())


def read_blocks(path: Path, offset: int = 0) -> Iterator[bytes]:
    """The bytes of a segment from `offset` on in blocks of 1 MiB."""
    with refused(path), path.open("rb", buffering=0) as file:
        file.seek(offset)
        while block := file.read(_BLOCK_BYTES):
            yield block


class Segment:
    """One segment that is open for appending. Bytes get in whole or not at all."""

    def __init__(self, path: Path, *, cut_at: int | None = None) -> None:
        """Open `path`, created if it does not exist, and cut it at `cut_at`.

        A new name is synced into its directory before anything is written.
        """
        self.path = path
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | _O_BINARY
        self._fd = os.open(path, flags, 0o644)
        try:
            if cut_at is not None:
                os.ftruncate(self._fd, cut_at)
                os.fsync(self._fd)
            self.size = os.fstat(self._fd).st_size
            sync_directory(path.parent)
        except BaseException:
            os.close(self._fd)
            raise
        self._has_rest = False
        self._nameless_fd: int | None = None

    def append(self, data: bytes) -> None:
        """Write `data` behind what is there; one write(2) unless the system takes only a part.

        Raises:
            OSError: nothing of `data` counts; what got in is cut off, now or before the next write.
        """
        if self._has_rest:
            self._cut_rest()
        try:
            written = os.write(self._fd, data)
            while written < len(data):
                written += os.write(self._fd, memoryview(data)[written:])
        except OSError:
            self._has_rest = True
            with contextlib.suppress(OSError):
                self._cut_rest()
            raise
        self.size += len(data)

    def rehearse(self, data: bytes) -> None:
        """Write `data` to a file in the same directory that has no name and goes with this object.

        Raises:
            OSError: no room for it.
        """
        if _O_TMPFILE:
            if self._nameless_fd is None:
                flags = os.O_WRONLY | _O_TMPFILE
                self._nameless_fd = os.open(self.path.parent, flags, 0o600)
            os.pwrite(self._nameless_fd, data, 0)

    def empty(self) -> None:
        """Take everything out again; what was in it must not be needed any more."""
        os.ftruncate(self._fd, 0)
        self.size = 0
        self._has_rest = False

    def sync(self) -> None:
        """Make everything that was appended survive a power failure."""
        if sys.platform == "linux":
            os.fdatasync(self._fd)  # syncs the size, too, and leaves out the times
        else:
            os.fsync(self._fd)

    def close(self) -> None:
        """Close without a sync."""
        os.close(self._fd)
        if self._nameless_fd is not None:
            os.close(self._nameless_fd)
            self._nameless_fd = None

    def _cut_rest(self) -> None:
        os.ftruncate(self._fd, self.size)
        self._has_rest = False


@contextlib.contextmanager
def session_lock(session: Path) -> Iterator[bool]:
    """Take the only place of a writer of `session`; False when somebody else has it.

    The system frees it when the process ends, however it ends.

    Raises:
        StoreError: ``E_STORE_DISK`` when the lock file cannot be opened.
    """
    path = session / LOCK_NAME
    with refused(path):
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        yield _try_lock(handle)
    finally:
        os.close(handle)


def _try_lock(handle: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415 -- exists there only

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415 -- does not exist on Windows

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def refused(path: Path) -> Iterator[None]:
    """Turn what the machine refuses into `StoreError` about `path`."""
    try:
        yield
    except OSError as exc:
        raise store_error(path, exc) from exc


def store_error(path: Path, exc: OSError) -> StoreError:
    """``E_STORE_DISK`` for what more room or other permissions cure, else ``E_STORE_JOURNAL``."""
    reason = exc.strerror or type(exc).__name__
    is_access = isinstance(exc, FileNotFoundError | PermissionError | NotADirectoryError)
    if exc.errno in _NO_ROOM or exc.errno == errno.EROFS or is_access:
        return StoreError("E_STORE_DISK", f"file={path}", f"cannot be used: {reason}")
    return StoreError("E_STORE_JOURNAL", f"file={path}", f"cannot be used: {reason}")


def damaged(path: Path, error: core.JournalError) -> StoreError:
    """The error of a segment that is not what a writer wrote."""
    return StoreError("E_STORE_JOURNAL", f"file={path} offset={error.offset}", error.message)
