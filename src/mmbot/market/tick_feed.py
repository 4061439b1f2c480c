"""A tick JSONL file as a source of events, as `--ticks FILE` reads it; memory stays bounded.

The file is read twice: once for its symbols and grids, once for its rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mmbot import core
from mmbot.errors import MarketDataError
from mmbot.market.importers.base import Found, Grid, Reject
from mmbot.market.importers.sources import blocks
from mmbot.market.importers.tick_jsonl import TickDecoder, TickScanner
from mmbot.units import INT64_MAX

__all__ = ["OnBadLine", "TickFeed", "open_ticks"]

OnBadLine = Literal["fail", "skip"]


@dataclass(slots=True)
class TickFeed:
    """One symbol of a tick file. `bad_lines` counts the lines that `chunks` has skipped."""

    path: str
    symbol: str
    tick_size: str
    lot_size: str
    on_bad_line: OnBadLine
    bad_lines: int = 0

    def chunks(self, *, start_ns: int = 0, end_ns: int = INT64_MAX) -> Iterator[core.EventChunk]:
        """The rows with venue time in [start, end).

        Raises:
            MarketDataError: ``E_BT_LOADER`` for a bad line, ``E_BT_NO_DATA`` for an empty range.
        """
        self.bad_lines = 0
        found = Found(exchange="ticks", market="", symbol=self.symbol, key=self.symbol)
        grid = Grid(self.tick_size, self.lot_size)
        decoder = TickDecoder(self.path, found, grid, start_ns=start_ns, end_ns=end_ns)
        merger = core.StreamMerger()
        seen = False
        for block in _blocks(self.path):
            decoder.feed(block)
            self._check(decoder.take_rejects())
            _push(merger, decoder)
            while (chunk := merger.take()) is not None:
                seen = True
                yield chunk
        decoder.end_file(last=True)
        self._check(decoder.take_rejects())
        _push(merger, decoder)
        merger.end_book()
        merger.end_trades()
        while (chunk := merger.take()) is not None:
            seen = True
            yield chunk
        if not seen:
            raise MarketDataError(
                "E_BT_NO_DATA", f"file={self.path}", "has no row in the time range"
            )

    def _check(self, rejects: list[Reject]) -> None:
        self.bad_lines += len(rejects)
        if rejects and self.on_bad_line == "fail":
            first = rejects[0]
            raise MarketDataError(
                "E_BT_LOADER",
                f"line={first.line} file={self.path}",
                first.reason,
                detail=first.code.partition(":")[2],
            )


def open_ticks(
    path: str | Path,
    *,
    symbol: str | None = None,
    tick_size: str | None = None,
    lot_size: str | None = None,
    on_bad_line: OnBadLine = "fail",
) -> TickFeed:
    """Opens a tick file; a symbol is needed only when it holds several.

    Grids that are not given are inferred: the coarsest step of which all numbers are multiples.

    Raises:
        MarketDataError: ``E_BT_LOADER:io_error`` for an unreadable file, ``E_BT_NO_DATA`` without
        a usable line or for an unknown symbol, ``E_BT_SOURCE`` when a symbol has to be chosen.
    """
    scanner = TickScanner(str(path))
    for block in _blocks(str(path)):
        scanner.feed(block)
    found = {item.symbol: item for item in scanner.finish()}
    wanted = symbol.upper() if symbol is not None else next(iter(found), "")
    if symbol is None and len(found) > 1:
        raise MarketDataError(
            "E_BT_SOURCE", f"file={path}", f"holds several symbols, choose one: {', '.join(found)}"
        )
    if wanted not in found:
        line, reason = scanner.trouble or (0, "it is empty")
        held = ", ".join(found) or f"no usable line: line {line}: {reason}"
        raise MarketDataError("E_BT_NO_DATA", f"file={path} symbol={wanted}", f"holds {held}")
    inferred = found[wanted].inferred or Grid("1", "1")
    return TickFeed(
        str(path),
        wanted,
        tick_size or inferred.tick_size,
        lot_size or inferred.lot_size,
        on_bad_line,
    )


def _blocks(path: str) -> Iterator[bytes]:
    try:
        yield from blocks(path)
    except MarketDataError as error:
        raise MarketDataError("E_BT_LOADER", error.key, error.message, detail="io_error") from error


def _push(merger: core.StreamMerger, decoder: TickDecoder) -> None:
    """Hands the decoded rows to the merger."""
    book, trades = decoder.take_book(), decoder.take_trades()
    if book.num_rows:
        merger.push_book(
            **{
                name: book.column(name).to_numpy()
                for name in ("ts_ns", "recv_ns", "update_id", "kind", "side", "px", "qty")
            }
        )
    if trades.num_rows:
        merger.push_trades(
            **{
                name: trades.column(name).to_numpy()
                for name in ("ts_ns", "recv_ns", "side", "px", "qty")
            }
        )
