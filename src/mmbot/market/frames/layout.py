"""How frames lie in the files of a capture.

::

    <capture>/0.mmf, 1.mmf, ...   segments: a line that says what it is, then packed blocks
    <capture>/<n>.tail            frames that are in no block yet, as they came
    <capture>/writer.lock         held by who writes

A frame goes into the tail first, within a fraction of a second, and stays there until a block with
it is safe in the segment; then the tail is emptied. Frames have numbers, so whoever finds one in
both counts it once. A block knows nothing of other blocks: damage costs the
frames of one block and no more.

Both blocks and chunks of the tail begin with a header, little-endian: magic, CRC32 of all that
follows, length of what follows the header, length of the frames' bytes, number of frames, number of
the first one.
"""

from __future__ import annotations

import array
import json
import re
import struct
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from mmbot import core
from mmbot.errors import MarketDataError
from mmbot.market import zstd
from mmbot.store.canonical import canonical_json

__all__ = [
    "BLOCK_MAGIC",
    "CHUNK_MAGIC",
    "FILE_MAGIC",
    "HEADER_BYTES",
    "LEN_MAX",
    "Batch",
    "CaptureHead",
    "Frame",
    "FrameKind",
    "Header",
    "gap_frame",
    "packed_block",
    "plain_chunk",
    "read_block",
    "read_chunk",
    "segment_names",
]

FILE_MAGIC: Final = b"MMFRAMES1 "
BLOCK_MAGIC: Final = b"MMFB"
CHUNK_MAGIC: Final = b"MMFC"
_HEADER: Final = struct.Struct("<4sIIIIQ")
HEADER_BYTES: Final = _HEADER.size
# A length that no writer writes is damage; a frame of a venue has 1 MiB at most.
LEN_MAX: Final = 64 << 20
# Beyond this level a block takes longer and gets hardly smaller.
_LEVEL: Final = 9
_NAME: Final = re.compile(r"(0|[1-9][0-9]*)\.mmf", re.ASCII)


class FrameKind(IntEnum):
    """What a frame is; a gap is a mark of the recorder's own, JSON with a `reason`."""

    RECEIVED = 0
    SENT = 1
    GAP = 2


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: its number in the capture, local time, what it is, and its bytes untouched."""

    seq: int
    recv_ns: int
    kind: FrameKind
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureHead:
    """What is recorded.

    Attributes:
        exchange: whose frames: ``bybit``, ``binance``, ``okx``.
        market: ``linear``, ``spot``, ...; empty if the venue has one.
        url: where they come from.
        grids: tick and lot size by symbol, decimal texts, where they are known.
    """

    exchange: str
    market: str = ""
    url: str = ""
    grids: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def venue(self) -> str:
        """Name of the venue in the catalog."""
        return f"{self.exchange}-{self.market}" if self.market else self.exchange

    def line(self, *, first_seq: int, goes_on: bool) -> bytes:
        """The first line of a segment; `goes_on`: nothing is missing since the one before."""
        document = {
            "exchange": self.exchange,
            "market": self.market,
            "url": self.url,
            "grids": {symbol: list(grid) for symbol, grid in self.grids.items()},
            "first_seq": first_seq,
            "goes_on": goes_on,
        }
        return FILE_MAGIC + canonical_json(document)

    @classmethod
    def parse(cls, line: bytes) -> tuple[CaptureHead, dict[str, Any]]:
        """The head of a segment and the whole document.

        Raises:
            ValueError: it is none.
        """
        if not (line.startswith(FILE_MAGIC) and line.endswith(b"\n")):
            raise ValueError("has no first line of a capture")
        document = json.loads(line.removeprefix(FILE_MAGIC))
        grids = {symbol: (tick, lot) for symbol, (tick, lot) in document["grids"].items()}
        head = cls(
            exchange=document["exchange"],
            market=document["market"],
            url=document["url"],
            grids=grids,
        )
        return head, document


@dataclass(frozen=True, slots=True)
class Batch:
    """Frames that follow each other; the three columns have an entry for each."""

    data: bytes
    lens: array.array[int]
    times: array.array[int]
    tags: array.array[int]

    @classmethod
    def of(cls, frames: Sequence[tuple[int, int, bytes]]) -> Batch:
        """Frames as (local time, kind, bytes)."""
        times, tags, datas = zip(*frames, strict=True)
        return cls(
            b"".join(datas),
            array.array("I", map(len, datas)),
            array.array("q", times),
            array.array("I", tags),
        )

    @classmethod
    def joined(cls, batches: Sequence[Batch]) -> Batch:
        """One batch of all."""
        lens, times, tags = array.array("I"), array.array("q"), array.array("I")
        for batch in batches:
            lens += batch.lens
            times += batch.times
            tags += batch.tags
        return cls(b"".join(batch.data for batch in batches), lens, times, tags)

    def __len__(self) -> int:
        """Frames."""
        return len(self.lens)

    def frames(self, first_seq: int) -> Iterator[Frame]:
        """The frames one by one."""
        ends = pairwise(accumulate(self.lens, initial=0))
        columns = zip(self.times, self.tags, ends, strict=True)
        for seq, (recv_ns, tag, (begin, end)) in enumerate(columns, first_seq):
            yield Frame(seq, recv_ns, FrameKind(tag), self.data[begin:end])


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before a block or a chunk."""

    crc: int
    length: int
    data_length: int
    count: int
    first_seq: int

    @classmethod
    def at(cls, buffer: bytes | memoryview, offset: int, magic: bytes) -> Header | None:
        """The header at an offset; None if none can be there."""
        if offset + HEADER_BYTES > len(buffer):
            return None
        found, *numbers = _HEADER.unpack_from(buffer, offset)
        header = cls(*numbers)
        is_possible = max(header.length, header.data_length) <= LEN_MAX
        return header if found == magic and is_possible else None


def gap_frame(recv_ns: int, reason: str, **about: object) -> tuple[int, int, bytes]:
    """A gap mark as (local time, kind, bytes)."""
    return recv_ns, int(FrameKind.GAP), canonical_json({"reason": reason, **about}).strip()


def plain_chunk(batch: Batch, first_seq: int) -> bytes:
    """A chunk of the tail."""
    columns = (batch.lens, batch.times, batch.tags)
    body = b"".join((*(_little(column) for column in columns), batch.data))
    return _framed(CHUNK_MAGIC, body, batch, first_seq)


def packed_block(batch: Batch, first_seq: int) -> bytes:
    """A block of a segment."""
    packed = core.pack_frames(
        batch.data,
        np.frombuffer(batch.lens, np.uint32),
        np.frombuffer(batch.times, np.int64),
        np.frombuffer(batch.tags, np.uint32),
    )
    return _framed(BLOCK_MAGIC, zstd.compress(packed, level=_LEVEL), batch, first_seq)


def read_chunk(header: Header, body: bytes) -> Batch:
    """The frames of a chunk.

    Raises:
        ValueError: it is damaged.
    """
    _check(CHUNK_MAGIC, header, body)
    columns = array.array("I"), array.array("q"), array.array("I")
    at = 0
    for column in columns:
        size = header.count * column.itemsize
        column.frombytes(body[at : at + size])
        if sys.byteorder == "big":
            column.byteswap()
        at += size
    batch = Batch(body[at:], *columns)
    if sum(batch.lens) != len(batch.data):
        raise ValueError("lengths of its frames do not add up")
    return batch


def read_block(header: Header, body: bytes) -> Batch:
    """The frames of a block.

    Raises:
        ValueError: it is damaged.
    """
    _check(BLOCK_MAGIC, header, body)
    try:
        packed = zstd.decompress(body)
    except zstd.ZstdError as exc:
        raise ValueError(str(exc)) from exc
    data, lens, times, tags = core.unpack_frames(packed, header.data_length)
    columns = array.array("I"), array.array("q"), array.array("I")
    stored = (lens.tobytes(), times.tobytes(), tags.tobytes())
    for column, values in zip(columns, stored, strict=True):
        column.frombytes(values)
    if len(lens) != header.count or len(data) != header.data_length:
        raise ValueError("has other frames than its header says")
    return Batch(data, *columns)


def segment_names(directory: Path) -> list[tuple[int, Path]]:
    """Segments of a capture by number; numbers may be missing where old ones were removed.

    Raises:
        MarketDataError: ``E_REC_FRAMES`` when there is no such directory.
    """
    try:
        names = [(path, _NAME.fullmatch(path.name)) for path in directory.iterdir()]
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise MarketDataError("E_REC_FRAMES", f"file={directory}", f"{reason}") from exc
    return sorted((int(match[1]), path) for path, match in names if match)


def _framed(magic: bytes, body: bytes, batch: Batch, first_seq: int) -> bytes:
    numbers = (len(body), len(batch.data), len(batch), first_seq)
    crc = _crc(magic, numbers, body)
    return _HEADER.pack(magic, crc, *numbers) + body


def _check(magic: bytes, header: Header, body: bytes) -> None:
    numbers = (header.length, header.data_length, header.count, header.first_seq)
    if _crc(magic, numbers, body) != header.crc:
        raise ValueError("has another checksum than its header says")


def _crc(magic: bytes, numbers: tuple[int, int, int, int], body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(_HEADER.pack(magic, 0, *numbers)))


def _little(column: array.array[int]) -> bytes:
    if sys.byteorder == "big":
        column = column[:]
        column.byteswap()
    return column.tobytes()
