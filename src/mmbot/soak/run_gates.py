"""The gates at the end of a run: latency, hit ratio and edge over all its complete windows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from mmbot.research.metrics import percentile
from mmbot.soak.last8 import complete

__all__ = ["RUN_LIMITS", "run_gates", "run_metrics", "weighted"]

_DAY_SEC: Final = 86_400
RUN_LIMITS: Final[Mapping[str, tuple[str, float]]] = {
    "tick_latency_p95_ms": ("<=", 150.0),
    "hit_ratio": (">=", 0.70),
    "edge_bps": (">=", 2.0),
}


def run_metrics(summaries: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    """Figures of the run from its windows.

    Edge: turnover-weighted over the last 24 h. Ratios and shares: weighted by fills. p95 values:
    nearest-rank p95 of the windows' values, where the source cannot pool the samples themselves.
    """
    windows = complete(summaries)
    last_day = _last_day(windows)
    return {
        "tick_latency_p95_ms": _tail(windows, "tick_latency_p95_ms"),
        "hit_ratio": weighted(windows, "hit_ratio", "fills"),
        "edge_bps": weighted(last_day, "net_bps", "turnover_usd"),
        "maker_share_pct": weighted(windows, "maker_share_pct", "fills"),
        "order_age_p95_ms": _tail(windows, "order_age_p95_ms"),
        "ws_lag_p95_ms": _tail(windows, "ws_lag_p95_ms"),
    }


def run_gates(metrics: Mapping[str, float | None]) -> dict[str, dict[str, Any]]:
    """Each gate: value, limit, and whether it holds; a metric that is missing fails."""
    gates = {}
    for name, (op, bound) in RUN_LIMITS.items():
        value = metrics.get(name)
        passed = value is not None and (value <= bound if op == "<=" else value >= bound)
        gates[name] = {"value": value, "op": op, "limit": bound, "passed": passed}
    return gates


def weighted(windows: Sequence[Mapping[str, Any]], name: str, weight: str) -> float | None:
    """The mean of a metric, each window by its weight; equal weights where none is known."""
    pairs = [
        (float(s["summary"][name]), float(s["summary"].get(weight) or 0.0))
        for s in windows
        if s["summary"].get(name) is not None
    ]
    if not pairs:
        return None
    total = math.fsum(w for _, w in pairs)
    if total <= 0:
        return math.fsum(v for v, _ in pairs) / len(pairs)
    return math.fsum(v * w for v, w in pairs) / total


def _tail(windows: Sequence[Mapping[str, Any]], name: str) -> float | None:
    values = [s["summary"].get(name) for s in windows]
    numbers = [float(value) for value in values if value is not None]
    return percentile(numbers, 0.95) if numbers else None


def _last_day(windows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The windows that end in the last 24 hours of traded time."""
    kept: list[Mapping[str, Any]] = []
    spent = 0.0
    for window in reversed(windows):
        if spent >= _DAY_SEC:
            break
        spent += float(window["window"]["seconds"])
        kept.append(window)
    return kept[::-1]
