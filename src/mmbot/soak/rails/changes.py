"""Rails on single steps, in the order in which they judge."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

from mmbot.soak.models import Change, Draft, Mode, Phase, TunerInput
from mmbot.soak.parameters import TUNABLES
from mmbot.soak.rails.model import ChangeRail

__all__ = ["CHANGE_RAILS"]

CHANGES_PER_FIELD: Final = 2
SPREAD_RISE_MAX_BPS: Final = 0.10
WARMUP_VELOCITY: Final = 1.5
SPREAD: Final = "base_spread_bps_delta"
_CAREFUL: Final = frozenset({Mode.REGULAR, Mode.MULTI_FAIL})
# A panic takes whole profiles, not steps.
_STEPS: Final = _CAREFUL | {Mode.FALLBACK}
# Sums of values with five decimals differ from their limits by less than this.
_NOISE: Final = 1e-9


def _calming_wins(_given: TunerInput, draft: Draft, change: Change) -> Change:
    calmed = any(earlier.calming for earlier in draft.accepted(change.field))
    return _refused(change, "calming_wins") if calmed and not change.calming else change


def _max_changes(_given: TunerInput, draft: Draft, change: Change) -> Change:
    if len(draft.accepted(change.field)) >= CHANGES_PER_FIELD:
        return _refused(change, "max_changes")
    return change


def _bound(_given: TunerInput, _draft: Draft, change: Change) -> Change:
    inside = TUNABLES[change.field].clamped(change.after)
    forward = (inside - change.before) * (change.after - change.before) > 0
    return replace(change, after=inside) if forward else _refused(change, "bound")


def _spread_cap(_given: TunerInput, draft: Draft, change: Change) -> Change:
    if change.field != SPREAD:
        return change
    highest = TUNABLES[SPREAD].rounded(draft.start[SPREAD] + SPREAD_RISE_MAX_BPS)
    if change.after <= highest:
        return change
    if highest <= change.before:
        return _refused(change, "spread_cap")
    return replace(change, after=highest, reason="spread_cap")


def _velocity(given: TunerInput, draft: Draft, change: Change) -> Change:
    factor = WARMUP_VELOCITY if given.phase is Phase.WARMUP else 1.0
    limit = given.settings.velocity[change.field] * factor
    moved = given.state.moved_within_hour(change.field, given.now_sec)
    net = math.fsum([moved, change.after, -draft.start[change.field]])
    return _refused(change, "velocity") if abs(net) > limit + _NOISE else change


def _refused(change: Change, reason: str) -> Change:
    return replace(change, accepted=False, reason=reason)


CHANGE_RAILS: Final = (
    ChangeRail(
        name="calming_wins",
        promise=(
            "A field that received a calming step receives no loosening one in the same "
            "iteration, and an earlier loosening step of it is undone."
        ),
        reasons=("calming_wins",),
        modes=_STEPS,
        judge=_calming_wins,
    ),
    ChangeRail(
        name="max_changes",
        promise="No field changes more than twice in an iteration.",
        reasons=("max_changes",),
        modes=_STEPS,
        judge=_max_changes,
    ),
    ChangeRail(
        name="bound",
        promise=(
            "No step leaves the hard range, passes the cap or floor of its rule, or pulls back a "
            "value that is already beyond it."
        ),
        reasons=("bound",),
        modes=_STEPS,
        judge=_bound,
    ),
    ChangeRail(
        name="spread_cap",
        promise="The spread rises by at most 0.10 bps in an iteration; the excess is cut off.",
        reasons=("spread_cap",),
        modes=_STEPS,
        judge=_spread_cap,
    ),
    ChangeRail(
        name="velocity",
        promise=(
            "No regular step takes the net change of a field over the last hour of soak time "
            "beyond its limit (`soak.max_delta_per_hour`; half as much again during warm-up)."
        ),
        reasons=("velocity",),
        modes=_CAREFUL,
        judge=_velocity,
    ),
)
