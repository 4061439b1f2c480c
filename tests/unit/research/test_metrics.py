"""Definitions of the performance metrics, against cases worked out by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbot.research.metrics import (
    block_reasons,
    bps_of,
    component_breakdown,
    cvar95_usd,
    max_drawdown,
    negative_edge_drivers,
    observations,
    percentile,
    share,
    sharpe,
)

amounts = st.floats(-1e6, 1e6, allow_nan=False)


@pytest.mark.parametrize(
    ("values", "p", "expected"),
    [
        ([], 0.95, 0.0),
        ([7.0], 0.01, 7.0),
        ([3.0, 1.0, 2.0], 0.5, 2.0),
        ([1.0, 2.0, 3.0, 4.0], 0.5, 2.0),
        ([float(n) for n in range(1, 21)], 0.95, 19.0),
        ([float(n) for n in range(1, 22)], 0.95, 20.0),
        ([1.0, 2.0], 1.0, 2.0),
    ],
)
def test_percentile_is_the_nearest_rank(values, p, expected):
    assert percentile(values, p) == expected


@given(st.lists(amounts, min_size=1, max_size=60), st.integers(1, 100))
def test_percentile_has_enough_values_at_or_below_it(values, percent):
    p = percent / 100
    found = percentile(values, p)
    assert found in values
    at_or_below = sum(value <= found for value in values)
    below = sum(value < found for value in values)
    assert at_or_below >= p * len(values) - 1e-9
    assert below < math.ceil(p * len(values))


def test_observations_count_from_zero():
    assert observations([1.0, -2.0, 4.0]) == [1.0, -3.0, 6.0]
    assert observations([5.0]) == [5.0]


def test_sharpe_annualises_the_ratio_of_mean_and_sample_deviation():
    # mean 2, deviation sqrt(2) with n-1, 8760 hourly bars a year
    assert sharpe([1.0, 3.0], bar_minutes=60) == pytest.approx(2 / math.sqrt(2) * math.sqrt(8760))


@pytest.mark.parametrize("changes", [[], [5.0], [2.0, 2.0, 2.0], [0.1 + 0.2, 0.3]])
def test_sharpe_is_zero_without_two_different_observations(changes):
    assert sharpe(changes, bar_minutes=60) == 0.0


def test_max_drawdown_is_measured_from_the_peak_that_includes_the_budget():
    # equity 100 -> 110 -> 90 -> 120 -> 108: falls of 20 of 110 and 12 of 120
    found = max_drawdown([10.0, -10.0, 20.0, 8.0], budget_usd=100.0)
    assert found.usd == 20.0
    assert found.ratio == pytest.approx(20 / 110)
    assert max_drawdown([-5.0], budget_usd=100.0).ratio == pytest.approx(0.05)
    assert max_drawdown([], budget_usd=100.0).usd == 0.0


def test_share_and_dollars_of_a_drawdown_have_their_own_maxima():
    # A fall of 50 from 100, later one of 60 from 200: the share is the first's.
    found = max_drawdown([-50.0, 100.0, 40.0], budget_usd=100.0)
    assert (found.ratio, found.usd) == (0.5, 60.0)


@pytest.mark.parametrize(
    ("count", "tail"),
    [(1, 1), (19, 1), (20, 1), (21, 2), (40, 2), (41, 3)],
)
def test_cvar_is_the_mean_of_the_worst_twentieth(count, tail):
    changes = [float(n) for n in range(count)]
    assert cvar95_usd(changes[::-1]) == sum(range(tail)) / tail


def test_cvar_of_nothing_is_zero():
    assert cvar95_usd([]) == 0.0


def test_shares_and_bps_of_nothing_are_zero():
    assert share(3, 0) == 0.0
    assert bps_of(1.0, 0.0) == 0.0
    assert bps_of(1.0, 2000.0) == 5.0


@given(st.tuples(*[amounts] * 5), st.floats(1.0, 1e9))
def test_components_in_bps_add_up_like_the_amounts(parts, turnover):
    names = ("gross_usd", "fees_usd", "slippage_usd", "adverse_usd", "inventory_usd")
    edge = dict(zip(names, parts, strict=True))
    edge["net_usd"] = parts[0] - sum(parts[1:])
    bps = component_breakdown(edge, turnover)
    total = bps["gross_bps"] - bps["fees_eff_bps"] - bps["slippage_bps"]
    total -= bps["adverse_bps"] + bps["inventory_bps"]
    assert total == pytest.approx(bps["net_bps"], rel=1e-9, abs=1e-9 * 1e10 / turnover)


@pytest.mark.parametrize(
    ("components", "drivers"),
    [
        ({"net_bps": 0.0, "adverse_bps": 9.0}, []),
        (
            {"net_bps": -1.0, "adverse_bps": 2.0, "slippage_bps": 1.0},
            ["adverse_bps", "slippage_bps"],
        ),
        ({"net_bps": -1.0, "fees_eff_bps": 3.0}, ["fees_eff_bps"]),
        (
            {"net_bps": -1.0, "adverse_bps": 1.0, "slippage_bps": 1.0, "inventory_bps": 1.0},
            ["slippage_bps", "adverse_bps"],
        ),
        (
            {"net_bps": -1.0, "fees_eff_bps": 1.0, "inventory_bps": 1.0, "adverse_bps": -1.0},
            ["inventory_bps", "fees_eff_bps"],
        ),
        ({"net_bps": -1.0}, []),
    ],
)
def test_drivers_are_the_two_largest_costs_of_a_loss(components, drivers):
    zero = dict.fromkeys(("slippage_bps", "adverse_bps", "inventory_bps", "fees_eff_bps"), 0.0)
    assert negative_edge_drivers({**zero, **components}) == drivers


@pytest.mark.spec("02-6", "02-D18")
def test_block_ratios_are_shares_of_all_blocks():
    found = block_reasons({"risk": 1, "min_interval": 3})
    assert found["risk"] == {"count": 1, "ratio": 0.25}
    assert found["min_interval"] == {"count": 3, "ratio": 0.75}
    assert found["throttle"] == {"count": 0, "ratio": 0.0}
    assert sum(reason["ratio"] for reason in block_reasons({}).values()) == 0.0
