"""The scripted generator follows its table, draw by draw."""

import random
from typing import Any

import pytest

from mmbot.soak.measurement import figures_of
from mmbot.soak.mock import MockSource, mock_totals, scenario_totals
from mmbot.soak.source import EngineParameters, WindowRequest, parameters_digest

REQUEST: dict[str, Any] = {"seconds": 300.0, "parameters": EngineParameters({})}


@pytest.mark.spec("07-13/1", "07-13/4")
def test_the_first_two_iterations_are_scripted():
    first, _ = mock_totals(1, 42)
    second, _ = mock_totals(2, 42)
    assert (first["net_bps"], second["net_bps"]) == (-1.5, -0.8)
    assert first["block_reasons"]["risk"]["ratio"] == pytest.approx(5 / 30)
    assert second["block_reasons"]["risk"]["ratio"] == pytest.approx(13 / 20)
    assert [first["block_reasons"][r]["count"] for r in ("min_interval", "concurrency")] == [15, 10]
    assert first["neg_edge_drivers"] == ["slippage_bps", "adverse_bps"]
    assert second["neg_edge_drivers"] == ["slippage_bps", "fees_eff_bps"]
    assert first["gross_bps"] == pytest.approx(-1.5 + 2.0 + 0.5 + 3.5 + 2.5)


@pytest.mark.spec("07-13", "07-D23")
@pytest.mark.parametrize("iteration", [3, 4, 5, 9, 17, 40])
def test_later_iterations_draw_in_the_documented_order(iteration):
    k = iteration - 1
    rng = random.Random(42 + k)
    regime = rng.choice(["calm", "calm", "volatile", "spike"])
    net, risk, adverse, slippage = {
        "calm": lambda: (
            3.0 + rng.uniform(-0.2, 0.2),
            0.25 + rng.uniform(0, 0.05),
            1.5 + rng.uniform(0, 0.5),
            1.0 + rng.uniform(0, 0.3),
        ),
        "volatile": lambda: (
            2.5 + rng.uniform(-0.5, 0.5),
            0.45 + rng.uniform(0, 0.15),
            3.0 + rng.uniform(0, 1.0),
            2.2 + rng.uniform(0, 0.8),
        ),
        "spike": lambda: (
            1.8 + rng.uniform(-1.0, 0.5),
            0.70 + rng.uniform(0, 0.15),
            5.5 + rng.uniform(0, 2.0),
            4.0 + rng.uniform(0, 1.5),
        ),
    }[regime]()
    age, lag = 350 + rng.randint(-30, 30), min(110, 95 + 5 * k) + rng.randint(-10, 10)
    totals, drawn_regime = mock_totals(iteration, 42)
    found = figures_of(totals)
    assert drawn_regime == regime
    assert found.net_bps == net
    assert found.risk_ratio == pytest.approx(risk, abs=1e-6)
    assert (found.adverse_bps_p95, found.slippage_bps_p95) == (adverse, slippage)
    assert (found.order_age_p95_ms, found.ws_lag_p95_ms) == (age, lag)
    assert (found.adverse_bps, found.slippage_bps) == (adverse / 2, slippage / 2)
    assert found.cancel_ratio == pytest.approx(max(0.05, 0.60 - 0.05 * k))
    assert found.maker_share_pct == min(99.0, 90 + 0.5 * k)
    assert found.p95_latency_ms == max(180, 320 - 5 * k)
    assert (found.fills, found.tick_latency_p95_ms, found.hit_ratio) == (1000, 142.5, 0.78)


@pytest.mark.spec("07-13")
def test_a_spike_is_announced_and_windows_follow_each_other():
    lines: list[str] = []
    source = MockSource(seed=42, start_ns=0, say=lines.append)
    windows = [source.trade(WindowRequest(iteration=i, **REQUEST)) for i in (1, 2, 3)]
    assert [w.to_ns - w.from_ns for w in windows] == [300 * 10**9] * 3
    assert windows[0].to_ns == windows[1].from_ns
    assert lines == ["| mock | SPIKE_REGIME | iter=3 risk=80.5% |"]
    parameters = EngineParameters({"tail_age_ms": 650})
    assert source.apply(parameters) == parameters_digest(parameters)


@pytest.mark.spec("07-13")
def test_a_scenario_replaces_the_table_and_its_last_object_repeats():
    source = MockSource(seed=1, start_ns=0, scenario=[{"net_bps": -2.0}, {"risk_ratio": 0.7}])
    nets = []
    for i in (1, 2, 5):
        report = source.trade(WindowRequest(iteration=i, **REQUEST)).report
        assert report is not None
        found = figures_of(report["totals"])
        nets.append((found.net_bps, round(found.risk_ratio or 0, 6)))
    assert nets == [(-2.0, 0.27), (3.0, 0.7), (3.0, 0.7)]
    assert scenario_totals({"net_bps": -2.0}, 1)["neg_edge_drivers"] == [
        "fees_eff_bps",
        "adverse_bps",
    ]
