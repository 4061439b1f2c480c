"""The soft gate and its streaks."""

from dataclasses import replace

import pytest
from tests.unit.soak.made import figures

from mmbot.soak.kpi import SOFT_LIMITS, counted, is_stable, soft_gate
from mmbot.soak.models import Phase
from mmbot.soak.state import TuningState

STATE = TuningState(run_id="r", neg_streak=1, kpi_fail_streak=2, stable_streak=1)


def judged(phase=Phase.STEADY, *, low=False, **more):
    return soft_gate(figures(**more), phase=phase, low_sample=low)


@pytest.mark.spec("07-6/1")
@pytest.mark.parametrize(
    ("measured", "verdict", "reasons"),
    [
        ({}, "PASS", ()),
        ({"risk_ratio": 0.50}, "WARN", ("risk_ratio",)),
        ({"risk_ratio": 0.5001}, "FAIL", ("risk_ratio",)),
        ({"net_bps": 2.0}, "PASS", ()),
        ({"net_bps": 1.9999}, "FAIL", ("net_bps",)),
        ({"risk_ratio": 0.40}, "PASS", ()),
        ({"risk_ratio": 0.4001}, "WARN", ("risk_ratio",)),
        ({"adverse_bps_p95": 3.0}, "PASS", ()),
        ({"adverse_bps_p95": 3.0001}, "WARN", ("adverse_bps_p95",)),
        ({"risk_ratio": 0.6, "net_bps": 1.0}, "FAIL", ("risk_ratio", "net_bps")),
        ({"risk_ratio": None}, "UNKNOWN", ("missing_metric",)),
    ],
)
def test_the_soft_gate_at_its_limits(measured, verdict, reasons):
    found = judged(**measured)
    assert (found.verdict, found.reasons) == (verdict, reasons)


@pytest.mark.spec("07-6/1")
def test_limits_of_the_configuration_replace_those_of_the_gate():
    limits = {**SOFT_LIMITS, "net_bps_fail": -1.0, "risk_ratio_fail": 0.9, "risk_ratio_warn": 0.8}
    losing = figures(net_bps=-0.99, risk_ratio=0.7)
    assert judged(net_bps=-0.99).verdict == "FAIL"
    assert soft_gate(losing, phase=Phase.STEADY, low_sample=False, limits=limits).verdict == "PASS"
    worse = figures(net_bps=-1.01, risk_ratio=0.91)
    found = soft_gate(worse, phase=Phase.STEADY, low_sample=False, limits=limits)
    assert (found.verdict, found.reasons) == ("FAIL", ("risk_ratio", "net_bps"))


@pytest.mark.spec("07-7")
def test_a_failure_during_warm_up_is_a_warning_and_leaves_the_streak():
    found = judged(Phase.WARMUP, net_bps=-1.0)
    assert found.verdict == "WARN"
    after = counted(STATE, figures(net_bps=-1.0), found, low_sample=False)
    assert after.kpi_fail_streak == 2
    assert after.neg_streak == 2


@pytest.mark.spec("07-5.1")
def test_a_low_sample_warns_at_most_and_changes_no_streak():
    found = judged(low=True, net_bps=-9.0)
    assert (found.verdict, found.reasons[0]) == ("WARN", "low_sample")
    after = counted(STATE, figures(net_bps=-9.0), found, low_sample=True)
    assert after == replace(STATE, stable_streak=0)


@pytest.mark.spec("07-5", "07-6")
def test_a_missing_report_is_unknown_and_changes_no_streak():
    found = soft_gate(None, phase=Phase.STEADY, low_sample=False)
    assert found.verdict == "UNKNOWN"
    after = counted(STATE, None, found, low_sample=False)
    assert after == replace(STATE, stable_streak=0)


@pytest.mark.spec("07-6")
@pytest.mark.parametrize(
    ("measured", "fails", "negative"),
    [
        ({}, 0, 0),
        ({"risk_ratio": 0.45}, 0, 0),
        ({"net_bps": 0.0}, 3, 0),
        ({"net_bps": -0.01}, 3, 2),
        ({"risk_ratio": 0.9}, 3, 0),
    ],
)
def test_streaks_count_consecutive_iterations(measured, fails, negative):
    made = figures(**measured)
    found = soft_gate(made, phase=Phase.STEADY, low_sample=False)
    after = counted(STATE, made, found, low_sample=False)
    assert (after.kpi_fail_streak, after.neg_streak) == (fails, negative)


@pytest.mark.spec("07-9.3")
@pytest.mark.parametrize(
    ("risk", "net", "stable"),
    [(0.35, 2.7, True), (0.3501, 2.7, False), (0.35, 2.6999, False), (None, 3.0, False)],
)
def test_a_window_is_stable_up_to_its_limits(risk, net, stable):
    assert is_stable(figures(risk_ratio=risk, net_bps=net), low_sample=False) is stable
    assert not is_stable(figures(risk_ratio=risk, net_bps=net), low_sample=True)
