"""Order requests as Bybit wants them, the same for REST and the trade socket. Pure.

https://bybit-exchange.github.io/docs/v5/order/create-order and its neighbours. Every order carries
our id as ``orderLinkId`` and is named by it afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from mmbot.venues.bybit.endpoints import Category
from mmbot.venues.failures import Operation
from mmbot.venues.records import AmendOrder, CancelOrder, CreateOrder, Side

__all__ = [
    "OrderCommand",
    "amend_body",
    "batch_command",
    "cancel_body",
    "command",
    "create_body",
    "path_of",
]

Body = dict[str, Any]
_PATHS: Final[Mapping[Operation, str]] = {
    Operation.CREATE: "/v5/order/create",
    Operation.AMEND: "/v5/order/amend",
    Operation.CANCEL: "/v5/order/cancel",
}
_OPS: Final[Mapping[Operation, str]] = {
    Operation.CREATE: "order.create",
    Operation.AMEND: "order.amend",
    Operation.CANCEL: "order.cancel",
}
_ENCODER: Final = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class OrderCommand:
    """A request for one order or a batch: its REST path, its ``op`` on the socket, its body."""

    operation: Operation
    path: str
    op: str
    body: Body
    symbol: str
    cids: tuple[str, ...]

    def encoded(self) -> bytes:
        """The body as it is signed and sent over REST."""
        return _ENCODER.encode(self.body)

    def frame(self, *, req_id: str, timestamp_ms: int, recv_window_ms: int) -> bytes:
        """The request of the trade socket."""
        header = {
            "X-BAPI-TIMESTAMP": str(timestamp_ms),
            "X-BAPI-RECV-WINDOW": str(recv_window_ms),
        }
        return _ENCODER.encode(
            {"reqId": req_id, "header": header, "op": self.op, "args": [self.body]}
        )


def path_of(operation: Operation, *, is_batch: bool) -> str:
    """REST path of a request; its budget goes by it on either way."""
    return f"{_PATHS[operation]}-batch" if is_batch else _PATHS[operation]


def create_body(order: CreateOrder) -> Body:
    """A limit order."""
    return {
        "symbol": order.symbol,
        "side": "Buy" if order.side is Side.BUY else "Sell",
        "orderType": "Limit",
        "qty": order.qty,
        "price": order.price,
        "timeInForce": "PostOnly" if order.post_only else "GTC",
        "orderLinkId": order.cid,
        "reduceOnly": order.reduce_only,
        "positionIdx": 0,
    }


def amend_body(change: AmendOrder) -> Body:
    """Another price and total quantity."""
    return {
        "symbol": change.symbol,
        "orderLinkId": change.cid,
        "qty": change.qty,
        "price": change.price,
    }


def cancel_body(order: CancelOrder) -> Body:
    """The end of an order."""
    return {"symbol": order.symbol, "orderLinkId": order.cid}


def command(order: CreateOrder | AmendOrder | CancelOrder, category: Category) -> OrderCommand:
    """The request for one order."""
    operation, body = _single(order)
    if category == "spot":
        _without_position(body)
    return OrderCommand(
        operation,
        _PATHS[operation],
        _OPS[operation],
        {"category": category, **body},
        order.symbol,
        (order.cid,),
    )


def batch_command(
    orders: Sequence[CreateOrder] | Sequence[AmendOrder] | Sequence[CancelOrder],
    category: Category,
) -> OrderCommand:
    """The request for several orders of one symbol."""
    assert orders
    singles = [_single(order) for order in orders]
    bodies = [body for _, body in singles]
    if category == "spot":
        for body in bodies:
            _without_position(body)
    operation = singles[0][0]
    return OrderCommand(
        operation,
        path_of(operation, is_batch=True),
        f"{_OPS[operation]}-batch",
        {"category": category, "request": bodies},
        orders[0].symbol,
        tuple(order.cid for order in orders),
    )


def _single(order: CreateOrder | AmendOrder | CancelOrder) -> tuple[Operation, Body]:
    match order:
        case CreateOrder():
            return Operation.CREATE, create_body(order)
        case AmendOrder():
            return Operation.AMEND, amend_body(order)
        case CancelOrder():
            return Operation.CANCEL, cancel_body(order)


def _without_position(body: Body) -> None:
    body.pop("positionIdx", None)
    body.pop("reduceOnly", None)
