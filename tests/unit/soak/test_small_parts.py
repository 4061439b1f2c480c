"""Parameters, overlay, measurement, oscillation: the small pure parts."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbot.soak.measurement import block_table, figures_of, totals_of
from mmbot.soak.models import Phase
from mmbot.soak.oscillation import check_oscillation_all_params, detect_oscillation, oscillates
from mmbot.soak.parameters import (
    DEFAULTS,
    TUNABLES,
    breaches,
    clamped,
    effective,
    shown,
    total_change,
    unusable,
    validate_overrides,
)
from mmbot.soak.warmup import overlaid, phase_of, strength

VALUES = dict(DEFAULTS)


@pytest.mark.spec("07-3")
def test_the_table_of_parameters():
    rows = {n: (t.low, t.high, DEFAULTS[n], t.calm.name, t.integer) for n, t in TUNABLES.items()}
    assert rows == {
        "min_interval_ms": (40, 300, 70, "UP", True),
        "replace_rate_per_min": (120, 360, 260, "DOWN", True),
        "base_spread_bps_delta": (0.0, 0.6, 0.14, "UP", False),
        "impact_cap_ratio": (0.04, 0.12, 0.09, "DOWN", False),
        "max_delta_ratio": (0.10, 0.20, 0.14, "DOWN", False),
        "tail_age_ms": (400, 1000, 650, "UP", True),
    }


@given(st.dictionaries(st.sampled_from(list(TUNABLES)), st.floats(-1e9, 1e9)))
@pytest.mark.spec("07-4", "07-9.7")
def test_effective_values_are_always_valid(requested):
    values = effective(requested)
    assert set(values) == set(TUNABLES)
    assert validate_overrides(values)
    assert set(clamped(requested)) == {
        n for n in requested if not TUNABLES[n].low <= requested[n] <= TUNABLES[n].high
    }


@pytest.mark.spec("07-9.7")
@pytest.mark.parametrize(
    ("value", "outside", "no_number"),
    [
        (70, False, False),
        (40, False, False),
        (300, False, False),
        (39, True, False),
        (301, True, False),
        (math.nan, True, True),
        (math.inf, True, True),
        ("70", True, True),
        (None, True, True),
        (True, True, True),
    ],
)
def test_validation_tells_outside_from_unusable(value, outside, no_number):
    given_values = {"min_interval_ms": value, "unknown": "x"}
    assert bool(breaches(given_values)) is outside
    assert bool(unusable(given_values)) is no_number


@pytest.mark.spec("07-20")
@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("tail_age_ms", 700.0, "700"),
        ("base_spread_bps_delta", 0.1, "0.10"),
        ("impact_cap_ratio", 0.085, "0.085"),
        ("max_delta_ratio", -0.02, "-0.02"),
        ("net_bps", 2.5, "2.50"),
    ],
)
def test_numbers_in_markers(name, value, text):
    assert shown(name, value) == text


@pytest.mark.spec("07-9.4")
def test_total_change_is_a_share_of_the_ranges():
    assert total_change({"min_interval_ms": 26, "tail_age_ms": -60}) == pytest.approx(0.2)


@pytest.mark.spec("07-7")
def test_phases_and_strength_of_the_overlay():
    made = [
        (
            phase_of(i, warmup=True, length=4, rampdown=2),
            round(strength(i, warmup=True, length=4, rampdown=2), 6),
        )
        for i in range(1, 9)
    ]
    assert made == [
        *[(Phase.WARMUP, 1.0)] * 4,
        (Phase.RAMPDOWN, 0.666667),
        (Phase.RAMPDOWN, 0.333333),
        *[(Phase.STEADY, 0.0)] * 2,
    ]
    assert strength(1, warmup=False, length=4, rampdown=2) == 0.0


@pytest.mark.spec("07-7")
def test_the_overlay_at_full_strength_and_half_way():
    full = overlaid(VALUES, 1.0)
    assert full.values == {
        "min_interval_ms": 95,
        "replace_rate_per_min": 195,
        "base_spread_bps_delta": 0.17,
        "impact_cap_ratio": 0.0765,
        "max_delta_ratio": 0.119,
        "tail_age_ms": 750,
    }
    assert full.limits_factor == 0.8
    half = overlaid(VALUES, 0.5)
    assert half.values["base_spread_bps_delta"] == 0.155
    assert half.values["impact_cap_ratio"] == 0.08325
    assert overlaid(VALUES, 0.0).values == VALUES
    assert overlaid(VALUES, 0.0).limits_factor == 1.0


@pytest.mark.spec("07-7")
def test_the_overlay_stays_inside_the_hard_range():
    extreme = {"min_interval_ms": 300, "tail_age_ms": 1000, "replace_rate_per_min": 120}
    assert validate_overrides(overlaid({**VALUES, **extreme}, 1.0).values)


@pytest.mark.spec("07-9.8")
@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([100, 120, 100], True),
        ([100, 120, 109], True),
        ([100, 120, 110], False),
        ([100, 110, 100], False),
        ([100, 111, 100], True),
        ([100, 120, 140], False),
        ([0.0, 0.1, 0.0], True),
        ([100, 100, 100], False),
        ([100, 120], False),
        ([], False),
    ],
)
def test_oscillation_is_away_by_a_tenth_and_back(values, found):
    assert oscillates(values) is found
    history = [{"overrides": {"tail_age_ms": v}} for v in values]
    assert detect_oscillation(history, "tail_age_ms") is found
    assert check_oscillation_all_params(history) == (["tail_age_ms"] if found else [])


@pytest.mark.spec("07-9.8")
def test_only_four_parameters_are_watched_for_oscillation():
    history = [{"overrides": {"replace_rate_per_min": v}} for v in (200, 300, 200)]
    assert check_oscillation_all_params(history) == []
    assert not detect_oscillation(history)


@pytest.mark.spec("06-6.3")
def test_figures_accept_older_reports():
    totals = totals_of({"total": {"net_bps": 1.0, "cancel_ratio": 60.0, "hit_rate": 0.7}})
    assert totals is not None
    found = figures_of(totals)
    assert (found.cancel_ratio, found.hit_ratio) == (0.6, 0.7)
    blocks = {"block_reasons": {"risk": {"count": 3, "ratio": 30}}, "risk_ratio": 0.1}
    assert figures_of(blocks).risk_ratio == 0.3
    assert block_table(blocks)["risk"] == {"count": 3, "ratio": 0.3}


@pytest.mark.parametrize(
    "report", [None, {}, {"totals": None}, {"totals": {}}, {"totals": {"net_bps": math.nan}}]
)
@pytest.mark.spec("07-5")
def test_an_unreadable_report_has_no_totals(report):
    assert totals_of(report) is None
