"""What Prometheus is told of a run that goes on."""

import pytest

from mmbot.soak.exporter import Exported, Found, exporter_text


def summary(iteration, *, mode="regular", applied=True, rules=(), net=1.25):
    changes = [{"rule": rule, "field": "f", "accepted": taken} for rule, taken in rules]
    return {
        "iteration": iteration,
        "summary": {"net_bps": net, "risk_ratio": 0.4},
        "tuning": {"mode": mode, "applied": applied, "changes": changes},
    }


def values(text):
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return dict(line.rsplit(" ", 1) for line in lines)


@pytest.mark.spec("07-18")
def test_the_newest_iteration_and_counts_of_the_run():
    d1 = "DRIVER:slippage_bps"
    summaries = [
        summary(10, net=-0.5, rules=[(d1, True), (d1, True), ("DRIVER:adverse_bps", False)]),
        summary(2, mode="fallback"),
        summary(9, mode="fallback", applied=False, rules=[(d1, True)]),
    ]
    found = values(exporter_text(Found(summaries=summaries, size_mb=1.5), {}))
    assert found["soak_iteration"] == "10"
    assert found["soak_net_bps"] == "-0.5"
    assert found["soak_risk_ratio"] == "0.4"
    assert found["soak_exporter_up"] == "1"
    assert found["soak_artifacts_size_mb"] == "1.5"
    assert found["soak_fallback_applied_total"] == "1"
    assert found['soak_driver_adjustments_total{driver="slippage_bps"}'] == "2"
    assert found['soak_driver_adjustments_total{driver="adverse_bps"}'] == "0"


@pytest.mark.spec("07-18")
def test_without_an_iteration_its_gauges_are_absent():
    found = values(exporter_text(None, {}))
    assert found["soak_exporter_up"] == "0"
    assert "soak_net_bps" not in found
    assert "soak_iteration" not in found


@pytest.mark.spec("07-18")
def test_a_directory_that_is_being_rotated_keeps_the_last_values():
    exported = Exported()
    exported.take(Found(summaries=[summary(3)], size_mb=2.0))
    exported.take(Found(summaries=[], size_mb=1.0))
    found = values(exported.text())
    assert found["soak_iteration"] == "3"
    assert found["soak_artifacts_size_mb"] == "1"


def test_a_stop_counts_once_however_often_it_is_seen():
    exported = Exported()
    for stamp in ("a", "a", "b"):
        stop = {"DRIFT_STOP": {"ts": stamp, "reason": "DRIFT_EDGE"}}
        exported.take(Found(summaries=[], size_mb=0.0, stops=stop))
    found = values(exported.text())
    assert found["drift_guard_stops_total"] == "2"
    assert found["reg_guard_stops_total"] == "0"


def test_regions_are_told_when_they_were_compared():
    regions = {
        "regions": {"a": {"net_bps": 1.0, "order_age_p95_ms": 300}, "b": {"net_bps": None}},
        "winner": {"region": "a", "window": "00:00-08:00"},
    }
    found = values(exporter_text(Found(summaries=[], size_mb=0.0, regions=regions), {}))
    assert found['region_winner{region="a"}'] == "1"
    assert found['region_winner{region="b"}'] == "0"
    assert found['region_net_bps{region="a"}'] == "1"
    assert 'region_net_bps{region="b"}' not in found
