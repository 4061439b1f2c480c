"""Warm-up metrics as Prometheus text, for CI and a textfile collector."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

__all__ = ["failed_text", "warmup_text"]

_HELP: Final = {
    "warmup_active": "1 while the warm-up overlay is fully on",
    "warmup_iter_idx": "number of the newest iteration",
    "rampdown_active": "1 while the overlay fades",
    "soak_phase": "1 for the phase of the newest iteration",
    "soak_maker_taker_ratio": "maker share of turnover",
    "soak_net_bps": "net edge of the newest iteration, bps",
    "soak_risk_ratio": "share of risk blocks",
    "soak_p95_latency_ms": "decision to acknowledgement, p95",
    "soak_guard_triggers_total": "how often a guard held changes back",
    "soak_tuner_keys_changed": "fields changed after the newest iteration",
    "warmup_exporter_error": "1 when the input could not be read",
}
_COUNTERS: Final = frozenset({"soak_guard_triggers_total"})
_PHASES: Final = ("WARMUP", "RAMPDOWN", "STEADY")


def warmup_text(summaries: Sequence[Mapping[str, Any]]) -> str:
    """The metrics of a run; without an iteration only the error flag."""
    if not summaries:
        return failed_text()
    newest = max(summaries, key=lambda s: int(s["iteration"]))
    phase, summary = str(newest.get("phase", "STEADY")), newest["summary"]
    samples: dict[str, list[tuple[str, float | None]]] = {
        "warmup_active": [("", float(phase == "WARMUP"))],
        "warmup_iter_idx": [("", float(newest["iteration"]))],
        "rampdown_active": [("", float(phase == "RAMPDOWN"))],
        "soak_phase": [(f'{{phase="{name}"}}', float(name == phase)) for name in _PHASES],
        "soak_maker_taker_ratio": [("", summary.get("maker_taker_ratio"))],
        "soak_net_bps": [("", summary.get("net_bps"))],
        "soak_risk_ratio": [("", summary.get("risk_ratio"))],
        "soak_p95_latency_ms": [("", summary.get("p95_latency_ms"))],
        "soak_guard_triggers_total": [
            (f'{{type="{name}"}}', float(count)) for name, count in _triggers(summaries)
        ],
        "soak_tuner_keys_changed": [("", float(len(newest["tuning"].get("applied_deltas") or ())))],
        "warmup_exporter_error": [("", 0.0)],
    }
    return "".join(_metric(name, found) for name, found in samples.items())


def failed_text() -> str:
    """What is written when there is no input."""
    return _metric("warmup_exporter_error", [("", 1.0)])


def _triggers(summaries: Sequence[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """Guards by their skip reason, or by the rail that removed fields."""
    counts: Counter[str] = Counter()
    for summary in summaries:
        tuning = summary["tuning"]
        reason = tuning.get("skipped_reason")
        if reason:
            counts[str(reason)] += 1
        for rail, fields in dict(tuning.get("removed") or {}).items():
            if fields and not reason:
                counts[str(rail)] += 1
    return sorted(counts.items())


def _metric(name: str, samples: Sequence[tuple[str, float | None]]) -> str:
    kind = "counter" if name in _COUNTERS else "gauge"
    lines = [f"# HELP {name} {_HELP[name]}", f"# TYPE {name} {kind}"]
    lines += [f"{name}{labels} {value:.6g}" for labels, value in samples if value is not None]
    return "\n".join(lines) + "\n"
