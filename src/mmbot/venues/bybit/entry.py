"""Order entry: over the trade socket while it is up, else over REST; what is ours and nothing else.

A request takes exactly one way, once; only a cancel that the socket does not answer in
`CANCEL_ANSWER_MS` goes over REST as well, for it may be dead and cancelling twice is cancelling
once. Whatever is not of our namespace is refused before anything
is sent, and `cancel_all` cancels our orders one by one instead of asking the venue to cancel all,
for that would take orders of other programs and people with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from mmbot import core
from mmbot.clock import monotonic_ns
from mmbot.units import NS_PER_MS
from mmbot.venues.budget.ledger import Granted, Wait
from mmbot.venues.budget.turnstile import Turnstile
from mmbot.venues.bybit.answers import Answer, Asked, acks_of, raise_for_code
from mmbot.venues.bybit.endpoints import Category
from mmbot.venues.bybit.limits import ON_SOCKET
from mmbot.venues.bybit.queries import BybitQueries
from mmbot.venues.bybit.requests import OrderCommand, batch_command, command, path_of
from mmbot.venues.bybit.rest import RestClient
from mmbot.venues.bybit.stage import Stage, Wire
from mmbot.venues.bybit.trade_socket import TradeSocket
from mmbot.venues.failures import FailureKind, Operation
from mmbot.venues.namespace import CidNamespace
from mmbot.venues.ports import CallError
from mmbot.venues.records import Ack, AmendOrder, CancelOrder, CreateOrder

__all__ = ["BATCH_MAX", "CANCEL_ANSWER_MS", "BybitOrders", "EntryCounters"]

T = TypeVar("T", CreateOrder, AmendOrder, CancelOrder)
BATCH_MAX: Final[dict[Category, int]] = {"linear": 20, "spot": 10}
# A round trip around the world takes 300 ms.
CANCEL_ANSWER_MS: Final = 400
_OPERATIONS: Final = {
    "place": Operation.CREATE,
    "amend": Operation.AMEND,
    "cancel": Operation.CANCEL,
}


@dataclass(frozen=True, slots=True)
class _Way:
    """What a request does, its REST path, and its endpoint group."""

    operation: Operation
    is_batch: bool
    path: str
    group: str


def _way(operation: Operation, *, is_batch: bool) -> _Way:
    path = path_of(operation, is_batch=is_batch)
    return _Way(operation, is_batch, path, f"{ON_SOCKET}{path}")


# By kind, and whether it is a batch.
_WAYS: Final = {
    (kind, is_batch): _way(operation, is_batch=is_batch)
    for kind, operation in _OPERATIONS.items()
    for is_batch in (False, True)
}
# What is placed while cancelling is found by the next round.
_CANCEL_ROUNDS: Final = 5


@dataclass(slots=True)
class EntryCounters:
    """Requests by the way they took; `hedged` cancels took both."""

    over_socket: int = 0
    over_rest: int = 0
    hedged: int = 0


class BybitOrders:
    """`VenueOrders` of one account, category and bot."""

    def __init__(
        self,
        rest: RestClient,
        queries: BybitQueries,
        socket: TradeSocket | None,
        *,
        category: Category,
        namespace: CidNamespace,
    ) -> None:
        self.counters = EntryCounters()
        self._rest = rest
        self._queries = queries
        self._socket = socket
        self._cancelling = {False: 0, True: 0}
        self._stage = Stage(rest.budget.budget.rules)
        self._category: Category = category
        self._namespace = namespace

    def begin(
        self, requests: Sequence[core.OrderRequest], cids: Sequence[str]
    ) -> Awaitable[Sequence[Ack | CallError]] | None:
        """Send over the trade socket before this returns; see `VenueOrders`."""
        socket = self._socket
        if socket is None:
            return None
        written = self._write(socket, self._rest.budget, requests, cids)
        if written is None:
            return None
        way, req_id, sent_ns = written
        asked = Asked(way.operation, requests[0].symbol, tuple(cids), is_batch=way.is_batch)
        answered = socket.answer_to(
            req_id, asked, way.path, sent_ns=sent_ns, deadline_ms=self._deadline_ms(asked)
        )
        self.counters.over_socket += 1
        return self._answers(answered, asked)

    def rehearse(self, requests: Sequence[core.OrderRequest], cids: Sequence[str]) -> None:
        """Everything that `begin` does before a request has left, but for its leaving."""
        if self._socket is not None and self._socket.is_up:
            self._write(self._stage, self._stage.budget, requests, cids)

    def _write(
        self,
        wire: Wire,
        budget: Turnstile,
        requests: Sequence[core.OrderRequest],
        cids: Sequence[str],
    ) -> tuple[_Way, str, int] | None:
        """Write a request now: its way, its id, when; None if that cannot be or would wait."""
        now_ns = self._rest.clock.now_ns()
        if now_ns is None or not wire.is_up:
            return None
        symbol = requests[0].symbol
        for cid in cids:
            self._namespace.check(cid, symbol)
        way = _WAYS[requests[0].kind, len(cids) > 1]
        if not budget.try_enter(way.group, way.operation, orders=len(cids)):
            return None
        req_id = wire.next_req_id()
        frame = core.bybit_order_frame(
            requests,
            timestamp_ms=now_ns // NS_PER_MS,
            req_id=req_id,
            recv_window_ms=self._rest.policy.recv_window_ms,
            category=self._category,
        )
        sent_ns = monotonic_ns()
        # If nothing was written, only the budget counts what it let pass.
        return (way, req_id, sent_ns) if wire.send(frame) else None

    async def create(self, order: CreateOrder) -> Ack:
        """Place an order."""
        return await self._single(order)

    async def amend(self, change: AmendOrder) -> Ack:
        """Change price and total quantity."""
        return await self._single(change)

    async def cancel(self, order: CancelOrder) -> Ack:
        """Cancel an order, alone or as a batch of one: each way has a limit of its own."""
        is_batch = await self._is_batch_sooner()
        self._cancelling[is_batch] += 1
        try:
            if not is_batch:
                return await self._single(order)
            (found,) = await self._batch([order])
        finally:
            self._cancelling[is_batch] -= 1
        if isinstance(found, CallError):
            raise found
        return found

    async def cancel_all(self, symbol: str) -> None:
        """Cancel all orders of this bot on a symbol, and no others.

        Raises:
            CallError: the first order that could not be cancelled and is not done.
        """
        failed: CallError | None = None
        for _ in range(_CANCEL_ROUNDS):
            ours = [
                CancelOrder(cid=record.cid, symbol=symbol)
                for record in await self._queries.open_orders_of(symbol)
                if self._namespace.owns(record.cid)
            ]
            if not ours:
                return
            failed = None
            size = BATCH_MAX[self._category]
            for start in range(0, len(ours), size):
                for found in await self.cancel_batch(ours[start : start + size]):
                    if isinstance(found, CallError):
                        failed = failed or found
        if failed is not None:
            raise failed

    async def create_batch(self, orders: Sequence[CreateOrder]) -> Sequence[Ack | CallError]:
        """Place orders of one symbol."""
        return await self._batch(orders)

    async def amend_batch(self, changes: Sequence[AmendOrder]) -> Sequence[Ack | CallError]:
        """Change orders of one symbol."""
        return await self._batch(changes)

    async def cancel_batch(self, orders: Sequence[CancelOrder]) -> Sequence[Ack | CallError]:
        """Cancel orders of one symbol."""
        return await self._batch(orders)

    async def _is_batch_sooner(self) -> bool:
        """Whether a batch would leave before a single cancel, by those that are on their way."""
        status = await self._rest.budget.budget.status(now_ns=monotonic_ns())

        def behind(*, is_batch: bool) -> float:
            bucket = status[path_of(Operation.CANCEL, is_batch=is_batch)]
            return max(0, self._cancelling[is_batch] + 1 - max(0, bucket.left)) / max(
                1, bucket.limit
            )

        return behind(is_batch=True) < behind(is_batch=False)

    async def _single(self, order: CreateOrder | AmendOrder | CancelOrder) -> Ack:
        self._namespace.check(order.cid, order.symbol)
        wanted = command(order, self._category)
        asked = Asked(wanted.operation, order.symbol, wanted.cids)
        return _ack(await self._send(wanted, asked), asked)

    async def _batch(self, orders: Sequence[T]) -> Sequence[Ack | CallError]:
        if not orders:
            return []
        for order in orders:
            self._namespace.check(order.cid, order.symbol)
        assert len({order.symbol for order in orders}) == 1
        assert len(orders) <= BATCH_MAX[self._category]
        wanted = batch_command(orders, self._category)
        asked = Asked(wanted.operation, orders[0].symbol, wanted.cids, is_batch=True)
        answer = await self._send(wanted, asked)
        raise_for_code(answer, asked, headers=answer.header, http_status=None)
        return acks_of(answer, asked)

    async def _send(self, wanted: OrderCommand, asked: Asked) -> Answer:
        socket = self._socket
        if socket is not None and socket.is_up and self._rest.clock.now_ns() is not None:
            await self._pass_budget(asked, wanted.path)
            try:
                answered = self._begin(socket, wanted, asked)
                if answered is not None:
                    return await answered
            except CallError as exc:
                # It went down while we waited and nothing was written: the other way is still free.
                if exc.failure.is_sent and not self._is_hedged(asked):
                    raise
                self.counters.hedged += exc.failure.is_sent
        self.counters.over_rest += 1
        return await self._rest.post(wanted.path, wanted.encoded(), asked)

    def _begin(
        self, socket: TradeSocket, wanted: OrderCommand, asked: Asked
    ) -> asyncio.Future[Answer] | None:
        """Write a request now; None while the venue's time is not known."""
        # The time stamp is made after the wait for the budget: the venue refuses old ones.
        now_ns = self._rest.clock.now_ns()
        if now_ns is None:
            return None
        policy, req_id = self._rest.policy, socket.next_req_id()
        frame = wanted.frame(
            req_id=req_id,
            timestamp_ms=now_ns // NS_PER_MS,
            recv_window_ms=policy.recv_window_ms,
        )
        answered = socket.begin(
            frame, req_id, asked, path=wanted.path, deadline_ms=self._deadline_ms(asked)
        )
        self.counters.over_socket += 1
        return answered

    async def _pass_budget(self, asked: Asked, path: str) -> None:
        passed = await self._rest.budget.enter(
            f"{ON_SOCKET}{path}",
            asked.operation,
            orders=len(asked.cids),
            patience_ns=self._rest.policy.patience_ns(asked.operation),
        )
        if not isinstance(passed, Granted):
            wait_ms = passed.wait_ns // NS_PER_MS if isinstance(passed, Wait) else None
            text = f"the rate budget of {passed.bucket} is used up"
            raise asked.error(FailureKind.BUDGET, text, is_sent=False, wait_ms=wait_ms)

    def _is_hedged(self, asked: Asked) -> bool:
        is_cancel = asked.operation is Operation.CANCEL
        return is_cancel and self._rest.policy.timeout_ms > CANCEL_ANSWER_MS

    def _deadline_ms(self, asked: Asked) -> int:
        return CANCEL_ANSWER_MS if self._is_hedged(asked) else self._rest.policy.timeout_ms

    async def _answers(
        self, answered: asyncio.Future[Answer], asked: Asked
    ) -> Sequence[Ack | CallError]:
        try:
            answer = await answered
        except CallError as exc:
            if not self._is_hedged(asked):
                raise
            self.counters.hedged += exc.failure.is_sent
            self.counters.over_rest += 1
            orders = [CancelOrder(cid=cid, symbol=asked.symbol) for cid in asked.cids]
            wanted = (
                batch_command(orders, self._category)
                if asked.is_batch
                else command(orders[0], self._category)
            )
            answer = await self._rest.post(wanted.path, wanted.encoded(), asked)
        raise_for_code(answer, asked, headers=answer.header, http_status=None)
        return acks_of(answer, asked)


def _ack(answer: Answer, asked: Asked) -> Ack:
    raise_for_code(answer, asked, headers=answer.header, http_status=None)
    (found,) = acks_of(answer, asked)
    if isinstance(found, CallError):
        raise found
    return found
