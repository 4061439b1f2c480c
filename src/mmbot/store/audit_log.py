"""The one writer of ``audit.jsonl``, beside the trading loop, which never waits for it.

`put` only queues. A thread chains records, appends them, and syncs at most once a second or after
256 records. A line that a crash left torn is moved to a file of its own, and the chain goes on from
the last whole line. While the machine refuses, records wait; beyond `QUEUE_MAX` the newest are
dropped and counted.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from mmbot.clock import artifact_ns, monotonic_ns
from mmbot.errors import StoreError
from mmbot.store.artifacts import write_bytes
from mmbot.store.audit_chain import GENESIS, AuditRecord, chained, last_hash
from mmbot.units import NS_PER_SEC, format_stamp

try:
    import fcntl
except ImportError:  # not on Windows, where one session has the file to itself
    fcntl = None  # type: ignore[assignment]

__all__ = ["QUEUE_MAX", "AuditLog"]

QUEUE_MAX: Final = 10_000
_SYNC_RECORDS: Final = 256
_SYNC_S: Final = 1.0
_CLOSE_S: Final = 5.0
# more than any line has
_TAIL_BYTES: Final = 1 << 20


class AuditLog:
    """Appends to the chain of `path`; a context manager that writes everything before it ends.

    Args:
        path: the file.
        say: takes one line when the machine refuses, once until it works again.
        waits: whether `put` waits for room: where nothing but the writer paces the session.
    """

    def __init__(self, path: Path, say: Callable[[str], None], *, waits: bool = False) -> None:
        self.path = path
        self.dropped = 0
        self.is_writable = True
        self._say = say
        self._waits = waits
        self._queue: deque[AuditRecord] = deque()
        self._changed = threading.Condition()
        self._is_closed = False
        self._before = GENESIS
        self._size: int | None = None
        self._unsynced = 0
        self._synced_ns = monotonic_ns()
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)

    def put(self, record: AuditRecord) -> None:
        """Queue a record."""
        with self._changed:
            if self._waits:
                self._changed.wait_for(lambda: len(self._queue) < QUEUE_MAX, timeout=_CLOSE_S)
            if len(self._queue) >= QUEUE_MAX:
                self.dropped += 1
                return
            self._queue.append(record)
            if len(self._queue) == 1:
                self._changed.notify_all()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._thread.join(_CLOSE_S)
        left = self.dropped + len(self._queue)
        if left:
            self._say(f"E_STORE_DISK: file={self.path} {left} audit records were not written")

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._is_closed, timeout=_SYNC_S)
                batch, is_closed = list(self._queue)[:_SYNC_RECORDS], self._is_closed
            written = self._write(batch, is_last=is_closed)
            with self._changed:
                for _ in range(written):
                    self._queue.popleft()
                self._changed.notify_all()
                if is_closed and (not self._queue or written < len(batch)):
                    return
                if written < len(batch):
                    # the machine refuses: not sooner than in a second again
                    self._changed.wait_for(lambda: self._is_closed, timeout=_SYNC_S)

    def _write(self, batch: list[AuditRecord], *, is_last: bool) -> int:
        """Write all of a batch or nothing of it; how many records."""
        due = is_last or monotonic_ns() - self._synced_ns >= _SYNC_S * NS_PER_SEC
        if not batch and not (self._unsynced and due):
            return 0
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a+b", buffering=0) as file, _alone(file):
                self._append(file, batch)
                if due or self._unsynced >= _SYNC_RECORDS:
                    os.fsync(file.fileno())
                    self._unsynced, self._synced_ns = 0, monotonic_ns()
        except (OSError, StoreError) as exc:
            if self.is_writable:
                self._say(f"E_STORE_DISK: file={self.path} audit waits: {exc}")
            # what of it is there is found out by reading
            self.is_writable, self._size = False, None
            return 0
        self.is_writable = True
        return len(batch)

    def _append(self, file: FileIO, batch: list[AuditRecord]) -> None:
        size = file.seek(0, os.SEEK_END)
        if size != self._size:
            # the first time, or another session has written meanwhile
            size, self._before = _chain_end(file, self.path)
        before, data = self._before, bytearray()
        for record in batch:
            line, before = chained(record, before)
            data += line
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[file.write(rest) :]
        except OSError:
            file.truncate(size)
            raise
        self._before, self._size = before, size + len(data)
        self._unsynced += len(batch)


@contextlib.contextmanager
def _alone(file: FileIO) -> Iterator[None]:
    """No other session appends meanwhile; the lock goes with the file."""
    if fcntl is not None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX)
    yield


def _chain_end(file: FileIO, path: Path) -> tuple[int, str]:
    """Where the last whole line ends, and its hash; what is torn behind it is set aside."""
    size = file.seek(0, os.SEEK_END)
    start = file.seek(max(size - _TAIL_BYTES, 0))
    tail = file.read(size - start)
    lines = tail.split(b"\n")
    torn = lines.pop()
    if lines and last_hash(lines[-1]) is None:
        torn = lines.pop() + b"\n" + torn
    if torn:
        write_bytes(path.with_name(f"{path.name}.corrupt.{format_stamp(artifact_ns())}"), torn)
        size -= len(torn)
        file.truncate(size)
    hashes = (last_hash(line) for line in reversed(lines))
    return size, next((found for found in hashes if found is not None), GENESIS)
