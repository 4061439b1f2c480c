"""An edge report over recorded fills; what a fill does not say is filled in from quotes."""

from __future__ import annotations

import bisect
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mmbot.research.edge_accounts import (
    AuditedFill,
    Stretch,
    components,
    taker_turnover_usd,
    turnover_usd,
)
from mmbot.research.edge_lines import ActionCounts, QuoteLine, TradeLine
from mmbot.research.edge_report import build_edge_report
from mmbot.research.metrics import bps_of, percentile, share
from mmbot.units import NS_PER_DAY, NS_PER_MIN, NS_PER_MS, format_utc

__all__ = ["AuditInput", "AuditOptions", "BucketStretch", "audit", "bucket_stretches"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditInput:
    """What was read; `rejected_lines` over all files."""

    trades: Sequence[TradeLine]
    quotes: Sequence[QuoteLine] = ()
    actions: Mapping[str, ActionCounts] = field(default_factory=dict)
    rejected_lines: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditOptions:
    """The window [from, to) in ns and the length of buckets; None leaves them open."""

    from_ns: int | None = None
    to_ns: int | None = None
    horizon_ms: int = 1000
    bucket_min: int | None = None


def audit(given: AuditInput, options: AuditOptions) -> dict[str, Any]:
    """The content of ``EDGE_REPORT.json``.

    Fills before the window make the position that it opens with. Without a usable fill in the
    window all totals are zero.

    Raises:
        InvariantError: ``E_SIM_IDENTITY`` when components and ledger differ: a defect of ours.
    """
    trades = _unique(given.trades)
    start_ms = -math.inf if options.from_ns is None else options.from_ns / NS_PER_MS
    end_ms = math.inf if options.to_ns is None else options.to_ns / NS_PER_MS
    books = {
        symbol: _Book(symbol, trades, given.quotes, options.horizon_ms)
        for symbol in sorted({trade.symbol for trade in trades})
    }
    stretches = {symbol: book.stretch(start_ms, end_ms) for symbol, book in books.items()}
    stretches = {symbol: stretch for symbol, stretch in stretches.items() if stretch.fills}
    actions = {symbol: given.actions.get(symbol, ActionCounts()) for symbol in stretches}
    report = build_edge_report(
        {symbol: _result([stretches[symbol]], [actions[symbol]]) for symbol in stretches},
        horizon_ms=options.horizon_ms,
        rejected_lines=given.rejected_lines,
        totals=_result(list(stretches.values()), list(actions.values())),
        window=_window(list(stretches.values()), options),
    )
    if options.bucket_min is not None:
        used = [books[symbol] for symbol in stretches]
        for book in used:
            report["symbols"][book.symbol]["buckets"] = _buckets([book], options)
        report["totals"]["buckets"] = _buckets(used, options)
    return report


@dataclass(frozen=True, slots=True)
class BucketStretch:
    """The fills of one symbol in the bucket that begins at `start_ns`."""

    symbol: str
    start_ns: int
    stretch: Stretch


def bucket_stretches(
    given: AuditInput, *, bucket_min: int, horizon_ms: int = 1000
) -> list[BucketStretch]:
    """Every symbol's buckets that have fills, by symbol and time."""
    trades, length_ns = _unique(given.trades), bucket_min * NS_PER_MIN
    found = []
    for symbol in sorted({trade.symbol for trade in trades}):
        book = _Book(symbol, trades, given.quotes, horizon_ms)
        times = (round(fill.line.ts_ms * NS_PER_MS) for fill in book.fills)
        for number in sorted({ts_ns // length_ns for ts_ns in times}):
            start_ns = number * length_ns
            stretch = book.stretch(start_ns / NS_PER_MS, (start_ns + length_ns) / NS_PER_MS)
            found.append(BucketStretch(symbol, start_ns, stretch))
    return found


class _Mids:
    """The mids of one symbol in order of time; of equal times the last line counts."""

    def __init__(self, quotes: Iterable[QuoteLine]) -> None:
        ordered = sorted(quotes, key=lambda quote: quote.ts_ms)
        self._times = [quote.ts_ms for quote in ordered]
        self._mids = [quote.mid for quote in ordered]

    def before(self, ts_ms: float) -> float | None:
        """The last mid strictly before `ts_ms`."""
        return self._at(bisect.bisect_left(self._times, ts_ms))

    def at(self, ts_ms: float) -> float | None:
        """The last mid at or before `ts_ms`."""
        return self._at(bisect.bisect_right(self._times, ts_ms))

    def _at(self, count: int) -> float | None:
        return self._mids[count - 1] if count else None


class _Book:
    """The completed fills of one symbol, in order of time, and its mids."""

    def __init__(
        self,
        symbol: str,
        trades: Sequence[TradeLine],
        quotes: Sequence[QuoteLine],
        horizon_ms: int,
    ) -> None:
        self.symbol = symbol
        self._mids = _Mids(quote for quote in quotes if quote.symbol == symbol)
        ordered = sorted((t for t in trades if t.symbol == symbol), key=lambda t: t.ts_ms)
        self.fills = [self._complete(trade, horizon_ms) for trade in ordered]

    def stretch(self, start_ms: float, end_ms: float) -> Stretch:
        """The fills in [start, end), with position and mid at its ends."""
        fills = [fill for fill in self.fills if start_ms <= fill.line.ts_ms < end_ms]
        earlier = [fill.line for fill in self.fills if fill.line.ts_ms < start_ms]
        fallback = fills[-1].after if fills else 0.0
        closing = _first(self._mids.before(end_ms), fallback)
        opening = _first(self._mids.before(start_ms), fills[0].before if fills else closing)
        return Stretch(
            fills=fills,
            opening_qty=math.fsum(line.side * line.qty for line in earlier),
            opening_mid=opening,
            closing_mid=closing,
        )

    def _complete(self, trade: TradeLine, horizon_ms: int) -> AuditedFill:
        """Without any quote a fill's own price has to do."""
        before = trade.mid_before
        if before is None:
            before = _first(self._mids.before(trade.ts_ms), trade.price)
        after = trade.mid_after
        if after is None:
            after = _first(self._mids.at(trade.ts_ms + horizon_ms), before)
        decision = trade.mid_decision
        if decision is None and trade.ts_decision_ms is not None:
            decision = self._mids.at(trade.ts_decision_ms)
        return AuditedFill(
            line=trade,
            decision=_first(decision, before),
            reference=_first(trade.ref_price, trade.price),
            before=before,
            after=after,
        )


def _unique(trades: Sequence[TradeLine]) -> list[TradeLine]:
    """Fills without repeats; only a fill with a client order id can be told apart from another."""
    seen = set()
    unique = []
    for trade in trades:
        key = (trade.symbol, trade.cid, trade.ts_ms, trade.price, trade.qty)
        if trade.cid is not None and key in seen:
            continue
        seen.add(key)
        unique.append(trade)
    return unique


def _first(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


def _result(stretches: Sequence[Stretch], actions: Sequence[ActionCounts]) -> dict[str, Any]:
    """Totals in the form of an engine's result, as far as an edge report reads it."""
    fills = [fill for stretch in stretches for fill in stretch.fills]
    turnover, taker = turnover_usd(fills), taker_turnover_usd(fills)
    blocks: Counter[str] = sum((counts.blocks for counts in actions), Counter())
    return {
        "turnover_usd": turnover,
        "maker_turnover_usd": turnover - taker,
        "taker_turnover_usd": taker,
        "fills_total": len(fills),
        "edge": components(stretches),
        "adverse_bps_p95": percentile([fill.adverse_bps for fill in fills], 0.95),
        "slippage_bps_p95": percentile([fill.slippage_bps for fill in fills], 0.95),
        "order_age_ms": {"p95": _age_p95_ms(fills)},
        "ws_lag_ms": {"p95": 0.0},
        "latency_ms": {"p95": 0.0},
        "places": 0,
        "replaces": sum(counts.replaces for counts in actions),
        "cancels": sum(counts.cancels for counts in actions),
        "attempts": sum(counts.attempts for counts in actions),
        "block_counts": dict(blocks),
    }


def _age_p95_ms(fills: Sequence[AuditedFill]) -> float:
    ages = [fill.line.order_age_ms for fill in fills if fill.line.order_age_ms is not None]
    return percentile(ages, 0.95)


def _window(stretches: Sequence[Stretch], options: AuditOptions) -> tuple[int, int] | None:
    times = [round(f.line.ts_ms * NS_PER_MS) for stretch in stretches for f in stretch.fills]
    if not times:
        return None
    start_ns = min(times) if options.from_ns is None else options.from_ns
    return start_ns, max(times) if options.to_ns is None else options.to_ns


def _buckets(books: Sequence[_Book], options: AuditOptions) -> list[dict[str, Any]]:
    """Stretches of `bucket_min` minutes that have fills, each a window of its own."""
    assert options.bucket_min is not None
    length_ns = options.bucket_min * NS_PER_MIN
    low = -math.inf if options.from_ns is None else options.from_ns
    high = math.inf if options.to_ns is None else options.to_ns
    times = [round(fill.line.ts_ms * NS_PER_MS) for book in books for fill in book.fills]
    numbers = sorted({ts_ns // length_ns for ts_ns in times if low <= ts_ns < high})
    return [
        {
            "bucket": format_utc(n * length_ns % NS_PER_DAY)[11:16],
            **_bucket(books, max(n * length_ns, low), min((n + 1) * length_ns, high)),
        }
        for n in numbers
    ]


def _bucket(books: Sequence[_Book], start_ns: float, end_ns: float) -> dict[str, Any]:
    stretches = [book.stretch(start_ns / NS_PER_MS, end_ns / NS_PER_MS) for book in books]
    stretches = [stretch for stretch in stretches if stretch.fills]
    fills = [fill for stretch in stretches for fill in stretch.fills]
    turnover = turnover_usd(fills)
    return {
        "net_bps": bps_of(components(stretches)["net_usd"], turnover),
        "order_age_p95_ms": _age_p95_ms(fills),
        "taker_share_pct": 100.0 * share(taker_turnover_usd(fills), turnover),
        "fills": len(fills),
    }
