"""What queries, orders and streams of one account share: client, markets, ids of orders."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mmbot.errors import VenueError
from mmbot.venues.budget.turnstile import Turnstile
from mmbot.venues.ccxt.client import CcxtClient, CcxtOptions
from mmbot.venues.ccxt.markets import CcxtMarket, find_market
from mmbot.venues.failures import Operation
from mmbot.venues.namespace import CidNamespace
from mmbot.venues.records import Side

__all__ = ["CcxtParts", "KnownOrder", "rows_of"]

_KNOWN_MAX: Final = 20_000


@dataclass(frozen=True, slots=True)
class KnownOrder:
    """The venue's id of an order of ours, and its side, which ccxt wants for an amend."""

    order_id: str
    side: Side


class CcxtParts:
    """Shared state; `symbols` are those whose account queries are asked one by one if need be."""

    def __init__(
        self,
        options: CcxtOptions,
        symbols: Sequence[str],
        *,
        namespace: CidNamespace,
        turnstile: Turnstile | None = None,
    ) -> None:
        self._options = options
        self._namespace = namespace
        self._symbols = tuple(symbols)
        self._client = CcxtClient(options, turnstile)
        self._loading = asyncio.Lock()
        self._markets: dict[str, CcxtMarket] = {}
        self._by_unified: dict[str, CcxtMarket] = {}
        self._known: dict[tuple[str, str], KnownOrder] = {}
        self._cids: dict[str, str] = {}

    async def _load(self) -> Any:  # noqa: ANN401 (ccxt has no types)
        """The exchange with its markets, which are fetched once."""
        exchange = self._client.exchange
        async with self._loading:
            if not exchange.markets:
                await self._client.call(Operation.QUERY, "load_markets")
        return exchange

    async def _market(self, symbol: str) -> CcxtMarket:
        """The market of a symbol.

        Raises:
            VenueError: ``E_VENUE_SYMBOL`` if the venue does not trade it.
        """
        market = await self._find(symbol)
        if market is None:
            place = f"symbol={symbol} exchange={self._options.exchange}"
            raise VenueError("E_VENUE_SYMBOL", place, "is not traded")
        return market

    async def _find(self, symbol: str) -> CcxtMarket | None:
        if symbol in self._markets:
            return self._markets[symbol]
        exchange = await self._load()
        market = find_market(
            exchange.markets,
            exchange.markets_by_id,
            symbol,
            market_type=self._options.market_type,
            precision_mode=exchange.precisionMode,
        )
        if market is not None:
            self._markets[symbol] = market
            self._by_unified[market.unified] = market
        return market

    async def _of_unified(self, unified: object) -> CcxtMarket | None:
        """The market of one of ccxt's symbols; ours by the name under which it was asked for.

        Markets of other kinds, which the account may hold too, are None.
        """
        known = self._by_unified.get(str(unified))
        if known is not None:
            return known
        exchange = await self._load()
        found = exchange.markets.get(str(unified))
        if found is None or found.get("type") != self._options.market_type:
            return None
        if found.get("contract") and not found.get("linear"):
            return None
        return await self._find(str(found["id"]))

    async def _ours(self) -> list[CcxtMarket]:
        return [await self._market(symbol) for symbol in self._symbols]

    def _remember(self, orders: Iterable[tuple[str, str, str, Side]]) -> None:
        """Note (symbol, cid, order id, side) of orders."""
        for symbol, cid, order_id, side in orders:
            if cid and order_id:
                self._known[symbol, cid] = KnownOrder(order_id, side)
                self._cids[order_id] = cid
        _trim(self._known)
        _trim(self._cids)


def _trim(table: dict[Any, Any]) -> None:
    while len(table) > _KNOWN_MAX:
        del table[next(iter(table))]


def rows_of(answer: object) -> list[Mapping[str, Any]]:
    """The rows of a list that ccxt answered."""
    return [row for row in answer if isinstance(row, Mapping)] if isinstance(answer, list) else []
