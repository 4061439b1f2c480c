"""Rails that come before any rule: nothing to tune on, panic, fallback; and three failures."""

from __future__ import annotations

from typing import Final

from mmbot.soak.models import Mode, TunerInput
from mmbot.soak.rails.model import EntryRail, ModeRail

__all__ = ["ELIGIBILITY", "FALLBACK", "MULTI_FAIL", "PANIC"]

PANIC_STREAK: Final = 3
FALLBACK_STREAK: Final = 2
FAILING_TRIGGERS: Final = 3


def _unusable(given: TunerInput) -> str | None:
    return given.unusable if given.auto_tune else "disabled"


def _panics(given: TunerInput, _fail_count: int) -> bool:
    return given.state.kpi_fail_streak >= PANIC_STREAK


def _falls_back(given: TunerInput, _fail_count: int) -> bool:
    last = given.state.fallback_applied_at_iter
    return given.state.neg_streak >= FALLBACK_STREAK and last != given.iteration - 1


def _fails_often(_given: TunerInput, fail_count: int) -> bool:
    return fail_count >= FAILING_TRIGGERS


ELIGIBILITY: Final = EntryRail(
    name="eligibility",
    promise=(
        "Nothing is proposed without auto-tuning, without a readable report, on too few fills, or "
        "on an iteration that was cut short or restarted."
    ),
    reasons=("disabled", "no_report", "low_sample", "incomplete"),
    refuses=_unusable,
)
PANIC: Final = ModeRail(
    name="panic_revert",
    promise=(
        "After three failed iterations in a row every parameter goes to the calmer of its "
        "steady_safe value and its value in force (then ultra_safe); none is ever loosened."
    ),
    modes=frozenset({Mode.PANIC}),
    mode=Mode.PANIC,
    demands=_panics,
)
FALLBACK: Final = ModeRail(
    name="conservative_fallback",
    promise=(
        "After two iterations with a negative net edge the fixed conservative package replaces "
        "all rules, never in two iterations in a row."
    ),
    modes=frozenset({Mode.FALLBACK}),
    mode=Mode.FALLBACK,
    demands=_falls_back,
)
MULTI_FAIL: Final = ModeRail(
    name="multi_fail_guard",
    promise=(
        "Three failing triggers discard the regular pass; only the package of spread up, interval "
        "up and replace rate down is left."
    ),
    reasons=("multi_fail_guard",),
    modes=frozenset({Mode.REGULAR}),
    mode=Mode.MULTI_FAIL,
    demands=_fails_often,
)
