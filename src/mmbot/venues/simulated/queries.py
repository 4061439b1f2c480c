"""What can be asked: markets, orders, executions, positions, balances."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from mmbot.venues.simulated.codes import (
    BAD_PARAMETER,
    LEVERAGE_NOT_MODIFIED,
    MODE_NOT_MODIFIED,
    Refusal,
)
from mmbot.venues.simulated.engine import LocalExchange
from mmbot.venues.simulated.entry import check_category, the_market
from mmbot.venues.simulated.listing import MAX_LEVERAGE, SETTLE_COIN, exact_steps, plain
from mmbot.venues.simulated.margin import wallet_record
from mmbot.venues.simulated.market import PublicTrade, SymbolMarket
from mmbot.venues.simulated.orders import CATEGORY, Order, order_record
from mmbot.venues.simulated.positions import position_record

__all__ = ["PRIVATE_QUERIES", "PUBLIC_QUERIES", "set_leverage", "switch_mode", "trade_record"]

Params = Mapping[str, object]
Result = dict[str, Any]
_OTHER_CATEGORIES: Final = ("spot", "inverse", "option")
_LEVERAGE_STEP: Final = Decimal("0.01")
# Besides the open orders, the realtime query finds this many that closed lately.
_RECENT_CLOSED: Final = 500


def _asked_markets(exchange: LocalExchange, params: Params) -> list[SymbolMarket]:
    if params.get("category") in _OTHER_CATEGORIES and not params.get("symbol"):
        return []
    check_category(params)
    if params.get("symbol"):
        return [the_market(exchange, params)]
    base = params.get("baseCoin")
    return [m for m in exchange.markets.values() if base in (None, "", m.listing.base)]


def _instruments(exchange: LocalExchange, params: Params) -> Result:
    markets = _asked_markets(exchange, params)
    rows = [m.listing.info(status=m.status, mark_ticks=m.mark_ticks) for m in markets]
    return {"category": params.get("category"), "list": rows, "nextPageCursor": ""}


def _tickers(exchange: LocalExchange, params: Params) -> Result:
    rows = [m.ticker(exchange.now_ms) for m in _asked_markets(exchange, params)]
    return {"category": params.get("category"), "list": rows}


def _orderbook(exchange: LocalExchange, params: Params) -> Result:
    market = the_market(exchange, params)
    listing, depth = market.listing, _count(params, default=25, most=1000)
    bids, asks = market.book.levels(depth)

    def texts(levels: Iterable[tuple[int, int]]) -> list[list[str]]:
        return [[listing.price_text(px), listing.qty_text(qty)] for px, qty in levels]

    return {
        "s": listing.symbol,
        "b": texts(bids),
        "a": texts(asks),
        "ts": exchange.now_ms,
        "u": market.book.seq,
        "seq": market.book.seq,
        "cts": exchange.now_ms,
    }


def trade_record(market: SymbolMarket, trade: PublicTrade) -> Result:
    """A public trade in the names of the REST answer."""
    listing = market.listing
    return {
        "execId": f"{listing.symbol}-{market.incarnation}-{trade.number}",
        "symbol": listing.symbol,
        "price": listing.price_text(trade.ticks),
        "size": listing.qty_text(trade.lots),
        "side": "Buy" if trade.is_buy else "Sell",
        "time": str(trade.ts_ms),
        "isBlockTrade": False,
        "isRPITrade": False,
        "seq": str(trade.seq),
    }


def _recent_trades(exchange: LocalExchange, params: Params) -> Result:
    market = the_market(exchange, params)
    newest = list(market.trades)[-_count(params, default=500, most=1000) :]
    rows = [trade_record(market, trade) for trade in reversed(newest)]
    return {"category": CATEGORY, "list": rows}


def _realtime(exchange: LocalExchange, uid: int, params: Params) -> Result:
    check_category(params)
    desk = exchange.desks[uid]
    by_id = params.get("orderId") or params.get("orderLinkId")
    if by_id or params.get("openOnly") in ("1", 1):
        closed = list(desk.closed)[-_RECENT_CLOSED:]
    else:
        closed = []
    orders = [*desk.open.values(), *(o for o in closed if o.queryable_ms <= exchange.now_ms)]
    return _order_page(exchange, orders, params)


def _history(exchange: LocalExchange, uid: int, params: Params) -> Result:
    check_category(params)
    closed = (o for o in exchange.desks[uid].closed if o.queryable_ms <= exchange.now_ms)
    return _order_page(exchange, closed, params)


def _order_page(exchange: LocalExchange, orders: Iterable[Order], params: Params) -> Result:
    def fits(order: Order) -> bool:
        terms = order.terms
        wanted = (
            (params.get("symbol"), terms.symbol),
            (params.get("orderId"), order.order_id),
            (params.get("orderLinkId"), terms.link_id),
            (params.get("orderStatus"), order.status),
            (params.get("baseCoin"), exchange.listing(terms.symbol).base),
            (params.get("settleCoin"), SETTLE_COIN),
        )
        return all(want in (None, "", has) for want, has in wanted) and _in_time(
            params, order.created_ms
        )

    newest = sorted((o for o in orders if fits(o)), key=lambda o: -o.number)
    rows = [order_record(o, exchange.listing(o.terms.symbol)) for o in newest]
    return _page(rows, params, default=20, most=50)


def _executions(exchange: LocalExchange, uid: int, params: Params) -> Result:
    check_category(params)

    def fits(row: Mapping[str, object]) -> bool:
        keys = ("symbol", "orderId", "orderLinkId", "execType")
        return all(params.get(key) in (None, "", row[key]) for key in keys) and _in_time(
            params, int(str(row["execTime"]))
        )

    rows = [row for row in reversed(exchange.desks[uid].executions) if fits(row)]
    return _page(rows, params, default=50, most=100)


def _positions(exchange: LocalExchange, uid: int, params: Params) -> Result:
    check_category(params)
    if not params.get("symbol") and not params.get("settleCoin"):
        raise Refusal(BAD_PARAMETER, "params error: symbol or settleCoin is required")
    account = exchange.desks[uid].account
    markets = _asked_markets(exchange, params)
    if params.get("settleCoin") not in (None, "", SETTLE_COIN):
        markets = []
    if not params.get("symbol"):
        markets = [m for m in markets if account.position(m.listing.symbol).lots]
    rows = [position_record(account, market, stream=False) for market in markets]
    return _page(rows, params, default=20, most=200)


def _wallet(exchange: LocalExchange, uid: int, params: Params) -> Result:
    if params.get("accountType") not in ("UNIFIED", None, ""):
        raise Refusal(BAD_PARAMETER, "accountType only support UNIFIED.")
    return {"list": [wallet_record(exchange, exchange.desks[uid].account)]}


def _fee_rate(exchange: LocalExchange, uid: int, params: Params) -> Result:
    account = exchange.desks[uid].account
    rows = [
        {
            "symbol": market.listing.symbol,
            "baseCoin": "",
            "takerFeeRate": plain(account.taker_rate),
            "makerFeeRate": plain(account.maker_rate),
        }
        for market in _asked_markets(exchange, params)
    ]
    return {"category": params.get("category"), "list": rows}


def _account_info(exchange: LocalExchange, _uid: int, _params: Params) -> Result:
    return {
        "marginMode": "REGULAR_MARGIN",
        "updatedTime": str(exchange.now_ms),
        "unifiedMarginStatus": 6,
        "dcpStatus": "OFF",
        "timeWindow": 10,
        "smpGroup": 0,
        "isMasterTrader": False,
        "spotHedgingStatus": "OFF",
    }


def _api_key(exchange: LocalExchange, uid: int, _params: Params) -> Result:
    account = exchange.desks[uid].account
    permissions = {"ContractTrade": ["Order", "Position"], "Wallet": [], "Spot": []}
    return {
        "id": str(uid),
        "note": "local exchange",
        "apiKey": account.api_key,
        "readOnly": 0,
        "secret": "",
        "permissions": permissions,
        "ips": ["*"],
        "type": 1,
        "uta": 1,
        "unified": 0,
        "userID": uid,
        "inviterID": 0,
        "vipLevel": "No VIP",
        "mktMakerLevel": "0",
        "isMaster": True,
        "parentUid": "0",
    }


def _coins(_exchange: LocalExchange, _uid: int, _params: Params) -> Result:
    row = {
        "name": SETTLE_COIN,
        "coin": SETTLE_COIN,
        "remainAmount": "0",
        "chains": [],
    }
    return {"rows": [row]}


def set_leverage(exchange: LocalExchange, uid: int, params: Params) -> Result:
    """Another leverage for a symbol.

    Raises:
        Refusal: 10001 outside the range, 110043 for the leverage that is in force.
    """
    market = the_market(exchange, params)
    leverage = exact_steps(params.get("buyLeverage"), _LEVERAGE_STEP, key="buyLeverage")
    asked = leverage * _LEVERAGE_STEP
    if params.get("sellLeverage") != params.get("buyLeverage") or not 1 <= asked <= MAX_LEVERAGE:
        raise Refusal(BAD_PARAMETER, "params error: leverage invalid")
    position = exchange.desks[uid].account.position(market.listing.symbol)
    if position.leverage == asked:
        raise Refusal(LEVERAGE_NOT_MODIFIED)
    position.leverage = asked
    return {}


def switch_mode(_exchange: LocalExchange, _uid: int, params: Params) -> Result:
    """Positions are in one-way mode and stay there.

    Raises:
        Refusal: 110025 for the mode in force, 10001 for hedge mode.
    """
    if str(params.get("mode")) == "0":
        raise Refusal(MODE_NOT_MODIFIED)
    raise Refusal(BAD_PARAMETER, "params error: only one-way mode is supported")


def _count(params: Params, *, default: int, most: int) -> int:
    text = params.get("limit")
    if text in (None, ""):
        return default
    try:
        count = int(str(text))
    except ValueError:
        count = 0
    if count < 1:
        raise Refusal(BAD_PARAMETER, "params error: limit invalid")
    return min(count, most)


def _in_time(params: Params, ts_ms: int) -> bool:
    try:
        start = int(str(params.get("startTime") or 0))
        end = int(str(params.get("endTime") or 2**62))
    except ValueError:
        raise Refusal(BAD_PARAMETER, "params error: startTime or endTime invalid") from None
    return start <= ts_ms <= end


def _page(rows: Sequence[Result], params: Params, *, default: int, most: int) -> Result:
    """One page; the cursor is where the next one begins."""
    text = str(params.get("cursor") or "0")
    if not text.isascii() or not text.isdigit():
        raise Refusal(BAD_PARAMETER, "params error: cursor invalid")
    start, count = int(text), _count(params, default=default, most=most)
    end = start + count
    cursor = str(end) if end < len(rows) else ""
    return {"category": CATEGORY, "list": list(rows[start:end]), "nextPageCursor": cursor}


PUBLIC_QUERIES: Final[Mapping[str, Callable[[LocalExchange, Params], Result]]] = {
    "/v5/market/instruments-info": _instruments,
    "/v5/market/tickers": _tickers,
    "/v5/market/orderbook": _orderbook,
    "/v5/market/recent-trade": _recent_trades,
}
PRIVATE_QUERIES: Final[Mapping[str, Callable[[LocalExchange, int, Params], Result]]] = {
    "/v5/order/realtime": _realtime,
    "/v5/order/history": _history,
    "/v5/execution/list": _executions,
    "/v5/position/list": _positions,
    "/v5/account/wallet-balance": _wallet,
    "/v5/account/fee-rate": _fee_rate,
    "/v5/account/info": _account_info,
    "/v5/user/query-api": _api_key,
    "/v5/asset/coin/query-info": _coins,
}
