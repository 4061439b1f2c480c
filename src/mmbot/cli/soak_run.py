"""`mmbot soak run` and `mmbot soak smoke`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from mmbot import clock
from mmbot.cli import soak_options as opt
from mmbot.cli.options import ConfigOption, ProfileOption, SetOption
from mmbot.cli.soak_source import make_source
from mmbot.cli.soak_view import make_view
from mmbot.errors import ConfigError
from mmbot.soak.day_stop import RunDayGuard
from mmbot.soak.launch import Launched, LaunchOptions, SourceRequest, launch
from mmbot.soak.paths import SoakPaths, read_array
from mmbot.soak.report_html import soak_html
from mmbot.soak.resources import BackgroundMonitor, read_snapshots
from mmbot.soak.resources_analysis import analyse
from mmbot.soak.rotate import RotationLimits, rotate
from mmbot.soak.run_report import closing_lines, report_markdown
from mmbot.soak.source import IterationSource
from mmbot.store.artifacts import write_json, write_text
from mmbot.trading.stopping import StopRequest
from mmbot.units import NS_PER_SEC

__all__ = ["run_command", "run_soak", "smoke_command"]

_HOURS: Final = 72.0
_WINDOW_SEC: Final = 300.0
_SMOKE_PAUSE_SEC: Final = 5.0
_RESOURCE_SEC: Final = 60.0


def run_command(
    *,
    mode: opt.Mode = "sim",
    mock: opt.Mock = False,
    mock_scenario: opt.MockScenario = None,
    data: opt.Data = None,
    symbol: opt.Symbol = None,
    venue: opt.Venue = None,
    endpoint: opt.Endpoint = None,
    synthetic: opt.Synthetic = False,
    regime: opt.Regime = "mixed",
    calibration: opt.Calibration = None,
    seed: opt.Seed = 42,
    iterations: opt.Iterations = None,
    hours: opt.Hours = None,
    sleep_seconds: opt.SleepSeconds = None,
    realtime: opt.Realtime = False,
    auto_tune: opt.AutoTune = False,
    tuner: opt.Tuner = "rules",
    prior: opt.Prior = None,
    warmup: opt.Warmup = False,
    config: ConfigOption = None,
    profile: ProfileOption = None,
    sets: SetOption = None,
    resume: opt.Resume = False,
    kpi_mode: opt.KpiMode = "soft",
    strict_last8: opt.StrictLast8 = False,
    drift_guard: opt.DriftGuard = None,
    drift_check_min: opt.DriftCheckMin = 15,
    export_json: opt.ExportJson = None,
    export_md: opt.ExportMd = None,
    heartbeat_seconds: opt.Heartbeat = 300,
    iteration_timeout_seconds: opt.IterationTimeout = 1200,
    profile_iterations: opt.ProfileIterations = False,
    plain: opt.Plain = False,
) -> None:
    """Trade windows, measure each, tune between them, and judge the run at its end."""
    _check_choices(mode=mode, kpi_mode=kpi_mode, tuner=tuner, drift_guard=drift_guard)
    _check_market(data, synthetic=synthetic)
    guarded = _guarded(drift_guard, mode, mock=mock)
    options = LaunchOptions(
        paths=SoakPaths.from_environment(os.environ),
        env=dict(os.environ),
        config=config,
        mode=mode,
        mock=mock,
        iterations=iterations,
        hours=_number("SOAK_HOURS", hours, _HOURS),
        window_sec=_number("SOAK_SLEEP_SECONDS", sleep_seconds, _WINDOW_SEC),
        auto_tune=auto_tune,
        tuner=tuner,
        prior=prior,
        warmup=warmup,
        profile=profile,
        sets=tuple(sets or ()),
        resume=resume,
        kpi_mode=kpi_mode,
        strict_last8=strict_last8,
        heartbeat_sec=heartbeat_seconds,
        timeout_sec=iteration_timeout_seconds,
        profile_iterations=profile_iterations,
        seed=seed,
        market=_market(data, venue, symbol, regime, calibration)
        | {"endpoint": endpoint, "realtime": realtime},
        drift_check_sec=drift_check_min * 60 if guarded else None,
    )
    launched = run_soak(options, scenario=_scenario(mock_scenario), plain=plain)
    _export(launched, export_json, export_md)
    raise typer.Exit(launched.end.exit_code)


def smoke_command(
    *,
    iterations: opt.Iterations = 3,
    fast: Annotated[bool, typer.Option("--fast", help="No pause between iterations.")] = False,
) -> None:
    """Run a few scripted iterations and check what they leave behind."""
    paths = SoakPaths.from_environment(os.environ)
    options = LaunchOptions(
        paths=paths,
        env=dict(os.environ),
        mock=True,
        iterations=iterations or 3,
        window_sec=0.0 if fast else _SMOKE_PAUSE_SEC,
        auto_tune=True,
        profile="steady_safe",
    )
    launched = run_soak(options, scenario=None, plain=True)
    problems = _smoke_problems(launched, paths, options.iterations or 3)
    for problem in problems:
        typer.echo(f"[FAIL] {problem}")
    typer.echo(f"SMOKE={'FAIL' if problems else 'OK'}")
    raise typer.Exit(2 if problems else 0)


def run_soak(
    options: LaunchOptions, *, scenario: list[dict[str, Any]] | None, plain: bool
) -> Launched:
    """Run, show, and write the reports for people; the exit code is in the result."""
    title = f"mmbot soak, {'mock' if options.mock else options.mode}"
    view = make_view(total=options.iterations, plain=plain, title=title)

    def source_of(request: SourceRequest) -> IterationSource:
        return make_source(request, scenario)

    watch = _ResourceWatch(options)
    try:
        with StopRequest() as request:
            launched = launch(
                options,
                source_of,
                view,
                stop=lambda: request.requested,
                make_guard=lambda paths: _guard(options, paths),
                resources=watch.result,
            )
    finally:
        watch.end()
        view.close()
    write_text(
        launched.report_path.with_suffix(".html"),
        soak_html(launched.end.document, launched.summaries),
    )
    rotate(options.paths.soak, RotationLimits(), view.line)
    for line in closing_lines(launched.end.document, launched.summaries):
        typer.echo(line)
    return launched


class _ResourceWatch:
    """Records resources while a run lasts, unless the artifact clock is frozen.

    A run with a frozen clock is one to be repeated byte by byte: it says nothing of the machine.
    """

    def __init__(self, options: LaunchOptions) -> None:
        frozen = options.env.get("MM_FREEZE_UTC_ISO") or options.env.get("MM_FREEZE_UTC")
        self._path = options.paths.soak / "resources.jsonl"
        self._monitor = None if frozen else BackgroundMonitor(self._path, _RESOURCE_SEC)
        self._begun_sec = clock.wall_ns() / NS_PER_SEC
        if self._monitor is not None:
            self._monitor.start()

    def result(self) -> dict[str, Any] | None:
        """The analysis of what this run recorded."""
        self.end()
        if self._monitor is None or not self._path.exists():
            return None
        snapshots, skipped = read_snapshots(self._path)
        mine = [s for s in snapshots if s["timestamp_unix"] >= self._begun_sec]
        found = analyse(mine, skipped=skipped)
        return {**found, "error": self._monitor.failed}

    def end(self) -> None:
        """Stop recording; doing it twice is harmless."""
        if self._monitor is not None:
            self._monitor.stop()


def _guard(options: LaunchOptions, paths: SoakPaths) -> RunDayGuard | None:
    every = options.drift_check_sec
    return None if every is None else RunDayGuard(paths, every)


def _smoke_problems(launched: Launched, paths: SoakPaths, count: int) -> list[str]:
    """What a smoke run must leave and did not."""
    problems = [
        f"ITER_SUMMARY_{i}.json is missing"
        for i in range(1, count + 1)
        if not paths.summary(i).exists()
    ]
    entries = read_array(paths.tuning_report) or []
    if [e.get("iteration") for e in entries] != list(range(1, count + 1)):
        problems.append("TUNING_REPORT.json has not one entry per iteration")
    if not any(s["tuning"]["applied"] for s in launched.summaries):
        problems.append("no iteration was applied")
    sources = set(launched.run["sources"].values())
    if sources != {"profile:steady_safe"}:
        problems.append("overrides did not come from the profile steady_safe")
    return problems


def _scenario(path: Path | None) -> list[dict[str, Any]] | None:
    if path is None:
        return None
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError) as exc:
        raise ConfigError(
            "E_SOAK_ARGS", f"--mock-scenario {path}", f"cannot be read: {exc}"
        ) from exc
    if not isinstance(found, list) or not found or not all(isinstance(i, dict) for i in found):
        raise ConfigError("E_SOAK_ARGS", f"--mock-scenario {path}", "must be an array of objects")
    return found


def _check_choices(*, mode: str, kpi_mode: str, tuner: str, drift_guard: str | None) -> None:
    _one_of("--mode", mode, ("sim", "shadow", "canary"))
    _one_of("--kpi-mode", kpi_mode, ("soft", "hard"))
    _one_of("--tuner", tuner, ("rules", "bayes"))
    if drift_guard is not None:
        _one_of("--drift-guard", drift_guard, ("on", "off"))


def _check_market(data: str | None, *, synthetic: bool) -> None:
    if synthetic and data is not None:
        raise ConfigError("E_SOAK_ARGS", "--synthetic", "and --data exclude each other")


def _market(
    data: str | None, venue: str | None, symbol: str | None, regime: str, calibration: Path | None
) -> dict[str, Any]:
    """What a source needs to know of the market."""
    return {
        "data": data,
        "venue": venue,
        "symbol": symbol,
        "regime": regime if data is None else None,
        "calibration": None if calibration is None else str(calibration),
    }


def _export(launched: Launched, json_path: Path | None, markdown_path: Path | None) -> None:
    document = launched.end.document
    if json_path is not None:
        write_json(json_path, document)
    if markdown_path is not None:
        write_text(markdown_path, report_markdown(document, launched.summaries))


def _guarded(chosen: str | None, mode: str, *, mock: bool) -> bool:
    if chosen is not None:
        return chosen == "on"
    return mode in ("shadow", "canary") and not mock


def _number(variable: str, option: float | None, default: float) -> float:
    """An option, or its environment variable, or the default."""
    if option is not None:
        return option
    text = os.environ.get(variable, "")
    if not text:
        return default
    try:
        return float(text)
    except ValueError as exc:
        raise ConfigError("E_CFG_TYPE", variable, f"must be a number: {text!r}") from exc


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ConfigError("E_CFG_RANGE", name, f"must be one of {', '.join(known)}")
