import numpy as np
import pytest

from mmbot import core
from mmbot.errors import MarketDataError
from mmbot.market.importers.job import ImportOptions, import_files
from mmbot.research.charts import Panel
from mmbot.research.market_comparison import (
    SyntheticOptions,
    figure,
    generated_market,
    recorded_markets,
    report,
)
from mmbot.research.stylised_facts import FACTS, Instrument, measure, read_tape
from mmbot.units import NS_PER_MS, NS_PER_SEC

LINEAR = Instrument(tick=0.5, lot=0.1)


def tape(seconds=200, *, step_ticks=1, seed=1):
    """A touch that moves once a second, three prints of one order every 250 ms."""
    rng = np.random.default_rng(seed)
    moves = rng.integers(0, 2, seconds) * 2 - 1
    bid = 10_000 + np.cumsum(moves) * step_ticks
    touch_ts = np.arange(seconds) * NS_PER_SEC
    order_ts = np.arange(4 * (seconds - 1)) * 250 * NS_PER_MS + 100 * NS_PER_MS
    sign = np.repeat(np.where(np.arange(len(order_ts)) % 8 < 4, 1, -1), 3)
    return {
        "touch_ts": touch_ts,
        "bid": bid,
        "ask": bid + 2,
        "bid_qty": np.full(seconds, 7),
        "ask_qty": np.full(seconds, 9),
        "trade_ts": np.repeat(order_ts, 3) + np.tile([0, 10, 20], len(order_ts)),
        "trade_px": np.full(3 * len(order_ts), 10_000),
        "trade_qty": np.tile([1, 2, 3], len(order_ts)),
        "trade_sign": sign,
        "trade_touch": np.repeat(order_ts // NS_PER_SEC, 3),
        "profile_lots": np.array([8.0 * 400] + [0.0] * 199),
        "profile_hits": np.array([400] + [0] * 199),
        "depth_bps": np.array([0.1, 0.5, 1.0, 2.0, 5.0, 10.0]),
        "depth_lots": np.array([8.0] * 6) * 400,
        "samples": 400,
        "prints": 3 * len(order_ts),
        "depth_rows": 6 * len(order_ts),
    }


def test_facts_of_a_small_tape_are_those_counted_by_hand():
    facts = measure(tape(), LINEAR, name="hand", synthetic=True).numbers
    assert facts["span_sec"] == 199
    assert facts["spread_ticks_mean"] == 2
    assert facts["spread_one_tick_ratio"] == 0
    assert facts["mid_move_ticks_mean"] == 1
    assert facts["mid_move_ratio"] == pytest.approx(198 / 1989, rel=1e-3)
    assert facts["vol_1s_bps"] == pytest.approx(1.0, rel=0.02)
    assert facts["prints_per_order"] == 3
    assert facts["depth_rows_per_print"] == 2
    assert facts["orders_per_sec"] == pytest.approx(4.0)
    # an order is 6 lots of 0.1 at a price of 5000
    assert facts["order_usd_median"] == pytest.approx(3000)
    assert facts["order_gap_cv"] == pytest.approx(0, abs=1e-12)
    # signs change every fourth order
    assert facts["sign_acf_1"] == pytest.approx(0.5, abs=0.01)
    assert facts["touch_usd_mean"] == pytest.approx(8 * 0.1 * 5000, rel=0.01)
    assert facts["level_ratio_1_10"] == 0


def test_a_contract_of_an_inverse_market_has_a_fixed_value():
    inverse = Instrument(tick=0.1, lot=1.0, usd_per_lot=100.0)
    facts = measure(tape(), inverse, name="inverse", synthetic=True).numbers
    assert facts["order_usd_median"] == 600
    assert facts["touch_usd_mean"] == 800


def test_the_response_follows_the_direction_of_the_orders():
    made = tape()
    made["trade_sign"][:] = 1
    made["bid"] = 10_000 + np.arange(200)
    made["ask"] = made["bid"] + 2
    facts = measure(made, LINEAR, name="up", synthetic=True)
    assert facts.numbers["response_1s_bps"] == pytest.approx(1.0, rel=0.02)
    made["trade_sign"][:] = -1
    facts = measure(made, LINEAR, name="down", synthetic=True)
    assert facts.numbers["response_1s_bps"] == pytest.approx(-1.0, rel=0.02)
    assert facts.numbers["sign_acf_1"] is None


def test_too_little_data_is_said_by_name():
    with pytest.raises(MarketDataError, match=r"E_BT_NO_DATA.*market=short.*ten are needed"):
        measure(tape(5), LINEAR, name="short", synthetic=False)
    quiet = tape()
    for name in [name for name in quiet if name.startswith("trade_")]:
        quiet[name] = quiet[name][:9]
    with pytest.raises(MarketDataError, match="has 3 market orders"):
        measure(quiet, LINEAR, name="quiet", synthetic=False)


def test_a_generated_market_reads_the_same_through_chunks_of_any_size():
    def facts(rows):
        market = core.MarketGenerator(5, "volatile")

        def chunks():
            while len(chunk := market.next_chunk(rows, 60 * NS_PER_SEC)):
                yield chunk

        tape = read_tape(chunks())
        return measure(tape, Instrument(tick=0.1, lot=0.001), name="x", synthetic=True)

    assert facts(1_000) == facts(1_000_000)


def test_the_report_and_the_picture_hold_every_fact_of_every_market():
    markets = [
        generated_market(SyntheticOptions(regime=regime, duration_sec=120))
        for regime in ("calm", "volatile")
    ]
    entries = report(markets)["markets"]
    assert [entry["name"] for entry in entries] == ["generated calm", "generated volatile"]
    assert {fact.key for fact in FACTS} == set(entries[0]["facts"])
    panels = [panel for panel in figure(markets).panels if isinstance(panel, Panel)]
    assert len(panels) == 6
    assert all(len(panel.series) == 2 and panel.series[0].x for panel in panels)


@pytest.mark.real_data
def test_a_generated_market_has_the_scale_of_a_recorded_one(real_data, tmp_path):
    """A busy afternoon against the busy regime; docs/synthetic-market.md has all the numbers."""
    source = real_data / "binance" / "usdm_btcusdt_20240808.gz"
    import_files([str(source)], ImportOptions(out=str(tmp_path / "catalog")))
    (recorded,) = recorded_markets(tmp_path / "catalog", symbol="BTCUSDT")
    made = generated_market(SyntheticOptions(regime="volatile", duration_sec=1_800)).numbers
    factors = {
        "spread_ticks_mean": 1.5,
        "vol_10s_bps": 2.0,
        "orders_per_sec": 2.0,
        "prints_per_order": 2.0,
        "order_gap_cv": 2.0,
        "order_usd_median": 3.0,
        "order_usd_mean": 3.0,
        "touch_usd_mean": 3.0,
        "depth_rows_per_print": 2.0,
        "response_1s_bps": 3.0,
        "sign_acf_1": 3.0,
    }
    for key, factor in factors.items():
        real, value = recorded.numbers[key], made[key]
        assert real is not None
        assert value is not None
        assert real / factor < value < real * factor, f"{key}: {value} against {real}"
