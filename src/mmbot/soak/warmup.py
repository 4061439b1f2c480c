"""Warm-up: a calmer overlay over the effective parameters that fades over a few iterations.

The overlay is never written and never compounds: the tuner works on the values beneath it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mmbot.soak.models import Phase
from mmbot.soak.parameters import TUNABLES, Values

__all__ = ["InForce", "overlaid", "phase_of", "strength"]

_ADDED: Final = {"base_spread_bps_delta": 0.03, "min_interval_ms": 25.0, "tail_age_ms": 100.0}
_FACTORS: Final = {
    "replace_rate_per_min": 0.75,
    "impact_cap_ratio": 0.85,
    "max_delta_ratio": 0.85,
}
_LIMITS_FACTOR: Final = 0.80


@dataclass(frozen=True, slots=True)
class InForce:
    """What the engine gets: the six effective values, and a factor on position limits."""

    values: Values
    limits_factor: float


def phase_of(iteration: int, *, warmup: bool, length: int, rampdown: int) -> Phase:
    """The phase of iteration 1, 2, ...: `length` of warm-up, then `rampdown`, then steady."""
    if not warmup or iteration > length + rampdown:
        return Phase.STEADY
    return Phase.WARMUP if iteration <= length else Phase.RAMPDOWN


def strength(iteration: int, *, warmup: bool, length: int, rampdown: int) -> float:
    """How much of the overlay is on: 1 in warm-up, falling in ramp-down, else 0."""
    phase = phase_of(iteration, warmup=warmup, length=length, rampdown=rampdown)
    if phase is Phase.STEADY:
        return 0.0
    return 1.0 if phase is Phase.WARMUP else 1.0 - (iteration - length) / (rampdown + 1)


def overlaid(values: Values, share: float) -> InForce:
    """Effective values under `share` of the overlay, inside the hard range."""
    moved = {
        name: tunable.clamped(
            (values[name] + share * _ADDED.get(name, 0.0))
            * (1.0 - share * (1.0 - _FACTORS.get(name, 1.0)))
        )
        for name, tunable in TUNABLES.items()
    }
    return InForce(values=moved, limits_factor=round(1.0 - share * (1.0 - _LIMITS_FACTOR), 6))
