"""Requests, one order each: ccxt's batches do not say order by order what became of them.

ccxt cancels and amends by the venue's id. It is known from the answer to the create, from the
private stream or from a query; for an order of which nothing is known yet the open orders are
asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from mmbot import core
from mmbot.venues.ccxt.codes import CcxtCode
from mmbot.venues.ccxt.markets import CcxtMarket
from mmbot.venues.ccxt.parts import KnownOrder
from mmbot.venues.ccxt.queries import CcxtQueries
from mmbot.venues.failures import Failure, FailureKind, Operation
from mmbot.venues.ports import CallError
from mmbot.venues.records import Ack, AmendOrder, CancelOrder, CreateOrder

__all__ = ["CcxtOrders"]

_Request = TypeVar("_Request", CreateOrder, AmendOrder, CancelOrder)


class CcxtOrders(CcxtQueries):
    """`mmbot.venues.ports.VenueOrders` through ccxt's unified methods."""

    def begin(self, requests: Sequence[core.OrderRequest], cids: Sequence[str]) -> None:
        """None: ccxt sends when its call is awaited."""
        del requests, cids

    def rehearse(self, requests: Sequence[core.OrderRequest], cids: Sequence[str]) -> None:
        """Nothing: `begin` sends nothing either."""

    async def create(self, order: CreateOrder) -> Ack:
        """Place an order.

        Raises:
            CallError: the venue refused or did not answer.
            VenueError: ``E_VENUE_FOREIGN`` for an id that is not of this bot.
        """
        self._namespace.check(order.cid, order.symbol)
        market = await self._market(order.symbol)
        params: dict[str, object] = {"clientOrderId": order.cid}
        if order.post_only:
            params["postOnly"] = True
        if order.reduce_only and market.is_contract:
            params["reduceOnly"] = True
        market.rules.ticks(order.price)
        answer = await self._client.call(
            Operation.CREATE,
            "create_order",
            market.unified,
            "limit",
            order.side.value,
            market.amount(order.qty),
            float(order.price),
            params,
            symbol=order.symbol,
        )
        order_id = str(answer.get("id") or "")
        self._remember([(order.symbol, order.cid, order_id, order.side)])
        return Ack(cid=order.cid, order_id=order_id)

    async def amend(self, change: AmendOrder) -> Ack:
        """Change an order; only with `Capabilities.amend`; errors as `create`."""
        self._namespace.check(change.cid, change.symbol)
        market = await self._market(change.symbol)
        known = await self._known_order(market, change.cid, Operation.AMEND)
        market.rules.ticks(change.price)
        await self._client.call(
            Operation.AMEND,
            "edit_order",
            known.order_id,
            market.unified,
            "limit",
            known.side.value,
            market.amount(change.qty),
            float(change.price),
            symbol=change.symbol,
        )
        return Ack(cid=change.cid, order_id=known.order_id)

    async def cancel(self, order: CancelOrder) -> Ack:
        """Cancel an order; errors as `create`."""
        self._namespace.check(order.cid, order.symbol)
        market = await self._market(order.symbol)
        known = await self._known_order(market, order.cid, Operation.CANCEL)
        await self._client.call(
            Operation.CANCEL,
            "cancel_order",
            known.order_id,
            market.unified,
            symbol=order.symbol,
        )
        return Ack(cid=order.cid, order_id=known.order_id)

    async def cancel_all(self, symbol: str) -> None:
        """Cancel this bot's orders of a symbol, one by one.

        The venue's own cancel-all would take the orders of others with it.

        Raises:
            CallError: one could not be cancelled; the others were tried.
        """
        market = await self._market(symbol)
        orders = await self._orders(await self._pages("fetch_open_orders", market.unified))
        own = [order for order in orders if self._namespace.owns(order.cid)]
        answers = await self.cancel_batch([CancelOrder(cid=o.cid, symbol=symbol) for o in own])
        for answer in answers:
            if isinstance(answer, CallError) and answer.failure.code != CcxtCode.ORDER_DONE:
                raise answer

    async def create_batch(self, orders: Sequence[CreateOrder]) -> Sequence[Ack | CallError]:
        """Place orders one after another."""
        return await _each(self.create, orders)

    async def amend_batch(self, changes: Sequence[AmendOrder]) -> Sequence[Ack | CallError]:
        """Change orders one after another."""
        return await _each(self.amend, changes)

    async def cancel_batch(self, orders: Sequence[CancelOrder]) -> Sequence[Ack | CallError]:
        """Cancel orders one after another."""
        return await _each(self.cancel, orders)

    async def _known_order(self, market: CcxtMarket, cid: str, operation: Operation) -> KnownOrder:
        if (market.symbol, cid) not in self._known:
            rows = await self._pages("fetch_open_orders", market.unified)
            await self._orders(rows)
        known = self._known.get((market.symbol, cid))
        if known is None:
            # The venue was asked and has no such order open: what a cancel would have been told.
            failure = Failure(
                operation=operation,
                is_sent=True,
                kind=FailureKind.CODE,
                code=CcxtCode.ORDER_DONE,
            )
            raise CallError(failure, symbol=market.symbol, message=f"no open order {cid}")
        return known


async def _each(
    ask: Callable[[_Request], Awaitable[Ack]], requests: Sequence[_Request]
) -> list[Ack | CallError]:
    answers: list[Ack | CallError] = []
    for request in requests:
        try:
            answers.append(await ask(request))
        except CallError as exc:
            answers.append(exc)
    return answers
