"""ccxt's unified dictionaries as records of the port."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from mmbot.venues.ccxt.markets import CcxtMarket
from mmbot.venues.ccxt.numbers import decimal_of, text_of, whole_ns
from mmbot.venues.records import (
    BalanceRecord,
    ExecutionRecord,
    FeeRates,
    OrderRecord,
    OrderStatus,
    PositionRecord,
    Side,
)

__all__ = [
    "balance_records",
    "execution_record",
    "fee_rates",
    "order_record",
    "position_record",
    "raw_cid",
    "side_of",
]

_ENDED: Final[Mapping[str, OrderStatus]] = {
    "canceled": OrderStatus.CANCELLED,
    "canceling": OrderStatus.OPEN,
    "expired": OrderStatus.EXPIRED,
    "rejected": OrderStatus.REJECTED,
}
# Where venues put our id into an execution; ccxt has no unified field for it.
_CID_KEYS: Final = ("clientOrderId", "orderLinkId", "clOrdId", "clientOid", "client_oid", "text")


def side_of(text: object) -> Side:
    """The side of an order or execution."""
    return Side.SELL if text == "sell" else Side.BUY


def order_record(order: Mapping[str, Any], market: CcxtMarket) -> OrderRecord:
    """An order; a status that ccxt does not know is read from the quantities."""
    qty = market.qty(order.get("amount"))
    filled = market.qty(order.get("filled"))
    updated = order.get("lastUpdateTimestamp") or order.get("lastTradeTimestamp")
    return OrderRecord(
        order_id=str(order.get("id") or ""),
        cid=str(order.get("clientOrderId") or ""),
        symbol=market.symbol,
        side=side_of(order.get("side")),
        price=_text(order.get("price")),
        qty=qty,
        filled_qty=filled,
        status=_status(str(order.get("status")), qty, filled),
        updated_ns=whole_ns(updated or order.get("timestamp")),
    )


def execution_record(trade: Mapping[str, Any], market: CcxtMarket, *, cid: str) -> ExecutionRecord:
    """An execution; `cid` is what is known of its order where the venue does not say."""
    fee = trade.get("fee") or next(iter(trade.get("fees") or ()), None) or {}
    maker = trade.get("takerOrMaker")
    raw = trade.get("info") or {}
    seq = decimal_of(raw.get("seq")) if isinstance(raw, Mapping) else None
    return ExecutionRecord(
        exec_id=str(trade.get("id") or ""),
        order_id=str(trade.get("order") or ""),
        cid=raw_cid(trade) or cid,
        symbol=market.symbol,
        side=side_of(trade.get("side")),
        price=_text(trade.get("price")),
        qty=market.qty(trade.get("amount")),
        fee=_text(fee.get("cost")),
        fee_asset=str(fee.get("currency") or ""),
        is_maker=None if maker is None else maker == "maker",
        ts_ns=whole_ns(trade.get("timestamp")),
        seq=0 if seq is None else int(seq),
    )


def position_record(position: Mapping[str, Any], market: CcxtMarket) -> PositionRecord:
    """A position; zero for one that was closed."""
    contracts = decimal_of(position.get("contracts")) or Decimal(0)
    size = contracts * market.contract_size
    signed = -size if position.get("side") == "short" and size > 0 else size
    updated = position.get("lastUpdateTimestamp") or position.get("timestamp")
    return PositionRecord(
        symbol=market.symbol,
        qty=text_of(signed),
        avg_price=_text(position.get("entryPrice")),
        updated_ns=whole_ns(updated),
    )


def balance_records(balance: Mapping[str, Any]) -> tuple[BalanceRecord, ...]:
    """Balances that are not zero, by asset."""
    totals = balance.get("total") or {}
    free = balance.get("free") or {}
    rows = []
    for asset in sorted(totals):
        total = decimal_of(totals[asset])
        if total:
            available = decimal_of(free.get(asset))
            known = total if available is None else available
            rows.append(BalanceRecord(asset=asset, total=text_of(total), available=text_of(known)))
    return tuple(rows)


def fee_rates(fee: Mapping[str, Any], symbol: str) -> FeeRates:
    """The account's fees of a symbol."""
    return FeeRates(symbol=symbol, maker=_text(fee.get("maker")), taker=_text(fee.get("taker")))


def raw_cid(trade: Mapping[str, Any]) -> str:
    """Our id of the execution's order where the venue says it; else empty."""
    sources: Iterable[object] = (trade, trade.get("info"))
    for source in sources:
        if isinstance(source, Mapping):
            for key in _CID_KEYS:
                if source.get(key):
                    return str(source[key])
    return ""


def _text(value: object) -> str:
    number = decimal_of(value)
    return "0" if number is None else text_of(number)


def _status(status: str, qty: str, filled: str) -> OrderStatus:
    if status in _ENDED:
        return _ENDED[status]
    is_filled = Decimal(qty) > 0 and Decimal(filled) >= Decimal(qty)
    if status == "closed":
        return OrderStatus.FILLED if is_filled else OrderStatus.CANCELLED
    return OrderStatus.FILLED if is_filled else OrderStatus.OPEN
