"""The parameters of a session for the core: complete, plain, joined up."""

import json

import pytest

from mmbot.config import AppConfig, ConfigRequest, lane_params, load_config, session_params
from mmbot.config.schema import all_keys

WHOLE = ("throttle", "circuit", "autopolicy", "runtime_guard", "guards", "shadow")
STOP = "guards.intraday_caps.daily_pnl_stop"


def test_every_key_of_the_sections_is_there():
    params = session_params(AppConfig(), ["BTCUSDT"])
    wanted = {key for key in all_keys() if key.split(".")[0] in WHOLE} - {STOP}
    wanted |= {f"{STOP}_usd", "limits.max_create_per_sec", "limits.max_cancel_per_sec"}
    wanted |= {key for key in all_keys() if key.startswith(("risk.grades.", "portfolio.cost."))}
    assert len(wanted - {"portfolio.cost.per_symbol"}) > 70
    assert wanted - {"portfolio.cost.per_symbol"} <= set(params)
    plain = json.loads(json.dumps(params))
    assert sorted(plain) == sorted(params)


@pytest.mark.spec("01-D18")
def test_the_loss_stop_is_in_usd(project):
    sets = (f"{STOP}=180", "trading.base_ccy=EUR", "trading.fx_usd_to_base=0.9")
    config = load_config(ConfigRequest(env={}, sets=sets)).config
    assert session_params(config, ["BTCUSDT"])[f"{STOP}_usd"] == 200.0


def test_the_mux_has_a_weight_for_each_strategy_in_their_order(project):
    sets = (
        "mux.strategies={Calm: {spread_mult: 2.0, size_mult: 0.5}}",
        "mux.profiles={low: {Conservative: 0.0, Moderate: 0.0, Aggressive: 0.0, Calm: 1.0}}",
        "mux.weight_caps={Calm: 0.9}",
    )
    params = session_params(load_config(ConfigRequest(env={}, sets=sets)).config, ["BTCUSDT"])
    strategies = params["mux.strategies"]
    assert isinstance(strategies, list)
    assert [item["name"] for item in strategies] == [
        "Conservative",
        "Moderate",
        "Aggressive",
        "Calm",
    ]
    assert [item["weight_cap"] for item in strategies] == [None, None, 0.35, 0.9]
    bands = params["mux.bands"]
    assert isinstance(bands, list)
    assert bands[0] == {"name": "low", "lower": 0.0, "upper": 0.8, "weights": [0.0, 0.0, 0.0, 1.0]}
    assert bands[1]["weights"] == [0.40, 0.50, 0.10, 0.0]


def test_mappings_by_symbol_hold_the_sessions_symbols_and_what_is_set(project):
    sets = (
        "runtime_guard.per_symbol={BTCUSDT: {ws_lag_ms_max: 9}, ETHUSDT: {ws_lag_ms_max: 8}}",
        "portfolio.cost.per_symbol={BTCUSDT: {fee_bps: 2}}",
        "rollout.pinned_cids_green=[b, a]",
    )
    config = load_config(ConfigRequest(env={}, sets=sets)).config
    params = session_params(config, ["BTCUSDT", "SOLUSDT"])
    assert params["runtime_guard.per_symbol"] == {"BTCUSDT": {"ws_lag_ms_max": 9.0}}
    assert params["portfolio.cost.per_symbol.BTCUSDT.fee_bps"] == 2.0
    assert params["rollout.pinned_cids_green"] == ["a", "b"]


def test_grades_belong_to_the_session_and_not_to_a_lane():
    assert not [key for key in lane_params(AppConfig(), "BTCUSDT") if "grades" in key]
