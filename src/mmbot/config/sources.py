"""Reading what the configuration is made of: the one place here that reads its files.

`read_sources` collects the layers, low to high: file, ``runtime_overrides.json`` of an earlier
session, profiles, environment, command line. `mmbot.config.loader` makes a configuration of them,
as often as values change at run time, without reading anything again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mmbot.config.environment import environment_values
from mmbot.config.layer_lines import count_lines, profile_lines
from mmbot.config.legacy import is_legacy, migrate
from mmbot.config.parameter_sources import (
    CLI,
    ENV,
    OVERRIDES,
    PROFILE_CLI,
    PROFILE_ENV,
    ParameterSources,
    parameter_layers,
    parse_overrides,
    soak_layers,
)
from mmbot.config.profiles import SOAK_DEFAULTS, Profile, find_profile
from mmbot.config.quoting import QuotingLayer, checked_parameters, is_parameter
from mmbot.config.schema import split_key
from mmbot.config.tree import Layer, Tree, put
from mmbot.config.tree import Path as KeyPath
from mmbot.config.yamlfile import parse_scalar, parse_yaml
from mmbot.errors import ConfigError
from mmbot.store.runtime import artifacts_dir

__all__ = [
    "DEFAULT_PATH",
    "ConfigRequest",
    "Sources",
    "file_digest",
    "overrides_path",
    "read_file",
    "read_sources",
    "soak_config_path",
]

DEFAULT_PATH: Final = Path("config/app.yaml")
# A configuration of this size is a mistake, such as a data file.
_MAX_BYTES: Final = 1 << 20
_FILE: Final = 10


@dataclass(frozen=True, slots=True)
class ConfigRequest:
    """What to load.

    `sets` are ``KEY=VALUE`` of the command line, `symbols` replace ``trading.symbols``; `mode` live
    refuses to run on defaults. `soak` takes quoting parameters by the rules of soak, `resume` takes
    those of the interrupted run with nothing but `sets` over them.
    """

    path: Path | None = None
    profile: str | None = None
    sets: Sequence[str] = ()
    symbols: Sequence[str] = ()
    mode: str = "sim"
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    soak: bool = False
    resume: bool = False


@dataclass(frozen=True, slots=True)
class Sources:
    """The layers as read.

    `path` is the configuration file, None when there is none; `watched` is where one belongs, and
    `digest` what it held. `layers` hold keys, `parameters` quoting parameters.
    """

    request: ConfigRequest
    path: Path | None
    watched: Path
    digest: str
    profiles: tuple[Profile, ...]
    layers: tuple[Layer, ...]
    parameters: ParameterSources
    messages: tuple[str, ...]


def read_sources(request: ConfigRequest, overrides: Mapping[str, float] | None = None) -> Sources:
    """Read all layers.

    Args:
        request: what to load.
        overrides: takes the place of ``runtime_overrides.json``, for a session that wrote it.

    Raises:
        ConfigError: input that cannot be read, or that contradicts itself.
    """
    watched, path = _config_path(request)
    profiles, messages = _profiles(request)
    ranked = [
        (PROFILE_CLI if i == len(profiles) - 1 else PROFILE_ENV, profile)
        for i, profile in enumerate(profiles)
    ]
    env_tree, env_places = environment_values(request.env)
    cli_tree, cli_places, cli_parameters = _command_line(request)
    keys = [Layer(ENV, "env", env_tree, env_places), Layer(CLI, "cli", cli_tree, cli_places)]
    data = b""
    if path is not None:
        data = read_file(path) or b""
        tree, places = parse_yaml(data, str(path))
        keys.append(Layer(_FILE, "file", tree, places))
    keys += [
        Layer(rank, f"profile:{profile.name}", profile.overlay, profile.places)
        for rank, profile in ranked
    ]
    migrated = [migrate(layer) for layer in keys]
    layers = tuple(sorted((layer for layer, _ in migrated), key=lambda layer: layer.rank))
    parameters = _parameters(request, ranked, cli_parameters, overrides)
    messages += [line for _, lines in migrated for line in lines]
    messages += profile_lines(layers, parameters.layers)
    messages += count_lines(path, layers, parameters.layers)
    return Sources(
        request=request,
        path=path,
        watched=watched,
        digest=file_digest(data),
        profiles=tuple(profiles),
        layers=layers,
        parameters=parameters,
        messages=(*messages, *parameters.messages),
    )


def overrides_path(env: Mapping[str, str]) -> Path:
    """The file of quoting parameters in force, ``soak/runtime_overrides.json`` of the artifacts."""
    return artifacts_dir(env) / "soak" / "runtime_overrides.json"


def soak_config_path(env: Mapping[str, str]) -> Path:
    """The file of soak's defaults."""
    return artifacts_dir(env) / "soak" / "config.json"


def file_digest(data: bytes) -> str:
    """What tells two contents of a file apart."""
    return hashlib.sha256(data).hexdigest()


def read_file(path: Path) -> bytes | None:
    """The bytes of a file, None if there is none.

    Raises:
        ConfigError: ``E_CFG_MISSING`` when the machine refuses, ``E_CFG_PARSE`` when it is no
        configuration by its size.
    """
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


def _config_path(request: ConfigRequest) -> tuple[Path, Path | None]:
    """Resolve the file: option, then ``CONFIG_PATH``, then ``MM_CONFIG_PATH``, then the default."""
    first, second = (request.env.get(name, "") for name in ("CONFIG_PATH", "MM_CONFIG_PATH"))
    if first and second and first != second:
        raise ConfigError("E_CFG_CONFLICT", "CONFIG_PATH", "and MM_CONFIG_PATH differ")
    explicit = request.path or (Path(first or second) if first or second else None)
    path = explicit or DEFAULT_PATH
    problem = _unusable(path)
    if problem is None:
        return path, path
    if explicit is not None or request.mode == "live" or problem != "does not exist":
        raise ConfigError("E_CFG_MISSING", str(path), problem)
    return path, None


def _unusable(path: Path) -> str | None:
    """Why `path` is no file that can be read, None if it is one."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return "does not exist"
    except (OSError, ValueError) as exc:
        return f"cannot be read: {getattr(exc, 'strerror', None) or type(exc).__name__}"
    return "is a directory" if path.is_dir() else None


def _profiles(request: ConfigRequest) -> tuple[list[Profile], list[str]]:
    """The profiles in force, low to high: of one kind the option replaces the variable's."""
    messages: list[str] = []
    by_variable = _find(request, request.env.get("MM_PROFILE") or None, messages)
    by_option = _find(request, request.profile, messages)
    if by_variable is not None and by_option is not None and by_variable.kind == by_option.kind:
        by_variable = None
    return [profile for profile in (by_variable, by_option) if profile is not None], messages


def _find(request: ConfigRequest, name: str | None, messages: list[str]) -> Profile | None:
    if name is None:
        return None
    try:
        return find_profile(name, DEFAULT_PATH.parent, artifacts_dir(request.env), read_file)
    except ConfigError as exc:
        if not request.soak or exc.code != "E_PROFILE_NOT_FOUND":
            raise
    messages.append(f"| config | WARN | profile={name} not found, using defaults |")
    return None


def _parameters(
    request: ConfigRequest,
    ranked: Sequence[tuple[int, Profile]],
    cli: Mapping[str, float],
    overrides: Mapping[str, float] | None,
) -> ParameterSources:
    path = overrides_path(request.env)
    if overrides is None:
        overrides = _overrides_file(path, lenient=bool(ranked))
    layer = QuotingLayer(OVERRIDES, "file", overrides, str(path))
    if not request.soak:
        return parameter_layers(overrides=layer, profiles=ranked, env=request.env, cli=cli)
    soak = soak_config_path(request.env)
    data = read_file(soak)
    return soak_layers(
        defaults=SOAK_DEFAULTS if data is None else parse_overrides(data, str(soak)),
        overrides=layer,
        profiles=ranked,
        env=request.env,
        cli=cli,
        resume=request.resume,
    )


def _overrides_file(path: Path, *, lenient: bool) -> dict[str, float]:
    """Parameters of an earlier session; damage stops the start unless a profile is given."""
    data = read_file(path)
    try:
        return {} if data is None else parse_overrides(data, str(path))
    except ConfigError:
        if not lenient:
            raise
    return {}


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
