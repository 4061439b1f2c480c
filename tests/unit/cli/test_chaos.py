"""`mmbot chaos` and `mmbot risk drill` as a user types them."""

import json

import pytest

from mmbot import core
from mmbot.cli.app import run_cli


@pytest.fixture
def cli(capsys, tmp_path, monkeypatch):
    """Runs a command line in an empty directory; returns exit code, output and errors."""
    monkeypatch.chdir(tmp_path)

    def cli(*args):
        code = run_cli([str(arg) for arg in args])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return cli


@pytest.mark.spec("09-4")
def test_the_seed_is_printed_first_and_clean_runs_end_with_zero(cli):
    code, out, err = cli("chaos", "--seeds", 2, "--minutes", 0.05, "--jobs", 1)
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "seeds 1 to 2"
    assert "10 of 10 found" in out
    assert "0 runs" in out


@pytest.mark.spec("09-4")
def test_the_report_is_an_artifact_and_what_is_printed_as_json(cli, tmp_path):
    code, out, _ = cli("chaos", "--seeds", 2, "--minutes", 0.05, "--json")
    assert code == 0
    written = (tmp_path / "artifacts" / "CHAOS_REPORT.json").read_text()
    assert json.loads(out) == json.loads(written)
    assert json.loads(written)["violations"] == []
    elsewhere = tmp_path / "elsewhere.json"
    cli("chaos", "--seeds", 2, "--minutes", 0.05, "--out", elsewhere, "--jobs", 2)
    assert elsewhere.read_text() == written


@pytest.mark.spec("09-6")
def test_one_thread_and_all_cores_of_this_machine_write_the_same_bytes(cli, tmp_path):
    reports = []
    for name, jobs in (("one", ("--jobs", 1)), ("all", ())):
        out = tmp_path / f"{name}.json"
        args = ("--seeds", 3, "--minutes", 0.05, "--cluster", "local", "--out", out, *jobs)
        assert cli("chaos", *args)[0] == 0
        reports.append(out.read_bytes())
    assert reports[0] == reports[1]


def test_no_other_cluster_is_known(cli):
    code, _, err = cli("chaos", "--seeds", 1, "--cluster", "ray://localhost:1")
    assert (code, err) == (1, "E_CFG_RANGE: --cluster must be local\n")


@pytest.mark.spec("09-4")
def test_a_violation_is_exit_code_two_with_its_repro_line_and_scenario(cli, tmp_path):
    scenario = tmp_path / "planted.yaml"
    scenario.write_text("canary: forgotten_unknown\nminutes: 0.2\nsymbols: 1\n")
    code, out, _ = cli("chaos", "--seeds", 1, "--first-seed", 2, "--scenario", scenario)
    assert code == 2
    assert f"mmbot chaos --seeds 1 --first-seed 2 --scenario {scenario}" in out
    report = json.loads((tmp_path / "artifacts" / "CHAOS_REPORT.json").read_text())
    assert [violation["seed"] for violation in report["violations"]] == [2]
    written = tmp_path / "artifacts" / "chaos" / "seed-2.yaml"
    again, out, _ = cli("chaos", "--seeds", 1, "--first-seed", 2, "--scenario", written, "--json")
    assert again == 2
    found = json.loads(out)["violations"][0]["found"]
    assert {violation["rule"] for violation in found} >= {"exposure_is_counted"}


def test_a_scenario_that_is_not_there_is_one_line(cli):
    code, out, err = cli("chaos", "--scenario", "nowhere.yaml")
    assert (code, out) == (1, "")
    assert err.startswith("E_CFG_MISSING: nowhere.yaml")


@pytest.mark.spec("09-1")
def test_the_kill_drill_tells_its_steps_and_passes(cli, tmp_path):
    code, out, err = cli("risk", "drill", "kill", "--simulated", "--seed", 3, "--symbols", 2)
    assert (code, err) == (0, "")
    assert "gate closed" in out
    assert "\npassed\n" in out
    report = json.loads((tmp_path / "artifacts" / "KILL_DRILL.json").read_text())
    code, out, _ = cli(
        "risk", "drill", "kill", "--simulated", "--seed", 3, "--symbols", 2, "--json"
    )
    found = json.loads(out)
    assert (code, found["passed"]) == (0, True)
    assert found == report
    assert found["resting_at_kill"] > 0
    assert (found["placed_after"], found["resting_at_end"]) == (0, 0)
    assert 0 < found["gate_closed_ms"] <= found["confirmed_ms"]


def test_a_failed_drill_is_exit_code_two(cli, monkeypatch):
    real = core.kill_drill(3)
    left = {**real, "passed": False, "gone_ms": None, "resting_at_end": 1}
    monkeypatch.setattr(core, "kill_drill", lambda seed, *, symbols: left)
    code, out, _ = cli("risk", "drill", "kill", "--simulated")
    assert code == 2
    assert "never" in out
    assert "\nFAILED\n" in out
