"""Questions to the account and the market: all pages, as our records.

Lists come newest first and are turned around. What is asked by time is cut into spans of seven
days, the most that Bybit answers at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Generic, TypeVar

import msgspec

from mmbot.errors import VenueError
from mmbot.units import NS_PER_DAY, NS_PER_MIN, NS_PER_MS
from mmbot.venues.bybit.answers import Asked, decode_result
from mmbot.venues.bybit.endpoints import Category
from mmbot.venues.bybit.rest import RestClient
from mmbot.venues.bybit.rows import (
    ExecutionRow,
    FeeRow,
    InstrumentRow,
    OrderRow,
    PositionRow,
    WalletRow,
)
from mmbot.venues.failures import FailureKind, Operation
from mmbot.venues.ports import CallError
from mmbot.venues.records import (
    AccountEquity,
    ExecutionRecord,
    FeeRates,
    InstrumentRules,
    OrderRecord,
    PositionRecord,
)

__all__ = ["BybitQueries"]

T = TypeVar("T")
# Linear contracts are settled in one of these; Bybit lists positions and orders by coin.
_SETTLE_COINS: Final = ("USDT", "USDC")
_SPAN_NS: Final = 7 * NS_PER_DAY
# Orders are listed by the time of their creation: one that ended in the span asked for may be older
# by its whole life. Two minutes of ten orders a second are 24 pages, which a cycle can bear.
_ORDER_LIFE_NS: Final = 2 * NS_PER_MIN
_PAGES_MAX: Final = 1_000
_SYMBOLS_ALL: Final = 8
_WRONG_PARAMETER: Final = 10001


class _Page(msgspec.Struct, Generic[T], frozen=True, rename="camel"):
    list: Sequence[T]
    next_page_cursor: str | None = None


class BybitQueries:
    """`VenueQueries` of one account and category."""

    def __init__(self, rest: RestClient, category: Category) -> None:
        self._rest = rest
        self._category: Category = category

    async def instruments(self, symbols: Sequence[str]) -> Mapping[str, InstrumentRules]:
        """Grids and limits by symbol; what is not trading is missing."""
        if len(symbols) > _SYMBOLS_ALL:
            rows = await self._instruments({"limit": "1000"})
        else:
            rows = [row for one in symbols for row in await self._instrument(one)]
        wanted = set(symbols)
        return {row.symbol: row.record() for row in rows if row.symbol in wanted and row.is_trading}

    async def server_time_ns(self) -> int:
        """The venue's clock, asked now."""
        await self._rest.measure_clock()
        now_ns = self._rest.clock.now_ns()
        if now_ns is None:
            raise Asked(Operation.QUERY).error(FailureKind.MALFORMED, "no time in the answer")
        return now_ns

    async def equity(self) -> AccountEquity:
        """Balances and equity of the unified account."""
        rows = await self._all(
            "/v5/account/wallet-balance", {"accountType": "UNIFIED"}, WalletRow, has_category=False
        )
        if len(rows) != 1:
            asked = Asked(Operation.QUERY)
            raise asked.error(FailureKind.MALFORMED, f"{len(rows)} accounts instead of one")
        return rows[0].equity()

    async def fee_rates(self, symbols: Sequence[str]) -> Mapping[str, FeeRates]:
        """The account's fees by symbol."""
        path = "/v5/account/fee-rate"
        if len(symbols) > _SYMBOLS_ALL:
            rows = await self._all(path, {}, FeeRow)
        else:
            rows = [
                row for one in symbols for row in await self._all(path, {"symbol": one}, FeeRow)
            ]
        wanted = set(symbols)
        return {row.symbol: row.record() for row in rows if row.symbol in wanted}

    async def positions(self) -> Sequence[PositionRecord]:
        """All positions that are not zero; spot has none.

        Raises:
            VenueError: ``E_VENUE_ACCOUNT`` for an account in hedge mode.
            CallError: as all calls.
        """
        if self._category == "spot":
            return []
        rows = []
        for coin in _SETTLE_COINS:
            params = {"settleCoin": coin, "limit": "200"}
            rows += await self._all("/v5/position/list", params, PositionRow)
        records = []
        for row in rows:
            record = row.record()
            if not float(record.qty):
                continue
            if row.is_hedged:
                raise VenueError(
                    "E_VENUE_ACCOUNT", f"symbol={row.symbol}", "is in hedge mode, not one-way"
                )
            records.append(record)
        return records

    async def open_orders(self) -> Sequence[OrderRecord]:
        """All open orders of the account and category."""
        return await self.open_orders_of(None)

    async def open_orders_of(self, symbol: str | None) -> Sequence[OrderRecord]:
        """Open orders of one symbol, or of all."""
        scopes: Sequence[dict[str, str]] = [{}]
        if symbol is not None:
            scopes = [{"symbol": symbol}]
        elif self._category == "linear":
            scopes = [{"settleCoin": coin} for coin in _SETTLE_COINS]
        rows: list[OrderRow] = []
        for scope in scopes:
            params = {"openOnly": "0", "limit": "50", **scope}
            rows += reversed(await self._all("/v5/order/realtime", params, OrderRow))
        records = (row.record() for row in rows)
        return [record for record in records if record.status.is_open]

    async def order_history(self, *, since_ns: int) -> Sequence[OrderRecord]:
        """Orders that ended at or after `since_ns` and were at most two minutes old then.

        Older ones are found by `find_order`; their executions by `executions`.
        """
        start_ns = max(0, since_ns - _ORDER_LIFE_NS)
        rows = await self._since("/v5/order/history", start_ns, OrderRow, limit=50)
        records = (row.record() for row in rows)
        from_ns = _whole_ms(since_ns)
        return [r for r in records if r.updated_ns >= from_ns and not r.status.is_open]

    async def executions(self, *, since_ns: int) -> Sequence[ExecutionRecord]:
        """Executions at or after `since_ns`, oldest first; funding payments are none."""
        rows = await self._since("/v5/execution/list", since_ns, ExecutionRow, limit=100)
        # A page may repeat the end of the one before when something happens between them.
        by_id = {row.exec_id: row.record() for row in rows if row.is_trade}
        from_ns = _whole_ms(since_ns)
        records = (record for record in by_id.values() if record.ts_ns >= from_ns)
        return sorted(records, key=lambda record: (record.ts_ns, record.seq))

    async def find_order(self, *, symbol: str, cid: str) -> OrderRecord | None:
        """One order by our id: among open and just ended ones, then in the history."""
        params = {"symbol": symbol, "orderLinkId": cid}
        for path in ("/v5/order/realtime", "/v5/order/history"):
            rows = await self._all(path, params, OrderRow, symbol=symbol)
            for row in rows:
                if row.order_link_id == cid:
                    return row.record()
        return None

    async def _instrument(self, symbol: str) -> list[InstrumentRow]:
        try:
            return await self._instruments({"symbol": symbol})
        except CallError as exc:
            # The only parameter that can be wrong here is the symbol: it does not exist.
            if exc.failure.code == _WRONG_PARAMETER:
                return []
            raise

    async def _instruments(self, params: Mapping[str, str]) -> list[InstrumentRow]:
        path = "/v5/market/instruments-info"
        return await self._all(path, params, InstrumentRow, is_signed=False)

    async def _since(self, path: str, since_ns: int, shape: type[T], *, limit: int) -> list[T]:
        end_ns = self._rest.clock.now_ns() or await self.server_time_ns()
        out: list[T] = []
        start_ns = since_ns
        while start_ns <= end_ns:
            params = {"startTime": str(start_ns // NS_PER_MS), "limit": str(limit)}
            if start_ns + _SPAN_NS <= end_ns:
                params["endTime"] = str((start_ns + _SPAN_NS) // NS_PER_MS)
            out += reversed(await self._all(path, params, shape))
            # Bounds are inclusive; what lies on one would come twice.
            start_ns += _SPAN_NS + NS_PER_MS
        return out

    async def _all(
        self,
        path: str,
        params: Mapping[str, str],
        shape: type[T],
        *,
        symbol: str = "",
        is_signed: bool = True,
        has_category: bool = True,
    ) -> list[T]:
        """All pages."""
        asked = Asked(Operation.QUERY, symbol)
        query = {"category": self._category, **params} if has_category else dict(params)
        rows: list[T] = []
        for _ in range(_PAGES_MAX):
            answer = await self._rest.get(path, query, asked, is_signed=is_signed)
            page = decode_result(answer.result, _Page[shape], asked)  # type: ignore[valid-type]
            rows += page.list
            if not page.next_page_cursor or not page.list:
                return rows
            query["cursor"] = page.next_page_cursor
        raise asked.error(FailureKind.MALFORMED, f"more than {_PAGES_MAX} pages")


def _whole_ms(ts_ns: int) -> int:
    """The venue's times are cut to milliseconds: what happened within one counts as its start."""
    return ts_ns - ts_ns % NS_PER_MS
