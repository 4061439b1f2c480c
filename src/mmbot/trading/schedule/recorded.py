"""Samples of recorded markets for the suggestion, in memory that grows with minutes only.

The engine's own market replays the recording, so spread and volatility are those that the bot would
have seen; a lane without levels trades nothing. Every UTC minute of receive time is one sample, if
the book was usable at its end, was updated in it, and the volatility was ready.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from mmbot import core
from mmbot.errors import MarketDataError
from mmbot.market.catalog import SymbolInfo, find_symbol, footers_of, read_events
from mmbot.market.parts import Root
from mmbot.market.reader import row_columns
from mmbot.trading.schedule.suggest import (
    MinuteSample,
    Suggestion,
    SuggestRequest,
    rank_slots,
    slot_stats,
)
from mmbot.units import NS_PER_DAY, NS_PER_MIN

__all__ = ["SPAN_NS", "minute_samples", "suggest_windows"]

SPAN_NS: Final = 14 * NS_PER_DAY
_NO_QUOTES: Final = {"portfolio.target_usd": 0.0}


def suggest_windows(
    root: str | Path,
    symbols: Sequence[str],
    *,
    now_ns: int,
    request: SuggestRequest,
    venue: str | None = None,
) -> tuple[Suggestion, ...]:
    """Suggested windows from the last 14 days of the catalog; empty without data.

    Args:
        root: the catalog.
        symbols: whose minutes are pooled; those that are not in the catalog are left out.
        now_ns: end of the 14 days, excluded.
        request: how to rank.
        venue: needed only when several have a symbol.

    Raises:
        MarketDataError: ``E_BT_SOURCE`` for an ambiguous symbol, ``E_MD_FRAME`` and ``E_MD_CLOCK``
        for damaged files.
    """
    start_ns = max(0, now_ns - SPAN_NS)
    samples: list[MinuteSample] = []
    for symbol in dict.fromkeys(symbols):
        try:
            info = find_symbol(root, symbol=symbol, venue=venue)
            samples.extend(minute_samples(root, info, start_ns=start_ns, end_ns=now_ns))
        except MarketDataError as exc:
            if exc.code != "E_BT_NO_DATA":
                raise
    return rank_slots(slot_stats(samples), request)


def minute_samples(
    root: str | Path, info: SymbolInfo, *, start_ns: int, end_ns: int
) -> Iterator[MinuteSample]:
    """One sample per usable minute of a symbol in [start, end)."""
    instrument = core.Instrument(info.symbol, info.tick_size, info.lot_size)
    engine = core.Backtest(instrument, [_NO_QUOTES])
    notional = _notional_by_minute(root, info, start_ns, end_ns)
    minute: int | None = None
    chunks = read_events(
        root, venue=info.venue, symbol=info.symbol, start_ns=start_ns, end_ns=end_ns
    )
    for chunk in chunks:
        if not len(chunk):
            continue
        if minute is None:
            minute = int(np.min(chunk.to_arrays()["ts_local"])) // NS_PER_MIN
        needs_data = engine.advance(chunk, _last_ns(minute))
        while not needs_data:
            sample = _sample(engine, minute, notional.get(minute, 0.0))
            if sample is not None:
                yield sample
            minute += 1
            needs_data = engine.advance(None, _last_ns(minute))


def _last_ns(minute: int) -> int:
    """The last instant of a minute."""
    return (minute + 1) * NS_PER_MIN - 1


def _sample(engine: core.Backtest, minute: int, notional: float) -> MinuteSample | None:
    """The minute that the engine has just finished."""
    seen = engine.snapshot(0)
    spread_bps, vola_bps = seen["spread_bps"], seen["vola_1m_bps"]
    is_usable = seen["synced"] and spread_bps is not None and vola_bps is not None
    if not is_usable or seen["ts_exch_ns"] < minute * NS_PER_MIN:
        return None
    return MinuteSample(minute, float(spread_bps), float(vola_bps), notional)


def _notional_by_minute(
    root: str | Path, info: SymbolInfo, start_ns: int, end_ns: int
) -> dict[int, float]:
    """Traded notional by minute of receive time, quote currency."""
    unit = float(info.tick_size) * float(info.lot_size)
    place = Root(root)
    total: defaultdict[int, float] = defaultdict(float)
    batches = row_columns(
        place,
        footers_of(place, info.venue, info.symbol, "trades"),
        ("ts_ns", "recv_ns", "px", "qty"),
        start_ns=start_ns,
        end_ns=end_ns,
    )
    for rows in batches:
        recv_ns, px, qty = (rows[name] for name in ("recv_ns", "px", "qty"))
        minutes, index = np.unique(recv_ns // NS_PER_MIN, return_inverse=True)
        sums = np.bincount(index, weights=px.astype(np.float64) * qty)
        for minute, value in zip(minutes.tolist(), sums.tolist(), strict=True):
            total[minute] += value * unit
    return dict(total)
