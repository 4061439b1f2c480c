"""Results of several symbols as one: `pool` gives a mapping of the same form as each of them.

Counts and amounts add up. Percentiles do not: those of queue waits are taken from the pooled
histogram, of all others the largest of the symbols stands, which bounds the pooled percentile from
above, so that a gate on it is never passed by mistake. Base units of different symbols do not add
up either: positions are left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mmbot.research.metrics import share

__all__ = ["equity_on_grid", "pool"]

_ADDITIVE: Final = (
    "rows",
    "fills_total",
    "maker_fills",
    "taker_fills",
    "toxic_sweeps",
    "turnover_usd",
    "maker_turnover_usd",
    "taker_turnover_usd",
    "fees_usd",
    "maker_rebate_usd",
    "taker_fees_usd",
    "net_pnl_usd",
    "unrealized_pnl_usd",
    "cash_usd",
    "quotes",
    "orders",
    "orders_accepted",
    "orders_rejected",
    "orders_with_fill",
    "places",
    "amends",
    "cancels",
    "replaces",
    "batch_cancels",
    "stale_cancels",
    "refresh_amends",
    "illegal_transitions",
    "attempts",
    "total_iterations",
    "round_trips",
    "profitable_round_trips",
)
_MAPPINGS: Final = ("blocked_by", "block_counts", "block_details", "edge")
_DISTRIBUTIONS: Final = ("order_age_ms", "latency_ms", "ws_lag_ms")
_BPS_P95: Final = ("adverse_bps_p95", "slippage_bps_p95")


def pool(results: Sequence[Mapping[str, Any]], *, bar_ns: int) -> dict[str, Any]:
    """One result for all; a single one is returned as it is."""
    assert results
    if len(results) == 1:
        return dict(results[0])
    pooled: dict[str, Any] = {key: _sum(r[key] for r in results) for key in _ADDITIVE}
    for key in _MAPPINGS:
        pooled[key] = _added([result[key] for result in results])
    for key in _DISTRIBUTIONS:
        pooled[key] = _largest([result[key] for result in results])
    for key in _BPS_P95:
        pooled[key] = max(float(result[key]) for result in results)
    pooled["queue_wait_ms"] = _pooled_waits([result["queue_wait_ms"] for result in results])
    pooled["markouts"] = _pooled_markouts([result["markouts"] for result in results])
    pooled["first_ts_ns"] = min(int(result["first_ts_ns"]) for result in results)
    pooled["last_ts_ns"] = max(int(result["last_ts_ns"]) for result in results)
    pooled["duration_ns"] = pooled["last_ts_ns"] - pooled["first_ts_ns"]
    pooled["gaps"] = sorted(gap for result in results for gap in result["gaps"])
    pooled["bars"] = equity_on_grid([result["bars"] for result in results], bar_ns=bar_ns)
    return pooled


def equity_on_grid(
    bars: Sequence[Mapping[str, NDArray[Any]]], *, bar_ns: int
) -> dict[str, NDArray[Any]]:
    """Total equity on one grid of bar ends.

    Every engine counts its bars from its own first row, so the bars of symbols are up to half a bar
    apart: each is taken to the nearest end of the common grid, the last, shorter one to the next.
    A symbol without a bar at an end keeps its last equity.
    """
    known = [series for series in bars if len(series["ts_ns"])]
    if not known:
        return {"ts_ns": np.empty(0, np.int64), "equity_usd": np.empty(0)}
    start_ns = min(int(series["ts_ns"][0]) for series in known) - bar_ns
    places = [_places(series["ts_ns"], start_ns, bar_ns) for series in known]
    count = max(int(place[-1]) for place in places)
    total = np.zeros(count)
    for series, place in zip(known, places, strict=True):
        at = np.searchsorted(place, np.arange(1, count + 1), side="right") - 1
        equity = np.asarray(series["equity_usd"], dtype=float)
        total += np.where(at >= 0, equity[np.maximum(at, 0)], 0.0)
    return {
        "ts_ns": start_ns + bar_ns * np.arange(1, count + 1, dtype=np.int64),
        "equity_usd": total,
    }


def _places(ts_ns: NDArray[Any], start_ns: int, bar_ns: int) -> NDArray[np.int64]:
    """Number of the grid's bar that each bar counts for, from 1, never going back."""
    offsets = ts_ns.astype(np.int64) - start_ns
    places = (2 * offsets + bar_ns) // (2 * bar_ns)
    places[-1] = -(-int(offsets[-1]) // bar_ns)
    ordered: NDArray[np.int64] = np.maximum.accumulate(np.maximum(places, 1))
    return ordered


def _sum(values: Iterable[Any]) -> int | float:
    """The sum: exact for counts, correctly rounded for amounts."""
    items = list(values)
    if any(isinstance(item, float) for item in items):
        return math.fsum(items)
    return sum(int(item) for item in items)


def _added(mappings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    keys = dict.fromkeys(key for mapping in mappings for key in mapping)
    return {key: _sum(mapping.get(key, 0) for mapping in mappings) for key in keys}


def _largest(distributions: Sequence[Mapping[str, float]]) -> dict[str, float]:
    keys = [key for key in distributions[0] if key.startswith("p")]
    return {key: max(float(d[key]) for d in distributions) for key in keys}


def _pooled_waits(waits: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    edges = np.concatenate([np.asarray(wait["hist_edges_ms"], dtype=float) for wait in waits])
    counts = np.concatenate([np.asarray(wait["hist_counts"], dtype=np.int64) for wait in waits])
    order = np.argsort(edges, kind="stable")
    edges, counts = edges[order], counts[order]
    sizes = [int(np.sum(wait["hist_counts"])) for wait in waits]
    total = sum(sizes)
    weighted = math.fsum(float(w["mean"]) * n for w, n in zip(waits, sizes, strict=True))
    pooled: dict[str, Any] = {"mean": share(weighted, total)}
    reached = np.cumsum(counts)
    for name, p in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        at = int(np.searchsorted(reached, math.ceil(p * total))) if total else 0
        pooled[name] = float(edges[at]) if total else 0.0
    return {**pooled, "hist_edges_ms": edges, "hist_counts": counts}


def _pooled_markouts(markouts: Sequence[Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    horizons = sorted({int(m["horizon_ms"]) for series in markouts for m in series})
    pooled = []
    for horizon_ms in horizons:
        of_horizon = [m for series in markouts for m in series if m["horizon_ms"] == horizon_ms]
        count = sum(int(m["count"]) for m in of_horizon)
        total = math.fsum(float(m["mean_bps"]) * int(m["count"]) for m in of_horizon)
        pooled.append({"horizon_ms": horizon_ms, "count": count, "mean_bps": share(total, count)})
    return pooled
