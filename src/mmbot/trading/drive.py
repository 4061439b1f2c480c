"""Driving one engine over the streams of its symbols: whose data come next, how far market time is.

Time is the local (receive) time of the data. A drive knows no clock and decides nothing; sessions
and soak windows advance through it in steps of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from mmbot import core
from mmbot.errors import MarketDataError
from mmbot.units import NS_PER_MS, NS_PER_SEC

__all__ = ["Drive", "Feed"]

# Cancels need a round trip; they get this much market time, in steps.
_DRAIN_MAX_NS: Final = 5 * NS_PER_SEC
_DRAIN_STEP_NS: Final = 50 * NS_PER_MS


@dataclass(frozen=True, slots=True)
class Feed:
    """The market data of one symbol, in the order of the engine's instruments.

    A chunk without rows says how far nothing has happened (`mmbot.core.EventChunk.known_ns`).
    """

    symbol: str
    chunks: Iterator[core.EventChunk]


class Drive:
    """One engine over its feeds; `open`, then `begin`, then `advance` as often as wanted.

    Args:
        engine: what trades.
        feeds: one per instrument, in their order.
        on_chunk: told of every chunk before it is fed: place of the symbol, chunk.

    Attributes:
        start_ns: receive time of the first row of all feeds, from `open` on.
        target_ns: how far the engine was driven last, local time.
        exhausted: whether all feeds have ended.
    """

    def __init__(
        self,
        engine: core.Backtest,
        feeds: Sequence[Feed],
        on_chunk: Callable[[int, core.EventChunk], None] = lambda _at, _chunk: None,
    ) -> None:
        self.engine = engine
        self.feeds = tuple(feeds)
        self.start_ns = 0
        self.target_ns = 0
        self.exhausted = False
        self._on_chunk = on_chunk
        self._firsts: list[core.EventChunk] = []

    def open(self, is_over: Callable[[], bool] = lambda: False) -> int:
        """Read the first data of every feed; return `start_ns`.

        Args:
            is_over: nobody waits any longer; asked whenever a feed has nothing yet.

        Raises:
            MarketDataError: ``E_BT_NO_DATA`` for a stream without a row.
        """
        self._firsts = [_first(feed, is_over) for feed in self.feeds]
        starts = [int(np.min(chunk.to_arrays()["ts_local"])) for chunk in self._firsts]
        self.start_ns = self.target_ns = min(starts)
        return self.start_ns

    def begin(self) -> None:
        """Feed what `open` has read."""
        for at, chunk in enumerate(self._firsts):
            self._feed(at, chunk, self.start_ns)
        self._firsts = []

    def advance(self, until_ns: int) -> None:
        """Process everything up to a local time, or until the feeds have ended.

        Raises:
            CoreError: the engine refuses the data, or a strategy fails.
        """
        self.target_ns = until_ns
        needs_data = self.engine.advance(None, until_ns)
        while needs_data and not self.exhausted:
            at = self.engine.hungriest()
            if at is None:
                self.exhausted = True
                return
            chunk = next(self.feeds[at].chunks, None)
            if chunk is None:
                self.engine.end(at)
                needs_data = self.engine.advance(None, until_ns)
                self.exhausted = self.engine.hungriest() is None
            else:
                needs_data = self._feed(at, chunk, until_ns)

    def drain(self, stepped: Callable[[], None] = lambda: None) -> int:
        """Cancel all orders and let the cancels arrive; return how many are still unconfirmed."""
        self.engine.stop()
        deadline_ns = self.target_ns + _DRAIN_MAX_NS
        while not self.exhausted and self.target_ns < deadline_ns:
            if not self.open_orders():
                return 0
            self.advance(self.target_ns + _DRAIN_STEP_NS)
            stepped()
        # When the recording ends there is nobody left who could confirm.
        return 0 if self.exhausted else self.open_orders()

    def open_orders(self) -> int:
        """Live orders of all symbols."""
        symbols = range(len(self.feeds))
        return sum(len(self.engine.snapshot(0, at)["orders"]) for at in symbols)

    def _feed(self, at: int, chunk: core.EventChunk, until_ns: int) -> bool:
        if len(chunk):
            self._on_chunk(at, chunk)
        return self.engine.advance(chunk, until_ns, at)


def _first(feed: Feed, is_over: Callable[[], bool]) -> core.EventChunk:
    for chunk in feed.chunks:
        if len(chunk):
            return chunk
        if is_over():
            break
    raise MarketDataError("E_BT_NO_DATA", f"symbol={feed.symbol}", "has no row")
