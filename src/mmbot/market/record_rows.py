"""A session's order events and fills -> rows of the streams `orders` and `fills`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from mmbot.market.schema import FILLS_SCHEMA, ORDERS_SCHEMA
from mmbot.market.summaries.accumulator import bin_of

__all__ = ["OwnRowsReader"]

# An engine of 50 symbols with 20 orders each has 1000 live; older ones have no fills to come.
_ORDERS_MAX: Final = 100_000
_NO_BIN: Final = -1


@dataclass(slots=True)
class _Order:
    color: str
    fills: int = 0


class OwnRowsReader:
    """Reads the columns of one symbol, in the order in which the engine gives them.

    Args:
        tick: price step, quote currency.
        lot: quantity step, base currency.
        cid_text: the client order id that the venue sees, of the core's number.
        bins_max_bps: ``recorder.bins_max_bps``.
    """

    def __init__(
        self, *, tick: float, lot: float, cid_text: Callable[[int], str], bins_max_bps: int
    ) -> None:
        self._tick = tick
        self._lot = lot
        self._cid_text = cid_text
        self._bins_max_bps = bins_max_bps
        self._orders: dict[int, _Order] = {}

    def orders(self, columns: Mapping[str, Any]) -> pa.Table:
        """Rows of `mmbot.core.Backtest.take_order_events`; -1 is an unknown `queue_ahead`."""
        cids = columns["cid"].tolist()
        for cid, color in zip(cids, columns["color"], strict=True):
            self._order(cid, color)
        ahead = np.rint(np.maximum(columns["queue_ahead"], -1.0))
        return _table(
            ORDERS_SCHEMA,
            {
                **{name: columns[name] for name in ORDERS_SCHEMA.names},
                "cid": [self._cid_text(cid) for cid in cids],
                "queue_ahead": np.nan_to_num(ahead, nan=-1.0, posinf=-1.0).astype(np.int64),
            },
        )

    def fills(self, columns: Mapping[str, Any]) -> pa.Table:
        """Rows of `mmbot.core.Backtest.take_fills`.

        `ts_ns` is local time, as in `orders`; `px` is the tick nearest to the execution price (a
        simulated slippage leaves the grid); `exec_id` counts the fills of an order; `price_bin_bps`
        is the bin of the distance from `mid_t0`, the mid of the decision, -1 where there was none.
        """
        cids = columns["cid"].tolist()
        orders = [self._order(cid, "blue") for cid in cids]
        texts = [self._cid_text(cid) for cid in cids]
        pairs = zip(columns["px"].tolist(), columns["mid_decision"].tolist(), strict=True)
        bins = [bin_of(px, mid, bins_max_bps=self._bins_max_bps) for px, mid in pairs]
        return _table(
            FILLS_SCHEMA,
            {
                "ts_ns": columns["ts_local_ns"],
                "cid": texts,
                "exec_id": [
                    _exec_id(text, order) for text, order in zip(texts, orders, strict=True)
                ],
                "side": (columns["side"] < 0).astype(np.int64),
                "px": np.rint(columns["px"] / self._tick).astype(np.int64),
                "qty": np.rint(columns["qty"] / self._lot).astype(np.int64),
                "fee_usd": columns["fee_usd"],
                "maker": columns["maker"],
                "color": [order.color for order in orders],
                "mid_t0": columns["mid_decision"],
                "queue_wait_ms": columns["queue_wait_ms"],
                "price_bin_bps": [_NO_BIN if number is None else number for number in bins],
            },
        )

    def _order(self, cid: int, color: str) -> _Order:
        order = self._orders.get(cid)
        if order is None:
            if len(self._orders) >= _ORDERS_MAX:
                self._orders.pop(next(iter(self._orders)))
            order = self._orders[cid] = _Order(color)
        return order


def _exec_id(cid: str, order: _Order) -> str:
    order.fills += 1
    return f"{cid}-{order.fills}"


def _table(schema: pa.Schema, columns: Mapping[str, Any]) -> pa.Table:
    arrays = [pa.array(columns[field.name], type=field.type) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)
