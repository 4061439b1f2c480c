"""`mmbot soak daily-report|weekly-rollup|audit|export-warmup`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from mmbot import clock
from mmbot.errors import InputError
from mmbot.research.charts import Figure, Panel, Series, write_figure
from mmbot.soak.acceptance import canary_24h
from mmbot.soak.audit import (
    METRICS,
    audit_document,
    audit_markdown,
    iteration_table_csv,
)
from mmbot.soak.daily import DayInputs, daily_markdown, daily_report
from mmbot.soak.day_guards import day_figures, regression
from mmbot.soak.day_stop import alerts_of_day, daily_reports
from mmbot.soak.history import recorded_iterations
from mmbot.soak.last8 import LAST8_LIMITS, complete
from mmbot.soak.measurement import totals_of
from mmbot.soak.paths import SoakPaths, read_array, read_object, read_summaries
from mmbot.soak.radar import find_anomalies
from mmbot.soak.resources import read_snapshots
from mmbot.soak.resources_analysis import analyse
from mmbot.soak.rotate import tree_size_mb
from mmbot.soak.warmup_export import warmup_text
from mmbot.soak.weekly import WeekInputs, weekly_markdown, weekly_rollup
from mmbot.store.artifacts import write_json, write_text
from mmbot.store.runtime import artifact_path, artifacts_dir
from mmbot.units import parse_utc_ns

__all__ = [
    "audit_command",
    "daily_report_command",
    "export_warmup_command",
    "weekly_rollup_command",
]

_FILES: Final = ("TUNING_REPORT.json", "TUNING_STATE.json", "RUN.json", "DELTA_VERIFY_REPORT.json")


def daily_report_command(
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", show_default="artifacts/REPORT_SOAK_<day>.json"),
    ] = None,
    date: Annotated[
        str | None, typer.Option("--date", metavar="YYYY-MM-DD", show_default="today")
    ] = None,
    source: Annotated[
        Path | None, typer.Option("--source", metavar="DIR", help="Only this run's iterations.")
    ] = None,
) -> None:
    """Report a day and its verdict."""
    day = date or clock.artifact_utc()[:10]
    report = _daily(day, source)
    target = out or artifact_path(f"REPORT_SOAK_{day.replace('-', '')}.json")
    write_json(target, report)
    write_text(target.with_suffix(".md"), daily_markdown(report))
    typer.echo(f"DAILY_REPORT {report['verdict']}")


def weekly_rollup_command(
    *,
    soak_dir: Annotated[
        Path | None, typer.Option("--soak-dir", metavar="DIR", show_default="artifacts")
    ] = None,
    ledger: Annotated[
        Path | None,
        typer.Option("--ledger", metavar="FILE", show_default="artifacts/LEDGER_DAILY.json"),
    ] = None,
    out_json: Annotated[
        Path | None,
        typer.Option("--out-json", metavar="FILE", show_default="artifacts/WEEKLY_ROLLUP.json"),
    ] = None,
    out_md: Annotated[
        Path | None, typer.Option("--out-md", metavar="FILE", show_default="beside the JSON")
    ] = None,
) -> None:
    """Roll up the seven newest daily reports and the ledger of their dates."""
    target = out_json or artifact_path("WEEKLY_ROLLUP.json")
    kept = target.with_name(f"{target.stem}_prev{target.suffix}")
    reports = daily_reports(soak_dir or artifacts_dir())
    before = read_object(target)
    if before is not None and _period_end(before) != max(reports, default=None):
        # The rollup of another week becomes the one to compare with; a repeat keeps it.
        write_json(kept, before)
    rollup = weekly_rollup(
        WeekInputs(
            reports=reports,
            ledger=read_array(ledger or artifact_path("LEDGER_DAILY.json")) or (),
            previous=read_object(kept),
        )
    )
    write_json(target, rollup)
    write_text(out_md or target.with_suffix(".md"), weekly_markdown(rollup))
    typer.echo(f"WEEKLY_ROLLUP {rollup['verdict']}")


def audit_command(
    *,
    base: Annotated[
        Path | None, typer.Option("--base", metavar="DIR", show_default="artifacts/soak/latest")
    ] = None,
    fail_on_hold: Annotated[bool, typer.Option("--fail-on-hold", help="Exit 2 on HOLD.")] = False,
    plots: Annotated[bool, typer.Option("--plots", help="Pictures of the trends.")] = False,
    acceptance: Annotated[
        str | None, typer.Option("--acceptance", metavar="canary-24h", help="Release acceptance.")
    ] = None,
) -> None:
    """Audit a finished run: readiness, trends, tuning, recommendations."""
    if acceptance not in (None, "canary-24h"):
        raise InputError("E_SOAK_ARGS", "--acceptance", "must be canary-24h")
    code = audit(base, fail_on_hold=fail_on_hold, plots=plots)
    if acceptance is not None:
        code = max(code, _accept(base or artifact_path("soak", "latest")))
    raise typer.Exit(code)


def audit(base: Path | None, *, fail_on_hold: bool, plots: bool = False) -> int:
    """Audit, write the outputs, print the verdict; the exit code."""
    base = base or artifact_path("soak", "latest")
    found, skipped = read_summaries(base)
    summaries = list(found.values())
    document = audit_document(
        summaries,
        base_dir=str(base),
        files_present={name: (base / name).exists() for name in _FILES},
        skipped=skipped,
    )
    out = base / "reports" / "analysis"
    write_json(out / "POST_SOAK_AUDIT_SUMMARY.json", document)
    write_text(out / "POST_SOAK_AUDIT_SUMMARY.md", audit_markdown(document))
    write_text(out / "POST_SOAK_ITER_TABLE.csv", iteration_table_csv(summaries))
    if plots:
        _plot(out / "plots", summaries)
    for warning in document["warnings"]:
        typer.echo(f"[WARN] {warning}")
    for name in skipped:
        typer.echo(f"[WARN] {name} cannot be read")
    ready = document["readiness"]["pass"]
    typer.echo(f"FINAL VERDICT: READINESS: {'OK' if ready else 'HOLD'}")
    return 2 if fail_on_hold and not ready else 0


def export_warmup_command(
    *,
    path: Annotated[
        Path | None, typer.Option("--path", metavar="DIR", show_default="artifacts/soak/latest")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            metavar="FILE",
            show_default="artifacts/soak/latest/reports/analysis/warmup_metrics.prom",
        ),
    ] = None,
) -> None:
    """Write warm-up metrics as Prometheus text; without input the file says so."""
    export_warmup(path, output)


def export_warmup(path: Path | None, output: Path | None) -> None:
    """Read a run and write its metrics."""
    base = path or artifact_path("soak", "latest")
    summaries, _ = read_summaries(base)
    target = output or base / "reports" / "analysis" / "warmup_metrics.prom"
    write_text(target, warmup_text(list(summaries.values())))
    typer.echo(f"wrote {target}")


def _daily(day: str, source: Path | None) -> dict[str, Any]:
    paths = SoakPaths.from_environment(os.environ)
    root = paths.root
    start_ns = parse_utc_ns(day, key="--date")
    summaries = recorded_iterations(paths, source)
    day_report = read_object(root / "EDGE_REPORT_DAY.json")
    pooled = _of_day(day_report, day)
    drift = read_object(root / "DRIFT_STOP.json")
    earlier = [report for when, report in daily_reports(root).items() if when < day]
    today = day_figures(summaries, start_ns)
    caps = dict((read_object(root / "metrics.json") or {}).get("intraday_caps") or {})
    return daily_report(
        DayInputs(
            date=day,
            day_start_ns=start_ns,
            summaries=summaries,
            alerts=alerts_of_day(root, day),
            drift=drift if drift is not None and _is_of(drift.get("ts"), day) else None,
            regression=regression(today, earlier),
            anomalies=find_anomalies(pooled["buckets"]) if pooled.get("buckets") else (),
            age_p95_ms=(totals_of(pooled) or {}).get("order_age_p95_ms"),
            caps_breached=bool(caps.get("breached")),
            chaos_result=_tool_result(root / "CHAOS_FAILOVER.json", day),
            bug_bash=_tool_result(root / "BUG_BASH.json", day),
        )
    )


def _of_day(report: dict[str, Any] | None, day: str) -> dict[str, Any]:
    """The day's edge report, or nothing when it is of another day."""
    start = dict((report or {}).get("window") or {}).get("from")
    return report if report is not None and _is_of(start, day) else {}


def _tool_result(path: Path, day: str) -> str:
    document = read_object(path)
    if document is None or not _is_of(dict(document.get("runtime") or {}).get("utc"), day):
        return "NONE"
    return "OK" if document.get("result", document.get("verdict")) in ("OK", "PASS") else "FAIL"


def _is_of(stamp: object, day: str) -> bool:
    return isinstance(stamp, str) and stamp.startswith(day)


def _period_end(rollup: dict[str, Any]) -> str | None:
    end = dict(rollup.get("period") or {}).get("to")
    return end if isinstance(end, str) else None


def _accept(base: Path) -> int:
    summaries, _ = read_summaries(base)
    tree = base.parent
    resources = tree / "resources.jsonl"
    leak = None
    if resources.exists():
        snapshots, skipped = read_snapshots(resources)
        leak = bool(analyse(snapshots, skipped=skipped)["memory"]["leak_detected"])
    failed = canary_24h(list(summaries.values()), leak_detected=leak, size_mb=tree_size_mb(tree))
    for text in failed:
        typer.echo(f"[FAIL] {text}")
    typer.echo(f"ACCEPTANCE canary-24h: {'FAIL' if failed else 'OK'}")
    return 2 if failed else 0


def _plot(directory: Path, summaries: Sequence[dict[str, Any]]) -> None:
    """One picture per metric, with its limit."""
    windows = complete(summaries)
    for metric in METRICS:
        limit = LAST8_LIMITS[metric].bound
        points = [(float(s["iteration"]), s["summary"].get(metric)) for s in windows]
        known = [(x, float(y)) for x, y in points if y is not None]
        x = tuple(x for x, _ in known)
        series = (
            Series(metric, x, tuple(y for _, y in known)),
            Series(f"limit {limit:g}", x, (limit,) * len(x)),
        )
        figure = Figure(metric, (Panel(metric, "iteration", series),))
        write_figure(directory / f"{metric}.png", figure)
