"""Rules of the tuner, each with the numbers of its table row, at and beside its boundary."""

import itertools

import pytest
from tests.unit.soak.made import SETTINGS, decided, draft, figures, given, moves, refused

from mmbot.soak.models import Mode
from mmbot.soak.parameters import DEFAULTS
from mmbot.soak.rules import RULES, ZONES, panic_values, zone_of
from mmbot.soak.state import TuningState
from mmbot.soak.tuner import decide


@pytest.mark.spec("07-8.2")
@pytest.mark.parametrize(
    ("risk", "net", "zone"),
    [
        (0.60, 3.5, "AGGRESSIVE"),
        (0.5999, 3.5, "MODERATE"),
        (0.40, 3.5, "MODERATE"),
        (0.3999, 3.5, "HOLD"),
        (0.35, 3.5, "HOLD"),
        (0.3499, 3.0, "NORMALIZE"),
        (0.3499, 2.9999, "HOLD"),
        (0.0, 9.0, "NORMALIZE"),
        (None, 9.0, None),
        (0.1, None, None),
        (0.7, None, "AGGRESSIVE"),
    ],
)
def test_the_zone_follows_risk_and_net_edge(risk, net, zone):
    assert zone_of(figures(risk_ratio=risk, net_bps=net)) == zone


@pytest.mark.spec("07-8.2/1", "07-8.2/2", "07-8.2/3", "07-8.2/5", "07-8.2/6", "07-8.2/7")
@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        ({}, {}),
        (
            {"risk_ratio": 0.6},
            {"min_interval_ms": 5, "impact_cap_ratio": -0.01, "tail_age_ms": 30},
        ),
        ({"risk_ratio": 0.4}, {"min_interval_ms": 5}),
        (
            {"neg_edge_drivers": ("slippage_bps",)},
            {"base_spread_bps_delta": 0.02, "tail_age_ms": 50},
        ),
        (
            {"neg_edge_drivers": ("adverse_bps",)},
            {"impact_cap_ratio": -0.02, "max_delta_ratio": -0.02},
        ),
        ({"neg_edge_drivers": ("fees_eff_bps", "inventory_bps")}, {}),
        ({"min_interval_ratio": 0.4}, {}),
        ({"min_interval_ratio": 0.4001}, {"min_interval_ms": 20}),
        ({"concurrency_ratio": 0.3}, {}),
        ({"concurrency_ratio": 0.3001}, {"replace_rate_per_min": -30}),
        ({"adverse_bps_p95": 3.5}, {}),
        ({"adverse_bps_p95": 3.5001}, {"impact_cap_ratio": -0.01, "max_delta_ratio": -0.01}),
        ({"slippage_bps_p95": 2.5}, {}),
        ({"slippage_bps_p95": 2.5001}, {"base_spread_bps_delta": 0.02, "tail_age_ms": 30}),
        ({"cancel_ratio": 0.55}, {}),
        ({"cancel_ratio": 0.5501}, {"min_interval_ms": 20, "replace_rate_per_min": -30}),
        ({"ws_lag_p95_ms": 120}, {}),
        ({"ws_lag_p95_ms": 120.1}, {"min_interval_ms": 20}),
        ({"net_bps": 2.5}, {}),
        ({"net_bps": 2.4999}, {"base_spread_bps_delta": 0.02}),
        ({"order_age_p95_ms": 330}, {}),
        ({"order_age_p95_ms": 330.1}, {"min_interval_ms": -10, "replace_rate_per_min": 30}),
        ({"order_age_p95_ms": 400, "risk_ratio": None}, {}),
        # Above its trigger, age is no reason to loosen: the tail of adverse selection is.
        (
            {"order_age_p95_ms": 400, "adverse_bps_p95": 4.0001},
            {
                "impact_cap_ratio": -0.01,
                "max_delta_ratio": -0.01,
                "base_spread_bps_delta": 0.05,
            },
        ),
    ],
)
def test_each_rule_moves_what_its_row_says(measured, expected):
    assert moves(**measured) == expected


@pytest.mark.spec("07-8.2/8", "07-8.2/9")
def test_a_driver_of_the_edge_replaces_the_rule_on_its_tail():
    both = {"neg_edge_drivers": ("slippage_bps",), "slippage_bps_p95": 2.9}
    assert moves(**both) == {"base_spread_bps_delta": 0.02, "tail_age_ms": 50}
    adverse = {"neg_edge_drivers": ("adverse_bps",), "adverse_bps_p95": 3.9}
    assert moves(**adverse) == {"impact_cap_ratio": -0.02, "max_delta_ratio": -0.02}


@pytest.mark.spec("07-8.2/4")
def test_normalize_loosens_and_returns_the_other_four_towards_the_start():
    calm = figures(risk_ratio=0.2, net_bps=3.0)
    moved = {
        "min_interval_ms": 90,
        "impact_cap_ratio": 0.08,
        "base_spread_bps_delta": 0.2,
        "tail_age_ms": 700,
        "replace_rate_per_min": 200,
        "max_delta_ratio": 0.12,
    }
    assert decided(figures=calm, values=moved).deltas == {
        "min_interval_ms": -3,
        "impact_cap_ratio": 0.005,
        "base_spread_bps_delta": -0.005,
        "tail_age_ms": -10,
        "replace_rate_per_min": 5,
        "max_delta_ratio": 0.002,
    }
    near = {
        "base_spread_bps_delta": 0.142,
        "tail_age_ms": 653,
        "replace_rate_per_min": 258,
        "max_delta_ratio": 0.139,
    }
    assert decided(figures=calm, values=near).deltas == {
        "min_interval_ms": -3,
        "impact_cap_ratio": 0.005,
        "base_spread_bps_delta": -0.002,
        "tail_age_ms": -3,
        "replace_rate_per_min": 2,
        "max_delta_ratio": 0.001,
    }


@pytest.mark.spec("07-8.2/4")
def test_normalize_leaves_a_value_on_the_loose_side_of_the_start_alone():
    loose = {"base_spread_bps_delta": 0.05, "tail_age_ms": 500, "replace_rate_per_min": 300}
    decision = decided(figures=figures(risk_ratio=0.2), values=loose)
    assert not set(loose) & set(decision.deltas)
    assert not [c for c in decision.changes if c.field in loose]


@pytest.mark.spec("07-8.1")
def test_a_cap_never_pulls_a_value_back():
    beyond = {"min_interval_ms": 130, "impact_cap_ratio": 0.05}
    made = draft(figures=figures(risk_ratio=0.7), values=beyond)
    assert made.running["min_interval_ms"] == 130
    assert made.running["impact_cap_ratio"] == 0.05
    assert ("min_interval_ms", "bound") in refused(made.changes)


@pytest.mark.spec("07-8.1")
def test_a_third_change_of_a_field_is_refused():
    busy = figures(risk_ratio=0.45, cancel_ratio=0.6, min_interval_ratio=0.5, ws_lag_p95_ms=130)
    wide = dict.fromkeys(SETTINGS.velocity, 1e9)
    settings = SETTINGS.__class__(velocity=wide)
    made = draft(figures=busy, settings=settings, values={"min_interval_ms": 60})
    assert made.running["min_interval_ms"] == 85
    assert refused(made.changes).count(("min_interval_ms", "max_changes")) == 2


@pytest.mark.spec("07-9.5", "07-D15")
def test_velocity_refuses_single_steps_so_the_first_one_is_kept():
    measured = figures(cancel_ratio=0.6, ws_lag_p95_ms=130)
    made = draft(figures=measured)
    assert made.running["min_interval_ms"] == 90
    assert ("min_interval_ms", "velocity") in refused(made.changes)


@pytest.mark.spec("07-8.2")
def test_calming_wins_over_an_earlier_loosening_step():
    """NORMALIZE would add 0.005 to the impact cap; the adverse driver lowers it from the start."""
    measured = figures(risk_ratio=0.2, neg_edge_drivers=("adverse_bps",))
    made = draft(figures=measured)
    assert made.running["impact_cap_ratio"] == 0.07
    undone = [c for c in made.changes if c.reason == "calming_wins"]
    assert [(c.rule, c.field) for c in undone] == [("ZONE:NORMALIZE", "impact_cap_ratio")]


@pytest.mark.spec("07-8.2", "07-D7")
def test_age_relief_never_undoes_a_calming_step():
    measured = figures(order_age_p95_ms=400, min_interval_ratio=0.5)
    made = draft(figures=measured)
    assert made.running["min_interval_ms"] == 90
    assert ("min_interval_ms", "calming_wins") in refused(made.changes)
    assert made.running["replace_rate_per_min"] == 290


@pytest.mark.spec("07-8.3")
def test_fallback_applies_its_package_once_and_ignores_the_rules():
    state = TuningState(run_id="r", neg_streak=2)
    loose = {
        "min_interval_ms": 60,
        "impact_cap_ratio": 0.06,
        "tail_age_ms": 600,
        "replace_rate_per_min": 300,
    }
    decision = decided(state=state, figures=figures(net_bps=-1.0, risk_ratio=0.7), values=loose)
    assert decision.mode is Mode.FALLBACK
    assert decision.fail_count == 0
    assert decision.deltas == {
        "min_interval_ms": 20,
        "replace_rate_per_min": -60,
        "base_spread_bps_delta": 0.02,
        "impact_cap_ratio": 0.02,
        "tail_age_ms": 100,
    }
    assert decision.applied_deltas == decision.deltas


@pytest.mark.spec("07-8/2")
@pytest.mark.parametrize(
    ("streak", "last", "mode"),
    [
        (1, None, Mode.REGULAR),
        (2, None, Mode.FALLBACK),
        (2, 4, Mode.REGULAR),
        (2, 3, Mode.FALLBACK),
    ],
)
def test_fallback_needs_two_negative_iterations_and_never_follows_itself(streak, last, mode):
    state = TuningState(run_id="r", neg_streak=streak, fallback_applied_at_iter=last)
    assert decided(state=state).mode is mode


@pytest.mark.spec("07-8.4", "07-8/4")
def test_three_failing_triggers_leave_only_the_package():
    bad = figures(
        cancel_ratio=0.6, adverse_bps_p95=4.5, ws_lag_p95_ms=130, neg_edge_drivers=("adverse_bps",)
    )
    decision = decided(figures=bad)
    assert decision.mode is Mode.MULTI_FAIL
    assert decision.fail_count == 3
    assert decision.deltas == {
        "base_spread_bps_delta": 0.05,
        "min_interval_ms": 20,
        "replace_rate_per_min": -30,
    }


@pytest.mark.spec("07-8/1", "07-9.6")
def test_panic_goes_before_fallback_and_takes_the_calmer_values():
    state = TuningState(run_id="r", kpi_fail_streak=3, neg_streak=4)
    decision = decided(state=state, values={"min_interval_ms": 100, "tail_age_ms": 650})
    assert decision.mode is Mode.PANIC
    assert decision.panic_profile == "steady_safe"
    assert decision.after == {
        "min_interval_ms": 100,
        "replace_rate_per_min": 260,
        "base_spread_bps_delta": 0.16,
        "impact_cap_ratio": 0.08,
        "max_delta_ratio": 0.12,
        "tail_age_ms": 740,
    }


@pytest.mark.spec("07-9.6", "07-D18")
def test_panic_goes_on_to_ultra_safe_when_steady_safe_is_in_force_already():
    state = TuningState(run_id="r", kpi_fail_streak=3)
    safe = dict(SETTINGS.steady_safe)
    decision = decided(state=state, values=safe)
    assert decision.panic_profile == "ultra_safe"
    assert decision.deltas == {"min_interval_ms": 5, "replace_rate_per_min": -20}
    assert decision.after["tail_age_ms"] == 740


@pytest.mark.spec("07-9.6")
def test_panic_that_changes_nothing_is_no_op():
    state = TuningState(run_id="r", kpi_fail_streak=3)
    calm = panic_values(SETTINGS.steady_safe, SETTINGS.ultra_safe)
    decision = decided(state=state, values=calm)
    assert (decision.mode, decision.skipped_reason) == (Mode.PANIC, "no_op")


@pytest.mark.spec("07-9.1/0")
@pytest.mark.parametrize("reason", ["no_report", "low_sample", "incomplete"])
def test_nothing_is_proposed_without_a_usable_window(reason):
    state = TuningState(run_id="r", kpi_fail_streak=3)
    decision = decide(given(state=state, unusable=reason))
    assert (decision.mode, decision.skipped_reason) == (Mode.NONE, reason)
    assert decision.deltas == {}
    assert decide(given(auto_tune=False, unusable=reason)).skipped_reason == "disabled"


@pytest.mark.spec("07-8.2")
def test_no_metric_at_all_moves_nothing():
    blank = figures(**{name: None for name in figures().__slots__ if name != "neg_edge_drivers"})
    decision = decided(figures=blank)
    assert decision.deltas == {}
    assert decision.skipped_reason == "no_deltas"


def test_rules_and_zones_name_known_parameters():
    steps = [s for rule in RULES for s in rule.steps] + [s for z in ZONES.values() for s in z]
    assert len(steps) > 20
    assert {step.field for step in steps} <= set(DEFAULTS)


@pytest.mark.spec("07-8/3")
def test_zone_drivers_triggers_and_age_relief_each_start_from_what_was_left():
    decision = decided(
        figures=figures(
            risk_ratio=0.65,
            net_bps=-1.0,
            neg_edge_drivers=("slippage_bps", "adverse_bps"),
            ws_lag_p95_ms=130.0,
        )
    )
    taken = [c for c in decision.changes if c.accepted]
    order = [c.rule for c in taken]
    ranked = ["ZONE:AGGRESSIVE", "DRIVER:slippage_bps", "DRIVER:adverse_bps", "TRIGGER:ws_lag"]
    assert list(dict.fromkeys(order)) == ranked
    for name in {c.field for c in taken}:
        steps = [c for c in taken if c.field == name]
        assert all(a.after == b.before for a, b in itertools.pairwise(steps))
        assert steps[0].before == DEFAULTS[name]
