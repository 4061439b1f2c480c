"""A venue whose market is real and whose orders are not: what mode shadow trades on.

Public streams, trading rules and the clock are those of another adapter. Orders live in the core's
exchange simulator (`mmbot.core.ExchangeBook`: queue model, latencies), which is given the same
market rows as the session, so that fills, fees and positions are realistic; no trading request of
any kind leaves. A request takes effect at the venue's time at which it would have arrived; rows
that are still on their way then come after it.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from mmbot import core
from mmbot.units import NS_PER_SEC
from mmbot.venues.connector_faults import ConnectorFaults
from mmbot.venues.failures import Failure, FailureKind, Operation
from mmbot.venues.market_source import MarketSource
from mmbot.venues.ports import (
    CallError,
    Capabilities,
    LimitInForce,
    PrivateEvent,
    PublicEvent,
    StreamChange,
)
from mmbot.venues.records import (
    AccountEquity,
    Ack,
    AmendOrder,
    CancelOrder,
    CreateOrder,
    ExecutionRecord,
    FeeRates,
    InstrumentRules,
    OrderRecord,
    OrderStatus,
    PositionRecord,
)

__all__ = ["VirtualVenue"]

# Bybit's code of an order that does not exist, or is done.
_GONE: Final = 110001
_STEP_SEC: Final = 0.002
_ENDED_MAX: Final = 10_000


@dataclass(slots=True)
class _Order:
    """A virtual order and its number in the book."""

    number: int
    record: OrderRecord
    post_only: bool


@dataclass(frozen=True, slots=True, order=True)
class _Wanted:
    """A request on its way."""

    at_ns: int
    place: int
    request: CreateOrder | AmendOrder | CancelOrder = field(compare=False)


@dataclass(slots=True)
class _Desk:
    """One symbol."""

    rules: InstrumentRules
    fees: FeeRates
    book: core.ExchangeBook
    by_number: dict[int, _Order] = field(default_factory=dict)
    position_lots: int = 0
    cost: Decimal = Decimal(0)


class VirtualVenue:
    """`VenuePort` without a way to the venue.

    Args:
        source: where the market comes from.
        rules: of the symbols.
        fees: of the symbols.
        sim: keys of the simulator, as of `mmbot.core.ExchangeBook`.
        seed: of latencies.
        clock: wall clock, ns.
    """

    def __init__(
        self,
        source: MarketSource,
        rules: Mapping[str, InstrumentRules],
        fees: Mapping[str, FeeRates],
        *,
        sim: Mapping[str, object],
        seed: int,
        clock: Callable[[], int],
    ) -> None:
        self._source = source
        self._clock = clock
        self._desks = {
            symbol: _Desk(rules[symbol], fees[symbol], core.ExchangeBook(sim, seed + at))
            for at, symbol in enumerate(rules)
        }
        self._orders: dict[str, _Order] = {}
        self._ended: dict[str, OrderRecord] = {}
        self._executions: list[ExecutionRecord] = []
        self._wanted: list[_Wanted] = []
        self._count = itertools.count(1)
        self._events: asyncio.Queue[PrivateEvent] = asyncio.Queue()

    @property
    def name(self) -> str:
        """That of the venue whose market it is."""
        return self._source.name

    @property
    def capabilities(self) -> Capabilities:
        """Single requests of every kind."""
        return Capabilities(
            amend=True,
            cancel_all=True,
            post_only=True,
            private_executions=True,
            create_batch_max=1,
            amend_batch_max=1,
            cancel_batch_max=1,
        )

    @property
    def faults(self) -> ConnectorFaults:
        """Those of the market's connections."""
        return self._source.faults

    def on_rows(self, symbol: str, chunk: core.EventChunk) -> None:
        """The session has received these rows."""
        book = self._desks[symbol].book
        book.push(chunk)
        self._happened(symbol, book.advance(book.fed_until_ns))

    def on_time(self, now_ns: int) -> None:
        """Requests that have arrived by now take effect."""
        while self._wanted and self._wanted[0].at_ns <= now_ns:
            wanted = heapq.heappop(self._wanted)
            self._take(wanted.request, wanted.at_ns)

    async def instruments(self, symbols: Sequence[str]) -> Mapping[str, InstrumentRules]:
        """See `VenueQueries`."""
        return await self._source.instruments(symbols)

    async def server_time_ns(self) -> int:
        """See `VenueQueries`."""
        return await self._source.server_time_ns()

    async def equity(self) -> AccountEquity:
        """Nothing is owned."""
        return AccountEquity(equity_usd="0", balances=())

    async def fee_rates(self, symbols: Sequence[str]) -> Mapping[str, FeeRates]:
        """Those that it was given."""
        return {symbol: self._desks[symbol].fees for symbol in symbols}

    async def positions(self) -> Sequence[PositionRecord]:
        """See `VenueQueries`."""
        return [
            PositionRecord(
                symbol=symbol,
                qty=desk.rules.qty_text(desk.position_lots),
                avg_price=f"{abs(desk.cost / desk.position_lots):f}",
                updated_ns=self._clock(),
            )
            for symbol, desk in self._desks.items()
            if desk.position_lots
        ]

    async def open_orders(self) -> Sequence[OrderRecord]:
        """See `VenueQueries`."""
        return [order.record for order in self._orders.values()]

    async def order_history(self, *, since_ns: int) -> Sequence[OrderRecord]:
        """See `VenueQueries`."""
        return [one for one in self._ended.values() if one.updated_ns >= since_ns]

    async def executions(self, *, since_ns: int) -> Sequence[ExecutionRecord]:
        """See `VenueQueries`."""
        return [one for one in self._executions if one.ts_ns >= since_ns]

    async def order_limits(self) -> Mapping[Operation, LimitInForce]:
        """None: no request leaves."""
        return {}

    async def find_order(self, *, symbol: str, cid: str) -> OrderRecord | None:
        """See `VenueQueries`."""
        del symbol
        order = self._orders.get(cid)
        return self._ended.get(cid) if order is None else order.record

    def begin(self, requests: Sequence[core.OrderRequest], cids: Sequence[str]) -> None:
        """None: nothing leaves at once, a request is on its way for its latency."""
        del requests, cids

    def rehearse(self, requests: Sequence[core.OrderRequest], cids: Sequence[str]) -> None:
        """Nothing: `begin` sends nothing either."""

    async def create(self, order: CreateOrder) -> Ack:
        """See `VenueOrders`."""
        return self._ask(order, Operation.CREATE)

    async def amend(self, change: AmendOrder) -> Ack:
        """See `VenueOrders`."""
        return self._ask(change, Operation.AMEND)

    async def cancel(self, order: CancelOrder) -> Ack:
        """See `VenueOrders`."""
        return self._ask(order, Operation.CANCEL)

    async def cancel_all(self, symbol: str) -> None:
        """See `VenueOrders`."""
        for order in list(self._orders.values()):
            if order.record.symbol == symbol:
                await self.cancel(CancelOrder(cid=order.record.cid, symbol=symbol))

    async def create_batch(self, orders: Sequence[CreateOrder]) -> Sequence[Ack | CallError]:
        """See `VenueOrders`."""
        return [await self.create(one) for one in orders]

    async def amend_batch(self, changes: Sequence[AmendOrder]) -> Sequence[Ack | CallError]:
        """See `VenueOrders`."""
        return [await self.amend(one) for one in changes]

    async def cancel_batch(self, orders: Sequence[CancelOrder]) -> Sequence[Ack | CallError]:
        """See `VenueOrders`."""
        return [await self.cancel(one) for one in orders]

    def public_frames(self, symbols: Sequence[str], *, depth: int) -> AsyncIterator[PublicEvent]:
        """See `VenueStreams`."""
        return self._source.public_frames(symbols, depth=depth)

    async def follow(
        self, symbols: Sequence[str], *, depth: int, take: Callable[[PublicEvent], None]
    ) -> None:
        """See `VenueStreams`."""
        await self._source.follow(symbols, depth=depth, take=take)

    async def resubscribe(self, symbols: Sequence[str]) -> None:
        """See `VenueStreams`."""
        await self._source.resubscribe(symbols)

    async def private_events(self) -> AsyncIterator[PrivateEvent]:
        """What happens to the virtual orders."""
        yield StreamChange(self._clock(), is_connected=True)
        while True:
            self.on_time(self._clock())
            while not self._events.empty():
                yield self._events.get_nowait()
            await asyncio.sleep(_STEP_SEC)

    async def aclose(self) -> None:
        """See `VenuePort`."""
        await self._source.aclose()

    def _ask(self, request: CreateOrder | AmendOrder | CancelOrder, operation: Operation) -> Ack:
        if operation is not Operation.CREATE and request.cid not in self._orders:
            is_coming = any(one.request.cid == request.cid for one in self._wanted)
            if not is_coming:
                failure = Failure(
                    operation=operation, is_sent=True, kind=FailureKind.CODE, code=_GONE
                )
                raise CallError(failure, symbol=request.symbol, message="order is done")
        book = self._desks[request.symbol].book
        delay_ns = book.request_latency_ns(operation.value)
        wanted = _Wanted(self._clock() + delay_ns, next(self._count), request)
        heapq.heappush(self._wanted, wanted)
        return Ack(cid=request.cid, order_id=f"v-{request.cid}")

    def _take(self, request: CreateOrder | AmendOrder | CancelOrder, at_ns: int) -> None:
        desk = self._desks[request.symbol]
        now_ns = max(at_ns, desk.book.fed_until_ns)
        if isinstance(request, CreateOrder):
            events = self._place(desk, request, now_ns)
        else:
            order = self._orders.get(request.cid)
            if order is None:
                return
            if isinstance(request, AmendOrder):
                events = desk.book.amend(
                    order.number,
                    px=desk.rules.ticks(request.price),
                    total_qty=desk.rules.lots(request.qty),
                    post_only=order.post_only,
                    now_ns=now_ns,
                )
            else:
                events = desk.book.cancel(order.number, now_ns)
        self._happened(request.symbol, events)

    def _place(self, desk: _Desk, request: CreateOrder, now_ns: int) -> list[core.ExchangeEvent]:
        record = OrderRecord(
            order_id=f"v-{request.cid}",
            cid=request.cid,
            symbol=request.symbol,
            side=request.side,
            price=request.price,
            qty=request.qty,
            filled_qty="0",
            status=OrderStatus.OPEN,
            updated_ns=now_ns,
        )
        order = _Order(next(self._count), record, request.post_only)
        self._orders[request.cid] = desk.by_number[order.number] = order
        return desk.book.place(
            order.number,
            is_buy=request.side.sign > 0,
            px=desk.rules.ticks(request.price),
            qty=desk.rules.lots(request.qty),
            time_in_force="PostOnly" if request.post_only else "GTC",
            now_ns=now_ns,
        )

    def _happened(self, symbol: str, events: Sequence[core.ExchangeEvent]) -> None:
        desk = self._desks[symbol]
        for event in events:
            order = desk.by_number.get(event.cid) if event.kind != "print" else None
            if order is None:
                continue
            match event.kind:
                case "accepted":
                    self._say(desk, order, event)
                case "amended":
                    filled = desk.rules.lots(order.record.filled_qty)
                    total = desk.rules.qty_text(event.qty + filled)
                    price = desk.rules.price_text(event.px)
                    self._say(desk, order, event, price=price, qty=total)
                case "rejected":
                    self._say(desk, order, event, status=OrderStatus.REJECTED)
                case "cancelled":
                    self._say(desk, order, event, status=OrderStatus.CANCELLED)
                case "filled":
                    self._fill(desk, order, event)
                case _:
                    # A refused change leaves the order as it is: whoever asks for it sees that.
                    continue

    def _say(
        self, desk: _Desk, order: _Order, event: core.ExchangeEvent, **changes: object
    ) -> None:
        record = replace(order.record, updated_ns=event.ts_ns, **changes)  # type: ignore[arg-type]
        order.record = record
        if not record.status.is_open:
            self._orders.pop(record.cid, None)
            desk.by_number.pop(order.number, None)
            self._ended[record.cid] = record
            if len(self._ended) > _ENDED_MAX:
                del self._ended[next(iter(self._ended))]
        self._events.put_nowait(record)

    def _fill(self, desk: _Desk, order: _Order, event: core.ExchangeEvent) -> None:
        rules, record = desk.rules, order.record
        price, lots = rules.price_text(event.px), event.qty
        rate = Decimal(desk.fees.maker if event.is_maker else desk.fees.taker)
        notional = Decimal(price) * Decimal(rules.qty_text(lots))
        desk.position_lots += record.side.sign * lots
        desk.cost += record.side.sign * Decimal(price) * lots
        execution = ExecutionRecord(
            exec_id=f"v-{next(self._count)}",
            order_id=record.order_id,
            cid=record.cid,
            symbol=record.symbol,
            side=record.side,
            price=price,
            qty=rules.qty_text(lots),
            fee=f"{notional * rate:f}",
            fee_asset="",
            is_maker=event.is_maker,
            ts_ns=event.ts_ns,
            seq=len(self._executions),
        )
        self._executions.append(execution)
        limit_ns = event.ts_ns - 3600 * NS_PER_SEC
        if self._executions[0].ts_ns < limit_ns:
            self._executions = [one for one in self._executions if one.ts_ns >= limit_ns]
        self._events.put_nowait(execution)
        is_full = event.cum_qty >= rules.lots(record.qty)
        status = OrderStatus.FILLED if is_full else OrderStatus.OPEN
        self._say(desk, order, event, filled_qty=rules.qty_text(event.cum_qty), status=status)
