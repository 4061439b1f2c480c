"""What a session leaves on disk: overrides, the report of parameters, versions, the way back."""

import json
from pathlib import Path

import pytest

from mmbot.config import load_config
from mmbot.config.block_adjustment import IntervalRaise
from mmbot.config.quoting import BASE
from mmbot.config.records import parameters_in_force
from mmbot.config.sources import ConfigRequest
from mmbot.config.versions import VersionStore
from mmbot.errors import ConfigError

S1_NAMED = {
    "min_interval_ms": 60,
    "tail_age_ms": 700,
    "max_delta_ratio": 0.15,
    "impact_cap_ratio": 0.10,
    "replace_rate_per_min": 300,
    "concurrency_limit_delta": -0.1,
    "slippage_penalty_coef_delta": 0.10,
    "vip_tilt_cap_delta": 0.15,
    "inventory_tilt_cap_delta": -0.10,
    "base_spread_bps_delta": 0.35,
}


def read(path):
    return json.loads(path.read_text())


def store():
    return VersionStore(Path("artifacts"))


@pytest.mark.spec("01-4.5")
def test_overrides_are_written_at_the_start_when_a_layer_names_a_parameter(project):
    project.start()
    assert not project.overrides.exists()
    project.start(profile="S1")
    assert read(project.overrides) == S1_NAMED
    assert project.lines[-1] == f"| config | SAVED | path={project.overrides} |"


@pytest.mark.spec("01-4.3", "01-4.5")
def test_a_start_from_what_an_earlier_session_left_gives_the_same_parameters(project):
    first = project.start(profile="S1").config
    for profile in (None, "S1"):
        again = project.start(profile=profile)
        assert again.config == first
        assert read(project.overrides) == S1_NAMED


@pytest.mark.spec("01-4.5", "01-D4")
def test_the_report_has_the_specified_form(project):
    env = {"MM_RUNTIME_OVERRIDES_JSON": '{"min_interval_ms":75}'}
    run = project.start("tail_age_ms=650", profile="S1", env=env)
    body = read(project.report)
    assert sorted(body) == [
        "applied",
        "base",
        "blocked_by",
        "overrides_runtime",
        "profile",
        "runtime_adjustments",
        "runtime_overrides_applied",
        "sources",
    ]
    assert body["base"] == dict(BASE)
    assert sorted(body["applied"]) == sorted(BASE)
    assert body["applied"]["min_interval_ms"] == 75
    assert body["applied"]["base_spread_bps"] == 0.85
    assert body["overrides_runtime"] == S1_NAMED | {"min_interval_ms": 75, "tail_age_ms": 650}
    assert body["profile"] == "S1"
    assert body["runtime_overrides_applied"] is True
    assert body["sources"]["min_interval_ms"] == "env"
    assert body["sources"]["tail_age_ms"] == "cli"
    assert body["sources"]["base_spread_bps"] == "profile:S1"
    assert body["blocked_by"] == {"concurrency": 0, "min_interval": 0, "risk": 0, "throttle": 0}
    run.patch({"impact_cap_ratio": 0.09}, origin="tuner", reason="D1", iteration=4)
    body = read(project.report)
    assert body["runtime_adjustments"] == [
        {
            "field": "impact_cap_ratio",
            "from": 0.1,
            "iter": 4,
            "reason": "D1",
            "to": 0.09,
            "ts": "1970-01-01T00:00:00Z",
        }
    ]
    assert body["sources"]["impact_cap_ratio"] == "runtime"


@pytest.mark.spec("01-4.5")
def test_a_profile_alone_is_no_override_and_nothing_is_no_profile(project):
    project.start(profile="S1")
    assert read(project.report)["runtime_overrides_applied"] is False
    project.overrides.unlink()
    project.start()
    body = read(project.report)
    assert (body["profile"], body["overrides_runtime"]) == (None, {})


@pytest.mark.spec("01-4.5", "01-4.6")
def test_adjustments_are_appended_and_block_counts_stay(project):
    run = project.start()
    run.raise_interval(IntervalRaise(60, 70, 0.3))
    run.report({"min_interval": 30, "risk": 2})
    run.raise_interval(IntervalRaise(70, 80, 0.26))
    body = read(project.report)
    assert [(item["from"], item["to"]) for item in body["runtime_adjustments"]] == [
        (60, 70),
        (70, 80),
    ]
    assert {item["reason"] for item in body["runtime_adjustments"]} == {"block_min_interval"}
    assert {item["iter"] for item in body["runtime_adjustments"]} == {None}
    assert body["blocked_by"] == {"concurrency": 0, "min_interval": 30, "risk": 2, "throttle": 0}
    assert "| min_interval_adjust | block_rate=26.00% | 70ms -> 80ms |" in project.lines
    assert read(project.overrides) == {"min_interval_ms": 80}


@pytest.mark.spec("01-4.5")
@pytest.mark.parametrize("text", ["{", "[1]", '{"tail_age_ms": NaN}', '{"a":1,"a":2}', ""])
def test_a_corrupt_file_is_set_aside_and_stops_the_start(project, text):
    project.write(text, project.overrides)
    with pytest.raises(ConfigError) as caught:
        project.start()
    assert caught.value.code == "E_CFG_RUNTIME_OVERRIDES"
    aside = project.overrides.with_name("runtime_overrides.json.corrupt.19700101T000000Z")
    assert aside.read_text() == text
    assert not project.overrides.exists()
    assert f"| config | SAVED | path={aside} |" in project.lines
    assert project.start().version == 1


@pytest.mark.spec("01-4.5")
def test_with_a_profile_a_corrupt_file_is_set_aside_and_the_start_goes_on(project):
    project.write("{", project.overrides)
    run = project.start(profile="S1")
    assert run.config.trading.base_spread_bps == 0.85
    assert read(project.overrides) == S1_NAMED
    assert len(list(project.overrides.parent.glob("*.corrupt.*"))) == 1


@pytest.mark.spec("01-4.3", "01-4.5")
def test_a_foreign_key_in_the_overrides_stops_the_start_and_stays_where_it_is(project):
    project.write('{"levels": 1}', project.overrides)
    with pytest.raises(ConfigError) as caught:
        project.start()
    assert caught.value.code == "E_PROFILE_KEY"
    assert project.overrides.read_text() == '{"levels": 1}'


@pytest.mark.spec("01-4.5")
def test_bad_overrides_of_the_environment_stop_the_start_with_files_untouched(project):
    with pytest.raises(ConfigError) as caught:
        project.start(env={"MM_RUNTIME_OVERRIDES_JSON": "[1]"})
    assert caught.value.code == "E_CFG_RUNTIME_OVERRIDES"
    assert not project.overrides.parent.exists()


@pytest.mark.spec("01-4.2")
def test_a_built_in_profile_in_use_is_written_once(project):
    path = project.overrides.parent / "profiles" / "ultra_safe.json"
    project.start(profile="ultra_safe")
    assert read(path)["min_interval_ms"] == 80
    project.write('{"tail_age_ms": 555}', path)
    project.start(profile="ultra_safe")
    assert read(path) == {"tail_age_ms": 555}


def test_every_change_is_a_version_with_values_origins_and_reason(project):
    run = project.start("strategy.skew_coeff=0.4")
    run.patch({"risk.max_position_usd": 6}, origin="admin", reason="smaller")
    second = store().read(2)
    assert store().numbers() == [1, 2]
    assert (second.version, second.origin, second.reason) == (2, "admin", "smaller")
    assert second.changed == ("risk.max_position_usd",)
    assert second.values["risk.max_position_usd"] == 6.0
    assert second.sources["risk.max_position_usd"] == "runtime"
    assert second.sources["strategy.skew_coeff"] == "cli"
    assert second.runtime == {"risk.max_position_usd": 6.0}
    assert second.utc == "1970-01-01T00:00:00Z"


def test_numbering_goes_on_after_a_restart_and_runtime_values_do_not(project):
    project.start().patch({"risk.max_position_usd": 6}, origin="admin", reason="x")
    run = project.start()
    assert run.version == 3
    assert run.config.risk.max_position_usd == 10_000.0
    assert read(project.values)["values"] == {}


def test_old_versions_go(project, monkeypatch):
    monkeypatch.setattr("mmbot.config.versions._KEEP", 3)
    run = project.start()
    for value in range(1, 6):
        run.patch({"risk.max_position_usd": value}, origin="admin", reason="x")
    assert store().numbers() == [4, 5, 6]


@pytest.mark.spec("01-5")
def test_a_rollback_restores_live_values_without_touching_the_sources(project):
    text = "trading: {symbols: [BTCUSDT]}\nrisk: {max_position_usd: 5}\n"
    project.write(text)
    run = project.start()
    first = run.config
    run.patch({"risk.max_position_usd": 6, "tail_age_ms": 500}, origin="admin", reason="x")
    project.write(text + "strategy: {skew_coeff: 0.7}\nrecorder: {queue_max: 9}\n")
    run.reload("admin")
    change = run.commit(run.plan_rollback(1))
    assert change is not None
    assert run.config == first
    assert change.changed_keys == (
        "latency_boost.tail_batch.tail_age_ms",
        "risk.max_position_usd",
        "strategy.skew_coeff",
    )
    # What the sources give again is no runtime value; what they do not is one.
    assert dict(run.state.runtime) == {"strategy.skew_coeff": 0.3}
    assert "skew_coeff: 0.7" in project.path.read_text()
    assert read(project.overrides) == parameters_in_force(run.state) == {}
    assert load_config(ConfigRequest(env={})).config.strategy.skew_coeff == 0.7


@pytest.mark.spec("01-5")
def test_the_baseline_is_the_start_until_it_is_marked_anew(project):
    run = project.start()
    run.patch({"risk.max_position_usd": 6}, origin="admin", reason="x")
    run.mark_baseline()
    run.patch({"risk.max_position_usd": 7}, origin="admin", reason="x")
    run.commit(run.plan_rollback())
    assert run.config.risk.max_position_usd == 6.0


def put_down(project, values, version):
    body = read(project.values)
    body |= {"values": values, "version": version, "writer": "operator", "reason": "by hand"}
    project.values.write_text(json.dumps(body))


def test_a_session_takes_the_runtime_values_that_an_operator_puts_down(project):
    run = project.start()
    put_down(project, {"risk.max_position_usd": 6, "strategy.skew_coeff": 0.3}, version=1)
    changes = project.poll(run)
    assert [(c.origin, c.reason, c.version) for c in changes] == [("rollback", "by hand", 2)]
    answer = read(project.values)
    assert answer["values"] == {"risk.max_position_usd": 6.0}
    assert (answer["version"], answer["writer"], answer["error"]) == (2, "session", None)
    assert project.poll(run, seconds=3) == []


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ('{"risk.max_position_usd": -1}', "E_CFG_RANGE"),
        ('{"trading.venue": "simulated"}', "E_CFG_IMMUTABLE"),
        ('{"risk.nope": 1}', "E_CFG_UNKNOWN_KEY"),
        ('{"portfolio.manual_weights.BTCUSDT": 1}', "give the whole mapping"),
        ("{", "E_CFG_RUNTIME_OVERRIDES"),
        ('"stale"', "was made for version 9"),
    ],
)
def test_a_session_refuses_wrong_runtime_values_and_says_why(project, text, part):
    run = project.start()
    run.patch({"strategy.skew_coeff": 0.5}, origin="admin", reason="x")
    state = run.state
    if text == "{":
        project.values.write_text(text)
    elif text == '"stale"':
        put_down(project, {}, version=9)
    else:
        put_down(project, json.loads(text), version=2)
    assert project.poll(run) == []
    assert run.state is state
    answer = read(project.values)
    assert part in answer["error"]
    assert answer["values"] == {"strategy.skew_coeff": 0.5}
    assert part in project.lines[-1]
    assert project.poll(run, seconds=3) == []


def test_a_removed_file_of_runtime_values_comes_back_and_changes_nothing(project):
    run = project.start()
    run.patch({"strategy.skew_coeff": 0.5}, origin="admin", reason="x")
    project.values.unlink()
    assert project.poll(run) == []
    assert read(project.values)["values"] == {"strategy.skew_coeff": 0.5}


def test_two_sessions_of_one_directory_do_not_answer_each_other(project):
    first, second = project.start(), project.start()
    first.patch({"strategy.skew_coeff": 0.5}, origin="admin", reason="x")
    held = project.values.read_bytes()
    for run in (first, second, first, second):
        assert project.poll(run, seconds=2) == []
    assert project.values.read_bytes() == held
    assert second.config.strategy.skew_coeff == 0.3


@pytest.mark.spec("01-4.5", "01-5")
def test_overrides_that_are_damaged_while_the_session_runs_stop_a_reload_only(project):
    run = project.start(profile="S1")
    config = run.config
    project.overrides.write_text("{")
    with pytest.raises(ConfigError, match="E_CFG_RUNTIME_OVERRIDES"):
        run.reload("admin")
    assert run.config is config
    assert run.patch({"tail_age_ms": 701}, origin="admin", reason="x") is not None
    assert read(project.overrides) == S1_NAMED | {"tail_age_ms": 701}


def test_a_damaged_version_and_a_missing_one_are_told_apart(project):
    project.start()
    (store().directory / "000007.json").write_text('{"version": 7}')
    with pytest.raises(ConfigError, match="E_CFG_PARSE"):
        store().read(7)
    with pytest.raises(ConfigError, match="E_CFG_MISSING: version=5 does not exist; there are 1"):
        store().read(5)
