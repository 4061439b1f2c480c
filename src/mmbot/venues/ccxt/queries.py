"""Questions about markets and account. Every answer is complete, or the call raises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from mmbot.errors import VenueError
from mmbot.units import NS_PER_MIN, NS_PER_MS
from mmbot.venues.ccxt.numbers import decimal_of, text_of, whole_ns
from mmbot.venues.ccxt.parse import (
    balance_records,
    execution_record,
    fee_rates,
    order_record,
    position_record,
)
from mmbot.venues.ccxt.parts import CcxtParts, rows_of
from mmbot.venues.failures import Operation
from mmbot.venues.records import (
    AccountEquity,
    ExecutionRecord,
    FeeRates,
    InstrumentRules,
    OrderRecord,
    PositionRecord,
)

__all__ = ["CcxtQueries"]

_PAGE: Final = 50
_PAGES_MAX: Final = 400
# Orders are listed by the time of their creation: one that ended in the span asked for may be older
# by its whole life.
_ORDER_LIFE_NS: Final = 10 * NS_PER_MIN
_USD: Final = frozenset({"USD", "USDT", "USDC"})


class CcxtQueries(CcxtParts):
    """`mmbot.venues.ports.VenueQueries` through ccxt's unified methods."""

    async def instruments(self, symbols: Sequence[str]) -> Mapping[str, InstrumentRules]:
        """Grids and limits by symbol; a symbol that the venue does not trade is missing."""
        found = {symbol: await self._find(symbol) for symbol in symbols}
        return {symbol: market.rules for symbol, market in found.items() if market is not None}

    async def server_time_ns(self) -> int:
        """The venue's clock."""
        return whole_ns(await self._client.call(Operation.QUERY, "fetch_time"))

    async def equity(self) -> AccountEquity:
        """Balances, and their worth.

        Without unrealised profit where the venue does not state it; assets other than dollars are
        valued by the venue or not at all: ccxt has no unified equity.
        """
        await self._load()
        answer = await self._client.call(Operation.QUERY, "fetch_balance")
        balances = balance_records(answer)
        stated = _stated_equity(answer.get("info"))
        dollars = sum((Decimal(row.total) for row in balances if row.asset in _USD), Decimal(0))
        equity = dollars if stated is None else stated
        return AccountEquity(equity_usd=text_of(equity), balances=balances)

    async def fee_rates(self, symbols: Sequence[str]) -> Mapping[str, FeeRates]:
        """The account's fees by symbol."""
        rates = {}
        for symbol in symbols:
            market = await self._market(symbol)
            fee = await self._client.call(
                Operation.QUERY, "fetch_trading_fee", market.unified, symbol=symbol
            )
            rates[symbol] = fee_rates(fee, symbol)
        return rates

    async def positions(self) -> Sequence[PositionRecord]:
        """All positions of the account that are not zero."""
        await self._load()
        if self._options.market_type == "spot":
            return []
        records = []
        for row in rows_of(await self._client.call(Operation.QUERY, "fetch_positions")):
            market = await self._of_unified(row.get("symbol"))
            if market is not None and decimal_of(row.get("contracts")):
                records.append(position_record(row, market))
        return records

    async def open_orders(self) -> Sequence[OrderRecord]:
        """All open orders of the account, ours and others'."""
        await self._load()
        return await self._orders(await self._pages("fetch_open_orders"))

    async def order_history(self, *, since_ns: int) -> Sequence[OrderRecord]:
        """Orders that ended at or after `since_ns`, if they lived for ten minutes at most."""
        await self._load()
        rows: list[Mapping[str, Any]] = []
        from_ns = max(0, since_ns - _ORDER_LIFE_NS)
        for method in self._history_methods():
            for market in await self._ours():
                rows += await self._pages(method, market.unified, since_ns=from_ns)
        orders = {order.order_id: order for order in await self._orders(rows)}
        ended = [order for order in orders.values() if not order.status.is_open]
        return [order for order in ended if order.updated_ns >= since_ns - since_ns % NS_PER_MS]

    async def executions(self, *, since_ns: int) -> Sequence[ExecutionRecord]:
        """Executions at or after `since_ns`, in the venue's order."""
        found: dict[str, ExecutionRecord] = {}
        for market in await self._ours():
            rows = await self._pages("fetch_my_trades", market.unified, since_ns=since_ns)
            for row in rows:
                cid = self._cids.get(str(row.get("order") or ""), "")
                record = execution_record(row, market, cid=cid)
                found[record.exec_id] = record
        least_ns = since_ns - since_ns % NS_PER_MS
        kept = [record for record in found.values() if record.ts_ns >= least_ns]
        return sorted(kept, key=lambda record: (record.ts_ns, record.seq))

    async def find_order(self, *, symbol: str, cid: str) -> OrderRecord | None:
        """One order, open or ended; None if the venue does not know it."""
        market = await self._market(symbol)
        for method in ("fetch_open_orders", *self._history_methods()):
            rows = await self._pages(method, market.unified)
            for order in await self._orders(rows):
                if order.cid == cid:
                    return order
        return None

    def _history_methods(self) -> tuple[str, ...]:
        if self._client.has("fetchCanceledAndClosedOrders"):
            return ("fetch_canceled_and_closed_orders",)
        if self._client.has("fetchOrders"):
            return ("fetch_orders",)
        pair = (
            ("fetchClosedOrders", "fetch_closed_orders"),
            ("fetchCanceledOrders", "fetch_canceled_orders"),
        )
        return tuple(method for name, method in pair if self._client.has(name))

    async def _orders(self, rows: Sequence[Mapping[str, Any]]) -> list[OrderRecord]:
        records = []
        for row in rows:
            market = await self._of_unified(row.get("symbol"))
            if market is not None:
                records.append(order_record(row, market))
        self._remember((one.symbol, one.cid, one.order_id, one.side) for one in records)
        return records

    async def _pages(
        self, method: str, unified: str | None = None, *, since_ns: int | None = None
    ) -> list[Mapping[str, Any]]:
        """All rows: by cursor where the venue has one, else from the last row's time on.

        Raises:
            VenueError: ``E_VENUE_INCOMPLETE`` when the answer does not end.
        """
        since_ms = None if since_ns is None else since_ns // NS_PER_MS
        rows: dict[str, Mapping[str, Any]] = {}
        params: dict[str, object] = {}
        for _ in range(_PAGES_MAX):
            answer = await self._client.call(
                Operation.QUERY, method, unified, since_ms, _PAGE, params, symbol=unified or ""
            )
            page = rows_of(answer)
            fresh = {str(row.get("id")): row for row in page if str(row.get("id")) not in rows}
            rows |= fresh
            cursor = _cursor(page)
            if cursor:
                params = {"cursor": cursor}
            elif len(page) < _PAGE or not fresh:
                return list(rows.values())
            else:
                newest = max(int(row.get("timestamp") or 0) for row in page)
                since_ms = max(newest, since_ms or 0)
        raise VenueError("E_VENUE_INCOMPLETE", f"method={method}", "does not come to an end")


def _cursor(page: Sequence[Mapping[str, Any]]) -> str:
    for row in page:
        info = row.get("info")
        if isinstance(info, Mapping) and info.get("nextPageCursor"):
            return str(info["nextPageCursor"])
    return ""


def _stated_equity(info: object) -> Decimal | None:
    """Equity in dollars where the raw answer states it (Bybit: ``totalEquity``)."""
    if isinstance(info, Mapping):
        for key in ("totalEquity", "totalEq", "totalMarginBalance"):
            number = decimal_of(info.get(key))
            if number is not None:
                return number
        inner = (info.get("result"), info.get("data"), info.get("list"))
        return next((n for one in inner if (n := _stated_equity(one)) is not None), None)
    if isinstance(info, list):
        return next((n for one in info if (n := _stated_equity(one)) is not None), None)
    return None
