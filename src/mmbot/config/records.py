"""What a session leaves on disk about its configuration.

Before a change: ``runtime_overrides.json`` and ``runtime_values.json``, so that neither a crash nor
an operator finds values that are not in force. After it: the version and ``applied_profile.json``,
which are reports and must not stop a change.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping

from mmbot.clock import artifact_utc
from mmbot.config.applied_profile import Adjustment, adjustments, applied_profile
from mmbot.config.changes import ConfigChange, InForce, Plan
from mmbot.config.overrides import OverridesFile
from mmbot.config.parameter_sources import OVERRIDES
from mmbot.config.profiles import SOAK_PROFILES
from mmbot.config.quoting import effective, moved, parameter_of
from mmbot.config.soak_library import materialise
from mmbot.config.sources import Sources, overrides_path
from mmbot.config.tree import to_tree
from mmbot.config.versions import OPERATOR, SESSION, ConfigVersion, RuntimeValues, VersionStore
from mmbot.errors import ConfigError, StoreError
from mmbot.store.artifacts import write_json
from mmbot.store.runtime import artifacts_dir

__all__ = ["SessionRecords", "parameters_in_force"]


def parameters_in_force(state: InForce) -> dict[str, float]:
    """The quoting parameters and deltas named by any layer or set since, as one flat mapping."""
    values = effective(to_tree(state.config))
    names = [name for key in state.runtime if (name := parameter_of(key)) is not None]
    return moved(state.base.parameters, {name: values[name] for name in names})


class SessionRecords:
    """The files of one session.

    Args:
        state: the state at the start.
        log: takes marker lines.
    """

    def __init__(self, state: InForce, log: Callable[[str], None]) -> None:
        self._log = log
        self._env = state.sources.request.env
        self._artifacts = artifacts_dir(self._env)
        self._overrides = OverridesFile(overrides_path(self._env), _overrides_layer(state.sources))
        self._adjustments: list[Adjustment] = []
        self._values_seen: bytes | None = None
        self._blocked_by: Mapping[str, int] = {}
        self.store = VersionStore(self._artifacts)

    def start(self, state: InForce) -> int:
        """Record the start; return its version.

        Raises:
            StoreError: ``E_STORE_DISK``.
        """
        soak = state.sources.request.soak
        used = [profile.name for profile in state.sources.profiles if profile.place == "built-in"]
        materialise(self._artifacts, tuple(SOAK_PROFILES) if soak else used, defaults=soak)
        if state.loaded.parameters:
            self._overrides.write(state.loaded.parameters)
            self._log(f"| config | SAVED | path={overrides_path(self._env)} |")
        version = self.next_version(0)
        self.write_values(state, version, "start")
        self.store.write(self.version_of(state, version, "start", "start"))
        self.write_profile(state)
        return version

    def next_version(self, current: int) -> int:
        """The number after `current`; sessions that share a directory share the numbering."""
        return max([current, *self.store.numbers()]) + 1

    def edited_overrides(self) -> dict[str, float]:
        """``runtime_overrides.json`` as a layer for a reload (`OverridesFile.source`)."""
        return self._overrides.source()

    def persist(self, plan: Plan, version: int) -> None:
        """Write what must be true before the change is; undo the first file if the second fails.

        Raises:
            StoreError: ``E_STORE_DISK``; both files are as they were.
        """
        parameters, earlier = parameters_in_force(plan.after), self._overrides.written
        if parameters != parameters_in_force(plan.before):
            self._overrides.write(parameters)
        if plan.changed or dict(plan.after.runtime) != dict(plan.before.runtime):
            try:
                self.write_values(plan.after, version, plan.reason)
            except StoreError:
                with contextlib.suppress(StoreError):
                    self._overrides.write(earlier)
                raise
        self._overrides.adopt(_overrides_layer(plan.after.sources))

    def report(self, plan: Plan, change: ConfigChange) -> None:
        """Tell what has happened. The change stands even if the disk takes no report of it."""
        found = adjustments(
            effective(to_tree(change.old)),
            effective(to_tree(change.new)),
            iteration=plan.iteration,
            reason=plan.reason,
            ts=artifact_utc(self._env),
        )
        self._adjustments += found
        if plan.origin != "reload":
            keys = ",".join(plan.changed)
            self._log(
                f"| config | CHANGED | version={change.version} origin={plan.origin} keys={keys} |"
            )
        for item in found:
            self._log(
                f"| runtime_adjust | OK | FIELD={item.field} FROM={item.old} TO={item.new} "
                f"REASON={item.reason} |"
            )
        record = self.version_of(
            plan.after,
            change.version,
            plan.origin,
            plan.reason,
            changed=plan.changed,
            needs_restart=plan.needs_restart,
        )
        try:
            self.store.write(record)
            self.write_profile(plan.after)
        except StoreError as exc:
            self._log(f"| config | ERROR | {exc} |")

    def values_from_outside(self, state: InForce, version: int) -> RuntimeValues | None:
        """Runtime values that somebody else has put down since, None if nobody has.

        Raises:
            ConfigError: ``E_CFG_RUNTIME_OVERRIDES`` when they are damaged, ``E_CFG_CONFLICT`` when
            they were made for another version.
            StoreError: ``E_STORE_DISK``.
        """
        data, given = self.store.read_values()
        if data == self._values_seen:
            return None
        self._values_seen = data
        if given is None:
            # Removed, not emptied: nobody asked for anything.
            self.write_values(state, version, "removed")
        elif given.writer != OPERATOR:
            # Another session of the same directory; answering it would never end.
            return None
        elif given.version != version:
            raise ConfigError(
                "E_CFG_CONFLICT",
                "runtime_values.json",
                f"was made for version {given.version}, in force is {version}",
            )
        return given

    def refuse_values(self, state: InForce, version: int, error: Exception) -> None:
        """Put the values in force back, with the reason of the refusal."""
        with contextlib.suppress(StoreError):
            self.write_values(state, version, "refused", str(error))

    def write_values(
        self, state: InForce, version: int, reason: str, error: str | None = None
    ) -> None:
        """Write ``runtime_values.json``.

        Raises:
            StoreError: ``E_STORE_DISK``.
        """
        record = RuntimeValues(
            version=version,
            values=dict(state.runtime),
            reason=reason,
            utc=artifact_utc(self._env),
            writer=SESSION,
            error=error,
        )
        self._values_seen = self.store.write_values(record)

    def version_of(
        self,
        state: InForce,
        version: int,
        origin: str,
        reason: str,
        *,
        changed: tuple[str, ...] = (),
        needs_restart: tuple[str, ...] = (),
    ) -> ConfigVersion:
        """The record of `state` as a version."""
        return ConfigVersion.of(
            state,
            parameters_in_force(state),
            version=version,
            utc=artifact_utc(self._env),
            origin=origin,
            reason=reason,
            changed=changed,
            needs_restart=needs_restart,
        )

    def write_profile(self, state: InForce, blocked_by: Mapping[str, int] | None = None) -> None:
        """Write ``applied_profile.json``; without `blocked_by` it keeps the counts it had.

        Raises:
            StoreError: ``E_STORE_DISK``.
        """
        if blocked_by is not None:
            self._blocked_by = dict(blocked_by)
        body = applied_profile(
            state.loaded, self._overrides.written, self._adjustments, self._blocked_by
        )
        write_json(self._artifacts / "soak" / "applied_profile.json", body, dp=10)


def _overrides_layer(sources: Sources) -> Mapping[str, float]:
    """What ``runtime_overrides.json`` gave to `sources`."""
    layers = sources.parameters.layers
    return next((layer.values for layer in layers if layer.rank == OVERRIDES), {})
