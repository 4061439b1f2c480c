"""Start values: layers, their precedence and sources, what is said about bad ones."""

import json

import pytest

from mmbot.errors import ConfigError
from mmbot.soak.overrides import LayerRequest, applied_profile, resolve_start
from mmbot.soak.parameters import DEFAULTS
from mmbot.soak.paths import SoakPaths


@pytest.fixture
def paths(tmp_path):
    return SoakPaths(tmp_path / "artifacts", tmp_path / "artifacts" / "soak" / "latest")


@pytest.fixture
def config_dir(tmp_path):
    directory = tmp_path / "config"
    (directory / "profiles").mkdir(parents=True)
    quoting = {"min_interval_ms": 60, "base_spread_bps_delta": 0.35, "vip_tilt_cap_delta": 0.15}
    (directory / "profiles" / "market_maker_S1.json").write_text(json.dumps(quoting))
    (directory / "profiles" / "market_maker_S2.json").write_text('{"min_interval_ms":61}')
    return directory


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


@pytest.fixture
def start(paths, config_dir):
    def resolved(*, env=None, **more):
        request = LayerRequest(paths=paths, config_dir=config_dir, env=env or {}, **more)
        return resolve_start(request)

    return resolved


@pytest.mark.spec("07-4/1", "07-D8", "01-4.3")
def test_each_layer_wins_over_the_ones_below_it(start, paths):
    env: dict[str, str] = {}
    expected = [("default", 650), ("file", 610), ("profile:steady_safe", 740), ("env", 630)]
    made = [start()]
    write(paths.overrides, {"tail_age_ms": 610})
    made.append(start())
    made.append(start(profile="steady_safe"))
    env["MM_RUNTIME_OVERRIDES_JSON"] = '{"tail_age_ms":630}'
    made.append(start(profile="steady_safe", env=env))
    found = [(s.sources["tail_age_ms"], s.requested["tail_age_ms"]) for s in made]
    assert found == expected
    last = start(profile="steady_safe", env=env, sets=["tail_age_ms=640"])
    assert (last.sources["tail_age_ms"], last.requested["tail_age_ms"]) == ("cli", 640)
    assert last.sources["min_interval_ms"] == "profile:steady_safe"
    assert "| runtime_overrides | OK | SOURCE=cli |" in last.lines


@pytest.mark.spec("01-4.4", "07-4/1")
@pytest.mark.parametrize(
    ("variable", "option", "interval", "tail"),
    [
        ("S1", None, 60, 650),
        ("S1", "S2", 61, 650),
        ("S1", "steady_safe", 75, 740),
        ("steady_safe", "ultra_safe", 80, 700),
        ("steady_safe", "S1", 60, 740),
    ],
)
def test_profiles_of_one_kind_replace_and_of_two_kinds_add_up(
    start, variable, option, interval, tail
):
    found = start(env={"MM_PROFILE": variable}, profile=option)
    assert found.requested["min_interval_ms"] == interval
    assert found.requested["tail_age_ms"] == tail


@pytest.mark.spec("01-4.4", "07-17.6")
def test_an_overlay_profile_gives_the_parameters_that_it_names(start, config_dir):
    overlay = "profiles: {calm: {signals: {impact_cap_ratio: 0.08}, canary: {fraction: 0.05}}}"
    (config_dir / "profiles.yaml").write_text(overlay)
    found = start(env={"MM_PROFILE": "calm"}, profile="steady_safe")
    assert found.requested["impact_cap_ratio"] == 0.08
    alone = start(env={"MM_PROFILE": "calm"})
    assert alone.sources["impact_cap_ratio"] == "profile:calm"
    assert alone.requested == {**DEFAULTS, "impact_cap_ratio": 0.08}


@pytest.mark.spec("07-4/3")
def test_what_cannot_be_used_is_said_and_left_out(start):
    env = {"MM_RUNTIME_OVERRIDES_JSON": '{"order_ttl_ms":1,"tail_age_ms":"x","min_interval_ms":71}'}
    found = start(env=env, profile="nope", sets=["impact_cap_ratio=nan"])
    assert "| config | WARN | profile=nope not found, using defaults |" in found.lines
    assert "| runtime_override | SKIP | FIELD=order_ttl_ms REASON=not_allowed |" in found.lines
    assert "| config | ERROR | key=tail_age_ms not numeric |" in found.lines
    assert "| config | ERROR | key=impact_cap_ratio not numeric |" in found.lines
    assert found.requested == {**DEFAULTS, "min_interval_ms": 71}


@pytest.mark.spec("07-4/3", "01-D3")
@pytest.mark.parametrize("text", ["{", "[1]", "7"])
def test_a_bad_environment_is_ignored_with_a_line(start, text):
    found = start(env={"MM_RUNTIME_OVERRIDES_JSON": text})
    assert found.requested == DEFAULTS
    assert any(line.startswith("| config | ERROR | Invalid env JSON: ") for line in found.lines)


@pytest.mark.spec("07-4/2", "07-D10", "01-D22")
def test_requested_values_outside_the_range_are_kept_and_said(start):
    found = start(sets=["min_interval_ms=500"])
    assert found.requested["min_interval_ms"] == 500
    assert "| runtime_override | CLAMP | FIELD=min_interval_ms FROM=500 TO=300 |" in found.lines


@pytest.mark.spec("01-4.5")
def test_a_damaged_file_stops_the_start_unless_a_profile_is_given(start, paths):
    write(paths.overrides, "{")
    with pytest.raises(ConfigError) as caught:
        start()
    assert caught.value.code == "E_CFG_RUNTIME_OVERRIDES"
    assert list(paths.soak.glob("runtime_overrides.json.corrupt.*"))
    write(paths.overrides, "{")
    assert start(profile="steady_safe").requested["tail_age_ms"] == 740


@pytest.mark.spec("07-4/1")
def test_a_resumed_run_takes_the_file_and_lays_options_over_it(start, paths):
    write(paths.overrides, {**DEFAULTS, "tail_age_ms": 700})
    env = {"MM_RUNTIME_OVERRIDES_JSON": '{"tail_age_ms":630}'}
    found = start(resume=True, env=env, profile="ultra_safe", sets=["min_interval_ms=90"])
    assert found.requested == {**DEFAULTS, "tail_age_ms": 700, "min_interval_ms": 90}


@pytest.mark.spec("01-4.5")
def test_the_applied_profile_shows_ten_effective_values(start):
    found = start(sets=["min_interval_ms=500"])
    document = applied_profile(found, found.requested, adjustments=[], blocked_by={})
    assert len(document["applied"]) == 10
    assert document["applied"]["min_interval_ms"] == 300
    assert document["applied"]["base_spread_bps"] == 0.64
    assert document["overrides_runtime"]["min_interval_ms"] == 500
