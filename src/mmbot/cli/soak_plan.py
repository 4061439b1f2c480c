"""`mmbot soak nightly|autopilot|long-run`: sequences of the other commands."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Final

import typer

from mmbot import clock
from mmbot.cli.soak_gates import verify
from mmbot.cli.soak_reports import audit, export_warmup
from mmbot.cli.soak_run import run_soak
from mmbot.errors import ConfigError, MmbotError
from mmbot.soak.launch import LaunchOptions
from mmbot.soak.long_run import PlannedStep, make_plan, plan_lines
from mmbot.soak.paths import SoakPaths
from mmbot.soak.scheduler import Scheduler
from mmbot.store.runtime import artifact_path
from mmbot.trading.stopping import StopRequest
from mmbot.units import NS_PER_SEC, format_utc

__all__ = ["autopilot_command", "long_run_command", "nightly_command"]

_STRICT: Final = 0.95
_MAIN: Final = "from mmbot.cli.app import main; main()"
_POLL_NS: Final = NS_PER_SEC
_ECON: Final = {"yes": True, "no": False}


def nightly_command(
    *,
    iterations: Annotated[int, typer.Option("--iterations", min=1)] = 24,
    warmup: Annotated[bool, typer.Option("--warmup/--no-warmup")] = True,
    auto_tune: Annotated[bool, typer.Option("--auto-tune/--no-auto-tune")] = True,
    sleep_seconds: Annotated[float, typer.Option("--sleep-seconds", min=0)] = 300,
    ref: Annotated[
        str | None, typer.Option("--ref", metavar="R", help="Commit under test, for the record.")
    ] = None,
    mock: Annotated[bool, typer.Option("--mock", help="Scripted reports, no engine.")] = False,
) -> None:
    """Run, verify changes strictly, export warm-up metrics, audit; exit with the worst step."""
    paths = SoakPaths.from_environment(os.environ)
    options = LaunchOptions(
        paths=paths,
        env=dict(os.environ),
        mock=mock,
        iterations=iterations,
        window_sec=sleep_seconds,
        auto_tune=auto_tune,
        warmup=warmup,
        market={"ref": ref} if ref is not None else {},
    )

    def exported() -> int:
        export_warmup(paths.latest, None)
        return 0

    steps: dict[str, Callable[[], int]] = {
        "run": lambda: run_soak(options, scenario=None, plain=False).end.exit_code,
        "verify-deltas": lambda: verify(
            paths.latest, threshold=_STRICT, strict=True, as_json=False
        ),
        "export-warmup": exported,
        "audit": lambda: audit(paths.latest, fail_on_hold=True),
    }
    worst = max(_step(name, work) for name, work in steps.items())
    typer.echo(f"NIGHTLY={'FAIL' if worst else 'OK'}")
    raise typer.Exit(worst)


def autopilot_command(
    *,
    hours: Annotated[float, typer.Option("--hours", min=0)] = 8,
    mode: Annotated[str, typer.Option("--mode", metavar="sim|shadow|canary")] = "shadow",
    econ: Annotated[str, typer.Option("--econ", metavar="yes|no")] = "yes",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan only.")] = False,
) -> None:
    """One night: preflight, run, ledger, daily report, guards."""
    steps = _autopilot_steps(hours, mode, economical=_yes(econ))
    for number, step in enumerate(steps, 1):
        typer.echo(f"{number}. {step.name}: {step.shown()}")
    if dry_run:
        typer.echo("AUTOPILOT=OK")
        return
    failed = [step.name for step in steps if not _ran(step)]
    typer.echo(f"AUTOPILOT={'FAIL' if failed else 'OK'}")
    raise typer.Exit(2 if failed else 0)


def long_run_command(
    *,
    weeks: Annotated[int, typer.Option("--weeks", min=1)] = 2,
    hours_per_night: Annotated[float, typer.Option("--hours-per-night", min=0)] = 8,
    econ: Annotated[str, typer.Option("--econ", metavar="yes|no")] = "yes",
    start: Annotated[
        str | None, typer.Option("--start", metavar="DATE", show_default="today")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the dated plan only.")] = False,
) -> None:
    """Weeks of nights with daily and weekly checks; a failed weekly gate stops them."""
    economical = _yes(econ)
    plan = make_plan(_date(start), weeks)
    if dry_run:
        for line in plan_lines(plan, hours=hours_per_night, econ=economical):
            typer.echo(line)
        typer.echo("LONG_SOAK_PLAN=READY")
        return
    with StopRequest() as request:

        def wait() -> bool:
            clock.sleep_ns(_POLL_NS)
            return not request.requested

        state = Scheduler(
            plan=plan,
            state_path=artifact_path("soak", "LONG_RUN_STATE.json"),
            execute=lambda step: _planned(step, hours_per_night, econ),
            today=_today,
            wait=wait,
            say=typer.echo,
        ).run()
        if request.requested:
            raise typer.Exit(1)
    typer.echo("LONG_SOAK_PLAN=DONE")
    raise typer.Exit(2 if state.stopped else 0)


@dataclass(frozen=True, slots=True)
class _Command:
    """One step as a command line of this program, with its own environment."""

    name: str
    args: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)

    def shown(self) -> str:
        """The command as one would type it."""
        return " ".join([*(f"{k}={v}" for k, v in self.env.items()), "mmbot", *self.args])


def _autopilot_steps(hours: float, mode: str, *, economical: bool) -> list[_Command]:
    env = {"MM_PROFILE": "econ_moderate"} if economical else {}
    latest = artifact_path("soak", "latest")
    trades, prices = str(latest / "trades.jsonl"), str(latest / "prices.jsonl")
    run = ("soak", "run", "--mode", mode, "--hours", f"{hours:g}", "--auto-tune")
    return [
        _Command("preflight", ("ops", "preflight"), env),
        _Command("soak_run", run, env),
        _Command("ledger", ("sim", "virtual-balance", "--trades", trades, "--prices", prices)),
        _Command("daily_report", ("soak", "daily-report")),
        _Command("regression_guard", ("soak", "regression-guard")),
        _Command("anomaly_radar", ("soak", "anomaly-radar")),
    ]


def _planned(step: PlannedStep, hours: float, econ: str) -> bool:
    commands: dict[str, Sequence[str]] = {
        "night": ("soak", "autopilot", "--hours", f"{hours:g}", "--econ", econ),
        "daily_check": ("ops", "daily-check"),
        "digest": ("ops", "digest"),
        "rotate": ("ops", "rotate"),
        "weekly_rollup": ("soak", "weekly-rollup"),
        "kpi_gate": ("soak", "kpi-gate"),
    }
    return _call(_Command(step.name, tuple(commands[step.name]))) == 0


def _ran(step: _Command) -> bool:
    code = _call(step)
    typer.echo(f"[{'OK' if code == 0 else 'FAIL'}] {step.name}")
    return code == 0


def _call(command: _Command) -> int:
    """Run one command in a process of its own, so that a crash costs that step only."""
    line = [sys.executable, "-c", _MAIN, *command.args]
    return subprocess.run(line, env={**os.environ, **command.env}, check=False).returncode


def _step(name: str, work: Callable[[], int]) -> int:
    """Run one step in this process; an error is its result, and the next steps still run."""
    try:
        code = work()
    except MmbotError as exc:
        typer.echo(str(exc), err=True)
        code = 1
    typer.echo(f"[{'OK' if code == 0 else 'FAIL'}] {name}")
    return code


def _yes(text: str) -> bool:
    if text not in _ECON:
        raise ConfigError("E_CFG_RANGE", "--econ", "must be one of yes, no")
    return _ECON[text]


def _today() -> date:
    return date.fromisoformat(format_utc(clock.artifact_ns())[:10])


def _date(text: str | None) -> date:
    if text is None:
        return _today()
    try:
        return date.fromisoformat(text)
    except ValueError as exc:
        raise ConfigError("E_CFG_TYPE", "--start", f"is not a date: {text!r}") from exc
