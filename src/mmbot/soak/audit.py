"""Post-soak audit: trends over three windows, readiness, tuning, what to do about failures."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from mmbot.clock import artifact_utc
from mmbot.errors import InputError
from mmbot.research.report_markdown import markdown_table, number_text
from mmbot.soak.last8 import LAST8_LIMITS, complete, last8_gate
from mmbot.soak.oscillation import MONITORED, oscillates
from mmbot.soak.verify import verify_deltas

__all__ = [
    "METRICS",
    "audit_document",
    "audit_markdown",
    "iteration_table_csv",
    "oscillations_of",
]

STEADY_START: Final = 7
LAST_WINDOW: Final = 8
FEW: Final = 16
METRICS: Final = ("net_bps", "risk_ratio", "p95_latency_ms", "maker_taker_ratio")
_COSTS: Final = ("slippage_bps", "adverse_bps", "inventory_bps", "fees_eff_bps")
_CSV: Final = {
    "iter": None,
    "net_bps": "net_bps",
    "risk_ratio": "risk_ratio",
    "slippage_p95": "slippage_bps_p95",
    "adverse_p95": "adverse_bps_p95",
    "latency_p95_ms": "p95_latency_ms",
    "maker_taker_ratio": "maker_taker_ratio",
    "gross_bps": "gross_bps",
    "fees_bps": "fees_eff_bps",
    "kpi_verdict": "kpi_verdict",
    "applied": None,
}
_ADVICE: Final = {
    "maker_taker_ratio": (
        "low maker share: raise base_spread_bps_delta, raise min_interval_ms, "
        "lower replace_rate_per_min"
    ),
    "risk_ratio": "high risk ratio: run with profile ultra_safe",
    "p95_latency_ms": "high latency: lower concurrency, raise tail_age_ms",
    "iterations": "fewer than 8 complete iterations: run longer",
}


def audit_document(
    summaries: Sequence[Mapping[str, Any]],
    *,
    base_dir: str,
    files_present: Mapping[str, bool],
    skipped: Sequence[str] = (),
) -> dict[str, Any]:
    """The content of ``POST_SOAK_AUDIT_SUMMARY.json``.

    Raises:
        InputError: ``E_SOAK_AUDIT_NO_DATA``: there is no iteration.
    """
    if not summaries:
        raise InputError("E_SOAK_AUDIT_NO_DATA", base_dir, "holds no ITER_SUMMARY")
    windows = _windows(summaries)
    gate = last8_gate(summaries)
    verified = verify_deltas(summaries)
    return {
        "timestamp": artifact_utc(),
        "base_dir": base_dir,
        "iterations": len(summaries),
        "max_iter": max(int(s["iteration"]) for s in summaries),
        "steady_start": STEADY_START,
        "last8_start": int(windows["last8"][0]["iteration"]) if windows["last8"] else None,
        "files_present": dict(files_present),
        "skipped_files": list(skipped),
        "snapshot_kpis": dict(gate.values),
        "readiness": {"pass": gate.ready, "failures": list(gate.failures)},
        "trend_stats": {
            metric: {name: _stats(window, metric) for name, window in windows.items()}
            for metric in METRICS
        },
        "tuning": _tuning(summaries),
        "delta_verify": verified.document(),
        "warmup": _warmup(summaries),
        "oscillations": oscillations_of(summaries),
        "recommendations": _recommendations(gate.failures, windows["last8"]),
        "warnings": [f"only {len(summaries)} iterations"] if len(summaries) < FEW else [],
    }


def oscillations_of(summaries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Places where a parameter went away by a tenth and came back, overlay excluded."""
    ordered = sorted(summaries, key=lambda s: int(s["iteration"]))
    found = []
    for end in range(2, len(ordered)):
        window = ordered[end - 2 : end + 1]
        values = [s.get("base") or s.get("overrides") or {} for s in window]
        found += [
            {"iteration": int(window[-1]["iteration"]), "param": name}
            for name in MONITORED
            if all(name in v for v in values) and oscillates([float(v[name]) for v in values])
        ]
    return found


def iteration_table_csv(summaries: Sequence[Mapping[str, Any]]) -> str:
    """``POST_SOAK_ITER_TABLE.csv``: a metric that was not measured is empty."""
    lines = [",".join(_CSV)]
    for summary in sorted(summaries, key=lambda s: int(s["iteration"])):
        cells = []
        for column, name in _CSV.items():
            if column == "iter":
                cells.append(str(summary["iteration"]))
            elif name is None:
                cells.append(str(bool(summary["tuning"].get("applied"))).lower())
            else:
                cells.append(_cell(summary["summary"].get(name)))
        lines.append(",".join(cells))
    return "\n".join(lines) + "\n"


def audit_markdown(document: Mapping[str, Any]) -> str:
    """The audit for people; the last line is the verdict."""
    present = [
        [name, "yes" if there else "no"] for name, there in document["files_present"].items()
    ]
    failures = document["readiness"]["failures"]
    readiness = [
        [
            name,
            f"{'>=' if limit.at_least else '<='} {limit.bound:g}",
            number_text(document["snapshot_kpis"][name]),
            "FAIL" if name in failures else "ok",
        ]
        for name, limit in LAST8_LIMITS.items()
    ]
    trends = [
        [metric, window, *(number_text(stats[k]) for k in ("min", "median", "max"))]
        for metric, by_window in document["trend_stats"].items()
        for window, stats in by_window.items()
    ]
    tuning = document["tuning"]
    skips = [[reason, str(n)] for reason, n in sorted(tuning["skip_reasons"].items())]
    verify = document["delta_verify"]
    advice = "".join(f"- {text}\n" for text in document["recommendations"]) or "- none\n"
    verdict = "OK" if document["readiness"]["pass"] else "HOLD"
    warnings = "".join(f"\nWarning: {text}\n" for text in document["warnings"])
    return (
        f"# Post-soak audit\n\n{document['iterations']} iterations in {document['base_dir']}\n"
        f"{warnings}\n"
        f"## Files\n\n{markdown_table(['file', 'present'], present)}\n\n"
        "## Readiness (last 8)\n\n"
        f"{markdown_table(['metric', 'target', 'actual', 'status'], readiness)}\n\n"
        f"## Trends\n\n{markdown_table(['metric', 'window', 'min', 'median', 'max'], trends)}\n\n"
        f"## Tuning\n\nproposed {tuning['proposed_total']}, applied {tuning['applied_total']}, "
        f"verified {verify['full_apply_ratio']:.6f} of {verify['proposed_count']}\n\n"
        f"{markdown_table(['skipped', 'times'], skips)}\n\n"
        f"## Recommendations\n\n{advice}\nFINAL VERDICT: READINESS: {verdict}\n"
    )


def _windows(
    summaries: Sequence[Mapping[str, Any]],
) -> dict[str, list[Mapping[str, Any]]]:
    whole = complete(summaries)
    return {
        "overall": whole,
        "steady": [s for s in whole if int(s["iteration"]) >= STEADY_START],
        "last8": whole[-LAST_WINDOW:],
    }


def _stats(window: Sequence[Mapping[str, Any]], metric: str) -> dict[str, float | None]:
    values = [s["summary"].get(metric) for s in window]
    known = [float(value) for value in values if value is not None]
    if not known:
        return {"min": None, "max": None, "median": None}
    return {"min": min(known), "max": max(known), "median": statistics.median(known)}


def _tuning(summaries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    tunings = [s["tuning"] for s in summaries]
    reasons = Counter(str(t["skipped_reason"]) for t in tunings if t.get("skipped_reason"))
    return {
        "proposed_total": sum(bool(t.get("deltas")) for t in tunings),
        "applied_total": sum(bool(t.get("applied")) for t in tunings),
        "skip_reasons": dict(sorted(reasons.items())),
    }


def _warmup(summaries: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    phases = Counter(str(s.get("phase", "STEADY")) for s in summaries)
    return {
        "warmup_iterations": phases["WARMUP"],
        "rampdown_iterations": phases["RAMPDOWN"],
        "steady_iterations": phases["STEADY"],
    }


def _recommendations(failures: Sequence[str], window: Sequence[Mapping[str, Any]]) -> list[str]:
    return [_low_net(window) if name == "net_bps" else _ADVICE[name] for name in failures]


def _low_net(window: Sequence[Mapping[str, Any]]) -> str:
    medians = {}
    for cost in _COSTS:
        known = [float(v) for s in window if (v := s["summary"].get(cost)) is not None]
        if known:
            medians[cost] = statistics.median(known)
    if not medians:
        return "low net edge: no cost components were measured"
    largest = max(medians, key=lambda cost: medians[cost])
    return f"low net edge: look at {largest}, the largest cost ({medians[largest]:.6f} bps)"


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.6f}" if isinstance(value, float) else str(value)
