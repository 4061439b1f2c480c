"""What a change of the running configuration may do: pure decisions, no IO.

Three kinds of change reach a session: a reload of the sources, a patch of single keys, and new
runtime values as a whole (a rollback). Each is planned on the configuration in force and gives the
one that would follow, or an error and nothing. Hot keys change together or not at all; other keys
keep the value they were started with and are reported.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from mmbot.config.app import AppConfig
from mmbot.config.loader import LoadedConfig, build, validated
from mmbot.config.quoting import BASE, PARAMETERS, is_parameter, parameter_of
from mmbot.config.schema import KeyInfo, all_keys, key_info, split_key
from mmbot.config.sources import Sources
from mmbot.config.tree import Assignment, Path, Tree, dotted, get, put, to_tree
from mmbot.errors import ConfigError

__all__ = [
    "ConfigChange",
    "InForce",
    "Plan",
    "key_values",
    "plan_patch",
    "plan_reload",
    "plan_runtime",
    "plan_values",
]

_REBALANCING: Final = ("portfolio.", "allocator.", "fees.")
_DELTA: Final = "_delta"

_History = dict[Path, tuple[Assignment, ...]]


@dataclass(frozen=True, slots=True)
class InForce:
    """The configuration in force and what it was made of.

    `base` is what `sources` alone give; `runtime` are the values laid over it since, by registered
    key.
    """

    sources: Sources
    base: LoadedConfig
    loaded: LoadedConfig
    runtime: Mapping[str, object] = field(default_factory=dict)

    @property
    def config(self) -> AppConfig:
        """The configuration in force."""
        return self.loaded.config


@dataclass(frozen=True, slots=True)
class Plan:
    """A change that may be made: `changed` keys would apply, `needs_restart` keys would not."""

    before: InForce
    after: InForce
    changed: tuple[str, ...]
    needs_restart: tuple[str, ...]
    origin: str
    reason: str
    iteration: int | None = None

    def pairs(self) -> dict[str, tuple[object, object]]:
        """Old and new value of every changed key."""
        old, new = key_values(self.before.config), key_values(self.after.config)
        return {key: (old[key], new[key]) for key in self.changed}

    def pending(self) -> dict[str, tuple[object, object]]:
        """Value in force and value in the sources of every key that needs a restart."""
        old, new = key_values(self.before.config), key_values(self.after.base.config)
        return {key: (old[key], new[key]) for key in self.needs_restart}


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """One parameter-change event for the engine: everything in it applies at one event boundary.

    `version` counts the changes; `old` and `new` are whole configurations; `changed_keys` differ
    between them; `needs_restart` differ between `new` and the sources. `origin` says who asked.
    """

    version: int
    old: AppConfig
    new: AppConfig
    changed_keys: tuple[str, ...]
    needs_restart: tuple[str, ...]
    origin: str
    reason: str

    @property
    def forces_rebalance(self) -> bool:
        """Whether the allocator must run at the next scheduler tick."""
        return any(key.startswith(_REBALANCING) for key in self.changed_keys)

    @property
    def replaces_windows(self) -> bool:
        """Whether trading windows are replaced, which counts as a reload of the scheduler."""
        return any(key.startswith("scheduler.") for key in self.changed_keys)


def key_values(config: AppConfig) -> dict[str, object]:
    """The plain value of every registered key."""
    tree = to_tree(config)
    return {key: get(tree, info.path) for key, info in all_keys().items()}


def plan_reload(in_force: InForce, sources: Sources, *, reason: str) -> Plan:
    """Plan to take over `sources`.

    Runtime values stay, except those of keys whose value in the sources has changed.

    Raises:
        ConfigError: what is wrong with the sources, or with their hot keys over the values in
        force.
    """
    base = build(sources)
    before, after = key_values(in_force.base.config), key_values(base.config)
    kept = {key: value for key, value in in_force.runtime.items() if before[key] == after[key]}
    return _plan(in_force, sources, base, kept, origin="reload", reason=reason)


def plan_patch(
    in_force: InForce,
    values: Mapping[str, object],
    *,
    origin: str,
    reason: str,
    sections: Collection[str] = (),
    iteration: int | None = None,
) -> Plan:
    """Plan to set single keys: dotted keys, quoting parameters or their deltas.

    Args:
        in_force: the present state.
        values: name to plain value; an entry of a mapping leaves the other entries as they are.
        origin: who asks: ``admin``, ``tuner``, ``block``.
        reason: why, for the history.
        sections: sections that may change although they are not hot, for the parts of the program
            that own them.
        iteration: iteration of a soak run.

    Raises:
        ConfigError: ``E_CFG_UNKNOWN_KEY``, ``E_CFG_IMMUTABLE``, or what validation finds; nothing
        is applied then.
    """
    runtime = dict(in_force.runtime)
    current = key_values(in_force.config)
    for name, given in values.items():
        key, value = _resolved(in_force, name, given)
        path = split_key(key)
        info = key_info(path)
        assert info is not None
        if not info.hot and info.path[0] not in sections:
            raise ConfigError("E_CFG_IMMUTABLE", key, "is fixed while the program runs")
        whole = dotted(info.path)
        runtime[whole] = _laid_into(runtime.get(whole, current[whole]), info, path, value)
    return _plan(
        in_force,
        in_force.sources,
        in_force.base,
        runtime,
        origin=origin,
        reason=reason,
        iteration=iteration,
    )


def plan_runtime(
    in_force: InForce, runtime: Mapping[str, object], *, origin: str, reason: str
) -> Plan:
    """Plan to put `runtime` in the place of all runtime values.

    Values that the sources give anyway are left out. Keys that are neither hot nor changed at run
    time already are refused.

    Raises:
        ConfigError: as `plan_patch`.
    """
    given = key_values(in_force.base.config)
    kept: dict[str, object] = {}
    for key, value in runtime.items():
        path = split_key(key)
        info = key_info(path)
        assert info is not None
        if info.path != path:
            raise ConfigError("E_CFG_UNKNOWN_KEY", key, "is an entry: give the whole mapping")
        if not info.hot and key not in in_force.runtime:
            raise ConfigError("E_CFG_IMMUTABLE", key, "is fixed while the program runs")
        if value != given[key]:
            kept[key] = value
    return _plan(in_force, in_force.sources, in_force.base, kept, origin=origin, reason=reason)


def plan_values(
    in_force: InForce, target: Mapping[str, object], *, origin: str, reason: str
) -> Plan:
    """Plan to return to the values of an earlier version, as far as they may change now."""
    runtime = {
        key: target[key]
        for key, info in all_keys().items()
        if key in target and (info.hot or key in in_force.runtime)
    }
    plan = plan_runtime(in_force, runtime, origin=origin, reason=reason)
    now = key_values(plan.after.config)
    fixed = [key for key in target if key in now and now[key] != target[key]]
    return replace(plan, needs_restart=tuple(sorted({*plan.needs_restart, *fixed})))


def _plan(
    in_force: InForce,
    sources: Sources,
    base: LoadedConfig,
    runtime: Mapping[str, object],
    *,
    origin: str,
    reason: str,
    iteration: int | None = None,
) -> Plan:
    candidate = build(sources, runtime) if runtime else base
    tree = to_tree(in_force.config)
    old, new = key_values(in_force.config), key_values(candidate.config)
    changed: list[str] = []
    pending: list[str] = []
    history = dict(in_force.loaded.history)
    for key, info in all_keys().items():
        is_free_to_change = info.hot or key in runtime or key in in_force.runtime
        if is_free_to_change:
            _adopt(history, candidate.history, info.path)
        if old[key] == new[key]:
            continue
        if is_free_to_change:
            put(tree, info.path, new[key])
            changed.append(key)
        else:
            pending.append(key)
    loaded = replace(
        candidate,
        config=_combined(tree, candidate, sources),
        history=history,
        overridden=candidate.overridden or any(parameter_of(key) for key in runtime),
    )
    return Plan(
        before=in_force,
        # As validated: symbols in upper case, whole numbers of a fractional key as fractions.
        after=InForce(sources, base, loaded, {key: new[key] for key in runtime}),
        changed=tuple(sorted(changed)),
        needs_restart=tuple(sorted(pending)),
        origin=origin,
        reason=reason,
        iteration=iteration,
    )


def _combined(tree: Tree, candidate: LoadedConfig, sources: Sources) -> AppConfig:
    """Validate hot keys over the values in force of all others, which no layer says together."""

    def place_of(path: Path) -> str:
        said = candidate.history.get(path, ())
        return said[-1].place if said else ""

    env = sources.request.env.get("MM_ENV") or "dev"
    config, problems = validated(tree, place_of, env=env)
    if config is None or problems:
        raise problems[0]
    return config


def _adopt(history: _History, other: Mapping[Path, tuple[Assignment, ...]], prefix: Path) -> None:
    """Take what `other` says about the leaves at and below `prefix`."""
    depth = len(prefix)
    for leaf in [leaf for leaf in history if leaf[:depth] == prefix]:
        del history[leaf]
    history.update({leaf: said for leaf, said in other.items() if leaf[:depth] == prefix})


def _resolved(in_force: InForce, name: str, value: object) -> tuple[str, object]:
    """The dotted key and value that `name` means: it may be a quoting parameter or its delta."""
    if not is_parameter(name):
        return name, value
    parameter = name.removesuffix(_DELTA)
    key = dotted(PARAMETERS[parameter].path)
    if parameter == name:
        return key, value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError("E_CFG_TYPE", name, f"must be a number, not {value!r}")
    base = in_force.base.parameters.get(parameter, BASE[parameter])
    total = round(base + value, 10)
    return key, round(total) if PARAMETERS[parameter].integer else total


def _laid_into(current: object, info: KeyInfo, path: Path, value: object) -> object:
    """The whole value of the key that `path` lies in, with `value` at `path`."""
    inner = path[len(info.path) :]
    if not inner:
        if isinstance(value, Mapping) and isinstance(current, Mapping):
            return _merged(current, value)
        return value
    tree: Tree = {}
    put(tree, inner, value)
    return _merged(current if isinstance(current, Mapping) else {}, tree)


def _merged(below: Mapping[str, object], upper: Mapping[str, object]) -> Tree:
    result: Tree = dict(below)
    for name, value in upper.items():
        under = result.get(name)
        if isinstance(value, Mapping) and isinstance(under, Mapping):
            result[name] = _merged(under, value)
        else:
            result[name] = value
    return result
