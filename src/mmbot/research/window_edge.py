"""The edge of a stretch of a running engine: fills resolved in it, counters at both of its ends.

Counters and histograms of a result only ever grow, so that a window's are the difference of two
results. Amounts are not differences: each fill brings the mids that its components need, and the
position carried into the window earns the move of the mid. Windows that follow each other without a
gap add up to the whole run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mmbot.research.edge_accounts import (
    AuditedFill,
    Stretch,
    components,
    taker_turnover_usd,
    turnover_usd,
)
from mmbot.research.edge_lines import TradeLine
from mmbot.research.edge_report import edge_fields
from mmbot.research.metrics import percentile, share
from mmbot.units import BPS_PER_UNIT, NS_PER_MS

__all__ = ["WindowPart", "audited_fills", "counted_between", "histogram_between", "window_fields"]

_COUNTERS: Final = (
    "places",
    "replaces",
    "cancels",
    "attempts",
    "total_iterations",
    "orders_accepted",
    "orders_with_fill",
    "round_trips",
    "profitable_round_trips",
)
_DISTRIBUTIONS: Final = ("order_age_ms", "latency_ms", "ws_lag_ms")
_FILL_COLUMNS: Final = (
    "ts_ns",
    "side",
    "px",
    "qty",
    "fee_usd",
    "maker",
    "mid_decision",
    "ref_px",
    "mid_before",
    "mid_after",
    "order_age_ms",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowPart:
    """One symbol in one window.

    Attributes:
        stretch: its fills, with position (base currency) and mid at both ends of the window.
        before: the engine's result at the start; empty where the window begins the run.
        after: the result at the end.
    """

    stretch: Stretch
    before: Mapping[str, Any]
    after: Mapping[str, Any]


def audited_fills(symbol: str, columns: Mapping[str, NDArray[Any]]) -> list[AuditedFill]:
    """Fills as `mmbot.core.Backtest.take_fills` gives them, every price known.

    A mid that the engine did not see is the fill's own price, or that before the fill.
    """
    if not columns:
        return []
    rows = zip(*(columns[name].tolist() for name in _FILL_COLUMNS), strict=True)
    return [_audited(symbol, dict(zip(_FILL_COLUMNS, row, strict=True))) for row in rows]


def window_fields(parts: Sequence[WindowPart]) -> dict[str, Any]:
    """The fields of an edge report for the symbols of a window together.

    Beside those of `mmbot.research.edge_report.edge_fields`: ``hit_rate`` and ``fill_rate``, which
    are absent where there was no round trip and no order.

    Raises:
        InvariantError: ``E_SIM_IDENTITY`` when components and ledger differ: a defect of ours.
    """
    assert parts
    counts = _sum_of([counted_between(part.before, part.after) for part in parts])
    fills = [fill for part in parts for fill in part.stretch.fills]
    turnover, taker = turnover_usd(fills), taker_turnover_usd(fills)
    result = {
        **counts,
        "turnover_usd": turnover,
        "maker_turnover_usd": turnover - taker,
        "taker_turnover_usd": taker,
        "fills_total": len(fills),
        "edge": components([part.stretch for part in parts]),
        "adverse_bps_p95": percentile([fill.adverse_bps for fill in fills], 0.95),
        "slippage_bps_p95": percentile([fill.slippage_bps for fill in fills], 0.95),
        "block_counts": _sum_of([_blocks_between(part.before, part.after) for part in parts]),
        **{name: {"p95": _pooled_p95(name, parts)} for name in _DISTRIBUTIONS},
    }
    fields = edge_fields(result)
    if counts["round_trips"]:
        fields["hit_rate"] = share(counts["profitable_round_trips"], counts["round_trips"])
    if counts["orders_accepted"]:
        fields["fill_rate"] = share(counts["orders_with_fill"], counts["orders_accepted"])
    return fields


def counted_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, int]:
    """What was counted between two results of one engine."""
    return {name: int(after[name]) - int(before.get(name, 0)) for name in _COUNTERS}


def histogram_between(
    before: Mapping[str, NDArray[Any]], after: Mapping[str, NDArray[Any]]
) -> dict[float, int]:
    """Value -> count of what a histogram took in between; both in ``hist_edges_ms`` form.

    A bucket stands for its middle, except that the outermost two are not shown beyond the smallest
    and the largest value: they may have moved, so that an earlier bucket is the nearest later one.
    """
    edges = np.asarray(after["hist_edges_ms"], dtype=float)
    counts = np.asarray(after["hist_counts"], dtype=np.int64).copy()
    earlier = np.asarray(before.get("hist_edges_ms", ()), dtype=float)
    for edge, count in zip(earlier, before.get("hist_counts", ()), strict=True):
        counts[int(np.argmin(np.abs(edges - edge)))] -= int(count)
    # Of two neighbours that were taken for each other, one has too few and one too many.
    left = 0
    found: dict[float, int] = {}
    for edge, count in zip(edges.tolist(), counts.tolist(), strict=True):
        left += count
        if left > 0:
            found[edge] = left
            left = 0
    return found


def _pooled_p95(name: str, parts: Sequence[WindowPart]) -> float:
    """Nearest-rank p95 of the pooled samples of all symbols, ms; 0 without any."""
    pooled: dict[float, int] = {}
    for part in parts:
        between = histogram_between(part.before.get(name, {}), part.after[name])
        for value, count in between.items():
            pooled[value] = pooled.get(value, 0) + count
    rank = math.ceil(0.95 * sum(pooled.values()))
    reached = 0
    for value in sorted(pooled):
        reached += pooled[value]
        if reached >= rank:
            return value
    return 0.0


def _blocks_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, int]:
    earlier = before.get("block_counts", {})
    return {name: int(n) - int(earlier.get(name, 0)) for name, n in after["block_counts"].items()}


def _sum_of(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    return {name: sum(one[name] for one in counts) for name in counts[0]}


def _audited(symbol: str, fill: Mapping[str, Any]) -> AuditedFill:
    before = fill["px"] if math.isnan(fill["mid_before"]) else fill["mid_before"]
    after = before if math.isnan(fill["mid_after"]) else fill["mid_after"]
    line = TradeLine(
        symbol=symbol,
        ts_ms=fill["ts_ns"] / NS_PER_MS,
        side=int(fill["side"]),
        price=fill["px"],
        qty=fill["qty"],
        fee_bps=BPS_PER_UNIT * fill["fee_usd"] / (fill["px"] * fill["qty"]),
        is_maker=fill["maker"],
        mid_before=before,
        mid_after=after,
        mid_decision=fill["mid_decision"],
        ref_price=fill["ref_px"],
        ts_decision_ms=None,
        order_age_ms=fill["order_age_ms"],
        cid=None,
    )
    return AuditedFill(
        line=line,
        decision=fill["mid_decision"],
        reference=fill["ref_px"],
        before=before,
        after=after,
    )
