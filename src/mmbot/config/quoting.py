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
from typing import Final, cast

from mmbot.config.tree import Layer, Path, Tree, dotted, get, put
from mmbot.errors import ConfigError

__all__ = [
    "BASE",
    "PARAMETERS",
    "QuotingLayer",
    "checked_parameters",
    "effective",
    "is_parameter",
    "layered",
    "moved",
    "parameter_of",
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
_BY_KEY: Final[Mapping[str, str]] = MappingProxyType(
    {dotted(parameter.path): name for name, parameter in PARAMETERS.items()}
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


def layered(layers: Sequence[QuotingLayer]) -> dict[str, float]:
    """Every name that a layer gives, with the value of its highest layer.

    It resolves to the same parameters as the layers do, so a later session may start from it.
    """
    named: dict[str, float] = {}
    for layer in sorted(layers, key=lambda layer: layer.rank):
        named |= layer.values
    return named


def moved(named: Mapping[str, float], values: Mapping[str, float]) -> dict[str, float]:
    """`named`, changed so that it resolves to `values` for the parameters in it.

    Where a delta is named the delta moves, so that a profile's delta still replaces it at the next
    start instead of adding to it.
    """
    changed = dict(named)
    for name, value in values.items():
        if name + _DELTA in changed:
            base = changed.get(name, PARAMETERS[name].base)
            changed[name + _DELTA] = round(value - base, _DECIMALS)
        else:
            changed[name] = value
    return changed


def parameter_of(key: str) -> str | None:
    """The quoting parameter that lives at the dotted configuration key, None if there is none."""
    return _BY_KEY.get(key)


def effective(tree: Mapping[str, object]) -> dict[str, float]:
    """The ten parameters as the configuration `tree` has them."""
    return {name: cast("float", get(tree, item.path)) for name, item in PARAMETERS.items()}


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
