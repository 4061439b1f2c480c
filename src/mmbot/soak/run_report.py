"""The report of a run: verdict, gates, tuning counts, and the lines that end its output."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from mmbot.research.report_markdown import markdown_table, number_text
from mmbot.soak.last8 import complete, last8_gate
from mmbot.soak.run_gates import run_gates, run_metrics
from mmbot.units import NS_PER_SEC, parse_utc_ns

__all__ = ["RunEnd", "RunFacts", "closing_lines", "judge", "report_markdown", "run_report"]

RunVerdict = Literal["PASS", "FAIL", "ABORTED"]
_SEC_PER_HOUR: Final = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What the report says beside the iterations."""

    run_id: str
    mode: str
    mock: bool
    iterations: int
    kpi_mode: str
    strict_last8: bool
    stop_reason: str | None
    aborted: bool
    overrides: Mapping[str, float]
    metadata: Mapping[str, Any]
    run_totals: Mapping[str, float]
    resources: Mapping[str, Any] | None = None
    data_ended: bool = False


@dataclass(frozen=True, slots=True)
class RunEnd:
    """Verdict, exit code, and the report document."""

    verdict: RunVerdict
    exit_code: int
    document: Mapping[str, Any]


def judge(summaries: Sequence[Mapping[str, Any]], facts: RunFacts) -> RunEnd:
    """Verdict and exit code of a run, with its report.

    A mock run that completed all iterations exits 0 whatever its gates say: its first iterations
    lose by construction.
    """
    document = run_report(summaries, facts)
    verdict: RunVerdict = document["verdict"]
    if verdict == "ABORTED":
        return RunEnd(verdict, 1, document)
    completed = document["iterations_completed"] >= facts.iterations
    if facts.mock and completed and facts.stop_reason is None:
        return RunEnd(verdict, 0, document)
    return RunEnd(verdict, 0 if verdict == "PASS" else 2, document)


def run_report(summaries: Sequence[Mapping[str, Any]], facts: RunFacts) -> dict[str, Any]:
    """The content of ``soak_reports/<run_id>.json``."""
    metrics = {**run_metrics(summaries), **facts.run_totals}
    gates: dict[str, Any] = {"run": run_gates(metrics)}
    if facts.kpi_mode == "hard":
        gates["hard_mode"] = {"passed": not _hard_failures(summaries)}
    if facts.strict_last8:
        strict = last8_gate(summaries)
        gates["last8"] = {
            "passed": strict.ready,
            "readiness": "OK" if strict.ready else "HOLD",
            "values": dict(strict.values),
            "failures": list(strict.failures),
        }
    verdicts = Counter(str(s["summary"]["kpi_verdict"]).lower() for s in summaries)
    low = sum(s["summary"]["sample"] == "low" for s in summaries)
    return {
        "run_id": facts.run_id,
        "mode": facts.mode,
        "mock": facts.mock,
        "verdict": _verdict(gates, facts),
        "duration_hours": math.fsum(s["window"]["seconds"] for s in summaries) / _SEC_PER_HOUR,
        "iterations_completed": sum(not s["partial"] for s in summaries),
        "gates": gates,
        "kpi": {
            **{name: verdicts.get(name, 0) for name in ("pass", "warn", "fail", "unknown")},
            "low_sample": low,
        },
        "metrics": metrics,
        "tuning": _tuning(summaries),
        "mttr_sec": _mttr_sec(summaries),
        "stop_reason": facts.stop_reason,
        "final_overrides": dict(facts.overrides),
        "resources": facts.resources,
        "metadata": dict(facts.metadata),
    }


def closing_lines(document: Mapping[str, Any], summaries: Sequence[Mapping[str, Any]]) -> list[str]:
    """The block that ends the output, and the trend table."""
    metrics = document["metrics"]
    lines = [
        f"SOAK TEST: {document['verdict']}",
        f"Duration: {document['duration_hours']:.2f}h",
        f"Latency P95: {_fixed(metrics['tick_latency_p95_ms'], 1)}ms",
        f"Hit Ratio: {_fixed(metrics['hit_ratio'], 2, scale=100)}%",
        f"Edge BPS: {_fixed(metrics['edge_bps'], 2)}",
        "",
    ]
    return lines + _trend(summaries).splitlines()


def report_markdown(document: Mapping[str, Any], summaries: Sequence[Mapping[str, Any]]) -> str:
    """The run report for people."""
    gates = [
        [name, number_text(gate["value"]), f"{gate['op']} {gate['limit']:g}", _passed(gate)]
        for name, gate in document["gates"]["run"].items()
    ]
    tuning = document["tuning"]
    counts = [[name, str(value)] for name, value in tuning.items() if name != "skipped"]
    counts += [[f"skipped: {name}", str(n)] for name, n in sorted(tuning["skipped"].items())]
    values = [[name, number_text(v)] for name, v in sorted(document["final_overrides"].items())]
    head = (
        f"Verdict: {document['verdict']}, mode {document['mode']}, "
        f"{document['iterations_completed']} iterations, {document['duration_hours']:.2f} h"
    )
    return "\n\n".join(
        [
            f"# Soak run {document['run_id']}",
            head,
            "## Gates",
            markdown_table(["gate", "value", "limit", "verdict"], gates),
            "## Tuning",
            markdown_table(["count", "value"], counts),
            "## Values at the end",
            markdown_table(["parameter", "requested"], values),
            "## Iterations",
            _trend(summaries),
        ]
    )


def _verdict(gates: Mapping[str, Any], facts: RunFacts) -> RunVerdict:
    if facts.aborted:
        return "ABORTED"
    passed = all(gate["passed"] for gate in gates["run"].values())
    passed = passed and all(gates[k]["passed"] for k in ("hard_mode", "last8") if k in gates)
    ended = facts.stop_reason is None or facts.data_ended
    return "PASS" if passed and ended else "FAIL"


def _hard_failures(summaries: Sequence[Mapping[str, Any]]) -> list[int]:
    """Failed iterations after warm-up."""
    return [
        s["iteration"]
        for s in complete(summaries)
        if s["phase"] != "WARMUP" and s["summary"]["kpi_verdict"] == "FAIL"
    ]


def _tuning(summaries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    tunings = [s["tuning"] for s in summaries]
    reasons = Counter(t["skipped_reason"] for t in tunings if t["skipped_reason"] is not None)
    refused = [c for t in tunings for c in t["changes"] if c["reason"] == "velocity"]
    cooldowns = [t["guards"]["cooldown_until_iter"] for t in tunings]
    freezes = [t["guards"]["frozen_until_iter"] for t in tunings]
    return {
        "applied": sum(t["applied"] for t in tunings),
        "skipped": dict(sorted(reasons.items())),
        "fallbacks": sum(t["mode"] == "fallback" for t in tunings),
        "panics": sum(t["mode"] == "panic" for t in tunings),
        "freezes": len({until for until in freezes if until is not None}),
        "oscillations": sum(len(t["removed"]["oscillation"]) for t in tunings),
        "velocity_rejections": len(refused),
        "cooldowns": len({until for until in cooldowns if until is not None}),
    }


def _mttr_sec(summaries: Sequence[Mapping[str, Any]]) -> float | None:
    """Mean time from the first FAIL of a series to the next PASS; None without a recovery."""
    spans, failed_at = [], None
    for summary in summaries:
        verdict = summary["summary"]["kpi_verdict"]
        ended = parse_utc_ns(summary["window"]["to"]) / NS_PER_SEC
        if verdict == "FAIL" and failed_at is None:
            failed_at = ended
        elif verdict == "PASS" and failed_at is not None:
            spans.append(ended - failed_at)
            failed_at = None
    return math.fsum(spans) / len(spans) if spans else None


def _trend(summaries: Sequence[Mapping[str, Any]]) -> str:
    header = ["iter", "net_bps", "risk", "adv_p95", "sl_p95", "minInt%", "conc%"]
    rows = [
        [
            str(s["iteration"]),
            _fixed(s["summary"]["net_bps"], 2),
            _fixed(s["summary"]["risk_ratio"], 1, scale=100) + "%",
            _fixed(s["summary"]["adverse_bps_p95"], 2),
            _fixed(s["summary"]["slippage_bps_p95"], 2),
            _fixed(s["summary"]["min_interval_ratio"], 1, scale=100),
            _fixed(s["summary"]["concurrency_ratio"], 1, scale=100),
        ]
        for s in summaries
    ]
    return markdown_table(header, rows)


def _passed(gate: Mapping[str, Any]) -> str:
    return "pass" if gate["passed"] else "FAIL"


def _fixed(value: float | None, decimals: int, *, scale: float = 1.0) -> str:
    return "n/a" if value is None else f"{scale * value + 0.0:.{decimals}f}"
