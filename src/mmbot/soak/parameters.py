"""The six parameters that tuning may move, their hard range, and which direction is calmer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final, cast

from mmbot.config.profiles import SOAK_DEFAULTS

__all__ = [
    "DEFAULTS",
    "TUNABLES",
    "Calm",
    "Tunable",
    "Values",
    "breaches",
    "calmer",
    "clamped",
    "effective",
    "is_calming",
    "is_loosening",
    "shown",
    "total_change",
    "unusable",
    "validate_overrides",
]

Values = Mapping[str, float]
"""Parameter name -> value in the unit of its name."""

_DECIMALS: Final = 5
_SHORT_DECIMALS: Final = 2
_LONG_DECIMALS: Final = 3


class Calm(Enum):
    """The direction that means fewer, wider or smaller orders."""

    UP = 1
    DOWN = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Tunable:
    """One parameter: hard range (`APPLY_BOUNDS`), calmer direction, grid."""

    low: float
    high: float
    calm: Calm
    integer: bool = False

    @property
    def span(self) -> float:
        """Width of the hard range."""
        return self.high - self.low

    def rounded(self, value: float) -> float:
        """`value` in the parameter's grid: whole numbers, or 5 decimals."""
        return round(value) if self.integer else round(value, _DECIMALS) + 0.0

    def clamped(self, value: float) -> float:
        """`value` inside the hard range, in the parameter's grid."""
        return self.rounded(min(self.high, max(self.low, value)))


TUNABLES: Final[Mapping[str, Tunable]] = MappingProxyType(
    {
        "min_interval_ms": Tunable(low=40, high=300, calm=Calm.UP, integer=True),
        "replace_rate_per_min": Tunable(low=120, high=360, calm=Calm.DOWN, integer=True),
        "base_spread_bps_delta": Tunable(low=0.0, high=0.6, calm=Calm.UP),
        "impact_cap_ratio": Tunable(low=0.04, high=0.12, calm=Calm.DOWN),
        "max_delta_ratio": Tunable(low=0.10, high=0.20, calm=Calm.DOWN),
        "tail_age_ms": Tunable(low=400, high=1000, calm=Calm.UP, integer=True),
    }
)
DEFAULTS: Final[Values] = MappingProxyType({name: SOAK_DEFAULTS[name] for name in TUNABLES})


def effective(requested: Values) -> dict[str, float]:
    """What the engine gets: requested values clamped to the hard range, absent ones by default."""
    return {name: t.clamped(requested.get(name, DEFAULTS[name])) for name, t in TUNABLES.items()}


def clamped(requested: Values) -> dict[str, tuple[float, float]]:
    """Requested values outside the hard range: field -> (requested, effective)."""
    inside = effective(requested)
    return {
        name: (requested[name], inside[name])
        for name, t in TUNABLES.items()
        if name in requested and not t.low <= requested[name] <= t.high
    }


def breaches(values: Mapping[str, object]) -> list[str]:
    """Fields of `values` that are no finite number inside their hard range, in order."""
    return [name for name, t in TUNABLES.items() if name in values and not _holds(t, values[name])]


def validate_overrides(overrides: Mapping[str, object]) -> bool:
    """Whether every tunable parameter that is given is finite and inside its hard range."""
    return not breaches(overrides)


def unusable(values: Mapping[str, object]) -> list[str]:
    """Tunable fields of a file that are no finite number; others are clamped, not refused."""
    return [name for name in TUNABLES if name in values and not _finite(values[name])]


def is_calming(name: str, delta: float) -> bool:
    """Whether a change by `delta` goes the calmer way."""
    return delta * TUNABLES[name].calm.value > 0


def is_loosening(name: str, delta: float) -> bool:
    """Whether a change by `delta` goes the other way."""
    return delta * TUNABLES[name].calm.value < 0


def calmer(name: str, first: float, second: float) -> float:
    """The calmer of two values of one parameter."""
    pick = max if TUNABLES[name].calm is Calm.UP else min
    return pick(first, second)


def total_change(deltas: Values) -> float:
    """Sum of ``|delta|`` as shares of the hard ranges."""
    return math.fsum(abs(delta) / TUNABLES[name].span for name, delta in deltas.items())


def shown(name: str, value: float) -> str:
    """A value in a log line: whole numbers, else two decimals, or three where two would round."""
    if name in TUNABLES and TUNABLES[name].integer:
        return f"{value:.0f}"
    short = f"{value + 0.0:.{_SHORT_DECIMALS}f}"
    exact = round(value, _LONG_DECIMALS) == round(value, _SHORT_DECIMALS)
    return short if exact else f"{value + 0.0:.{_LONG_DECIMALS}f}"


def _holds(tunable: Tunable, value: object) -> bool:
    return _finite(value) and tunable.low <= cast("float", value) <= tunable.high


def _finite(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value)
