"""The account's own news: orders, executions, positions, wallet, as our records in their order.

The stream says when it was connected and lost (`StreamChange`): what happened in between is asked
for over REST by whoever keeps the orders (`executions`, `open_orders`). A row that cannot be read
is counted and breaks the connection, because a fill that nobody saw must be looked for, and that is
what follows a reconnect anyway. A refused key ends the stream with the error.

https://bybit-exchange.github.io/docs/v5/websocket/private/order and its neighbours
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from mmbot.units import NS_PER_MS, NS_PER_SEC
from mmbot.venues.bybit.answers import Asked
from mmbot.venues.bybit.codes import BYBIT_CODES
from mmbot.venues.bybit.endpoints import Category
from mmbot.venues.bybit.rows import ExecutionRow, OrderRow, PositionRow, WalletRow
from mmbot.venues.bybit.signing import ApiCredentials
from mmbot.venues.bybit.trade_socket import auth_frame
from mmbot.venues.failures import FailureKind, Operation
from mmbot.venues.ports import CallError, GapReason, PrivateEvent, StreamChange
from mmbot.venues.stream.heartbeat import QUIET_SOCKET, Heartbeat, Pulse
from mmbot.venues.stream.inbox import Inbox
from mmbot.venues.stream.socket import Tick
from mmbot.venues.stream.venue_clock import VenueClock

__all__ = ["PRIVATE_TOPICS", "PrivateDialogue", "UnreadableFrameError", "private_events"]

PRIVATE_TOPICS: Final = ("order", "execution", "position", "wallet")
_PATIENCE_NS: Final = 5 * NS_PER_SEC
_PING: Final = b'{"op":"ping"}'
# Codes are also said in words only: {"success":false,"ret_msg":"Invalid sign","op":"auth"}.
_REFUSALS: Final = {
    "api key is invalid": 10003,
    "invalid apikey": 10003,
    "invalid api key": 10003,
    "params error": 10003,
    "invalid sign": 10004,
    "your request has expired": 10002,
}


class UnreadableFrameError(Exception):
    """A private frame is not what the venue's documentation says."""


class _Frame(msgspec.Struct, frozen=True, rename="camel"):
    topic: str = ""
    data: msgspec.Raw = msgspec.Raw(b"[]")
    op: str = ""
    success: bool | None = None
    ret_code: int | None = None
    ret_msg: str = ""
    said: str = msgspec.field(default="", name="ret_msg")
    args: Sequence[str] = ()


_FRAME: Final = msgspec.json.Decoder(_Frame)
_ORDERS: Final = msgspec.json.Decoder(list[OrderRow])
_EXECUTIONS: Final = msgspec.json.Decoder(list[ExecutionRow])
_POSITIONS: Final = msgspec.json.Decoder(list[PositionRow])
_WALLETS: Final = msgspec.json.Decoder(list[WalletRow])


def private_events(topic: str, data: bytes, category: Category) -> list[PrivateEvent]:
    """The records of one frame's ``data``; rows of other categories are left out.

    Raises:
        UnreadableFrameError: for anything else than what the topic promises.
    """
    try:
        match topic:
            case "order":
                orders = _ORDERS.decode(data)
                return [row.record() for row in orders if row.category in ("", category)]
            case "execution":
                rows = _EXECUTIONS.decode(data)
                return [r.record() for r in rows if r.is_trade and r.category in ("", category)]
            case "position":
                positions = _POSITIONS.decode(data)
                if any(row.is_hedged for row in positions):
                    raise UnreadableFrameError("the account is in hedge mode")
                return [row.record() for row in positions if row.category in ("", category)]
            case "wallet":
                return [one for row in _WALLETS.decode(data) for one in row.balances()]
            case _:
                return []
    except (msgspec.MsgspecError, ArithmeticError, UnicodeDecodeError, RecursionError) as exc:
        raise UnreadableFrameError(f"{topic}: {exc}") from exc


class PrivateDialogue:
    """What is said on the private socket; see `mmbot.venues.stream.socket.Dialogue`."""

    def __init__(
        self,
        credentials: ApiCredentials,
        *,
        category: Category,
        clock: VenueClock,
        wall_clock: Callable[[], int],
        topics: Sequence[str] = PRIVATE_TOPICS,
    ) -> None:
        self._subscribe = msgspec.json.encode(
            {"req_id": "sub-1", "op": "subscribe", "args": list(topics)}
        )
        self.inbox = Inbox[PrivateEvent](on_overflow=self._overflown)
        self.is_ready = False
        self.refusal: CallError | None = None
        self.unreadable = 0
        self._credentials = credentials
        self._category: Category = category
        self._clock = clock
        self._wall_clock = wall_clock
        self._heartbeat = Heartbeat(QUIET_SOCKET, 0)
        self._opened_ns = 0
        self._pinged_ns: int | None = None
        self._is_broken = False

    def opened(self, now_ns: int) -> Sequence[bytes]:
        """Say who we are."""
        self.is_ready = False
        self._opened_ns = now_ns
        self._pinged_ns = None
        self._heartbeat = Heartbeat(QUIET_SOCKET, now_ns)
        venue_ns = self._clock.now_ns()
        self._is_broken = venue_ns is None
        return [] if venue_ns is None else [auth_frame(self._credentials, venue_ns)]

    def received(self, frame: bytes, now_ns: int) -> Sequence[bytes]:
        """Turn data into records, and greetings into the next greeting."""
        self._heartbeat.heard(now_ns)
        if self._is_broken:
            return ()
        try:
            read = _FRAME.decode(frame)
            if read.topic:
                for event in private_events(read.topic, bytes(read.data), self._category):
                    self.inbox.put(event)
                return ()
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, UnreadableFrameError):
            self.unreadable += 1
            self._is_broken = True
            return ()
        return self._controlled(read, now_ns)

    def ticked(self, now_ns: int) -> Tick:
        """Keep the connection alive, or find it dead."""
        if self._is_broken:
            return Tick(lost=GapReason.DISCONNECTED)
        if not self.is_ready and now_ns - self._opened_ns > _PATIENCE_NS:
            return Tick(lost=GapReason.HALF_OPEN)
        match self._heartbeat.check(now_ns):
            case Pulse.DEAD:
                return Tick(lost=GapReason.HALF_OPEN)
            case Pulse.PING:
                self._pinged_ns = now_ns
                return Tick((_PING,))
            case Pulse.FINE:
                return Tick()

    def lost(self, reason: GapReason) -> None:
        """Say that news may be missing."""
        del reason
        if self.is_ready:
            self.is_ready = False
            self.inbox.put(StreamChange(self._wall_clock(), is_connected=False))
        if self.refusal is not None:
            self.inbox.close(self.refusal)

    def _controlled(self, read: _Frame, now_ns: int) -> Sequence[bytes]:
        if read.op == "pong":
            self._learn_time(read.args, now_ns)
            return ()
        is_ok = read.success is not False and not read.ret_code
        if read.op == "auth":
            if is_ok:
                return (self._subscribe,)
            self._refused(read)
        elif read.op == "subscribe":
            if is_ok and not self.is_ready:
                self.is_ready = True
                self.inbox.put(StreamChange(self._wall_clock(), is_connected=True))
            elif not is_ok:
                self._is_broken = True
        return ()

    def _refused(self, read: _Frame) -> None:
        text = read.said or read.ret_msg
        words = text.lower().strip(" .")
        code = read.ret_code or next(
            (found for start, found in _REFUSALS.items() if words.startswith(start)), None
        )
        if code in BYBIT_CODES.session_refused:
            asked = Asked(Operation.QUERY)
            self.refusal = asked.error(FailureKind.CODE, text, code=code)
        self._is_broken = True

    def _learn_time(self, args: Sequence[str], now_ns: int) -> None:
        """A pong tells the time: ``{"op":"pong","args":["1675418560633"]}``."""
        text = args[0] if args else ""
        if self._pinged_ns is None or not text.isascii() or not text.isdigit() or len(text) > 15:
            return
        self._clock.observe(
            sent_ns=self._pinged_ns,
            recv_ns=now_ns,
            venue_ns=int(text) * NS_PER_MS,
            grain_ns=NS_PER_MS,
        )
        self._pinged_ns = None

    def _overflown(self) -> Sequence[PrivateEvent]:
        """The reader is behind by a whole inbox: what was in it is asked for after a reconnect."""
        self._is_broken = True
        self.is_ready = False
        return [StreamChange(self._wall_clock(), is_connected=False)]
