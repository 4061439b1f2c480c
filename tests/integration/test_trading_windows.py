"""Trading windows of the configuration hold in backtests and in sessions."""

import json
from pathlib import Path

import pytest

from mmbot.cli.app import run_cli

SYMBOL = "BTCUSDT"
LIVELY = ["--set", "strategy.k_vola_spread=0", "--set", "strategy.enable_adverse_guard=false"]


@pytest.fixture(autouse=True)
def _frozen(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MM_FREEZE_UTC", "1")


def windows(start, end):
    # The generated markets begin at midnight UTC.
    text = f'scheduler:\n  windows:\n    - {{name: w, start: "{start}", end: "{end}"}}\n'
    Path("windows.yaml").write_text(text)
    return ["--config", "windows.yaml"]


def orders(*args):
    command = [
        "backtest",
        "run",
        "--synthetic",
        "--synthetic-duration-min",
        "3",
        "--symbol",
        SYMBOL,
    ]
    assert run_cli([*command, "--out", "r.json", *LIVELY, *args]) == 0
    return json.loads(Path("r.json").read_bytes())["orders"]


@pytest.mark.spec("02-4")
def test_a_backtest_trades_in_its_windows_only():
    assert orders(*windows("12:00", "13:00")) == 0
    part, whole = orders(*windows("00:00", "00:01")), orders()
    assert 0 < part < whole
    assert orders(*windows("12:00", "00:59")) == whole


@pytest.mark.spec("02-4")
def test_a_session_trades_in_its_windows_only():
    found = []
    for start, end in [("12:00", "13:00"), ("22:00", "02:00")]:
        args = ["run", "--headless", "--speed", "max", "--duration", "120s", "--symbol", SYMBOL]
        assert run_cli([*args, "--out", "out", *LIVELY, *windows(start, end)]) == 0
        document = json.loads(Path("out", "EDGE_REPORT.json").read_bytes())
        found.append(document["totals"]["fills"])
    assert found[0] == 0 < found[1]
