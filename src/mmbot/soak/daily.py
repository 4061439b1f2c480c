"""The daily report: figures of a day, its verdict, and what stopped it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from mmbot.research.metrics import percentile
from mmbot.research.report_markdown import markdown_table, number_text
from mmbot.soak.day_guards import DayFigures, Regression, day_figures, day_windows
from mmbot.soak.radar import Anomaly
from mmbot.soak.run_gates import weighted
from mmbot.store.runtime import runtime_block

__all__ = ["DayInputs", "alert_counts", "daily_markdown", "daily_report", "day_verdict"]

DayVerdict = Literal["OK", "WARN", "FAIL"]
TARGETS: Final = {"edge_net_bps": 2.5, "order_age_p95_ms": 350.0, "taker_share_pct": 15.0}
WARN_LIMITS: Final = {"edge_net_bps": 2.25, "order_age_p95_ms": 385.0, "taker_share_pct": 16.5}
TARGET_BAND: Final = "2.5 to 3.0"
ANOMALIES_MAX: Final = 3
_CRITICAL: Final = frozenset(
    {
        "killswitch_fired",
        "ramp_incident",
        "risk_kill",
        "exec_fatal",
        "position_mismatch",
        "foreign_order",
        "soak_stop",
    }
)
_INFORMATION: Final = frozenset(
    {"autopromote_flip", "leader_changed", "replay_started", "replay_finished"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayInputs:
    """What a day left behind; `date` is ``YYYY-MM-DD``.

    `age_p95_ms` is that over all orders of the day where it is known, `drift` the stop of the day.
    """

    date: str
    day_start_ns: int
    summaries: Sequence[Mapping[str, Any]]
    alerts: Sequence[Mapping[str, Any]] = ()
    drift: Mapping[str, Any] | None = None
    regression: Regression = field(default_factory=lambda: Regression("NONE", {}))
    anomalies: Sequence[Anomaly] = ()
    age_p95_ms: float | None = None
    caps_breached: bool = False
    chaos_result: str = "NONE"
    bug_bash: str = "NONE"


def daily_report(given: DayInputs) -> dict[str, Any]:
    """The content of ``REPORT_SOAK_<YYYYMMDD>.json``."""
    day = day_figures(given.summaries, given.day_start_ns)
    if given.age_p95_ms is not None:
        day = DayFigures(
            net_bps=day.net_bps,
            order_age_p95_ms=given.age_p95_ms,
            taker_share_pct=day.taker_share_pct,
            fills=day.fills,
        )
    windows = day_windows(given.summaries, given.day_start_ns)
    skews = [s["summary"].get("pos_skew_abs_p95") for s in windows]
    known = [float(skew) for skew in skews if skew is not None]
    drift = given.drift or {}
    reason = str(drift.get("reason", "NONE"))
    stopped = reason != "NONE" or given.regression.reason != "NONE"
    report: dict[str, Any] = {
        "date": given.date,
        "edge_net_bps": day.net_bps,
        "order_age_p95_ms": day.order_age_p95_ms,
        "taker_share_pct": day.taker_share_pct,
        "fill_rate": weighted(windows, "fill_rate", "fills"),
        "pos_skew_abs_p95": percentile(known, 0.95) if known else None,
        "caps_breach_count": int(given.caps_breached),
        "alerts": alert_counts(given.alerts),
        "verdict": "FAIL" if stopped else day_verdict(day),
        "drift": {"reason": reason, "ts": drift.get("ts")},
        "reg_guard": {
            "reason": given.regression.reason,
            "baseline": dict(given.regression.baseline),
        },
        "diagnostics": {"anomalies": [_anomaly(a) for a in _largest(given.anomalies)]},
        "chaos_result": given.chaos_result,
        "bug_bash": given.bug_bash,
        "fills": day.fills,
        "iterations": len(windows),
        "runtime": runtime_block(),
    }
    if not windows:
        report |= {"no_data": True, "verdict": "FAIL"}
    return report


def day_verdict(day: DayFigures) -> DayVerdict:
    """OK inside the targets, WARN within 10 % of them, else FAIL; a missing figure fails."""
    edge, age, taker = day.net_bps, day.order_age_p95_ms, day.taker_share_pct
    if edge is None or age is None or taker is None:
        return "FAIL"
    verdicts: tuple[tuple[DayVerdict, Mapping[str, float]], ...] = (
        ("OK", TARGETS),
        ("WARN", WARN_LIMITS),
    )
    for verdict, limits in verdicts:
        if (
            edge >= limits["edge_net_bps"]
            and age <= limits["order_age_p95_ms"]
            and taker <= limits["taker_share_pct"]
        ):
            return verdict
    return "FAIL"


def alert_counts(alerts: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Alert lines by severity; what is neither critical nor information is a warning."""
    kinds = [str(alert.get("kind")) for alert in alerts]
    return {
        "critical": sum(kind in _CRITICAL for kind in kinds),
        "warning": sum(kind not in _CRITICAL | _INFORMATION for kind in kinds),
    }


def daily_markdown(report: Mapping[str, Any]) -> str:
    """The report for people, with the band that the edge should be in."""
    rows = [
        ["edge_net_bps", number_text(report["edge_net_bps"]), f"target {TARGET_BAND}"],
        ["order_age_p95_ms", number_text(report["order_age_p95_ms"]), "<= 350"],
        ["taker_share_pct", number_text(report["taker_share_pct"]), "<= 15"],
        ["fill_rate", number_text(report["fill_rate"]), "-"],
        ["pos_skew_abs_p95", number_text(report["pos_skew_abs_p95"]), "-"],
        ["caps_breach_count", number_text(report["caps_breach_count"]), "-"],
        ["alerts critical", number_text(report["alerts"]["critical"]), "-"],
        ["alerts warning", number_text(report["alerts"]["warning"]), "-"],
        ["drift", report["drift"]["reason"], "NONE"],
        ["regression", report["reg_guard"]["reason"], "NONE"],
        ["chaos", report["chaos_result"], "-"],
        ["bug bash", report["bug_bash"], "-"],
    ]
    anomalies = "".join(
        f"- {a['bucket']} {a['kind']} value {a['value']:.6f}, z {a['z']:.6f}\n"
        for a in report["diagnostics"]["anomalies"]
    )
    note = "\n\nNo data for the day." if report.get("no_data") else ""
    return (
        f"# Soak report {report['date']}\n\nVerdict: {report['verdict']}{note}\n\n"
        f"{markdown_table(['figure', 'value', 'limit'], rows)}\n\n"
        f"## Anomalies\n\n{anomalies or '- none'}\n"
    )


def _largest(anomalies: Sequence[Anomaly]) -> list[Anomaly]:
    return sorted(anomalies, key=lambda a: -abs(a.z))[:ANOMALIES_MAX]


def _anomaly(anomaly: Anomaly) -> dict[str, Any]:
    return {
        "bucket": anomaly.bucket,
        "kind": anomaly.kind,
        "value": anomaly.value,
        "z": anomaly.z,
    }
