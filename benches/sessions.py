"""`python -m benches.sessions`: what a session costs, and what many symbols in one engine cost.

The built-in quoter trades markets of the generator with its default configuration and every guard
and cap of the session set, far enough away that they watch and never act: work is compared with
equal work, as `orders` shows (a session mixes strategies, so it places a few more). Three cases,
each in turn inside a round, the order reversed every second round:

- ``quoter``: one lane per market without limits of a session, one engine each, one after another;
- ``session``: the same with all guards on;
- ``together``: all markets in one engine and one session with the same guards.

Speeds are market rows per second and thread. `python -m benches.sessions ROUNDS ROWS SYMBOLS`.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mmbot import core
from mmbot.config import AppConfig, lane_params
from mmbot.config.session import session_params
from mmbot.ids import sub_seed

SEED = 7
CHUNK_ROWS = 1 << 14
TOGETHER_SPEED_MIN = 0.7
START_NS = 1_700_000_000_000_000_000
SIM: Mapping[str, Any] = {"mode": "queue_aware", "latency_ms_mean": 5.0, "latency_ms_std": 0.0}
BUDGET_USD, FAR = 10_000.0, 1e12
# Far from what a run reaches; most are off by default.
CAPS: Mapping[str, float] = {
    "runtime_guard.max_position_notional_usd": FAR,
    "runtime_guard.max_gross_exposure_usd": FAR,
    "runtime_guard.pnl_slope_min_usd_per_min": -FAR,
    "runtime_guard.cancel_rate_pct_of_limit_max": FAR,
    "guards.pos_skew.per_symbol_abs_limit": FAR,
    "guards.pos_skew.per_color_abs_limit": FAR,
    "guards.intraday_caps.daily_turnover_cap": FAR,
    "guards.intraday_caps.daily_vol_cap": FAR,
    "guards.intraday_caps.daily_pnl_stop_usd": FAR,
}

Market = Sequence[core.EventChunk]


def market(symbol: str, rows: int) -> Market:
    """A synthetic market of its own luck, held in memory."""
    generator = core.MarketGenerator(
        sub_seed(SEED, f"market:{symbol}"), "mixed", 100.0, "0.01", "0.01", START_NS
    )
    return [generator.next_chunk(CHUNK_ROWS) for _ in range(-(-rows // CHUNK_ROWS))]


def engine(symbols: Sequence[str], *, guarded: bool) -> Callable[[], core.Backtest]:
    """Makes the engine; what the configuration says is read before."""
    # As much budget and as many levels a symbol as one symbol alone has.
    config = AppConfig.model_validate(
        {
            "portfolio": {"budget_usd": BUDGET_USD * len(symbols), "levels_per_side_min": 3},
            "trading": {"symbols": symbols},
        }
    )
    lane = lane_params(config, symbols[0]) | {"limits.max_gross_exposure_usd": FAR}
    session = None
    if guarded:
        session = session_params(config, symbols, open_ns=[(0, 2 * START_NS)]) | dict(CAPS)
    instruments = [core.Instrument(symbol, "0.01", "0.01") for symbol in symbols]
    lanes = [[lane] * len(symbols)]
    return lambda: core.Backtest(instruments, lanes, sim=SIM, session=session)


def apart(markets: Mapping[str, Market], *, guarded: bool) -> tuple[float, int]:
    """Seconds and orders of one engine per market."""
    wall_s, orders = 0.0, 0
    for symbol, chunks in markets.items():
        make = engine([symbol], guarded=guarded)
        start = time.perf_counter()
        backtest = make()
        for chunk in chunks:
            backtest.feed(chunk)
        backtest.finish()
        wall_s += time.perf_counter() - start
        orders += int(backtest.result()["orders"])
    return wall_s, orders


def together(markets: Mapping[str, Market]) -> tuple[float, int]:
    """Seconds and orders of one engine for all markets, fed side by side."""
    make = engine(list(markets), guarded=True)
    start = time.perf_counter()
    backtest = make()
    for chunks in zip(*markets.values(), strict=True):
        for at, chunk in enumerate(chunks):
            backtest.feed(chunk, at)
    backtest.finish()
    wall_s = time.perf_counter() - start
    return wall_s, sum(int(backtest.result(0, at)["orders"]) for at in range(len(markets)))


def main(rounds: int = 5, rows: int = 100_000, symbols: int = 50) -> int:
    markets = {f"S{at:02}USDT": market(f"S{at:02}USDT", rows) for at in range(symbols)}
    total = sum(len(chunk) for chunks in markets.values() for chunk in chunks)
    cases: dict[str, Callable[[], tuple[float, int]]] = {
        "quoter": lambda: apart(markets, guarded=False),
        "session": lambda: apart(markets, guarded=True),
        "together": lambda: together(markets),
    }
    took: dict[str, list[float]] = {name: [] for name in cases}
    orders: dict[str, int] = {}
    for number in range(rounds):
        for name in list(cases)[:: 1 if number % 2 == 0 else -1]:
            wall_s, orders[name] = cases[name]()
            took[name].append(wall_s)
    median = {name: statistics.median(values) for name, values in took.items()}
    speed = median["session"] / median["together"]
    report = {
        "symbols": symbols,
        "rows": total,
        "orders": orders,
        "rows_per_s": {name: round(total / wall_s) for name, wall_s in median.items()},
        "session_cost": round(median["session"] / median["quoter"], 3),
        "together_speed": round(speed, 3),
    }
    print(json.dumps(report, indent=1))
    return 0 if speed >= TOGETHER_SPEED_MIN else 1


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:])))
