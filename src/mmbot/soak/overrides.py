"""Parameter files of soak runs: start values from their layers, the overrides file, the report.

The only place in `mmbot.soak` that knows `runtime_overrides.json`, `applied_profile.json`,
`config.json` and the profile library. Precedence, low to high: defaults, the overrides file of an
earlier run, profile, ``MM_RUNTIME_OVERRIDES_JSON``, ``--set``.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from mmbot.config.profiles import SOAK_PROFILES, Profile, find_profile
from mmbot.config.quoting import BASE, PARAMETERS, QuotingLayer, resolve
from mmbot.config.tree import dotted, leaves
from mmbot.errors import ConfigError
from mmbot.soak.markers import mark
from mmbot.soak.parameters import DEFAULTS, TUNABLES, Values, clamped, effective, shown
from mmbot.soak.paths import SoakPaths, move_corrupt, read_object
from mmbot.store.canonical import canonical_json

__all__ = [
    "LayerRequest",
    "StartValues",
    "applied_profile",
    "clamp_lines",
    "file_hash",
    "overrides_bytes",
    "profile_parameters",
    "profile_values",
    "read_overrides",
    "resolve_start",
]

ENVIRONMENT: Final = "MM_RUNTIME_OVERRIDES_JSON"


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerRequest:
    """What names start values: options, environment, directories."""

    paths: SoakPaths
    config_dir: Path
    env: Mapping[str, str]
    profile: str | None = None
    sets: Sequence[str] = ()
    resume: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StartValues:
    """Requested values, the source of each, the marker lines, and the profile that took part."""

    requested: Values
    sources: Mapping[str, str]
    lines: tuple[str, ...]
    profile: str | None


def resolve_start(request: LayerRequest) -> StartValues:
    """Merge the layers; whatever cannot be used is said and left out.

    Raises:
        ConfigError: ``E_CFG_RUNTIME_OVERRIDES`` for a damaged overrides file (moved aside) when no
        profile is given, ``E_CFG_TYPE`` for an option ``--set`` without a number,
        ``E_PROFILE_*`` for a profile file that is damaged.
    """
    lines: list[str] = []
    layers: list[tuple[str, Mapping[str, object]]] = []
    profiles = [] if request.resume else _profiles(request, lines)
    if not request.resume:
        layers.append(("default", _defaults(request.paths)))
    layers.append(("file", _file(request, has_profile=bool(profiles))))
    layers += [(f"profile:{p.name}", _tunable_only(_parameters_of(p))) for p in profiles]
    if not request.resume:
        layers.append(("env", _environment(request.env, lines)))
    layers.append(("cli", _sets(request.sets)))
    requested: dict[str, float] = {}
    sources: dict[str, str] = {}
    for source, values in layers:
        taken = _checked(values, lines)
        requested |= taken
        sources |= dict.fromkeys(taken, source)
        if taken and source in ("env", "cli"):
            lines.append(mark("config", "LOADED", f"source={source} params={len(taken)}"))
    for name in TUNABLES:
        if name not in requested:
            requested[name], sources[name] = DEFAULTS[name], "default"
    lines.append(mark("runtime_overrides", "OK", f"SOURCE={_strongest(sources)}"))
    return StartValues(
        requested={name: requested[name] for name in TUNABLES},
        sources=sources,
        lines=(*lines, *clamp_lines(requested)),
        profile=profiles[-1].name if profiles else None,
    )


def clamp_lines(requested: Values) -> list[str]:
    """A marker for every requested value outside the hard range."""
    return [
        mark(
            "runtime_override",
            "CLAMP",
            f"FIELD={name} FROM={shown(name, asked)} TO={shown(name, inside)}",
        )
        for name, (asked, inside) in clamped(requested).items()
    ]


def overrides_bytes(requested: Values) -> bytes:
    """The bytes of the overrides file for these requested values."""
    return canonical_json(dict(requested))


def file_hash(data: bytes | None) -> str | None:
    """SHA-256 of a file's bytes."""
    return None if data is None else hashlib.sha256(data).hexdigest()


def read_overrides(paths: SoakPaths) -> tuple[dict[str, Any] | None, str | None]:
    """The overrides file and the hash of its bytes; None: missing or no JSON object."""
    try:
        data = paths.overrides.read_bytes()
    except FileNotFoundError:
        return None, None
    return read_object(paths.overrides), file_hash(data)


def profile_values(paths: SoakPaths, name: str) -> tuple[Values, bool]:
    """A profile of the soak library, and whether its file was there (else built-in values)."""
    document = read_object(paths.soak / "profiles" / f"{name}.json")
    if document is None:
        return SOAK_PROFILES[name], False
    return {**SOAK_PROFILES[name], **_checked(_tunable_only(document), [])}, True


def applied_profile(
    start: StartValues,
    requested: Values,
    *,
    adjustments: Sequence[Mapping[str, Any]],
    blocked_by: Mapping[str, int],
) -> dict[str, Any]:
    """The content of ``applied_profile.json``: effective values, base values, history."""
    layer = QuotingLayer(0, "soak", effective(requested), "runtime_overrides.json")
    values: dict[str, float] = dict(BASE)
    values |= {name: found.value for name, found in resolve([layer]).items()}
    return {
        "applied": values,
        "base": dict(BASE),
        "overrides_runtime": dict(requested),
        "profile": start.profile,
        "runtime_adjustments": list(adjustments),
        "runtime_overrides_applied": True,
        "sources": dict(start.sources),
        "blocked_by": dict(blocked_by),
    }


def _profiles(request: LayerRequest, lines: list[str]) -> list[Profile]:
    """The profiles of environment and option, the option's last; one of a kind."""
    found: list[Profile] = []
    for name in (request.env.get("MM_PROFILE", ""), request.profile or ""):
        if not name:
            continue
        try:
            profile = find_profile(name, request.config_dir, request.paths.root, _read)
        except ConfigError as exc:
            if exc.code != "E_PROFILE_NOT_FOUND":
                raise
            lines.append(mark("config", "WARN", f"profile={name} not found, using defaults"))
            continue
        found = [p for p in found if p.kind != profile.kind]
        found.append(profile)
        lines.append(mark("config", "LOADED", f"profile={name}"))
    return found


def _defaults(paths: SoakPaths) -> Mapping[str, object]:
    document = read_object(paths.soak / "config.json") or {}
    return {**DEFAULTS, **{k: v for k, v in document.items() if k in TUNABLES}}


def _file(request: LayerRequest, *, has_profile: bool) -> Mapping[str, object]:
    path = request.paths.overrides
    if not path.exists():
        return {}
    document = read_object(path)
    if document is not None:
        return document
    aside = move_corrupt(path)
    if not has_profile and not request.resume:
        raise ConfigError("E_CFG_RUNTIME_OVERRIDES", str(path), f"is damaged, moved to {aside}")
    return {}


def _environment(env: Mapping[str, str], lines: list[str]) -> Mapping[str, object]:
    text = env.get(ENVIRONMENT, "")
    if not text:
        return {}
    try:
        values = json.loads(text)
    except ValueError as exc:
        lines.append(mark("config", "ERROR", f"Invalid env JSON: {exc}"))
        return {}
    if not isinstance(values, dict):
        lines.append(mark("config", "ERROR", "Invalid env JSON: not an object"))
        return {}
    return values


def _sets(sets: Sequence[str]) -> dict[str, object]:
    values: dict[str, object] = {}
    for text in sets:
        name, found, value = text.partition("=")
        if not found:
            raise ConfigError("E_CFG_TYPE", f"--set {text}", "must be KEY=VALUE")
        try:
            values[name.strip()] = float(value)
        except ValueError:
            values[name.strip()] = value
    return values


def _checked(values: Mapping[str, object], lines: list[str]) -> dict[str, float]:
    """The tunable numbers of a layer; the rest is said and skipped."""
    taken: dict[str, float] = {}
    for name, value in values.items():
        if name not in TUNABLES:
            lines.append(mark("runtime_override", "SKIP", f"FIELD={name} REASON=not_allowed"))
        elif not _is_number(value):
            lines.append(mark("config", "ERROR", f"key={name} not numeric"))
        else:
            taken[name] = TUNABLES[name].rounded(cast("float", value))
    return taken


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value)


def _parameters_of(profile: Profile) -> dict[str, Any]:
    """A profile's quoting parameters; of a configuration overlay those keys that are one."""
    named = {p.path: name for name, p in PARAMETERS.items()}
    overlay = {named[key]: value for key, value in leaves(profile.overlay) if key in named}
    return {**overlay, **profile.parameters}


def _tunable_only(values: Mapping[str, Any]) -> dict[str, object]:
    # A profile's other quoting parameters belong to the configuration of the engine.
    return {name: value for name, value in values.items() if name in TUNABLES}


def _strongest(sources: Mapping[str, str]) -> str:
    """The highest layer that took part, as the marker names it."""
    used = {source.partition(":")[0] for source in sources.values()}
    order = (("cli", "cli"), ("env", "env"), ("profile", "profile"), ("file", "file"))
    return next((shown_as for layer, shown_as in order if layer in used), "default")


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def profile_parameters(paths: SoakPaths, config_dir: Path, name: str) -> Values:
    """What one profile sets: quoting parameters, or the numbers of a configuration overlay.

    Raises:
        ConfigError: ``E_PROFILE_NOT_FOUND``, ``E_PROFILE_AMBIGUOUS``, ``E_PROFILE_PARSE``.
    """
    profile = find_profile(name, config_dir, paths.root, _read)
    if profile.parameters:
        return profile.parameters
    return {
        dotted(key): float(value)
        for key, value in leaves(profile.overlay)
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
