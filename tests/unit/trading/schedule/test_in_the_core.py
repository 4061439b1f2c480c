"""The windows that this package makes are what the core trades by."""

import pytest

from mmbot import core
from mmbot.config import AppConfig
from mmbot.config.scheduling import SchedulerConfig, TradingWindow
from mmbot.trading.engine import EngineSpec, build_engine
from mmbot.trading.schedule import open_windows
from mmbot.units import NS_PER_HOUR, NS_PER_MIN, parse_utc_ns

START_NS = parse_utc_ns("2024-07-01T09:58Z")
END_NS = START_NS + 6 * NS_PER_MIN


@pytest.mark.spec("02-4")
def test_orders_are_placed_inside_the_windows_only():
    config = SchedulerConfig(
        # 10:00 to 10:02 of UTC in summer.
        tz="Europe/Berlin",
        windows=(TradingWindow(start="12:00", end="12:02"),),
    )
    windows = open_windows(config, start_ns=START_NS, end_ns=END_NS)
    assert windows is not None
    assert len(windows) == 1
    engine = build_engine(
        EngineSpec(
            instruments=[core.Instrument("BTCUSDT", "0.1", "0.001")],
            configs=[AppConfig()],
            simulator={},
            seed=1,
            bar_ns=NS_PER_HOUR,
            record=True,
            open_ns=windows,
        )
    )
    market = core.MarketGenerator(1, start_ts_ns=START_NS)
    while len(chunk := market.next_chunk(10_000, END_NS)):
        engine.feed(chunk)
    engine.finish()
    events = engine.take_order_events(0)
    placed = [
        ts_ns
        for ts_ns, event in zip(events["ts_ns"], events["event"], strict=True)
        if event == "intent_place"
    ]
    assert len(placed) > 10
    assert windows[0].from_ns <= min(placed)
    assert max(placed) < windows[0].to_ns
