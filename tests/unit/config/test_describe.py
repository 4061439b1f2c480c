"""The textual forms of a configuration, and what the core takes of it."""

import pytest

from mmbot.config import (
    AppConfig,
    ConfigRequest,
    cfg_hash,
    describe,
    difference,
    format_value,
    lane_params,
    load_config,
)


def with_sets(*sets):
    return load_config(ConfigRequest(sets=sets, env={}, path=None)).config


@pytest.fixture(autouse=True)
def _nowhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.spec("01-3.3")
def test_describe_is_sorted_ascii_and_ends_with_a_line_feed():
    text = describe(AppConfig())
    lines = text.splitlines()
    assert lines == sorted(lines, key=lambda line: line.split("=")[0].encode())
    assert text.endswith("\n")
    assert text.isascii()


@pytest.mark.spec("01-3.3")
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.5, "1.500000"),
        (3, "3"),
        (True, "true"),
        (None, "null"),
        ((1.0, "a"), "1.000000,a"),
        ((), ""),
        ("caf\u00e9", "caf\\u00e9"),
    ],
)
def test_values_have_one_form(value, text):
    assert format_value(value) == text


@pytest.mark.spec("01-3.3")
def test_secrets_are_not_described():
    overlay = AppConfig.model_validate({"rollout": {"blue": {"x.api_key": "abcdef"}}})
    assert "abcdef" not in describe(overlay)
    assert cfg_hash(overlay) == cfg_hash(with_sets())


@pytest.mark.spec("01-3.3")
def test_the_hash_follows_values_and_nothing_else():
    assert cfg_hash(AppConfig()) == cfg_hash(with_sets())
    assert cfg_hash(AppConfig()) == cfg_hash(with_sets("strategy.skew_coeff=0.3"))
    assert cfg_hash(AppConfig()) != cfg_hash(with_sets("strategy.skew_coeff=0.30000001"))
    assert len(cfg_hash(AppConfig())) == 64


@pytest.mark.spec("09-1/6")
def test_difference_names_both_values():
    assert difference(AppConfig(), with_sets("strategy.skew_coeff=0.4")) == [
        ("strategy.skew_coeff", "0.300000", "0.400000")
    ]
    assert difference(AppConfig(), AppConfig()) == []


def test_lane_parameters_are_flat_and_hold_the_target():
    lane = lane_params(AppConfig(), "BTCUSDT")
    assert lane["strategy.k_vola_spread"] == 1.0
    assert lane["latency_boost.replace.min_interval_ms"] == 60
    assert lane["portfolio.target_usd"] == 10_000.0
    assert all(isinstance(value, bool | int | float) for value in lane.values())


def test_the_budget_is_shared():
    two = with_sets("trading.symbols=[BTCUSDT,ETHUSDT]")
    assert lane_params(two, "ETHUSDT")["portfolio.target_usd"] == 5000.0
    manual = with_sets(
        "trading.symbols=[BTCUSDT,ETHUSDT]",
        "portfolio.mode=manual",
        "portfolio.manual_weights={btcusdt: 3, ethusdt: 1}",
    )
    assert lane_params(manual, "BTCUSDT")["portfolio.target_usd"] == 7500.0
