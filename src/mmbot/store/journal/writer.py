"""Appends framed records to the journal of one session.

`append` returns when the records survive the death of the process (write(2) has returned; with
`fsync_ms` 0 also a sync), so a request may leave, or a report change state, after it and never
before. When the machine refuses, `append` raises and nothing of the records is in the file; they
are kept and go in, in order, before whatever is appended later, because a journal with a hole
replays to something else. After a failed sync nobody knows what the disk holds: the journal is
closed for good.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from mmbot import core
from mmbot.clock import monotonic_ns
from mmbot.errors import StoreError
from mmbot.store.artifacts import sync_directory
from mmbot.store.journal.group_sync import GroupSync
from mmbot.store.journal.metrics import JournalMetrics
from mmbot.store.journal.reader import read_segment_end
from mmbot.store.journal.retention import unmark_shipped
from mmbot.store.journal.segments import (
    Segment,
    list_segments,
    refused,
    segment_path,
    session_lock,
    session_path,
    store_error,
)
from mmbot.units import NS_PER_HOUR, NS_PER_MS, ms_to_ns

__all__ = ["BACKLOG_BYTES_MAX", "SEGMENT_BYTES", "JournalWriter"]

SEGMENT_BYTES: Final = 256 << 20
# A minute of a busy session; a disk that is full for longer is the operator's.
BACKLOG_BYTES_MAX: Final = 64 << 20


class JournalWriter:
    """The journal of one session, open for appending; one writer at a time.

    Args:
        directory: `storage.journal_dir`.
        session_id: the session; its directory is created, or continued after its last record.
        fsync_ms: time from an append to the sync that covers it; 0 syncs in every append.
        segment_bytes: a segment that would grow beyond this is followed by another.
        segment_ns: a segment that is older than this is followed by another.
        clock: monotonic nanoseconds.

    Raises:
        StoreError: ``E_STORE_JOURNAL`` for a damaged journal or a second writer, ``E_STORE_DISK``
        when there is no room or no permission.
    """

    def __init__(
        self,
        directory: Path | str,
        session_id: str,
        *,
        fsync_ms: int = 5,
        segment_bytes: int = SEGMENT_BYTES,
        segment_ns: int = NS_PER_HOUR,
        clock: Callable[[], int] = monotonic_ns,
    ) -> None:
        self.path = session_path(directory, session_id)
        self.metrics = JournalMetrics()
        self._segment_bytes = segment_bytes
        self._segment_ns = segment_ns
        self._clock = clock
        self._lock = threading.Lock()
        # held while a sync runs, so that a segment is never closed below it; taken after `_lock`
        self._sync_lock = threading.Lock()
        self._backlog: list[bytes] = []
        self._backlog_counts: list[dict[str, int]] = []
        self._uncounted: list[dict[str, int]] = []
        self._newest = b"", 0
        self._failure: StoreError | None = None
        self._closed = False
        with contextlib.ExitStack() as stack:
            with refused(self.path):
                self.path.mkdir(parents=True, exist_ok=True)
            sync_directory(self.path.parent)
            if not stack.enter_context(session_lock(self.path)):
                raise StoreError("E_STORE_JOURNAL", f"file={self.path}", "has another writer")
            self._open_last()
            self._held = stack.pop_all()
        self._group = GroupSync(self._sync, ms_to_ns(fsync_ms)) if fsync_ms > 0 else None

    @property
    def next_seq(self) -> int:
        """The number that the next record must have."""
        return self._next_seq

    @property
    def backlog_bytes(self) -> int:
        """Bytes that the machine has refused so far and that go in first."""
        return sum(map(len, self._backlog))

    def append(self, frames: bytes, *, settled: bool = True) -> None:
        """Write framed records, numbered from `next_seq` on; see the module for what holds then.

        Args:
            frames: the records.
            settled: False leaves to `settle`, which has to follow soon, what may wait until a
                request has left: counting them, and waking who syncs.

        Raises:
            StoreError: ``E_STORE_DISK`` without room or permission, ``E_STORE_JOURNAL`` otherwise:
            the records are kept, not written; do not act on them. Also ``E_STORE_JOURNAL`` for
            bytes that are not the next frames, which are dropped.
        """
        with self._lock:
            self._refuse_after_failure()
            counts = self._checked(frames)
            self._newest = frames, self._next_seq
            self._backlog.append(frames)
            self._backlog_counts.append(counts)
            self._next_seq += sum(counts.values())
            self._write_backlog()
        if settled:
            self.settle()

    def settle(self) -> None:
        """Finish what `append` has left; without anything to finish nothing happens."""
        with self._lock:
            if not self._uncounted:
                return
            self._count()
        if self._group is not None:
            self._group.notify()

    def retry(self) -> None:
        """Write what was refused before, if there is anything; raises as `append`."""
        with self._lock:
            self._refuse_after_failure()
            self._write_backlog()
        self.settle()

    def rehearse(self) -> None:
        """Go the way of `append` with the last records again, into a file without a name.

        A processor forgets code that it has not run for a while; this keeps it at hand.
        """
        frames, first_seq = self._newest
        with self._lock:
            if frames and not self._closed:
                core.journal_counts(frames, first_seq)
                # a disk that refuses is for `append` to say
                with contextlib.suppress(OSError):
                    self._segment.rehearse(frames)

    def sync(self) -> None:
        """Return when everything that was written survives a power failure; raises as `append`."""
        with self._lock:
            self._refuse_after_failure()
            self._sync_or_fail()

    def close(self) -> None:
        """Write what was kept, sync, and free the session; the second time nothing.

        Raises:
            StoreError: as `append`; the session is free all the same.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
            try:
                if self._group is not None:
                    self._group.close()
                self._raise_failure()
                self._write_backlog()
                self._count()
                self._sync_or_fail()
            finally:
                self._segment.close()
                self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
            return
        # what went wrong inside of the block is the news
        with contextlib.suppress(StoreError):
            self.close()

    def _open_last(self) -> None:
        """Find the end of what is there, cut what is torn, and open the last segment."""
        paths = list_segments(self.path)
        self._number = max(len(paths) - 1, 0)
        self._next_seq, cut_at = 0, None
        for index in reversed(range(len(paths))):
            end = read_segment_end(paths[index], None)
            if index == self._number:
                cut_at = end.torn_at
                self.metrics.torn_records_total += cut_at is not None
            elif end.torn_at is not None:
                raise StoreError(
                    "E_STORE_JOURNAL",
                    f"file={paths[index]} offset={end.torn_at}",
                    "is torn, but another segment follows",
                )
            if end.next_seq is not None:
                self._next_seq = end.next_seq
                break
        path = segment_path(self.path, self._number)
        with refused(path):
            self._segment = Segment(path, cut_at=cut_at)
        unmark_shipped(self.path)
        self._opened_ns = self._clock()

    def _checked(self, frames: bytes) -> dict[str, int]:
        try:
            return core.journal_counts(frames, self._next_seq)
        except core.JournalError as exc:
            raise StoreError(
                "E_STORE_JOURNAL", f"seq={self._next_seq}", f"was not appended: {exc.message}"
            ) from exc

    def _write_backlog(self) -> None:
        if not self._backlog:
            return
        data = self._backlog[0] if len(self._backlog) == 1 else b"".join(self._backlog)
        try:
            self._rotate_if_due(len(data))
            self._segment.append(data)
        except OSError as exc:
            self.metrics.write_fail_total += 1
            error = store_error(self._segment.path, exc)
            if len(data) > BACKLOG_BYTES_MAX:
                self._failure = error
                self._backlog.clear()
            raise error from exc
        self.metrics.bytes_total += len(data)
        self._uncounted += self._backlog_counts
        self._backlog.clear()
        self._backlog_counts.clear()
        if self._group is None:
            self._sync_or_fail()

    def _count(self) -> None:
        for counts in self._uncounted:
            self.metrics.records_total.update(counts)
        self._uncounted.clear()

    def _rotate_if_due(self, coming: int) -> None:
        size = self._segment.size
        is_old = self._clock() - self._opened_ns >= self._segment_ns
        if size == 0 or not (is_old or size + coming > self._segment_bytes):
            return
        following = Segment(segment_path(self.path, self._number + 1))
        try:
            # before anything of the next segment can be on the disk, all of this one must be
            self._sync_or_fail()
        except StoreError:
            following.close()
            raise
        with self._sync_lock:
            self._segment.close()
            self._segment = following
        self._number += 1
        self._opened_ns = self._clock()

    def _sync(self) -> None:
        with self._sync_lock:
            started_ns = self._clock()
            self._segment.sync()
            self.metrics.fsync_ms.observe((self._clock() - started_ns) / NS_PER_MS)

    def _sync_or_fail(self) -> None:
        try:
            self._sync()
        except OSError as exc:
            raise self._fail(exc) from exc

    def _refuse_after_failure(self) -> None:
        group = self._group
        if not self._closed and self._failure is None and (group is None or group.error is None):
            return
        if self._closed:
            raise StoreError("E_STORE_JOURNAL", f"file={self.path}", "is closed")
        self._raise_failure()

    def _raise_failure(self) -> None:
        """Raise what closed the journal for good, be it an error of the syncing thread."""
        error = None if self._group is None else self._group.error
        if self._failure is None and isinstance(error, OSError):
            self._fail(error)
        if self._failure is not None:
            raise self._failure
        if error is not None:
            raise error

    def _fail(self, exc: OSError) -> StoreError:
        self.metrics.write_fail_total += 1
        self._failure = store_error(self._segment.path, exc)
        self._failure.__cause__ = exc
        return self._failure
