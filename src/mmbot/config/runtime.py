"""The configuration of a running session: the one shell that reads, writes and switches it.

`RuntimeConfig` decides nothing: `mmbot.config.changes` plans a change on the state in force,
`commit` writes what must survive a crash (`mmbot.config.records`), switches the state in one step
and gives the event that the engine takes at one event boundary. `poll` looks for an asked reload
(SIGHUP), for another content of the configuration file, and for runtime values that an operator has
put down. Whatever is wrong with any of them, the configuration in force stays.
"""

from __future__ import annotations

import contextlib
import signal
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from types import FrameType
from typing import Final

from mmbot.clock import monotonic_ns
from mmbot.config.app import AppConfig
from mmbot.config.block_adjustment import IntervalRaise
from mmbot.config.changes import (
    ConfigChange,
    InForce,
    Plan,
    plan_patch,
    plan_reload,
    plan_runtime,
    plan_values,
)
from mmbot.config.filewatch import FileWatch
from mmbot.config.loader import LoadedConfig, build
from mmbot.config.overrides import set_aside_if_corrupt
from mmbot.config.records import SessionRecords
from mmbot.config.sources import ConfigRequest, Sources, overrides_path, read_sources
from mmbot.errors import ConfigError, StoreError

__all__ = ["POLL_NS", "RuntimeConfig", "check_start"]

POLL_NS: Final = 1_000_000_000
"""Time between two looks at the files."""

_HISTORY: Final = 256

Log = Callable[[str], None]


def check_start(request: ConfigRequest, log: Log) -> tuple[Sources, LoadedConfig]:
    """Read and validate for a start, which sets a damaged ``runtime_overrides.json`` aside.

    Raises:
        ConfigError: what keeps the session from starting; ``E_CFG_RUNTIME_OVERRIDES`` for the
        damaged file, unless a profile is given.
    """
    damage = set_aside_if_corrupt(overrides_path(request.env), request.env, log)
    sources = read_sources(request)
    if damage is not None and not sources.profiles:
        raise damage
    return sources, build(sources)


class RuntimeConfig:
    """The configuration in force, its version and its history; not for several threads at once.

    Making one records the state as the session's first version. `reload_total` counts reloads by
    result.
    """

    def __init__(self, state: InForce, log: Log) -> None:
        self._state = state
        self._log = log
        self._records = SessionRecords(state, log)
        self._watch = FileWatch(state.sources.watched)
        self._next_poll_ns = 0
        self._asked = ""
        self.version = self._records.start(state)
        self.baseline = self._records.version_of(state, self.version, "start", "start")
        self.history: deque[ConfigChange] = deque(maxlen=_HISTORY)
        self.reload_total = {"ok": 0, "failed": 0}

    @staticmethod
    def load(request: ConfigRequest, log: Log) -> InForce:
        """Load the configuration of a session and write nothing yet: the start may still fail.

        Args:
            request: what to load; reloads load the same again.
            log: takes marker lines.

        Raises:
            ConfigError: what keeps the session from starting.
        """
        sources, loaded = check_start(request, log)
        for line in loaded.messages:
            log(line)
        return InForce(sources, loaded, loaded)

    @classmethod
    def start(cls, request: ConfigRequest, log: Log) -> RuntimeConfig:
        """`load`, and record it as the session's first version.

        Raises:
            ConfigError: what keeps the session from starting.
            StoreError: ``E_STORE_DISK`` when the record cannot be written.
        """
        return cls(cls.load(request, log), log)

    @property
    def config(self) -> AppConfig:
        """The configuration in force."""
        return self._state.config

    @property
    def loaded(self) -> LoadedConfig:
        """The configuration in force with the origin of each value."""
        return self._state.loaded

    @property
    def state(self) -> InForce:
        """What changes are planned on."""
        return self._state

    def plan_reload(self, reason: str) -> Plan:
        """Read the sources again and plan what would follow.

        Raises:
            ConfigError: what is wrong with them.
        """
        known = self._state.sources
        # A file that has gone must not turn a session that had one over to the defaults.
        request = known.request if known.path is None else replace(known.request, path=known.path)
        sources = read_sources(request, self._records.edited_overrides())
        return plan_reload(self._state, sources, reason=reason)

    def reload(self, reason: str) -> ConfigChange | None:
        """Read the sources again and apply what may change; None when nothing in force differs.

        Raises:
            ConfigError: the configuration in force stays; the failure is counted and logged.
            StoreError: likewise.
        """
        try:
            plan = self.plan_reload(reason)
            change = self.commit(plan)
        except (ConfigError, StoreError) as exc:
            self.count_failed_reload(exc)
            raise
        return change

    def count_failed_reload(self, error: ConfigError | StoreError) -> None:
        """Count and log a reload that failed; for callers that plan and commit themselves."""
        self.reload_total["failed"] += 1
        self._log(f"| config | ERROR | {error} |")

    def patch(
        self,
        values: Mapping[str, object],
        *,
        origin: str,
        reason: str,
        sections: Collection[str] = (),
        iteration: int | None = None,
    ) -> ConfigChange | None:
        """Set keys at run time: all of them, or none and an error (`plan_patch`).

        Raises:
            ConfigError: the configuration in force stays.
            StoreError: likewise.
        """
        return self.commit(
            plan_patch(
                self._state,
                values,
                origin=origin,
                reason=reason,
                sections=sections,
                iteration=iteration,
            )
        )

    def raise_interval(
        self, found: IntervalRaise, iteration: int | None = None
    ) -> ConfigChange | None:
        """Apply what a window of blocks asks for, and say so."""
        change = self.patch(
            {"min_interval_ms": found.new_ms},
            origin="block",
            reason=found.reason,
            iteration=iteration,
        )
        self._log(found.marker)
        return change

    def plan_rollback(self, number: int | None = None) -> Plan:
        """Plan to return to a version; to the baseline when no number is given.

        Raises:
            ConfigError: ``E_CFG_MISSING`` when there is no such version.
        """
        target = self.baseline if number is None else self._records.store.read(number)
        reason = f"rollback to {target.version}"
        return plan_values(self._state, target.values, origin="rollback", reason=reason)

    def mark_baseline(self) -> None:
        """Make the configuration in force what `plan_rollback` returns to."""
        self.baseline = self._records.version_of(self._state, self.version, "baseline", "baseline")

    def commit(self, plan: Plan) -> ConfigChange | None:
        """Make a plan true; None when nothing in force differs.

        What must survive is written first; if that fails nothing changes.

        Raises:
            StoreError: ``E_STORE_DISK``.
        """
        assert plan.before is self._state
        change = self._change(plan)
        self._records.persist(plan, self.version if change is None else change.version)
        self._state = plan.after
        if plan.origin == "reload":
            self._reloaded(plan)
        if change is not None:
            self.version = change.version
            self.history.append(change)
            self._records.report(plan, change)
        return change

    def ask_reload(self, reason: str) -> None:
        """Let the next `poll` reload; safe to call from a signal handler."""
        self._asked = reason

    @contextlib.contextmanager
    def on_sighup(self) -> Iterator[None]:
        """Reload on SIGHUP while the block runs, where the platform knows it; main thread only."""
        number = getattr(signal, "SIGHUP", None)
        if number is None:
            yield
            return

        def ask(_number: int, _frame: FrameType | None) -> None:
            self.ask_reload("sighup")

        previous = signal.signal(number, ask)
        try:
            yield
        finally:
            signal.signal(number, previous)

    def poll(self, now_ns: int | None = None) -> list[ConfigChange]:
        """Take over what has changed outside; call it as often as convenient.

        Args:
            now_ns: time of the session's monotonic clock; files are looked at once a second.

        Returns:
            The changes made, in order. Errors are logged, never raised.
        """
        now_ns = monotonic_ns() if now_ns is None else now_ns
        asked, self._asked = self._asked, ""
        due = now_ns >= self._next_poll_ns
        if due:
            self._next_poll_ns = now_ns + POLL_NS
        steps: list[Callable[[], ConfigChange | None]] = []
        if asked:
            steps.append(lambda: self.reload(asked))
        if due and self._watch.has_settled(self._state.sources.digest):
            steps.append(lambda: self.reload("file"))
        if due:
            steps.append(self._take_values)
        changes = []
        for step in steps:
            # Logged where it was found; the session goes on with what it has.
            with contextlib.suppress(ConfigError, StoreError):
                changes.append(step())
        return [change for change in changes if change is not None]

    def report(self, blocked_by: Mapping[str, int]) -> None:
        """Write ``applied_profile.json`` with block counts of the session, as it ends for example.

        Raises:
            StoreError: ``E_STORE_DISK``.
        """
        self._records.write_profile(self._state, blocked_by)

    def _change(self, plan: Plan) -> ConfigChange | None:
        if not plan.changed:
            return None
        return ConfigChange(
            version=self._records.next_version(self.version),
            old=plan.before.config,
            new=plan.after.config,
            changed_keys=plan.changed,
            needs_restart=plan.needs_restart,
            origin=plan.origin,
            reason=plan.reason,
        )

    def _reloaded(self, plan: Plan) -> None:
        self.reload_total["ok"] += 1
        keys = ",".join(plan.changed)
        pending = ",".join(plan.needs_restart) or "none"
        self._log(
            f"| config | RELOADED | changed={len(plan.changed)} keys={keys} "
            f"needs_restart={pending} |"
        )

    def _take_values(self) -> ConfigChange | None:
        """Take over runtime values that somebody else has put down, or say no to them."""
        try:
            given = self._records.values_from_outside(self._state, self.version)
            if given is None:
                return None
            plan = plan_runtime(self._state, given.values, origin="rollback", reason=given.reason)
            change = self.commit(plan)
            if change is None:
                self._records.write_values(self._state, self.version, given.reason)
        except (ConfigError, StoreError) as exc:
            self._log(f"| config | ERROR | {exc} |")
            self._records.refuse_values(self._state, self.version, exc)
            raise
        return change
