"""The shell of a session: pulls chunks of market data, paces the engine, shows what happens.

It holds no trading decision. Market time is the local (receive) time of the data; the wall clock
only says how far to go. Whatever ends the session (its duration, the end of the data, a signal),
orders are cancelled, waiting fills are resolved and the accounts are closed, in that order.
What goes along with a session (records, reload of the configuration, snapshots) is a `Companion`:
it is told how far market time is and never holds the engine up by a decision of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

import numpy as np

from mmbot import clock, core
from mmbot.errors import ConfigError, MarketDataError
from mmbot.trading.explain import Explanation
from mmbot.trading.pacing import Pacer
from mmbot.trading.readout import Columns, Course, Readout, read_line, read_snapshot
from mmbot.trading.stopping import StopRequest
from mmbot.units import NS_PER_MS, NS_PER_SEC

__all__ = [
    "Companion",
    "Display",
    "EndReason",
    "Feed",
    "Session",
    "SessionEnd",
    "SessionPlan",
    "SymbolEnd",
    "Taken",
]

EndReason = Literal["duration", "data_end", "interrupted"]

# 8 frames a second look alive and stay calm.
_FRAME_NS: Final = 125 * NS_PER_MS
_SPARK_POINTS: Final = 600
# Cancels need a round trip; they get this much market time, in steps.
_DRAIN_MAX_NS: Final = 5 * NS_PER_SEC
_DRAIN_STEP_NS: Final = 50 * NS_PER_MS


class Display(Protocol):
    """Where readouts go; it must never block."""

    def show(self, readout: Readout) -> None:
        """Take the newest readout."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What the engine recorded of one symbol since the last step."""

    symbol: str
    fills: Columns
    curve: Columns
    order_events: dict[str, Any]


class Companion(Protocol):
    """Something that goes along with a session; `market_ns` is market time."""

    def begin(self, engine: core.Backtest, market_ns: int) -> None:
        """The session has its first data."""

    def on_chunk(self, symbol: int, chunk: core.EventChunk) -> None:
        """Market data are about to be fed."""

    def step(self, engine: core.Backtest, market_ns: int, taken: Sequence[Taken]) -> None:
        """The engine has been advanced; `taken` has one entry per symbol."""

    def close(self, engine: core.Backtest, market_ns: int, taken: Sequence[Taken]) -> None:
        """The accounts are closed."""


@dataclass(frozen=True, slots=True)
class Feed:
    """The market data of one symbol, in the order of the engine's instruments."""

    symbol: str
    chunks: Iterator[core.EventChunk]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPlan:
    """How long and how fast: `duration_ns` of market time, None is without end.

    `explain` explains an order from the session's journal, if it writes one.
    """

    speed: int | None
    duration_ns: int | None
    market_state: Callable[[], str] = lambda: ""
    companions: Sequence[Companion] = ()
    explain: Callable[[str], Explanation] | None = None


@dataclass(frozen=True, slots=True)
class SymbolEnd:
    """What a session leaves of one symbol."""

    symbol: str
    result: dict[str, Any]
    fills: Columns
    curve: Columns


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnd:
    """What a session leaves: why it ended, and every symbol's result, fills and course.

    `market_ns` is the market time it traded for, `wall_ns` the time it took, `last` what the screen
    showed before the orders were cancelled.
    """

    reason: EndReason
    symbols: tuple[SymbolEnd, ...]
    start_ns: int
    market_ns: int
    wall_ns: int
    unconfirmed_orders: int
    last: Readout


class Session:
    """One engine over the streams of its symbols; `run` is called once."""

    def __init__(
        self,
        engine: core.Backtest,
        feeds: Sequence[Feed],
        plan: SessionPlan,
        display: Display,
        stop: StopRequest,
    ) -> None:
        self._engine = engine
        self._feeds = tuple(feeds)
        self._plan = plan
        self._display = display
        self._stop = stop
        self._courses = [Course() for _ in feeds]
        self._fills: list[Course] = [Course() for _ in feeds]
        self._start_ns = 0
        self._target_ns = 0
        self._exhausted = False

    def run(self) -> SessionEnd:
        """Trade until the end, then close the books.

        Raises:
            MarketDataError: ``E_BT_NO_DATA`` for a stream without a row.
            CoreError: the engine refuses the data, or a strategy fails.
        """
        began_ns = clock.monotonic_ns()
        self._begin()
        reason = self._trade()
        last = self._frame()
        # A recording ends where it ends, not where the last step would have led.
        market_ns = last.elapsed_ns if self._exhausted else self._target_ns - self._start_ns
        unconfirmed = self._drain()
        self._engine.finish(reason)
        taken = self._take()
        for companion in self._plan.companions:
            companion.close(self._engine, self._target_ns, taken)
        return SessionEnd(
            reason=reason,
            symbols=tuple(self._ended(at) for at in range(len(self._feeds))),
            start_ns=self._start_ns,
            market_ns=market_ns,
            wall_ns=clock.monotonic_ns() - began_ns,
            unconfirmed_orders=unconfirmed,
            last=last,
        )

    def explain(self, order_id: str) -> Explanation:
        """Why an order of this session was sent, by its client order id or its number.

        Raises:
            ConfigError: ``E_CFG_MISSING`` without a journal, or for an order that it does not have.
            StoreError: as `mmbot.trading.explain.explain`.
        """
        if self._plan.explain is None:
            raise ConfigError("E_CFG_MISSING", "journal", "is not written by this session")
        return self._plan.explain(order_id)

    def _ended(self, at: int) -> SymbolEnd:
        return SymbolEnd(
            symbol=self._feeds[at].symbol,
            result=self._engine.result(0, at),
            fills=self._fills[at].columns(),
            curve=self._courses[at].columns(),
        )

    def _begin(self) -> None:
        firsts = [self._first(feed) for feed in self._feeds]
        self._start_ns = min(int(np.min(chunk.to_arrays()["ts_local"])) for chunk in firsts)
        self._target_ns = self._start_ns
        for companion in self._plan.companions:
            companion.begin(self._engine, self._start_ns)
        for at, chunk in enumerate(firsts):
            self._feed(at, chunk, self._start_ns)

    def _first(self, feed: Feed) -> core.EventChunk:
        for chunk in feed.chunks:
            if len(chunk):
                return chunk
        raise MarketDataError("E_BT_NO_DATA", f"symbol={feed.symbol}", "has no row")

    def _trade(self) -> EndReason:
        plan = self._plan
        pacer = Pacer(plan.speed, self._start_ns, clock.monotonic_ns())
        end_ns = None if plan.duration_ns is None else self._start_ns + plan.duration_ns
        next_frame_ns = 0
        while not self._stop.requested:
            target_ns = pacer.target_ns(clock.monotonic_ns())
            if end_ns is not None:
                target_ns = min(target_ns, end_ns)
            self._advance(target_ns)
            self._step()
            if clock.monotonic_ns() >= next_frame_ns:
                self._frame()
                next_frame_ns = clock.monotonic_ns() + _FRAME_NS
            if self._exhausted:
                return "data_end"
            if target_ns == end_ns:
                return "duration"
            clock.sleep_ns(pacer.rest_ns(clock.monotonic_ns()))
        return "interrupted"

    def _advance(self, until_ns: int) -> None:
        self._target_ns = until_ns
        needs_data = self._engine.advance(None, until_ns)
        while needs_data and not self._exhausted:
            at = self._engine.hungriest()
            if at is None:
                self._exhausted = True
                return
            chunk = next(self._feeds[at].chunks, None)
            if chunk is None:
                self._engine.end(at)
                needs_data = self._engine.advance(None, until_ns)
                self._exhausted = self._engine.hungriest() is None
            else:
                needs_data = self._feed(at, chunk, until_ns)

    def _feed(self, at: int, chunk: core.EventChunk, until_ns: int) -> bool:
        for companion in self._plan.companions:
            companion.on_chunk(at, chunk)
        return self._engine.advance(chunk, until_ns, at)

    def _step(self) -> None:
        taken = self._take()
        for companion in self._plan.companions:
            companion.step(self._engine, self._target_ns, taken)

    def _take(self) -> list[Taken]:
        """What was recorded since the last call; kept for the reports."""
        taken = []
        for at, feed in enumerate(self._feeds):
            one = Taken(
                symbol=feed.symbol,
                fills=self._engine.take_fills(0, at),
                curve=self._engine.take_curve(0, at),
                order_events=self._engine.take_order_events(0, at),
            )
            self._courses[at].add(one.curve)
            self._fills[at].add(one.fills, thin=False)
            taken.append(one)
        return taken

    def _drain(self) -> int:
        """Cancel all orders and let the cancels arrive; return how many are still unconfirmed."""
        self._engine.stop()
        deadline_ns = self._target_ns + _DRAIN_MAX_NS
        while not self._exhausted and self._target_ns < deadline_ns:
            if not self._open_orders():
                return 0
            self._advance(self._target_ns + _DRAIN_STEP_NS)
            self._step()
        # When the recording ends there is nobody left who could confirm.
        return 0 if self._exhausted else self._open_orders()

    def _open_orders(self) -> int:
        symbols = range(len(self._feeds))
        return sum(len(self._engine.snapshot(0, at)["orders"]) for at in symbols)

    def _frame(self) -> Readout:
        snapshots = [self._engine.snapshot(0, at) for at in range(len(self._feeds))]
        lines = [
            read_line(feed.symbol, snapshot)
            for feed, snapshot in zip(self._feeds, snapshots, strict=True)
        ]
        readout = read_snapshot(
            snapshots[0],
            start_ns=self._start_ns,
            market_state=self._plan.market_state(),
            course=self._courses[0],
            points=_SPARK_POINTS,
            lines=tuple(lines) if len(lines) > 1 else (),
        )
        self._display.show(readout)
        return readout
