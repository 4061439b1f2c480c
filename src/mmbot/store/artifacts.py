"""The one writer of artifacts: a reader sees the old file or the new one, whole, at any moment.

A write goes to a temporary file in the same directory, is flushed and synced, replaces the target
in one step, and then the directory is synced. Whatever fails on the way, the temporary file goes
and the earlier file stays as it was. Nothing else in the program opens an artifact for writing.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from mmbot.clock import sleep_ns, wall_ns
from mmbot.errors import StoreError
from mmbot.store.canonical import DEFAULT_DP, NonFinite, canonical_json, canonical_text
from mmbot.units import NS_PER_HOUR, NS_PER_MS

__all__ = [
    "append_jsonl",
    "open_atomic",
    "remove_stale_temp_files",
    "sync_directory",
    "write_bytes",
    "write_json",
    "write_text",
]

# A virus scanner or an indexer on Windows holds a file for a few milliseconds after it was written.
_REPLACE_ATTEMPTS = 5
_REPLACE_PAUSE_NS = 20 * NS_PER_MS
_STALE_AGE_NS = NS_PER_HOUR
_ON_WINDOWS = os.name == "nt"


def write_json(
    path: Path | str, obj: object, *, dp: int = DEFAULT_DP, nonfinite: NonFinite = "reject"
) -> None:
    """Write `obj` as canonical JSON (`mmbot.store.canonical`), atomically.

    Raises:
        StoreError: ``E_STORE_NONFINITE``, ``E_STORE_TYPE`` or ``E_STORE_DISK``; the earlier file is
        intact.
    """
    write_bytes(path, canonical_json(obj, dp=dp, nonfinite=nonfinite))


def write_text(path: Path | str, text: str) -> None:
    """Write ASCII text (Markdown, CSV, HTML) atomically; LF line ends, exactly one at the end."""
    write_bytes(path, canonical_text(text))


def write_bytes(path: Path | str, data: bytes) -> None:
    """Write `data` atomically."""
    with open_atomic(path) as file:
        file.write(data)


def append_jsonl(path: Path | str, obj: object, *, dp: int = DEFAULT_DP) -> None:
    """Append one line of canonical JSON and sync it.

    A line that an earlier crash cut short is closed first, so it costs that one record and never
    the next.
    """
    path = Path(path)
    line = canonical_json(obj, dp=dp)
    with _disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        created = not path.exists()
        with path.open("a+b") as file:
            file.write(line if _ends_with_newline(file) else b"\n" + line)
            file.flush()
            os.fsync(file.fileno())
        if created:
            sync_directory(path.parent)


@contextlib.contextmanager
def open_atomic(path: Path | str) -> Iterator[BinaryIO]:
    """Open a file for writing that replaces `path` when the block ends without an exception.

    For writers that stream, such as Parquet. Raises `StoreError` ``E_STORE_DISK`` when the machine
    refuses.
    """
    path = Path(path)
    temp = path.with_name(f"{path.name}.tmp.{os.getpid()}.{secrets.token_hex(4)}")
    with _disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temp.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            _replace(temp, path)
        except BaseException:
            with contextlib.suppress(OSError):
                temp.unlink(missing_ok=True)
            raise
        sync_directory(path.parent)


def remove_stale_temp_files(directory: Path | str) -> int:
    """Remove temporary files below `directory` that a killed process left behind; return how many.

    A file goes when its process is dead and it is older than an hour: a pid may have been reused by
    a writer.
    """
    removed = 0
    for temp in sorted(Path(directory).rglob("*.tmp.*.*")):
        pid = temp.name.rsplit(".", 2)[1]
        if not pid.isdecimal() or _is_alive(int(pid)):
            continue
        with contextlib.suppress(OSError):
            if wall_ns() - temp.stat().st_mtime_ns > _STALE_AGE_NS:
                temp.unlink()
                removed += 1
    return removed


@contextlib.contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        if exc.filename is not None and not _is_part_of(str(exc.filename), str(path)):
            # The caller of `open_atomic` stumbled over a file of its own.
            raise
        reason = exc.strerror or type(exc).__name__
        raise StoreError("E_STORE_DISK", f"file={path}", f"cannot be written: {reason}") from exc


def _is_part_of(name: str, path: str) -> bool:
    """Whether `name` is the file, its temporary file or a directory above it."""
    return path.startswith(name) or name.startswith(path)


def _replace(temp: Path, path: Path) -> None:
    for attempt in range(1, _REPLACE_ATTEMPTS + 1):
        try:
            temp.replace(path)
        except PermissionError:
            if not _ON_WINDOWS or attempt == _REPLACE_ATTEMPTS:
                raise
            sleep_ns(_REPLACE_PAUSE_NS)
        else:
            return


def _ends_with_newline(file: BinaryIO) -> bool:
    """Whether the file is empty or its last line is complete."""
    if file.seek(0, os.SEEK_END) == 0:
        return True
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def sync_directory(directory: Path) -> None:
    """Make a new name durable. Best effort: some platforms cannot open a directory."""
    with contextlib.suppress(OSError):
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _is_alive(pid: int) -> bool:
    if _ON_WINDOWS:
        # Signal 0 would be delivered as Ctrl-C there. Age alone decides.
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
