"""Bookkeeping around a decision: what ends early before it, what starts after it.

`relaxed` ends a freeze or a cooldown that must not delay de-risking; `settled` books a decision
that is in force, or is known not to be: cooldown, freeze, histories, streaks. Both are pure, and
`settled` works on the stored outcome alone, so that a run killed between two writes books the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from mmbot.soak.models import Mode, Verdict
from mmbot.soak.parameters import TUNABLES, Values, is_loosening, total_change
from mmbot.soak.state import HISTORY_SEC, Moved, TuningState

__all__ = ["COOLDOWN_ITERATIONS", "Relaxed", "relaxed", "settled", "withdrawn"]

COOLDOWN_ITERATIONS: Final = 2
COOLDOWN_TOTAL: Final = 0.15
FREEZE_ITERATIONS: Final = 4
FREEZE_REASON: Final = "steady_safe"
FREEZE_STREAK: Final = 2
RISK_ENDS_FREEZE: Final = 0.60


@dataclass(frozen=True, slots=True)
class Relaxed:
    """A state with what ended early, and why."""

    state: TuningState
    freeze_ended: str | None = None
    cooldown_ended: str | None = None


def relaxed(
    state: TuningState, *, iteration: int, verdict: Verdict, risk_ratio: float | None, mode: Mode
) -> Relaxed:
    """End a freeze on deterioration, a cooldown on a FAIL after a loosening change."""
    frozen = state.frozen_until_iter is not None and iteration <= state.frozen_until_iter
    reason = _freeze_ends(verdict, risk_ratio, mode) if frozen else None
    if reason is not None:
        state = replace(state, frozen_until_iter=None, freeze_reason=None)
    cooling = state.cooldown_until_iter is not None and iteration <= state.cooldown_until_iter
    ended = cooling and state.cooldown_loosened and verdict == "FAIL"
    if ended:
        state = replace(state, cooldown_until_iter=None, cooldown_loosened=False)
    return Relaxed(state, reason, "kpi_fail" if ended else None)


def settled(state: TuningState, outcome: Mapping[str, Any], *, now_sec: float) -> TuningState:
    """The state once the outcome of an iteration is final.

    Args:
        state: as measured and relaxed; its `pending` is dropped.
        outcome: the ITER_SUMMARY document; its ``tuning`` says what is in force.
        now_sec: soak time at the window's end.
    """
    iteration, tuning = int(outcome["iteration"]), outcome["tuning"]
    applied: Values = tuning["applied_deltas"] if tuning["applied"] else {}
    state = replace(state, last_iter=iteration, pending=None, delta_history=_recent(state, now_sec))
    if applied:
        state = _booked(state, applied, iteration, now_sec, tuning["signature"])
    if total_change(applied) > COOLDOWN_TOTAL:
        state = _cooling(state, iteration, applied)
    if tuning["skipped_reason"] not in _NEVER_HAPPENED:
        state = _after_package(state, Mode(tuning["mode"]), iteration, applied)
    return state if tuning["skipped_reason"] == "disabled" else _frozen(state, iteration)


# A package that one of these stopped did not take place; one without effect did.
_NEVER_HAPPENED: Final = frozenset({"final_iteration", "sanity_failed", "apply_failed"})


def withdrawn(outcome: Mapping[str, Any], *, hash_before: str | None) -> dict[str, Any]:
    """The outcome of an iteration whose change did not come into force."""
    tuning = {
        **outcome["tuning"],
        "applied": False,
        "applied_deltas": {},
        "skipped_reason": "apply_failed",
        "state_hash": hash_before,
    }
    return {**outcome, "tuning": tuning}


def _freeze_ends(verdict: Verdict, risk_ratio: float | None, mode: Mode) -> str | None:
    if mode in (Mode.PANIC, Mode.FALLBACK):
        return mode.value
    if verdict == "FAIL":
        return "kpi_fail"
    return "risk" if risk_ratio is not None and risk_ratio >= RISK_ENDS_FREEZE else None


def _recent(state: TuningState, now_sec: float) -> tuple[Moved, ...]:
    return tuple(m for m in state.delta_history if now_sec - m.t_sec <= HISTORY_SEC)


def _booked(
    state: TuningState, applied: Values, iteration: int, now_sec: float, signature: str
) -> TuningState:
    moves = tuple(
        Moved(t_sec=now_sec, iteration=iteration, field=name, delta=applied[name])
        for name in TUNABLES
        if name in applied
    )
    return replace(
        state,
        delta_history=(*state.delta_history, *moves),
        last_applied_signature=signature,
        last_applied_iter=iteration,
        last_applied_fields=tuple(move.field for move in moves),
    )


def _after_package(state: TuningState, mode: Mode, iteration: int, applied: Values) -> TuningState:
    """What a panic or a fallback resets, and the cooldown that both start."""
    if mode is Mode.PANIC:
        state = replace(state, kpi_fail_streak=0, neg_streak=0, panic_count=state.panic_count + 1)
        return _cooling(state, iteration, applied)
    if mode is Mode.FALLBACK:
        state = replace(state, neg_streak=0, fallback_applied_at_iter=iteration)
        return _cooling(state, iteration, applied)
    return state


def _cooling(state: TuningState, iteration: int, applied: Values) -> TuningState:
    return replace(
        state,
        cooldown_until_iter=iteration + COOLDOWN_ITERATIONS,
        cooldown_loosened=any(is_loosening(name, delta) for name, delta in applied.items()),
    )


def _frozen(state: TuningState, iteration: int) -> TuningState:
    """Start a freeze after two stable iterations, unless one is active."""
    active = state.frozen_until_iter is not None and iteration <= state.frozen_until_iter
    if active or state.stable_streak < FREEZE_STREAK:
        return state
    return replace(
        state, frozen_until_iter=iteration + FREEZE_ITERATIONS, freeze_reason=FREEZE_REASON
    )
