"""Publication: which socket is told what in each step.

The hub owns the feeds and knows the sockets. `step` gives the frames that are due, in order;
sending them is somebody else's work.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final

from mmbot.venues.simulated.engine import LocalExchange, PrivateUpdate
from mmbot.venues.simulated.faults import Stream
from mmbot.venues.simulated.feeds import DEPTHS, TICKER_MS, BookFeed, TickerFeed, trade_frame
from mmbot.venues.simulated.market import SymbolMarket
from mmbot.venues.simulated.sockets import Socket

__all__ = ["Delivery", "Hub", "frame_text"]

Frame = Mapping[str, object]


def frame_text(frame: Frame) -> str:
    """A frame as it is sent."""
    return json.dumps(frame, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Delivery:
    """A text for a socket; `topic` is what it is about, "" for answers to requests."""

    conn_id: str
    topic: str
    text: str


@dataclass(slots=True)
class Hub:
    """All sockets and all feeds."""

    exchange: LocalExchange
    sockets: dict[str, Socket] = field(default_factory=dict)
    streams: dict[str, Stream] = field(default_factory=dict)
    _books: dict[tuple[str, int], BookFeed] = field(default_factory=dict)
    _tickers: dict[str, TickerFeed] = field(default_factory=dict)
    _next_ms: dict[str, int] = field(default_factory=dict)
    _frames: int = 0

    def join(self, socket: Socket, stream: Stream) -> None:
        """A client connected."""
        self.sockets[socket.conn_id] = socket
        self.streams[socket.conn_id] = stream

    def leave(self, conn_id: str) -> None:
        """A client has gone."""
        self.sockets.pop(conn_id, None)
        self.streams.pop(conn_id, None)

    def first_frames(self, topic: str) -> list[dict[str, Any]] | None:
        """The opening frames of a public topic; None for a topic that does not exist."""
        head, _, symbol = topic.rpartition(".")
        market = self.exchange.markets.get(symbol)
        if market is None:
            return None
        now_ms = self.exchange.now_ms
        is_first = not any(self._readers(topic))
        if head == "publicTrade":
            return []
        if head == "tickers":
            ticker = self._tickers.setdefault(symbol, TickerFeed())
            if is_first:
                ticker.step(market, now_ms)
            return [ticker.snapshot(market, now_ms)]
        kind, _, depth = head.partition(".")
        if kind != "orderbook" or not depth.isdigit() or int(depth) not in DEPTHS:
            return None
        feed = self._book(symbol, int(depth))
        if is_first:
            feed.step(market, now_ms)
        return [feed.snapshot(market, now_ms)]

    def step(self) -> list[Delivery]:
        """What is due at the exchange's time."""
        out: list[Delivery] = []
        for symbol, market in self.exchange.markets.items():
            self._public(symbol, market, out)
        self._private(self.exchange.drain_private(), out)
        return out

    def restart(self) -> list[Delivery]:
        """The service restarted: every book begins again with ``u`` 1."""
        out: list[Delivery] = []
        for (symbol, depth), feed in self._books.items():
            frame = feed.restart(self.exchange.markets[symbol], self.exchange.now_ms)
            self._tell(f"orderbook.{depth}.{symbol}", frame, out)
        return out

    def _book(self, symbol: str, depth: int) -> BookFeed:
        return self._books.setdefault((symbol, depth), BookFeed(depth))

    def _readers(self, topic: str) -> Iterator[str]:
        return (conn_id for conn_id, socket in self.sockets.items() if topic in socket.topics)

    def _is_due(self, topic: str, every_ms: int) -> bool:
        now_ms = self.exchange.now_ms
        if now_ms < self._next_ms.get(topic, 0) or not any(self._readers(topic)):
            return False
        self._next_ms[topic] = now_ms + every_ms
        return True

    def _public(self, symbol: str, market: SymbolMarket, out: list[Delivery]) -> None:
        now_ms = self.exchange.now_ms
        # trades go first, as the prints of a packet go before its depth
        while (frame := trade_frame(market, now_ms)) is not None:
            self._tell(f"publicTrade.{symbol}", frame, out)
        for depth, every_ms in DEPTHS.items():
            topic = f"orderbook.{depth}.{symbol}"
            if self._is_due(topic, every_ms):
                changed = self._book(symbol, depth).step(market, now_ms)
                self._tell(topic, changed, out)
        topic = f"tickers.{symbol}"
        if self._is_due(topic, TICKER_MS):
            self._tell(topic, self._tickers[symbol].step(market, now_ms), out)

    def _tell(self, topic: str, frame: Frame | None, out: list[Delivery]) -> None:
        readers = list(self._readers(topic)) if frame is not None else []
        if frame is None or not readers:
            return
        text = frame_text(frame)
        out.extend(Delivery(conn_id, topic, text) for conn_id in readers)

    def _private(self, updates: list[PrivateUpdate], out: list[Delivery]) -> None:
        for (uid, topic), group in groupby(updates, lambda update: (update.uid, update.topic)):
            data = [update.record for update in group]
            self._frames += 1
            for conn_id, socket in self.sockets.items():
                if socket.account is None or socket.account.uid != uid:
                    continue
                for name, rows in _topics_of(topic, data):
                    if name in socket.topics:
                        frame = {
                            "topic": name,
                            "id": f"{uid}_{self._frames}",
                            "creationTime": self.exchange.now_ms,
                            "data": rows,
                        }
                        out.append(Delivery(conn_id, name, frame_text(frame)))


_FAST_KEYS: Final = (
    "category",
    "symbol",
    "execId",
    "execPrice",
    "execQty",
    "orderId",
    "isMaker",
    "orderLinkId",
    "side",
    "execTime",
    "seq",
)


def _topics_of(topic: str, data: list[Frame]) -> Iterator[tuple[str, list[Frame]]]:
    yield topic, data
    if topic == "execution":
        yield "execution.fast", [{key: row[key] for key in _FAST_KEYS} for row in data]
