"""Reload and patches of a running session: what applies, what stays, what is told."""

import json
import os
import signal

import pytest

from mmbot.config import load_config, runtime, sources
from mmbot.errors import ConfigError, StoreError

FILE = "trading: {{symbols: [BTCUSDT]}}\n{}\n"
REBALANCING = [
    ("portfolio.budget_usd", 5000.0),
    ("portfolio.mode", "manual"),
    ("portfolio.cost.fee_bps_default", 2.0),
    ("allocator.smoothing.max_delta_ratio", 0.2),
    ("fees.bybit.min_improvement_bps", 0.3),
]


def edit(project, text):
    project.write(FILE.format(text))


@pytest.mark.spec("01-5", "01-D21")
def test_a_reload_applies_hot_keys_and_names_those_that_need_a_restart(project):
    run = project.start()
    old = run.config
    edit(
        project, "risk: {max_position_usd: 7}\nrecorder: {queue_max: 5}\nstrategy: {skew_coeff: 1}"
    )
    change = run.reload("admin")
    assert change is not None
    assert change.changed_keys == ("risk.max_position_usd", "strategy.skew_coeff")
    assert change.needs_restart == ("recorder.queue_max",)
    assert (change.old, change.new) == (old, run.config)
    assert (change.version, change.origin, change.reason) == (2, "reload", "admin")
    assert run.config.risk.max_position_usd == 7.0
    assert run.config.recorder.queue_max == old.recorder.queue_max
    assert run.reload_total == {"ok": 1, "failed": 0}
    assert project.lines[-1] == (
        "| config | RELOADED | changed=2 keys=risk.max_position_usd,strategy.skew_coeff "
        "needs_restart=recorder.queue_max |"
    )


@pytest.mark.spec("01-5")
def test_a_key_that_is_not_hot_keeps_the_origin_of_the_value_in_force(project):
    run = project.start()
    edit(project, "recorder: {queue_max: 5}\nrisk: {max_position_usd: 7}")
    run.reload("admin")
    assert run.loaded.origin(("recorder", "queue_max")) == "default"
    assert run.loaded.origin(("risk", "max_position_usd")) == "file"


@pytest.mark.spec("01-5")
def test_a_reload_without_a_change_is_told_and_makes_no_event(project):
    run = project.start()
    assert run.reload("admin") is None
    assert run.version == 1
    assert project.lines[-1] == "| config | RELOADED | changed=0 keys= needs_restart=none |"


@pytest.mark.spec("01-5")
def test_hot_keys_must_fit_the_values_in_force_and_not_those_of_the_file(project):
    # A venue without batch limit would allow it, but the session trades on another.
    edit(project, "latency_boost: {tail_batch: {max_batch: 10}}")
    run = project.start()
    project.write(
        "trading: {symbols: [BTCUSDT], venue: simulated}\n"
        "latency_boost: {tail_batch: {max_batch: 50}}\n"
    )
    load_config(sources.ConfigRequest(env={}))
    with pytest.raises(ConfigError, match=r"E_CFG_INVARIANT: latency_boost.tail_batch.max_batch"):
        run.reload("admin")
    assert run.config.latency_boost.tail_batch.max_batch == 10
    assert run.reload_total == {"ok": 0, "failed": 1}


@pytest.mark.spec("01-5")
def test_runtime_values_stay_until_a_reload_changes_their_key(project):
    edit(project, "risk: {max_position_usd: 5}")
    run = project.start()
    run.patch({"risk.max_position_usd": 6, "strategy.skew_coeff": 0.9}, origin="admin", reason="x")
    edit(project, "risk: {max_position_usd: 5}\nlimits: {max_active_per_side: 4}")
    run.reload("file")
    assert run.config.risk.max_position_usd == 6.0
    assert run.loaded.origin(("risk", "max_position_usd")) == "runtime"
    edit(project, "risk: {max_position_usd: 7}")
    run.reload("file")
    assert run.config.risk.max_position_usd == 7.0
    assert run.loaded.origin(("risk", "max_position_usd")) == "file"
    assert run.config.strategy.skew_coeff == 0.9


@pytest.mark.spec("01-5", "01-4.5")
def test_the_sessions_own_overrides_are_no_change_of_the_sources(project):
    run = project.start(profile="S1")
    run.patch({"base_spread_bps": 1.2}, origin="tuner", reason="D1", iteration=3)
    assert json.loads(project.overrides.read_text())["base_spread_bps_delta"] == 0.7
    assert run.reload("admin") is None
    assert run.config.trading.base_spread_bps == 1.2


@pytest.mark.spec("01-5", "01-4.5")
def test_a_reload_takes_what_somebody_else_wrote_into_the_overrides(project):
    run = project.start("tail_age_ms=600")
    run.patch({"min_interval_ms": 90}, origin="tuner", reason="D1")
    held = json.loads(project.overrides.read_text())
    project.overrides.write_text(json.dumps(held | {"replace_rate_per_min": 222}))
    change = run.reload("admin")
    assert change is not None
    assert change.changed_keys == ("latency_boost.replace.replace_rate_per_min",)
    assert run.config.latency_boost.replace.min_interval_ms == 90
    assert run.config.latency_boost.tail_batch.tail_age_ms == 600
    assert json.loads(project.overrides.read_text()) == held | {"replace_rate_per_min": 222}


@pytest.mark.spec("01-5")
def test_derived_keys_follow_a_patch(project):
    run = project.start()
    change = run.patch({"trading.maker_fee_bps": -0.5}, origin="admin", reason="x")
    assert change is not None
    assert change.changed_keys == ("fees.bybit.tiers", "trading.maker_fee_bps")
    assert change.forces_rebalance


@pytest.mark.spec("01-5")
@pytest.mark.parametrize(("key", "value"), REBALANCING)
def test_budget_keys_force_a_rebalance(project, key, value):
    change = project.start().patch({key: value}, origin="admin", reason="x")
    assert change is not None
    assert change.forces_rebalance
    assert not change.replaces_windows


@pytest.mark.spec("01-5")
def test_other_keys_do_not_and_new_windows_are_told(project):
    run = project.start()
    change = run.patch({"circuit.min_samples": 9}, origin="admin", reason="x")
    assert change is not None
    assert not change.forces_rebalance
    windows = [{"start": "08:00", "end": "16:00"}]
    change = run.patch({"scheduler.windows": windows}, origin="admin", reason="x")
    assert change is not None
    assert change.replaces_windows
    assert run.config.scheduler.windows[0].start == "08:00"


@pytest.mark.spec("01-5", "01-6.2")
@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"strategy.skew_coeff": 0.5, "trading.venue": "simulated"}, "E_CFG_IMMUTABLE"),
        ({"strategy.skew_coeff": 0.5, "shadow.enabled": True}, "E_CFG_IMMUTABLE"),
        ({"strategy.skew_coeff": 0.5, "strategy.nope": 1}, "E_CFG_UNKNOWN_KEY"),
        ({"strategy.skew_coeff": 0.5, "strategy.order_ttl_ms": 1}, "E_CFG_RANGE"),
        ({"strategy.skew_coeff": 0.5, "strategy.order_ttl_ms": "x"}, "E_CFG_TYPE"),
        ({"strategy.skew_coeff": 0.5, "risk.max_position_usd": float("nan")}, "E_CFG_INVARIANT"),
        ({"strategy.skew_coeff": 0.5, "risk.risk_pause_threshold": 0.5}, "E_CFG_INVARIANT"),
        ({"strategy.skew_coeff": 0.5, "base_spread_bps_delta": "x"}, "E_CFG_TYPE"),
        ({"strategy.skew_coeff": 0.5, "strategy": {}}, "E_CFG_UNKNOWN_KEY"),
    ],
)
def test_a_patch_is_applied_whole_or_not_at_all(project, values, code):
    run = project.start()
    state, files = run.state, project.values.read_bytes()
    with pytest.raises(ConfigError) as caught:
        run.patch(values, origin="admin", reason="x")
    assert caught.value.code == code
    assert run.state is state
    assert (run.version, len(run.history)) == (1, 0)
    assert project.values.read_bytes() == files
    assert not project.overrides.exists()


@pytest.mark.spec("01-5")
def test_sections_with_owners_of_their_own_change_through_them_and_survive_a_reload(project):
    run = project.start()
    run.patch(
        {"rollout.traffic_split_pct": 5}, origin="admin", reason="ramp", sections=("rollout",)
    )
    edit(project, "risk: {max_position_usd: 5}")
    run.reload("file")
    assert run.config.rollout.traffic_split_pct == 5


@pytest.mark.spec("01-2.7")
def test_an_entry_of_a_mapping_leaves_the_others_alone(project):
    edit(project, "portfolio: {manual_weights: {BTCUSDT: 0.5}}")
    run = project.start()
    run.patch({"portfolio.manual_weights.ethusdt": 0.25}, origin="admin", reason="x")
    assert dict(run.config.portfolio.manual_weights) == {"BTCUSDT": 0.5, "ETHUSDT": 0.25}
    run.commit(run.plan_rollback())
    assert dict(run.config.portfolio.manual_weights) == {"BTCUSDT": 0.5}


@pytest.mark.spec("01-5")
def test_a_changed_file_is_taken_once_it_has_settled(project):
    run = project.start()
    assert project.poll(run) == []
    edit(project, "risk: {max_position_usd: 5}")
    assert project.poll(run) == []
    changes = project.poll(run)
    assert [change.reason for change in changes] == ["file"]
    assert run.config.risk.max_position_usd == 5.0
    assert project.poll(run, seconds=5) == []


@pytest.mark.spec("01-5")
def test_files_are_looked_at_once_a_second(project):
    run = project.start()
    edit(project, "risk: {max_position_usd: 5}")
    for step in range(1, 10):
        assert run.poll(step * runtime.POLL_NS // 10) == []
    run.poll(runtime.POLL_NS)
    run.poll(2 * runtime.POLL_NS)
    assert run.config.risk.max_position_usd == 5.0


@pytest.mark.spec("01-5")
def test_a_half_written_file_is_not_taken(project):
    edit(project, "risk: {max_position_usd: 5}")
    run = project.start()
    for text in ("trading: {symbols: [BTC", "trading: {symbols: [BTCUSDT]}\n", "trading: {symb"):
        project.write(text)
        assert project.poll(run) == []
    edit(project, "risk: {max_position_usd: 6}")
    project.poll(run, seconds=2)
    assert run.config.risk.max_position_usd == 6.0
    assert run.reload_total == {"ok": 1, "failed": 0}


@pytest.mark.spec("01-5")
def test_a_bad_or_missing_file_is_told_once_and_a_touch_is_nothing(project):
    run = project.start()
    project.write("risk: [")
    project.poll(run, seconds=5)
    assert run.reload_total == {"ok": 0, "failed": 1}
    project.path.unlink()
    project.poll(run, seconds=5)
    assert run.reload_total == {"ok": 0, "failed": 2}
    assert project.lines[-1] == "| config | ERROR | E_CFG_MISSING: config/app.yaml does not exist |"
    edit(project, "")
    project.poll(run, seconds=5)
    assert run.reload_total == {"ok": 1, "failed": 2}
    os.utime(project.path, ns=(1, 1))
    project.poll(run, seconds=5)
    assert run.reload_total == {"ok": 1, "failed": 2}


@pytest.mark.spec("01-5")
@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="the platform has no SIGHUP")
def test_sighup_asks_for_a_reload_at_the_next_poll(project):
    run = project.start()
    edit(project, "risk: {max_position_usd: 5}")
    before = signal.getsignal(signal.SIGHUP)
    with run.on_sighup():
        os.kill(os.getpid(), signal.SIGHUP)
        assert run.config.risk.max_position_usd == 10_000.0
        changes = run.poll(0)
    assert [change.reason for change in changes] == ["sighup"]
    assert run.config.risk.max_position_usd == 5.0
    assert signal.getsignal(signal.SIGHUP) == before


def test_a_full_disk_refuses_the_change_and_leaves_both_files(project, monkeypatch):
    run = project.start("tail_age_ms=600")
    held, values = project.overrides.read_bytes(), project.values.read_bytes()

    def full(*_args, **_more):
        raise StoreError("E_STORE_DISK", "file=x", "cannot be written: full")

    monkeypatch.setattr(run._records.store, "write_values", full)
    with pytest.raises(StoreError):
        run.patch({"tail_age_ms": 700}, origin="admin", reason="x")
    assert run.config.latency_boost.tail_batch.tail_age_ms == 600
    assert run.version == 1
    assert project.overrides.read_bytes() == held
    assert project.values.read_bytes() == values


def test_a_report_that_cannot_be_written_does_not_stop_a_change(project, monkeypatch):
    run = project.start()

    def full(*_args, **_more):
        raise StoreError("E_STORE_DISK", "file=x", "cannot be written: full")

    monkeypatch.setattr(run._records.store, "write", full)
    assert run.patch({"tail_age_ms": 700}, origin="admin", reason="x") is not None
    assert run.config.latency_boost.tail_batch.tail_age_ms == 700
    assert project.lines[-1].startswith("| config | ERROR | E_STORE_DISK")
