"""Profiles: named sets of parameters, in three kinds.

A quoting profile (``config/profiles/market_maker_<NAME>.json``) and a soak profile
(``<artifacts>/soak/profiles/<name>.json``) hold quoting parameters; an overlay (``profiles.<name>``
in ``config/profiles.yaml``) holds configuration keys below a few prefixes. Profile files are input:
nothing writes them after their creation.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

from mmbot.config.quoting import checked_parameters
from mmbot.config.schema import key_info, unknown_key
from mmbot.config.tree import Path as KeyPath
from mmbot.config.tree import Tree, dotted, leaves
from mmbot.config.yamlfile import parse_yaml
from mmbot.errors import ConfigError

__all__ = [
    "SOAK_DEFAULTS",
    "SOAK_PROFILES",
    "Profile",
    "ProfileKind",
    "find_profile",
    "profile_names",
    "read_json",
]

ProfileKind = Literal["quoting", "soak", "overlay"]
Reader = Callable[[Path], bytes | None]
"""Reads a file; None if there is none."""

_SOAK_PARAMETERS: Final = (
    "base_spread_bps_delta",
    "impact_cap_ratio",
    "max_delta_ratio",
    "min_interval_ms",
    "replace_rate_per_min",
    "tail_age_ms",
)


def _soak_row(*values: float) -> Mapping[str, float]:
    return MappingProxyType(dict(zip(_SOAK_PARAMETERS, values, strict=True)))


SOAK_DEFAULTS: Final[Mapping[str, float]] = _soak_row(0.14, 0.09, 0.14, 70, 260, 650)
SOAK_PROFILES: Final[Mapping[str, Mapping[str, float]]] = MappingProxyType(
    {
        "steady_safe": _soak_row(0.16, 0.08, 0.12, 75, 260, 740),
        "ultra_safe": _soak_row(0.16, 0.08, 0.12, 80, 240, 700),
        "aggressive": _soak_row(0.10, 0.12, 0.16, 50, 320, 500),
    }
)

_OVERLAY_PREFIXES: Final = (
    ("allocator", "smoothing"),
    ("signals",),
    ("latency_boost", "replace"),
    ("latency_boost", "tail_batch"),
    ("canary",),
    ("logging",),
)
_QUOTING_PREFIX: Final = "market_maker_"


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile as read.

    `parameters` holds quoting parameters, `overlay` configuration keys; one of them is empty.
    """

    name: str
    kind: ProfileKind
    place: str
    parameters: Mapping[str, float]
    overlay: Tree
    places: Mapping[KeyPath, str]


def find_profile(name: str, config_dir: Path, artifacts_dir: Path, read: Reader) -> Profile:
    """Look a profile up in its three places.

    Raises:
        ConfigError: ``E_PROFILE_NOT_FOUND``, ``E_PROFILE_AMBIGUOUS``, ``E_PROFILE_PARSE``,
        ``E_PROFILE_KEY``, ``E_CFG_TYPE``.
    """
    found = []
    if not name or set(name) & set("/\\:"):
        raise ConfigError("E_PROFILE_NOT_FOUND", name or "''", "is not a profile name")
    path = config_dir / "profiles" / f"{_QUOTING_PREFIX}{name}.json"
    data = read(path)
    if data is not None:
        found.append(_parameter_profile(name, "quoting", str(path), read_json(data, str(path))))
    path = artifacts_dir / "soak" / "profiles" / f"{name}.json"
    data = read(path)
    if data is not None:
        found.append(_parameter_profile(name, "soak", str(path), read_json(data, str(path))))
    elif name in SOAK_PROFILES:
        found.append(_parameter_profile(name, "soak", "built-in", SOAK_PROFILES[name]))
    overlay = _overlay_profile(name, config_dir / "profiles.yaml", read)
    if overlay is not None:
        found.append(overlay)
    if not found:
        known = ", ".join(profile_names(config_dir, artifacts_dir, read))
        raise ConfigError("E_PROFILE_NOT_FOUND", name, f"is not a profile; there are: {known}")
    if len(found) > 1:
        places = " and ".join(profile.place for profile in found)
        raise ConfigError("E_PROFILE_AMBIGUOUS", name, f"is in {places}")
    return found[0]


def profile_names(config_dir: Path, artifacts_dir: Path, read: Reader) -> list[str]:
    """All profiles that can be named."""
    quoting = (config_dir / "profiles").glob(f"{_QUOTING_PREFIX}*.json")
    soak = (artifacts_dir / "soak" / "profiles").glob("*.json")
    names = {path.stem.removeprefix(_QUOTING_PREFIX) for path in quoting}
    names |= {path.stem for path in soak} | set(SOAK_PROFILES)
    data = read(config_dir / "profiles.yaml")
    if data is not None:
        tree, _ = parse_yaml(data, str(config_dir / "profiles.yaml"))
        profiles = tree.get("profiles")
        names |= set(profiles) if isinstance(profiles, dict) else set()
    return sorted(names)


def read_json(data: bytes, place: str, *, code: str = "E_PROFILE_PARSE") -> dict[str, object]:
    """Parse a JSON object; duplicate keys and numbers that are not finite are errors."""

    def no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
        names = [name for name, _ in pairs]
        if len(set(names)) != len(names):
            raise ConfigError(code, place, "gives a key twice")
        return dict(pairs)

    def not_finite(text: str) -> float:
        raise ConfigError(code, place, f"holds {text}, which is not finite")

    try:
        value = json.loads(data, object_pairs_hook=no_duplicates, parse_constant=not_finite)
    except (ValueError, RecursionError) as exc:
        raise ConfigError(code, place, f"is not JSON: {exc}") from exc
    if not isinstance(value, dict):
        raise ConfigError(code, place, "must be a JSON object")
    return value


def _parameter_profile(
    name: str, kind: ProfileKind, place: str, values: Mapping[str, object]
) -> Profile:
    return Profile(name, kind, place, checked_parameters(values, place), {}, {})


def _overlay_profile(name: str, path: Path, read: Reader) -> Profile | None:
    data = read(path)
    if data is None:
        return None
    tree, places = parse_yaml(data, str(path))
    profiles = tree.get("profiles", {})
    if not isinstance(profiles, dict):
        raise ConfigError("E_PROFILE_PARSE", str(path), "must hold a mapping `profiles`")
    overlay = profiles.get(name)
    if overlay is None:
        return None
    if not isinstance(overlay, dict):
        raise ConfigError("E_PROFILE_PARSE", str(path), f"profiles.{name} must be a mapping")
    prefix = ("profiles", name)
    inner = {p[len(prefix) :]: at for p, at in places.items() if p[: len(prefix)] == prefix}
    for key, _ in leaves(overlay):
        if not any(key[: len(allowed)] == allowed for allowed in _OVERLAY_PREFIXES):
            raise ConfigError(
                "E_PROFILE_KEY", dotted(key), f"may not stand in a profile ({inner.get(key, '')})"
            )
        if key_info(key) is None:
            raise unknown_key(dotted(key), inner.get(key, ""))
    return Profile(name, "overlay", str(path), {}, overlay, inner)
