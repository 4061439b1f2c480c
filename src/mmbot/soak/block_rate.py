"""Without auto-tuning: a slower replace rate when the throttle refuses too many attempts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from mmbot.config.block_adjustment import BlockCounts, raised
from mmbot.soak.models import Change, Decision
from mmbot.soak.parameters import Values
from mmbot.soak.rails import after_values, signature_of

__all__ = ["RULE", "with_block_raise"]

RULE: Final = "BLOCK_MIN_INTERVAL"
_FIELD: Final = "min_interval_ms"


def with_block_raise(
    decision: Decision,
    values: Values,
    blocks: Mapping[str, Mapping[str, Any]],
    *,
    ticks: int,
    iteration: int,
    run_id: str,
) -> Decision:
    """`decision` with `min_interval_ms` raised, if the blocks of the window ask for it.

    `ticks` are the decision ticks of the window; 0: unknown, nothing is changed.
    """
    blocked = int(dict(blocks.get("min_interval") or {}).get("count") or 0)
    found = raised(BlockCounts(ticks, {"min_interval": blocked}), int(values[_FIELD]))
    if found is None:
        return decision
    change = Change(
        rule=RULE,
        field=_FIELD,
        before=found.old_ms,
        after=found.new_ms,
        reason=f"block_rate={found.block_rate:.2%}",
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
