"""`mmbot chaos`: sessions in the fault world, rules judged after every event."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from mmbot.cli.options import JsonOption
from mmbot.cli.progress import progress
from mmbot.clock import monotonic_ns
from mmbot.errors import ConfigError
from mmbot.research.chaos import (
    ChaosOptions,
    ChaosReport,
    Scenario,
    chaos,
    repro_line,
    scenario_from_yaml,
    scenario_to_yaml,
)
from mmbot.store.artifacts import write_json, write_text
from mmbot.store.canonical import canonical_json
from mmbot.store.runtime import artifact_path
from mmbot.units import NS_PER_SEC

__all__ = ["app"]

_COLUMNS: Final = (
    TextColumn("chaos"),
    BarColumn(),
    MofNCompleteColumn(),
    TextColumn("{task.fields[rate]}"),
    TimeRemainingColumn(),
)
#: Broken runs that are told in full; all are in the report.
_TOLD: Final = 10

app = typer.Typer(rich_markup_mode="rich")


@app.command(
    epilog=(
        "[bold]Examples[/]\n\n"
        "mmbot chaos --seeds 200 --jobs 2\n\n"
        "mmbot chaos --seeds 200 --cluster local\n\n"
        "mmbot chaos --seeds 1 --first-seed 17 --minutes 1.0  (repeat a run)\n\n"
        "mmbot chaos --scenario artifacts/chaos/seed-17.yaml --seeds 1 --first-seed 17\n\n"
        "mmbot chaos --seeds 1000 --out nightly.json"
    ),
)
def run(
    *,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Runs, one a seed.")] = 100,
    first_seed: Annotated[int, typer.Option("--first-seed", min=0, help="Seed of the first.")] = 1,
    jobs: Annotated[
        int | None, typer.Option("--jobs", min=1, help="Threads.", show_default="all cores")
    ] = None,
    cluster: Annotated[
        str,
        typer.Option("--cluster", metavar="local", help="Where: local is this machine's cores."),
    ] = "local",
    scenario: Annotated[
        Path | None,
        typer.Option("--scenario", help="YAML: symbols, minutes, faults, canary."),
    ] = None,
    minutes: Annotated[
        float, typer.Option("--minutes", min=0.05, max=1440, help="Market time with faults.")
    ] = 1.0,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", show_default="artifacts/CHAOS_REPORT.json"),
    ] = None,
    json: JsonOption = False,
) -> int:
    """Play sessions on synthetic markets while wire, venue, data and clock fail.

    Every rule is judged after every event. Exit code 2: a rule was broken; 1: a planted defect was
    not found, the fault world is blind.
    """
    if cluster != "local":
        raise ConfigError("E_CFG_RANGE", "--cluster", "must be local")
    options = ChaosOptions(
        first_seed=first_seed,
        seeds=seeds,
        jobs=jobs or os.cpu_count() or 1,
        minutes=minutes,
        scenario=Scenario() if scenario is None else _read(scenario),
        scenario_path=scenario,
    )
    if not json:
        last = first_seed + seeds - 1
        typer.echo(f"seeds {first_seed} to {last}" if seeds > 1 else f"seed {first_seed}")
    with progress(*_COLUMNS, hidden=json) as bar:
        report = chaos(options, _Progress(bar, seeds).done)
    target = artifact_path("CHAOS_REPORT.json") if out is None else out
    write_json(target, report.as_dict())
    scenarios = [_leave_scenario(broken) for broken in report.broken[:_TOLD]]
    if json:
        typer.echo(canonical_json(report.as_dict()))
    else:
        _show(report, scenarios)
        typer.echo(f"report           {target}")
    return 2 if report.broken else 0


class _Progress:
    """Seeds done, and events a second over all of them; told from several threads."""

    def __init__(self, bar: Progress, seeds: int) -> None:
        self._bar = bar
        self._task = bar.add_task("seeds", total=seeds, rate="")
        self._began_ns = monotonic_ns()
        self._events = 0
        self._lock = threading.Lock()

    def done(self, run: Mapping[str, Any]) -> None:
        """A seed is done."""
        with self._lock:
            self._events += int(run["events"])
            took_s = max((monotonic_ns() - self._began_ns) / NS_PER_SEC, 1e-9)
            rate = f"{self._events / took_s:,.0f} events/s"
            self._bar.update(self._task, advance=1, rate=rate)


def _read(path: Path) -> Scenario:
    try:
        data = path.read_bytes()
    except OSError as exc:
        reason = (exc.strerror or "cannot be read").lower()
        raise ConfigError("E_CFG_MISSING", str(path), reason) from exc
    return scenario_from_yaml(data, path.name)


def _leave_scenario(broken: Mapping[str, Any]) -> Path:
    """Writes down the faults that matter; the file repeats the run."""
    path = artifact_path("chaos", f"seed-{broken['seed']}.yaml")
    write_text(path, scenario_to_yaml(broken))
    return path


def _show(report: ChaosReport, scenarios: Sequence[Path]) -> None:
    console = Console()
    table = Table(box=None, show_header=False, pad_edge=False)
    facts = {
        "simulated": f"{report.hours:.2f} symbol hours",
        "events": f"{report.total('events'):,}",
        "requests": f"{report.total('requests'):,}",
        "fills": f"{report.total('fills'):,}",
        "judgements": f"{sum(report.counts('judged').values()):,}",
        "faults": f"{sum(report.counts('happened').values()):,}",
        "planted defects": f"{len(report.canaries)} of {len(report.canaries)} found",
        "violations": f"{len(report.broken)} runs",
    }
    for name, value in facts.items():
        table.add_row(name, value)
    console.print(table)
    for broken, path in zip(report.broken, scenarios, strict=False):
        _tell(report, broken, path)
    if len(report.broken) > _TOLD:
        typer.echo(f"{len(report.broken) - _TOLD} more runs are in the report")


def _tell(report: ChaosReport, broken: Mapping[str, Any], scenario: Path) -> None:
    first = broken["violations"][0]
    where = "session" if first["symbol"] is None else f"symbol {first['symbol']}"
    typer.echo(f"\n{first['rule']} at {first['ts_ms']} ms, {where}: {first['detail']}")
    typer.echo(f"  repeat     {repro_line(broken, report.options)}")
    faults = broken["minimised"] or {}
    names = ", ".join(f"{name} {ratio}" for name, (ratio, _) in faults.items()) or "no fault needed"
    typer.echo(f"  minimised  {scenario} ({names})")
