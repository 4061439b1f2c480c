"""Importer of captures of the wire (`mmbot.market.frames`): segments in, catalog rows out.

A segment is given to the decoders of the core as lines of a capture. A gap that the recorder marked
breaks the books that it is about; a segment that does not go on where the one before ended breaks
all of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from mmbot.errors import MarketDataError
from mmbot.market.frames.layout import FILE_MAGIC, CaptureHead, Frame, FrameKind
from mmbot.market.frames.reader import SegmentReader
from mmbot.market.importers.base import Block, Counts, Format, Found, Grid, Reject
from mmbot.market.importers.native import NativeDecoder, NativeScanner, kind_named
from mmbot.market.importers.sources import BLOCK_BYTES, OnBytes
from mmbot.store.canonical import canonical_json

__all__ = ["FORMAT", "CaptureDecoder", "CaptureScanner", "head_line", "line_of"]

_HEAD: Final = b'{"t":"capture"'
_GAP: Final = b'{"t":"gap"'
_CONN: Final = "wire"
# What the text of a JSON string may not hold as it is.
_CONTROL: Final = re.compile(rb"[\x00-\x1f]")


def read_lines(path: str, on_bytes: OnBytes) -> Iterator[Block]:
    """A segment as blocks of lines.

    Raises:
        MarketDataError: ``E_REC_IMPORT`` when it cannot be read.
    """
    try:
        reader = SegmentReader(Path(path))
        block = bytearray(head_line(reader.document))
        for frame in reader.frames(on_bytes):
            block += line_of(frame)
            if len(block) >= BLOCK_BYTES:
                yield bytes(block)
                block.clear()
    except MarketDataError as exc:
        raise MarketDataError("E_REC_IMPORT", f"file={path} line=0", exc.message) from exc
    yield bytes(block)


def head_line(document: dict[str, Any]) -> bytes:
    """The first line of a segment, for decoders and scanners."""
    return _HEAD + b',"head":' + canonical_json(document).strip() + b"}\n"


def line_of(frame: Frame) -> bytes:
    """A frame as a line of a capture."""
    if frame.kind is FrameKind.RECEIVED:
        text = b'{"t":"recv","conn":"wire","ts":%d,"data":"%s"}\n'
        return text % (frame.recv_ns, _escaped(frame.data))
    if frame.kind is FrameKind.GAP:
        return b'%s,"ts":%d,"gap":%s}\n' % (_GAP, frame.recv_ns, frame.data)
    return b'{"t":"sent","ts":%d}\n' % frame.recv_ns


def _escaped(data: bytes) -> bytes:
    """A frame as the text of a JSON string."""
    text = data.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return _CONTROL.sub(lambda found: b"\\u%04x" % found[0][0], text)


def _connect_line(url: str, ts_ns: int) -> bytes:
    line = {"t": "connect", "conn": _CONN, "ts": ts_ns, "url": url}
    return json.dumps(line, separators=(",", ":")).encode("ascii") + b"\n"


class CaptureScanner:
    """Symbols and grids of a segment; the grids that its head states count."""

    def __init__(self, path: str) -> None:
        reader = SegmentReader(Path(path))
        self._head = reader.head
        self.first_ns = next((frame.recv_ns for frame in reader.frames()), 0)
        self._inner = NativeScanner(kind_named(f"{self._head.exchange}-jsonl"))

    @property
    def lines(self) -> int:
        """Lines so far; the first one is the head."""
        return self._inner.lines

    @property
    def trouble(self) -> tuple[int, str] | None:
        """See `mmbot.market.importers.base.Scanner`."""
        return self._inner.trouble

    def feed(self, block: Block) -> None:
        """Takes the next block."""
        assert isinstance(block, bytes)
        if block.startswith(_HEAD):
            block = _connect_line(_url(self._head), 1) + block.partition(b"\n")[2]
        self._inner.feed(block)

    def finish(self) -> list[Found]:
        """What was found."""
        found = []
        for one in self._inner.finish():
            stated = self._head.grids.get(one.symbol)
            market = one.market or self._head.market
            grid = None if stated is None else Grid(*stated)
            found.append(replace(one, market=market, stated=grid or one.stated))
        return found


class CaptureDecoder:
    """Rows of one symbol of the segments of a capture."""

    def __init__(self, head: CaptureHead, found: Found, grid: Grid) -> None:
        self._symbol = found.symbol
        self._url = _url(head)
        kind = kind_named(f"{found.exchange}-jsonl")
        self._inner = NativeDecoder(kind, found, grid)
        self._is_begun = False
        self._rest = b""

    def feed(self, block: Block) -> None:
        """Takes the next block; lines may be cut by its end."""
        assert isinstance(block, bytes)
        if _HEAD not in block and _GAP not in block and not self._rest:
            self._inner.feed(block)
            return
        *lines, self._rest = (self._rest + block).split(b"\n")
        self._inner.feed(b"".join(map(self._translated, lines)))

    def end_file(self, *, last: bool) -> None:
        """The segment ends here."""
        self._inner.end_file(last=last)

    def take_book(self) -> pa.Table:
        """Rows since the last call."""
        return self._inner.take_book()

    def take_trades(self) -> pa.Table:
        """Rows since the last call."""
        return self._inner.take_trades()

    def take_rejects(self) -> list[Reject]:
        """Bad frames since the last call; line 2 is the first frame of a segment."""
        return self._inner.take_rejects()

    def counts(self) -> Counts:
        """Counters since the start."""
        return self._inner.counts()

    def _translated(self, line: bytes) -> bytes:
        """A line for the core: heads and gaps that break this symbol's book open a connection."""
        if line.startswith(_HEAD):
            if json.loads(line)["head"]["goes_on"] and self._is_begun:
                return line + b"\n"
            self._is_begun = True
            return _connect_line(self._url, 1)
        if line.startswith(_GAP):
            mark = json.loads(line)
            symbols = mark["gap"].get("symbols")
            if symbols is None or self._symbol in symbols:
                return _connect_line(self._url, mark["ts"])
        return line + b"\n"


def _url(head: CaptureHead) -> str:
    """An address that tells the market; one that does not is given the venue's path."""
    if head.exchange == "bybit" and head.market and "/public/" not in head.url:
        return f"{head.url}/v5/public/{head.market}"
    return head.url


def _decoder(path: str, found: Found, grid: Grid) -> CaptureDecoder:
    return CaptureDecoder(SegmentReader(Path(path)).head, found, grid)


def _is_blank(path: str) -> bool:
    # whatever came, even if nobody can read it, is not to be passed over
    return all(frame.kind is FrameKind.GAP for frame in SegmentReader(Path(path)).frames())


FORMAT: Final = Format(
    name="mmbot-frames",
    summary="frames of the wire as `mmbot record --venue` writes them (segments `<n>.mmf`)",
    exchange="",
    continues=True,
    has_receive_time=True,
    is_blank=_is_blank,
    matches=lambda first: first.startswith(FILE_MAGIC),
    scanner=CaptureScanner,
    decoder=_decoder,
    read=read_lines,
)
