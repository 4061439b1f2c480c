"""Without auto-tuning: a slower replace rate when the throttle refuses too many attempts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from mmbot.soak.models import Change, Decision
from mmbot.soak.parameters import Values
from mmbot.soak.rails import after_values, signature_of

__all__ = ["RULE", "with_block_raise"]

RULE: Final = "BLOCK_MIN_INTERVAL"
_FIELD: Final = "min_interval_ms"
RATE_MAX: Final = 0.25
CAP_MS: Final = 120
STEP_MS: Final = 10


def with_block_raise(
    decision: Decision,
    values: Values,
    blocks: Mapping[str, Mapping[str, Any]],
    *,
    ticks: int,
    iteration: int,
    run_id: str,
) -> Decision:
    """`decision` with `min_interval_ms` raised by 10 ms, up to 120.

    That is done when the interval refused more than a quarter of the decision ticks. `ticks` 0:
    unknown, nothing is changed.
    """
    blocked = float(dict(blocks.get("min_interval") or {}).get("count") or 0)
    before = values[_FIELD]
    if ticks <= 0 or blocked / ticks <= RATE_MAX or before >= CAP_MS:
        return decision
    change = Change(
        rule=RULE,
        field=_FIELD,
        before=before,
        after=min(CAP_MS, before + STEP_MS),
        reason=f"block_rate={blocked / ticks:.2%}",
    )
    deltas = {_FIELD: change.delta}
    return replace(
        decision,
        changes=(change,),
        deltas=deltas,
        applied_deltas=deltas,
        skipped_reason=None,
        rationale="rules=BLOCK_MIN_INTERVAL",
        signature=signature_of(deltas, iteration, run_id),
        after=after_values(values, deltas),
    )
