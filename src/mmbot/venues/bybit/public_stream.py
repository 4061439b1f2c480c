"""Books and trades: raw frames for the core's decoder, and the gaps between them.

Data frames are handed on untouched; all that is read of them is the topic and the venue's times
(`mmbot.core.bybit_sight`), because a frame is decoded once and that is the core's business::

    {"topic":"orderbook.50.BTCUSDT","type":"delta","ts":1700000000123,
     "data":{...,"u":18521288,"seq":7961638724},"cts":1700000000119}
    {"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1700000000123,"data":[{"T":...}]}

https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook and ``/trade``
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from mmbot import core
from mmbot.errors import ConfigError
from mmbot.units import NS_PER_MS, NS_PER_SEC
from mmbot.venues.ports import GapReason, PublicEvent, PublicFrame, PublicGap
from mmbot.venues.stream.heartbeat import BUSY_SOCKET, Heartbeat, Pulse
from mmbot.venues.stream.inbox import Inbox
from mmbot.venues.stream.socket import Tick
from mmbot.venues.stream.staleness import Finding, Sight, SightKind, StalenessJudge
from mmbot.venues.stream.subscriptions import SubscribeRequest, Subscriptions
from mmbot.venues.stream.venue_clock import VenueClock

__all__ = ["PublicDialogue", "sight_of", "topics_of"]

_KINDS: Final = (SightKind.BOOK, SightKind.SNAPSHOT, SightKind.TRADE)
_PING: Final = b'{"op":"ping"}'
_PER_REQUEST: Final = 10
# Of all topics of one connection (docs/v5/ws/connect, "Public channel - Args limits").
_TOPICS_LENGTH_MAX: Final = 21_000
_ACK_PATIENCE_NS: Final = 5 * NS_PER_SEC
_DEPTHS: Final = (1, 50, 200, 1000)


class _Control(msgspec.Struct, frozen=True):
    success: bool = False
    op: str = ""
    req_id: str = ""
    ret_msg: str = ""
    topic: str = ""


_CONTROL: Final = msgspec.json.Decoder(_Control)
_ENCODER: Final = msgspec.json.Encoder()


def topics_of(symbols: Sequence[str], depth: int) -> list[str]:
    """The topics of books and trades; `depth` becomes the next that the venue has.

    Raises:
        ConfigError: ``E_CFG_RANGE`` when they are more than one connection may have.
    """
    level = next((one for one in _DEPTHS if one >= depth), _DEPTHS[-1])
    topics = [f"publicTrade.{symbol}" for symbol in symbols]
    topics += [f"orderbook.{level}.{symbol}" for symbol in symbols]
    if sum(map(len, topics)) > _TOPICS_LENGTH_MAX:
        raise ConfigError("E_CFG_RANGE", "trading.symbols", "are too many for one connection")
    return topics


def sight_of(frame: bytes) -> Sight | None:
    """What a data frame says about time; None for one that is no data of a book or trades."""
    found = core.bybit_sight(frame)
    if found is None:
        return None
    kind, symbol, made_ms = found
    return Sight(_KINDS[kind], symbol, made_ms * NS_PER_MS)


class PublicDialogue:
    """What is said on the public socket; see `mmbot.venues.stream.socket.Dialogue`."""

    refusal: Exception | None = None
    newest: bytes = b""
    """The last frame with data."""

    def __init__(
        self,
        symbols: Sequence[str],
        *,
        depth: int,
        clock: VenueClock,
        wall_clock: Callable[[], int],
    ) -> None:
        self.inbox = Inbox[PublicEvent](on_overflow=self._overflown)
        self.judge = StalenessJudge()
        self.unreadable = 0
        self._symbols = tuple(symbols)
        self._subscriptions = Subscriptions(
            topics_of(symbols, depth), topics_per_request=_PER_REQUEST
        )
        self._clock = clock
        self._wall_clock = wall_clock
        self._heartbeat = Heartbeat(BUSY_SOCKET, 0)
        self._lost: GapReason | None = None
        self._is_connected = False
        self._is_told = False
        self._to_send: list[bytes] = []

    @property
    def is_ready(self) -> bool:
        """Whether all topics are acknowledged."""
        return self._is_connected and self._subscriptions.is_complete

    def opened(self, now_ns: int) -> Sequence[bytes]:
        """Subscribe to everything."""
        self._heartbeat = Heartbeat(BUSY_SOCKET, now_ns)
        self.judge = StalenessJudge()
        self.judge.asked(self._symbols, now_ns)
        self._lost = None
        self._is_connected, self._is_told = True, False
        return [_encoded(one) for one in self._subscriptions.opened(now_ns)]

    def received(self, frame: bytes, now_ns: int) -> Sequence[bytes]:
        """Hand data on, judge them, take acknowledgements."""
        recv_ns = self._wall_clock()
        self._heartbeat.heard(now_ns)
        if self._lost is not None:
            return ()
        sight = sight_of(frame)
        if sight is None:
            if self._is_data(frame):
                # The decoder says what is wrong with it, and of which symbol.
                self.unreadable += 1
                self.inbox.put(PublicFrame(recv_ns, frame))
            return ()
        self.newest = frame
        found = self.judge.saw(sight, self._clock.now_ns())
        if found is Finding.LAGGING:
            self._lost = GapReason.LAGGING
            return ()
        self.inbox.put(PublicFrame(recv_ns, frame))
        if found is None:
            return ()
        return self._again((sight.symbol,), GapReason.BOOK_STUCK, now_ns)

    def ticked(self, now_ns: int) -> Tick:
        """Find the connection dead, behind, or unanswered."""
        if self._lost is not None:
            return Tick(lost=self._lost)
        if self._subscriptions.is_overdue(now_ns, _ACK_PATIENCE_NS):
            return Tick(lost=GapReason.HALF_OPEN)
        missing = self.judge.without_snapshot(now_ns)
        if missing:
            self._to_send += self._again(missing, GapReason.BOOK_STUCK, now_ns)
        frames, self._to_send = self._to_send, []
        is_suspect = self.judge.is_suspect(self._clock.now_ns())
        match self._heartbeat.check(now_ns, is_suspect=is_suspect):
            case Pulse.DEAD:
                return Tick(lost=GapReason.HALF_OPEN)
            case Pulse.PING:
                return Tick((*frames, _PING))
            case Pulse.FINE:
                return Tick(frames)

    def lost(self, reason: GapReason) -> None:
        """No book is to be believed; said once until there is a connection again."""
        self._is_connected = False
        self._to_send.clear()
        if not self._is_told:
            self._is_told = True
            self.inbox.put(PublicGap(self._wall_clock(), self._symbols, self._lost or reason))

    def resubscribe(self, symbols: Sequence[str], now_ns: int) -> None:
        """Ask for the books of some symbols anew, with the next tick."""
        if self._is_connected:
            self._to_send += self._again(tuple(symbols), GapReason.RESUBSCRIBED, now_ns)

    def _again(self, symbols: tuple[str, ...], reason: GapReason, now_ns: int) -> Sequence[bytes]:
        known = tuple(symbol for symbol in symbols if symbol in self._symbols)
        if not known:
            return ()
        self.inbox.put(PublicGap(self._wall_clock(), known, reason))
        self.judge.asked(known, now_ns)
        topics = [
            topic
            for topic in self._subscriptions.topics
            if topic.startswith("orderbook.") and topic.rpartition(".")[2] in known
        ]
        return [_encoded(one) for one in self._subscriptions.again(topics, now_ns)]

    def _is_data(self, frame: bytes) -> bool:
        """Take what is no data; True for the rest."""
        try:
            control = _CONTROL.decode(frame)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return True
        if control.op in ("subscribe", "unsubscribe"):
            is_ok = control.success or "already subscribed" in control.ret_msg
            if self._subscriptions.answered(control.req_id, is_ok=is_ok) is not None:
                self._lost = GapReason.DISCONNECTED
        return bool(control.topic)

    def _overflown(self) -> Sequence[PublicEvent]:
        """The reader is behind by a whole inbox: begin anew."""
        self._lost = GapReason.LAGGING
        self._is_told = True
        return [PublicGap(self._wall_clock(), self._symbols, GapReason.LAGGING)]


def _encoded(request: SubscribeRequest) -> bytes:
    return _ENCODER.encode(
        {"req_id": request.req_id, "op": request.op.value, "args": list(request.topics)}
    )
