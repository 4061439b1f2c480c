"""Making the configuration: layers are merged, derived defaults filled in, the whole is frozen.

`load_config` and `check_config` read the sources first; `build` takes sources that were read and
lays runtime values over them, so that a change at run time neither reads a file nor the
environment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from mmbot.config.app import AppConfig
from mmbot.config.invariants import violations
from mmbot.config.problems import translate
from mmbot.config.quoting import to_layers
from mmbot.config.schema import split_key
from mmbot.config.sources import DEFAULT_PATH, ConfigRequest, Sources, read_sources
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
from mmbot.errors import ConfigError
from mmbot.redact import is_secret_key

__all__ = [
    "DEFAULT_PATH",
    "ConfigRequest",
    "LoadedConfig",
    "build",
    "check_config",
    "load_config",
    "validated",
]

# Keys that follow other keys as long as no layer sets them.
_BANDS: Final = ("mux", "bands")
_TIERS: Final = ("fees", "bybit", "tiers")
_NO_RUNTIME: Mapping[str, object] = {}


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """The configuration in force and where each value comes from.

    `history` holds the assignments of every leaf, lowest layer first; `messages` are the marker
    and warning lines that the command line shows; `parameters` are the quoting parameters and
    deltas that any layer names, as requested, and `overridden` says whether anything but a profile
    names one.
    """

    config: AppConfig
    path: Path | None
    history: Mapping[KeyPath, tuple[Assignment, ...]]
    messages: tuple[str, ...]
    profiles: tuple[str, ...]
    parameters: Mapping[str, float] = field(default_factory=dict)
    overridden: bool = False

    def origin(self, path: KeyPath) -> str:
        """The layer of the value in force: default, file, profile:<name>, env, cli, runtime."""
        said = self.history.get(path, ())
        return said[-1].origin if said else "default"

    def said_of(self, key: str) -> Assignment | None:
        """The word that holds on a line of `describe`; a row of a list belongs to its list."""
        try:
            path = split_key(key)
        except ConfigError:
            path = tuple(key.split(".")[:-2])
        said = self.history.get(path, ())
        return said[-1] if said else None

    def origin_of(self, key: str) -> str:
        """The layer of a line of `describe`."""
        said = self.said_of(key)
        return "default" if said is None else said.origin


def load_config(request: ConfigRequest) -> LoadedConfig:
    """Load, validate and freeze.

    Raises:
        ConfigError: the first problem, in the order of the keys.
    """
    return build(read_sources(request))


def check_config(request: ConfigRequest) -> tuple[LoadedConfig | None, list[ConfigError]]:
    """Load and report every problem of values and keys at once; unreadable input still raises."""
    return _check(read_sources(request), _NO_RUNTIME)


def build(sources: Sources, runtime: Mapping[str, object] = _NO_RUNTIME) -> LoadedConfig:
    """Make the configuration of `sources` with `runtime` values over them.

    Args:
        sources: the layers as read.
        runtime: dotted key to plain value; a mapping takes the place of the one below it.

    Raises:
        ConfigError: the first problem, in the order of the keys.
    """
    loaded, problems = _check(sources, runtime)
    if loaded is None or problems:
        raise problems[0]
    return loaded


def validated(
    tree: Tree, place_of: Callable[[KeyPath], str], *, env: str
) -> tuple[AppConfig | None, list[ConfigError]]:
    """Validate a whole tree; `place_of` tells where a key was set, `env` is `MM_ENV`."""
    try:
        config = AppConfig.model_validate(tree)
    except ValidationError as exc:
        return None, translate(exc, place_of)
    return config, [_placed(error, place_of) for error in violations(config, env=env)]


def _placed(error: ConfigError, place_of: Callable[[KeyPath], str]) -> ConfigError:
    place = place_of(tuple(error.key.split(".")))
    return ConfigError(error.code, error.key, f"{error.message} ({place})") if place else error


def _check(
    sources: Sources, runtime: Mapping[str, object]
) -> tuple[LoadedConfig | None, list[ConfigError]]:
    layers, quoting = sources.layers, to_layers(sources.parameters.layers)
    _refuse_contradictions(layers, quoting)
    merged = _with_runtime_values(merge([_defaults(), *layers, *quoting]), runtime)
    tree = _with_derived_defaults(merged)
    problems = [error for layer in layers for error in _secrets_in(layer)]
    if sources.path is not None and not _is_set(merged, ("trading", "symbols")):
        message = f"must be given ({sources.path})"
        problems.append(ConfigError("E_CFG_MISSING", "trading.symbols", message))

    def place_of(key: KeyPath) -> str:
        outer = key
        while outer and outer not in merged.history:
            outer = outer[:-1]
        return (merged.history[outer][-1].place if outer else "") or _place_in(layers, key)

    env = sources.request.env.get("MM_ENV") or "dev"
    config, found = validated(tree, place_of, env=env)
    problems += _without_echoes(found, merged)
    if config is None:
        return None, problems
    return LoadedConfig(
        config=config,
        path=sources.path,
        history={path: _without_default(said) for path, said in merged.history.items()},
        messages=sources.messages,
        profiles=tuple(profile.name for profile in sources.profiles),
        parameters=sources.parameters.requested,
        overridden=sources.parameters.overridden,
    ), problems


def _secrets_in(layer: Layer) -> list[ConfigError]:
    """Secrets come from the environment or from secret files, never from a configuration."""
    message = "is a secret, which belongs into the environment or into a secret file"
    return [
        ConfigError("E_CFG_SECRET", dotted(path), f"{message} ({layer.place(path)})")
        for path, _ in leaves(layer.values)
        if is_secret_key(path[-1])
    ]


def _defaults() -> Layer:
    return Layer(0, "default", to_tree(AppConfig()))


def _with_runtime_values(merged: Merged, runtime: Mapping[str, object]) -> Merged:
    """Runtime values replace, also where they are mappings: a rollback must take entries away."""
    history = dict(merged.history)
    for key, value in runtime.items():
        path = split_key(key)
        put(merged.tree, path, value)
        inside = [leaf for leaf in history if leaf[: len(path)] == path]
        given = leaves(value, path) if isinstance(value, dict) and value else [(path, value)]
        said = {leaf: (*history.get(leaf, ()), Assignment("runtime", "", v)) for leaf, v in given}
        for leaf in inside:
            del history[leaf]
        history |= said
    return Merged(merged.tree, history)


def _with_derived_defaults(merged: Merged) -> Tree:
    """Fill keys whose default is the value of another key; validation sees their types later."""
    tree = merged.tree
    if not _is_set(merged, _BANDS):
        put(tree, _BANDS, get(tree, ("signals", "sigma_bands")))
    if not _is_set(merged, _TIERS):
        tier = {
            "level": 0,
            "maker_bps": get(tree, ("trading", "maker_fee_bps")),
            "taker_bps": get(tree, ("trading", "taker_fee_bps")),
            "req_30d_usd": 0.0,
        }
        put(tree, _TIERS, [tier])
    return tree


def _without_echoes(problems: list[ConfigError], merged: Merged) -> list[ConfigError]:
    """A wrong value is wrong in the keys derived from it too; only its own key helps."""
    derived = tuple(dotted(path) for path in (_BANDS, _TIERS) if not _is_set(merged, path))
    return [error for error in problems if not error.key.startswith(derived)] or problems


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
