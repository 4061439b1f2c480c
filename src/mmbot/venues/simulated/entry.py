"""Order entry: what is checked before a request is accepted, in the venue's order.

A request that passes is acknowledged with its ids and nothing else. What only the matching can know
(a post-only order that would trade, an order that has just filled) is told later on the streams.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from mmbot.venues.simulated.codes import (
    BAD_PARAMETER,
    DUPLICATE_LINK_ID,
    NO_SUCH_ORDER,
    NO_TRADING_NOW,
    NOT_ENOUGH_BALANCE,
    PRICE_OUT_OF_RANGE,
    QTY_NOT_ABOVE_FILLED,
    REDUCE_ONLY,
    TOO_MANY_ORDERS,
    UNDER_MINIMUM_VALUE,
    Refusal,
)
from mmbot.venues.simulated.engine import LocalExchange
from mmbot.venues.simulated.margin import initial_margin, unrealised
from mmbot.venues.simulated.market import SymbolMarket
from mmbot.venues.simulated.orders import CATEGORY, Order, OrderTerms, read_terms

__all__ = ["amend_order", "cancel_all", "cancel_order", "create_order", "the_market"]

_ACTIVE_MAX: Final = 500

Params = Mapping[str, object]


def the_market(exchange: LocalExchange, params: Params) -> SymbolMarket:
    """The market that `category` and `symbol` name.

    Raises:
        Refusal: 10001.
    """
    check_category(params)
    market = exchange.markets.get(str(params.get("symbol") or ""))
    if market is None:
        raise Refusal(BAD_PARAMETER, "params error: symbol invalid")
    return market


def check_category(params: Params) -> None:
    """Only linear contracts are traded here.

    Raises:
        Refusal: 10001.
    """
    if params.get("category") != CATEGORY:
        raise Refusal(BAD_PARAMETER, "params error: category invalid")


def create_order(exchange: LocalExchange, uid: int, params: Params) -> dict[str, Any]:
    """Accept an order.

    Raises:
        Refusal: with the code of the first rule that is broken.
    """
    market = the_market(exchange, params)
    terms = read_terms(params, market.listing)
    desk = exchange.desks[uid]
    if market.status != "Trading" or not market.book.is_live:
        raise Refusal(NO_TRADING_NOW)
    if terms.link_id and terms.link_id in desk.links:
        raise Refusal(DUPLICATE_LINK_ID)
    mine = [order for order in desk.open.values() if order.terms.symbol == terms.symbol]
    if len(mine) >= _ACTIVE_MAX:
        raise Refusal(TOO_MANY_ORDERS)
    ticks = _permitted_ticks(market, terms)
    _check_size(market, terms, ticks, terms.lots)
    lots = terms.lots
    if terms.reduce_only:
        lots = _room(desk.account.position(terms.symbol).lots, terms, mine)
    if not terms.reduce_only:
        _check_balance(exchange, uid, terms, lots)
    order = exchange.submit(desk, terms, ticks=ticks, lots=lots)
    return _ids(order)


def amend_order(exchange: LocalExchange, uid: int, params: Params) -> dict[str, Any]:
    """Accept a change of price, quantity or both.

    Raises:
        Refusal: 110001 for an order that is not open; else as for a new order.
    """
    market = the_market(exchange, params)
    order = _open_order(exchange, uid, params)
    listing = market.listing
    price, qty = params.get("price"), params.get("qty")
    ticks = order.ticks if price in (None, "") else listing.ticks(price)
    lots = order.lots if qty in (None, "") else listing.lots(qty)
    if (ticks, lots) == (order.ticks, order.lots):
        raise Refusal(BAD_PARAMETER, "order not modified")
    if lots <= order.filled_lots:
        raise Refusal(QTY_NOT_ABOVE_FILLED)
    _check_price(market, ticks, is_buy=order.terms.is_buy)
    _check_size(market, order.terms, ticks, lots)
    more = lots - order.lots
    if order.terms.reduce_only:
        if more > 0:
            raise Refusal(REDUCE_ONLY)
    elif more > 0:
        _check_balance(exchange, uid, order.terms, more)
    exchange.amend(order, ticks=ticks, lots=lots)
    return _ids(order)


def cancel_order(exchange: LocalExchange, uid: int, params: Params) -> dict[str, Any]:
    """Accept a cancellation.

    Raises:
        Refusal: 110001 for an order that is not open.
    """
    the_market(exchange, params)
    order = _open_order(exchange, uid, params)
    exchange.cancel(order)
    return _ids(order)


def cancel_all(exchange: LocalExchange, uid: int, params: Params) -> dict[str, Any]:
    """Cancel all open orders of a symbol, a base coin or the settle coin."""
    check_category(params)
    symbol, base = params.get("symbol"), params.get("baseCoin")
    if not symbol and not base and not params.get("settleCoin"):
        raise Refusal(BAD_PARAMETER, "params error: symbol, baseCoin or settleCoin is required")
    if symbol:
        the_market(exchange, params)
    cancelled = []
    for order in list(exchange.desks[uid].open.values()):
        listing = exchange.listing(order.terms.symbol)
        if symbol not in (None, "", order.terms.symbol) or base not in (None, "", listing.base):
            continue
        exchange.cancel(order)
        cancelled.append(_ids(order))
    return {"list": cancelled, "success": "1"}


def _ids(order: Order) -> dict[str, Any]:
    return {"orderId": order.order_id, "orderLinkId": order.terms.link_id}


def _open_order(exchange: LocalExchange, uid: int, params: Params) -> Order:
    order_id, link_id = params.get("orderId"), params.get("orderLinkId")
    if not order_id and not link_id:
        raise Refusal(BAD_PARAMETER, "params error: orderId or orderLinkId is required")
    desk = exchange.desks[uid]
    order = desk.orders.get(str(order_id)) if order_id else desk.links.get(str(link_id))
    if order is None or order.closed_ms is not None:
        raise Refusal(NO_SUCH_ORDER)
    if order.terms.symbol != params.get("symbol"):
        raise Refusal(NO_SUCH_ORDER)
    return order


def _permitted_ticks(market: SymbolMarket, terms: OrderTerms) -> int:
    if terms.ticks is None:
        return market.listing.limit_ticks(market.mark_ticks, is_buy=terms.is_buy)
    _check_price(market, terms.ticks, is_buy=terms.is_buy)
    return terms.ticks


def _check_price(market: SymbolMarket, ticks: int, *, is_buy: bool) -> None:
    limit = market.listing.limit_ticks(market.mark_ticks, is_buy=is_buy)
    if (ticks > limit) if is_buy else (ticks < limit):
        raise Refusal(PRICE_OUT_OF_RANGE)


def _room(position_lots: int, terms: OrderTerms, mine: list[Order]) -> int:
    """What is left to reduce beside the reduce-only orders that are open, at most what is asked."""
    sign = 1 if terms.is_buy else -1
    asked = sum(o.open_lots for o in mine if o.terms.reduce_only and o.sign == sign)
    room = -position_lots * sign - asked
    if room <= 0:
        raise Refusal(REDUCE_ONLY)
    return min(terms.lots, room)


def _check_size(market: SymbolMarket, terms: OrderTerms, ticks: int, lots: int) -> None:
    listing = market.listing
    if lots > listing.max_lots(market.mark_ticks):
        raise Refusal(
            BAD_PARAMETER, "The number of contracts exceeds maximum limit allowed: too large"
        )
    small = listing.value(ticks, lots) < listing.min_value
    if small and not terms.reduce_only:
        raise Refusal(UNDER_MINIMUM_VALUE)


def _check_balance(exchange: LocalExchange, uid: int, terms: OrderTerms, lots: int) -> None:
    account = exchange.desks[uid].account
    extra = (lots, 0) if terms.is_buy else (0, lots)
    needed = initial_margin(exchange, account, extra={terms.symbol: extra})
    equity = account.wallet + unrealised(exchange, account)
    # an order that only reduces needs no more margin than there is
    if needed > equity and needed > initial_margin(exchange, account):
        raise Refusal(NOT_ENOUGH_BALANCE)
