"""Results as the core gives them, made by hand: small numbers that can be checked in one's head."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmbot.research.models import SymbolRun

MINUTE_NS = 60_000_000_000


_DISTRIBUTIONS: dict[str, Any] = {
    "order_age_ms": {"p50": 100.0, "p95": 300.0, "p99": 400.0, "mean": 120.0},
    "queue_wait_ms": {
        "mean": 325.0,
        "p50": 100.0,
        "p95": 1000.0,
        "p99": 1000.0,
        "hist_edges_ms": np.array([100.0, 1000.0]),
        "hist_counts": np.array([3, 1]),
    },
    "latency_ms": {"p50": 2.0, "p95": 5.0, "p99": 6.0, "mean": 2.0},
    "ws_lag_ms": {"p50": 3.0, "p95": 7.0, "p99": 8.0, "mean": 3.0},
    "adverse_bps_p95": 2.5,
    "slippage_bps_p95": 1.5,
    "markouts": [
        {"horizon_ms": 1000, "mean_bps": -6.0, "count": 4},
        {"horizon_ms": 60_000, "mean_bps": 1.25, "count": 3},
    ],
}


def made_result(**changes: Any) -> dict[str, Any]:
    """Ten minutes, four fills, 1000 USD of turnover, net 1 USD."""
    result: dict[str, Any] = {
        "rows": 1000,
        "first_ts_ns": 0,
        "last_ts_ns": 10 * MINUTE_NS,
        "duration_ns": 10 * MINUTE_NS,
        "gaps": [[MINUTE_NS, 2 * MINUTE_NS]],
        "fills_total": 4,
        "maker_fills": 3,
        "taker_fills": 1,
        "toxic_sweeps": 1,
        "turnover_usd": 1000.0,
        "maker_turnover_usd": 900.0,
        "taker_turnover_usd": 100.0,
        "fees_usd": -0.1,
        "maker_rebate_usd": 0.2,
        "taker_fees_usd": 0.1,
        "net_pnl_usd": 1.0,
        "cash_usd": 5.0,
        "final_position": -0.25,
        "max_abs_position": 1.5,
        "avg_abs_position": 0.5,
        "unrealized_pnl_usd": -0.5,
        "final_mid": 100.0,
        "quotes": 30,
        "orders": 20,
        "orders_accepted": 16,
        "orders_rejected": 4,
        "orders_with_fill": 4,
        "orders_filled": 3,
        "places": 20,
        "amends": 10,
        "cancels": 12,
        "replaces": 8,
        "batch_cancels": 2,
        "stale_cancels": 1,
        "refresh_amends": 1,
        "illegal_transitions": 0,
        "attempts": 100,
        "total_iterations": 600,
        "blocked_by": {"min_interval": 3, "concurrency": 0, "risk": 5, "throttle": 0},
        "block_counts": {"min_interval": 30, "concurrency": 0, "risk": 10, "throttle": 0},
        "block_details": {"interval": 30, "limit_position": 10, "kill": 0},
        "edge": {
            "gross_usd": 2.0,
            "fees_usd": -0.1,
            "slippage_usd": 0.3,
            "adverse_usd": 0.6,
            "inventory_usd": 0.2,
            "net_usd": 1.0,
        },
        **_DISTRIBUTIONS,
        "round_trips": 4,
        "profitable_round_trips": 3,
        "bars": {
            "ts_ns": np.array([5, 10]) * MINUTE_NS,
            "equity_usd": np.array([3.0, 1.0]),
        },
        "state_hash": "0123456789abcdef",
    }
    return {**result, **changes}


def made_run(symbol: str = "BTCUSDT", **changes: Any) -> SymbolRun:
    """A run with detail: five samples a minute apart, three fills."""
    at = np.arange(5, dtype=np.int64) * MINUTE_NS
    return SymbolRun(
        symbol=symbol,
        result=made_result(**changes),
        tick_size="0.1",
        curve={
            "ts_ns": at,
            "mid": np.array([100.0, 100.1, 100.3, 100.2, 100.0]),
            "spread_bps": np.array([1.0, 2.0, 1.0, np.nan, 1.0]),
            "position": np.array([0.0, 0.5, -0.5, 1.5, -0.25]),
            "net_pnl_usd": np.array([0.0, 1.0, 3.0, -1.0, 1.0]),
            "own_bid": np.array([np.nan, 100.0, 100.2, 100.1, 99.9]),
            "own_ask": np.array([np.nan, 100.2, 100.4, 100.3, 100.1]),
        },
        fills={
            "ts_ns": at[1:4],
            "side": np.array([1, -1, 1], dtype=np.int8),
            "px": np.array([100.0, 100.4, 100.1]),
        },
    )
