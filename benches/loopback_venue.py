"""A venue for `benches.loopback`: Bybit's sockets, and as much of its REST as a session asks.

It does what it is asked for and fills nothing. Times are taken where a frame is handed to the
socket library and where the library hands one over, before anything is read of it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

__all__ = ["ECHO", "PUBLIC", "TRADE", "LoopbackVenue"]

PUBLIC: Final = "/v5/public/linear"
PRIVATE: Final = "/v5/private"
TRADE: Final = "/v5/trade"
ECHO: Final = "/echo"
# What the venue allows: its own limit of ten orders a second is not what is measured.
_LIMITS: Final = {"X-Bapi-Limit": "100000", "X-Bapi-Limit-Status": "100000"}
_RATES: Final = {"takerFeeRate": "0.00055", "makerFeeRate": "0.0002"}
_STATUS: Final = {"create": "New", "amend": "New", "cancel": "Cancelled"}

Row = dict[str, Any]


class _Listener(WSListener):
    """One connection; `on_text` gets the time of a frame and its text."""

    def __init__(self, path: str, venue: LoopbackVenue) -> None:
        self._path = path
        self._venue = venue

    def on_ws_connected(self, transport: WSTransport) -> None:
        """A client is there."""
        self._venue.connected(self._path, transport)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """A frame came."""
        came_ns = time.perf_counter_ns()
        if frame.msg_type is WSMsgType.TEXT:
            self._venue.received(self._path, came_ns, frame.get_payload_as_bytes())
        elif frame.msg_type is WSMsgType.CLOSE:
            transport.disconnect(graceful=False)


@dataclass(slots=True)
class LoopbackVenue:
    """One account. `on_order` and `on_echo` get the time at which a frame came back.

    Attributes:
        grids: tick and lot by symbol.
    """

    grids: Mapping[str, tuple[str, str]]
    on_order: Callable[[int], None] = lambda _: None
    on_echo: Callable[[int], None] = lambda _: None
    orders: int = 0
    subscribed: set[str] = field(default_factory=set)
    _links: dict[str, WSTransport] = field(default_factory=dict)
    _open: dict[str, Row] = field(default_factory=dict)
    _closing: list[Any] = field(default_factory=list)

    async def start(self) -> tuple[str, str]:
        """Listen on two free ports; the addresses of REST and of the sockets."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._rest)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        server = await ws_create_server(self._upgrade, "127.0.0.1", 0)
        self._closing = [runner, server]
        port = server.sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{runner.addresses[0][1]}", f"ws://127.0.0.1:{port}"

    async def close(self) -> None:
        """Stop listening."""
        runner, server = self._closing
        server.close()
        for link in self._links.values():
            link.disconnect(graceful=False)
        await runner.cleanup()

    def send(self, path: str, text: bytes) -> int:
        """Send a frame to whoever is connected at a path; the time before."""
        began_ns = time.perf_counter_ns()
        self._links[path].send(WSMsgType.TEXT, text)
        return began_ns

    def is_ready(self) -> bool:
        """Whether a session has everything that it needs to trade."""
        return {PUBLIC, PRIVATE} <= self.subscribed and TRADE in self._links

    def connected(self, path: str, transport: WSTransport) -> None:
        """See `_Listener`."""
        self._links[path] = transport

    def received(self, path: str, came_ns: int, text: bytes) -> None:
        """See `_Listener`."""
        if path == ECHO:
            self.on_echo(came_ns)
            return
        said = json.loads(text)
        op = said["op"]
        if op.startswith("order."):
            self.on_order(came_ns)
            self._obey(said)
            return
        if op == "subscribe":
            self.subscribed.add(path)
        self.send(path, _answer(path, said))

    def _upgrade(self, request: WSUpgradeRequest) -> WSListener:
        return _Listener(request.path.decode(), self)

    def _obey(self, said: Row) -> None:
        """Do it, say so, and publish what became of the orders."""
        verb, _, batch = said["op"].removeprefix("order.").partition("-")
        body = said["args"][0]
        rows = [self._changed(verb, one) for one in (body["request"] if batch else [body])]
        self.orders += len(rows)
        ids = [{name: row[name] for name in ("orderId", "orderLinkId")} for row in rows]
        answer = {
            "reqId": said["reqId"],
            "retCode": 0,
            "retMsg": "OK",
            "op": said["op"],
            "data": {"list": ids} if batch else ids[0],
            "retExtInfo": {"list": [{"code": 0, "msg": "OK"}] * len(ids)} if batch else {},
            "header": _LIMITS | {"Timenow": str(_now_ms())},
        }
        self.send(TRADE, json.dumps(answer).encode())
        news = {"id": "1", "topic": "order", "creationTime": _now_ms(), "data": rows}
        self.send(PRIVATE, json.dumps(news).encode())

    def _changed(self, verb: str, asked: Row) -> Row:
        cid = asked["orderLinkId"]
        row = self._open.get(cid, {"orderId": f"v-{cid}", "cumExecQty": "0", "category": "linear"})
        row |= asked | {"orderStatus": _STATUS[verb], "updatedTime": str(_now_ms())}
        if verb == "cancel":
            self._open.pop(cid, None)
        else:
            self._open[cid] = row
        return row

    async def _rest(self, request: web.Request) -> web.Response:
        path, symbol = request.path, request.query.get("symbol")
        rows: Iterable[Row] = ()
        if path == "/v5/market/instruments-info":
            rows = [_listing(one, *grid) for one, grid in self.grids.items() if one == symbol]
        elif path == "/v5/account/fee-rate":
            rows = [{"symbol": symbol, **_RATES}]
        elif path == "/v5/order/realtime" and request.query.get("settleCoin") != "USDC":
            rows = self._asked_for(request.query.get("orderLinkId"))
        answer = {"retCode": 0, "retMsg": "OK", "result": {"list": list(rows)}, "time": _now_ms()}
        return web.json_response(answer, headers=_LIMITS)

    def _asked_for(self, cid: str | None) -> Sequence[Row]:
        return [row for one, row in self._open.items() if cid in {None, one}]


def _answer(path: str, said: Row) -> bytes:
    """What is said to greetings and pings."""
    op = said["op"]
    answer: Row = {"op": op, "success": True, "ret_msg": "", "req_id": said.get("req_id", "")}
    if op == "ping":
        answer |= {"op": "pong", "args": [str(_now_ms())]} if path == PRIVATE else {}
    if path == TRADE:
        answer = {"op": op if op == "auth" else "pong", "retCode": 0, "retMsg": "OK"}
    return json.dumps(answer).encode()


def _listing(symbol: str, tick: str, lot: str) -> Row:
    return {
        "symbol": symbol,
        "status": "Trading",
        "priceFilter": {"tickSize": tick},
        "lotSizeFilter": {"minOrderQty": lot, "qtyStep": lot, "minNotionalValue": "5"},
    }


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
