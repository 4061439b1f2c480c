"""The sockets of one session, and the loop that keeps the venue's clock."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mmbot.clock import monotonic_ns
from mmbot.errors import ConfigError
from mmbot.ids import sub_seed
from mmbot.units import NS_PER_SEC
from mmbot.venues.bybit.endpoints import Category, Endpoints
from mmbot.venues.bybit.private_stream import PRIVATE_TOPICS, PrivateDialogue
from mmbot.venues.bybit.public_stream import PublicDialogue
from mmbot.venues.bybit.rest import RestClient
from mmbot.venues.bybit.signing import ApiCredentials
from mmbot.venues.bybit.trade_socket import TradeDialogue, TradeSocket
from mmbot.venues.connector_faults import ConnectorFaults
from mmbot.venues.ports import CallError, PrivateEvent, PublicEvent
from mmbot.venues.retry import RetryState, reconnect_step
from mmbot.venues.stream.link import Dialer
from mmbot.venues.stream.socket import Dialogue, ReconnectingSocket, SocketCounters, SocketState
from mmbot.venues.stream.venue_clock import VenueClock

__all__ = ["BybitStreams", "StreamSettings"]

# Signed requests stop without the venue's time, so it is asked even when nothing else tells it.
_CLOCK_EVERY_NS: Final = 30 * NS_PER_SEC


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSettings:
    """Where the sockets go; `seed` is that of the back-off."""

    endpoints: Endpoints
    category: Category
    seed: int
    private_topics: tuple[str, ...] = PRIVATE_TOPICS


class BybitStreams:
    """`VenueStreams` of one account, and its trade socket. Must be made in a running loop."""

    def __init__(
        self,
        settings: StreamSettings,
        credentials: ApiCredentials | None,
        *,
        rest: RestClient,
        dialer: Dialer,
        wall_clock: Callable[[], int],
    ) -> None:
        self._settings = settings
        self._credentials = credentials
        self._rest = rest
        self._clock = rest.clock
        self._dialer = dialer
        self._wall_clock = wall_clock
        self._random = random.Random(sub_seed(settings.seed, "bybit-backoff"))
        self._sockets: dict[str, ReconnectingSocket] = {}
        self._public: list[PublicDialogue] = []
        # Its clock knows no venue's time, so that no frame is too old for it.
        self._rehearsal = PublicDialogue((), depth=1, clock=VenueClock(), wall_clock=wall_clock)
        self._rehearsal.inbox.give_to(_nobody)
        self._private: list[PrivateDialogue] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._knows_time = asyncio.Event()
        self._start(self._keep_clock())

    @property
    def counters(self) -> Mapping[str, SocketCounters]:
        """What happened to each socket so far."""
        return {name: socket.counters for name, socket in self._sockets.items()}

    @property
    def states(self) -> Mapping[str, SocketState]:
        """Where each socket is."""
        return {name: socket.state for name, socket in self._sockets.items()}

    @property
    def faults(self) -> ConnectorFaults:
        """What went wrong with the sockets; one that was closed on purpose tells nothing more."""
        sockets = {
            name: one for name, one in self._sockets.items() if one.state is not SocketState.CLOSED
        }
        return ConnectorFaults(
            lost={
                (name, reason): count
                for name, socket in sockets.items()
                for reason, count in socket.counters.losses.items()
            },
            reconnects={name: socket.counters.reconnects for name, socket in sockets.items()},
            down=frozenset(name for name, socket in sockets.items() if not socket.is_up),
            unreadable={
                "public": sum(one.unreadable for one in self._public),
                "private": sum(one.unreadable for one in self._private),
            },
            overflows={
                "public": sum(one.inbox.overflows for one in self._public),
                "private": sum(one.inbox.overflows for one in self._private),
            },
        )

    @property
    def public_age_ns(self) -> int | None:
        """Age of the newest market data by the venue's clock; the largest of all streams."""
        now_ns = self._clock.now_ns()
        if now_ns is None:
            return None
        ages = [one.judge.age_ns(now_ns) for one in self._public]
        return max((age for age in ages if age is not None), default=None)

    def open_trade_socket(self) -> TradeSocket | None:
        """The trade socket, where there is one; it connects in the background."""
        url = self._settings.endpoints.trade
        if url is None or self._credentials is None:
            return None
        dialogue = TradeDialogue(self._credentials, clock=self._clock, budget=self._rest.budget)
        return TradeSocket(self._open("trade", url, dialogue), dialogue)

    async def public_frames(
        self, symbols: Sequence[str], *, depth: int
    ) -> AsyncIterator[PublicEvent]:
        """Books and trades; see `VenueStreams`."""
        with self._public_dialogue(symbols, depth) as dialogue:
            async for event in dialogue.inbox:
                yield event

    async def follow(
        self, symbols: Sequence[str], *, depth: int, take: Callable[[PublicEvent], None]
    ) -> None:
        """The same on the stack of the socket; see `VenueStreams`."""
        with self._public_dialogue(symbols, depth) as dialogue:
            await dialogue.inbox.hand_on(take)

    def rehearse(self) -> None:
        """Take the newest frame in once more where nobody hears of it."""
        for dialogue in self._public:
            if dialogue.newest:
                self._rehearsal.received(dialogue.newest, monotonic_ns())

    async def resubscribe(self, symbols: Sequence[str]) -> None:
        """Ask for books anew."""
        for dialogue in self._public:
            dialogue.resubscribe(symbols, monotonic_ns())

    async def private_events(self) -> AsyncIterator[PrivateEvent]:
        """The account's news; see `VenueStreams`.

        Raises:
            CallError: the venue refused the key; nothing comes any more.
            ConfigError: ``E_CFG_SECRET`` without a key.
        """
        if self._credentials is None:
            raise ConfigError("E_CFG_SECRET", "BYBIT_API_KEY", "is needed for private streams")
        dialogue = PrivateDialogue(
            self._credentials,
            category=self._settings.category,
            clock=self._clock,
            wall_clock=self._wall_clock,
            topics=self._settings.private_topics,
        )
        self._private.append(dialogue)
        socket = self._open("private", self._settings.endpoints.private, dialogue)
        try:
            async for event in dialogue.inbox:
                yield event
        finally:
            socket.close()
            self._private.remove(dialogue)

    async def aclose(self) -> None:
        """End everything; readers get the end."""
        for socket in self._sockets.values():
            socket.close()
        for public in self._public:
            public.inbox.close()
        for private in self._private:
            private.inbox.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @contextlib.contextmanager
    def _public_dialogue(self, symbols: Sequence[str], depth: int) -> Iterator[PublicDialogue]:
        dialogue = PublicDialogue(
            symbols, depth=depth, clock=self._clock, wall_clock=self._wall_clock
        )
        self._public.append(dialogue)
        name = "public" if len(self._public) == 1 else f"public-{len(self._public)}"
        socket = self._open(name, self._settings.endpoints.public, dialogue)
        try:
            yield dialogue
        finally:
            # a connection that is ended on purpose is no gap of the market
            dialogue.inbox.close()
            socket.close()
            self._public.remove(dialogue)

    def _open(self, name: str, url: str, dialogue: Dialogue) -> ReconnectingSocket:
        socket = ReconnectingSocket(url, dialogue, dialer=self._dialer, draw=self._random.random)
        self._sockets[name] = socket
        self._start(self._run(socket))
        return socket

    async def _run(self, socket: ReconnectingSocket) -> None:
        await self._knows_time.wait()
        await socket.run()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _keep_clock(self) -> None:
        """Measure at once, again after failures with back-off, and whenever nothing else did."""
        state = RetryState()
        while True:
            silent_ns = self._clock.estimator.silent_ns(monotonic_ns())
            if silent_ns is not None and silent_ns < _CLOCK_EVERY_NS:
                self._knows_time.set()
                state = RetryState()
                await asyncio.sleep((_CLOCK_EVERY_NS - silent_ns) / NS_PER_SEC)
                continue
            try:
                await self._rest.measure_clock()
            except CallError:
                step = reconnect_step(state, draw=self._random.random())
                state = step.state
                await asyncio.sleep(step.delay_ns / NS_PER_SEC)


def _nobody(event: PublicEvent) -> None:
    del event
