"""Finds the lines of a file at which a decoder counted something, for the report and the side file.

Decoders count frames that crossed a book and times that went back; they do not say where these
stood. Both are rare, so a file is decoded once more only when it has some, a line at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from mmbot.market.importers.base import Block, Counts, Decoder, Reject
from mmbot.market.schema import BookKind

__all__ = [
    "Located",
    "Watch",
    "counted",
    "locate",
    "lowest_latency_ns",
    "sent_after_received",
]

_RAW_LIMIT = 4096
# Told what the decoder has counted and what it gave out for a line; says which codes that line
# gets.
Watch = Callable[[Counts, tuple[pa.Table, pa.Table]], list[str]]


@dataclass(frozen=True, slots=True)
class Located:
    """A line and the code of what happened there."""

    line: int
    code: str
    raw: str

    def reject(self, reason: str) -> Reject:
        """The line as a row that was left out."""
        return Reject(self.line, 0, reason, self.code, self.raw)


def locate(
    decoder: Decoder,
    *,
    earlier: Iterator[Block],
    blocks: Iterator[Block],
    joins_lines: bool,
    watch: Watch,
) -> Iterator[Located]:
    """The lines of `blocks` for which `watch` has codes.

    Args:
        decoder: a fresh one.
        earlier: blocks of the files before, which only set the state of the book.
        blocks: blocks of the file.
        joins_lines: whether a message goes over several lines, so that it is complete only when
            the next one begins.
        watch: asked after every line.
    """
    for block in earlier:
        decoder.feed(block)
        _taken(decoder)
    watch(decoder.counts(), _taken(decoder))
    previous = (0, b"")
    for number, line in enumerate(_lines(blocks), 1):
        decoder.feed(line)
        at = previous if joins_lines else (number, line)
        yield from (_located(at, code) for code in watch(decoder.counts(), _taken(decoder)))
        previous = (number, line)
    decoder.end_file(last=True)
    yield from (_located(previous, code) for code in watch(decoder.counts(), _taken(decoder)))


def counted(before: Counts) -> Watch:
    """Watches for books that were crossed and times that went back since `before`."""
    last = before

    def watch(now: Counts, _: tuple[pa.Table, pa.Table]) -> list[str]:
        nonlocal last
        codes = []
        if now.crossed > last.crossed:
            codes.append("E_MD_CROSSED")
        if now.out_of_order > last.out_of_order:
            codes.append("E_MD_CLOCK")
        last = now
        return codes

    return watch


def sent_after_received(limit_ns: int) -> Watch:
    """Watches for rows whose venue time lies more than `limit_ns` after their receive time."""

    def watch(_: Counts, tables: tuple[pa.Table, pa.Table]) -> list[str]:
        return ["E_MD_CLOCK"] if lowest_latency_ns(tables) < -limit_ns else []

    return watch


def lowest_latency_ns(tables: Iterable[pa.Table]) -> int:
    """Lowest receive time minus venue time; a large number without rows. Gap marks do not count."""
    lowest = np.iinfo(np.int64).max
    for table in tables:
        if table.num_rows:
            lag = table.column("recv_ns").to_numpy() - table.column("ts_ns").to_numpy()
            if "kind" in table.column_names:
                lag = lag[table.column("kind").to_numpy() != BookKind.GAP]
            lowest = min(lowest, int(lag.min(initial=lowest)))
    return int(lowest)


def _located(at: tuple[int, bytes], code: str) -> Located:
    number, line = at
    return Located(number, code, line[:_RAW_LIMIT].strip().decode("ascii", "backslashreplace"))


def _taken(decoder: Decoder) -> tuple[pa.Table, pa.Table]:
    decoder.take_rejects()
    return decoder.take_book(), decoder.take_trades()


def _lines(blocks: Iterator[Block]) -> Iterator[bytes]:
    """Whole lines with their ends; blocks that are no bytes have no lines."""
    rest = b""
    for block in blocks:
        if not isinstance(block, bytes):
            return
        *pieces, rest = (rest + block).split(b"\n")
        for piece in pieces:
            yield piece + b"\n"
    if rest:
        yield rest
