"""The report of quoting parameters: what applies, where it comes from, what changed and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mmbot.config.block_adjustment import BLOCK_REASONS
from mmbot.config.loader import LoadedConfig
from mmbot.config.quoting import BASE, PARAMETERS, effective
from mmbot.config.tree import to_tree

__all__ = ["Adjustment", "adjustments", "applied_profile"]


@dataclass(frozen=True, slots=True)
class Adjustment:
    """One change of a quoting parameter; `iteration` is None outside of soak, `ts` UTC text."""

    field: str
    old: float
    new: float
    iteration: int | None
    reason: str
    ts: str

    def body(self) -> dict[str, object]:
        """The form of the report."""
        return {
            "field": self.field,
            "from": self.old,
            "iter": self.iteration,
            "reason": self.reason,
            "to": self.new,
            "ts": self.ts,
        }


def applied_profile(
    loaded: LoadedConfig,
    overrides: Mapping[str, float],
    history: Sequence[Adjustment] = (),
    blocked_by: Mapping[str, int] | None = None,
) -> dict[str, object]:
    """The body of ``applied_profile.json``.

    Args:
        loaded: the configuration in force.
        overrides: what ``runtime_overrides.json`` holds.
        history: changes of the session, oldest first.
        blocked_by: decision ticks with a block, by reason, for the whole session.
    """
    blocked = blocked_by or {}
    return {
        "applied": effective(to_tree(loaded.config)),
        "base": dict(BASE),
        "blocked_by": {reason: blocked.get(reason, 0) for reason in BLOCK_REASONS},
        "overrides_runtime": dict(overrides),
        "profile": "+".join(loaded.profiles) or None,
        "runtime_adjustments": [item.body() for item in history],
        "runtime_overrides_applied": loaded.overridden,
        "sources": {name: loaded.origin(item.path) for name, item in PARAMETERS.items()},
    }


def adjustments(
    old: Mapping[str, float],
    new: Mapping[str, float],
    *,
    iteration: int | None,
    reason: str,
    ts: str,
) -> list[Adjustment]:
    """What changed between two sets of parameters, by name."""
    return [
        Adjustment(name, old[name], new[name], iteration, reason, ts)
        for name in sorted(old)
        if old[name] != new[name]
    ]
