"""Requests and answers of the admin API, without HTTP."""

import pytest

from mmbot.config import cfg_hash
from mmbot.config.admin import (
    Refusal,
    apply_profile,
    apply_reload,
    apply_rollback,
    effective_config,
)


def body(applied):
    return applied.answer.model_dump()


@pytest.mark.spec("05-3.1")
def test_the_configuration_in_force_is_readable_with_origins(project):
    run = project.start("strategy.skew_coeff=0.4")
    run.patch({"risk.max_position_usd": 6}, origin="admin", reason="x")
    found = effective_config(run)
    assert (found.version, found.cfg_hash) == (2, cfg_hash(run.config))
    assert found.values["risk.max_position_usd"] == "6.000000"
    assert found.sources["risk.max_position_usd"] == "runtime"
    assert found.sources["strategy.skew_coeff"] == "cli"
    assert found.sources["trading.symbols"] == "file"
    assert found.sources["fees.bybit.tiers.0.level"] == "default"
    assert found.values.keys() == found.sources.keys()


@pytest.mark.spec("05-3.1", "01-5")
def test_an_empty_body_reads_the_file_again(project):
    run = project.start()
    before = cfg_hash(run.config)
    assert body(apply_reload(run, {})) == {
        "ok": True,
        "applied": False,
        "status": "noop",
        "applied_changes": {},
        "cfg_hash_before": before,
        "cfg_hash_after": before,
    }
    project.write("trading: {symbols: [ETHUSDT]}\nrisk: {max_position_usd: 5}\n")
    applied = apply_reload(run, {})
    assert applied.change is not None
    assert body(applied) == {
        "ok": True,
        "applied": True,
        "status": "ok",
        "applied_changes": {
            "risk.max_position_usd": {"old": 10_000.0, "new": 5.0},
            "trading.symbols": {"old": ["BTCUSDT"], "new": ["ETHUSDT"], "needs_restart": True},
        },
        "cfg_hash_before": before,
        "cfg_hash_after": cfg_hash(run.config),
    }


@pytest.mark.spec("05-3.1")
def test_a_patch_is_applied_and_a_dry_run_only_shown(project):
    run = project.start()
    request = {"patch": {"strategy.skew_coeff": 0.5, "tail_age_ms": 700}}
    shown = apply_reload(run, request | {"dry_run": True})
    assert (shown.change, run.version) == (None, 1)
    done = apply_reload(run, request)
    assert done.change is not None
    assert body(shown) | {"applied": True} == body(done)
    assert run.config.strategy.skew_coeff == 0.5


@pytest.mark.spec("05-3.1", "01-5")
@pytest.mark.parametrize(
    ("request_body", "error"),
    [
        ({"patch": [1]}, "invalid_patch"),
        ({"patch": {}}, "invalid_patch"),
        ({"patch": "x"}, "invalid_patch"),
        ({"patch": {"strategy.nope": 1}}, "invalid_patch_key"),
        ({"patch": {"strategy.skew_coeff": 7}}, "E_CFG_RANGE"),
        ({"patch": {"strategy.skew_coeff": "x"}}, "E_CFG_TYPE"),
        ({"patch": {"strategy.skew_coeff": 0.1, "trading.venue": "x"}}, "E_CFG_IMMUTABLE"),
        ({"patch": {"strategy.skew_coeff": 0.1}, "symbol": "ETHUSDT"}, "invalid_symbol"),
        ({"patch": {"strategy.skew_coeff": 0.1}, "symbol": 3}, "invalid_symbol"),
        ({"patch": {"strategy.skew_coeff": 0.1}, "dry_run": "no"}, "invalid_dry_run"),
        ({"other": 1}, "invalid_other"),
    ],
)
def test_a_wrong_request_is_refused_whole(project, request_body, error):
    run = project.start()
    state = run.state
    applied = apply_reload(run, request_body)
    assert isinstance(applied.answer, Refusal)
    assert (applied.answer.status, applied.answer.error) == (400, error)
    assert applied.change is None
    assert run.state is state
    assert applied.answer.body()["error"] == error


@pytest.mark.spec("05-3.1", "01-6.1")
def test_a_bad_file_is_refused_with_its_line_and_counted(project):
    run = project.start()
    project.write("trading: {symbols: [BTCUSDT]}\nrisk: {max_position_usd: -5}\n")
    answer = apply_reload(run, {}).answer
    assert isinstance(answer, Refusal)
    assert answer.body() == {
        "error": "E_CFG_RANGE",
        "detail": "E_CFG_RANGE: risk.max_position_usd must be >= 0 (config/app.yaml:2)",
    }
    assert run.reload_total == {"ok": 0, "failed": 1}


def test_a_patch_of_one_symbol_touches_only_values_by_symbol(project):
    project.write("trading: {symbols: [BTCUSDT, ETHUSDT]}\n")
    run = project.start()
    patch = {"runtime_guard.ws_lag_ms_max": 900.0, "portfolio.cost.fee_bps_default": 2.0}
    applied = apply_reload(run, {"symbol": "ethusdt", "patch": patch})
    assert applied.change is not None
    assert applied.change.changed_keys == (
        "portfolio.cost.per_symbol",
        "runtime_guard.per_symbol",
    )
    assert run.config.runtime_guard.per_symbol["ETHUSDT"].ws_lag_ms_max == 900.0
    assert run.config.runtime_guard.ws_lag_ms_max == 3000.0
    answer = apply_reload(run, {"symbol": "ETHUSDT", "patch": {"tail_age_ms": 1}}).answer
    assert isinstance(answer, Refusal)
    assert answer.error == "E_CFG_CONFLICT"


@pytest.mark.spec("05-3.1")
def test_a_rollback_returns_to_the_baseline_or_a_version(project):
    run = project.start()
    start = cfg_hash(run.config)
    for value in (5, 6):
        run.patch({"risk.max_position_usd": value}, origin="admin", reason="x")
    before = cfg_hash(run.config)
    shown = apply_rollback(run, {"dry_run": True})
    assert (shown.change, run.config.risk.max_position_usd) == (None, 6.0)
    applied = apply_rollback(run, {})
    assert body(applied) == {
        "ok": True,
        "rolled_back": True,
        "cfg_hash_before": before,
        "cfg_hash_after": start,
    }
    assert cfg_hash(run.config) == start
    apply_rollback(run, {"version": 2})
    assert run.config.risk.max_position_usd == 5.0
    answer = apply_rollback(run, {"version": 99}).answer
    assert isinstance(answer, Refusal)
    assert answer.error == "invalid_version"


def test_a_profile_is_laid_over_the_running_configuration(project):
    run = project.start()
    applied = apply_profile(run, {"profile": "S1"})
    assert applied.change is not None
    assert run.config.trading.base_spread_bps == 0.85
    assert run.loaded.origin(("trading", "base_spread_bps")) == "runtime"
    answer = apply_profile(run, {"profile": "nope"}).answer
    assert isinstance(answer, Refusal)
    assert answer.error == "E_PROFILE_NOT_FOUND"
    answer = apply_profile(run, {"profile": "econ_moderate"}).answer
    assert isinstance(answer, Refusal)
    assert answer.error == "E_CFG_IMMUTABLE"
