"""Streams through ccxt's ``watch_*`` methods: each turn of a task brings what changed.

Every stream has a client of its own, so that ending one ends nothing else. When a task fails, or
nothing comes for `SILENT_NS`, the client is closed, the stream says so, and after the back-off of
`mmbot.venues.retry` a new client begins anew, for ever.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import ccxt

from mmbot.clock import wall_ns
from mmbot.units import NS_PER_MS, NS_PER_SEC
from mmbot.venues.ccxt.client import make_exchange
from mmbot.venues.ccxt.codes import CcxtCode
from mmbot.venues.ccxt.frames import FrameWriter
from mmbot.venues.ccxt.markets import CcxtMarket
from mmbot.venues.ccxt.orders import CcxtOrders
from mmbot.venues.ccxt.parse import (
    balance_records,
    execution_record,
    order_record,
    position_record,
)
from mmbot.venues.ccxt.parts import rows_of
from mmbot.venues.connector_faults import ConnectorFaults
from mmbot.venues.failures import Failure, FailureKind, Operation
from mmbot.venues.ports import (
    CallError,
    GapReason,
    PrivateEvent,
    PublicEvent,
    PublicFrame,
    PublicGap,
    StreamChange,
)
from mmbot.venues.records import ExecutionRecord, OrderRecord, PositionRecord
from mmbot.venues.retry import RetryState, reconnect_step

__all__ = ["SILENT_NS", "CcxtStreams"]

SILENT_NS: Final = 15 * NS_PER_SEC
"""A public stream in which nothing at all comes for this long is dead."""
_QUEUE_MAX: Final = 20_000
_POLL_S: Final = 0.05
_SETTLE_S: Final = 0.2
_BROKEN: Final = (ccxt.BaseError, OSError, TimeoutError)

_Put = Callable[[Any], None]
_Watch = Callable[[], Awaitable[None]]


class CcxtStreams(CcxtOrders):
    """`mmbot.venues.ports.VenueStreams`; private streams as far as the exchange has them."""

    def __init__(self, *args: Any, draws: random.Random, **more: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **more)
        self._draws = draws
        self._wanted: set[str] = set()
        self._renew = asyncio.Event()
        self._losses: Counter[tuple[str, str]] = Counter()
        self._reconnects: Counter[str] = Counter()
        self._down: set[str] = set()

    @property
    def faults(self) -> ConnectorFaults:
        """See `mmbot.venues.ports.VenuePort`."""
        return ConnectorFaults(
            lost=dict(self._losses), reconnects=dict(self._reconnects), down=frozenset(self._down)
        )

    def _is_lost(self, stream: str, reason: GapReason) -> None:
        self._losses[stream, reason.value] += 1
        self._down.add(stream)

    def _is_back(self, stream: str) -> None:
        if stream in self._down:
            self._down.discard(stream)
            self._reconnects[stream] += 1

    async def public_frames(
        self, symbols: Sequence[str], *, depth: int
    ) -> AsyncIterator[PublicEvent]:
        """Books and trades of the symbols, and where they are not to be believed."""
        markets = [await self._market(symbol) for symbol in symbols]
        writers = {market.symbol: FrameWriter(market, depth) for market in markets}
        state = RetryState()
        while True:
            exchange = await self._stream_client()
            queue: asyncio.Queue[PublicEvent] = asyncio.Queue(_QUEUE_MAX)
            put = queue.put_nowait
            watches = [
                watch
                for market in markets
                for watch in (
                    _watch_book(exchange, market, writers[market.symbol], depth, put),
                    _watch_trades(exchange, market, writers[market.symbol], put),
                )
            ]
            reason = GapReason.DISCONNECTED
            tasks = [asyncio.create_task(_forever(watch)) for watch in watches]
            try:
                while True:
                    event = await self._next(queue, tasks)
                    if isinstance(event, GapReason):
                        reason = event
                        break
                    state = RetryState()
                    self._is_back("public")
                    yield event
            finally:
                await _end(exchange, tasks)
            for writer in writers.values():
                writer.reset()
            if reason is not GapReason.RESUBSCRIBED:
                self._is_lost("public", reason)
            yield PublicGap(wall_ns(), tuple(writers), reason)
            if reason is not GapReason.RESUBSCRIBED:
                state = await self._back_off(state)

    async def follow(
        self, symbols: Sequence[str], *, depth: int, take: Callable[[PublicEvent], None]
    ) -> None:
        """See `mmbot.venues.ports.VenueStreams`."""
        async for event in self.public_frames(symbols, depth=depth):
            take(event)

    async def resubscribe(self, symbols: Sequence[str]) -> None:
        """Begin the books anew; ccxt cannot do so for one of them alone."""
        if symbols:
            self._renew.set()

    async def private_events(self) -> AsyncIterator[PrivateEvent]:
        """Orders, executions, positions, wallet, and changes of the connection.

        Raises:
            CallError: the venue refuses the key.
        """
        await self._load()
        state = RetryState()
        while True:
            exchange = await self._stream_client()
            queue: asyncio.Queue[PrivateEvent] = asyncio.Queue(_QUEUE_MAX)
            watches = self._private_watches(exchange, queue.put_nowait)
            tasks = [asyncio.create_task(_forever(watch)) for watch in watches]
            is_up = False
            try:
                if await _are_up(exchange, tasks):
                    is_up, state = True, RetryState()
                    self._is_back("private")
                    yield StreamChange(wall_ns(), is_connected=True)
                while is_up:
                    event = await self._next_private(queue, tasks)
                    if event is None:
                        break
                    yield event
            finally:
                await _end(exchange, tasks)
            self._is_lost("private", GapReason.DISCONNECTED)
            if is_up:
                yield StreamChange(wall_ns(), is_connected=False)
            _raise_refused(tasks)
            state = await self._back_off(state)

    async def _stream_client(self) -> Any:  # noqa: ANN401 (ccxt has no types)
        rest = await self._load()
        exchange = make_exchange(self._options)
        exchange.set_markets(list(rest.markets.values()), rest.currencies)
        return exchange

    async def _back_off(self, state: RetryState) -> RetryState:
        step = reconnect_step(state, draw=self._draws.random())
        await asyncio.sleep(step.delay_ns / NS_PER_SEC)
        return step.state

    async def _next(
        self, queue: asyncio.Queue[PublicEvent], tasks: Sequence[asyncio.Task[None]]
    ) -> PublicEvent | GapReason:
        get = asyncio.create_task(queue.get())
        renew = asyncio.create_task(self._renew.wait())
        try:
            done, _ = await asyncio.wait(
                {get, renew, *tasks},
                timeout=SILENT_NS / NS_PER_SEC,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if get in done:
                return get.result()
            if renew in done:
                self._renew.clear()
                return GapReason.RESUBSCRIBED
            return GapReason.DISCONNECTED if done else GapReason.HALF_OPEN
        finally:
            get.cancel()
            renew.cancel()

    async def _next_private(
        self, queue: asyncio.Queue[PrivateEvent], tasks: Sequence[asyncio.Task[None]]
    ) -> PrivateEvent | None:
        get = asyncio.create_task(queue.get())
        try:
            done, _ = await asyncio.wait({get, *tasks}, return_when=asyncio.FIRST_COMPLETED)
            return get.result() if get in done else None
        finally:
            get.cancel()

    def _private_watches(self, exchange: Any, put: _Put) -> list[_Watch]:  # noqa: ANN401
        found = (
            ("watchOrders", exchange.watch_orders, self._order_event),
            ("watchMyTrades", exchange.watch_my_trades, self._execution_event),
            ("watchPositions", exchange.watch_positions, self._position_event),
        )
        watches = [
            _watch_rows(ask, read, put)
            for name, ask, read in found
            if exchange.has.get(name) is True
        ]
        if exchange.has.get("watchBalance") is True:
            watches.append(_watch_balance(exchange, put))
        return watches

    async def _order_event(self, row: Mapping[str, Any]) -> OrderRecord | None:
        market = await self._of_unified(row.get("symbol"))
        if market is None:
            return None
        record = order_record(row, market)
        self._remember([(record.symbol, record.cid, record.order_id, record.side)])
        return record

    async def _execution_event(self, row: Mapping[str, Any]) -> ExecutionRecord | None:
        market = await self._of_unified(row.get("symbol"))
        if market is None:
            return None
        return execution_record(row, market, cid=self._cids.get(str(row.get("order")), ""))

    async def _position_event(self, row: Mapping[str, Any]) -> PositionRecord | None:
        market = await self._of_unified(row.get("symbol"))
        return None if market is None else position_record(row, market)


def _watch_rows(
    ask: Callable[[], Awaitable[object]],
    read: Callable[[Mapping[str, Any]], Awaitable[PrivateEvent | None]],
    put: _Put,
) -> _Watch:
    async def watch() -> None:
        for row in rows_of(await ask()):
            record = await read(row)
            if record is not None:
                put(record)

    return watch


def _watch_balance(exchange: Any, put: _Put) -> _Watch:  # noqa: ANN401 (ccxt has no types)
    async def watch() -> None:
        for record in balance_records(await exchange.watch_balance()):
            put(record)

    return watch


def _watch_book(
    exchange: Any,  # noqa: ANN401 (ccxt has no types)
    market: CcxtMarket,
    writer: FrameWriter,
    depth: int,
    put: Callable[[PublicEvent], None],
) -> _Watch:
    async def watch() -> None:
        book = await exchange.watch_order_book(market.unified, depth)
        now_ns = wall_ns()
        frame = writer.book(book, now_ns // NS_PER_MS)
        if frame is not None:
            put(PublicFrame(now_ns, frame))

    return watch


def _watch_trades(
    exchange: Any,  # noqa: ANN401 (ccxt has no types)
    market: CcxtMarket,
    writer: FrameWriter,
    put: Callable[[PublicEvent], None],
) -> _Watch:
    async def watch() -> None:
        trades = await exchange.watch_trades(market.unified)
        now_ns = wall_ns()
        frame = writer.trades(trades, now_ns // NS_PER_MS)
        if frame is not None:
            put(PublicFrame(now_ns, frame))

    return watch


async def _forever(watch: _Watch) -> None:
    """Look again and again; ends with the exception that broke the stream."""
    while True:
        await watch()


async def _are_up(exchange: Any, tasks: Sequence[asyncio.Task[None]]) -> bool:  # noqa: ANN401
    """Wait until all sockets are connected and asked for what they shall tell, or a task failed.

    ccxt does not say when a subscription is confirmed; a little later it is.
    """
    while not any(task.done() for task in tasks):
        clients = list(exchange.clients.values())
        asked = sum(len(client.subscriptions) for client in clients)
        if asked >= len(tasks) and all(client.connected.done() for client in clients):
            await asyncio.sleep(_SETTLE_S)
            return not any(task.done() for task in tasks)
        await asyncio.sleep(_POLL_S)
    return False


def _raise_refused(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Do not knock again with a key that the venue does not take."""
    for task in tasks:
        exc = None if task.cancelled() else task.exception()
        if isinstance(exc, ccxt.AuthenticationError):
            failure = Failure(
                operation=Operation.QUERY,
                is_sent=True,
                kind=FailureKind.CODE,
                code=CcxtCode.SESSION_REFUSED,
            )
            raise CallError(failure, message=f"{type(exc).__name__} {exc}") from exc


async def _end(exchange: Any, tasks: Sequence[asyncio.Task[None]]) -> None:  # noqa: ANN401
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError, asyncio.QueueFull, *_BROKEN):
            await task
    with suppress(*_BROKEN):
        await exchange.close()
