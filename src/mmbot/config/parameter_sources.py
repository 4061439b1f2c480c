"""Where quoting parameters come from: an earlier session, profiles, the environment, the options.

In soak the layers start from a row of defaults, only the tunable parameters may be overridden, and
what is outside their hard range is clamped when it takes effect; outside of soak a mistake in a
layer stops the start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from mmbot.config.environment import OVERRIDES_VARIABLE, runtime_overrides
from mmbot.config.profiles import SOAK_DEFAULTS, Profile, read_json
from mmbot.config.quoting import PARAMETERS, QuotingLayer, checked_parameters, layered
from mmbot.errors import ConfigError

__all__ = ["APPLY_BOUNDS", "ParameterSources", "parameter_layers", "parse_overrides", "soak_layers"]

APPLY_BOUNDS: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "min_interval_ms": (40, 300),
        "replace_rate_per_min": (120, 360),
        "base_spread_bps_delta": (0.0, 0.6),
        "impact_cap_ratio": (0.04, 0.12),
        "max_delta_ratio": (0.10, 0.20),
        "tail_age_ms": (400, 1000),
    }
)
"""The tunable parameters of soak and the hard range of each."""

DEFAULTS, OVERRIDES, PROFILE_ENV, PROFILE_CLI, ENV, CLI = (5, 20, 30, 40, 50, 60)
"""Ranks of the layers; the configuration file has 10."""


@dataclass(frozen=True, slots=True)
class ParameterSources:
    """The layers as they take effect, the names as they were requested, and what there is to say.

    `overridden` says whether anything but a profile names a parameter.
    """

    layers: tuple[QuotingLayer, ...]
    requested: Mapping[str, float]
    overridden: bool
    messages: tuple[str, ...]


def parameter_layers(
    *,
    overrides: QuotingLayer,
    profiles: Sequence[tuple[int, Profile]],
    env: Mapping[str, str],
    cli: Mapping[str, float],
) -> ParameterSources:
    """The layers of a run outside of soak.

    Raises:
        ConfigError: ``E_CFG_RUNTIME_OVERRIDES``, ``E_PROFILE_KEY``, ``E_CFG_TYPE``.
    """
    layers = (
        overrides,
        *(_of_profile(rank, profile) for rank, profile in profiles),
        QuotingLayer(ENV, "env", runtime_overrides(env), OVERRIDES_VARIABLE),
        QuotingLayer(CLI, "cli", cli, "--set"),
    )
    return ParameterSources(layers, layered(layers), _overridden(layers), ())


def soak_layers(
    *,
    defaults: Mapping[str, float] = SOAK_DEFAULTS,
    overrides: QuotingLayer,
    profiles: Sequence[tuple[int, Profile]],
    env: Mapping[str, str],
    cli: Mapping[str, float],
    resume: bool,
) -> ParameterSources:
    """The layers of a soak run; with `resume` the overrides are taken as they are."""
    messages: list[str] = []
    layers = [QuotingLayer(CLI, "cli", cli, "--set")]
    if resume:
        layers.append(overrides)
    else:
        from_env = _lenient_environment(env, messages)
        layers += [
            QuotingLayer(DEFAULTS, "default", dict(defaults), "soak defaults"),
            replace(overrides, values=_tunable(overrides.values, messages)),
            *(_of_profile(rank, profile) for rank, profile in profiles),
            QuotingLayer(ENV, "env", _tunable(from_env, messages), OVERRIDES_VARIABLE),
        ]
    requested = layered(layers)
    clamped = tuple(replace(layer, values=_clamped(layer.values)) for layer in layers)
    messages += [
        f"| runtime_override | CLAMP | FIELD={name} FROM={value} TO={_within(name, value)} |"
        for name, value in sorted(requested.items())
        if _within(name, value) != value
    ]
    return ParameterSources(clamped, requested, _overridden(layers), tuple(messages))


def parse_overrides(data: bytes, place: str) -> dict[str, float]:
    """The parameters in ``runtime_overrides.json``.

    Raises:
        ConfigError: ``E_CFG_RUNTIME_OVERRIDES``, ``E_PROFILE_KEY``, ``E_CFG_TYPE``.
    """
    return checked_parameters(read_json(data, place, code="E_CFG_RUNTIME_OVERRIDES"), place)


def _of_profile(rank: int, profile: Profile) -> QuotingLayer:
    return QuotingLayer(rank, f"profile:{profile.name}", profile.parameters, profile.place)


def _overridden(layers: Sequence[QuotingLayer]) -> bool:
    return any(layer.values and layer.origin in {"file", "env", "cli"} for layer in layers)


def _lenient_environment(env: Mapping[str, str], messages: list[str]) -> dict[str, float]:
    text = env.get(OVERRIDES_VARIABLE, "")
    if not text:
        return {}
    try:
        raw = read_json(text.encode(), OVERRIDES_VARIABLE, code="E_CFG_RUNTIME_OVERRIDES")
    except ConfigError as exc:
        messages.append(f"| config | ERROR | Invalid env JSON: {exc.message} |")
        return {}
    numbers: dict[str, float] = {}
    for name, value in raw.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            messages.append(f"| config | ERROR | key={name} not numeric |")
        else:
            numbers[name] = value
    return numbers


def _tunable(values: Mapping[str, float], messages: list[str]) -> dict[str, float]:
    messages += [
        f"| runtime_override | SKIP | FIELD={name} REASON=not_allowed |"
        for name in sorted(values)
        if name not in APPLY_BOUNDS
    ]
    return {name: value for name, value in values.items() if name in APPLY_BOUNDS}


def _clamped(values: Mapping[str, float]) -> dict[str, float]:
    return {name: _within(name, value) for name, value in values.items()}


def _within(name: str, value: float) -> float:
    low, high = APPLY_BOUNDS.get(name, (value, value))
    return min(max(value, low), high)


assert {name.removesuffix("_delta") for name in APPLY_BOUNDS} <= set(PARAMETERS)
