"""``docs/soak-rails.md``, printed from the list of rails: what is in the page is what runs.

``python -m mmbot.soak.rails.page`` prints it; a test compares the tracked page with it.
"""

from __future__ import annotations

import sys
from typing import Final

from mmbot.soak.models import Mode
from mmbot.soak.parameters import DEFAULTS, TUNABLES, Calm, shown
from mmbot.soak.rails import RAILS, ChangeRail, EntryRail, ModeRail, Rail, SetRail
from mmbot.soak.rules import FALLBACK_STEPS, MULTI_FAIL_STEPS, RULES, ZONES, Step

__all__ = ["rails_page"]

_HEAD: Final = """# Rails of auto-tuning

Every change that [soak auto-tuning](soak.md) makes passes the rails below, from the first to the
last. This page is printed from the code (`python -m mmbot.soak.rails.page`), and each promise is a
property test.

## Parameters

"""
_ACTS: Final = {
    EntryRail: "whether there is a proposal",
    ModeRail: "the whole proposal",
    ChangeRail: "one step",
    SetRail: "the net changes",
}


def rails_page() -> str:
    """The page as Markdown."""
    return (
        _HEAD
        + _parameters()
        + "\n## Rails\n\n"
        + _rails()
        + "\n## Rules\n\n"
        + "Steps are `field change (cap or floor)`; `start` is the value at the run's start.\n\n"
        + _rules()
    )


def _parameters() -> str:
    lines = ["| parameter | hard range | default | calmer |", "|---|---|---|---|"]
    for name, t in TUNABLES.items():
        span = f"{shown(name, t.low)} .. {shown(name, t.high)}"
        calm = "up" if t.calm is Calm.UP else "down"
        lines.append(f"| `{name}` | {span} | {shown(name, DEFAULTS[name])} | {calm} |")
    return "\n".join(lines) + "\n"


def _rails() -> str:
    lines = [
        "| # | rail | acts on | promise | reasons | panic | fallback |",
        "|---|---|---|---|---|---|---|",
    ]
    for number, rail in enumerate(RAILS, 1):
        reasons = ", ".join(f"`{reason}`" for reason in rail.reasons) or "-"
        lines.append(
            f"| {number} | `{rail.name}` | {_ACTS[type(rail)]} | {rail.promise} | {reasons} "
            f"| {_applies(rail, Mode.PANIC)} | {_applies(rail, Mode.FALLBACK)} |"
        )
    return "\n".join(lines) + "\n"


def _applies(rail: Rail, mode: Mode) -> str:
    return "yes" if mode in rail.modes else "no"


def _rules() -> str:
    lines = ["| rule | steps |", "|---|---|"]
    lines += [f"| ZONE:{name} | {_steps(steps)} |" for name, steps in ZONES.items()]
    lines += [f"| {rule.id} {rule.name} | {_steps(rule.steps)} |" for rule in RULES]
    lines.append(f"| conservative fallback | {_steps(FALLBACK_STEPS)} |")
    lines.append(f"| multi-fail package | {_steps(MULTI_FAIL_STEPS)} |")
    return "\n".join(lines) + "\n"


def _steps(steps: tuple[Step, ...]) -> str:
    return "; ".join(_step(step) for step in steps) or "none"


def _step(step: Step) -> str:
    limit = "start" if step.limit is None else shown(step.field, step.limit)
    tunable = TUNABLES[step.field]
    if abs(step.by) > tunable.span:
        return f"`{step.field}` at least {limit}"
    return f"`{step.field}` {step.by:+g} ({limit})"


if __name__ == "__main__":
    sys.stdout.write(rails_page())
