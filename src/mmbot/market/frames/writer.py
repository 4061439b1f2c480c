"""Appends frames to a capture, so that nothing that was appended is lost when the process dies."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from mmbot import clock
from mmbot.errors import StoreError
from mmbot.market.frames.layout import (
    Batch,
    CaptureHead,
    gap_frame,
    packed_block,
    plain_chunk,
    segment_names,
)
from mmbot.market.frames.reader import SegmentReader, is_begun
from mmbot.store.journal.segments import Segment, session_lock
from mmbot.units import NS_PER_HOUR, NS_PER_SEC

__all__ = ["CaptureWriter"]

_BLOCK_BYTES: Final = 4 << 20
_SEGMENT_BYTES: Final = 256 << 20


class CaptureWriter:
    """The one writer of a capture; a context that ends with `close`.

    Where an earlier writer was killed, what it left in the tail becomes a block, a torn end is cut,
    and the new segment begins with a gap mark that says since when frames are missing.

    Args:
        directory: of the capture; made if it is not there.
        head: what is recorded.
        now_ns: local time of the start.

    Attributes:
        next_seq: number of the next frame.
        torn: incomplete ends that an earlier writer had left.
        was_killed: whether that one did not close.

    Raises:
        StoreError: ``E_REC_WRITE`` when the directory cannot be used or somebody else writes there.
    """

    def __init__(self, directory: Path, head: CaptureHead, *, now_ns: int) -> None:
        self.directory = directory
        self._head = head
        self._held = contextlib.ExitStack()
        self._blocks: Segment
        self._tail: Segment
        self._open: list[Batch] = []
        self._open_bytes = 0
        self._open_seq = 0
        self._synced_ns = clock.monotonic_ns()
        self.next_seq = 0
        self.torn = 0
        self.was_killed = False
        with self._failing(), contextlib.ExitStack() as undo:
            directory.mkdir(parents=True, exist_ok=True)
            if not undo.enter_context(session_lock(directory)):
                raise StoreError("E_REC_WRITE", f"file={directory}", "somebody else records there")
            last = self._recover()
            self._begin(0 if last is None else last[0] + 1, now_ns, goes_on=False)
            self._held = undo.pop_all()
        if last is not None:
            self.append([gap_frame(now_ns, "restart", since_ns=last[1])])

    def append(self, frames: Sequence[tuple[int, int, bytes]]) -> None:
        """Append frames as (local time, kind, bytes); they are written when this returns.

        Raises:
            StoreError: ``E_REC_WRITE``; nothing of them counts.
        """
        if not frames:
            return
        batch = Batch.of(frames)
        with self._failing():
            if self._open_bytes >= _BLOCK_BYTES:
                self._seal()
            if self._is_full(batch.times[0]):
                self._seal(is_last=True)
                old = self._blocks, self._tail
                self._begin(self._number + 1, batch.times[0], goes_on=True)
                _end(*old)
            self._tail.append(plain_chunk(batch, self.next_seq))
        self._open.append(batch)
        self._open_bytes += len(batch.data)
        self.next_seq += len(batch)

    def close(self) -> None:
        """Pack what is in the tail and give up the place of the writer.

        Raises:
            StoreError: ``E_REC_WRITE``; the frames stay in the tail.
        """
        with self._held, self._failing():
            self._seal(is_last=True)
            _end(self._blocks, self._tail)

    def _seal(self, *, is_last: bool = False) -> None:
        """The open frames become a block.

        The tail is emptied when blocks are safe on the disk, once in a second: a sync for every
        block would be what limits a busy venue.
        """
        if self._open:
            self._blocks.append(packed_block(Batch.joined(self._open), self._open_seq))
            self._open, self._open_bytes, self._open_seq = [], 0, self.next_seq
        now_ns = clock.monotonic_ns()
        if is_last or now_ns - self._synced_ns >= NS_PER_SEC:
            self._blocks.sync()
            self._tail.empty()
            self._synced_ns = now_ns

    def _is_full(self, now_ns: int) -> bool:
        is_old = now_ns - self._began_ns >= NS_PER_HOUR
        return self._blocks.size >= _SEGMENT_BYTES or (is_old and self.next_seq > self._first_seq)

    def _begin(self, number: int, now_ns: int, *, goes_on: bool) -> None:
        path = self.directory / f"{number}.mmf"
        blocks = Segment(path, cut_at=0)
        tail = Segment(path.with_suffix(".tail"), cut_at=0)
        blocks.append(self._head.line(first_seq=self.next_seq, goes_on=goes_on))
        self._blocks, self._tail = blocks, tail
        self._number, self._began_ns, self._first_seq = number, now_ns, self.next_seq
        self._open_seq = self.next_seq

    def _recover(self) -> tuple[int, int] | None:
        """Packs what a killed writer left; number of the last segment and its last time."""
        segments = segment_names(self.directory)
        if segments and not is_begun(segments[-1][1]):
            # killed before the first line: there is no frame in it
            segments.pop()[1].unlink()
        if not segments:
            return None
        number, path = segments[-1]
        reader = SegmentReader(path)
        last_ns = reader.pass_over()
        self.next_seq = reader.next_seq
        tail = path.with_suffix(".tail")
        if tail.exists():
            self.was_killed = True
            self.torn += reader.torn
            blocks = Segment(path, cut_at=reader.whole_bytes)
            if reader.tail:
                batches = [batch for batch, _ in reader.tail]
                blocks.append(packed_block(Batch.joined(batches), reader.tail[0][1]))
            _end(blocks, Segment(tail))
        return number, last_ns

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except OSError as exc:
            reason = exc.strerror or type(exc).__name__
            raise StoreError("E_REC_WRITE", f"file={self.directory}", reason) from exc


def _end(blocks: Segment, tail: Segment) -> None:
    """A segment is complete: what is in it is on the disk, and its tail is not needed."""
    blocks.sync()
    blocks.close()
    tail.close()
    tail.path.unlink()
