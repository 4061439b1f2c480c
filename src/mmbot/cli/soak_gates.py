"""`mmbot soak kpi-gate|verify-deltas|drift-guard|regression-guard|anomaly-radar`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from mmbot import clock
from mmbot.errors import ConfigError, InputError
from mmbot.soak.day_guards import REGRESSION_RATIO, drift_reason, regression
from mmbot.soak.day_stop import (
    daily_reports,
    figures_of_report,
    write_drift_stop,
    write_regression_stop,
)
from mmbot.soak.kpi import SOFT_LIMITS
from mmbot.soak.kpi_gate import gate_markdown, iteration_gate, last8_document, weekly_gate
from mmbot.soak.last8 import last8_gate
from mmbot.soak.measurement import totals_of
from mmbot.soak.paths import SUMMARY_NAME, read_array, read_object, read_summaries
from mmbot.soak.radar import check_width, find_anomalies, radar_document, radar_markdown
from mmbot.soak.verify import verification_markdown, verify_deltas
from mmbot.store.artifacts import write_json, write_text
from mmbot.store.canonical import canonical_json
from mmbot.store.runtime import artifact_path, artifacts_dir

__all__ = [
    "anomaly_radar_command",
    "drift_guard_command",
    "kpi_gate_command",
    "regression_guard_command",
    "verify_deltas_command",
]

_STRICT_THRESHOLD = 0.95
_THRESHOLD = 0.60


def kpi_gate_command(
    *,
    iteration: Annotated[
        Path | None, typer.Option("--iter", metavar="FILE", help="Soft gate on an ITER_SUMMARY.")
    ] = None,
    last8: Annotated[
        Path | None, typer.Option("--last8", metavar="DIR", help="Strict gate on a run.")
    ] = None,
) -> None:
    """Judge the weekly rollup, one iteration, or a run's last eight; exit 1 on FAIL."""
    if iteration is not None and last8 is not None:
        raise ConfigError("E_SOAK_ARGS", "--iter", "and --last8 exclude each other")
    if iteration is not None:
        summary = _summary(iteration)
        directory = iteration.parent / "artifacts"
        run = read_object(iteration.parent / "RUN.json") or {}
        limits = dict(run.get("soft_gate") or SOFT_LIMITS)
        document = iteration_gate(summary, str(iteration), limits)
    elif last8 is not None:
        summaries = _summaries(last8)
        directory = last8 / "artifacts"
        document = last8_document(summaries, str(last8))
        typer.echo(last8_gate(summaries).line)
    else:
        directory = artifacts_dir()
        document = _weekly(artifact_path("WEEKLY_ROLLUP.json"))
    write_json(directory / "KPI_GATE.json", document)
    write_text(directory / "KPI_GATE.md", gate_markdown(document))
    typer.echo(f"KPI_GATE {document['verdict']}")
    raise typer.Exit(0 if document["verdict"] in ("PASS", "WARN") else 1)


def verify_deltas_command(
    *,
    path: Annotated[
        Path | None, typer.Option("--path", metavar="DIR", show_default="artifacts/soak/latest")
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option("--threshold", min=0, max=1, show_default="0.95 strict, else 0.60"),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 2 below the threshold.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare every window's parameters with the changes decided before it."""
    raise typer.Exit(verify(path, threshold=threshold, strict=strict, as_json=as_json))


def verify(path: Path | None, *, threshold: float | None, strict: bool, as_json: bool) -> int:
    """Verify, write the reports, print; the exit code."""
    base = path or artifact_path("soak", "latest")
    if read_array(base / "TUNING_REPORT.json") is None:
        raise InputError(
            "E_SOAK_AUDIT_NO_DATA", f"file={base / 'TUNING_REPORT.json'}", "is missing"
        )
    found = verify_deltas(_summaries(base))
    limit = threshold if threshold is not None else _STRICT_THRESHOLD if strict else _THRESHOLD
    write_json(base / "DELTA_VERIFY_REPORT.json", found.document())
    text = verification_markdown(found, threshold=limit, strict=strict)
    write_text(base / "DELTA_VERIFY_REPORT.md", text)
    passed = found.passes(limit, strict=strict)
    if as_json:
        typer.echo(canonical_json(found.document()).decode("ascii"), nl=False)
    else:
        typer.echo(f"full_apply_ratio={found.ratio:.6f} threshold={limit:.2f}")
        if not found.pairs:
            typer.echo("[WARN] no iteration proposed a change")
        typer.echo(f"DELTA_VERIFY={'PASS' if passed else 'FAIL' if strict else 'WARN'}")
    return 2 if strict and not passed else 0


def drift_guard_command(
    edge_report: Annotated[Path, typer.Argument(metavar="EDGE_REPORT", help="The day so far.")],
) -> None:
    """Judge a day against the daily limits; on a breach write the stop files and exit 2."""
    totals = totals_of(read_object(edge_report))
    if totals is None:
        raise InputError("E_EDGE_IO", f"file={edge_report}", "is no edge report")
    day = figures_of_report(totals)
    reason = drift_reason(day)
    typer.echo(f"DRIFT_GUARD reason={reason}")
    if reason == "NONE":
        return
    write_drift_stop(artifacts_dir(), day, reason, ts=clock.artifact_utc())
    typer.echo(f"SOAK_STOP reason={reason}")
    raise typer.Exit(2)


def regression_guard_command(
    *,
    directory: Annotated[
        Path | None, typer.Option("--dir", metavar="DIR", show_default="artifacts")
    ] = None,
    date: Annotated[
        str | None, typer.Option("--date", metavar="YYYY-MM-DD", show_default="today")
    ] = None,
    threshold: Annotated[float, typer.Option("--threshold", min=0)] = REGRESSION_RATIO,
) -> None:
    """Judge a day's report against the days before it; on a breach stop the day and exit 2."""
    root = directory or artifacts_dir()
    day = date or clock.artifact_utc()[:10]
    reports = daily_reports(root)
    if day not in reports:
        name = f"REPORT_SOAK_{day.replace('-', '')}.json"
        raise InputError("E_SOAK_ROLLUP_NO_DATA", f"file={root / name}", "is missing or damaged")
    report = reports[day]
    today = figures_of_report({**report, "net_bps": report.get("edge_net_bps")})
    earlier = [found for when, found in reports.items() if when < day]
    found = regression(today, earlier, threshold=threshold)
    note = f" note={found.note}" if found.note else ""
    typer.echo(f"REG_GUARD reason={found.reason}{note}")
    if found.reason == "NONE":
        return
    write_regression_stop(root, today, found, ts=clock.artifact_utc())
    typer.echo(f"SOAK_STOP reason={found.reason}")
    raise typer.Exit(2)


def anomaly_radar_command(
    *,
    edge_report: Annotated[
        Path | None,
        typer.Option(
            "--edge-report", metavar="FILE", show_default="artifacts/EDGE_REPORT_DAY.json"
        ),
    ] = None,
    bucket_min: Annotated[int, typer.Option("--bucket-min", min=1, max=1440)] = 15,
    out_json: Annotated[
        Path | None,
        typer.Option("--out-json", metavar="FILE", show_default="artifacts/ANOMALY_RADAR.json"),
    ] = None,
) -> None:
    """Find buckets of a day that stand out from it."""
    source = edge_report or artifact_path("EDGE_REPORT_DAY.json")
    report = read_object(source)
    buckets = None if report is None else (totals_of(report) or {}).get("buckets")
    if report is not None and buckets is None:
        buckets = report.get("buckets")
    if not isinstance(buckets, list):
        raise InputError("E_EDGE_IO", f"file={source}", "is no edge report with buckets")
    check_width(buckets, bucket_min)
    document = radar_document(find_anomalies(buckets), bucket_min)
    out = out_json or artifact_path("ANOMALY_RADAR.json")
    write_json(out, document)
    write_text(out.with_suffix(".md"), radar_markdown(document))
    typer.echo(f"ANOMALY_RADAR anomalies={len(document['anomalies'])}")


def _summary(path: Path) -> Mapping[str, Any]:
    document = read_object(path)
    if document is None or not isinstance(document.get("summary"), dict):
        raise InputError("E_SOAK_AUDIT_NO_DATA", f"file={path}", "is no ITER_SUMMARY")
    return document


def _summaries(directory: Path) -> list[dict[str, Any]]:
    found, skipped = read_summaries(directory)
    for name in skipped:
        if SUMMARY_NAME.fullmatch(name):
            typer.echo(f"[WARN] {name} cannot be read", err=True)
    if not found:
        raise InputError("E_SOAK_AUDIT_NO_DATA", str(directory), "holds no ITER_SUMMARY")
    return list(found.values())


def _weekly(path: Path) -> dict[str, Any]:
    rollup = read_object(path)
    if rollup is None:
        raise InputError("E_SOAK_ROLLUP_NO_DATA", f"file={path}", "is missing or damaged")
    try:
        return weekly_gate(rollup, str(path))
    except (KeyError, TypeError) as exc:
        raise InputError("E_SOAK_ROLLUP_NO_DATA", f"file={path}", f"lacks {exc}") from exc
