"""The shell: sockets, the loop that lets time pass, and nothing that decides.

Needs the extra `exchange` (aiohttp). One task steps the exchange; each connection has a queue that
one task empties. A client that does not read is cut off when its queue is full.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, NoReturn, Protocol, cast

from aiohttp import WSCloseCode, WSMsgType, web

from mmbot.clock import monotonic_ns, wall_ns
from mmbot.errors import StoreError
from mmbot.units import NS_PER_MS, NS_PER_SEC
from mmbot.venues.simulated.conductor import Conductor
from mmbot.venues.simulated.faults import FaultyWire, Stream, Timed
from mmbot.venues.simulated.hub import frame_text
from mmbot.venues.simulated.rest import RestRequest
from mmbot.venues.simulated.sockets import Socket, request_path

__all__ = ["ExchangeServer", "Pace"]

_QUEUE_MAX: Final = 20_000
# A socket on which the client says nothing for this long is closed, as the venue does.
_IDLE_SEC: Final = 600
# At full speed clients get at least this much time between two steps.
_BREATH_SEC: Final = 0.005
# The least time that an answer on a socket takes, as over any network: pybit for one is not ready
# for an answer until it has returned from sending.
_ANSWER_MS: Final = 5
_BODY_MAX: Final = 1 << 20
_STREAMS: Final[dict[str, Stream]] = {
    "/v5/public/linear": "public",
    "/v5/private": "private",
    "/v5/trade": "trade",
}


class Pace(Protocol):
    """How fast market time runs (`mmbot.trading.pacing.Pacer`)."""

    def target_ns(self, now_ns: int) -> int:
        """Market time to advance to."""
        ...

    def rest_ns(self, now_ns: int) -> int:
        """How long to rest after a step."""
        ...


@dataclass(slots=True)
class _Connection:
    ws: web.WebSocketResponse
    socket: Socket
    wire: FaultyWire
    queue: asyncio.Queue[Timed] = field(default_factory=lambda: asyncio.Queue(_QUEUE_MAX))


class ExchangeServer:
    """Serves one exchange until it is stopped."""

    def __init__(self, conductor: Conductor, pace: Pace, *, host: str, port: int) -> None:
        self._conductor = conductor
        self._pace = pace
        self._host = host
        self._port = port
        self._connections: dict[str, _Connection] = {}
        self._closers: set[asyncio.Task[None]] = set()
        self._rest_wire = FaultyWire(conductor.plan, "rest")

    async def run(
        self,
        is_stopping: Callable[[], bool],
        *,
        on_ready: Callable[[int], None] = lambda _port: None,
    ) -> None:
        """Serve until `is_stopping`, asked in every step, says so; `on_ready` gets the port.

        Raises:
            StoreError: ``E_VENUE_PORT`` when the port is taken.
        """
        app = web.Application(client_max_size=_BODY_MAX)
        for path in _STREAMS:
            app.router.add_get(path, self._socket)
        app.router.add_route("*", "/{path:.*}", self._rest)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        site = web.TCPSite(runner, self._host, self._port)
        try:
            await site.start()
        except OSError as exc:
            await runner.cleanup()
            if exc.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            raise StoreError(
                "E_VENUE_PORT", f"host={self._host}", "is in use", detail=str(self._port)
            ) from exc
        on_ready(cast("int", runner.addresses[0][1]))
        try:
            while not is_stopping():
                self.step()
                rest_sec = self._pace.rest_ns(monotonic_ns()) / NS_PER_SEC
                await asyncio.sleep(max(rest_sec, _BREATH_SEC))
        finally:
            for connection in list(self._connections.values()):
                await _closed(connection.ws, WSCloseCode.GOING_AWAY)
            await runner.cleanup()

    def step(self) -> None:
        """One step of the exchange: time passes, frames go to the queues."""
        step = self._conductor.step(_wall_ms(), self._pace.target_ns(monotonic_ns()))
        for delivery in step.deliveries:
            connection = self._connections.get(delivery.conn_id)
            if connection is not None:
                self._send(connection, delivery.topic, delivery.text)
        for conn_id in step.closing:
            connection = self._connections.get(conn_id)
            if connection is not None:
                self._close(connection, WSCloseCode.SERVICE_RESTART)

    def _send(self, connection: _Connection, topic: str, text: str, *, delay_ms: int = 0) -> None:
        at_ms = self._since_start_ms()
        for timed in connection.wire.send(topic, text, at_ms, delay_ms=delay_ms):
            try:
                connection.queue.put_nowait(timed)
            except asyncio.QueueFull:
                self._close(connection, WSCloseCode.TRY_AGAIN_LATER)
                return

    def _close(self, connection: _Connection, code: WSCloseCode) -> None:
        self._connections.pop(connection.socket.conn_id, None)
        task = asyncio.create_task(_closed(connection.ws, code))
        self._closers.add(task)
        task.add_done_callback(self._closers.discard)

    def _since_start_ms(self) -> int:
        return self._conductor.since_start_ms(_wall_ms())

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        asked = RestRequest(
            method=request.method,
            path=request.path,
            query=request.rel_url.raw_query_string,
            body=(await request.read()).decode("utf-8", "replace"),
            headers={name.lower(): value for name, value in request.headers.items()},
            address=request.remote or "",
        )
        now_ms = self._conductor.clock_ms(_wall_ms())
        fate = self._rest_wire.request(asked.path, self._since_start_ms())
        if fate.is_lost:
            _break_off(request)
        # What waits inside the exchange was signed in time.
        await asyncio.sleep(fate.hold_ms * NS_PER_MS / NS_PER_SEC)
        answer = self._conductor.api.answer(asked, now_ms)
        at_ms = self._since_start_ms()
        told = self._rest_wire.send(asked.path, answer.body, at_ms)
        if not told:
            _break_off(request)
        await asyncio.sleep(max(told[0].due_ms - at_ms, 0) * NS_PER_MS / NS_PER_SEC)
        is_json = answer.body.startswith("{")
        return web.Response(
            status=answer.status,
            text=told[0].text,
            headers=answer.headers,
            content_type="application/json" if is_json else "text/plain",
        )

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        conductor = self._conductor
        now_ms = conductor.clock_ms(_wall_ms())
        may = conductor.address_limits.may_connect(request.remote or "", now_ms)
        if conductor.gate.is_forbidden or not may:
            return web.Response(status=403, text="403, access too frequent")
        if conductor.gate.is_in_maintenance:
            return web.Response(status=503, text="service is restarting")
        ws = web.WebSocketResponse(max_msg_size=_BODY_MAX, autoping=True)
        await ws.prepare(request)
        stream = _STREAMS[request.path]
        connection = _Connection(ws, conductor.connect(stream), FaultyWire(conductor.plan, stream))
        self._connections[connection.socket.conn_id] = connection
        writer = asyncio.create_task(self._write(connection))
        try:
            await self._read(connection)
        finally:
            writer.cancel()
            self._connections.pop(connection.socket.conn_id, None)
            conductor.hub.leave(connection.socket.conn_id)
            await ws.close()
        return ws

    async def _read(self, connection: _Connection) -> None:
        while not connection.ws.closed:
            try:
                message = await connection.ws.receive(timeout=_IDLE_SEC)
            except TimeoutError:
                return
            if message.type is not WSMsgType.TEXT:
                if message.type is WSMsgType.BINARY:
                    continue
                return
            if connection.wire.is_half_open(self._since_start_ms()):
                continue
            self._answer(connection, message.data)

    def _answer(self, connection: _Connection, text: str) -> None:
        path = request_path(text) if connection.wire.stream == "trade" else None
        if path is None:
            self._take(connection, text, "")
            return
        fate = connection.wire.request(path, self._since_start_ms())
        if fate.is_lost:
            return
        if fate.hold_ms == 0:
            self._take(connection, text, path)
            return
        # Others pass it meanwhile.
        asyncio.get_running_loop().call_later(
            fate.hold_ms * NS_PER_MS / NS_PER_SEC, self._take, connection, text, path
        )

    def _take(self, connection: _Connection, text: str, path: str) -> None:
        now_ms = self._conductor.clock_ms(_wall_ms())
        for frame in connection.socket.receive(text, now_ms):
            topic = str(frame.get("topic", "")) or path
            self._send(connection, topic, frame_text(frame), delay_ms=_ANSWER_MS)

    async def _write(self, connection: _Connection) -> None:
        while True:
            timed = await connection.queue.get()
            wait_ms = timed.due_ms - self._since_start_ms()
            if wait_ms > 0:
                await asyncio.sleep(wait_ms * NS_PER_MS / NS_PER_SEC)
            with suppress(ConnectionResetError, RuntimeError):
                await connection.ws.send_str(timed.text)


def _break_off(request: web.Request) -> NoReturn:
    """The client sees a connection that breaks, and no answer."""
    if request.transport is not None:
        request.transport.abort()
    raise asyncio.CancelledError


async def _closed(ws: web.WebSocketResponse, code: WSCloseCode) -> None:
    with suppress(ConnectionResetError, RuntimeError):
        await ws.close(code=code)


def _wall_ms() -> int:
    return wall_ns() // NS_PER_MS
