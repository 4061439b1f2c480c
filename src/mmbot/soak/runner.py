"""The shell of a soak run: trade a window, let the pure modules decide, make it durable.

Per iteration: check the parameter file, push parameters (warm-up overlay included), trade, write
the measurement, evaluate, and pass the stages of `mmbot.soak.stages`. The runner has no opinion
about parameters. Whatever fails, orders are cancelled before the error leaves.
"""

from __future__ import annotations

import cProfile
import marshal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from mmbot import clock
from mmbot.soak.books import RunBooks
from mmbot.soak.iteration import Evaluated, IterationFacts, evaluate, finish
from mmbot.soak.markers import applied_lines, decision_lines, mark, settled_lines, verdict_lines
from mmbot.soak.models import Phase, TunerSettings
from mmbot.soak.overrides import (
    StartValues,
    applied_profile,
    file_hash,
    overrides_bytes,
    read_overrides,
)
from mmbot.soak.parameters import TUNABLES, Values, effective, unusable
from mmbot.soak.paths import move_corrupt
from mmbot.soak.records import adjustments, gate_record, requested_after
from mmbot.soak.settle import COOLDOWN_ITERATIONS, withdrawn
from mmbot.soak.source import (
    EngineCrashError,
    EngineParameters,
    IterationSource,
    WindowRequest,
    WindowResult,
    parameters_digest,
)
from mmbot.soak.stages import Stage
from mmbot.soak.state import TuningState
from mmbot.soak.tuner import Refinement
from mmbot.soak.warmup import overlaid, phase_of, strength
from mmbot.store.artifacts import write_bytes
from mmbot.units import NS_PER_SEC

__all__ = ["DATA_END", "DayGuard", "Refiner", "RunPlan", "RunView", "SoakRunner", "Stopped"]

DATA_END: Final = "data_end"
"""Reason of a run that ends because its recording does: judged as it stands."""

_PAUSE_STEP_NS: Final = NS_PER_SEC // 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """Options of a run that the loop needs; `pause_sec` is slept between iterations."""

    run_id: str
    iterations: int
    window_sec: float
    pause_sec: float = 0.0
    auto_tune: bool = False
    warmup: bool = False
    timeout_sec: float = 1200.0
    profile_iterations: bool = False


@dataclass(frozen=True, slots=True)
class Stopped:
    """Why a run ended before its last iteration."""

    reason: str
    aborted: bool


Refiner = Callable[[list[dict[str, Any]]], Refinement]
"""Learns from the records of finished iterations."""


class RunView(Protocol):
    """Where lines and finished iterations are shown."""

    def line(self, text: str) -> None:
        """Show one marker line."""
        ...

    def finished(self, outcome: Mapping[str, Any]) -> None:
        """Show a finished iteration."""
        ...


class DayGuard(Protocol):
    """Looks at the day so far after an iteration."""

    def standing(self) -> str | None:
        """The reason for which the present day was stopped before this run, or None."""
        ...

    def check(self, summaries: list[dict[str, Any]], now_ns: int) -> str | None:
        """The reason to stop the day, or None."""
        ...


@dataclass(slots=True)
class SoakRunner:
    """Runs the iterations of one plan.

    Args:
        reached: called after each stage is durable; tests stop the process there.
        stop: whether an end was asked for.
        guard: drift and regression guard, if they are on.
        refiner: makes the refinement of the rules from the records so far; None: the rules alone.
    """

    plan: RunPlan
    source: IterationSource
    books: RunBooks
    settings: TunerSettings
    start: StartValues
    view: RunView
    state: TuningState
    stop: Callable[[], bool] = lambda: False
    guard: DayGuard | None = None
    refiner: Refiner | None = None
    reached: Callable[[Stage, int], None] = lambda _stage, _iteration: None
    phase: Phase = Phase.STEADY

    def run(self) -> Stopped | None:
        """Run until the last iteration, a stop or a guard; None: all iterations completed.

        Raises:
            EngineCrashError: the engine crashed twice in a row.
            StoreError: a file could not be written; the run can be resumed.
        """
        standing = None if self.guard is None else self.guard.standing()
        if standing is not None:
            self.view.line(f"SOAK_STOP reason={standing}")
            return Stopped(standing, aborted=False)
        try:
            for iteration in range(self.state.last_iter + 1, self.plan.iterations + 1):
                stopped = self._guarded(iteration)
                if stopped is not None:
                    return stopped
            return None
        finally:
            self.source.halt()

    def _guarded(self, iteration: int) -> Stopped | None:
        if self.stop():
            return Stopped("interrupted", aborted=True)
        if not self.plan.profile_iterations:
            return self._iterate(iteration)
        profile = cProfile.Profile()
        try:
            return profile.runcall(self._iterate, iteration)
        finally:
            profile.create_stats()
            stats = marshal.dumps(profile.stats)
            path = self.books.paths.soak / f"profile_iter_{iteration}.prof"
            write_bytes(path, stats)

    def _iterate(self, iteration: int) -> Stopped | None:
        self.phase = phase_of(
            iteration,
            warmup=self.plan.warmup,
            length=self.settings.warmup_iterations,
            rampdown=self.settings.rampdown_iterations,
        )
        requested = self._checked(iteration)
        values = effective(requested)
        parameters = self._parameters(iteration, values)
        window, restarted = self._traded(iteration, parameters)
        done = self._evaluated(iteration, values, parameters, window, restarted=restarted)
        self.books.write_measurement(window.report, window.sentinel)
        self.reached(Stage.MEASURED, iteration)
        self._say(verdict_lines(done))
        self._say(decision_lines(done, self.settings.velocity))
        outcome, wanted = self._decided(done, requested)
        self._recorded(outcome, wanted, window)
        if window.data_ended:
            return Stopped(DATA_END, aborted=False)
        if window.partial:
            return Stopped("interrupted", aborted=True)
        return self._guarded_day(iteration, window)

    def _checked(self, iteration: int) -> dict[str, float]:
        """The requested values in force; a damaged file is rebuilt, an edit is accepted."""
        document, digest = read_overrides(self.books.paths)
        if document is None or unusable(document):
            return self._rebuilt(iteration, document)
        if digest != self.state.state_hash:
            self._recovery("accept_edit", iteration)
            self.state = replace(
                self.state,
                state_hash=digest,
                delta_history=(),
                value_history={},
                cooldown_until_iter=iteration - 1 + COOLDOWN_ITERATIONS,
                cooldown_loosened=False,
            )
        return {name: document[name] for name in TUNABLES if name in document}

    def _rebuilt(self, iteration: int, document: Mapping[str, Any] | None) -> dict[str, float]:
        for name in unusable(document or {}):
            tunable = TUNABLES[name]
            value = str((document or {})[name])
            span = f"[{tunable.low:g}, {tunable.high:g}]"
            self.view.line(mark("sanity", "FAIL", f"{name}={value} outside bounds {span}"))
        move_corrupt(self.books.paths.overrides)
        values = effective(self.state.last_good or self.start.requested)
        self.state = replace(
            self.state,
            state_hash=self.books.write_overrides(values),
            sanity_failures=self.state.sanity_failures + 1,
        )
        self._recovery("restore_last_good", iteration)
        return values

    def _recovery(self, action: str, iteration: int) -> None:
        self.view.line(mark("iter_watch", "RECOVERY", f"action={action} iter={iteration}"))

    def _parameters(self, iteration: int, values: Values) -> EngineParameters:
        share = strength(
            iteration,
            warmup=self.plan.warmup,
            length=self.settings.warmup_iterations,
            rampdown=self.settings.rampdown_iterations,
        )
        force = overlaid(values, share)
        return EngineParameters(force.values, force.limits_factor)

    def _traded(self, iteration: int, parameters: EngineParameters) -> tuple[WindowResult, bool]:
        """One window; after a crash the engine is restarted once."""
        try:
            return self._window(iteration, parameters), False
        except EngineCrashError as exc:
            self.view.line(mark("iter_watch", "WARN", f"engine restarted: {exc.message}"))
            self.source.restart()
            return self._window(iteration, parameters), True

    def _window(self, iteration: int, parameters: EngineParameters) -> WindowResult:
        if self.source.apply(parameters) != parameters_digest(parameters):
            raise EngineCrashError("did not acknowledge its parameters")
        limit_ns = int((self.plan.window_sec + self.plan.timeout_sec) * NS_PER_SEC)
        deadline_ns = clock.monotonic_ns() + limit_ns

        def late() -> bool:
            return clock.monotonic_ns() > deadline_ns

        window = self.source.trade(
            WindowRequest(
                iteration=iteration,
                seconds=self.plan.window_sec,
                parameters=parameters,
                stop=lambda: self.stop() or late(),
            )
        )
        if late() and not self.stop():
            raise EngineCrashError("took longer than its window and the iteration timeout")
        return window

    def _evaluated(
        self,
        iteration: int,
        values: Values,
        parameters: EngineParameters,
        window: WindowResult,
        *,
        restarted: bool,
    ) -> Evaluated:
        return evaluate(
            self.state,
            window,
            IterationFacts(
                iteration=iteration,
                total_iterations=self.plan.iterations,
                run_id=self.plan.run_id,
                runtime_utc=clock.artifact_utc(),
                phase=self.phase,
                values=values,
                in_force=parameters.values,
                start_values=effective(self.start.requested),
                auto_tune=self.plan.auto_tune,
                hash_before=self.state.state_hash,
                restarted=restarted,
            ),
            self.settings,
            None if self.refiner is None else self.refiner(self.books.summaries()),
        )

    def _decided(self, done: Evaluated, requested: Values) -> tuple[Mapping[str, Any], Values]:
        """Bring a decision into force and commit it; the stages INTENDED to COMMITTED."""
        before, state, outcome = self.state, done.state, done.outcome
        digest = before.state_hash
        if done.decision.applied_deltas:
            changed = requested_after(requested, done)
            digest, outcome = self._applied(done, changed)
            if outcome["tuning"]["applied"]:
                self._say(applied_lines(done, done.facts.values, done.decision.after))
                requested = changed
        self.state = finish(state, outcome, now_sec=done.now_sec, state_hash=digest)
        self.state = replace(self.state, last_good=effective(requested))
        self.books.write_state(self.state)
        self.reached(Stage.COMMITTED, done.facts.iteration)
        self._say(settled_lines(before, self.state))
        assert self.state.last_outcome is not None
        return self.state.last_outcome, requested

    def _applied(self, done: Evaluated, changed: Values) -> tuple[str | None, Mapping[str, Any]]:
        """Announce, write, push, wait; back to the old bytes without an acknowledgement."""
        iteration = done.facts.iteration
        old = self.books.paths.overrides.read_bytes()
        data = overrides_bytes(changed)
        pending = {
            "iter": iteration,
            "signature": done.decision.signature,
            "before_hash": file_hash(old),
            "after_hash": file_hash(data),
            "after": effective(changed),
            "now_sec": done.now_sec,
            "outcome": done.outcome,
        }
        self.books.write_state(replace(done.state, pending=pending))
        self.reached(Stage.INTENDED, iteration)
        digest = self.books.write_overrides(changed)
        self.reached(Stage.WRITTEN, iteration)
        parameters = self._parameters(iteration + 1, effective(changed))
        if self.source.apply(parameters) == parameters_digest(parameters):
            self.reached(Stage.ACKNOWLEDGED, iteration)
            return digest, done.outcome
        self.books.restore_overrides(old)
        self.view.line(mark("iter_watch", "APPLY", "ERROR", "engine did not acknowledge"))
        return file_hash(old), withdrawn(done.outcome, hash_before=file_hash(old))

    def _recorded(
        self, outcome: Mapping[str, Any], requested: Values, window: WindowResult
    ) -> None:
        """The records that follow a committed state."""
        iteration = outcome["iteration"]
        self.books.write_summary(outcome)
        self.reached(Stage.SUMMARISED, iteration)
        self.books.report(outcome)
        self.reached(Stage.REPORTED, iteration)
        self.books.mirror(
            gate_record(outcome, self.settings.soft_gate), (window.report, window.sentinel)
        )
        self.books.write_applied(self.applied_document(requested))
        self.reached(Stage.MIRRORED, iteration)
        self.view.finished(outcome)

    def applied_document(self, requested: Values) -> dict[str, Any]:
        """What ``applied_profile.json`` says about these requested values."""
        summaries = self.books.summaries()
        blocks = [s["summary"]["block_reasons"] for s in summaries]
        return applied_profile(
            self.start,
            requested,
            adjustments=[a for s in summaries for a in adjustments(s)],
            blocked_by={
                name: int(sum(b.get(name, {}).get("count", 0) for b in blocks))
                for name in ("concurrency", "min_interval", "risk", "throttle")
            },
        )

    def _guarded_day(self, iteration: int, window: WindowResult) -> Stopped | None:
        if self.guard is not None:
            reason = self.guard.check(self.books.summaries(), window.to_ns)
            if reason is not None:
                self.view.line(f"SOAK_STOP reason={reason}")
                return Stopped(reason, aborted=False)
        if iteration < self.plan.iterations:
            self._pause()
        return None

    def _pause(self) -> None:
        if self.plan.pause_sec <= 0:
            return
        self.view.line(mark("soak", "SLEEP", f"{self.plan.pause_sec:g}s"))
        end_ns = clock.monotonic_ns() + int(self.plan.pause_sec * NS_PER_SEC)
        while clock.monotonic_ns() < end_ns and not self.stop():
            clock.sleep_ns(min(_PAUSE_STEP_NS, end_ns - clock.monotonic_ns()))

    def _say(self, lines: list[str]) -> None:
        for line in lines:
            self.view.line(line)
