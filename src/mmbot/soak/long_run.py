"""The plan of a long run, and which of its steps is due: pure decisions over dates.

Every day: the night, then daily check, digest, artifact rotation; on Saturdays the weekly rollup
and its gate. A step that was missed runs once; a failed weekly gate stops further nights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

__all__ = ["PlannedStep", "RunState", "due_step", "is_done", "make_plan", "plan_lines"]

_DAILY: Final = ("daily_check", "digest", "rotate")
_WEEKLY: Final = ("weekly_rollup", "kpi_gate")
_SATURDAY: Final = 5


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step of one day."""

    day: date
    name: str

    @property
    def key(self) -> str:
        """Its name in the state file."""
        return f"{self.day.isoformat()}:{self.name}"


@dataclass(frozen=True, slots=True)
class RunState:
    """Results of the steps that ran: key -> OK or FAIL."""

    results: Mapping[str, str]

    @property
    def stopped(self) -> bool:
        """Whether a weekly gate failed."""
        return any(
            key.endswith(":kpi_gate") and result == "FAIL" for key, result in self.results.items()
        )

    def document(self, plan: Sequence[PlannedStep]) -> dict[str, Any]:
        """The content of ``LONG_RUN_STATE.json``."""
        return {
            "results": dict(self.results),
            "planned": len(plan),
            "start": plan[0].day.isoformat() if plan else None,
            "stopped": self.stopped,
        }


def make_plan(start: date, weeks: int) -> list[PlannedStep]:
    """All steps in order."""
    steps = []
    for offset in range(7 * weeks):
        day = start + timedelta(days=offset)
        names = ("night", *_DAILY, *(_WEEKLY if day.weekday() == _SATURDAY else ()))
        steps += [PlannedStep(day, name) for name in names]
    return steps


def due_step(plan: Sequence[PlannedStep], state: RunState, today: date) -> PlannedStep | None:
    """The first step that is due and has not run; None: wait, or nothing is left.

    Nights of past days are not made up for: a night belongs to its day. Every other missed step
    runs once. Nothing is due after a weekly gate failed.
    """
    if state.stopped:
        return None
    for step in plan:
        if step.day > today or step.key in state.results:
            continue
        if step.name == "night" and step.day < today:
            continue
        return step
    return None


def is_done(plan: Sequence[PlannedStep], state: RunState, today: date) -> bool:
    """Whether no step is left, now or later."""
    if state.stopped:
        return True
    return due_step(plan, state, today) is None and all(s.day <= today for s in plan)


def plan_lines(plan: Sequence[PlannedStep], *, hours: float, econ: bool) -> list[str]:
    """The dated plan for people."""
    lines = []
    for step in plan:
        more = f" hours={hours:g} econ={'yes' if econ else 'no'}" if step.name == "night" else ""
        lines.append(f"{step.day.isoformat()} {step.name}{more}")
    return lines
