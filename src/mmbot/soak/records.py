"""What the runner records beside the summary: requested values, the iteration's gate, history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmbot.soak.iteration import Evaluated
from mmbot.soak.kpi import SOFT_LIMITS
from mmbot.soak.parameters import TUNABLES, Values

__all__ = ["adjustments", "gate_record", "requested_after"]


def requested_after(requested: Values, done: Evaluated) -> dict[str, float]:
    """Requested values after a decision: a panic replaces all six, else only what changed."""
    if done.decision.panic_profile is not None:
        return dict(done.decision.after)
    changed = {name: done.decision.after[name] for name in done.decision.applied_deltas}
    return {**requested, **changed}


def gate_record(outcome: Mapping[str, Any], limits: Values = SOFT_LIMITS) -> dict[str, Any]:
    """The soft gate of an iteration as a KPI_GATE document."""
    summary = outcome["summary"]
    names = ("net_bps", "risk_ratio", "adverse_bps_p95")
    return {
        "mode": "iteration",
        "verdict": summary["kpi_verdict"],
        "reasons": summary["kpi_reasons"],
        "metrics": {name: summary[name] for name in names},
        "thresholds": dict(limits),
        "source_path": f"ITER_SUMMARY_{outcome['iteration']}.json",
        "runtime": {"utc": summary["runtime_utc"]},
    }


def adjustments(outcome: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What an iteration changed, for the history of ``applied_profile.json``."""
    tuning = outcome["tuning"]
    if not tuning["applied"]:
        return []
    rows = []
    # A record that was read back has its keys sorted: the order of parameters is the one to keep.
    for name in TUNABLES:
        if name not in tuning["applied_deltas"]:
            continue
        delta = tuning["applied_deltas"][name]
        steps = [c for c in tuning["changes"] if c["field"] == name and c["accepted"]]
        before = steps[0]["from"]
        rows.append(
            {
                "field": name,
                "from": before,
                "to": TUNABLES[name].rounded(before + delta),
                "iter": outcome["iteration"],
                "reason": ",".join(dict.fromkeys(c["rule"] for c in steps)),
                "ts": outcome["summary"]["runtime_utc"],
            }
        )
    return rows
