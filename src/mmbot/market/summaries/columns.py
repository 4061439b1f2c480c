"""Hourly statistics of a finished run from its columns.

`fills` are the columns of `mmbot.core.Backtest.take_fills`: `ts_ns`, `cid`, `maker`,
`queue_wait_ms`. `orders` are those of the recorder's stream `orders`: `ts_ns`, `cid`, `event`,
`px`, `mid`, where a quote begins at `ack` or `amended`. Fills alone can't give hit rates: a quote
that was never filled is in no fill.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from mmbot.errors import MarketDataError
from mmbot.market.summaries.accumulator import HourAccumulator, HourStats
from mmbot.market.summaries.events import Filled, OrderDone, OrderEvent, OrderLive, Quoted

__all__ = ["hours_from_columns", "order_events"]

_ORDERS: Final = ("ts_ns", "cid", "event", "px", "mid")
_FILLS: Final = ("ts_ns", "cid", "maker", "queue_wait_ms")
# The kinds of `order_events` after which nothing more comes of an order.
_DONE: Final = frozenset({"canceled", "reject", "expired"})


def hours_from_columns(
    *, orders: Mapping[str, Any], fills: Mapping[str, Any], bins_max_bps: int
) -> list[HourStats]:
    """Statistics of every hour with an event, oldest first. Prices in any one unit."""
    hours = HourAccumulator(bins_max_bps=bins_max_bps)
    for event in order_events(orders=orders, fills=fills):
        hours.add(event)
    return hours.take_all()


def order_events(*, orders: Mapping[str, Any], fills: Mapping[str, Any]) -> list[OrderEvent]:
    """All events in order of time; of equal times a quote comes first and the end last.

    Raises:
        MarketDataError: ``E_REC_IMPORT`` when a column is missing or they differ in length.
    """
    events = [*_orders(orders), *_fills(fills)]
    rank = {Quoted: 0, OrderLive: 1, Filled: 2, OrderDone: 3}
    return sorted(events, key=lambda event: (event.ts_ns, rank[type(event)]))


def _orders(columns: Mapping[str, Any]) -> Iterator[OrderEvent]:
    for ts_ns, cid, kind, px, mid in _rows(columns, _ORDERS):
        # An order rests from its `ack` on; one that was refused never was a quote.
        if kind in {"ack", "amended"}:
            yield Quoted(ts_ns=ts_ns, cid=str(cid), px=px, mid=mid, is_new=kind == "ack")
        if kind == "ack":
            yield OrderLive(ts_ns=ts_ns, cid=str(cid))
        if kind in _DONE:
            yield OrderDone(ts_ns=ts_ns, cid=str(cid))


def _fills(columns: Mapping[str, Any]) -> Iterator[OrderEvent]:
    for ts_ns, cid, maker, wait_ms in _rows(columns, _FILLS):
        yield Filled(ts_ns=ts_ns, cid=str(cid), maker=bool(maker), queue_wait_ms=wait_ms)


def _rows(columns: Mapping[str, Any], names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    missing = [name for name in names if name not in columns]
    if missing:
        raise MarketDataError("E_REC_IMPORT", f"columns={','.join(missing)}", "are missing")
    lists = [_listed(columns[name]) for name in names]
    if len({len(values) for values in lists}) > 1:
        raise MarketDataError("E_REC_IMPORT", f"columns={','.join(names)}", "differ in length")
    return zip(*lists, strict=True)


def _listed(values: Any) -> list[Any]:  # noqa: ANN401 -- a numpy array or a list
    return values.tolist() if hasattr(values, "tolist") else list(values)
