"""The shell of a session: pulls chunks of market data, paces the engine, shows what happens.

It holds no trading decision. Market time is the local (receive) time of the data; the wall clock
only says how far to go. Whatever ends the session (its duration, the end of the data, a signal),
orders are cancelled, waiting fills are resolved and the accounts are closed, in that order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

import numpy as np

from mmbot import clock, core
from mmbot.errors import MarketDataError
from mmbot.trading.pacing import Pacer
from mmbot.trading.readout import Columns, Course, Readout, read_snapshot
from mmbot.trading.stopping import StopRequest
from mmbot.units import NS_PER_MS, NS_PER_SEC

__all__ = ["Display", "EndReason", "Session", "SessionEnd", "SessionPlan"]

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


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPlan:
    """How long and how fast: `duration_ns` of market time, None is without end."""

    speed: int | None
    duration_ns: int | None
    market_state: Callable[[], str] = lambda: ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnd:
    """What a session leaves: why it ended, the engine's result, its fills and its course.

    `market_ns` is the market time it traded for, `wall_ns` the time it took, `last` what the screen
    showed before the orders were cancelled.
    """

    reason: EndReason
    result: dict[str, Any]
    fills: Columns
    curve: Columns
    start_ns: int
    market_ns: int
    wall_ns: int
    unconfirmed_orders: int
    last: Readout


class Session:
    """One engine over one stream of chunks; `run` is called once."""

    def __init__(
        self,
        engine: core.Backtest,
        chunks: Iterator[core.EventChunk],
        plan: SessionPlan,
        display: Display,
        stop: StopRequest,
    ) -> None:
        self._engine = engine
        self._chunks = chunks
        self._plan = plan
        self._display = display
        self._stop = stop
        self._course = Course()
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
        self._engine.finish()
        self._course.add(self._engine.take_curve(0))
        return SessionEnd(
            reason=reason,
            result=self._engine.result(0),
            fills=self._engine.take_fills(0),
            curve=self._course.columns(),
            start_ns=self._start_ns,
            market_ns=market_ns,
            wall_ns=clock.monotonic_ns() - began_ns,
            unconfirmed_orders=unconfirmed,
            last=last,
        )

    def _begin(self) -> None:
        first = next(self._chunks, None)
        while first is not None and not len(first):
            first = next(self._chunks, None)
        if first is None:
            raise MarketDataError("E_BT_NO_DATA", "data", "has no row")
        self._start_ns = int(np.min(first.to_arrays()["ts_local"]))
        self._target_ns = self._start_ns
        self._engine.advance(first, self._start_ns)

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
            chunk = next(self._chunks, None)
            if chunk is None:
                self._exhausted = True
                return
            needs_data = self._engine.advance(chunk, until_ns)

    def _drain(self) -> int:
        """Cancel all orders and let the cancels arrive; return how many are still unconfirmed."""
        self._engine.stop()
        deadline_ns = self._target_ns + _DRAIN_MAX_NS
        while not self._exhausted and self._target_ns < deadline_ns:
            if not self._engine.snapshot(0)["orders"]:
                return 0
            self._advance(self._target_ns + _DRAIN_STEP_NS)
        # When the recording ends there is nobody left who could confirm.
        return 0 if self._exhausted else len(self._engine.snapshot(0)["orders"])

    def _frame(self) -> Readout:
        self._course.add(self._engine.take_curve(0))
        readout = read_snapshot(
            self._engine.snapshot(0),
            start_ns=self._start_ns,
            market_state=self._plan.market_state(),
            course=self._course,
            points=_SPARK_POINTS,
        )
        self._display.show(readout)
        return readout
