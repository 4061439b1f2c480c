"""Options of `mmbot soak run`, one name and one help text each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "AutoTune",
    "Calibration",
    "Data",
    "DriftCheckMin",
    "DriftGuard",
    "Endpoint",
    "ExportJson",
    "ExportMd",
    "Heartbeat",
    "Hours",
    "IterationTimeout",
    "Iterations",
    "KpiMode",
    "Mock",
    "MockScenario",
    "Mode",
    "Plain",
    "Prior",
    "ProfileIterations",
    "Realtime",
    "Regime",
    "Resume",
    "Seed",
    "SleepSeconds",
    "StrictLast8",
    "Symbol",
    "Synthetic",
    "Tuner",
    "Venue",
    "Warmup",
]

Mode = Annotated[str, typer.Option("--mode", metavar="sim|shadow|canary", help="What trades.")]
Mock = Annotated[bool, typer.Option("--mock", help="Scripted reports, no engine.")]
MockScenario = Annotated[
    Path | None, typer.Option("--mock-scenario", metavar="FILE", help="Totals per iteration.")
]
Data = Annotated[str | None, typer.Option("--data", metavar="DIR", help="Recorded data.")]
Symbol = Annotated[
    str | None,
    typer.Option(
        "--symbol",
        help="What is traded.",
        show_default="BTCUSDT, or the only symbol of --data",
    ),
]
Synthetic = Annotated[
    bool, typer.Option("--synthetic", help="The embedded market; the default without --data.")
]
Venue = Annotated[
    str | None,
    typer.Option(
        "--venue", help="Mode shadow: whose market; with --data which venue of the catalog."
    ),
]
Endpoint = Annotated[
    str | None, typer.Option("--endpoint", metavar="URL", help="Another address of the venue.")
]
Regime = Annotated[
    str,
    typer.Option(
        "--regime",
        help="Synthetic market: calm, volatile, spike, flash_crash, liquidity_gap or mixed.",
    ),
]
Calibration = Annotated[
    Path | None, typer.Option("--calibration", metavar="FILE", help="Latencies, frictions.")
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Of market, exchange and mock.")]
Iterations = Annotated[
    int | None, typer.Option("--iterations", metavar="N", help="Number of iterations.")
]
Hours = Annotated[
    float | None,
    typer.Option("--hours", metavar="H", show_default="SOAK_HOURS, else 72", help="Trading time."),
]
SleepSeconds = Annotated[
    float | None,
    typer.Option(
        "--sleep-seconds",
        metavar="S",
        show_default="SOAK_SLEEP_SECONDS, else 300",
        help="Window of an iteration; with --mock the pause between iterations.",
    ),
]
Realtime = Annotated[bool, typer.Option("--realtime", help="Pace sim by the clock.")]
AutoTune = Annotated[bool, typer.Option("--auto-tune", help="Tune between windows.")]
Tuner = Annotated[str, typer.Option("--tuner", metavar="rules|bayes", help="What proposes.")]
Prior = Annotated[
    Path | None,
    typer.Option("--prior", metavar="DIR", help="Records of earlier runs, for --tuner bayes."),
]
Warmup = Annotated[bool, typer.Option("--warmup", help="Begin calmer.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on where a run ended.")]
KpiMode = Annotated[
    str, typer.Option("--kpi-mode", metavar="soft|hard", help="hard: one FAIL fails the run.")
]
StrictLast8 = Annotated[bool, typer.Option("--strict-last8", help="Strict gate at the end.")]
DriftGuard = Annotated[
    str | None,
    typer.Option("--drift-guard", metavar="on|off", show_default="on for shadow, canary"),
]
DriftCheckMin = Annotated[float, typer.Option("--drift-check-min", min=0, help="Minutes.")]
ExportJson = Annotated[
    Path | None, typer.Option("--export-json", metavar="FILE", help="Copy of the report.")
]
ExportMd = Annotated[
    Path | None, typer.Option("--export-md", metavar="FILE", help="Report for people.")
]
Heartbeat = Annotated[float, typer.Option("--heartbeat-seconds", min=1, help="Between lines.")]
IterationTimeout = Annotated[
    float, typer.Option("--iteration-timeout-seconds", min=1, help="Beyond the window.")
]
ProfileIterations = Annotated[
    bool, typer.Option("--profile-iterations", help="Write cProfile files.")
]
Plain = Annotated[bool, typer.Option("--plain", help="Marker lines on a terminal, too.")]
