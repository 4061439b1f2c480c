"""Exports a symbol as tick JSONL: a line per change of the best quotes (`mmbot.market.ticks`)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from mmbot.errors import MarketDataError
from mmbot.market.catalog import find_symbol, footers_of
from mmbot.market.parts import Root
from mmbot.market.reader import row_columns
from mmbot.market.replay import BookReplay, Tops
from mmbot.store.artifacts import open_atomic
from mmbot.store.canonical import canonical_json
from mmbot.units import NS_PER_MS

__all__ = ["export_ticks", "tick_lines"]

# The finest grid that any venue has.
_DECIMALS = 12
_SIDES = ("buy", "sell")
Print = tuple[int, dict[str, Any]]


def export_ticks(
    root: str | Path,
    out: str | Path,
    *,
    symbol: str,
    venue: str | None = None,
    start_ns: int | None = None,
    end_ns: int | None = None,
) -> int:
    """Writes the file atomically and returns the number of lines.

    Raises:
        MarketDataError: ``E_BT_NO_DATA`` when the range holds no two-sided book.
    """
    lines = 0
    with open_atomic(out) as file:
        for line in tick_lines(root, symbol=symbol, venue=venue, start_ns=start_ns, end_ns=end_ns):
            file.write(canonical_json(line, dp=_DECIMALS))
            lines += 1
        if not lines:
            raise MarketDataError(
                "E_BT_NO_DATA", f"symbol={symbol}", "has no two-sided book in the time range"
            )
    return lines


def tick_lines(
    root: str | Path,
    *,
    symbol: str,
    venue: str | None = None,
    start_ns: int | None = None,
    end_ns: int | None = None,
) -> Iterator[dict[str, Any]]:
    """The lines as objects. Prints come with the first line at or after them."""
    place = Root(root)
    info = find_symbol(root, symbol=symbol, venue=venue)
    tick, lot = Decimal(info.tick_size), Decimal(info.lot_size)
    prints = _prints(place, info.venue, symbol, (tick, lot), start_ns=start_ns, end_ns=end_ns)
    waiting = next(prints, None)
    before = None
    for ts_ns, bid_px, bid_qty, ask_px, ask_qty in _tops(place, info.venue, symbol, end_ns):
        quote = (bid_px, bid_qty, ask_px, ask_qty)
        if quote == before or (start_ns is not None and ts_ns < start_ns):
            continue
        before = quote
        trades = []
        while waiting is not None and waiting[0] <= ts_ns:
            trades.append(waiting[1])
            waiting = next(prints, None)
        yield {
            "ts_ms": ts_ns // NS_PER_MS,
            "bid": _number(bid_px, tick),
            "ask": _number(ask_px, tick),
            "bid_qty": _number(bid_qty, lot),
            "ask_qty": _number(ask_qty, lot),
            "trades": trades,
            "symbol": symbol,
        }


def _tops(
    root: Root, venue: str, symbol: str, end_ns: int | None
) -> Iterator[tuple[int, int, int, int, int]]:
    """Time and best quotes after every packet that leaves a two-sided, uncrossed book."""
    replay = BookReplay()
    columns = ("ts_ns", "update_id", "kind", "side", "px", "qty")
    footers = footers_of(root, venue, symbol, "book")
    for rows in row_columns(root, footers, columns, end_ns=end_ns):
        yield from _good(replay.apply(rows))
    yield from _good(replay.finish())


def _good(tops: Tops) -> Iterator[tuple[int, int, int, int, int]]:
    good = tops.usable & ~tops.crossed
    columns = (tops.ts_ns, tops.bid_px, tops.bid_qty, tops.ask_px, tops.ask_qty)
    yield from zip(*(column[good].tolist() for column in columns), strict=True)


def _prints(
    root: Root,
    venue: str,
    symbol: str,
    steps: tuple[Decimal, Decimal],
    *,
    start_ns: int | None,
    end_ns: int | None,
) -> Iterator[Print]:
    names = ("ts_ns", "side", "px", "qty")
    footers = footers_of(root, venue, symbol, "trades")
    for rows in row_columns(root, footers, names, start_ns=start_ns, end_ns=end_ns):
        columns = (rows[name].tolist() for name in names)
        for ts_ns, side, px, qty in zip(*columns, strict=True):
            trade = {
                "px": _number(px, steps[0]),
                "qty": _number(qty, steps[1]),
                "side": _SIDES[side],
            }
            yield ts_ns, trade


def _number(count: int, step: Decimal) -> float:
    return float(count * step)
