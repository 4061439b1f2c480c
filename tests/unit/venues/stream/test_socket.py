"""The reconnecting socket with connections that the test makes and breaks."""

from __future__ import annotations

import asyncio

from mmbot.venues.ports import GapReason
from mmbot.venues.retry import RetryPolicy
from mmbot.venues.stream.link import LinkError
from mmbot.venues.stream.socket import ReconnectingSocket, SocketState, Tick

POLICY = RetryPolicy(base_ms=4, cap_ms=64, attempts_max=None)


class Line:
    """A connection in memory."""

    def __init__(self, on_frame, on_closed) -> None:
        self.on_frame, self.on_closed = on_frame, on_closed
        self.sent: list[bytes] = []
        self.is_open = True

    def send(self, frame: bytes) -> bool:
        if self.is_open:
            self.sent.append(frame)
        return self.is_open

    def drop(self) -> None:
        if self.is_open:
            self.is_open = False
            self.on_closed()


class Exchange:
    """Dials succeed after `failures` attempts."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.dials = 0
        self.lines: list[Line] = []

    async def dial(self, url: str, *, on_frame, on_closed) -> Line:
        self.dials += 1
        if self.dials <= self.failures:
            raise LinkError("refused")
        self.lines.append(Line(on_frame, on_closed))
        return self.lines[-1]


class Script:
    """A dialogue that says hello and is ready when it is answered."""

    def __init__(self) -> None:
        self.is_ready = False
        self.refusal: Exception | None = None
        self.reasons: list[GapReason] = []
        self.heard: list[bytes] = []
        self.wants: GapReason | None = None

    def opened(self, now_ns: int):
        self.is_ready = False
        return [b"hello"]

    def received(self, frame: bytes, now_ns: int):
        self.heard.append(frame)
        if frame == b"hello to you":
            self.is_ready = True
        if frame == b"go away":
            self.refusal = PermissionError("go away")
        return [b"thanks"] if frame == b"news" else []

    def ticked(self, now_ns: int) -> Tick:
        wants, self.wants = self.wants, None
        return Tick(lost=wants)

    def lost(self, reason: GapReason) -> None:
        self.is_ready = False
        self.reasons.append(reason)


async def until(holds) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.001)


def run(story, exchange: Exchange, *, draw=lambda: 0.5) -> None:
    async def whole():
        script = Script()
        socket = ReconnectingSocket("ws://x", script, dialer=exchange, draw=draw, policy=POLICY)
        task = asyncio.create_task(socket.run())
        try:
            await story(socket, script)
        finally:
            socket.close()
            await asyncio.wait_for(task, 5)

    asyncio.run(whole())


def test_it_is_up_when_the_greeting_is_answered_and_only_then_sends():
    exchange = Exchange()

    async def story(socket, script):
        await until(lambda: exchange.lines)
        await until(lambda: exchange.lines[0].sent == [b"hello"])
        assert socket.state is SocketState.OPENING
        assert not socket.send(b"order")
        exchange.lines[0].on_frame(b"hello to you")
        assert socket.is_up
        assert socket.send(b"order")
        exchange.lines[0].on_frame(b"news")
        assert exchange.lines[0].sent == [b"hello", b"order", b"thanks"]
        assert (socket.counters.frames, socket.counters.bytes) == (2, 16)

    run(story, exchange)


def test_it_comes_back_after_every_kind_of_loss_and_says_why():
    exchange = Exchange(failures=2)

    async def story(socket, script):
        await until(lambda: exchange.lines)
        exchange.lines[0].drop()
        await until(lambda: len(exchange.lines) == 2)
        script.wants = GapReason.HALF_OPEN
        await until(lambda: len(exchange.lines) == 3)
        assert not exchange.lines[1].is_open
        assert script.reasons == [GapReason.DISCONNECTED] * 3 + [GapReason.HALF_OPEN]
        assert (socket.counters.connects, socket.counters.reconnects) == (3, 2)
        assert socket.counters.losses == {"disconnected": 3, "half_open": 1}
        assert not socket.send(b"order")

    run(story, exchange)


def test_the_waits_are_those_of_the_policy_with_the_numbers_drawn():
    exchange = Exchange(failures=6)
    draws = iter([0.0, 0.25, 0.5, 0.75, 0.5, 0.25])

    async def story(socket, script):
        await until(lambda: exchange.lines)
        waited_ms = socket.counters.backoff.waited_ns / 1e6
        assert waited_ms == 0 * 4 + 0.25 * 8 + 0.5 * 16 + 0.75 * 32 + 0.5 * 64 + 0.25 * 64

    run(story, exchange, draw=lambda: next(draws))


def test_a_connection_that_is_accepted_and_lost_at_once_does_not_reset_the_back_off():
    exchange = Exchange()

    async def story(socket, script):
        for number in range(5):
            await until(lambda number=number: len(exchange.lines) == number + 1)
            exchange.lines[number].on_frame(b"hello to you")
            exchange.lines[number].drop()
        await until(lambda: len(exchange.lines) == 6)
        assert socket.counters.backoff.waited_ns / 1e6 == 0.5 * (4 + 8 + 16 + 32 + 64)

    run(story, exchange)


def test_a_refusal_for_good_ends_it():
    exchange = Exchange()

    async def story(socket, script):
        await until(lambda: exchange.lines)
        exchange.lines[0].on_frame(b"go away")
        await until(lambda: socket.state is SocketState.REFUSED)
        await asyncio.sleep(0.05)
        assert exchange.dials == 1
        assert not socket.send(b"order")

    run(story, exchange)


def test_closing_ends_a_wait_at_once():
    exchange = Exchange(failures=10**6)

    async def story(socket, script):
        await until(lambda: exchange.dials > 3)
        socket.close()
        await until(lambda: socket.state is SocketState.CLOSED)
        dials = exchange.dials
        await asyncio.sleep(0.05)
        assert exchange.dials == dials

    run(story, exchange)


def test_a_socket_whose_task_is_cancelled_is_not_up_any_more():
    async def story():
        exchange = Exchange()
        socket = ReconnectingSocket(
            "ws://x", Script(), dialer=exchange, draw=lambda: 0.5, policy=POLICY
        )
        task = asyncio.create_task(socket.run())
        await until(lambda: exchange.lines)
        exchange.lines[0].on_frame(b"hello to you")
        assert socket.is_up
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert socket.state is SocketState.CLOSED
        assert not socket.send(b"order")
        assert not exchange.lines[0].is_open

    asyncio.run(story())
