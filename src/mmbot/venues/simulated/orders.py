"""An order of an account: what was asked, what became of it, how it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from mmbot.venues.simulated.codes import BAD_PARAMETER, Refusal
from mmbot.venues.simulated.listing import Listing, plain

__all__ = ["CATEGORY", "Order", "OrderTerms", "execution_record", "order_record", "read_terms"]

CATEGORY: Final = "linear"
_SIDES: Final = ("Buy", "Sell")
_TYPES: Final = ("Limit", "Market")
_TIMES: Final = ("GTC", "PostOnly", "IOC", "FOK")
_LINK_ID_MAX: Final = 36
# Parameters of order types that this exchange does not have: refused, never ignored.
_UNSUPPORTED: Final = ("triggerPrice", "takeProfit", "stopLoss", "orderFilter", "orderIv")
_NOTHING: Final = (None, "", "0", "Order", False)


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """A valid request for an order; `ticks` is None for a market order."""

    symbol: str
    is_buy: bool
    is_market: bool
    ticks: int | None
    lots: int
    time_in_force: str
    reduce_only: bool
    link_id: str


@dataclass(slots=True)
class Order:
    """An order that was accepted; `ticks` of a market order is the worst price of its sweep.

    `closed_ms` is None while it is open. `queryable_ms`: when the order is found among the closed
    ones; between its end and then it is found nowhere, as on the venue.
    """

    number: int
    order_id: str
    uid: int
    terms: OrderTerms
    ticks: int
    lots: int
    created_ms: int
    updated_ms: int
    last_ticks_on_created: int
    status: str = "New"
    filled_lots: int = 0
    filled_value: Decimal = Decimal(0)
    fee: Decimal = Decimal(0)
    cancel_type: str = "UNKNOWN"
    reject_reason: str = "EC_NoError"
    is_live: bool = False
    closed_ms: int | None = None
    queryable_ms: int = 0

    @property
    def open_lots(self) -> int:
        """What may still fill; 0 once it is closed."""
        return 0 if self.closed_ms is not None else self.lots - self.filled_lots

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell."""
        return 1 if self.terms.is_buy else -1


def read_terms(params: Mapping[str, object], listing: Listing) -> OrderTerms:
    """The order that `params` of a create request ask for.

    Raises:
        Refusal: 10001 naming the parameter.
    """
    for key in _UNSUPPORTED:
        if params.get(key) not in _NOTHING:
            raise Refusal(BAD_PARAMETER, f"params error: {key} is not supported here")
    side = _one_of(params, "side", _SIDES)
    kind = _one_of(params, "orderType", _TYPES)
    is_market = kind == "Market"
    default = "IOC" if is_market else "GTC"
    time_in_force = str(params.get("timeInForce") or default)
    if time_in_force not in _TIMES:
        raise Refusal(BAD_PARAMETER, "params error: timeInForce invalid")
    if params.get("positionIdx") not in (None, 0, "0", ""):
        raise Refusal(10001, "position idx not match position mode")
    return OrderTerms(
        symbol=listing.symbol,
        is_buy=side == "Buy",
        is_market=is_market,
        ticks=None if is_market else listing.ticks(params.get("price")),
        lots=listing.lots(params.get("qty")),
        time_in_force="IOC" if is_market else time_in_force,
        reduce_only=params.get("reduceOnly") in (True, "true"),
        link_id=_link_id(params),
    )


def _one_of(params: Mapping[str, object], key: str, allowed: tuple[str, ...]) -> str:
    value = params.get(key)
    if isinstance(value, str) and value.capitalize() in allowed:
        return value.capitalize()
    raise Refusal(BAD_PARAMETER, f"params error: {key} invalid")


def _link_id(params: Mapping[str, object]) -> str:
    link_id = str(params.get("orderLinkId") or "")
    if len(link_id) > _LINK_ID_MAX:
        raise Refusal(BAD_PARAMETER, "params error: orderLinkId too long")
    return link_id


def order_record(order: Order, listing: Listing) -> dict[str, Any]:
    """The order in REST answers and on the order stream."""
    terms = order.terms
    open_lots = order.open_lots
    average = (
        order.filled_value / listing.qty(order.filled_lots) if order.filled_lots else Decimal(0)
    )
    price = "0" if terms.is_market else listing.price_text(order.ticks)
    return {
        "category": CATEGORY,
        "symbol": terms.symbol,
        "orderId": order.order_id,
        "orderLinkId": terms.link_id,
        "blockTradeId": "",
        "side": "Buy" if terms.is_buy else "Sell",
        "positionIdx": 0,
        "orderStatus": order.status,
        "createType": "CreateByUser",
        "cancelType": order.cancel_type,
        "rejectReason": order.reject_reason,
        "timeInForce": terms.time_in_force,
        "isLeverage": "",
        "price": price,
        "qty": listing.qty_text(order.lots),
        "avgPrice": plain(average.quantize(Decimal("0.00000001"))) if order.filled_lots else "",
        "leavesQty": listing.qty_text(open_lots),
        "leavesValue": plain(listing.value(order.ticks, open_lots)),
        "cumExecQty": listing.qty_text(order.filled_lots),
        "cumExecValue": plain(order.filled_value),
        "cumExecFee": plain(order.fee),
        "orderType": "Market" if terms.is_market else "Limit",
        "stopOrderType": "",
        "orderIv": "",
        "triggerPrice": "",
        "takeProfit": "",
        "stopLoss": "",
        "tpTriggerBy": "",
        "slTriggerBy": "",
        "triggerDirection": 0,
        "triggerBy": "",
        "lastPriceOnCreated": listing.price_text(order.last_ticks_on_created),
        "reduceOnly": terms.reduce_only,
        "closeOnTrigger": False,
        "placeType": "",
        "smpType": "None",
        "smpGroup": 0,
        "smpOrderId": "",
        "tpslMode": "",
        "tpLimitPrice": "",
        "slLimitPrice": "",
        "feeCurrency": "",
        "createdTime": str(order.created_ms),
        "updatedTime": str(order.updated_ms),
    }


def execution_record(
    order: Order,
    listing: Listing,
    *,
    exec_id: str,
    ticks: int,
    lots: int,
    closed_lots: int,
    fee: Decimal,
    rate: Decimal,
    is_maker: bool,
    mark_ticks: int,
    seq: int,
    now_ms: int,
) -> dict[str, Any]:
    """An execution in REST answers and on the execution stream."""
    terms = order.terms
    return {
        "category": CATEGORY,
        "symbol": terms.symbol,
        "orderId": order.order_id,
        "orderLinkId": terms.link_id,
        "side": "Buy" if terms.is_buy else "Sell",
        "orderPrice": listing.price_text(order.ticks),
        "orderQty": listing.qty_text(order.lots),
        "leavesQty": listing.qty_text(order.lots - order.filled_lots),
        "createType": "CreateByUser",
        "orderType": "Market" if terms.is_market else "Limit",
        "stopOrderType": "UNKNOWN",
        "execFee": plain(fee),
        "execId": exec_id,
        "execPrice": listing.price_text(ticks),
        "execQty": listing.qty_text(lots),
        "execType": "Trade",
        "execValue": plain(listing.value(ticks, lots)),
        "execTime": str(now_ms),
        "feeCurrency": "",
        "isMaker": is_maker,
        "feeRate": plain(rate),
        "tradeIv": "",
        "markIv": "",
        "markPrice": listing.price_text(mark_ticks),
        "indexPrice": "",
        "underlyingPrice": "",
        "blockTradeId": "",
        "closedSize": listing.qty_text(closed_lots),
        "seq": seq,
        "isLeverage": "0",
    }
