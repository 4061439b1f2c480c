"""The same run in six fresh processes gives one state hash (a peer differs in its last bits)."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

RUN = """
import json, sys
from mmbot import core

generator = core.MarketGenerator(5, "mixed", 50_000.0, "0.1", "0.001", 0, 50)
instrument = core.Instrument("SYNTHUSDT", "0.1", "0.001", min_qty="0.001")
lanes = [
    {"trading.base_spread_bps": 0.5 + 0.5 * at, "trading.maker_fee_bps": -0.5} for at in range(4)
]
sim = {"latency_ms_mean": 4.0, "latency_ms_std": 2.0, "cancel_latency_ms": 3.0}
backtest = core.Backtest(instrument, lanes, sim=sim, seed=9, threads=int(sys.argv[1]))
rows = 0
while rows < 300_000:
    chunk = generator.next_chunk(50_000)
    rows += len(chunk)
    backtest.feed(chunk)
backtest.finish()
results = [backtest.result(at) for at in range(4)]
print(json.dumps({
    "hashes": [r["state_hash"] for r in results],
    "fills": [r["fills_total"] for r in results],
    "net": [repr(r["net_pnl_usd"]) for r in results],
    "age": [r["order_age_ms"] for r in results],
}, sort_keys=True, default=lambda array: array.tolist()))
"""


def run(threads: int, hash_seed: int) -> dict[str, list[object]]:
    env = os.environ | {"PYTHONHASHSEED": str(hash_seed)}
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(threads)],
        capture_output=True,
        text=True,
        check=True,
        env=env,
        timeout=300,
    )
    result: dict[str, list[object]] = json.loads(done.stdout)
    return result


@pytest.mark.spec("02-16")
def test_six_fresh_processes_give_one_state_hash() -> None:
    results = [run(threads=1 + at % 2, hash_seed=at) for at in range(6)]
    fills = results[0]["fills"]
    assert sum(int(str(count)) for count in fills) > 0, "a run without fills shows nothing"
    assert all(result == results[0] for result in results[1:])
