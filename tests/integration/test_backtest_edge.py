"""An audit of a simulated run's exported fills arrives at the engine's own components."""

import json
from pathlib import Path

import pytest

from mmbot.cli.app import run_cli

COMPONENTS = (
    "gross_bps",
    "fees_eff_bps",
    "slippage_bps",
    "adverse_bps",
    "inventory_bps",
    "net_bps",
)
LIVELY = ["--set", "strategy.k_vola_spread=0", "--set", "base_spread_bps=0.3"]
FRICTIONS = (
    '{"latency_ms_mean":20,"latency_ms_std":5,"toxic_sweep_prob":0.2,"extra_slippage_bps":0.4}'
)


@pytest.fixture(autouse=True)
def _nowhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MM_FREEZE_UTC", "1")


def load(name):
    return json.loads(Path(name).read_bytes())


@pytest.mark.parametrize("symbols", [("BTCUSDT",), ("BTCUSDT", "ETHUSDT")])
@pytest.mark.parametrize("regime", ["calm", "spike"])
def test_an_audit_agrees_with_the_engine(symbols, regime):
    Path("calibration.json").write_text(FRICTIONS)
    args = ["backtest", "run", "--synthetic", "--synthetic-regime", regime, *LIVELY]
    args += ["--synthetic-duration-min", "4", "--calibration", "calibration.json"]
    args += [part for symbol in symbols for part in ("--symbol", symbol)]
    files = ["--out", "run.json", "--trades-out", "t.jsonl", "--quotes-out", "q.jsonl"]
    assert run_cli([*args, *files]) == 0
    assert (
        run_cli(["edge", "audit", "--trades", "t.jsonl", "--quotes", "q.jsonl", "--out", "e.json"])
        == 0
    )
    run, edge = load("run.json"), load("e.json")
    assert run["fills_total"] == edge["totals"]["fills"] > 10
    assert run["fill_statistics"]["toxic_sweeps"] > 0
    assert edge["rejected_lines"] == 0
    assert edge["totals"]["taker_share_pct"] == pytest.approx(run["taker_share_pct"], abs=1e-5)
    for name in COMPONENTS:
        expected = run["component_breakdown"][name]
        assert edge["totals"][name] == pytest.approx(expected, abs=2e-6), name
        for symbol in symbols:
            of_engine = run["by_symbol"][symbol]["component_breakdown"][name]
            assert edge["symbols"][symbol][name] == pytest.approx(of_engine, abs=2e-6), name


def test_buckets_go_to_a_file_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setenv("ARTIFACTS_DIR", str(tmp_path))
    lines = [
        {
            "symbol": "A",
            "ts_ms": 1_704_067_200_000 + i * 600_000,
            "side": "B",
            "price": 100,
            "qty": 1,
        }
        for i in range(3)
    ]
    Path("t.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    args = ["edge", "audit", "--trades", "t.jsonl", "--day", "2024-01-01", "--bucket-min", "15"]
    assert run_cli(args) == 0
    totals = load("EDGE_REPORT_DAY.json")["totals"]
    assert [bucket["bucket"] for bucket in totals["buckets"]] == ["00:00", "00:15"]
    assert [bucket["fills"] for bucket in totals["buckets"]] == [2, 1]
    assert run_cli([*args, "--from", "2024-01-01"]) == 1


def test_an_unreadable_file_leaves_the_earlier_report(capsys):
    Path("e.json").write_text("earlier")
    assert run_cli(["edge", "audit", "--trades", "none.jsonl", "--out", "e.json"]) == 1
    assert capsys.readouterr().err.startswith("E_EDGE_IO: file=none.jsonl")
    assert Path("e.json").read_text() == "earlier"
