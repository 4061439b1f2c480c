"""Statistics of a symbol for people: spreads, depth of the touch, trades, gaps, feed latency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mmbot.market.catalog import SymbolInfo, find_symbol, footers_of
from mmbot.market.parts import Footer, Root
from mmbot.market.reader import row_columns
from mmbot.market.replay import BookReplay, Tops
from mmbot.market.schema import BookKind
from mmbot.units import BPS_PER_UNIT, NS_PER_MS, NS_PER_SEC

__all__ = ["QUANTILES", "SymbolStats", "symbol_stats"]

QUANTILES: Final = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
# Enough for a quantile's third digit; keeps memory flat over any period.
_SAMPLE: Final = 200_000


@dataclass(frozen=True, slots=True)
class SymbolStats:
    """Statistics; quantiles are keyed ``p01`` .. ``p99`` and empty without data.

    `spread_bps` and `spread_ticks` are over packets, `feed_latency_ms` is receive time minus venue
    time over book rows.
    """

    info: SymbolInfo
    packets: int
    snapshots: int
    gaps: int
    crossed: int
    trades: int
    buys: int
    volume_base: float
    volume_quote: float
    trades_per_sec: float
    spread_bps: Mapping[str, float]
    spread_ticks: Mapping[str, float]
    feed_latency_ms: Mapping[str, float]
    min_px: float | None
    max_px: float | None


class _Sample:
    """Every n-th value, n doubling whenever the sample is full: deterministic and bounded."""

    def __init__(self) -> None:
        self._kept: list[NDArray[np.float64]] = []
        self._step = 1
        self._skip = 0
        self._size = 0

    def add(self, values: NDArray[np.float64]) -> None:
        kept = values[self._skip :: self._step]
        self._skip = (self._skip - len(values)) % self._step
        self._kept.append(kept)
        self._size += len(kept)
        if self._size > 2 * _SAMPLE:
            joined = np.concatenate(self._kept)[::2]
            self._kept, self._size, self._step = [joined], len(joined), 2 * self._step

    def quantiles(self) -> dict[str, float]:
        values = np.concatenate(self._kept) if self._kept else np.empty(0)
        if not len(values):
            return {}
        found = np.quantile(values, QUANTILES, method="inverted_cdf")
        return {f"p{q * 100:02.0f}": float(v) for q, v in zip(QUANTILES, found, strict=True)}


@dataclass(frozen=True, slots=True)
class _BookStats:
    packets: int
    crossed: int
    replay: BookReplay
    spread_bps: dict[str, float]
    spread_ticks: dict[str, float]
    latency: dict[str, float]
    min_px: int | None
    max_px: int | None


def symbol_stats(root: str | Path, *, symbol: str, venue: str | None = None) -> SymbolStats:
    """Reads all rows of a symbol once.

    Raises:
        MarketDataError: as `mmbot.market.catalog.find_symbol` and for damaged files.
    """
    place = Root(root)
    info = find_symbol(root, symbol=symbol, venue=venue)
    tick, lot = float(info.tick_size), float(info.lot_size)
    book = _book(place, footers_of(place, info.venue, symbol, "book"))
    trades = buys = 0
    volume_lots = volume_ticks_lots = 0.0
    footers = footers_of(place, info.venue, symbol, "trades")
    for rows in row_columns(place, footers, ("ts_ns", "side", "px", "qty")):
        side, px, qty = (rows[name] for name in ("side", "px", "qty"))
        trades += len(side)
        buys += int((side == 0).sum())
        volume_lots += float(qty.sum(dtype=np.float64))
        volume_ticks_lots += float((px.astype(np.float64) * qty).sum())
    span_sec = max((info.last_ts_ns - info.first_ts_ns) / NS_PER_SEC, 1e-9)
    return SymbolStats(
        info=info,
        packets=book.packets,
        snapshots=book.replay.snapshots,
        gaps=book.replay.gaps,
        crossed=book.crossed,
        trades=trades,
        buys=buys,
        volume_base=volume_lots * lot,
        volume_quote=volume_ticks_lots * tick * lot,
        trades_per_sec=trades / span_sec,
        spread_bps=book.spread_bps,
        spread_ticks=book.spread_ticks,
        feed_latency_ms=book.latency,
        min_px=None if book.min_px is None else book.min_px * tick,
        max_px=None if book.max_px is None else book.max_px * tick,
    )


def _book(root: Root, footers: Sequence[Footer]) -> _BookStats:
    replay = BookReplay()
    spreads, spreads_bps, latency = _Sample(), _Sample(), _Sample()
    packets = crossed = 0
    low: int | None = None
    high: int | None = None

    def note(tops: Tops) -> None:
        nonlocal packets, crossed, low, high
        packets += len(tops.row)
        crossed += int(tops.crossed.sum())
        bid, ask = tops.bid_px[tops.usable], tops.ask_px[tops.usable]
        if not len(bid):
            return
        width = (ask - bid).astype(np.float64)
        spreads.add(width)
        spreads_bps.add(BPS_PER_UNIT * width / ((bid + ask) / 2.0))
        low = int(bid.min()) if low is None else min(low, int(bid.min()))
        high = int(ask.max()) if high is None else max(high, int(ask.max()))

    columns = ("ts_ns", "recv_ns", "update_id", "kind", "side", "px", "qty")
    for rows in row_columns(root, footers, columns):
        real = rows["kind"] != BookKind.GAP
        latency.add((rows["recv_ns"] - rows["ts_ns"])[real] / NS_PER_MS)
        note(replay.apply(rows))
    note(replay.finish())
    return _BookStats(
        packets,
        crossed,
        replay,
        spreads_bps.quantiles(),
        spreads.quantiles(),
        latency.quantiles(),
        low,
        high,
    )
