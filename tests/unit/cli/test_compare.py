"""`mmbot compare`: exit codes, the gate, JSON and the picture."""

import json

import pytest
from tests.unit.research.comparison.made_sessions import write_session
from typer.testing import CliRunner

from mmbot.cli.compare import app


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    return write_session(tmp_path_factory.mktemp("session"), seconds=60)[0]


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda *args: CliRunner().invoke(app, [*map(str, args)])


@pytest.mark.spec("09-3")
def test_a_session_against_itself_passes_the_narrowest_gate(run, session):
    found = run(session, "--max-gap-bps", 0)
    assert found.exit_code == 0
    last = found.stdout.strip().splitlines()[-1]
    assert last.startswith("| compare | OK | gap_usd=0.000000 gap_bps=0.000000 pairs=")
    assert last.endswith("session_only=0 simulated_only=0 |")


@pytest.mark.spec("09-3")
def test_a_larger_gap_is_exit_2_and_the_report_is_there_all_the_same(run, session, tmp_path):
    slow = tmp_path / "slow.json"
    slow.write_text('{"latency_ms_mean": 80, "cancel_latency_ms": 80}')
    plot = tmp_path / "gap.svg"
    found = run(session, "--calibration", slow, "--max-gap-bps", 1e-9, "--json", "--plot", plot)
    assert found.exit_code == 2
    assert "| compare | FAIL | gap_bps=" in found.stderr
    document = json.loads(found.stdout)
    assert sum(document["parts_usd"].values()) == pytest.approx(document["gap_usd"], abs=1e-9)
    assert document["latency_ms"]["simulated"]["place"]["mean"] == pytest.approx(80.0)
    assert plot.read_text().startswith("<svg")


def test_bad_input_is_refused(run, session, tmp_path):
    for args in (
        [tmp_path / "nothing"],
        [session, "--plot", "gap.pdf"],
        [session, "--set", "no-value"],
        [session, "--set", "strategy.no_such_key=1"],
    ):
        found = run(*args)
        assert found.exit_code == 1, args
