"""The shell of a session: pulls chunks of market data, paces the engine, shows what happens.

It holds no trading decision. Market time is the local (receive) time of the data; the wall clock
only says how far to go. Whatever ends the session (its duration, the end of the data, a signal),
orders are cancelled, waiting fills are resolved and the accounts are closed, in that order.
What goes along with a session (records, reload of the configuration, snapshots) is a `Companion`:
it is told how far market time is and never holds the engine up by a decision of its own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from mmbot import clock, core
from mmbot.errors import ConfigError, MmbotError
from mmbot.trading.drive import Drive, Feed
from mmbot.trading.explain import Explanation
from mmbot.trading.pacing import Pacer
from mmbot.trading.readout import Columns, Course, Readout, read_line, read_snapshot
from mmbot.trading.stopping import StopRequest
from mmbot.units import NS_PER_MS

__all__ = [
    "Adopted",
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

EndReason = Literal["duration", "data_end", "interrupted", "relisted", "fatal"]

# 8 frames a second look alive and stay calm.
_FRAME_NS: Final = 125 * NS_PER_MS
_SPARK_POINTS: Final = 600


class Display(Protocol):
    """Where readouts go; it must never block."""

    def show(self, readout: Readout) -> None:
        """Take the newest readout."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """A quantity (base currency, signed) that was taken over at a price, as no fill."""

    qty: float
    price: float


@dataclass(frozen=True, slots=True)
class Taken:
    """What the engine recorded of one symbol since the last step.

    `adopted` are quantities of the venue's position that the session has taken over.
    """

    symbol: str
    fills: Columns
    curve: Columns
    order_events: dict[str, Any]
    adopted: Sequence[Adopted] = ()


class Companion(Protocol):
    """Something that goes along with a session; `market_ns` is market time."""

    def begin(self, engine: core.Backtest, market_ns: int) -> None:
        """The session has its first data."""

    def on_chunk(self, symbol: int, chunk: core.EventChunk) -> None:
        """Market data are about to be fed."""

    def step(self, engine: core.Backtest, market_ns: int, taken: Sequence[Taken]) -> None:
        """The engine has been advanced; `taken` has one entry per symbol."""

    def close(self, engine: core.Backtest, market_ns: int, taken: Sequence[Taken]) -> None:
        """The accounts are closed, or the session has failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPlan:
    """How long and how fast: `duration_ns` of market time, None is without end.

    `explain` explains an order from the session's journal, if it writes one; `follows` says that
    the market happens while the session runs, so that it makes up for what it was late.
    """

    speed: int | None
    duration_ns: int | None
    market_state: Callable[[], str] = lambda: ""
    companions: Sequence[Companion] = ()
    explain: Callable[[str], Explanation] | None = None
    follows: bool = False


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
    showed before the orders were cancelled. Only a session that meets a venue ends as ``relisted``
    (it trades under other rules) or ``fatal``.
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
        self._drive = Drive(engine, self._feeds, self._on_chunk)

    def run(self) -> SessionEnd:
        """Trade until the end, then close the books.

        Raises:
            MarketDataError: ``E_BT_NO_DATA`` for a stream without a row.
            CoreError: the engine refuses the data, or a strategy fails.
        """
        began_ns = clock.monotonic_ns()
        self._begin()
        try:
            reason = self._trade()
            last = self._frame()
            # A recording ends where it ends, not where the last step would have led.
            drive = self._drive
            market_ns = last.elapsed_ns if drive.exhausted else drive.target_ns - drive.start_ns
            unconfirmed = self._drive.drain(self._step)
            self._engine.finish(reason)
        except Exception:
            # What it did up to then is on record, too; why it failed is what must be told.
            with contextlib.suppress(MmbotError, OSError):
                self._close_companions()
            raise
        self._close_companions()
        return SessionEnd(
            reason=reason,
            symbols=tuple(self._ended(at) for at in range(len(self._feeds))),
            start_ns=self._drive.start_ns,
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

    def _close_companions(self) -> None:
        taken = self._take()
        with contextlib.ExitStack() as stack:
            # A stack runs backwards: they close in their order, each whatever another does.
            for companion in reversed(self._plan.companions):
                stack.callback(companion.close, self._engine, self._drive.target_ns, taken)

    def _ended(self, at: int) -> SymbolEnd:
        return SymbolEnd(
            symbol=self._feeds[at].symbol,
            result=self._engine.result(0, at),
            fills=self._fills[at].columns(),
            curve=self._courses[at].columns(),
        )

    def _begin(self) -> None:
        start_ns = self._drive.open(lambda: self._stop.requested)
        for companion in self._plan.companions:
            companion.begin(self._engine, start_ns)
        self._drive.begin()

    def _on_chunk(self, at: int, chunk: core.EventChunk) -> None:
        for companion in self._plan.companions:
            companion.on_chunk(at, chunk)

    def _trade(self) -> EndReason:
        plan = self._plan
        pacer = Pacer(plan.speed, self._drive.start_ns, clock.monotonic_ns(), follows=plan.follows)
        end_ns = None if plan.duration_ns is None else self._drive.start_ns + plan.duration_ns
        next_frame_ns = 0
        while not self._stop.requested:
            target_ns = pacer.target_ns(clock.monotonic_ns())
            if end_ns is not None:
                target_ns = min(target_ns, end_ns)
            self._drive.advance(target_ns)
            self._step()
            if clock.monotonic_ns() >= next_frame_ns:
                self._frame()
                next_frame_ns = clock.monotonic_ns() + _FRAME_NS
            if self._drive.exhausted:
                return "data_end"
            if target_ns == end_ns:
                return "duration"
            clock.sleep_ns(pacer.rest_ns(clock.monotonic_ns()))
        return "interrupted"

    def _step(self) -> None:
        taken = self._take()
        for companion in self._plan.companions:
            companion.step(self._engine, self._drive.target_ns, taken)

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

    def _frame(self) -> Readout:
        snapshots = [self._engine.snapshot(0, at) for at in range(len(self._feeds))]
        lines = [
            read_line(feed.symbol, snapshot)
            for feed, snapshot in zip(self._feeds, snapshots, strict=True)
        ]
        readout = read_snapshot(
            snapshots[0],
            start_ns=self._drive.start_ns,
            market_state=self._plan.market_state(),
            course=self._courses[0],
            points=_SPARK_POINTS,
            lines=tuple(lines) if len(lines) > 1 else (),
        )
        self._display.show(readout)
        return readout
