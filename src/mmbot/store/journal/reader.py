"""Reads the journal of a session, or one segment of it, in memory that does not grow.

Reading never changes a file. A torn end of the last segment is what a crash leaves: it is told in
`torn`, and so is the frame that a writer is just adding. Everything else that is wrong raises.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from mmbot import core
from mmbot.errors import StoreError
from mmbot.store.journal.segments import damaged, list_segments, read_blocks, refused

__all__ = [
    "BlockSink",
    "JournalReader",
    "JournalScan",
    "SegmentEnd",
    "Start",
    "Torn",
    "read_segment_end",
]

Record = dict[str, Any]
_BATCH: Final = 1024


class BlockSink(Protocol):
    """Reads blocks of a journal from its beginning on."""

    def feed(self, data: bytes, /) -> bool | None:
        """Take a block; False if no more are wanted."""

    def end_segment(self) -> int | None:
        """End a segment; the offset of a torn tail, or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A record to begin with: its number, its segment, and its offset in that."""

    seq: int
    segment: int
    offset: int


@dataclass(frozen=True, slots=True)
class Torn:
    """The incomplete frame at the end of a journal."""

    path: Path
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentEnd:
    """What a pass over a segment found; `next_seq` is None in a segment without a whole frame."""

    next_seq: int | None
    torn_at: int | None
    counts: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalScan:
    """What a whole journal holds."""

    next_seq: int
    counts: dict[str, int]
    torn: Torn | None


class JournalReader:
    """Records of a journal.

    Args:
        path: the directory of a session, or one segment of it.

    Raises:
        StoreError: ``E_STORE_JOURNAL`` when segments are missing, ``E_STORE_DISK`` when `path`
        cannot be read.
    """

    def __init__(self, path: Path | str) -> None:
        path = Path(path)
        self.path = path
        self.is_whole = path.is_dir()
        self.segments = tuple(list_segments(path)) if self.is_whole else (path,)
        self.torn: Torn | None = None
        """Set when the end was read."""

    def header(self) -> Record:
        """The first record.

        Raises:
            StoreError: ``E_STORE_JOURNAL`` when the journal does not begin with a header.
        """
        next_seq = 0 if self.is_whole else None
        first = _first_record(self.segments[0], next_seq) if self.segments else None
        if first is None or first["kind"] != "header":
            raise StoreError("E_STORE_JOURNAL", f"file={self.path}", "does not begin with a header")
        return first

    def records(
        self,
        *,
        kinds: Sequence[str] | None = None,
        from_seq: int = 0,
        start: Start | None = None,
        until_seq: int | None = None,
        rows: bool = False,
        on_bytes: Callable[[int], None] | None = None,
    ) -> Iterator[Record]:
        """Records in their order, as dictionaries (docs/journal.md).

        Args:
            kinds: only these kinds; all others are checked and left out.
            from_seq: only records with this number and later ones; segments before are not read.
            start: the first record that is read, see `start_of`.
            until_seq: the last record; what follows is not read.
            rows: market rows with their columns.
            on_bytes: told how many bytes were read, block by block.

        Raises:
            StoreError: ``E_STORE_JOURNAL`` with file and offset, after all records before it.
        """
        next_seq, segments, offset = self._start(from_seq, start)
        for path in segments:
            decoder = core.JournalDecoder(next_seq, offset)
            try:
                for block in read_blocks(path, offset):
                    decoder.feed(block)
                    while batch := decoder.take(_BATCH, kinds=kinds, from_seq=from_seq, rows=rows):
                        if until_seq is not None:
                            batch = [one for one in batch if one["seq"] <= until_seq]
                        yield from batch
                    if until_seq is not None and (decoder.next_seq or 0) > until_seq:
                        return
                    if on_bytes is not None:
                        on_bytes(len(block))
                torn_at = decoder.finish()
            except core.JournalError as exc:
                raise damaged(path, exc) from exc
            self._end_of(path, torn_at)
            next_seq, offset = decoder.next_seq, 0

    def start_of(self, seq: int, offset: int) -> Start | None:
        """The record `seq`, whose bytes begin at `offset`, counted over all segments.

        None if the journal is shorter, or one segment alone.
        """
        left = offset
        for number, path in enumerate(self.segments if self.is_whole else ()):
            with refused(path):
                size = path.stat().st_size
            if left < size:
                return Start(seq=seq, segment=number, offset=left)
            left -= size
        return None

    def record_at(self, start: Start) -> Record | None:
        """One record; None if it is not whole.

        Raises:
            StoreError: as `records`, also where another record stands.
        """
        return _first_record(self.segments[start.segment], start.seq, start.offset)

    def pour(
        self,
        sink: BlockSink,
        on_bytes: Callable[[int], None] | None = None,
        *,
        start: Start | None = None,
    ) -> None:
        """Give all bytes to something in the core that reads them, until it wants no more.

        With `start` only those from that record on, as the sink expects it.

        Raises:
            StoreError: as `records`, and for a journal that no session has written.
        """
        _, segments, offset = self._start(0, start)
        for path in segments:
            try:
                for block in read_blocks(path, offset):
                    if sink.feed(block) is False:
                        return
                    if on_bytes is not None:
                        on_bytes(len(block))
                torn_at = sink.end_segment()
            except core.JournalError as exc:
                raise damaged(path, exc) from exc
            except core.CoreError as exc:
                key = f"file={path} {exc.key}"
                raise StoreError("E_STORE_JOURNAL", key, exc.message) from exc
            self._end_of(path, torn_at)
            offset = 0

    def scan(self, on_bytes: Callable[[int], None] | None = None) -> JournalScan:
        """Check every frame of the journal and count records, without decoding them.

        Raises:
            StoreError: as `records`.
        """
        next_seq: int | None = 0 if self.is_whole else None
        counts: Counter[str] = Counter()
        for path in self.segments:
            end = read_segment_end(path, next_seq, on_bytes)
            counts.update(end.counts)
            self._end_of(path, end.torn_at)
            next_seq = next_seq if end.next_seq is None else end.next_seq
        return JournalScan(next_seq=next_seq or 0, counts=dict(counts), torn=self.torn)

    def _start(self, from_seq: int, start: Start | None) -> tuple[int | None, Sequence[Path], int]:
        """Number of the first record to read, the segments from it on, its offset in the first.

        Without `start` they begin with the last segment that begins at or before `from_seq`.
        """
        if start is not None:
            return start.seq, self.segments[start.segment :], start.offset
        if not self.is_whole:
            return None, self.segments, 0
        for index in reversed(range(1, len(self.segments))) if from_seq > 0 else ():
            first = _first_record(self.segments[index])
            if first is not None and first["seq"] <= from_seq:
                return int(first["seq"]), self.segments[index:], 0
        return 0, self.segments, 0

    def _end_of(self, path: Path, torn_at: int | None) -> None:
        if torn_at is None:
            return
        if path != self.segments[-1]:
            key = f"file={path} offset={torn_at}"
            raise StoreError("E_STORE_JOURNAL", key, "is torn, but another segment follows")
        self.torn = Torn(path, torn_at)


def read_segment_end(
    path: Path, next_seq: int | None, on_bytes: Callable[[int], None] | None = None
) -> SegmentEnd:
    """Check every frame of a segment that begins with `next_seq` (None: any number).

    Raises:
        StoreError: ``E_STORE_JOURNAL`` with file and offset.
    """
    decoder = core.JournalDecoder(next_seq)
    try:
        for block in read_blocks(path):
            decoder.feed(block)
            decoder.skip()
            if on_bytes is not None:
                on_bytes(len(block))
        torn_at = decoder.finish()
    except core.JournalError as exc:
        raise damaged(path, exc) from exc
    return SegmentEnd(next_seq=decoder.next_seq, torn_at=torn_at, counts=decoder.counts())


def _first_record(path: Path, next_seq: int | None = None, offset: int = 0) -> Record | None:
    """A segment's first record, or the one at `offset`; None without one."""
    decoder = core.JournalDecoder(next_seq, offset)
    for block in read_blocks(path, offset):
        decoder.feed(block)
        try:
            first = decoder.take(1)
        except core.JournalError as exc:
            raise damaged(path, exc) from exc
        if first:
            return first[0]
    return None
