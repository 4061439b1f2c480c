import pytest

from mmbot import clock
from mmbot.errors import ConfigError
from mmbot.units import NS_PER_SEC


def test_frozen_clock_is_the_epoch():
    assert clock.artifact_utc({"MM_FREEZE_UTC": "1"}) == "1970-01-01T00:00:00Z"
    assert clock.artifact_stamp({"MM_FREEZE_UTC": "true"}) == "19700101T000000Z"


def test_given_instant_wins_over_the_switch():
    env = {"MM_FREEZE_UTC": "1", "MM_FREEZE_UTC_ISO": "2024-08-09T01:02:03.9Z"}
    assert clock.artifact_utc(env) == "2024-08-09T01:02:03Z"
    assert clock.artifact_ns(env) % NS_PER_SEC == 0


@pytest.mark.parametrize("value", ["0", "", "no", "OFF"])
def test_clock_runs_when_not_frozen(value, monkeypatch):
    monkeypatch.setattr(clock, "wall_ns", lambda: 1_723_161_600_999_999_999)
    assert clock.artifact_utc({"MM_FREEZE_UTC": value}) == "2024-08-09T00:00:00Z"


@pytest.mark.parametrize(
    "env", [{"MM_FREEZE_UTC": "maybe"}, {"MM_FREEZE_UTC_ISO": "yesterday"}, {"MM_FREEZE_UTC": "2"}]
)
def test_malformed_variable_is_an_error_that_names_it(env):
    with pytest.raises(ConfigError) as caught:
        clock.artifact_ns(env)
    assert caught.value.code == "E_CFG_TYPE"
    assert caught.value.key in env


def test_freezing_artifacts_does_not_stop_the_other_clocks(monkeypatch):
    monkeypatch.setenv("MM_FREEZE_UTC", "1")
    assert clock.wall_ns() > 1_700_000_000 * NS_PER_SEC
    before = clock.monotonic_ns()
    clock.sleep_ns(1_000)
    assert clock.monotonic_ns() > before


def test_a_negative_pause_is_no_pause():
    clock.sleep_ns(-1)
    assert clock.artifact_ns({"MM_FREEZE_UTC": "1"}) == 0
