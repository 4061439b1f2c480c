"""What a live session shows: its state file about once a second, the screen a few times."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from mmbot.trading.live.fault_book import FaultBook
from mmbot.trading.live.figures import guard_states, symbol_state
from mmbot.trading.live.heartbeat import Heartbeat
from mmbot.trading.live.state_file import SessionState, StageMark, StageName
from mmbot.trading.readout import Course, Readout, read_line, read_snapshot
from mmbot.trading.session import Display
from mmbot.units import NS_PER_SEC

if TYPE_CHECKING:
    from mmbot.trading.live.shell import Shell

__all__ = ["Showing"]

_SPARK_POINTS: Final = 600


@dataclass(slots=True)
class Showing:
    """A `Watch` that shows, and takes the stages as they come; `faults` is kept by another."""

    heartbeat: Heartbeat
    state: SessionState
    display: Display
    market: str
    start_ns: int
    faults: FaultBook = field(default_factory=FaultBook)
    course: Course = field(default_factory=Course)
    _sampled_ns: int = 0

    async def look(self, shell: Shell, now_ns: int) -> None:
        """See `Watch`."""
        if self.heartbeat.is_due():
            self.publish(shell, now_ns)
        self.display.show(self.readout(shell, now_ns))

    def stage(self, shell: Shell, stage: StageName, text: str) -> None:
        """The session has reached a stage; it is told at once."""
        now_ns = shell.clock()
        marks = (*self.state.stages, StageMark(stage, now_ns, text))
        self.state = replace(self.state, stages=marks)
        self.publish(shell, now_ns)

    def publish(self, shell: Shell, now_ns: int) -> None:
        """Write the state file."""
        core, heard = shell.desk.core, shell.heard
        self.state = replace(
            self.state,
            heartbeat_ns=now_ns,
            symbols=tuple(
                symbol_state(
                    symbol,
                    core.snapshot(symbol),
                    at_ns=now_ns,
                    market_ns=heard.market_ns.get(symbol),
                )
                for symbol in shell.plan.symbols
            ),
            guards=guard_states(core.session().state()),
            holds=shell.holds.texts,
            faults=self.faults.totals,
            open_faults=self.faults.going_on,
            private_ns=heard.private_ns,
            reconciled_ns=heard.cycled_ns,
        )
        self.heartbeat.publish(self.state)

    def end(self, *, now_ns: int, unconfirmed: int, exit_code: int) -> None:
        """The session is over."""
        mark = StageMark("ended", now_ns, f"exit={exit_code}")
        self.state = replace(
            self.state,
            heartbeat_ns=now_ns,
            stages=(*self.state.stages, mark),
            faults=self.faults.totals,
            open_faults={},
            unconfirmed_orders=unconfirmed,
            exit_code=exit_code,
        )
        self.heartbeat.publish(self.state)

    def readout(self, shell: Shell, now_ns: int) -> Readout:
        """What there is to see now."""
        core, symbols = shell.desk.core, shell.plan.symbols
        snapshots = {symbol: core.snapshot(symbol) for symbol in symbols}
        first = snapshots[symbols[0]]
        if now_ns - self._sampled_ns >= NS_PER_SEC:
            self._sampled_ns = now_ns
            mid = float("nan") if first["mid"] is None else first["mid"]
            sample = {"ts_ns": now_ns, "mid": mid, "net_pnl_usd": first["net_pnl_usd"]}
            self.course.add({name: np.array([value]) for name, value in sample.items()})
        lines = [read_line(symbol, snapshot) for symbol, snapshot in snapshots.items()]
        market = "; ".join(shell.holds.texts) or self.market
        return read_snapshot(
            {**first, "ts_local_ns": now_ns},
            start_ns=self.start_ns,
            market_state=market,
            course=self.course,
            points=_SPARK_POINTS,
            lines=tuple(lines) if len(lines) > 1 else (),
        )
