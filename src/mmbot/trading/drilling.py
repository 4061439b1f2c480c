"""A session that is drilled: takes the order, kills, watches, resumes, answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from mmbot import clock, core
from mmbot.errors import StoreError
from mmbot.trading.kill_drill import DrillResult, DrillSample, DrillWatch, drill_sample, obstacle
from mmbot.trading.live.drill_order import (
    DrillAnswer,
    DrillOrder,
    answer_drill,
    forget_drill,
    take_order,
)
from mmbot.trading.session import Taken
from mmbot.units import NS_PER_SEC

__all__ = ["DrillCompanion"]

_LOOK_NS: Final = NS_PER_SEC


class DrillCompanion:
    """Looks for an order once a second of wall time (`mmbot.trading.session.Companion`).

    It lifts the drill's own kill and nothing else, and leaves it if somebody has killed the session
    meanwhile. A session that ends in the middle of a drill answers nothing.

    Args:
        session: its id.
        symbols: in the engine's order.
        say: takes one line for each drill.
        directory: of the orders; None is `mmbot.trading.live.state_file.state_dir`.
    """

    def __init__(
        self,
        session: str,
        symbols: Sequence[str],
        say: Callable[[str], None],
        directory: Path | None = None,
    ) -> None:
        self._session = session
        self._symbols = tuple(symbols)
        self._say = say
        self._directory = directory
        self._due_ns = 0
        self._order: DrillOrder | None = None
        self._watch: DrillWatch | None = None
        self._kills = 0

    def begin(self, engine: core.Backtest, market_ns: int) -> None:
        """An order for an earlier session of the same id counts for nothing."""
        del engine, market_ns
        forget_drill(self._session, self._directory)

    def on_chunk(self, symbol: int, chunk: core.EventChunk) -> None:
        """See `Companion`."""

    def step(self, engine: core.Backtest, market_ns: int, taken: Sequence[Taken]) -> None:
        """Begin a drill, or go on with it."""
        del market_ns, taken
        if self._watch is not None:
            result = self._watch.see(self._sample(engine))
            if result is not None:
                self._end(engine, result)
        elif clock.monotonic_ns() >= self._due_ns:
            self._due_ns = clock.monotonic_ns() + _LOOK_NS
            order = take_order(self._session, self._directory)
            if order is not None:
                self._start(engine, order)

    def close(self, engine: core.Backtest, market_ns: int, taken: Sequence[Taken]) -> None:
        """See `Companion`."""
        del engine, market_ns, taken
        forget_drill(self._session, self._directory)

    def _start(self, engine: core.Backtest, order: DrillOrder) -> None:
        control = engine.session(0)
        state = control.state()
        refused = obstacle(state)
        if refused is not None:
            self._answer(DrillAnswer(session=order.session, at_ns=order.at_ns, refused=refused))
            return
        self._order, self._kills = order, state["risk"]["kill_orders_total"]
        self._watch = DrillWatch(self._sample(engine))
        control.kill(reason=order.reason)
        self._say("kill drill: the session is killed")

    def _end(self, engine: core.Backtest, result: DrillResult) -> None:
        order, self._order, self._watch = self._order, None, None
        assert order is not None
        control = engine.session(0)
        killed = control.state()["risk"]["kill_orders_total"] != self._kills + 1
        resumed = result.passed and not killed and not order.stay_halted
        if resumed:
            control.lift_kill()
        self._say(f"kill drill: {result.verdict}; {'resumed' if resumed else 'halted'}")
        self._answer(
            DrillAnswer(
                session=order.session,
                at_ns=order.at_ns,
                result=result.as_dict(),
                resumed=resumed,
                held="it was killed meanwhile" if killed else None,
            )
        )

    def _sample(self, engine: core.Backtest) -> DrillSample:
        snapshots = {symbol: engine.snapshot(0, at) for at, symbol in enumerate(self._symbols)}
        return drill_sample(engine.session(0).state(), snapshots)

    def _answer(self, answer: DrillAnswer) -> None:
        try:
            answer_drill(answer, self._directory)
        except StoreError as exc:
            self._say(f"{exc}")
