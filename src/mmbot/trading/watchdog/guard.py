"""The watchdog: looks at the sessions' heartbeats and sweeps where one has stopped.

Per stopped session one task sweeps, and goes on looking: a session that hangs may still have
requests on their way, so as long as its process may live its orders are listed again every
`RECHECK_NS`. When the heartbeat is back the session is left alone again. Whatever was done twice is
done once: cancelling is safe to repeat, and two watchdogs only find less to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from mmbot.clock import monotonic_ns, wall_ns
from mmbot.telemetry.logs import marker
from mmbot.trading.live.state_file import Problem, SessionState
from mmbot.trading.watchdog.pulse import Watched, first_pulse, next_pulse, stopped_sessions
from mmbot.trading.watchdog.sweep import Sweep, SweepReport
from mmbot.units import NS_PER_MS, NS_PER_SEC

__all__ = ["POLL_NS", "RECHECK_NS", "Counters", "Guard", "Scope"]

POLL_NS: Final = 200 * NS_PER_MS
RECHECK_NS: Final = 2 * NS_PER_SEC
# A process that is gone sends nothing more; what was under way arrives within this many looks.
_LOOKS_AT_DEAD: Final = 3

ReadStates = Callable[[], tuple[Sequence[SessionState], Sequence[Problem]]]


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose sessions are watched: one bot's live ones at one venue and address."""

    bot_prefix: str
    venue: str
    endpoint: str

    def holds(self, state: SessionState) -> bool:
        """Whether a session is watched; one with an empty prefix would mean every order."""
        return (
            state.mode == "live"
            and state.bot_prefix == self.bot_prefix
            and state.cid_prefix.startswith(self.bot_prefix)
            and state.venue == self.venue
            and state.endpoint == self.endpoint
        )


@dataclass(slots=True)
class Counters:
    """What is counted since the start, by name of the metric."""

    watchdog_triggers_total: int = 0
    watchdog_cancelled_total: int = 0
    watchdog_errors_total: int = 0
    watchdog_sessions: int = 0
    watchdog_stopped_sessions: int = 0
    watchdog_own_orders_left: int = 0
    watchdog_foreign_orders: int = 0


@dataclass(slots=True)
class _Case:
    """A stopped session that is being swept."""

    task: asyncio.Task[None]
    report: SweepReport = field(default_factory=SweepReport)


class Guard:
    """See the module.

    Args:
        scope: whose sessions.
        sweep: at their venue.
        read: the state files (`found_states`).
        is_running: whether a session's process lives, None if unknown (`is_running`).
        timeout_ns: age of a heartbeat that counts as stopped.
        say: takes marker lines.
        alert: takes kind and payload of an alert.
        clock, wall: monotonic and wall clock.
        pause: how to wait between two proofs.
    """

    def __init__(
        self,
        scope: Scope,
        sweep: Sweep,
        *,
        read: ReadStates,
        is_running: Callable[[SessionState], bool | None],
        timeout_ns: int,
        say: Callable[[str], None],
        alert: Callable[[str, dict[str, object]], None],
        clock: Callable[[], int] = monotonic_ns,
        wall: Callable[[], int] = wall_ns,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.counters = Counters()
        self._scope = scope
        self._sweep = sweep
        self._read = read
        self._is_running = is_running
        self._timeout_ns = timeout_ns
        self._say = say
        self._alert = alert
        self._clock = clock
        self._wall = wall
        self._pause = pause
        self._watched: dict[str, Watched] = {}
        self._cases: dict[str, _Case] = {}
        self._done: set[str] = set()
        self._troubles: set[str] = set()

    async def run(
        self, is_stopping: Callable[[], bool], *, on_look: Callable[[], None] = lambda: None
    ) -> None:
        """Watch until `is_stopping`, asked at every look; sweeps under way are left off then."""
        try:
            while not is_stopping():
                self.look()
                on_look()
                await asyncio.sleep(POLL_NS / NS_PER_SEC)
        finally:
            for case in self._cases.values():
                case.task.cancel()
            await asyncio.gather(*(c.task for c in self._cases.values()), return_exceptions=True)

    async def once(self, timeout_sec: float) -> bool:
        """Sweep what is stopped now; False if something could not be proved gone in time."""
        self.look()
        tasks = [case.task for case in self._cases.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=timeout_sec)
        is_proved = all(task.done() and task.exception() is None for task in tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return is_proved

    def look(self) -> None:
        """Read the heartbeats once; begin and end sweeps. Needs a running event loop."""
        mono_ns = self._clock()
        states, problems = self._read()
        self._mention(problems)
        self._note_states(states, mono_ns)
        stopped = stopped_sessions(self._watched, mono_ns=mono_ns, timeout_ns=self._timeout_ns)
        for session, state in stopped.items():
            if session not in self._cases and session not in self._done:
                self._begin(state, mono_ns)
        for session in [one for one in self._cases if one not in stopped]:
            self._end(session)
        self._done &= stopped.keys()
        self._count(stopped)

    def _note_states(self, states: Sequence[SessionState], mono_ns: int) -> None:
        newest = {state.session: state for state in states if self._scope.holds(state)}
        for session, state in newest.items():
            known = self._watched.get(session)
            if known is None:
                pulse = first_pulse(state.heartbeat_ns, mono_ns=mono_ns, wall_ns=self._wall())
            else:
                pulse = next_pulse(known.pulse, state.heartbeat_ns, mono_ns=mono_ns)
            self._watched[session] = Watched(state, pulse)
        for session, known in self._watched.items():
            if session not in newest:
                # Gone or unreadable: no sign of life. What was last read of it still holds.
                pulse = next_pulse(known.pulse, None, mono_ns=mono_ns)
                self._watched[session] = Watched(known.state, pulse)

    def _begin(self, state: SessionState, mono_ns: int) -> None:
        age_ms = self._watched[state.session].pulse.age_ns(mono_ns) // NS_PER_MS
        self.counters.watchdog_triggers_total += 1
        why = "unconfirmed" if state.stage == "ended" else "heartbeat"
        told = {"session": state.session, "cause": why, "age_ms": age_ms}
        self._say(marker("watchdog", "TRIGGERED", **told))
        self._alert("watchdog_triggered", told)
        report = SweepReport()
        case = _Case(asyncio.create_task(self._care(state, report)), report)
        self._cases[state.session] = case

    def _end(self, session: str) -> None:
        self._cases.pop(session).task.cancel()
        self._say(marker("watchdog", "RECOVERED", session=session))

    async def _care(self, state: SessionState, report: SweepReport) -> None:
        """Sweep, prove, and look again; ends when the session's process is certainly gone."""
        proofs = 0
        while True:
            before = len(report.cancelled)
            await self._sweep.until_none_is_left(state.cid_prefix, report=report)
            fresh = len(report.cancelled) - before
            proofs += 1
            if fresh or proofs == 1:
                self._tell(state, report, fresh)
            is_gone = self._is_running(state) is False
            if is_gone and proofs >= _LOOKS_AT_DEAD and not fresh:
                self._done.add(state.session)
                return
            await self._pause(RECHECK_NS / NS_PER_SEC)

    def _tell(self, state: SessionState, report: SweepReport, fresh: int) -> None:
        self.counters.watchdog_cancelled_total += fresh
        told: dict[str, object] = {
            "session": state.session,
            "cancelled": fresh,
            "left": report.left,
            "foreign": report.foreign,
            "took_ms": report.took_ns // NS_PER_MS,
        }
        self._say(marker("watchdog", "CLEAR", **told))
        self._alert("watchdog_cleared", told)

    def _mention(self, problems: Sequence[Problem]) -> None:
        for problem in problems:
            if problem.message not in self._troubles:
                self._troubles.add(problem.message)
                self._say(marker("watchdog", "WARN", file=problem.path.name, reason="unreadable"))

    def _count(self, stopped: dict[str, SessionState]) -> None:
        reports = [case.report for case in self._cases.values()]
        counters = self.counters
        counters.watchdog_sessions = len(self._watched)
        counters.watchdog_stopped_sessions = len(stopped)
        counters.watchdog_own_orders_left = sum(report.left for report in reports)
        counters.watchdog_foreign_orders = max((report.foreign for report in reports), default=0)
