"""One session at Bybit: the port, put together from its parts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import aiohttp

from mmbot import core
from mmbot.clock import monotonic_ns, wall_ns
from mmbot.units import NS_PER_MS
from mmbot.venues.budget.stores import RateBudget
from mmbot.venues.budget.turnstile import Turnstile
from mmbot.venues.bybit.endpoints import Category, Endpoints
from mmbot.venues.bybit.entry import BATCH_MAX, BybitOrders
from mmbot.venues.bybit.limit_spread import LimitSpread
from mmbot.venues.bybit.private_stream import PRIVATE_TOPICS
from mmbot.venues.bybit.queries import BybitQueries
from mmbot.venues.bybit.rest import RestClient, RestPolicy
from mmbot.venues.bybit.signing import ApiCredentials
from mmbot.venues.bybit.streams import BybitStreams, StreamSettings
from mmbot.venues.clock_offset import ClockVerdict
from mmbot.venues.connector_faults import ConnectorFaults
from mmbot.venues.failures import Operation
from mmbot.venues.namespace import CidNamespace
from mmbot.venues.ports import (
    CallError,
    Capabilities,
    ConnectorHealth,
    LimitInForce,
    PrivateEvent,
    PublicEvent,
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
    PositionRecord,
)
from mmbot.venues.stream.link import Dialer
from mmbot.venues.stream.socket import SocketState
from mmbot.venues.stream.venue_clock import VenueClock

__all__ = ["BybitSettings", "BybitVenue"]

_REST_CONNECTIONS: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class BybitSettings:
    """What a session is built from.

    Attributes:
        endpoints: where the venue listens.
        category: kind of instruments.
        namespace: whose orders may be touched.
        policy: deadlines.
        has_trade_socket: False sends orders over REST only.
        seed: of the back-off's jitter.
        private_topics: what the private stream asks for.
    """

    endpoints: Endpoints
    category: Category
    namespace: CidNamespace
    policy: RestPolicy
    has_trade_socket: bool = True
    seed: int = 0
    private_topics: tuple[str, ...] = PRIVATE_TOPICS


class BybitVenue:
    """`VenuePort` for Bybit v5.

    Build it inside a running event loop; `aclose` ends everything. Without credentials it serves
    market data and instruments only.
    """

    def __init__(
        self,
        settings: BybitSettings,
        credentials: ApiCredentials | None,
        *,
        budget: RateBudget,
        dialer: Dialer,
        wall_clock: Callable[[], int] = wall_ns,
    ) -> None:
        self._category: Category = settings.category
        self._budget = budget
        self._limits = LimitSpread(budget)
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=_REST_CONNECTIONS, keepalive_timeout=60)
        )
        self.clock = VenueClock(wall_clock=wall_clock)
        self.rest = RestClient(
            settings.endpoints.rest,
            credentials,
            http=self._http,
            clock=self.clock,
            budget=Turnstile(budget),
            policy=settings.policy,
        )
        self.streams = BybitStreams(
            StreamSettings(
                endpoints=settings.endpoints,
                category=settings.category,
                seed=settings.seed,
                private_topics=settings.private_topics,
            ),
            credentials,
            rest=self.rest,
            dialer=dialer,
            wall_clock=wall_clock,
        )
        self.queries = BybitQueries(self.rest, settings.category)
        self._trade = self.streams.open_trade_socket() if settings.has_trade_socket else None
        self.orders = BybitOrders(
            self.rest,
            self.queries,
            self._trade,
            category=settings.category,
            namespace=settings.namespace,
        )

    @property
    def name(self) -> str:
        """`bybit`."""
        return "bybit"

    @property
    def capabilities(self) -> Capabilities:
        """What it can do; all of the port."""
        most = BATCH_MAX[self._category]
        return Capabilities(
            amend=True,
            cancel_all=True,
            post_only=True,
            private_executions=True,
            create_batch_max=most,
            amend_batch_max=most,
            cancel_batch_max=most,
        )

    @property
    def is_trade_socket_up(self) -> bool:
        """Whether orders go over the trade socket now."""
        return self._trade is not None and self._trade.is_up

    def health(self) -> ConnectorHealth:
        """How the connections are."""
        states = self.streams.states
        reconnects = sum(one.reconnects for one in self.streams.counters.values())
        age_ns = self.streams.public_age_ns
        error_rate = self.rest.counters.error_rate(monotonic_ns())
        return ConnectorHealth(
            ws_connected=bool(states) and set(states.values()) == {SocketState.UP},
            lag_ms=None if age_ns is None else age_ns // NS_PER_MS,
            reconnects=reconnects,
            rest_ok=error_rate < 1.0,
            rest_error_rate=error_rate,
        )

    @property
    def faults(self) -> ConnectorFaults:
        """See `VenuePort`."""
        trade = self._trade
        return replace(
            self.streams.faults,
            late_answers=0 if trade is None else trade.dialogue.late_answers,
            hedged_cancels=self.orders.counters.hedged,
            clock_steps=self.clock.estimator.steps,
            clock_off=self.clock.off_count,
            budget_waited_ns=self.rest.budget.waited_ns,
        )

    def clock_verdict(self) -> ClockVerdict:
        """Whether quoting may go on as far as the clocks are concerned."""
        return self.clock.verdict()

    async def instruments(self, symbols: Sequence[str]) -> Mapping[str, InstrumentRules]:
        """See `VenueQueries`."""
        return await self.queries.instruments(symbols)

    async def server_time_ns(self) -> int:
        """See `VenueQueries`."""
        return await self.queries.server_time_ns()

    async def equity(self) -> AccountEquity:
        """See `VenueQueries`."""
        return await self.queries.equity()

    async def fee_rates(self, symbols: Sequence[str]) -> Mapping[str, FeeRates]:
        """See `VenueQueries`."""
        return await self.queries.fee_rates(symbols)

    async def positions(self) -> Sequence[PositionRecord]:
        """See `VenueQueries`."""
        return await self.queries.positions()

    async def open_orders(self) -> Sequence[OrderRecord]:
        """See `VenueQueries`."""
        return await self.queries.open_orders()

    async def order_history(self, *, since_ns: int) -> Sequence[OrderRecord]:
        """See `VenueQueries` and `BybitQueries.order_history`."""
        return await self.queries.order_history(since_ns=since_ns)

    async def executions(self, *, since_ns: int) -> Sequence[ExecutionRecord]:
        """See `VenueQueries`."""
        return await self.queries.executions(since_ns=since_ns)

    async def order_limits(self) -> Mapping[Operation, LimitInForce]:
        """See `VenueQueries` and `LimitSpread`."""
        return await self._limits.look(monotonic_ns())

    async def find_order(self, *, symbol: str, cid: str) -> OrderRecord | None:
        """See `VenueQueries`."""
        return await self.queries.find_order(symbol=symbol, cid=cid)

    def begin(
        self, requests: Sequence[core.OrderRequest], cids: Sequence[str]
    ) -> Awaitable[Sequence[Ack | CallError]] | None:
        """See `VenueOrders`."""
        return self.orders.begin(requests, cids)

    def rehearse(self, requests: Sequence[core.OrderRequest], cids: Sequence[str]) -> None:
        """See `VenueOrders`; the way begins with a frame."""
        self.streams.rehearse()
        self.orders.rehearse(requests, cids)

    async def create(self, order: CreateOrder) -> Ack:
        """See `VenueOrders`."""
        return await self.orders.create(order)

    async def amend(self, change: AmendOrder) -> Ack:
        """See `VenueOrders`."""
        return await self.orders.amend(change)

    async def cancel(self, order: CancelOrder) -> Ack:
        """See `VenueOrders`."""
        return await self.orders.cancel(order)

    async def cancel_all(self, symbol: str) -> None:
        """Cancel this bot's orders of a symbol; see `BybitOrders.cancel_all`."""
        await self.orders.cancel_all(symbol)

    async def create_batch(self, orders: Sequence[CreateOrder]) -> Sequence[Ack | CallError]:
        """See `VenueOrders`."""
        return await self.orders.create_batch(orders)

    async def amend_batch(self, changes: Sequence[AmendOrder]) -> Sequence[Ack | CallError]:
        """See `VenueOrders`."""
        return await self.orders.amend_batch(changes)

    async def cancel_batch(self, orders: Sequence[CancelOrder]) -> Sequence[Ack | CallError]:
        """See `VenueOrders`."""
        return await self.orders.cancel_batch(orders)

    def public_frames(self, symbols: Sequence[str], *, depth: int) -> AsyncIterator[PublicEvent]:
        """See `VenueStreams`."""
        return self.streams.public_frames(symbols, depth=depth)

    async def follow(
        self, symbols: Sequence[str], *, depth: int, take: Callable[[PublicEvent], None]
    ) -> None:
        """See `VenueStreams`."""
        await self.streams.follow(symbols, depth=depth, take=take)

    async def resubscribe(self, symbols: Sequence[str]) -> None:
        """See `VenueStreams`."""
        await self.streams.resubscribe(symbols)

    def private_events(self) -> AsyncIterator[PrivateEvent]:
        """See `VenueStreams` and `BybitStreams.private_events`."""
        return self.streams.private_events()

    async def aclose(self) -> None:
        """End the streams and close the connections."""
        await self.streams.aclose()
        await self._http.close()
        await self._budget.aclose()
