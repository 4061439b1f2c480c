"""The strict gate and the gates at the end of a run."""

import pytest

from mmbot.soak.last8 import last8_gate
from mmbot.soak.run_gates import run_gates, run_metrics

GOOD = {"maker_taker_ratio": 0.9, "net_bps": 3.0, "p95_latency_ms": 300.0, "risk_ratio": 0.3}


def run(changes=None, count=8, partial=()):
    return [
        {
            "iteration": i,
            "partial": i in partial,
            "window": {"seconds": 3600.0},
            "summary": {**GOOD, **(changes or {}).get(i, {})},
        }
        for i in range(1, count + 1)
    ]


@pytest.mark.spec("07-6/4", "07-D26")
@pytest.mark.parametrize(
    ("changes", "failures"),
    [
        ({}, ()),
        # One bad window of eight moves no median, but the maximum of the latency.
        ({8: {"net_bps": -9.0, "risk_ratio": 1.0, "maker_taker_ratio": 0.0}}, ()),
        ({3: {"p95_latency_ms": 330.0}}, ()),
        ({3: {"p95_latency_ms": 330.1}}, ("p95_latency_ms",)),
        ({i: {"net_bps": 2.9} for i in range(1, 9)}, ()),
        ({i: {"net_bps": 2.89} for i in range(1, 9)}, ("net_bps",)),
        ({i: {"risk_ratio": 0.41} for i in range(1, 9)}, ("risk_ratio",)),
        ({i: {"maker_taker_ratio": 0.82} for i in range(1, 9)}, ("maker_taker_ratio",)),
        ({5: {"risk_ratio": None}}, ("risk_ratio",)),
    ],
)
def test_medians_and_the_maximum_of_the_last_eight(changes, failures):
    found = last8_gate(run(changes))
    assert found.failures == failures
    assert found.line == f"READINESS: {'HOLD' if failures else 'OK'}"


@pytest.mark.spec("07-6/4")
def test_fewer_than_eight_complete_iterations_hold():
    assert last8_gate(run(count=7)).failures == ("iterations",)
    assert last8_gate(run(count=8, partial={8})).failures == ("iterations",)
    assert last8_gate(run(count=9, partial={9})).ready
    assert not last8_gate([]).ready


@pytest.mark.spec("07-6/3")
@pytest.mark.parametrize(
    ("metrics", "failed"),
    [
        ({"tick_latency_p95_ms": 150.0, "hit_ratio": 0.70, "edge_bps": 2.0}, set()),
        (
            {"tick_latency_p95_ms": 150.1, "hit_ratio": 0.70, "edge_bps": 2.0},
            {"tick_latency_p95_ms"},
        ),
        ({"tick_latency_p95_ms": 10.0, "hit_ratio": 0.6999, "edge_bps": 2.0}, {"hit_ratio"}),
        ({"tick_latency_p95_ms": 10.0, "hit_ratio": 0.9, "edge_bps": 1.9999}, {"edge_bps"}),
        ({}, {"tick_latency_p95_ms", "hit_ratio", "edge_bps"}),
    ],
)
def test_run_gates_at_their_limits(metrics, failed):
    gates = run_gates(metrics)
    assert {name for name, gate in gates.items() if not gate["passed"]} == failed


@pytest.mark.spec("07-6/3")
def test_edge_of_a_run_is_that_of_its_last_day_by_turnover():
    summaries = run(count=30)
    for s in summaries:
        s["summary"] |= {"turnover_usd": 1.0, "net_bps": -100.0}
    for s in summaries[-24:]:
        s["summary"] |= {"net_bps": 1.0, "turnover_usd": 1.0}
    summaries[-1]["summary"] |= {"net_bps": 5.0, "turnover_usd": 23.0}
    assert run_metrics(summaries)["edge_bps"] == pytest.approx(3.0)
