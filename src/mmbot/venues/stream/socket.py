"""A socket that connects again by itself, for ever: the only shell of this package.

What is said on a connection is a `Dialogue`: plain calls in, frames out. The socket dials, hands
frames over, asks the dialogue a few times a second how it is, and after each loss waits as
`mmbot.venues.retry.reconnect_step` says. The back-off begins anew once a connection has stood for
`STABLE_NS`; one that is accepted and lost at once does not count as a success. A dialogue that was
refused for good (its key, for one) ends the socket: there is nothing to be gained by trying again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from mmbot.clock import monotonic_ns
from mmbot.units import NS_PER_MS, NS_PER_SEC
from mmbot.venues.ports import GapReason
from mmbot.venues.retry import (
    SOCKET_POLICY,
    BackoffAccount,
    RetryPolicy,
    RetryState,
    reconnect_step,
)
from mmbot.venues.stream.link import Dialer, Link, LinkError

__all__ = ["STABLE_NS", "Dialogue", "ReconnectingSocket", "SocketCounters", "SocketState", "Tick"]

STABLE_NS: Final = 10 * NS_PER_SEC
_TICK_NS: Final = 25 * NS_PER_MS
_DIAL_SEC: Final = 10.0


class SocketState(StrEnum):
    """Where a socket is."""

    IDLE = "idle"
    CONNECTING = "connecting"
    OPENING = "opening"
    """Connected; greetings (auth, subscriptions) are not yet answered."""
    UP = "up"
    WAITING = "waiting"
    """Lost; waiting before the next attempt."""
    CLOSED = "closed"
    REFUSED = "refused"
    """The other side refused for good."""


@dataclass(frozen=True, slots=True)
class Tick:
    """What a dialogue asks for: frames to send, then perhaps a new connection."""

    frames: Sequence[bytes] = ()
    lost: GapReason | None = None


class Dialogue(Protocol):
    """What is said on the connections of a socket, one after the other. Calls never wait."""

    @property
    def is_ready(self) -> bool:
        """Whether the greetings of this connection are answered."""
        ...

    @property
    def refusal(self) -> Exception | None:
        """Why it makes no sense to go on."""
        ...

    def opened(self, now_ns: int) -> Sequence[bytes]:
        """A connection begins; the frames that open it."""
        ...

    def received(self, frame: bytes, now_ns: int) -> Sequence[bytes]:
        """A frame came; the frames that answer it."""
        ...

    def ticked(self, now_ns: int) -> Tick:
        """Time passes."""
        ...

    def lost(self, reason: GapReason) -> None:
        """The connection is gone. Also called for an attempt that failed."""
        ...


@dataclass(slots=True)
class SocketCounters:
    """What happened to a socket so far."""

    connects: int = 0
    frames: int = 0
    bytes: int = 0
    losses: Counter[str] = field(default_factory=Counter)
    backoff: BackoffAccount = field(default_factory=BackoffAccount)

    @property
    def reconnects(self) -> int:
        """Connections after the first."""
        return max(0, self.connects - 1)


class ReconnectingSocket:
    """Keeps one dialogue going. `draw` gives numbers of [0, 1) for the back-off."""

    def __init__(
        self,
        url: str,
        dialogue: Dialogue,
        *,
        dialer: Dialer,
        draw: Callable[[], float],
        policy: RetryPolicy = SOCKET_POLICY,
    ) -> None:
        self.counters = SocketCounters()
        self.state = SocketState.IDLE
        self._url = url
        self._dialogue = dialogue
        self._dialer = dialer
        self._draw = draw
        self._policy = policy
        self._link: Link | None = None
        self._is_closing = asyncio.Event()
        self._wake = asyncio.Event()

    @property
    def is_up(self) -> bool:
        """Whether frames can be sent and the greetings are answered."""
        return self.state is SocketState.UP and self._link is not None and self._link.is_open

    def send(self, frame: bytes) -> bool:
        """Send a frame; False if it was certainly not sent because the socket is not up."""
        link = self._link
        return self.state is SocketState.UP and link is not None and link.send(frame)

    def close(self) -> None:
        """End it; `run` returns soon."""
        self._is_closing.set()
        self._wake.set()
        if self._link is not None:
            self._link.drop()

    async def run(self) -> None:
        """Connect and reconnect until `close` is called or the other side refuses for good."""
        try:
            await self._stay_connected()
        finally:
            # also when the task is cancelled: nothing that is over says that it is up
            self._link = None
            if self.state is not SocketState.REFUSED:
                self.state = SocketState.CLOSED

    async def _stay_connected(self) -> None:
        state = RetryState()
        while not self._is_closing.is_set():
            began_ns = monotonic_ns()
            reason = await self._connection()
            self._link = None
            self.counters.losses[reason.value] += 1
            self._dialogue.lost(reason)
            if self._dialogue.refusal is not None:
                self.state = SocketState.REFUSED
                return
            if self._is_closing.is_set():
                break
            if monotonic_ns() - began_ns >= STABLE_NS:
                state = RetryState()
            step = reconnect_step(state, draw=self._draw(), policy=self._policy)
            state = step.state
            self.counters.backoff = self.counters.backoff.after(step)
            self.state = SocketState.WAITING
            await _wait(self._is_closing, step.delay_ns)

    async def _connection(self) -> GapReason:
        self.state = SocketState.CONNECTING
        closed = asyncio.Event()

        def on_closed() -> None:
            closed.set()
            self._wake.set()

        try:
            async with asyncio.timeout(_DIAL_SEC):
                link = await self._dialer.dial(
                    self._url, on_frame=self._on_frame, on_closed=on_closed
                )
        except (LinkError, TimeoutError):
            return GapReason.DISCONNECTED
        self._link = link
        self.counters.connects += 1
        self.state = SocketState.OPENING
        self._say(self._dialogue.opened(monotonic_ns()))
        try:
            return await self._until_lost(closed)
        finally:
            link.drop()

    async def _until_lost(self, closed: asyncio.Event) -> GapReason:
        while not closed.is_set() and not self._is_closing.is_set():
            self._wake.clear()
            await _wait(self._wake, _TICK_NS)
            if closed.is_set():
                break
            tick = self._dialogue.ticked(monotonic_ns())
            self._say(tick.frames)
            if tick.lost is not None:
                return tick.lost
            if self._dialogue.refusal is not None:
                break
        return GapReason.DISCONNECTED

    def _on_frame(self, frame: bytes) -> None:
        answers = self._dialogue.received(frame, monotonic_ns())
        self.counters.frames += 1
        self.counters.bytes += len(frame)
        if answers:
            self._say(answers)
        if self.state is SocketState.OPENING and self._dialogue.is_ready:
            self.state = SocketState.UP

    def _say(self, frames: Sequence[bytes]) -> None:
        for frame in frames:
            if self._link is not None:
                self._link.send(frame)


async def _wait(event: asyncio.Event, wait_ns: int) -> None:
    try:
        async with asyncio.timeout(wait_ns / NS_PER_SEC):
            await event.wait()
    except TimeoutError:
        return
