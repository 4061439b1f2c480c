"""Order events of one symbol to the statistics of each UTC hour.

An event belongs to the hour of its own time. A quote counts in the bin of its distance from mid;
its first fill counts in the same bin, and only in the hour in which the quote was counted, so that
no bin has more fills than quotes. A fill of a quote of an earlier hour still counts in
`counts.fills` and, if it is the order's first, in the queue wait. An hour closes 60 s after its
end; what comes later is counted and left out. Values that are not finite are counted and left
out, too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from mmbot.market.summaries.events import Filled, OrderDone, OrderEvent, OrderLive, Quoted
from mmbot.units import BPS_PER_UNIT, NS_PER_HOUR, NS_PER_MS, NS_PER_SEC

__all__ = ["LATENESS_NS", "BinCount", "HourAccumulator", "HourStats", "bin_of", "nearest_rank"]

LATENESS_NS: Final = 60 * NS_PER_SEC
# An engine of 50 symbols with 20 orders each has 1000 live; the rest are orders whose end was lost.
_ORDERS_MAX: Final = 100_000


@dataclass(frozen=True, slots=True)
class BinCount:
    """Quotes of a bin and how many of them were filled."""

    count: int
    fills: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HourStats:
    """Everything about one closed hour, before it becomes a file. `waits_ms` is sorted."""

    hour_ns: int
    orders: int
    quotes: int
    fills: int
    maker_fills: int | None
    bins: Mapping[int, BinCount]
    waits_ms: tuple[float, ...]


def bin_of(px: float, mid: float, *, bins_max_bps: int) -> int | None:
    """Whole basis points between price and mid, the last bin for all beyond; None if unusable."""
    if not (math.isfinite(px) and math.isfinite(mid)) or mid <= 0.0 or px <= 0.0:
        return None
    # 100.1 is 10 bps from 100, not 9.999999999999: a billionth of a bps is noise of the division.
    distance_bps = round(abs(px - mid) / mid * BPS_PER_UNIT, 9)
    return min(math.floor(distance_bps), bins_max_bps) if math.isfinite(distance_bps) else None


def nearest_rank(values: Sequence[float], percentiles: Sequence[float]) -> list[dict[str, float]]:
    """Nearest-rank percentiles of sorted `values`, two decimals; empty when there are none."""
    if not values:
        return []
    count = len(values)
    # The product of 0.07 and 100 is 7.000000000000001, whose ceiling would be the wrong rank.
    ranks = (max(1, math.ceil(round(p * count, 9))) for p in percentiles)
    return [
        {"p": p, "v": round(values[min(rank, count) - 1], 2)}
        for p, rank in zip(percentiles, ranks, strict=True)
    ]


@dataclass(slots=True)
class _Order:
    live_ns: int | None = None
    was_filled: bool = False
    # Hour and bin of the last quote until its first fill.
    quote: tuple[int, int] | None = None


@dataclass(slots=True)
class _Hour:
    orders: int = 0
    quotes: int = 0
    fills: int = 0
    maker_fills: int = 0
    unknown_maker: int = 0
    counts: dict[int, int] = field(default_factory=dict)
    hits: dict[int, int] = field(default_factory=dict)
    waits_ms: list[float] = field(default_factory=list)


class HourAccumulator:
    """Collects the events of one symbol; take closed hours with `take_closed` or `take_all`."""

    def __init__(self, *, bins_max_bps: int) -> None:
        self._bins_max_bps = bins_max_bps
        self._orders: dict[str, _Order] = {}
        self._hours: dict[int, _Hour] = {}
        self._closed_before_ns = 0
        self.late = 0
        self.unusable = 0
        self.orders_forgotten = 0

    def add(self, event: OrderEvent) -> None:
        """Count one event. Events of one order come in order."""
        hour_ns = event.ts_ns - event.ts_ns % NS_PER_HOUR
        match event:
            case Quoted():
                self._quoted(hour_ns, event)
            case OrderLive():
                order = self._order(event.cid)
                if order.live_ns is None:
                    order.live_ns = event.ts_ns
            case Filled():
                self._filled(hour_ns, event)
            case OrderDone():
                self._orders.pop(event.cid, None)

    def take_closed(self, now_ns: int) -> list[HourStats]:
        """Hours that ended at least 60 s before `now_ns`, oldest first; they stay closed."""
        horizon_ns = now_ns - LATENESS_NS
        return self._take(horizon_ns - horizon_ns % NS_PER_HOUR)

    def take_all(self) -> list[HourStats]:
        """All hours, for the end of a session."""
        return self._take(max(self._hours, default=-NS_PER_HOUR) + NS_PER_HOUR)

    def _take(self, before_ns: int) -> list[HourStats]:
        self._closed_before_ns = max(self._closed_before_ns, before_ns)
        ready = sorted(hour_ns for hour_ns in self._hours if hour_ns < before_ns)
        return [_frozen(hour_ns, self._hours.pop(hour_ns)) for hour_ns in ready]

    def _hour(self, hour_ns: int) -> _Hour | None:
        if hour_ns < self._closed_before_ns:
            self.late += 1
            return None
        return self._hours.setdefault(hour_ns, _Hour())

    def _order(self, cid: str) -> _Order:
        order = self._orders.get(cid)
        if order is None:
            if len(self._orders) >= _ORDERS_MAX:
                self._orders.pop(next(iter(self._orders)))
                self.orders_forgotten += 1
            order = self._orders[cid] = _Order()
        return order

    def _quoted(self, hour_ns: int, event: Quoted) -> None:
        order = self._order(event.cid)
        order.quote = None
        hour = self._hour(hour_ns)
        if hour is None:
            return
        hour.orders += event.is_new
        number = bin_of(event.px, event.mid, bins_max_bps=self._bins_max_bps)
        if number is None:
            self.unusable += 1
            return
        hour.quotes += 1
        hour.counts[number] = hour.counts.get(number, 0) + 1
        order.quote = (hour_ns, number)

    def _filled(self, hour_ns: int, event: Filled) -> None:
        order = self._order(event.cid)
        quote, order.quote = order.quote, None
        first, order.was_filled = not order.was_filled, True
        hour = self._hour(hour_ns)
        if hour is None:
            return
        hour.fills += 1
        hour.maker_fills += event.maker is True
        hour.unknown_maker += event.maker is None
        if quote is not None and quote[0] == hour_ns:
            hour.hits[quote[1]] = hour.hits.get(quote[1], 0) + 1
        if first:
            self._wait(hour, order, event)

    def _wait(self, hour: _Hour, order: _Order, event: Filled) -> None:
        wait_ms = event.queue_wait_ms
        if wait_ms is None and order.live_ns is not None:
            wait_ms = (event.ts_ns - order.live_ns) / NS_PER_MS
        if wait_ms is None:
            return
        if math.isfinite(wait_ms) and wait_ms >= 0.0:
            hour.waits_ms.append(wait_ms)
        else:
            self.unusable += 1


def _frozen(hour_ns: int, hour: _Hour) -> HourStats:
    bins = {k: BinCount(n, hour.hits.get(k, 0)) for k, n in sorted(hour.counts.items())}
    return HourStats(
        hour_ns=hour_ns,
        orders=hour.orders,
        quotes=hour.quotes,
        fills=hour.fills,
        maker_fills=None if hour.unknown_maker else hour.maker_fills,
        bins=MappingProxyType(bins),
        waits_ms=tuple(sorted(hour.waits_ms)),
    )
