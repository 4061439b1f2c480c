"""``BACKTEST_REPORT.json`` from the results of a run: every key of it, none in wall time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mmbot.research.calibration import CALIBRATION_KEYS
from mmbot.research.gates import evaluate
from mmbot.research.metrics import (
    block_reasons,
    bps_of,
    component_breakdown,
    cvar95_usd,
    max_drawdown,
    observations,
    share,
    sharpe,
)
from mmbot.research.models import BacktestReport, SymbolRun, Thresholds
from mmbot.research.pooling import pool
from mmbot.units import NS_PER_MIN, format_utc_ns

__all__ = ["HEADLINE", "ReportFacts", "build_report", "headline", "performance"]

HEADLINE = (
    "fills_total",
    "net_bps",
    "taker_share_pct",
    "order_age_p95_ms",
    "fees_bps",
    "turnover_usd",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFacts:
    """What a report says beside the numbers: `runtime` and `metadata` blocks, the data's origin."""

    runtime: Mapping[str, str]
    metadata: Mapping[str, Any]
    source: str
    bad_lines: int
    calibration: Mapping[str, float]
    budget_usd: float
    bar_minutes: int
    thresholds: Thresholds


def build_report(runs: Sequence[SymbolRun], facts: ReportFacts) -> BacktestReport:
    """The report over all symbols of a run."""
    pooled = pool([run.result for run in runs], bar_ns=facts.bar_minutes * NS_PER_MIN)
    numbers = headline(pooled)
    gates = evaluate(numbers, facts.thresholds)
    document = {
        **numbers,
        **performance(pooled, bar_minutes=facts.bar_minutes, budget_usd=facts.budget_usd),
        **_activity(pooled),
        "runtime": facts.runtime,
        "symbols": sorted(run.symbol for run in runs),
        "time_bounds": _period(pooled["first_ts_ns"], pooled["last_ts_ns"]),
        "component_breakdown": component_breakdown(pooled["edge"], pooled["turnover_usd"]),
        "block_reasons": block_reasons(pooled["block_counts"]),
        "inventory_summary": _inventory(pooled),
        "calibration_used": {key: facts.calibration[key] for key in CALIBRATION_KEYS},
        "data": _data(pooled, facts),
        "gates": {
            "passed": gates.passed,
            "reasons": list(gates.reasons),
            "thresholds": asdict(gates.thresholds),
        },
        "metadata": facts.metadata,
        "by_symbol": {run.symbol: _of_symbol(run.result) for run in runs},
    }
    return BacktestReport(
        document=document,
        gates=gates,
        runs=tuple(runs),
        budget_usd=facts.budget_usd,
        bar_minutes=facts.bar_minutes,
    )


def headline(result: Mapping[str, Any]) -> dict[str, Any]:
    """The six numbers that every report of a run begins with."""
    turnover = float(result["turnover_usd"])
    return {
        "fills_total": int(result["fills_total"]),
        "net_bps": bps_of(float(result["net_pnl_usd"]), turnover),
        "taker_share_pct": 100.0 * share(float(result["taker_turnover_usd"]), turnover),
        "order_age_p95_ms": float(result["order_age_ms"]["p95"]),
        "fees_bps": bps_of(float(result["fees_usd"]), turnover),
        "turnover_usd": turnover,
    }


def performance(
    result: Mapping[str, Any], *, bar_minutes: int, budget_usd: float
) -> dict[str, float]:
    """What the PnL looks like over time, and how much of the turnover was passive."""
    equity = [float(value) for value in result["bars"]["equity_usd"]]
    changes = observations(equity) if equity else []
    drawdown = max_drawdown(equity, budget_usd=budget_usd)
    return {
        "net_pnl_usd": float(result["net_pnl_usd"]),
        "sharpe": sharpe(changes, bar_minutes=bar_minutes),
        "hit_rate": share(result["profitable_round_trips"], result["round_trips"]),
        "max_drawdown": drawdown.ratio,
        "max_drawdown_usd": drawdown.usd,
        "cvar95_usd": cvar95_usd(changes),
        "maker_share": share(float(result["maker_turnover_usd"]), float(result["turnover_usd"])),
        "fill_rate": share(result["orders_with_fill"], result["orders_accepted"]),
    }


def _activity(result: Mapping[str, Any]) -> dict[str, Any]:
    minutes = result["duration_ns"] / NS_PER_MIN
    age_ms, fills = result["order_age_ms"], int(result["fills_total"])
    return {
        "quotes": result["quotes"],
        "orders": result["orders"],
        "attempts": result["attempts"],
        "replace_rate_per_min": share(result["replaces"], minutes),
        "order_age_p50_ms": age_ms["p50"],
        "order_age_p99_ms": age_ms["p99"],
        "avg_queue_wait_ms": result["queue_wait_ms"]["mean"],
        "fill_statistics": {
            "total_fills": fills,
            "maker_fills": result["maker_fills"],
            "taker_fills": result["taker_fills"],
            "maker_ratio": share(result["maker_fills"], fills),
            "total_fill_value_usd": result["turnover_usd"],
            "toxic_sweeps": result["toxic_sweeps"],
        },
    }


def _inventory(result: Mapping[str, Any]) -> dict[str, Any]:
    """Positions in base units; None over several symbols, whose units do not add up."""
    names = ("final_position", "max_abs_position", "avg_abs_position")
    return {
        **{name: result.get(name) for name in names},
        "unrealized_pnl_usd": result["unrealized_pnl_usd"],
    }


def _data(result: Mapping[str, Any], facts: ReportFacts) -> dict[str, Any]:
    gaps = [(int(start), int(end)) for start, end in result["gaps"]]
    missing_ns = sum(end - start for start, end in gaps)
    return {
        "source": facts.source,
        "rows": result["rows"],
        "bad_lines": facts.bad_lines,
        "coverage": max(0.0, 1.0 - share(missing_ns, result["duration_ns"])),
        "gaps": [_period(start, end) for start, end in gaps],
    }


def _of_symbol(result: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **headline(result),
        "net_pnl_usd": result["net_pnl_usd"],
        "component_breakdown": component_breakdown(result["edge"], result["turnover_usd"]),
        "inventory_summary": _inventory(result),
        "rows": result["rows"],
        "state_hash": result["state_hash"],
    }


def _period(start_ns: int, end_ns: int) -> dict[str, str]:
    return {"from": format_utc_ns(int(start_ns)), "to": format_utc_ns(int(end_ns))}
