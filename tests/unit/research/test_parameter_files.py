"""Calibration and parameter files."""

import json

import pytest

from mmbot.errors import ConfigError
from mmbot.research.calibration import load_calibration, parse_calibration
from mmbot.research.grid import load_grid
from mmbot.research.param_file import load_parameters, parse_parameters


def test_missing_parameters_are_zero():
    assert set(load_calibration(None).values()) == {0.0}
    assert parse_calibration({"toxic_sweep_prob": 1}, "x")["toxic_sweep_prob"] == 1.0


def test_a_calibrated_queue_exponent_is_kept_beside_the_six():
    parsed = parse_calibration({"queue_power_n": 3}, "x")
    assert parsed["queue_power_n"] == 3.0
    assert len(parsed) == 7


@pytest.mark.parametrize(
    ("values", "code", "key"),
    [
        ({"latency": 1}, "E_CALIB_KEY", "latency"),
        ({"latency_ms_mean": -1}, "E_CALIB_RANGE", "latency_ms_mean"),
        ({"latency_ms_std": 10_001}, "E_CALIB_RANGE", "latency_ms_std"),
        ({"toxic_sweep_prob": 1.01}, "E_CALIB_RANGE", "toxic_sweep_prob"),
        ({"extra_slippage_bps": True}, "E_CALIB_RANGE", "extra_slippage_bps"),
        ({"cancel_latency_ms": "5"}, "E_CALIB_RANGE", "cancel_latency_ms"),
        ({"amend_latency_ms": float("nan")}, "E_CALIB_RANGE", "amend_latency_ms"),
        ({"queue_power_n": 0}, "E_CALIB_RANGE", "queue_power_n"),
    ],
)
def test_bad_calibration_is_refused(values, code, key):
    with pytest.raises(ConfigError) as caught:
        parse_calibration(values, "file.json")
    assert (caught.value.code, caught.value.key) == (code, key)
    assert "file.json" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "code"), [("", "E_CFG_PARSE"), ("[1]", "E_CFG_PARSE"), (None, "E_CFG_MISSING")]
)
def test_unreadable_files_are_refused(tmp_path, content, code):
    path = tmp_path / "calibration.json"
    if content is not None:
        path.write_text(content)
    for load in (load_calibration, load_parameters):
        with pytest.raises(ConfigError) as caught:
            load(path)
        assert caught.value.code == code


def test_a_plain_map_sets_keys_parameters_and_strategy_names():
    parsed = parse_parameters(
        {
            "trading.base_spread_bps": 2.5,
            "min_interval_ms": 80,
            "k_vola_spread": 1,
            "post_only": True,
        },
        "x",
    )
    assert parsed.sets == (
        "trading.base_spread_bps=2.5",
        "min_interval_ms=80",
        "strategy.k_vola_spread=1",
        "strategy.post_only=true",
    )
    assert parsed.simulator == {}


def test_a_champion_gives_its_parameters_and_nothing_of_its_metrics(tmp_path):
    path = tmp_path / "champion.json"
    champion = {"champion_params": {"skew_coeff": 0.4}, "champion_metrics": {"net_bps": 3}}
    path.write_text(json.dumps(champion))
    assert load_parameters(path).sets == ("strategy.skew_coeff=0.4",)


def test_a_calibration_shaped_file_sets_the_simulator():
    parsed = parse_parameters({"latency_ms_mean": 12, "skew_coeff": 0.4}, "x")
    assert parsed.simulator == {"latency_ms_mean": 12.0}
    assert parsed.sets == ("strategy.skew_coeff=0.4",)
    with pytest.raises(ConfigError, match="E_CALIB_RANGE"):
        parse_parameters({"latency_ms_mean": -12}, "x")


def test_a_nested_value_is_refused():
    with pytest.raises(ConfigError, match="E_CFG_TYPE"):
        parse_parameters({"strategy": {"skew_coeff": 0.4}}, "x")


def test_a_grid_is_the_product_of_its_lists(tmp_path):
    path = tmp_path / "grid.yaml"
    path.write_text("strategy.skew_coeff: [0.1, 0.2]\nmin_interval_ms: [60, 80, 100]\n")
    points = load_grid(path)
    assert len(points) == 6
    assert points[0] == {"strategy.skew_coeff": 0.1, "min_interval_ms": 60}
    assert points[-1] == {"strategy.skew_coeff": 0.2, "min_interval_ms": 100}


@pytest.mark.parametrize("text", ["", "a.b: 5\n", "a.b: []\n"])
def test_a_grid_without_values_is_refused(tmp_path, text):
    path = tmp_path / "grid.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match="E_TUNE_GRID"):
        load_grid(path)


def test_a_grid_with_too_many_points_is_refused(tmp_path):
    path = tmp_path / "grid.yaml"
    values = ",".join(str(n) for n in range(400))
    path.write_text(f"a.b: [{values}]\nc.d: [{values}]\n")
    with pytest.raises(ConfigError, match="160000 points"):
        load_grid(path)
