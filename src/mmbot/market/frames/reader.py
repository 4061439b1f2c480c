"""Gives back the frames of a capture, also of one that is being written or was cut by a crash."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Final

from mmbot.core import CoreError
from mmbot.errors import MarketDataError
from mmbot.market.frames.layout import (
    BLOCK_MAGIC,
    CHUNK_MAGIC,
    HEADER_BYTES,
    Batch,
    CaptureHead,
    Frame,
    FrameKind,
    Header,
    gap_frame,
    read_block,
    read_chunk,
    segment_names,
)

__all__ = ["CaptureReader", "SegmentReader", "is_begun", "last_run", "missing"]

_LINE_MAX: Final = 1 << 20
_SEARCH_BYTES: Final = 1 << 20
# The writer can empty the tail between two looks; it cannot do that more often than it is looked.
_LOOKS_MAX: Final = 100


def _nobody(_: int) -> None:
    """Progress that nobody watches."""


class SegmentReader:
    """One segment and its tail.

    Attributes:
        head: what is recorded.
        document: the whole first line.
        next_seq: number of the frame behind the last one that was given.
        damaged: stretches that were left out because they are not what was written; a gap mark
            stands for each.
        torn: incomplete ends that a killed writer left.
        whole_bytes: length of the segment without a torn end.
        tail: what the tail held beyond the blocks, with the number of its first frame.

    Raises:
        MarketDataError: ``E_REC_FRAMES`` when the file cannot be read or is no segment.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._open() as file:
            line = file.readline(_LINE_MAX)
        try:
            self.head, self.document = CaptureHead.parse(line)
            self.next_seq = int(self.document["first_seq"])
        except (ValueError, KeyError, TypeError) as exc:
            raise _unreadable(path, f"is no segment of a capture: {exc}") from exc
        self.damaged = 0
        self.torn = 0
        self.whole_bytes = len(line)
        self.tail: list[tuple[Batch, int]] = []

    @property
    def goes_on(self) -> bool:
        """Nothing is missing since the segment before."""
        return bool(self.document["goes_on"])

    def frames(self, on_bytes: Callable[[int], None] = _nobody) -> Iterator[Frame]:
        """All frames that are there now; `on_bytes` is told the stored bytes as they are used."""
        for first_seq, batch in self._batches(on_bytes):
            if first_seq > self.next_seq:
                yield missing(self.next_seq, first_seq, batch.times[0])
                self.next_seq = first_seq
            for frame in batch.frames(first_seq):
                if frame.seq >= self.next_seq:
                    self.next_seq = frame.seq + 1
                    yield frame

    def pass_over(self) -> int:
        """Read to the end and give nothing; local time of the last frame, 0 if there is none."""
        last_ns = 0
        for first_seq, batch in self._batches(_nobody):
            if first_seq + len(batch) > self.next_seq:
                self.next_seq = first_seq + len(batch)
                last_ns = batch.times[-1]
        return last_ns

    def _batches(self, on_bytes: Callable[[int], None]) -> Iterator[tuple[int, Batch]]:
        for _ in range(_LOOKS_MAX):
            yield from self._blocks(on_bytes)
            size = self._size()
            chunks, torn = self._chunks()
            # a block that came meanwhile has what was just taken out of the tail
            if self._size() == size or not self._has_more():
                break
        self.torn = torn + (self._size() > self.whole_bytes)
        for first_seq, batch in chunks:
            if first_seq >= self.next_seq:
                self.tail.append((batch, first_seq))
                yield first_seq, batch

    def _blocks(self, on_bytes: Callable[[int], None]) -> Iterator[tuple[int, Batch]]:
        """Whole blocks from `whole_bytes` on; between them what is damaged, as gap marks."""
        with self._open() as file:
            while True:
                found = self._next_block(file)
                if found is None:
                    return
                at, end, header, batch = found
                self.damaged += at > self.whole_bytes
                on_bytes(end - self.whole_bytes)
                self.whole_bytes = end
                if header.first_seq + header.count > self.next_seq:
                    yield header.first_seq, batch

    def _next_block(self, file: IO[bytes]) -> tuple[int, int, Header, Batch] | None:
        """The next whole block: where it begins and ends; damage before it is passed over."""
        at = self.whole_bytes
        while True:
            file.seek(at)
            head = file.read(HEADER_BYTES)
            header = Header.at(head, 0, BLOCK_MAGIC)
            if header is not None:
                body = file.read(header.length)
                if len(body) == header.length:
                    try:
                        return at, file.tell(), header, read_block(header, body)
                    except (ValueError, CoreError):
                        pass
            following = _find(file, at + 1)
            if following is None:
                return None
            at = following

    def _chunks(self) -> tuple[list[tuple[int, Batch]], int]:
        """Whole chunks of the tail, and how many ends are torn (0 or 1)."""
        try:
            data = self.path.with_suffix(".tail").read_bytes()
        except FileNotFoundError:
            return [], 0
        except OSError as exc:
            raise _unreadable(self.path, exc.strerror or "cannot be read") from exc
        found = []
        at = 0
        while (header := Header.at(data, at, CHUNK_MAGIC)) is not None:
            end = at + HEADER_BYTES + header.length
            try:
                if end > len(data):
                    break
                batch = read_chunk(header, data[at + HEADER_BYTES : end])
            except ValueError:
                break
            found.append((header.first_seq, batch))
            at = end
        return found, int(at < len(data))

    def _has_more(self) -> bool:
        with self._open() as file:
            return self._next_block(file) is not None

    def _size(self) -> int:
        try:
            return self.path.stat().st_size
        except OSError as exc:
            raise _unreadable(self.path, exc.strerror or "cannot be read") from exc

    def _open(self) -> IO[bytes]:
        try:
            return self.path.open("rb")
        except OSError as exc:
            raise _unreadable(self.path, exc.strerror or "cannot be read") from exc


class CaptureReader:
    """All segments of a capture in their order.

    Raises:
        MarketDataError: ``E_REC_FRAMES`` when the directory cannot be read or has no segment.
    """

    def __init__(self, directory: Path | str) -> None:
        self._paths = [path for _, path in segment_names(Path(directory)) if is_begun(path)]
        if not self._paths:
            raise _unreadable(Path(directory), "holds no segment of a capture")
        self.damaged = 0
        self.torn = 0

    @property
    def segments(self) -> list[Path]:
        """Their files."""
        return list(self._paths)

    def frames(self) -> Iterator[Frame]:
        """All frames; gaps among them as the recorder marked them."""
        next_seq: int | None = None
        for path in self._paths:
            reader = SegmentReader(path)
            if next_seq is not None:
                # what the segment before lost at its end shows at the beginning of this one
                reader.next_seq = next_seq
            yield from reader.frames()
            next_seq = reader.next_seq
            self.damaged += reader.damaged
            self.torn += reader.torn

    def wire(self) -> Iterator[bytes]:
        """What was received, byte for byte."""
        return (frame.data for frame in self.frames() if frame.kind is FrameKind.RECEIVED)


def last_run(directory: Path) -> Iterator[Frame]:
    """The frames of the writer before the present one, whose segment is the newest.

    Raises:
        MarketDataError: ``E_REC_FRAMES`` for a segment that cannot be read.
    """
    run: list[SegmentReader] = []
    for _, path in reversed(segment_names(directory)[:-1]):
        run.append(SegmentReader(path))
        if not run[-1].goes_on:
            break
    for reader in reversed(run):
        yield from reader.frames()


def missing(next_seq: int, found_seq: int, recv_ns: int) -> Frame:
    """The mark for frames that are not there; it has the number of the last of them."""
    _, kind, data = gap_frame(recv_ns, "damaged", lost=found_seq - next_seq)
    return Frame(found_seq - 1, recv_ns, FrameKind(kind), data)


def is_begun(path: Path) -> bool:
    """Whether a segment has its first line; the writer may have been killed before."""
    try:
        with path.open("rb") as file:
            return file.readline(_LINE_MAX).endswith(b"\n")
    except OSError as exc:
        raise _unreadable(path, exc.strerror or "cannot be read") from exc


def _find(file: IO[bytes], at: int) -> int | None:
    """Where the next block may begin, at or behind `at`."""
    rest = b""
    file.seek(at)
    while block := file.read(_SEARCH_BYTES):
        found = (rest + block).find(BLOCK_MAGIC)
        if found >= 0:
            return at - len(rest) + found
        at += len(block)
        rest = (rest + block)[1 - len(BLOCK_MAGIC) :]
    return None


def _unreadable(path: Path, reason: str) -> MarketDataError:
    return MarketDataError("E_REC_FRAMES", f"file={path}", reason)
