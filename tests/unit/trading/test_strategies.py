"""Loading a user's strategy, and what its adapter passes on."""

from typing import Any

import pytest

import mmbot
from mmbot.errors import ConfigError
from mmbot.strategy import as_callable
from mmbot.trading.strategies import load_strategy

GOOD = """
import mmbot
from dataclasses import dataclass

@dataclass
class Memory:
    calls: int = 0

class Mine(mmbot.Strategy):
    def __init__(self, params):
        super().__init__(params)
        self.memory = Memory()

    def on_tick(self, view):
        self.memory.calls += 1
        half = self.params["trading.base_spread_bps"]
        return mmbot.Quotes(bids=(mmbot.Level(view.mid - half, 1.0),))

class Other: ...

class Broken(mmbot.Strategy):
    def __init__(self, params):
        raise RuntimeError("no luck")

    def on_tick(self, view): ...
"""

STATE: dict[str, Any] = {
    "lane": 0,
    "symbol": "BTCUSDT",
    "ts_ns": 1,
    "synced": True,
    "tick_size": 0.1,
    "lot_size": 0.001,
    "min_qty": 0.0,
    "best_bid": 99.0,
    "best_ask": 101.0,
    "bid_qty": 1.0,
    "ask_qty": 2.0,
    "mid": 100.0,
    "vola_1m_bps": None,
    "sigma": 1.0,
    "imbalance": 0.0,
    "micro_tilt": 0.0,
    "trade_flow": 0.0,
    "position": 0.0,
    "position_usd": 0.0,
    "equity_usd": 10_000.0,
    "target_usd": 10_000.0,
    "bid_target_usd": 10_000.0,
    "ask_target_usd": 10_000.0,
    "spread_mult": 1.0,
    "levels_max": 10,
    "slippage_bps": 0.0,
}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(GOOD)
    return path


def test_a_strategy_is_loaded_with_its_parameters_and_called_with_a_view(file):
    strategy = load_strategy(f"{file}:Mine", {"trading.base_spread_bps": 2.0})
    assert isinstance(strategy, mmbot.Strategy)
    assert as_callable(strategy)(dict(STATE)) == [("buy", 98.0, 1.0)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{file}", "must be FILE.py:Class"),
        ("{file}:1x", "must be FILE.py:Class"),
        ("nowhere.py:Mine", "does not exist"),
        ("{file}:Missing", "has no class Missing"),
        ("{file}:Other", "is not a subclass of mmbot.Strategy"),
        ("{file}:Broken", "failed to start"),
    ],
)
def test_a_strategy_that_cannot_be_loaded_says_why(file, text, message):
    with pytest.raises(ConfigError, match=message):
        load_strategy(text.format(file=file), {})


def test_a_file_that_fails_says_why(tmp_path):
    path = tmp_path / "bad.py"
    path.write_text("1 / 0")
    with pytest.raises(ConfigError, match="ZeroDivisionError"):
        load_strategy(f"{path}:X", {})


def test_an_incomplete_strategy_is_refused(tmp_path):
    path = tmp_path / "half.py"
    path.write_text("import mmbot\nclass Half(mmbot.Strategy): ...\n")
    with pytest.raises(ConfigError, match="abstract"):
        load_strategy(f"{path}:Half", {})


def test_the_view_is_frozen():
    view = mmbot.StrategyView(**{k: v for k, v in STATE.items() if k != "lane"})
    with pytest.raises(AttributeError):
        setattr(view, "mid", 1.0)  # noqa: B010
