"""One symbol of the exchange: its listing, its matching, and what its tape says."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from mmbot.core import EventChunk, ExchangeBook, ExchangeEvent
from mmbot.venues.simulated.listing import Listing

__all__ = ["MarketSource", "PublicTrade", "SymbolMarket"]

_TRADES_KEPT: Final = 1_000
_HOUR_MS: Final = 3_600_000
_FUNDING_MS: Final = 8 * _HOUR_MS
_FUNDING_RATE: Final = "0.0001"


@dataclass(frozen=True, slots=True)
class MarketSource:
    """Where a symbol's events come from.

    `chunks` are market rows in exchange order, without end or not. `relist` starts the symbol anew
    with another tick size, at a start price and ready to trade at a market time; None when it
    cannot (recorded data).
    """

    listing: Listing
    chunks: Iterator[EventChunk]
    relist: Callable[[Decimal, Decimal, int], MarketSource] | None = None


@dataclass(frozen=True, slots=True)
class PublicTrade:
    """A print as the venue tells it."""

    number: int
    is_buy: bool
    ticks: int
    lots: int
    ts_ms: int
    seq: int


@dataclass(slots=True)
class _Day:
    """What happened since the exchange started, up to a day of which is all there is."""

    open_ticks: int = 0
    high_ticks: int = 0
    low_ticks: int = 0
    lots: int = 0
    turnover: Decimal = Decimal(0)

    def add(self, ticks: int, lots: int, value: Decimal) -> None:
        if self.open_ticks == 0:
            self.open_ticks = self.high_ticks = self.low_ticks = ticks
        self.high_ticks = max(self.high_ticks, ticks)
        self.low_ticks = min(self.low_ticks, ticks)
        self.lots += lots
        self.turnover += value


@dataclass(slots=True)
class SymbolMarket:
    """A symbol's state; `status` as in `instruments-info`."""

    source: MarketSource
    book: ExchangeBook
    status: str = "Trading"
    is_over: bool = False
    last_ticks: int = 0
    tick_direction: str = "ZeroPlusTick"
    trades: deque[PublicTrade] = field(default_factory=lambda: deque(maxlen=_TRADES_KEPT))
    fresh_trades: list[PublicTrade] = field(default_factory=list)
    trade_count: int = 0
    incarnation: int = 0
    _day: _Day = field(default_factory=_Day)

    @property
    def listing(self) -> Listing:
        """The listing now in force."""
        return self.source.listing

    def feed(self, until_ns: int) -> None:
        """Hand rows to the matching until they reach `until_ns` or end."""
        while not self.is_over and self.book.fed_until_ns <= until_ns:
            chunk = next(self.source.chunks, None)
            if chunk is None:
                self.is_over = True
            else:
                self.book.push(chunk)

    def open(self, market_ns: int) -> None:
        """Begin at `market_ns`: what comes before made the book and is told to nobody."""
        self.feed(market_ns)
        self.book.advance(market_ns)

    @property
    def mark_ticks(self) -> int:
        """The mark price: the middle of the published touch, else the last trade."""
        bids, asks = self.book.levels(1)
        if bids and asks:
            return (bids[0][0] + asks[0][0]) // 2
        return self.last_ticks or (bids or asks or [(0, 0)])[0][0]

    def printed(self, event: ExchangeEvent, now_ms: int) -> None:
        """Take a public trade down."""
        if event.px != self.last_ticks:
            self.tick_direction = "PlusTick" if event.px > self.last_ticks else "MinusTick"
        elif self.tick_direction in ("PlusTick", "MinusTick"):
            self.tick_direction = f"Zero{self.tick_direction}"
        self.last_ticks = event.px
        self.trade_count += 1
        trade = PublicTrade(
            self.trade_count, event.is_buy, event.px, event.qty, now_ms, self.book.seq
        )
        self.trades.append(trade)
        self.fresh_trades.append(trade)
        self._day.add(event.px, event.qty, self.listing.value(event.px, event.qty))

    def ticker(self, now_ms: int) -> dict[str, str]:
        """The record of `tickers`, REST and stream."""
        listing, day = self.listing, self._day
        bids, asks = self.book.levels(1)
        mark = self.mark_ticks
        last = self.last_ticks or mark
        opened = day.open_ticks or last
        bid, ask = (bids or [(0, 0)])[0], (asks or [(0, 0)])[0]
        change = Decimal(last - opened) / opened if opened else Decimal(0)
        mark_text = listing.price_text(mark)
        return {
            "symbol": listing.symbol,
            "tickDirection": self.tick_direction,
            "price24hPcnt": format(change.quantize(Decimal("0.000001")), "f"),
            "lastPrice": listing.price_text(last),
            "prevPrice24h": listing.price_text(opened),
            "highPrice24h": listing.price_text(day.high_ticks or last),
            "lowPrice24h": listing.price_text(day.low_ticks or last),
            "prevPrice1h": listing.price_text(opened),
            "markPrice": mark_text,
            "indexPrice": mark_text,
            "openInterest": "0",
            "openInterestValue": "0",
            "turnover24h": format(day.turnover, "f"),
            "volume24h": listing.qty_text(day.lots),
            "fundingIntervalHour": "8",
            "fundingCap": "0.005",
            "nextFundingTime": str((now_ms // _FUNDING_MS + 1) * _FUNDING_MS),
            "fundingRate": _FUNDING_RATE,
            "bid1Price": listing.price_text(bid[0]) if bids else "",
            "bid1Size": listing.qty_text(bid[1]),
            "ask1Price": listing.price_text(ask[0]) if asks else "",
            "ask1Size": listing.qty_text(ask[1]),
        }

    def relist(self, tick: Decimal, market_ns: int, *, book: ExchangeBook) -> None:
        """Start anew at the last price with another tick size; orders must be gone."""
        assert self.source.relist is not None
        price = self.listing.price(self.mark_ticks)
        self.source = self.source.relist(tick, price, market_ns)
        self.book = book
        self.is_over = False
        self.last_ticks = 0
        self.trades.clear()
        self.incarnation += 1
        self._day = _Day()
        self.open(market_ns)
