"""Requests on their way: one task a request or batch, in order for each order.

What can leave without waiting has left before `Sender.send` returns; its task waits for the answer.

Creates and amends go once. What was not taken is refused to the core, which decides anew; what may
have been taken makes the order unknown (`mmbot.trading.live.deadlines` resolves it). Cancels go on
until the order is done, and from the fifth failure on for all orders of the symbol.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Final, cast

from mmbot.trading.live.orders import RequestKind
from mmbot.trading.live.rejects import refused_for
from mmbot.trading.live.reports import refusal
from mmbot.units import NS_PER_SEC
from mmbot.venues.failures import Action, Failure, VenueCodes, classify
from mmbot.venues.ports import CallError, VenuePort
from mmbot.venues.records import Ack, AmendOrder, CancelOrder, CreateOrder, Side
from mmbot.venues.retry import BackoffAccount, RetryState, Step, next_step

if TYPE_CHECKING:
    from mmbot import core
    from mmbot.trading.live.desk import Desk

__all__ = ["Sender", "SendingCounters"]

_BATCH_DEFAULT: Final = 1


@dataclass(slots=True)
class SendingCounters:
    """Requests so far; `unclear` are those whose effect nobody knew at first.

    `failures` counts them by kind of request and `Failure.label`.
    """

    sent: int = 0
    failures: Counter[tuple[RequestKind, str]] = field(default_factory=Counter)
    unclear: int = 0
    backoff: BackoffAccount = field(default_factory=BackoffAccount)


@dataclass(slots=True)
class _Parcel:
    """Requests of one kind and symbol that go in one call.

    Attributes:
        client_ids: of `wanted`, in its order.
        before: earlier calls about one of its orders.
        sent: the answers, if it is on its way already.
    """

    kind: RequestKind
    wanted: Sequence[core.OrderRequest]
    client_ids: list[str]
    before: set[asyncio.Task[None]]
    sent: Awaitable[Sequence[Ack | CallError]] | None


class Sender:
    """Sends what the desk gives away.

    Args:
        port: the venue.
        desk: is told what failed.
        codes: of the venue.
        batch_max: orders of a symbol that fit into one request.
        jitter: seeded randomness of back-offs.
        on_fatal: called with the label of a failure that ends the session.
        on_told: called when the desk was told something.
        on_refused: called with reason and symbol of a create or amend that the venue refused.
    """

    def __init__(
        self,
        port: VenuePort,
        desk: Desk,
        *,
        codes: VenueCodes,
        batch_max: Callable[[str], int],
        jitter: Random,
        on_fatal: Callable[[str], None],
        on_told: Callable[[], None],
        on_refused: Callable[[str, str], None] = lambda _reason, _symbol: None,
    ) -> None:
        self.counters = SendingCounters()
        self._port = port
        self._desk = desk
        self._codes = codes
        self._batch_max = batch_max
        self._jitter = jitter
        self._on_fatal = on_fatal
        self._on_told = on_told
        self._on_refused = on_refused
        self._tasks: set[asyncio.Task[None]] = set()
        self._last: dict[str, asyncio.Task[None]] = {}
        self._cancelling: set[str] = set()
        self._sizes: dict[tuple[str, str], int] = {}

    def is_fatal(self, failure: Failure) -> bool:
        """Whether a failure ends the session."""
        return classify(failure, self._codes).action is Action.STOP_SESSION

    def is_busy(self, client_id: str) -> bool:
        """Whether a call about an order has not returned yet."""
        return client_id in self._last

    @property
    def in_flight(self) -> int:
        """Calls that have not returned."""
        return len(self._tasks)

    def send(self, requests: Sequence[core.OrderRequest]) -> None:
        """Begin to send, in this order; the desk is told once everything that can leave has."""
        parcels: list[_Parcel] = []
        for kind, symbol, wanted in _groups(requests):
            self._begin(kind, symbol, wanted, parcels)
        self._desk.sent(requests)
        for parcel in parcels:
            self._start(parcel)

    def rehearse(self, requests: Sequence[core.OrderRequest]) -> None:
        """Go the way of `send` with requests that have left before, and send nothing."""
        for kind, symbol, wanted in _groups(requests):
            client_ids = [one.client_order_id for one in wanted]
            if self._cancelling.isdisjoint(client_ids):
                size = self._size(kind, symbol)
                self._port.rehearse(wanted[:size], client_ids[:size])

    async def cancel(self, symbol: str, client_ids: Iterable[str]) -> int:
        """Cancel orders that the core does not know; return how many calls failed for good."""
        calls = [self._cancel_once(symbol, one) for one in client_ids]
        return sum(1 for done in await asyncio.gather(*calls) if not done)

    async def drain(self, timeout_ns: int) -> None:
        """Wait until all calls have returned, but not longer."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout_ns / NS_PER_SEC)

    async def aclose(self) -> None:
        """Give up what is going on."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _size(self, kind: str, symbol: str) -> int:
        size = self._sizes.get((kind, symbol))
        if size is None:
            able = self._port.capabilities
            most = {
                "place": able.create_batch_max,
                "amend": able.amend_batch_max,
                "cancel": able.cancel_batch_max,
            }[kind]
            size = max(1, min(most, self._batch_max(symbol) or _BATCH_DEFAULT))
            self._sizes[kind, symbol] = size
        return size

    def _begin(
        self,
        kind: str,
        symbol: str,
        wanted: Sequence[core.OrderRequest],
        parcels: list[_Parcel],
    ) -> None:
        """Make parcels of neighbours of one kind and symbol, each on its way if that can be."""
        client_ids = [one.client_order_id for one in wanted]
        if kind == "cancel":
            if not self._cancelling.isdisjoint(client_ids):
                # One that is going on goes on by itself.
                wanted = [one for one in wanted if one.client_order_id not in self._cancelling]
                client_ids = [one.client_order_id for one in wanted]
            self._cancelling.update(client_ids)
        size = self._size(kind, symbol)
        for start in range(0, len(client_ids), size):
            part, cids = wanted[start : start + size], client_ids[start : start + size]
            before = {task for cid in cids if (task := self._last.get(cid))}
            sent = None if before else self._port.begin(part, cids)
            parcels.append(_Parcel(cast("RequestKind", kind), part, cids, before, sent))

    def _start(self, parcel: _Parcel) -> None:
        task = asyncio.create_task(self._run(parcel))
        self._tasks.add(task)
        for client_id in parcel.client_ids:
            self._last[client_id] = task
        task.add_done_callback(lambda done: self._ended(done, parcel))

    def _ended(self, task: asyncio.Task[None], parcel: _Parcel) -> None:
        self._tasks.discard(task)
        for client_id in parcel.client_ids:
            if self._last.get(client_id) is task:
                del self._last[client_id]
            if parcel.kind == "cancel":
                self._cancelling.discard(client_id)
        if not task.cancelled() and task.exception() is not None:
            self._on_fatal(f"sending:{task.exception()}")

    async def _run(self, parcel: _Parcel) -> None:
        kind, wanted = parcel.kind, parcel.wanted
        if parcel.before:
            await asyncio.wait(parcel.before)
        self.counters.sent += len(wanted)
        answers = await self._call(kind, wanted, parcel.sent)
        again: list[tuple[core.OrderRequest, Failure]] = []
        for request, answer in zip(wanted, answers, strict=True):
            if isinstance(answer, CallError):
                self.counters.failures[kind, answer.failure.label] += 1
                if self._fails(kind, request, answer.failure):
                    again.append((request, answer.failure))
        if again:
            # A batch is refused as a whole where single ones still pass.
            at_once = len(wanted) > 1
            calls = (self._cancel_again(one, why, at_once=at_once) for one, why in again)
            await asyncio.gather(*calls)
        self._on_told()

    async def _call(
        self,
        kind: RequestKind,
        wanted: Sequence[core.OrderRequest],
        sent: Awaitable[Sequence[Ack | CallError]] | None,
    ) -> Sequence[Ack | CallError]:
        is_batch = len(wanted) > 1
        port = self._port
        try:
            if sent is not None:
                return await sent
            match kind:
                case "place":
                    creates = [_create(one) for one in wanted]
                    if is_batch:
                        return await port.create_batch(creates)
                    ack = await port.create(creates[0])
                case "amend":
                    amends = [_amend(one) for one in wanted]
                    if is_batch:
                        return await port.amend_batch(amends)
                    ack = await port.amend(amends[0])
                case "cancel":
                    cancels = [_cancel(one) for one in wanted]
                    if is_batch:
                        return await port.cancel_batch(cancels)
                    ack = await port.cancel(cancels[0])
        except CallError as exc:
            return [exc] * len(wanted)
        return [ack]

    def _fails(self, kind: RequestKind, request: core.OrderRequest, failure: Failure) -> bool:
        """Tell the desk what a failure means; True for a cancel that goes again."""
        verdict = classify(failure, self._codes)
        if verdict.action is Action.STOP_SESSION:
            self._on_fatal(failure.label)
        refused = refused_for(verdict, failure) if kind != "cancel" else None
        if refused is not None:
            self._on_refused(refused, request.symbol)
        order = self._desk.ledger.numbered(request.symbol, request.cid)
        if order is None:
            return False
        if kind == "cancel" and verdict.action is Action.RETRY:
            return True
        report = refusal(order, kind, verdict, failure, self._codes)
        if report is not None:
            self._desk.tell([report])
        elif order.state.is_pending:
            self.counters.unclear += 1
            self._desk.doubt(order)
        return False

    async def _cancel_again(
        self, request: core.OrderRequest, failure: Failure, *, at_once: bool
    ) -> None:
        """Until the order is done, whatever it takes."""
        state = RetryState()
        while True:
            order = self._desk.ledger.numbered(request.symbol, request.cid)
            step = next_step(
                state, failure, codes=self._codes, draw=self._jitter.random(), is_wanted=True
            )
            state = step.state
            if step.step not in {Step.RETRY, Step.CANCEL_ALL}:
                self._fails("cancel", request, failure)
                return
            if not at_once:
                self.counters.backoff = self.counters.backoff.after(step)
                await asyncio.sleep(step.delay_ns / NS_PER_SEC)
            at_once = False
            if order is None or not order.state.is_open:
                return
            try:
                if step.step is Step.CANCEL_ALL and self._port.capabilities.cancel_all:
                    await self._port.cancel_all(request.symbol)
                else:
                    await self._port.cancel(_cancel(request))
            except CallError as exc:
                failure = exc.failure
                self.counters.failures["cancel", failure.label] += 1
            else:
                return

    async def _cancel_once(self, symbol: str, client_id: str) -> bool:
        try:
            await self._port.cancel(CancelOrder(cid=client_id, symbol=symbol))
        except CallError as exc:
            self.counters.failures["cancel", exc.failure.label] += 1
            return classify(exc.failure, self._codes).action is Action.RESOLVE
        return True


def _groups(
    requests: Sequence[core.OrderRequest],
) -> list[tuple[str, str, Sequence[core.OrderRequest]]]:
    """Neighbours of one kind and symbol, with both."""
    kinds = [(one.kind, one.symbol) for one in requests]
    groups, start = [], 0
    for end in range(1, len(kinds) + 1):
        if end == len(kinds) or kinds[end] != kinds[start]:
            groups.append((*kinds[start], requests[start:end]))
            start = end
    return groups


def _create(request: core.OrderRequest) -> CreateOrder:
    assert request.side is not None
    assert request.price is not None
    assert request.qty is not None
    return CreateOrder(
        cid=request.client_order_id,
        symbol=request.symbol,
        side=Side(request.side),
        price=request.price,
        qty=request.qty,
        post_only=request.post_only,
        reduce_only=request.reduce_only,
    )


def _amend(request: core.OrderRequest) -> AmendOrder:
    assert request.price is not None
    assert request.qty is not None
    return AmendOrder(
        cid=request.client_order_id, symbol=request.symbol, price=request.price, qty=request.qty
    )


def _cancel(request: core.OrderRequest) -> CancelOrder:
    return CancelOrder(cid=request.client_order_id, symbol=request.symbol)
