"""The ten quoting parameters: short names that all tools share, and how layers of them resolve.

A layer gives a parameter (``base_spread_bps``), a delta (``base_spread_bps_delta``), or both. Each
name is taken from the highest layer that has it; a delta counts from the value given, or from the
nominal BASE, and deltas never add up across layers. Parameters that no layer names keep the value
of the configuration.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from mmbot.config.tree import Layer, Path, Tree, put
from mmbot.errors import ConfigError

__all__ = [
    "BASE",
    "PARAMETERS",
    "QuotingLayer",
    "checked_parameters",
    "is_parameter",
    "resolve",
    "to_layers",
]

_DELTA: Final = "_delta"
# Removes float noise such as 0.5 + 0.35 = 0.8500000000000001.
_DECIMALS: Final = 10


@dataclass(frozen=True, slots=True)
class Parameter:
    """Where a quoting parameter lives in the configuration, and its nominal value for deltas."""

    path: Path
    base: float
    integer: bool = False


PARAMETERS: Final[Mapping[str, Parameter]] = MappingProxyType(
    {
        "min_interval_ms": Parameter(
            ("latency_boost", "replace", "min_interval_ms"), 50, integer=True
        ),
        "tail_age_ms": Parameter(("latency_boost", "tail_batch", "tail_age_ms"), 700, integer=True),
        "max_delta_ratio": Parameter(("allocator", "smoothing", "max_delta_ratio"), 0.12),
        "impact_cap_ratio": Parameter(("signals", "impact_cap_ratio"), 0.08),
        "replace_rate_per_min": Parameter(
            ("latency_boost", "replace", "replace_rate_per_min"), 400, integer=True
        ),
        "concurrency_limit": Parameter(("latency_boost", "replace", "max_concurrent"), 2.0),
        "slippage_penalty_coef": Parameter(("strategy", "slippage_penalty_coef"), 0.0),
        "vip_tilt_cap": Parameter(("allocator", "smoothing", "fee_bias_cap_ratio"), 0.0),
        "inventory_tilt_cap": Parameter(("strategy", "inventory_tilt_cap_ratio"), 0.30),
        "base_spread_bps": Parameter(("trading", "base_spread_bps"), 0.5),
    }
)
BASE: Final[Mapping[str, float]] = MappingProxyType(
    {name: parameter.base for name, parameter in PARAMETERS.items()}
)


@dataclass(frozen=True, slots=True)
class QuotingLayer:
    """Parameters and deltas that one source names; `rank` and `origin` as in `Layer`."""

    rank: int
    origin: str
    values: Mapping[str, float]
    place: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """The value of a parameter and the layer that decided it."""

    value: float | int
    layer: QuotingLayer


def is_parameter(name: str) -> bool:
    """Whether `name` is a quoting parameter or the delta of one."""
    return name.removesuffix(_DELTA) in PARAMETERS


def checked_parameters(values: Mapping[str, object], place: str) -> dict[str, float]:
    """Check what a profile or an override names.

    Raises:
        ConfigError: ``E_PROFILE_KEY`` for another key, ``E_CFG_TYPE`` for a value that is no
        number.
    """
    checked: dict[str, float] = {}
    for name, value in values.items():
        if not is_parameter(name):
            raise ConfigError("E_PROFILE_KEY", name, f"is not a quoting parameter ({place})")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ConfigError("E_CFG_TYPE", name, f"must be a number, not {value!r} ({place})")
        checked[name] = value
    return checked


def resolve(layers: Sequence[QuotingLayer]) -> dict[str, Resolved]:
    """The values of all parameters that any layer names."""
    winners: dict[str, tuple[float, QuotingLayer]] = {}
    for layer in sorted(layers, key=lambda layer: layer.rank):
        for name, value in layer.values.items():
            winners[name] = (value, layer)
    resolved = {}
    for name, parameter in PARAMETERS.items():
        given = [winners[key] for key in (name, name + _DELTA) if key in winners]
        if not given:
            continue
        value = winners[name][0] if name in winners else parameter.base
        delta = winners[name + _DELTA][0] if name + _DELTA in winners else 0.0
        total = round(value + delta, _DECIMALS)
        top = max((layer for _, layer in given), key=lambda layer: layer.rank)
        resolved[name] = Resolved(round(total) if parameter.integer else total, top)
    return resolved


def to_layers(layers: Sequence[QuotingLayer]) -> list[Layer]:
    """The resolved parameters as configuration layers, one for each source that decides one."""
    by_source: dict[tuple[int, str], tuple[Tree, dict[Path, str]]] = {}
    for name, resolved in resolve(layers).items():
        source = (resolved.layer.rank, resolved.layer.origin)
        tree, places = by_source.setdefault(source, ({}, {}))
        path = PARAMETERS[name].path
        put(tree, path, resolved.value)
        places[path] = resolved.layer.place
    return [
        Layer(rank, origin, tree, places) for (rank, origin), (tree, places) in by_source.items()
    ]
