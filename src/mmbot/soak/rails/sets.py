"""Rails on the net changes, in the order of evaluation; the first that blocks gives the reason."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from mmbot.soak.models import ChangeSet, Mode, Phase, TunerInput
from mmbot.soak.oscillation import MONITORED, oscillates
from mmbot.soak.parameters import TUNABLES, Values, total_change, validate_overrides
from mmbot.soak.rails.model import SetRail
from mmbot.store.canonical import canonical_json

__all__ = ["FROZEN_FIELDS", "SET_RAILS", "after_values", "signature_of"]

FROZEN_FIELDS: Final = ("impact_cap_ratio", "max_delta_ratio")
MICRO_FIELDS_MAX: Final = 2
_SIGNATURE_DECIMALS: Final = 5
_CAREFUL: Final = frozenset({Mode.REGULAR, Mode.MULTI_FAIL})
_NOT_PANIC: Final = _CAREFUL | {Mode.FALLBACK}


def after_values(values: Values, deltas: Values) -> dict[str, float]:
    """Values with net changes added, in each field's grid."""
    return {
        name: tunable.rounded(values[name] + deltas.get(name, 0.0))
        for name, tunable in TUNABLES.items()
    }


def signature_of(deltas: Values, iteration: int, run_id: str) -> str:
    """MD5 of what is about to be applied, where and when: one application has one signature."""
    content = {
        "deltas": {name: round(delta, _SIGNATURE_DECIMALS) for name, delta in deltas.items()},
        "iter": iteration,
        "run_id": run_id,
    }
    data = canonical_json(content).rstrip(b"\n")
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _no_deltas(_given: TunerInput, made: ChangeSet) -> ChangeSet:
    if made.deltas:
        return made
    reasons = {change.reason for change in made.draft.changes if not change.accepted}
    return replace(made, blocked="velocity_exceeded" if reasons == {"velocity"} else "no_deltas")


def _final_iteration(given: TunerInput, made: ChangeSet) -> ChangeSet:
    last = given.iteration >= given.total_iterations
    return replace(made, blocked="final_iteration") if last else made


def _cooldown(given: TunerInput, made: ChangeSet) -> ChangeSet:
    until = given.state.cooldown_until_iter
    active = until is not None and given.iteration <= until
    return replace(made, blocked="cooldown_active") if active else made


def _freeze(given: TunerInput, made: ChangeSet) -> ChangeSet:
    until = given.state.frozen_until_iter
    if until is None or given.iteration > until:
        return made
    return _without(made, FROZEN_FIELDS, rail="freeze", reason="all_params_frozen")


def _oscillation(given: TunerInput, made: ChangeSet) -> ChangeSet:
    proposed = after_values(given.values, made.deltas)
    history = given.state.value_history
    swinging = [
        name
        for name in MONITORED
        if name in made.deltas and oscillates([*history.get(name, ())[-2:], proposed[name]])
    ]
    return _without(made, swinging, rail="oscillation", reason="oscillation_detected")


def _micro_steps(given: TunerInput, made: ChangeSet) -> ChangeSet:
    if given.phase is not Phase.WARMUP:
        return made
    state = given.state
    repeated = state.last_applied_fields if state.last_applied_iter == given.iteration - 1 else ()
    fresh = [name for name in TUNABLES if name in made.deltas and name not in repeated]
    # sorted() is stable: equal changes keep the order of the parameters.
    largest = sorted(fresh, key=lambda name: -total_change({name: made.deltas[name]}))
    kept = largest[:MICRO_FIELDS_MAX]
    surplus = [name for name in TUNABLES if name in made.deltas and name not in kept]
    return _without(made, surplus, rail="micro_steps", reason="micro_steps")


def _sanity(given: TunerInput, made: ChangeSet) -> ChangeSet:
    valid = validate_overrides(after_values(given.values, made.deltas))
    return made if valid else replace(made, blocked="sanity_failed")


def _no_op(given: TunerInput, made: ChangeSet) -> ChangeSet:
    same = after_values(given.values, made.deltas) == after_values(given.values, {})
    return replace(made, blocked="no_op") if same else made


def _idempotency(given: TunerInput, made: ChangeSet) -> ChangeSet:
    signature = signature_of(made.deltas, given.iteration, given.run_id)
    if signature == given.state.last_applied_signature:
        return replace(made, blocked="same_signature")
    return replace(made, blocked="already_applied") if given.already_applied else made


def _without(made: ChangeSet, names: Iterable[str], *, rail: str, reason: str) -> ChangeSet:
    gone: Sequence[str] = [name for name in names if name in made.deltas]
    if not gone:
        return made
    left = {name: delta for name, delta in made.deltas.items() if name not in gone}
    removed = {**made.removed, rail: tuple(gone)}
    return replace(made, deltas=left, removed=removed, blocked=None if left else reason)


SET_RAILS: Final = (
    SetRail(
        name="no_deltas",
        promise="A proposal without a net change changes nothing.",
        reasons=("no_deltas", "velocity_exceeded"),
        modes=_NOT_PANIC,
        filter=_no_deltas,
    ),
    SetRail(
        name="final_iteration",
        promise="The last iteration of a run changes nothing, except by a panic revert.",
        reasons=("final_iteration",),
        modes=_NOT_PANIC,
        filter=_final_iteration,
    ),
    SetRail(
        name="cooldown",
        promise="While a cooldown lasts, regular changes are proposed and not applied.",
        reasons=("cooldown_active",),
        modes=_CAREFUL,
        filter=_cooldown,
    ),
    SetRail(
        name="freeze",
        promise=(
            "While a freeze lasts, impact_cap_ratio and max_delta_ratio do not move; other fields "
            "do."
        ),
        reasons=("all_params_frozen",),
        modes=_CAREFUL,
        filter=_freeze,
    ),
    SetRail(
        name="oscillation",
        promise="A field that would return to where it was two values ago does not move.",
        reasons=("oscillation_detected",),
        modes=_CAREFUL,
        filter=_oscillation,
    ),
    SetRail(
        name="micro_steps",
        promise=(
            "During warm-up at most two fields move in an iteration, the largest changes first, "
            "and none that moved in the iteration before."
        ),
        reasons=("micro_steps",),
        modes=_CAREFUL,
        filter=_micro_steps,
    ),
    SetRail(
        name="sanity",
        promise="No applied result has a value that is not finite or outside its hard range.",
        reasons=("sanity_failed",),
        filter=_sanity,
    ),
    SetRail(
        name="no_op",
        promise="A change set that leaves every value as it is counts as not applied.",
        reasons=("no_op",),
        filter=_no_op,
    ),
    SetRail(
        name="idempotency",
        promise=(
            "One iteration's changes reach the overrides once, however often they are applied; "
            "equal changes of a later iteration pass."
        ),
        reasons=("same_signature", "already_applied"),
        filter=_idempotency,
    ),
)
