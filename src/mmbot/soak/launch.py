"""From options to a finished run: lock, start values, recovery, iterations, report.

What trades and what shows progress are given by the caller (`SourceFactory`, `RunView`).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from mmbot import clock
from mmbot.config.loader import ConfigRequest, load_config
from mmbot.config.soak_library import materialise
from mmbot.errors import ConfigError, MmbotError
from mmbot.soak.books import RunBooks
from mmbot.soak.history import earlier_iterations
from mmbot.soak.lock import run_lock
from mmbot.soak.markers import mark
from mmbot.soak.mock import MOCK_WINDOW_SEC
from mmbot.soak.models import TunerSettings, settings_of
from mmbot.soak.overrides import (
    LayerRequest,
    StartValues,
    clamp_lines,
    profile_values,
    read_overrides,
    resolve_start,
)
from mmbot.soak.parameters import TUNABLES, Values, effective
from mmbot.soak.paths import SoakPaths
from mmbot.soak.run_report import RunEnd, RunFacts, judge
from mmbot.soak.runner import (
    DATA_END,
    DayGuard,
    Refiner,
    RunPlan,
    RunView,
    SoakRunner,
    Stopped,
)
from mmbot.soak.source import IterationSource
from mmbot.soak.stages import Stage
from mmbot.soak.state import TuningState
from mmbot.store.artifacts import write_json
from mmbot.store.canonical import canonical_json
from mmbot.store.runtime import git_sha, runtime_block
from mmbot.units import format_stamp, format_utc, parse_utc_ns

__all__ = ["LaunchOptions", "Launched", "SourceFactory", "SourceRequest", "launch"]

_SEC_PER_HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchOptions:
    """The options of `mmbot soak run`; durations in seconds of trading time.

    `market` holds what a source needs to know of the market (`data`, `venue`, `symbol`, `regime`,
    `calibration`, `realtime`). `drift_check_sec` None: no guard over the day.
    `prior` holds records of earlier runs for a tuner that learns.
    """

    paths: SoakPaths
    env: Mapping[str, str]
    config_dir: Path = Path("config")
    config: Path | None = None
    mode: str = "sim"
    mock: bool = False
    iterations: int | None = None
    hours: float = 72.0
    window_sec: float = 300.0
    auto_tune: bool = False
    tuner: str = "rules"
    prior: Path | None = None
    warmup: bool = False
    profile: str | None = None
    sets: tuple[str, ...] = ()
    resume: bool = False
    kpi_mode: str = "soft"
    strict_last8: bool = False
    heartbeat_sec: float = 300.0
    timeout_sec: float = 1200.0
    profile_iterations: bool = False
    seed: int = 42
    market: Mapping[str, Any] = field(default_factory=dict)
    drift_check_sec: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRequest:
    """What a source is built from, beside its own options."""

    options: LaunchOptions
    start_ns: int
    run_id: str
    say: Callable[[str], None]


SourceFactory = Callable[[SourceRequest], IterationSource]
"""Builds what trades; called once, when the run's identity is known."""

GuardFactory = Callable[[SoakPaths], DayGuard | None]


@dataclass(frozen=True, slots=True)
class Launched:
    """A finished run: its end, the records of its iterations, where its report lies."""

    end: RunEnd
    summaries: list[dict[str, Any]]
    run: Mapping[str, Any]
    report_path: Path


@dataclass(frozen=True, slots=True)
class _Ready:
    """A run that can trade: identity, values, state."""

    run: Mapping[str, Any]
    start: StartValues
    state: TuningState


def launch(
    options: LaunchOptions,
    make_source: SourceFactory,
    view: RunView,
    *,
    stop: Callable[[], bool] = lambda: False,
    make_guard: GuardFactory = lambda _paths: None,
    reached: Callable[[Stage, int], None] = lambda _stage, _iteration: None,
    resources: Callable[[], Mapping[str, Any] | None] = lambda: None,
) -> Launched:
    """Run a soak from start or from where it was killed.

    Raises:
        ConfigError: ``E_SOAK_ARGS`` and what start values and configuration raise.
        StoreError: ``E_SOAK_LOCKED``, ``E_STORE_DISK``.
        EngineCrashError: two crashes in a row.
    """
    count = _count(options)
    books = RunBooks(options.paths)
    heartbeat = _Heartbeat(view, count, options)
    with run_lock(options.paths.lock, heartbeat.beat):
        materialise(options.paths.root, defaults=True)
        settings = _settings(options, view)
        ready = _ready(options, books, view, count, settings)
        run = ready.run
        source = make_source(
            SourceRequest(
                options=options,
                start_ns=parse_utc_ns(run["start"]["utc"]),
                run_id=str(run["run_id"]),
                say=view.line,
            )
        )
        runner = SoakRunner(
            plan=_plan(options, run, count),
            source=source,
            books=books,
            settings=settings,
            start=ready.start,
            view=view,
            state=ready.state,
            stop=stop,
            guard=make_guard(options.paths),
            refiner=_refiner(options),
            reached=reached,
        )
        heartbeat.phase = lambda: runner.phase.value
        stopped = runner.run()
        summaries = books.summaries()
        ended = stopped is None or stopped.reason == DATA_END
        if ended and all(s["partial"] for s in summaries):
            view.line(mark("soak", "ERROR", "no iterations completed"))
            raise MmbotError("E_SOAK_ENGINE", "run", "no iterations completed")
        facts = _facts(options, run, stopped, count=count)
        end = judge(
            summaries, replace(facts, run_totals=source.run_totals(), resources=resources())
        )
        path = options.paths.run_report(str(run["run_id"]))
        write_json(path, end.document)
        return Launched(end, summaries, run, path)


def _count(options: LaunchOptions) -> int:
    """The number of iterations; of a resumed run the one it began with, if none is given."""
    if options.iterations is not None:
        if options.iterations < 1:
            raise ConfigError("E_SOAK_ARGS", "--iterations", "must be at least 1")
        return options.iterations
    if options.resume:
        run = RunBooks(options.paths).run_document()
        if run is not None:
            return int(run["iterations"])
    window = MOCK_WINDOW_SEC if options.mock else options.window_sec
    if not options.hours > 0 or not window > 0:
        raise ConfigError("E_SOAK_ARGS", "--hours", "must be above 0, or give --iterations")
    return math.ceil(options.hours * _SEC_PER_HOUR / window)


def _ready(
    options: LaunchOptions, books: RunBooks, view: RunView, count: int, settings: TunerSettings
) -> _Ready:
    run = books.run_document() if options.resume else None
    if run is not None:
        return _resumed(options, books, view, run)
    if options.resume:
        view.line(mark("iter_watch", "RECOVERY", "action=fresh_start iter=1"))
    start = resolve_start(_layers(options, resume=False))
    for line in start.lines:
        view.line(line)
    run = {**_run_document(options, start, count), "soft_gate": dict(settings.soft_gate)}
    state = TuningState(run_id=str(run["run_id"]), last_good=effective(start.requested))
    state = books.begin(run, start.requested, state)
    view.line(mark("config", "SAVED", f"path={options.paths.overrides}"))
    return _Ready(run, start, state)


def _resumed(
    options: LaunchOptions, books: RunBooks, view: RunView, run: Mapping[str, Any]
) -> _Ready:
    """Recover, then lay the options ``--set`` over the file."""
    plan = books.resume(run)
    state = plan.state
    for action in plan.actions:
        view.line(mark("iter_watch", "RECOVERY", f"action={action} iter={state.last_iter}"))
    start = StartValues(
        requested=run["start"]["values"],
        sources=run["sources"],
        lines=(),
        profile=run["options"]["profile"],
    )
    if any("." not in text.partition("=")[0] for text in options.sets):
        over = resolve_start(_layers(options, resume=True))
        for line in over.lines:
            view.line(line)
        state = replace(state, state_hash=books.write_overrides(over.requested))
        state = replace(state, last_good=effective(over.requested))
        books.write_state(state)
        start = replace(start, sources={**start.sources, **_from_cli(over)})
    document, _ = read_overrides(options.paths)
    for line in clamp_lines({k: v for k, v in (document or {}).items() if k in TUNABLES}):
        view.line(line)
    fresh = books.run_document()
    return _Ready(fresh if fresh is not None else run, start, state)


def _from_cli(start: StartValues) -> dict[str, str]:
    return {name: source for name, source in start.sources.items() if source == "cli"}


def _layers(options: LaunchOptions, *, resume: bool) -> LayerRequest:
    return LayerRequest(
        paths=options.paths,
        config_dir=options.config_dir,
        env=options.env,
        profile=options.profile,
        sets=[text for text in options.sets if "." not in text.partition("=")[0]],
        resume=resume,
    )


def _run_document(options: LaunchOptions, start: StartValues, count: int) -> dict[str, Any]:
    """The content of ``RUN.json``; the id names time and start configuration."""
    start_ns = clock.artifact_ns(options.env)
    chosen = {
        "auto_tune": options.auto_tune,
        "kpi_mode": options.kpi_mode,
        "mock": options.mock,
        "mode": options.mode,
        "profile": start.profile,
        "seed": options.seed,
        "strict_last8": options.strict_last8,
        "tuner": options.tuner,
        **({} if options.prior is None else {"prior": str(options.prior)}),
        "warmup": options.warmup,
        "window_sec": MOCK_WINDOW_SEC if options.mock else options.window_sec,
        **({} if options.mock else {"market": dict(options.market)}),
    }
    digest = hashlib.sha256(canonical_json({"options": chosen, "values": dict(start.requested)}))
    return {
        "run_id": f"{format_stamp(start_ns)}-{digest.hexdigest()[:8]}",
        "iterations": count,
        "options": chosen,
        "start": {"utc": format_utc(start_ns), "values": dict(start.requested)},
        "sources": dict(start.sources),
        "runtime": runtime_block(mode=_mode(options), env=options.env),
        "recovery": [],
    }


def _settings(options: LaunchOptions, view: RunView) -> TunerSettings:
    """Section `soak` of the configuration, and the two profiles that a panic needs."""
    # Quoting parameters of soak runs resolve on their own: here they must not be read twice.
    hidden = {"MM_PROFILE", "MM_RUNTIME_OVERRIDES_JSON"}
    env = {name: value for name, value in options.env.items() if name not in hidden}
    env["ARTIFACTS_DIR"] = str(options.paths.soak / "no-parameters")
    sets = [text for text in options.sets if "." in text.partition("=")[0]]
    loaded = load_config(ConfigRequest(path=options.config, sets=sets, env=env))
    profiles: dict[str, Values] = {}
    for name in ("steady_safe", "ultra_safe"):
        profiles[name], found = profile_values(options.paths, name)
        if not found:
            view.line(mark("panic", "ERROR", f"{name}.json not found"))
    return settings_of(
        loaded.config.soak,
        steady_safe=profiles["steady_safe"],
        ultra_safe=profiles["ultra_safe"],
    )


def _refiner(options: LaunchOptions) -> Refiner | None:
    """The rules alone, or Bayesian optimisation around them."""
    if options.tuner == "rules":
        return None
    # An optional, slow import.
    from mmbot.soak.bayes import BayesTuner, observations  # noqa: PLC0415

    earlier = [] if options.prior is None else earlier_iterations(options.prior)
    return BayesTuner(seed=options.seed, prior=tuple(observations(earlier))).learn


def _plan(options: LaunchOptions, run: Mapping[str, Any], count: int) -> RunPlan:
    return RunPlan(
        run_id=str(run["run_id"]),
        iterations=count,
        window_sec=MOCK_WINDOW_SEC if options.mock else options.window_sec,
        pause_sec=options.window_sec if options.mock else 0.0,
        auto_tune=options.auto_tune,
        warmup=options.warmup,
        timeout_sec=options.timeout_sec,
        profile_iterations=options.profile_iterations,
    )


def _facts(
    options: LaunchOptions, run: Mapping[str, Any], stopped: Stopped | None, *, count: int
) -> RunFacts:
    """What the report says beside the iterations."""
    document, _ = read_overrides(options.paths)
    return RunFacts(
        run_id=str(run["run_id"]),
        mode=_mode(options),
        mock=options.mock,
        iterations=count,
        kpi_mode=options.kpi_mode,
        strict_last8=options.strict_last8,
        stop_reason=None if stopped is None else stopped.reason,
        data_ended=stopped is not None and stopped.reason == DATA_END,
        aborted=stopped is not None and stopped.aborted,
        overrides=document or {},
        metadata={
            "git_sha": git_sha(),
            "runtime": runtime_block(mode=_mode(options), env=options.env),
            "options": run["options"],
            "sources": run["sources"],
            "soft_gate": run.get("soft_gate"),
        },
        run_totals={},
    )


def _mode(options: LaunchOptions) -> str:
    return "mock" if options.mock else options.mode


@dataclass(slots=True)
class _Heartbeat:
    """Prints a line every so often while a run lasts."""

    view: RunView
    count: int
    options: LaunchOptions
    begun_ns: int = field(default_factory=clock.monotonic_ns)
    said_ns: int = field(default_factory=clock.monotonic_ns)
    phase: Callable[[], str] = lambda: "STEADY"

    def beat(self) -> None:
        now_ns = clock.monotonic_ns()
        if now_ns - self.said_ns < self.options.heartbeat_sec * 1e9:
            return
        self.said_ns = now_ns
        done = len(list(self.options.paths.latest.glob("ITER_SUMMARY_*.json")))
        elapsed = (now_ns - self.begun_ns) // 1_000_000_000
        text = f"iter={done + 1} of={self.count} phase={self.phase()} elapsed={elapsed}"
        self.view.line(mark("soak", "HEARTBEAT", text))
