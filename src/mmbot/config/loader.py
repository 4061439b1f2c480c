"""Loading the configuration: the one place of this package that reads files and the environment.

Layers, low to high: defaults, file, ``runtime_overrides.json`` of an earlier session, profiles,
environment, command line. They are merged as trees, quoting parameters are resolved to their keys,
derived defaults are filled in, and then the whole is validated and frozen.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from mmbot.config.app import AppConfig
from mmbot.config.environment import environment_values, runtime_overrides
from mmbot.config.invariants import violations
from mmbot.config.legacy import is_legacy, migrate
from mmbot.config.problems import translate
from mmbot.config.profiles import Profile, find_profile, read_json
from mmbot.config.quoting import QuotingLayer, checked_parameters, is_parameter, to_layers
from mmbot.config.schema import split_key
from mmbot.config.tree import (
    Assignment,
    Layer,
    Merged,
    Tree,
    dotted,
    get,
    leaves,
    merge,
    put,
    to_tree,
)
from mmbot.config.tree import Path as KeyPath
from mmbot.config.yamlfile import parse_scalar, parse_yaml
from mmbot.errors import ConfigError
from mmbot.redact import is_secret_key

__all__ = ["DEFAULT_PATH", "ConfigRequest", "LoadedConfig", "check_config", "load_config"]

DEFAULT_PATH: Final = Path("config/app.yaml")
# A configuration of this size is a mistake, such as a data file.
_MAX_BYTES: Final = 1 << 20

_FILE, _OVERRIDES, _PROFILE_ENV, _PROFILE_CLI, _ENV, _CLI = range(10, 70, 10)


@dataclass(frozen=True, slots=True)
class ConfigRequest:
    """What to load.

    `sets` are ``KEY=VALUE`` of the command line, `symbols` replace ``trading.symbols``; `mode` live
    refuses to run on defaults.
    """

    path: Path | None = None
    profile: str | None = None
    sets: Sequence[str] = ()
    symbols: Sequence[str] = ()
    mode: str = "sim"
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """The configuration in force and where each value comes from.

    `history` holds the assignments of every leaf, lowest layer first; `messages` are the marker
    and warning lines that the command line shows.
    """

    config: AppConfig
    path: Path | None
    history: Mapping[KeyPath, tuple[Assignment, ...]]
    messages: tuple[str, ...]
    profiles: tuple[str, ...]

    def origin(self, path: KeyPath) -> str:
        """The layer of the value in force: default, file, profile:<name>, env, cli."""
        said = self.history.get(path, ())
        return said[-1].origin if said else "default"


def load_config(request: ConfigRequest) -> LoadedConfig:
    """Load, validate and freeze.

    Raises:
        ConfigError: the first problem, in the order of the keys.
    """
    loaded, problems = check_config(request)
    if loaded is None or problems:
        raise problems[0]
    return loaded


def check_config(request: ConfigRequest) -> tuple[LoadedConfig | None, list[ConfigError]]:
    """Load and report every problem of values and keys at once; unreadable input still raises."""
    path = _config_path(request)
    profiles = _profiles(request)
    layers, quoting, messages = _layers(request, path, profiles)
    _refuse_contradictions(layers, quoting)
    merged = merge([_defaults(), *layers, *quoting])
    tree = _with_derived_defaults(merged)
    problems = [error for layer in layers for error in _secrets_in(layer)]
    if path is not None and not _is_set(merged, ("trading", "symbols")):
        problems.append(ConfigError("E_CFG_MISSING", "trading.symbols", f"must be given ({path})"))

    def place_of(key: KeyPath) -> str:
        while key and key not in merged.history:
            key = key[:-1]
        return merged.history[key][-1].place if key else ""

    def section_place(key: KeyPath) -> str:
        return place_of(key) or _place_in(layers, key)

    try:
        config = AppConfig.model_validate(tree)
    except ValidationError as exc:
        return None, problems + translate(exc, section_place)
    problems += violations(config, env=request.env.get("MM_ENV") or "dev")
    history = {p: _without_default(said) for p, said in merged.history.items()}
    names = tuple(profile.name for profile in profiles)
    return LoadedConfig(config, path, history, messages, names), problems


def _secrets_in(layer: Layer) -> list[ConfigError]:
    """Secrets come from the environment or from secret files, never from a configuration."""
    message = "is a secret: give it by environment or secret file"
    return [
        ConfigError("E_CFG_SECRET", dotted(path), f"{message} ({layer.place(path)})")
        for path, _ in leaves(layer.values)
        if is_secret_key(path[-1])
    ]


def _config_path(request: ConfigRequest) -> Path | None:
    """Resolve the file: option, then ``CONFIG_PATH``, then ``MM_CONFIG_PATH``, then the default."""
    first, second = (request.env.get(name, "") for name in ("CONFIG_PATH", "MM_CONFIG_PATH"))
    if first and second and first != second:
        raise ConfigError("E_CFG_CONFLICT", "CONFIG_PATH", "and MM_CONFIG_PATH differ")
    explicit = request.path or (Path(first or second) if first or second else None)
    path = explicit or DEFAULT_PATH
    if path.is_file():
        return path
    if explicit is not None or request.mode == "live":
        raise ConfigError("E_CFG_MISSING", str(path), "does not exist")
    return None


def _profiles(request: ConfigRequest) -> list[Profile]:
    """The profiles in force, low to high: of one kind the option replaces the variable's."""
    by_variable = _find(request, request.env.get("MM_PROFILE") or None)
    by_option = _find(request, request.profile)
    if by_variable is not None and by_option is not None and by_variable.kind == by_option.kind:
        by_variable = None
    return [profile for profile in (by_variable, by_option) if profile is not None]


def _find(request: ConfigRequest, name: str | None) -> Profile | None:
    if name is None:
        return None
    return find_profile(name, DEFAULT_PATH.parent, _artifacts(request), _read)


def _artifacts(request: ConfigRequest) -> Path:
    return Path(request.env.get("ARTIFACTS_DIR") or "artifacts")


def _layers(
    request: ConfigRequest, path: Path | None, profiles: Sequence[Profile]
) -> tuple[list[Layer], list[Layer], tuple[str, ...]]:
    """All layers above the defaults: keys as given, resolved quoting parameters, messages."""
    env_tree, env_places = environment_values(request.env)
    cli_tree, cli_places, cli_parameters = _command_line(request)
    keys = [Layer(_ENV, "env", env_tree, env_places), Layer(_CLI, "cli", cli_tree, cli_places)]
    parameters = [
        _overrides_file(_artifacts(request) / "soak" / "runtime_overrides.json", profiles),
        QuotingLayer(_ENV, "env", runtime_overrides(request.env), "MM_RUNTIME_OVERRIDES_JSON"),
        QuotingLayer(_CLI, "cli", cli_parameters, "--set"),
    ]
    if path is not None:
        tree, places = parse_yaml(_read(path) or b"", str(path))
        keys.append(Layer(_FILE, "file", tree, places))
    for index, profile in enumerate(profiles):
        rank = _PROFILE_CLI if index == len(profiles) - 1 else _PROFILE_ENV
        origin = f"profile:{profile.name}"
        keys.append(Layer(rank, origin, profile.overlay, profile.places))
        parameters.append(QuotingLayer(rank, origin, profile.parameters, profile.place))
    migrated = [migrate(layer) for layer in keys]
    warnings = [line for _, lines in migrated for line in lines]
    layers = sorted((layer for layer, _ in migrated), key=lambda layer: layer.rank)
    counts = [*_profile_lines(layers, parameters), *_count_lines(path, layers, parameters)]
    return layers, to_layers(parameters), (*warnings, *counts)


def _command_line(request: ConfigRequest) -> tuple[Tree, dict[KeyPath, str], dict[str, float]]:
    tree: Tree = {}
    places: dict[KeyPath, str] = {}
    parameters: dict[str, object] = {}
    for item in request.sets:
        name, equals, text = item.partition("=")
        name = name.strip()
        if not equals or not name:
            raise ConfigError("E_CFG_PARSE", f"--set {item}", "must be KEY=VALUE")
        value = parse_scalar(text, name)
        if is_parameter(name):
            parameters[name] = value
            continue
        legacy = tuple(name.split("."))
        key = legacy if is_legacy(legacy) else split_key(name)
        put(tree, key, value)
        places[key] = f"--set {name}"
    if request.symbols:
        symbols = ("trading", "symbols")
        put(tree, symbols, list(request.symbols))
        places[symbols] = "--symbol"
    return tree, places, checked_parameters(parameters, "--set")


def _overrides_file(path: Path, profiles: Sequence[Profile]) -> QuotingLayer:
    """Parameters of an earlier session; damage stops the start unless a profile is given."""
    data = _read(path)
    values: dict[str, float] = {}
    if data is not None:
        try:
            raw = read_json(data, str(path), code="E_CFG_RUNTIME_OVERRIDES")
            values = checked_parameters(raw, str(path))
        except ConfigError:
            if not profiles:
                raise
    return QuotingLayer(_OVERRIDES, "file", values, str(path))


def _defaults() -> Layer:
    return Layer(0, "default", to_tree(AppConfig()))


def _with_derived_defaults(merged: Merged) -> Tree:
    """Fill keys whose default is the value of another key; validation sees their types later."""
    tree = merged.tree
    if not _is_set(merged, ("mux", "bands")):
        put(tree, ("mux", "bands"), get(tree, ("signals", "sigma_bands")))
    if not _is_set(merged, ("fees", "bybit", "tiers")):
        tier = {
            "level": 0,
            "maker_bps": get(tree, ("trading", "maker_fee_bps")),
            "taker_bps": get(tree, ("trading", "taker_fee_bps")),
            "req_30d_usd": 0.0,
        }
        put(tree, ("fees", "bybit", "tiers"), [tier])
    return tree


def _is_set(merged: Merged, path: KeyPath) -> bool:
    return any(said.origin != "default" for said in merged.history.get(path, ()))


def _without_default(said: tuple[Assignment, ...]) -> tuple[Assignment, ...]:
    return tuple(item for item in said if item.origin != "default")


def _place_in(layers: Sequence[Layer], path: KeyPath) -> str:
    """Where the highest layer that speaks of `path` (or of what encloses it) does so."""
    return next((place for layer in reversed(layers) if (place := layer.place(path))), "")


def _refuse_contradictions(layers: Sequence[Layer], quoting: Sequence[Layer]) -> None:
    """A key and the quoting parameter of it, set differently by one source, is a mistake."""
    for upper in quoting:
        for lower in (layer for layer in layers if layer.rank == upper.rank):
            given = dict(leaves(lower.values))
            for path, value in leaves(upper.values):
                if path in given and given[path] != value:
                    raise ConfigError(
                        "E_CFG_CONFLICT",
                        dotted(path),
                        f"is set twice: {lower.place(path)} and {upper.place(path)}",
                    )


def _profile_lines(layers: Sequence[Layer], parameters: Sequence[QuotingLayer]) -> list[str]:
    """What profiles are loaded, and which keys an overlay changes."""
    ranks = {_PROFILE_ENV, _PROFILE_CLI}
    lines = [
        f"| config | LOADED | profile={layer.origin.partition(':')[2]} |"
        for layer in sorted(parameters, key=lambda layer: layer.rank)
        if layer.rank in ranks
    ]
    below = merge([_defaults(), *(layer for layer in layers if layer.rank < _PROFILE_ENV)]).tree
    for layer in (layer for layer in layers if layer.rank in ranks):
        for path, value in leaves(layer.values):
            old = get(below, path)
            if old != value:
                lines.append(f"PROFILE_APPLY key={dotted(path)} old={old} new={value}")
    return lines


def _count_lines(
    path: Path | None, layers: Sequence[Layer], parameters: Sequence[QuotingLayer]
) -> list[str]:
    """One line for each non-empty layer."""
    if path is None:
        lines = ["| config | WARN | file=none using=defaults |"]
    else:
        lines = [f"| config | LOADED | source=file path={path} |"]
    overrides = next(layer for layer in parameters if layer.rank == _OVERRIDES)
    if overrides.values:
        count = len(overrides.values)
        lines.append(f"| config | LOADED | source=file path={overrides.place} params={count} |")
    for rank, origin in ((_ENV, "env"), (_CLI, "cli")):
        count = sum(len(list(leaves(item.values))) for item in layers if item.rank == rank)
        count += sum(len(item.values) for item in parameters if item.rank == rank)
        if count:
            lines.append(f"| config | LOADED | source={origin} params={count} |")
    return lines


def _read(path: Path) -> bytes | None:
    """The bytes of a file, None if there is none."""
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise ConfigError("E_CFG_MISSING", str(path), f"cannot be read: {reason}") from exc
    if len(data) > _MAX_BYTES:
        raise ConfigError("E_CFG_PARSE", str(path), "is larger than 1 MiB")
    return data
