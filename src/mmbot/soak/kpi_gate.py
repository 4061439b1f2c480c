"""``KPI_GATE.json``: one verdict over an iteration, the last eight, or a week."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from mmbot.research.report_markdown import markdown_table, number_text
from mmbot.soak.kpi import SOFT_LIMITS, soft_gate
from mmbot.soak.last8 import LAST8_LIMITS, last8_gate
from mmbot.soak.measurement import figures_of
from mmbot.soak.models import Phase
from mmbot.soak.parameters import Values
from mmbot.store.runtime import runtime_block

__all__ = ["gate_markdown", "iteration_gate", "last8_document", "weekly_gate"]

WEEKLY_LIMITS: Final = {
    "edge_net_bps_median": 2.5,
    "order_age_p95_ms_median": 350.0,
    "taker_share_pct_median": 15.0,
}
_WEEKLY_FLAGS: Final = (
    ("EDGE", "edge_ok"),
    ("LAT", "latency_ok"),
    ("TAKER", "taker_ok"),
    ("TREND", "trend_ok"),
)


def iteration_gate(
    summary: Mapping[str, Any], source: str, limits: Values = SOFT_LIMITS
) -> dict[str, Any]:
    """The soft gate on one ITER_SUMMARY, with the limits of its run."""
    figures = figures_of(summary["summary"])
    low = summary["summary"].get("sample") == "low"
    phase = Phase(summary.get("phase", "STEADY"))
    found = soft_gate(figures, phase=phase, low_sample=low, limits=limits)
    names = ("net_bps", "risk_ratio", "adverse_bps_p95")
    return _document(
        mode="iteration",
        verdict=found.verdict,
        reasons=list(found.reasons),
        metrics={name: getattr(figures, name) for name in names},
        thresholds=dict(limits),
        source=source,
    )


def last8_document(summaries: Sequence[Mapping[str, Any]], source: str) -> dict[str, Any]:
    """The strict gate on a run's last eight iterations."""
    found = last8_gate(summaries)
    return _document(
        mode="last8",
        verdict="PASS" if found.ready else "FAIL",
        reasons=list(found.failures),
        metrics={**found.values, "iterations": found.iterations},
        thresholds={name: limit.bound for name, limit in LAST8_LIMITS.items()},
        source=source,
    )


def weekly_gate(rollup: Mapping[str, Any], source: str) -> dict[str, Any]:
    """The weekly gate on a rollup: reasons in the order EDGE, LAT, TAKER, TREND.

    Raises:
        KeyError: the rollup lacks a key.
    """
    guard = rollup["regress_guard"]
    medians = {
        "edge_net_bps_median": rollup["edge_net_bps"]["median"],
        "order_age_p95_ms_median": rollup["order_age_p95_ms"]["median"],
        "taker_share_pct_median": rollup["taker_share_pct"]["median"],
    }
    reasons = [reason for reason, flag in _WEEKLY_FLAGS if not guard[flag]]
    verdict = "PASS" if not reasons else "WARN" if reasons == ["TREND"] else "FAIL"
    return _document(
        mode="weekly",
        verdict=verdict,
        reasons=reasons,
        metrics=medians,
        thresholds=dict(WEEKLY_LIMITS),
        source=source,
    )


def gate_markdown(document: Mapping[str, Any]) -> str:
    """The verdict for people."""
    rows = [[name, number_text(value)] for name, value in sorted(document["metrics"].items())]
    limits = [[name, number_text(v)] for name, v in sorted(document["thresholds"].items())]
    return (
        f"# KPI gate ({document['mode']})\n\nVerdict: {document['verdict']}\n\n"
        f"Reasons: {', '.join(document['reasons']) or 'none'}\n\n"
        f"Source: {document['source_path']}\n\n"
        f"## Metrics\n\n{markdown_table(['metric', 'value'], rows)}\n\n"
        f"## Thresholds\n\n{markdown_table(['threshold', 'value'], limits)}\n"
    )


def _document(
    *,
    mode: str,
    verdict: str,
    reasons: list[str],
    metrics: Mapping[str, Any],
    thresholds: Mapping[str, Any],
    source: str,
) -> dict[str, Any]:
    return {
        "mode": mode,
        "verdict": verdict,
        "reasons": reasons,
        "metrics": dict(metrics),
        "thresholds": dict(thresholds),
        "source_path": source,
        "runtime": runtime_block(),
    }
