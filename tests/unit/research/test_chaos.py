"""Scenarios, reports and planted defects of the fault world."""

from pathlib import Path

import pytest

from mmbot import core
from mmbot.errors import ConfigError, InvariantError
from mmbot.research.chaos import (
    ChaosOptions,
    FaultChoice,
    Scenario,
    chaos,
    repro_line,
    scenario_from_yaml,
    scenario_to_yaml,
)

SHORT_MIN = 0.05


def options(**changes):
    return ChaosOptions(**{"seeds": 3, "minutes": SHORT_MIN, **changes})


def nothing(_run):
    pass


def test_a_scenario_names_faults_as_ratios_or_with_their_bounds():
    text = b"""
symbols: 2
minutes: 0.5
faults:
  report_lost: 1/4
  feed_gap: {ratio: 1/15, max_ms: 900}
  outage: 0
"""
    scenario = scenario_from_yaml(text, "s.yaml")
    assert (scenario.symbols, scenario.minutes, scenario.canary) == (2, 0.5, None)
    assert scenario.choices() == {
        "report_lost": ("1/4", None),
        "feed_gap": ("1/15", 900),
        "outage": ("0", None),
    }
    assert scenario_from_yaml(b"", "s.yaml").choices() is None


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"symbols: 2\nsunshine: 1\n", "E_CFG_UNKNOWN_KEY: s.yaml:2 sunshine"),
        (b"symbols: 9\n", "E_CFG_TYPE: s.yaml:1 symbols"),
        (b"minutes: 0\n", "E_CFG_TYPE: s.yaml:1 minutes"),
        (b"faults:\n  sunshine: 1/2\n", "E_CFG_UNKNOWN_KEY: s.yaml:2 sunshine"),
        (b"faults:\n  feed_gap: {max_ms: 3}\n", "E_CFG_TYPE: s.yaml:2 faults.feed_gap"),
        (b"faults: [1]\n", "E_CFG_TYPE: s.yaml:1 faults"),
        (b"symbols: [\n", "E_CFG_PARSE: s.yaml"),
    ],
)
def test_a_bad_scenario_names_file_line_and_key(text, line):
    with pytest.raises(ConfigError) as error:
        scenario_from_yaml(text, "s.yaml")
    assert str(error.value).startswith(line)


@pytest.mark.parametrize("ratio", ["2/1", "1/0", "often", "-1/3"])
def test_a_ratio_that_is_none_is_refused(ratio):
    scenario = Scenario(faults={"outage": ratio})
    with pytest.raises(core.CoreError, match="E_CFG_TYPE: outage"):
        chaos(options(scenario=scenario), nothing)


@pytest.mark.spec("09-4")
def test_results_do_not_depend_on_the_number_of_threads():
    done = []
    one = chaos(options(), lambda run: done.append(run["seed"]))
    two = chaos(options(jobs=2), nothing)
    assert len(done) == 3
    assert one.as_dict() == two.as_dict()
    assert one.hours > 0
    assert one.total("events") > 1000
    hashes = one.as_dict()["state_hashes"]
    assert sorted(hashes) == ["1", "2", "3"]
    assert len(set(hashes.values())) == 3


@pytest.mark.spec("09-4")
def test_every_planted_defect_is_found():
    names = set(core.fault_catalog()["canaries"])
    assert len(names) == 10
    assert set(chaos(options(seeds=1), nothing).canaries) == names


def test_a_planted_defect_that_is_not_found_is_an_error(monkeypatch):
    real = core.fault_run

    def blind(seed, **wanted):
        return {**real(seed, **wanted), "violations": []}

    monkeypatch.setattr(core, "fault_run", blind)
    with pytest.raises(InvariantError, match="E_SIM_CANARY"):
        chaos(options(seeds=1), nothing)


@pytest.mark.spec("09-4")
def test_a_scenario_whose_defect_no_run_finds_is_an_error():
    scenario = Scenario(canary="loose_limits", minutes=SHORT_MIN, symbols=1, faults={})
    with pytest.raises(InvariantError, match="E_SIM_CANARY: loose_limits was planted in seeds"):
        chaos(options(scenario=scenario, seeds=1), nothing)


def broken():
    scenario = Scenario(canary="forgotten_unknown", minutes=0.2, symbols=1)
    report = chaos(options(scenario=scenario, scenario_path=Path("s.yaml")), nothing)
    assert report.broken
    return report


@pytest.mark.spec("09-4")
def test_the_minimised_scenario_breaks_the_same_rule():
    report = broken()
    run = report.broken[0]
    small = scenario_from_yaml(scenario_to_yaml(run).encode(), "small.yaml")
    left = dict(small.faults or {})
    assert len(left) < len(run["faults"])
    assert all(isinstance(choice, FaultChoice) for choice in left.values())
    again = core.fault_run(
        run["seed"],
        safety_ms=run["safety_ms"],
        symbols=small.symbols,
        faults=small.choices(),
        canary=small.canary,
    )
    rules = {violation["rule"] for violation in again["violations"]}
    assert run["violations"][0]["rule"] in rules


def test_the_repro_line_repeats_scenario_seed_and_length():
    run = {"seed": 17}
    assert repro_line(run, options(minutes=1.0)) == (
        "mmbot chaos --seeds 1 --first-seed 17 --minutes 1.0"
    )
    timed = options(scenario=Scenario(minutes=0.5), scenario_path=Path("a/s.yaml"))
    assert repro_line(run, timed) == "mmbot chaos --seeds 1 --first-seed 17 --scenario a/s.yaml"


@pytest.mark.parametrize(
    ("wanted", "key"),
    [
        ({"safety_ms": 1}, "safety_ms"),
        ({"symbols": 0}, "symbols"),
        ({"canary": "sunshine"}, "canary"),
        ({"faults": {"sunshine": ("1/2", None)}}, "sunshine"),
        ({"faults": {"outage": ("1/2", 99_999)}}, "outage"),
    ],
)
def test_the_core_refuses_what_it_cannot_run(wanted, key):
    with pytest.raises(core.CoreError) as error:
        core.fault_run(1, **wanted)
    assert error.value.key == key
