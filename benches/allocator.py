"""`python -m benches.allocator`: time of one allocation over 200 symbols, bar 5 ms.

Measured through the Python face, with every stage kept, everything known of every symbol, and an
override of costs for each fourth; a session ticks the same function in the core without the face.
"""

from __future__ import annotations

import json
import statistics
import sys
import time

from mmbot.config.portfolio import CostConfig, CostOverride, PortfolioConfig
from mmbot.portfolio import (
    AllocatorInputs,
    AllocatorSettings,
    AllocatorState,
    Observation,
    SymbolInputs,
    tick,
)

SYMBOLS = 200
REPEATS = 300
BAR_MS = 5.0


def world(now_sec: float) -> AllocatorInputs:
    symbols = {
        f"S{i:03}USDT": SymbolInputs(
            vola=0.01 + 0.0001 * (i * 37 % 101),
            spread_bps=Observation(1.0 + i % 7, now_sec),
            volume_usd=Observation(1e3 * (1 + i % 5), now_sec),
            depth_usd=Observation(1e5 + i, now_sec),
            fill_rate=0.5 + 0.002 * i,
            turnover_usd=10.0 * i,
            mid_usd=1.0 + i,
            imbalance=(i % 11 - 5) / 5,
            sigma=1.0 + 0.01 * (i % 50),
        )
        for i in range(SYMBOLS)
    }
    return AllocatorInputs(now_sec=now_sec, symbols=symbols, equity_usd=990_000.0 + now_sec)


def measure(settings: AllocatorSettings, step_sec: float) -> dict[str, float]:
    """Median and 99th percentile, ms, of ticks that are `step_sec` apart."""
    state, took = AllocatorState(), []
    for number in range(REPEATS):
        inputs = world(1e9 + step_sec * number)
        start = time.perf_counter_ns()
        result = tick(settings, state, inputs)
        took.append((time.perf_counter_ns() - start) / 1e6)
        state = result.state
    took.sort()
    return {"median_ms": statistics.median(took), "p99_ms": took[int(0.99 * len(took))]}


def main() -> int:
    own = {f"S{i:03}USDT": CostOverride(fee_bps=2.0) for i in range(0, SYMBOLS, 4)}
    portfolio = PortfolioConfig(
        mode="risk_parity",
        min_weight=0.001,
        budget_usd=1e6,
        cost=CostConfig(per_symbol=own, turnover_sensitivity=0.5),
    )
    settings = AllocatorSettings(portfolio=portfolio)
    rows = {
        "tick": measure(settings, 1.0 / REPEATS),
        "tick_with_rebalance": measure(settings, 60.0 * portfolio.rebalance_minutes),
    }
    within = all(row["median_ms"] < BAR_MS for row in rows.values())
    print(json.dumps({"symbols": SYMBOLS, "bar_ms": BAR_MS, "within": within, **rows}, indent=1))
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
