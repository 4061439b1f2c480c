"""Hourly summaries of a session, made and written by a thread of their own.

The engine tells of a fill only when its markout is known, up to a minute after it, so order events
wait for as long: what happened is counted in order of time, and an hour is written when nothing of
it can come any more, a minute after its end. Time is market time throughout.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mmbot import core
from mmbot.market.summaries import (
    SummaryCounters,
    SummaryOptions,
    SummaryOrigin,
    SummaryRecorder,
    SummaryWriter,
    WriteOutcome,
)
from mmbot.market.summaries.accumulator import LATENESS_NS
from mmbot.market.summaries.columns import order_events
from mmbot.market.summaries.events import OrderEvent
from mmbot.trading.session import Taken
from mmbot.units import NS_PER_SEC

__all__ = ["HOLD_NS", "SummaryCompanion", "SummarySymbol"]

HOLD_NS: Final = 65 * NS_PER_SEC
"""How long events wait: the longest adverse horizon, and the decision after it."""


@dataclass(frozen=True, slots=True)
class SummarySymbol:
    """A symbol and its price step in quote currency."""

    symbol: str
    tick: float


@dataclass(frozen=True, slots=True)
class _Step:
    market_ns: int
    taken: Sequence[Taken]
    is_last: bool = False


class SummaryCompanion:
    """Counts order events and fills by hour, and writes every closed hour.

    Args:
        directory: ``recorder.summaries_dir``.
        options: merge, lock and retention rules.
        origin: commit, configuration and session id.
        symbols: in the engine's order.
        log: takes marker lines; called from the thread.
        now_ns: what retention counts from; None: market time, for markets that are not of today.
    """

    def __init__(
        self,
        directory: Path,
        options: SummaryOptions,
        origin: SummaryOrigin,
        symbols: Sequence[SummarySymbol],
        *,
        log: Callable[[str], None],
        now_ns: Callable[[], int] | None = None,
    ) -> None:
        self._market_ns = 0
        writer = SummaryWriter(directory, options, now_ns=now_ns or (lambda: self._market_ns))
        self._recorder = SummaryRecorder(writer, options, origin)
        self._symbols = tuple(symbols)
        self._held: list[list[OrderEvent]] = [[] for _ in symbols]
        self._log = log
        self._steps: queue.SimpleQueue[_Step] = queue.SimpleQueue()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="summaries", daemon=True)

    def begin(self, engine: core.Backtest, market_ns: int) -> None:
        """See `Companion`."""
        del engine
        self._market_ns = market_ns
        self._thread.start()

    def on_chunk(self, symbol: int, chunk: core.EventChunk) -> None:
        """See `Companion`."""

    def step(self, engine: core.Backtest, market_ns: int, taken: Sequence[Taken]) -> None:
        """See `Companion`."""
        del engine
        self._steps.put(_Step(market_ns, taken))

    def close(self, engine: core.Backtest, market_ns: int, taken: Sequence[Taken]) -> None:
        """See `Companion`. Writes the hour that has begun, too."""
        del engine
        self._steps.put(_Step(market_ns, taken, is_last=True))
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def counters(self) -> dict[str, SummaryCounters]:
        """Totals by symbol; whole once the session is closed."""
        return self._recorder.counters()

    def _run(self) -> None:
        try:
            while not self._take(self._steps.get()):
                pass
        except Exception as exc:  # noqa: BLE001 -- the outermost frame of the thread
            # `close` raises it.
            self._failure = exc

    def _take(self, step: _Step) -> bool:
        """Count a step, write what has closed; whether it was the last."""
        self._market_ns = max(self._market_ns, step.market_ns)
        complete_ns = self._market_ns - HOLD_NS
        for at, one in enumerate(step.taken):
            held = self._held[at]
            held += _events(one, self._symbols[at].tick)
            self._held[at] = self._count(at, held, None if step.is_last else complete_ns)
        if step.is_last:
            self._say(self._recorder.close())
        else:
            self._say(self._recorder.write_closed(complete_ns + LATENESS_NS))
        return step.is_last

    def _count(self, at: int, held: list[OrderEvent], until_ns: int | None) -> list[OrderEvent]:
        """Count the events up to `until_ns`, all if None; return the others."""
        ordered = sorted(held, key=lambda event: event.ts_ns)
        split = len(ordered)
        if until_ns is not None:
            split = sum(event.ts_ns <= until_ns for event in ordered)
        for event in ordered[:split]:
            self._recorder.add(self._symbols[at].symbol, event)
        return ordered[split:]

    def _say(self, outcomes: Sequence[WriteOutcome]) -> None:
        for outcome in outcomes:
            if outcome.error is not None:
                self._log(f"| summaries | ERROR | {outcome.error} |")
            elif outcome.corrupt is not None:
                self._log(f"| summaries | WARN | set aside {outcome.corrupt} |")


def _events(taken: Taken, tick: float) -> list[OrderEvent]:
    """Events of one symbol; prices in quote currency, times are those of the session."""
    orders: Mapping[str, Any] = taken.order_events
    fills: Mapping[str, Any] = taken.fills
    if not len(orders.get("ts_ns", ())) and not len(fills.get("ts_ns", ())):
        return []
    return order_events(
        orders={**orders, "px": orders["px"] * tick},
        fills={**fills, "ts_ns": fills["ts_local_ns"]},
    )
