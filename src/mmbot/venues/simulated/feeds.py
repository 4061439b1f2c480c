"""What the public streams say: books, trades, tickers.

`BookFeed` holds what was last published of one depth of one symbol and says what changed since.
`u` grows by one with every frame, `seq` is the matching's count of what may change a book, `cts`
the time at which it was made. A snapshot with ``u`` 1 replaces everything a client has: it follows
a restart of the service and a new listing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from mmbot.venues.simulated.listing import Listing
from mmbot.venues.simulated.market import SymbolMarket

__all__ = ["DEPTHS", "BookFeed", "TickerFeed", "trade_frame"]

Frame = dict[str, Any]
# Time between two frames by depth (linear contracts).
DEPTHS: Final[Mapping[int, int]] = {1: 10, 50: 20, 200: 100, 1000: 200}
TICKER_MS: Final = 100
# An unchanged best level is told again after this time.
_REPEAT_MS: Final = 3_000
_TRADES_PER_FRAME: Final = 1_024
_Levels = Sequence[tuple[int, int]]


@dataclass(slots=True)
class BookFeed:
    """One depth of one symbol."""

    depth: int
    u: int = 0
    _bids: dict[int, int] = field(default_factory=dict)
    _asks: dict[int, int] = field(default_factory=dict)
    _sent_ms: int = 0
    _incarnation: int = 0

    @property
    def topic_head(self) -> str:
        """The topic without its symbol."""
        return f"orderbook.{self.depth}."

    def snapshot(self, market: SymbolMarket, now_ms: int) -> Frame:
        """The whole book as it was last published, for a new subscriber."""
        if self.u == 0:
            self._take(market)
            self.u = 1
        listing = market.listing
        bids = sorted(self._bids.items(), reverse=True)
        asks = sorted(self._asks.items())
        return self._frame(market, "snapshot", _texts(listing, bids), _texts(listing, asks), now_ms)

    def restart(self, market: SymbolMarket, now_ms: int) -> Frame:
        """The service restarted: a snapshot with ``u`` 1."""
        self.u = 0
        self._sent_ms = now_ms
        return self.snapshot(market, now_ms)

    def step(self, market: SymbolMarket, now_ms: int) -> Frame | None:
        """What changed since the last call; None if there is nothing to tell."""
        if market.incarnation != self._incarnation:
            self._incarnation = market.incarnation
            return self.restart(market, now_ms)
        if self.u == 0:
            return None
        before = self._bids, self._asks
        self._take(market)
        bids, asks = _changes(before[0], self._bids), _changes(before[1], self._asks)
        if self.depth == 1:
            return self._touch(market, now_ms, is_same=not bids and not asks)
        if not bids and not asks:
            return None
        self.u += 1
        self._sent_ms = now_ms
        listing = market.listing
        return self._frame(market, "delta", _texts(listing, bids), _texts(listing, asks), now_ms)

    def _touch(self, market: SymbolMarket, now_ms: int, *, is_same: bool) -> Frame | None:
        """The best level is told in snapshots only; unchanged ones keep their ``u``."""
        if is_same and now_ms - self._sent_ms < _REPEAT_MS:
            return None
        self.u += not is_same
        self._sent_ms = now_ms
        return self.snapshot(market, now_ms)

    def _take(self, market: SymbolMarket) -> None:
        bids, asks = market.book.levels(self.depth)
        self._bids, self._asks = dict(bids), dict(asks)

    def _frame(
        self,
        market: SymbolMarket,
        kind: str,
        bids: list[list[str]],
        asks: list[list[str]],
        now_ms: int,
    ) -> Frame:
        symbol = market.listing.symbol
        data = {"s": symbol, "b": bids, "a": asks, "u": self.u, "seq": market.book.seq}
        topic = f"{self.topic_head}{symbol}"
        return {"topic": topic, "type": kind, "ts": now_ms, "data": data, "cts": now_ms}


def _changes(before: Mapping[int, int], after: Mapping[int, int]) -> _Levels:
    """Levels whose size is another one, 0 for those that went."""
    gone = [(px, 0) for px in before if px not in after]
    return gone + [(px, qty) for px, qty in after.items() if before.get(px) != qty]


def _texts(listing: Listing, levels: Iterable[tuple[int, int]]) -> list[list[str]]:
    return [[listing.price_text(px), listing.qty_text(qty)] for px, qty in levels]


@dataclass(slots=True)
class TickerFeed:
    """The ticker of one symbol: a snapshot, then the fields that changed."""

    _last: dict[str, str] = field(default_factory=dict)

    def snapshot(self, market: SymbolMarket, now_ms: int) -> Frame:
        """All fields as they were last told, for a new subscriber."""
        self._last = self._last or market.ticker(now_ms)
        return self._frame(market, "snapshot", self._last, now_ms)

    def step(self, market: SymbolMarket, now_ms: int) -> Frame | None:
        """Fields that changed since the last call."""
        if not self._last:
            return None
        now = market.ticker(now_ms)
        changed = {key: value for key, value in now.items() if self._last[key] != value}
        self._last = now
        if not changed:
            return None
        return self._frame(market, "delta", {"symbol": now["symbol"], **changed}, now_ms)

    @staticmethod
    def _frame(market: SymbolMarket, kind: str, data: Mapping[str, str], now_ms: int) -> Frame:
        return {
            "topic": f"tickers.{market.listing.symbol}",
            "type": kind,
            "data": dict(data),
            "cs": market.book.seq,
            "ts": now_ms,
        }


def trade_frame(market: SymbolMarket, now_ms: int) -> Frame | None:
    """The trades since the last call, at most 1024 of them; call again for the rest."""
    fresh = market.fresh_trades[:_TRADES_PER_FRAME]
    if not fresh:
        return None
    del market.fresh_trades[: len(fresh)]
    listing = market.listing
    before = 0
    rows = []
    for trade in fresh:
        direction = "ZeroPlusTick"
        if before and trade.ticks != before:
            direction = "PlusTick" if trade.ticks > before else "MinusTick"
        before = trade.ticks
        rows.append(
            {
                "T": trade.ts_ms,
                "s": listing.symbol,
                "S": "Buy" if trade.is_buy else "Sell",
                "v": listing.qty_text(trade.lots),
                "p": listing.price_text(trade.ticks),
                "L": direction,
                "i": f"{listing.symbol}-{market.incarnation}-{trade.number}",
                "BT": False,
                "RPI": False,
                "seq": trade.seq,
            }
        )
    topic = f"publicTrade.{listing.symbol}"
    return {"topic": topic, "type": "snapshot", "ts": now_ms, "data": rows}
