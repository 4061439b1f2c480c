"""What one window measured: an edge report's totals and the few figures beside it.

`Figures` holds every metric the tuner and the gates look at; one that was not measured is None, and
a rule that needs it does not fire. Percent-valued ratios of older writers are accepted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

__all__ = ["Figures", "block_table", "figures_of", "reported_risk", "totals_of"]

_BLOCKS: Final = ("min_interval", "concurrency", "risk", "throttle")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Metrics of one window, names and units as in ``EDGE_REPORT.json``; None: not measured."""

    net_bps: float | None = None
    gross_bps: float | None = None
    fees_eff_bps: float | None = None
    slippage_bps: float | None = None
    adverse_bps: float | None = None
    inventory_bps: float | None = None
    adverse_bps_p95: float | None = None
    slippage_bps_p95: float | None = None
    order_age_p95_ms: float | None = None
    ws_lag_p95_ms: float | None = None
    p95_latency_ms: float | None = None
    tick_latency_p95_ms: float | None = None
    hit_ratio: float | None = None
    cancel_ratio: float | None = None
    replace_ratio: float | None = None
    maker_share_pct: float | None = None
    taker_share_pct: float | None = None
    maker_taker_ratio: float | None = None
    fills: float | None = None
    turnover_usd: float | None = None
    risk_ratio: float | None = None
    min_interval_ratio: float | None = None
    concurrency_ratio: float | None = None
    fill_rate: float | None = None
    pos_skew_abs_p95: float | None = None
    neg_edge_drivers: tuple[str, ...] = ()


_NUMBERS: Final = tuple(f.name for f in fields(Figures) if f.name != "neg_edge_drivers")
_RATIOS: Final = frozenset(
    {"cancel_ratio", "replace_ratio", "hit_ratio", "risk_ratio", "maker_taker_ratio"}
)


def totals_of(report: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The totals of an edge report; older writers call them ``total``. None: unusable."""
    if report is None:
        return None
    totals = report.get("totals", report.get("total"))
    if not isinstance(totals, Mapping) or _number(totals.get("net_bps")) is None:
        return None
    return totals


def figures_of(totals: Mapping[str, Any]) -> Figures:
    """Read the metrics; what is absent or no finite number is None."""
    found = {name: _metric(name, totals.get(name)) for name in _NUMBERS}
    for reason in ("min_interval", "concurrency"):
        found[f"{reason}_ratio"] = _block_ratio(totals, reason)
    blocked = _block_ratio(totals, "risk")
    found["risk_ratio"] = found["risk_ratio"] if blocked is None else blocked
    if found["hit_ratio"] is None:
        found["hit_ratio"] = _metric("hit_ratio", totals.get("hit_rate"))
    drivers = totals.get("neg_edge_drivers")
    names = tuple(str(d) for d in drivers) if isinstance(drivers, list | tuple) else ()
    return Figures(**found, neg_edge_drivers=names)


def block_table(totals: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """``block_reasons`` as counts and ratios of the four reasons; empty when there are none."""
    blocks = totals.get("block_reasons")
    if not isinstance(blocks, Mapping):
        return {}
    return {
        reason: {
            "count": _number(dict(blocks.get(reason) or {}).get("count")) or 0,
            "ratio": _block_ratio(totals, reason) or 0.0,
        }
        for reason in _BLOCKS
    }


def reported_risk(totals: Mapping[str, Any]) -> float | None:
    """The report's own ``risk_ratio``, which should be that of its block counts."""
    return _metric("risk_ratio", totals.get("risk_ratio"))


def _block_ratio(totals: Mapping[str, Any], reason: str) -> float | None:
    blocks = totals.get("block_reasons")
    entry = blocks.get(reason) if isinstance(blocks, Mapping) else None
    return _metric("risk_ratio", entry.get("ratio")) if isinstance(entry, Mapping) else None


def _metric(name: str, value: object) -> float | None:
    number = _number(value)
    if number is not None and name in _RATIOS and number > 1.0:
        return number / 100.0
    return number


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value
