"""Guards over a day: drift from the daily targets, regression against the last week."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mmbot.research.metrics import percentile
from mmbot.soak.last8 import complete
from mmbot.soak.run_gates import weighted
from mmbot.units import NS_PER_DAY, parse_utc_ns

__all__ = [
    "DRIFT_LIMITS",
    "DayFigures",
    "Regression",
    "day_figures",
    "drift_reason",
    "regression",
]

DRIFT_LIMITS: Final = {"net_bps": 2.5, "order_age_p95_ms": 350.0, "taker_share_pct": 15.0}
DRIFT_FILLS_MIN: Final = 50
REGRESSION_RATIO: Final = 0.10
HISTORY_DAYS: Final = 7
HISTORY_MIN: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigures:
    """The day so far: net edge, order age, taker share, fills."""

    net_bps: float | None
    order_age_p95_ms: float | None
    taker_share_pct: float | None
    fills: int

    def document(self) -> dict[str, Any]:
        """As a snapshot in a stop file."""
        return {
            "net_bps": self.net_bps,
            "order_age_p95_ms": self.order_age_p95_ms,
            "taker_share_pct": self.taker_share_pct,
            "fills": self.fills,
        }


@dataclass(frozen=True, slots=True)
class Regression:
    """`reason` is EDGE_REG, LAT_REG, TAKER_REG or NONE; `baseline` medians; `note` why none."""

    reason: str
    baseline: Mapping[str, float | None]
    note: str | None = None


def day_figures(summaries: Sequence[Mapping[str, Any]], day_start_ns: int) -> DayFigures:
    """Pool the complete windows that end within the UTC day."""
    windows = day_windows(summaries, day_start_ns)
    ages = [s["summary"].get("order_age_p95_ms") for s in windows]
    known = [float(age) for age in ages if age is not None]
    return DayFigures(
        net_bps=weighted(windows, "net_bps", "turnover_usd"),
        order_age_p95_ms=percentile(known, 0.95) if known else None,
        taker_share_pct=weighted(windows, "taker_share_pct", "turnover_usd"),
        fills=sum(int(s["summary"].get("fills") or 0) for s in windows),
    )


def day_windows(
    summaries: Sequence[Mapping[str, Any]], day_start_ns: int
) -> list[Mapping[str, Any]]:
    """Complete windows whose end lies in ``(day start, day start + 24 h]``."""
    return [
        s
        for s in complete(summaries)
        if "window" in s
        and day_start_ns < parse_utc_ns(s["window"]["to"]) <= day_start_ns + NS_PER_DAY
    ]


def drift_reason(day: DayFigures) -> str:
    """DRIFT_EDGE, DRIFT_LAT or DRIFT_TAKER, in this order; NONE, also on fewer than 50 fills."""
    if day.fills < DRIFT_FILLS_MIN:
        return "NONE"
    if day.net_bps is not None and day.net_bps < DRIFT_LIMITS["net_bps"]:
        return "DRIFT_EDGE"
    age, taker = day.order_age_p95_ms, day.taker_share_pct
    if age is not None and age > DRIFT_LIMITS["order_age_p95_ms"]:
        return "DRIFT_LAT"
    if taker is not None and taker > DRIFT_LIMITS["taker_share_pct"]:
        return "DRIFT_TAKER"
    return "NONE"


def regression(
    today: DayFigures,
    history: Sequence[Mapping[str, Any]],
    *,
    threshold: float = REGRESSION_RATIO,
) -> Regression:
    """Compare a day with the medians of the last seven daily reports before it.

    Args:
        today: the day so far, or as a whole.
        history: daily reports, oldest first, the day itself excluded.
        threshold: how much worse counts, as a share of the median's size.
    """
    days = [report for report in history if not report.get("no_data")][-HISTORY_DAYS:]
    medians = {
        name: _median([report.get(name) for report in days])
        for name in ("edge_net_bps", "order_age_p95_ms", "taker_share_pct")
    }
    baseline = {
        "edge_med": medians["edge_net_bps"],
        "p95_med": medians["order_age_p95_ms"],
        "taker_med": medians["taker_share_pct"],
    }
    if len(days) < HISTORY_MIN:
        return Regression("NONE", baseline, "insufficient_history")
    edge, age, taker = baseline["edge_med"], baseline["p95_med"], baseline["taker_med"]
    if edge is not None and _below(today.net_bps, edge - threshold * abs(edge)):
        return Regression("EDGE_REG", baseline)
    if age is not None and _above(today.order_age_p95_ms, age * (1 + threshold)):
        return Regression("LAT_REG", baseline)
    if taker is not None and _above(today.taker_share_pct, taker * (1 + threshold)):
        return Regression("TAKER_REG", baseline)
    return Regression("NONE", baseline)


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _below(value: float | None, limit: float) -> bool:
    return value is not None and value < limit


def _above(value: float | None, limit: float) -> bool:
    return value is not None and value > limit
