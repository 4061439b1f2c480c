"""The edge of a window: differences of counters and histograms, fills that bring their own mids."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbot.research.edge_accounts import Stretch
from mmbot.research.window_edge import (
    WindowPart,
    audited_fills,
    counted_between,
    histogram_between,
    window_fields,
)

COUNTERS = (
    "places",
    "replaces",
    "cancels",
    "attempts",
    "total_iterations",
    "orders_accepted",
    "orders_with_fill",
    "round_trips",
    "profitable_round_trips",
)
REASONS = ("risk", "throttle", "concurrency", "min_interval")


def histogram(samples):
    edges, counts = np.unique(np.asarray(samples, dtype=float), return_counts=True)
    return {"hist_edges_ms": edges, "hist_counts": counts.astype(np.int64)}


def result(count, samples=(), **blocks):
    return {
        **dict.fromkeys(COUNTERS, count),
        "block_counts": {**dict.fromkeys(REASONS, 0), **blocks},
        **{n: histogram(samples) for n in ("order_age_ms", "latency_ms", "ws_lag_ms")},
    }


def columns(**changes):
    fill = {
        "ts_ns": 1_000_000_000,
        "side": 1,
        "px": 100.0,
        "qty": 2.0,
        "fee_usd": -0.01,
        "maker": True,
        "mid_decision": 100.2,
        "ref_px": 100.0,
        "mid_before": 100.1,
        "mid_after": 100.05,
        "order_age_ms": 40.0,
        **changes,
    }
    return {name: np.array([value]) for name, value in fill.items()}


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_counters_of_a_window_are_the_difference_of_two_results(before, more):
    between = counted_between(result(before), result(before + more))
    assert set(between.values()) == {more}
    assert set(counted_between({}, result(before)).values()) == {before}


@given(
    st.lists(st.integers(1, 40), max_size=30),
    st.lists(st.integers(1, 40), min_size=1, max_size=30),
)
def test_a_histogram_of_a_window_holds_the_samples_of_the_window(earlier, later):
    between = histogram_between(histogram(earlier), histogram([*earlier, *later]))
    values, counts = np.unique(later, return_counts=True)
    assert between == dict(zip(values.tolist(), counts.tolist(), strict=True))


def test_an_outermost_bucket_that_moved_is_taken_for_its_later_self():
    before = {"hist_edges_ms": np.array([10.0, 19.4]), "hist_counts": np.array([3, 2])}
    after = {"hist_edges_ms": np.array([10.0, 20.0, 30.0]), "hist_counts": np.array([3, 4, 1])}
    assert histogram_between(before, after) == {20.0: 2, 30.0: 1}


def test_components_of_a_window_include_what_was_carried_into_it():
    fills = audited_fills("BTCUSDT", columns())
    stretch = Stretch(fills=fills, opening_qty=-1.0, opening_mid=99.0, closing_mid=100.5)
    fields = window_fields(
        [WindowPart(stretch=stretch, before=result(5, risk=7), after=result(9, [3, 4], risk=8))]
    )
    turnover = 200.0
    # Ledger: the fill gains 2 * 0.5, the rebate 0.01, the short of one loses 1.5.
    assert fields["pnl_usd"] == pytest.approx(2 * 0.5 + 0.01 - 1.5)
    assert fields["net_bps"] == pytest.approx(1e4 * fields["pnl_usd"] / turnover)
    assert fields["gross_bps"] == pytest.approx(1e4 * 2 * 0.2 / turnover)
    assert fields["adverse_bps"] == pytest.approx(1e4 * 2 * 0.05 / turnover)
    assert fields["block_reasons"]["risk"] == {"count": 1, "ratio": 1.0}
    assert fields["fills"] == 1
    assert fields["attempts"] == 4
    assert fields["order_age_p95_ms"] == 4.0
    assert fields["hit_rate"] == fields["fill_rate"] == 1.0
    assert fields["neg_edge_drivers"][0] == "inventory_bps"


def test_a_window_without_fills_or_orders_has_no_rates_and_no_edge():
    stretch = Stretch(fills=[], opening_qty=0.0, opening_mid=0.0, closing_mid=0.0)
    fields = window_fields([WindowPart(stretch=stretch, before={}, after=result(0))])
    assert fields["net_bps"] == 0.0
    assert fields["fills"] == 0
    assert "hit_rate" not in fields
    assert "fill_rate" not in fields


def test_mids_that_the_engine_did_not_see_are_those_at_hand():
    (fill,) = audited_fills("X", columns(mid_before=float("nan"), mid_after=float("nan")))
    assert fill.before == fill.after == 100.0
    (fill,) = audited_fills("X", columns(mid_after=float("nan")))
    assert fill.after == fill.before == 100.1
    assert audited_fills("X", {}) == []
