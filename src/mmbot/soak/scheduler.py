"""The shell of a long run: executes due steps, remembers their results, waits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from mmbot.soak.long_run import PlannedStep, RunState, due_step, is_done
from mmbot.soak.paths import read_object
from mmbot.store.artifacts import write_json

__all__ = ["Scheduler"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduler:
    """Executes a plan; a restart goes on where the state file ends.

    Args:
        execute: runs one step; whether it succeeded.
        today: the UTC date.
        wait: sleeps a little; False asks for an end.
        say: shows one line per step.
    """

    plan: Sequence[PlannedStep]
    state_path: Path
    execute: Callable[[PlannedStep], bool]
    today: Callable[[], date]
    wait: Callable[[], bool]
    say: Callable[[str], None]

    def run(self) -> RunState:
        """Run until nothing is left, a weekly gate failed, or the end was asked for."""
        state = RunState(self._results())
        while not is_done(self.plan, state, self.today()):
            step = due_step(self.plan, state, self.today())
            if step is None:
                if not self.wait():
                    return state
                continue
            result = "OK" if self.execute(step) else "FAIL"
            self.say(f"[{result}] {step.day.isoformat()} {step.name}")
            state = RunState({**state.results, step.key: result})
            write_json(self.state_path, state.document(self.plan))
        return state

    def _results(self) -> dict[str, str]:
        """Results of an earlier start of the same plan."""
        document = read_object(self.state_path) or {}
        if not self.plan or document.get("start") != self.plan[0].day.isoformat():
            return {}
        return {str(key): str(value) for key, value in dict(document.get("results") or {}).items()}
