"""The environment as a configuration layer.

Dedicated variables, ``MM_CFG__<section>__<key>[__<key>]`` for any key, and
``MM_RUNTIME_OVERRIDES_JSON`` for quoting parameters. Variables that contradict each other are an
error: none of them outranks another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mmbot.config.legacy import is_legacy
from mmbot.config.profiles import read_json
from mmbot.config.quoting import checked_parameters
from mmbot.config.schema import split_key
from mmbot.config.tree import Path, Tree, dotted, get, put
from mmbot.config.yamlfile import parse_scalar
from mmbot.errors import ConfigError

__all__ = ["DEDICATED", "OVERRIDES_VARIABLE", "PREFIX", "environment_values", "runtime_overrides"]

OVERRIDES_VARIABLE: Final = "MM_RUNTIME_OVERRIDES_JSON"
PREFIX: Final = "MM_CFG__"
DEDICATED: Final[Mapping[str, Path]] = {
    "ORDER_TTL_MS": ("strategy", "order_ttl_ms"),
    "PRICE_DRIFT_BPS": ("strategy", "price_drift_bps"),
    "ENABLE_ANTI_STALE_GUARD": ("strategy", "enable_anti_stale_guard"),
    "LOG_LEVEL": ("logging", "level"),
    "METRICS_PORT": ("monitoring", "metrics_port"),
    "HEALTH_PORT": ("monitoring", "health_port"),
}
_FLAGS: Final = frozenset({"ENABLE_ANTI_STALE_GUARD"})
_WORDS: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}


def environment_values(env: Mapping[str, str]) -> tuple[Tree, dict[Path, str]]:
    """The tree that the environment sets, and the variable of each key.

    Raises:
        ConfigError: ``E_CFG_UNKNOWN_KEY``, ``E_CFG_PARSE``, ``E_CFG_CONFLICT``.
    """
    tree: Tree = {}
    places: dict[Path, str] = {}
    for variable in sorted(env):
        path = _path_of(variable)
        if path is None or env[variable] == "":
            continue
        value = _value(variable, env[variable])
        if path in places and get(tree, path) != value:
            raise ConfigError(
                "E_CFG_CONFLICT", dotted(path), f"{places[path]} and {variable} differ"
            )
        put(tree, path, value)
        places[path] = variable
    return tree, places


def runtime_overrides(env: Mapping[str, str]) -> dict[str, float]:
    """The quoting parameters of ``MM_RUNTIME_OVERRIDES_JSON``; empty if it is not set."""
    name = OVERRIDES_VARIABLE
    text = env.get(name, "")
    if not text:
        return {}
    return checked_parameters(read_json(text.encode(), name, code="E_CFG_RUNTIME_OVERRIDES"), name)


def _path_of(variable: str) -> Path | None:
    # Windows knows environment variables in upper case only.
    if variable.upper() in DEDICATED:
        return DEDICATED[variable.upper()]
    if not variable.upper().startswith(PREFIX):
        return None
    name = variable[len(PREFIX) :].lower().replace("__", ".")
    path = tuple(name.split("."))
    if is_legacy(path):
        return path
    try:
        return split_key(name)
    except ConfigError as exc:
        raise ConfigError(exc.code, variable, exc.message) from exc


def _value(variable: str, text: str) -> object:
    if variable.upper() == "LOG_LEVEL":
        return text.upper()
    if variable.upper() in _FLAGS:
        return _WORDS.get(text.lower(), text)
    return parse_scalar(text, variable)
