"""A backtest on the longest recording: the report must agree with itself. No profit is expected."""

import json
from pathlib import Path
from typing import Any

import pytest

from mmbot.cli.app import run_cli

pytestmark = [pytest.mark.real_data, pytest.mark.slow]

# 650 s of one continuous recording, cut at midnight.
FILES = ("binance/spot_btcusdt_20240808.gz", "binance/spot_btcusdt_20240809.gz")
FRICTIONS = (
    '{"latency_ms_mean":5,"latency_ms_std":2,"toxic_sweep_prob":0.1,"extra_slippage_bps":0.1}'
)
LIVELY = ["--set", "strategy.k_vola_spread=0", "--set", "base_spread_bps=0.5"]
TURNOVER = 1e-9


@pytest.fixture(scope="module")
def document(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    place = tmp_path_factory.mktemp("longest")
    files = [str(real_data / name) for name in FILES]
    for name in files:
        if not Path(name).is_file():
            pytest.fail(f"MMBOT_REAL_DATA has no {name}")
    catalog = str(place / "catalog")
    assert run_cli(["data", "import", *files, "--out", catalog]) == 0
    (place / "calibration.json").write_text(FRICTIONS)
    args = ["backtest", "run", "--data", catalog, "--symbol", "BTCUSDT", "--bar-minutes", "1"]
    args += ["--calibration", str(place / "calibration.json"), "--out", str(place / "r.json")]
    args += ["--html", str(place / "r.html"), "--trades-out", str(place / "t.jsonl"), *LIVELY]
    assert run_cli(args) == 0
    assert (place / "r.html").stat().st_size > 50_000
    found: dict[str, Any] = json.loads((place / "r.json").read_bytes())
    found["trades"] = [json.loads(line) for line in (place / "t.jsonl").read_bytes().splitlines()]
    return found


def test_it_saw_the_whole_recording(document):
    assert document["data"]["rows"] > 300_000
    assert document["data"]["gaps"] == []
    assert document["time_bounds"]["from"].startswith("2024-08-08T23:")
    assert document["time_bounds"]["to"].startswith("2024-08-09T00:0")


def test_fills_are_makers_and_takers_and_every_one_was_exported(document):
    fills = document["fill_statistics"]
    assert fills["total_fills"] == fills["maker_fills"] + fills["taker_fills"]
    assert fills["total_fills"] == document["fills_total"] == len(document["trades"]) > 50
    assert 0 < fills["toxic_sweeps"] <= fills["taker_fills"]
    taker_fills = sum(not trade["is_maker"] for trade in document["trades"])
    assert taker_fills == fills["taker_fills"]


def test_turnover_and_shares_add_up(document):
    turnover = sum(trade["price"] * trade["qty"] for trade in document["trades"])
    taker = sum(t["price"] * t["qty"] for t in document["trades"] if not t["is_maker"])
    assert document["turnover_usd"] == pytest.approx(turnover, rel=TURNOVER, abs=1e-5)
    assert document["taker_share_pct"] == pytest.approx(100 * taker / turnover, abs=1e-6)
    assert document["maker_share"] == pytest.approx(1 - taker / turnover, abs=1e-6)
    assert document["fill_statistics"]["total_fill_value_usd"] == document["turnover_usd"]


def test_fees_are_those_of_the_fills(document):
    fees = sum(t["fee_bps"] * t["price"] * t["qty"] / 1e4 for t in document["trades"])
    assert document["fees_bps"] == pytest.approx(1e4 * fees / document["turnover_usd"], abs=1e-5)


def test_net_is_gross_minus_the_costs_and_the_result_of_the_account(document):
    parts = document["component_breakdown"]
    costs = ("fees_eff_bps", "slippage_bps", "adverse_bps", "inventory_bps")
    net = parts["gross_bps"] - sum(parts[name] for name in costs)
    assert net == pytest.approx(parts["net_bps"], abs=5e-6)
    assert parts["net_bps"] == document["net_bps"]
    from_bps = document["net_bps"] * document["turnover_usd"] / 1e4
    assert document["net_pnl_usd"] == pytest.approx(from_bps, abs=1e-6 * document["turnover_usd"])


def test_the_position_is_the_sum_of_the_fills(document):
    sign = {"B": 1, "S": -1}
    position = sum(sign[trade["side"]] * trade["qty"] for trade in document["trades"])
    assert document["inventory_summary"]["final_position"] == pytest.approx(position, abs=1e-6)
    inventory = document["inventory_summary"]
    assert inventory["max_abs_position"] >= abs(inventory["final_position"])
    assert inventory["max_abs_position"] >= inventory["avg_abs_position"] > 0


def test_ratios_lie_between_nothing_and_everything(document):
    for name in ("hit_rate", "maker_share", "fill_rate", "max_drawdown"):
        assert 0 <= document[name] <= 1, name
    assert document["data"]["coverage"] == 1.0
    assert document["order_age_p50_ms"] <= document["order_age_p95_ms"]
    assert document["order_age_p95_ms"] <= document["order_age_p99_ms"]
    assert document["orders"] <= document["quotes"]


def test_blocks_are_shares_of_all_blocks(document):
    blocks = document["block_reasons"]
    total = sum(reason["count"] for reason in blocks.values())
    assert total > 0
    assert sum(reason["ratio"] for reason in blocks.values()) == pytest.approx(1.0, abs=4e-6)
    for reason in blocks.values():
        assert reason["ratio"] == pytest.approx(reason["count"] / total, abs=1e-6)
    assert document["attempts"] >= total


def test_gates_say_what_the_numbers_say(document):
    gates, limits = document["gates"], document["gates"]["thresholds"]
    passed = (
        document["net_bps"] >= limits["net_bps"]
        and document["taker_share_pct"] <= limits["taker_share_pct"]
        and document["order_age_p95_ms"] <= limits["order_age_p95_ms"]
    )
    assert gates["passed"] is passed
    assert bool(gates["reasons"]) is not passed
