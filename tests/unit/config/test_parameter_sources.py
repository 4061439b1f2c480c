"""Quoting parameters in soak: defaults below, only tunables overridden, hard range on top."""

import pytest
from tests.unit.config.conftest import Project

from mmbot.config import ConfigRequest, load_config
from mmbot.config.quoting import PARAMETERS, effective, layered, moved, resolve
from mmbot.config.quoting import QuotingLayer as Layer
from mmbot.config.tree import to_tree
from mmbot.errors import ConfigError


def soak(*sets, env=None, **more):
    return load_config(ConfigRequest(sets=sets, env=env or {}, soak=True, **more))


def parameters(loaded):
    return effective(to_tree(loaded.config))


@pytest.mark.spec("01-4.3")
def test_soak_starts_from_its_defaults_and_other_runs_do_not(project):
    found = parameters(soak())
    assert found["min_interval_ms"] == 70
    assert found["base_spread_bps"] == 0.64
    assert found["concurrency_limit"] == 2.0
    assert parameters(load_config(ConfigRequest(env={})))["min_interval_ms"] == 60
    project.write('{"min_interval_ms": 77}', "artifacts/soak/config.json")
    assert parameters(soak())["min_interval_ms"] == 77


@pytest.mark.spec("01-4.3", "01-D22")
def test_effective_values_are_clamped_and_requested_ones_kept(project):
    env = {"MM_RUNTIME_OVERRIDES_JSON": '{"min_interval_ms": 20, "base_spread_bps_delta": 0.9}'}
    loaded = soak(env=env)
    assert parameters(loaded)["min_interval_ms"] == 40
    assert parameters(loaded)["base_spread_bps"] == 1.1
    assert loaded.parameters["min_interval_ms"] == 20
    markers = [line for line in loaded.messages if "CLAMP" in line]
    assert markers == [
        "| runtime_override | CLAMP | FIELD=base_spread_bps_delta FROM=0.9 TO=0.6 |",
        "| runtime_override | CLAMP | FIELD=min_interval_ms FROM=20 TO=40 |",
    ]


@pytest.mark.spec("01-4.3", "01-4.5", "01-D3")
def test_soak_skips_and_ignores_what_stops_other_runs(project):
    env = {"MM_RUNTIME_OVERRIDES_JSON": '{"vip_tilt_cap": 0.2, "x": 1, "tail_age_ms": "fast"}'}
    loaded = soak(env=env)
    assert parameters(loaded)["tail_age_ms"] == 650
    assert parameters(loaded)["vip_tilt_cap"] == 0.05
    for line in (
        "| runtime_override | SKIP | FIELD=vip_tilt_cap REASON=not_allowed |",
        "| runtime_override | SKIP | FIELD=x REASON=not_allowed |",
        "| config | ERROR | key=tail_age_ms not numeric |",
    ):
        assert line in loaded.messages
    loaded = soak(env={"MM_RUNTIME_OVERRIDES_JSON": "{"})
    assert any(m.startswith("| config | ERROR | Invalid env JSON: ") for m in loaded.messages)


@pytest.mark.spec("01-4.2", "01-D3")
def test_only_soak_goes_on_without_the_profile(project):
    loaded = soak(profile="nope")
    assert "| config | WARN | profile=nope not found, using defaults |" in loaded.messages
    assert loaded.profiles == ()
    with pytest.raises(ConfigError, match="E_PROFILE_NOT_FOUND"):
        load_config(ConfigRequest(env={}, profile="nope"))


@pytest.mark.spec("01-4.3")
def test_a_resumed_run_takes_the_overrides_as_they_are(project):
    project.write('{"tail_age_ms": 555, "min_interval_ms": 99}', Project.overrides)
    env = {"MM_RUNTIME_OVERRIDES_JSON": '{"tail_age_ms": 600}'}
    loaded = soak("min_interval_ms=88", env=env, profile="aggressive", resume=True)
    assert dict(loaded.parameters) == {"tail_age_ms": 555, "min_interval_ms": 88}


@pytest.mark.spec("01-4.3")
def test_the_option_beats_environment_profile_file_and_defaults(project):
    steps = [
        ({}, (), None, 70),
        ({}, (), "aggressive", 50),
        ({"MM_RUNTIME_OVERRIDES_JSON": '{"min_interval_ms": 91}'}, (), "aggressive", 91),
        (
            {"MM_RUNTIME_OVERRIDES_JSON": '{"min_interval_ms": 91}'},
            ("min_interval_ms=92",),
            None,
            92,
        ),
    ]
    for env, sets, profile, expected in steps:
        assert parameters(soak(*sets, env=env, profile=profile))["min_interval_ms"] == expected
    project.write('{"min_interval_ms": 71}', Project.overrides)
    assert parameters(soak())["min_interval_ms"] == 71
    assert parameters(soak(profile="aggressive"))["min_interval_ms"] == 50


@pytest.mark.spec("01-4.5", "01-D5")
@pytest.mark.parametrize(
    "named",
    [
        {},
        {"base_spread_bps_delta": 0.35},
        {"base_spread_bps": 1.0},
        {"base_spread_bps": 1.0, "base_spread_bps_delta": 0.2, "tail_age_ms": 600},
    ],
)
def test_a_moved_parameter_resolves_to_its_new_value(named):
    changed = moved(named, {"base_spread_bps": 1.7})
    assert resolve([Layer(1, "file", changed, "")])["base_spread_bps"].value == 1.7
    assert {key: changed[key] for key in named if not key.startswith("base_spread")} == {
        key: value for key, value in named.items() if not key.startswith("base_spread")
    }
    delta_named = "base_spread_bps_delta" in named
    assert ("base_spread_bps_delta" in changed) is delta_named


@pytest.mark.spec("01-4.3")
def test_the_merged_names_resolve_as_the_layers_do():
    layers = [
        Layer(3, "cli", {"base_spread_bps_delta": 0.1}, ""),
        Layer(1, "file", {"base_spread_bps": 2.0, "base_spread_bps_delta": 0.5}, ""),
        Layer(2, "env", {"concurrency_limit_delta": -0.1}, ""),
    ]
    merged = resolve([Layer(1, "file", layered(layers), "")])
    assert {name: found.value for name, found in merged.items()} == {
        name: found.value for name, found in resolve(layers).items()
    }
    assert merged["base_spread_bps"].value == 2.1
    assert len(PARAMETERS) == 10
