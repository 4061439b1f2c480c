"""The weekly rollup: seven daily reports, the ledger of the same days, and a verdict."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mmbot.errors import InputError
from mmbot.research.metrics import percentile
from mmbot.research.report_markdown import markdown_table, number_text
from mmbot.store.runtime import runtime_block

__all__ = ["WeekInputs", "weekly_markdown", "weekly_rollup"]

DAYS: Final = 7
WORSE: Final = 0.10
LIMITS: Final = {"edge_net_bps": 2.5, "order_age_p95_ms": 350.0, "taker_share_pct": 15.0}
_TRENDS: Final = {
    "edge_net_bps": "trend_vs_prev_week_bps",
    "order_age_p95_ms": "trend_vs_prev_week_ms",
    "taker_share_pct": "trend_vs_prev_week_pct",
}
_LEDGER: Final = {
    "equity_change_base": ("equity_change_base", "equity_change_eur"),
    "fees_base": ("fees_base", "fees_eur", "fees"),
    "rebates_base": ("rebates_base", "rebates_eur", "rebates"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekInputs:
    """Daily reports by date (``YYYY-MM-DD``), ledger records, the rollup of the week before."""

    reports: Mapping[str, Mapping[str, Any]]
    ledger: Sequence[Mapping[str, Any]] = ()
    previous: Mapping[str, Any] | None = None
    base_ccy: str = "USD"


def weekly_rollup(given: WeekInputs) -> dict[str, Any]:
    """The content of ``WEEKLY_ROLLUP.json``.

    Raises:
        InputError: ``E_SOAK_ROLLUP_NO_DATA``: there is no report.
    """
    dates = sorted(given.reports)[-DAYS:]
    if not dates:
        raise InputError("E_SOAK_ROLLUP_NO_DATA", "REPORT_SOAK_*.json", "there is none")
    days = [given.reports[date] for date in dates]
    series = {name: _numbers(days, name) for name in LIMITS}
    medians = {name: _median(values) for name, values in series.items()}
    guard = _guard(medians, given.previous)
    return {
        **{name: _section(name, series[name], medians, given.previous) for name in LIMITS},
        "base_ccy": _currency(given),
        "ledger": _ledger(given.ledger, set(dates)),
        "period": {"from": dates[0], "to": dates[-1]},
        "days": len(dates),
        "regress_guard": guard,
        "verdict": _verdict(guard, len(dates)),
        "runtime": runtime_block(),
    }


def weekly_markdown(rollup: Mapping[str, Any]) -> str:
    """The rollup for people."""
    rows = []
    for name, trend in _TRENDS.items():
        section = rollup[name]
        rows.append(
            [
                name,
                number_text(section["median"]),
                number_text(LIMITS[name]),
                number_text(section[trend]),
            ]
        )
    flags = [[name, "ok" if ok else "FAIL"] for name, ok in rollup["regress_guard"].items()]
    ledger = [[name, number_text(value)] for name, value in sorted(rollup["ledger"].items())]
    period = rollup["period"]
    return (
        f"# Weekly rollup {period['from']} to {period['to']}\n\n"
        f"Verdict: {rollup['verdict']} ({rollup['days']} days)\n\n"
        f"{markdown_table(['figure', 'median', 'limit', 'against last week'], rows)}\n\n"
        f"{markdown_table(['guard', 'state'], flags)}\n\n"
        f"## Ledger, {rollup['base_ccy']}\n\n{markdown_table(['amount', 'value'], ledger)}\n"
    )


def _section(
    name: str,
    values: Sequence[float],
    medians: Mapping[str, float | None],
    previous: Mapping[str, Any] | None,
) -> dict[str, float | None]:
    median, before = medians[name], _previous(previous, name)
    trend = None if median is None or before is None else median - before
    known = list(values)
    if name == "edge_net_bps":
        spread = {
            "p25": percentile(known, 0.25) if known else None,
            "p75": percentile(known, 0.75) if known else None,
        }
    else:
        spread = {"p90": percentile(known, 0.90) if known else None}
    return {"median": median, **spread, _TRENDS[name]: trend}


def _guard(
    medians: Mapping[str, float | None], previous: Mapping[str, Any] | None
) -> dict[str, bool]:
    edge, age, taker = (medians[name] for name in LIMITS)
    return {
        "edge_ok": edge is not None and edge >= LIMITS["edge_net_bps"],
        "latency_ok": age is not None and age <= LIMITS["order_age_p95_ms"],
        "taker_ok": taker is not None and taker <= LIMITS["taker_share_pct"],
        "trend_ok": not any(_worse(name, medians[name], previous) for name in LIMITS),
    }


def _worse(name: str, median: float | None, previous: Mapping[str, Any] | None) -> bool:
    """Whether a median is more than a tenth worse than the week before."""
    before = _previous(previous, name)
    if median is None or before is None:
        return False
    room = WORSE * abs(before)
    return median < before - room if name == "edge_net_bps" else median > before + room


def _previous(previous: Mapping[str, Any] | None, name: str) -> float | None:
    if previous is None:
        return None
    value = dict(previous.get(name) or {}).get("median")
    return float(value) if isinstance(value, int | float) else None


def _verdict(guard: Mapping[str, bool], days: int) -> str:
    if not all(ok for name, ok in guard.items() if name != "trend_ok"):
        return "NO-GO"
    return "GO" if guard["trend_ok"] and days >= DAYS else "WARN"


def _ledger(records: Sequence[Mapping[str, Any]], dates: set[str]) -> dict[str, float | None]:
    """Sums of the ledger over the dates; older names are read, too."""
    kept = [r for r in records if str(r.get("date") or "")[:10] in dates]
    sums: dict[str, float | None] = {}
    for name, accepted in _LEDGER.items():
        found = [r[key] for r in kept for key in accepted if key in r]
        sums[name] = math.fsum(float(value) for value in found) if found else None
    if sums["equity_change_base"] is None:
        sums["equity_change_base"] = _equity_change(kept)
    return sums


def _equity_change(records: Sequence[Mapping[str, Any]]) -> float | None:
    """Result and transfers of the days, which is what equity changed by."""
    found = [float(r["pnl"]) + float(r.get("transfers") or 0.0) for r in records if "pnl" in r]
    return math.fsum(found) if found else None


def _currency(given: WeekInputs) -> str:
    named = [str(r["base_ccy"]) for r in given.ledger if "base_ccy" in r]
    return named[-1] if named else given.base_ccy


def _numbers(days: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    found = [day.get(name) for day in days]
    return [float(value) for value in found if isinstance(value, int | float)]


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None
