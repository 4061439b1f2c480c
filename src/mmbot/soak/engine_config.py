"""Effective parameters as a configuration of the engine, and read back from one."""

from __future__ import annotations

from typing import Final

from mmbot.config import AppConfig
from mmbot.config.loader import build
from mmbot.config.quoting import BASE, PARAMETERS, QuotingLayer, resolve
from mmbot.config.quoting import effective as quoting_values
from mmbot.config.sources import Sources
from mmbot.config.tree import dotted, get, to_tree
from mmbot.soak.parameters import TUNABLES, Values
from mmbot.soak.source import EngineParameters

__all__ = ["EngineConfig"]

_DELTA: Final = "_delta"
# 0 is off in all of them.
_POSITION_LIMITS: Final = (
    "risk.max_position_usd",
    "limits.max_gross_exposure_usd",
    "runtime_guard.max_position_notional_usd",
    "runtime_guard.max_gross_exposure_usd",
    "guards.pos_skew.per_symbol_abs_limit",
    "guards.pos_skew.per_color_abs_limit",
)


class EngineConfig:
    """The configuration of a soak run under changing parameters.

    Nothing is read after the start: parameters are laid over the sources as they were then.

    Raises:
        ConfigError: the configuration cannot be used.
    """

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        loaded = build(sources)
        self.start = loaded.config
        self._named = loaded.parameters

    def under(self, parameters: EngineParameters) -> AppConfig:
        """The configuration with these parameters in force and position limits scaled.

        Raises:
            ConfigError: the values contradict the rest of the configuration.
        """
        layers = [
            QuotingLayer(0, "start", self._named, ""),
            QuotingLayer(1, "soak", parameters.values, ""),
        ]
        tuned = {name.removesuffix(_DELTA) for name in TUNABLES}
        runtime: dict[str, object] = {
            dotted(PARAMETERS[name].path): found.value
            for name, found in resolve(layers).items()
            if name in tuned
        }
        runtime |= self._limits(parameters.limits_factor)
        return build(self._sources, runtime).config

    def in_force(self, config: AppConfig) -> Values:
        """The six parameters as a configuration has them."""
        values = quoting_values(to_tree(config))
        found = {}
        for name, tunable in TUNABLES.items():
            quoted = name.removesuffix(_DELTA)
            value = values[quoted]
            if quoted != name:
                value -= self._named.get(quoted, BASE[quoted])
            found[name] = tunable.rounded(value)
        return found

    def _limits(self, factor: float) -> dict[str, object]:
        if factor == 1.0:
            return {}
        tree = to_tree(self.start)
        paths = {key: tuple(key.split(".")) for key in _POSITION_LIMITS}
        return {key: _number(get(tree, path)) * factor for key, path in paths.items()}


def _number(value: object) -> float:
    assert isinstance(value, int | float)
    return value
