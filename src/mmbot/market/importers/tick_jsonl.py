"""Importer of tick JSONL (`mmbot.market.ticks`): the best quotes become a book of one level a side.

The first line of a symbol is a snapshot, every further one the difference to the line before, so
that a price that stays keeps its place in the queue. There are no receive times.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pyarrow as pa

from mmbot.market.importers.base import Block, Counts, Format, Found, Grid, Reject
from mmbot.market.importers.rows import BookBuffer, Lines, StepFinder, TradeBuffer, steps_of
from mmbot.market.schema import BookKind, BookSide
from mmbot.market.ticks import DEFAULT_SYMBOL, Tick, TickError, parse_tick
from mmbot.units import INT64_MAX

__all__ = ["FORMAT", "TickDecoder", "TickScanner"]

_RAW_LIMIT = 4096


def _matches(first: bytes) -> bool:
    line = first.lstrip().split(b"\n", 1)[0]
    return line.startswith(b"{") and b'"ts_ms"' in line and b'"bid"' in line and b'"ask"' in line


class TickScanner:
    """Symbols and grids of a file."""

    def __init__(self, _path: str) -> None:
        self.lines = self.first_ns = 0
        self.trouble: tuple[int, str] | None = None
        self._lines = Lines()
        self._steps: dict[str, tuple[StepFinder, StepFinder]] = {}

    def feed(self, block: Block) -> None:
        """Takes the next block."""
        assert isinstance(block, bytes)
        self._scan(self._lines.feed(block))

    def finish(self) -> list[Found]:
        """Symbols in alphabetical order."""
        self._scan(self._lines.end())
        return [
            Found(
                exchange="ticks",
                market="",
                symbol=symbol,
                key=symbol,
                named=symbol != DEFAULT_SYMBOL,
                # Without any size the lot does not matter.
                inferred=Grid(px.step() or "1", qty.step() or "1"),
            )
            for symbol, (px, qty) in sorted(self._steps.items())
        ]

    def _scan(self, lines: Iterator[bytes]) -> None:
        for line in lines:
            self.lines += 1
            try:
                tick = parse_tick(line, last_ts_ns=0)
            except TickError as error:
                self.trouble = self.trouble or (self.lines, f"{error.detail} {error.reason}")
                continue
            self.first_ns = self.first_ns or tick.ts_ns
            px, qty = self._steps.setdefault(tick.symbol, (StepFinder(), StepFinder()))
            for value in (tick.bid, tick.ask, *(p.px for p in tick.prints)):
                px.add(value)
            for value in (tick.bid_qty, tick.ask_qty, *(p.qty for p in tick.prints)):
                qty.add(value)


class TickDecoder:
    """Rows of one symbol with venue time in [start, end)."""

    def __init__(
        self,
        _path: str,
        found: Found,
        grid: Grid,
        *,
        start_ns: int = 0,
        end_ns: int = INT64_MAX,
    ) -> None:
        self._symbol = found.key
        self._range_ns = range(start_ns, end_ns)
        self._tick, self._lot = Decimal(grid.tick_size), Decimal(grid.lot_size)
        self._lines = Lines()
        self._book, self._trades = BookBuffer(), TradeBuffer()
        self._rejects: list[Reject] = []
        self._top: dict[BookSide, int] = {}
        self._last_ns = self._frames = self._ignored = 0

    def feed(self, block: Block) -> None:
        """Takes the next block."""
        assert isinstance(block, bytes)
        self._decode(self._lines.feed(block))

    def end_file(self, *, last: bool) -> None:  # noqa: ARG002, the protocol has it
        """Takes the last line."""
        self._decode(self._lines.end())

    def take_book(self) -> pa.Table:
        """Rows since the last call."""
        return self._book.take()

    def take_trades(self) -> pa.Table:
        """Rows since the last call."""
        return self._trades.take()

    def take_rejects(self) -> list[Reject]:
        """Bad lines since the last call."""
        rejects, self._rejects = self._rejects, []
        return rejects

    def counts(self) -> Counts:
        """Counters since the start."""
        return Counts(frames=self._frames, ignored=self._ignored)

    def _decode(self, lines: Iterator[bytes]) -> None:
        for line in lines:
            try:
                tick = parse_tick(line, last_ts_ns=self._last_ns)
                if tick.symbol != self._symbol or tick.ts_ns not in self._range_ns:
                    self._ignored += 1
                    continue
                self._take(tick)
            except TickError as error:
                text = line[:_RAW_LIMIT].decode("ascii", "backslashreplace")
                self._rejects.append(
                    Reject(
                        self._lines.number,
                        self._lines.offset,
                        error.reason,
                        f"E_BT_LOADER:{error.detail}",
                        text,
                    )
                )

    def _take(self, tick: Tick) -> None:
        new = {
            BookSide.BID: (self._on(tick.bid, self._tick), self._size(tick.bid_qty)),
            BookSide.ASK: (self._on(tick.ask, self._tick), self._size(tick.ask_qty)),
        }
        prints = [(self._on(p.px, self._tick), self._on(p.qty, self._lot), p) for p in tick.prints]
        self._last_ns = tick.ts_ns
        self._frames += 1
        kind = BookKind.DELTA if self._top else BookKind.SNAPSHOT
        for side, px in self._top.items():
            if px != new[side][0]:
                self._level(tick.ts_ns, kind, side, px, 0)
        for side, (px, qty) in new.items():
            self._level(tick.ts_ns, kind, side, px, qty)
            self._top[side] = px
        for i, (px, qty, item) in enumerate(prints):
            self._trades.add(
                ts_ns=tick.ts_ns,
                recv_ns=tick.ts_ns,
                trade_id=f"{self._lines.number}-{i}",
                side=item.side,
                px=px,
                qty=qty,
            )

    def _level(self, ts_ns: int, kind: BookKind, side: BookSide, px: int, qty: int) -> None:
        self._book.add(
            ts_ns=ts_ns,
            recv_ns=ts_ns,
            update_id=self._frames,
            kind=kind,
            side=side,
            px=px,
            qty=qty,
        )

    def _size(self, qty: Decimal) -> int:
        return max(self._on(qty, self._lot), 1)

    @staticmethod
    def _on(value: Decimal, step: Decimal) -> int:
        steps = steps_of(value, step)
        if steps is None:
            raise TickError("bad_value", f"{value} is not a multiple of {step}")
        return steps


FORMAT = Format(
    name="tick-jsonl",
    summary="best quotes and prints, one JSON object a line",
    exchange="ticks",
    continues=False,
    has_receive_time=False,
    matches=_matches,
    scanner=TickScanner,
    decoder=TickDecoder,
)
