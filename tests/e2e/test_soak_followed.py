"""A soak run in mode shadow: the market of a served exchange while it happens."""

import json
import signal
import subprocess

import pytest
from tests.e2e.live_world import until, world
from tests.e2e.processes import MMBOT, environment

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("live")]

WINDOW_SEC = 5


def words(one, *more):
    # Losses of a market that is against us are not what these tests are about.
    sets = ("runtime_guard.enabled=false", "risk.max_drawdown_pct=0.99")
    return [
        *("soak", "run", "--mode", "shadow", "--venue", "bybit", "--endpoint", one.venue.rest),
        *("--sleep-seconds", str(WINDOW_SEC), "--plain", *more),
        *(word for one_set in sets for word in ("--set", one_set)),
    ]


def summaries(path):
    found = sorted((path / "artifacts/soak/latest").glob("ITER_SUMMARY_*.json"))
    return [json.loads(one.read_bytes()) for one in found]


@pytest.mark.spec("07-5")
def test_windows_of_a_market_at_high_speed_follow_each_other_and_nothing_is_ordered(tmp_path):
    with world(tmp_path, "--regime", "volatile", "--speed", "10x") as one:
        done = one.mmbot(*words(one, "--iterations", "3", "--auto-tune"))
        assert done.returncode in (0, 2), done.stderr
        found = summaries(tmp_path)
        assert [one_of["partial"] for one_of in found] == [False, False, False]
        windows = [one_of["window"] for one_of in found]
        assert [window["seconds"] for window in windows] == [WINDOW_SEC] * 3
        assert [window["from"] for window in windows[1:]] == [
            window["to"] for window in windows[:-1]
        ]
        assert sum(one_of["summary"]["fills"] for one_of in found) > 0
        report = json.loads((tmp_path / "artifacts/reports/EDGE_REPORT.json").read_bytes())
        assert report["runtime"]["mode"] == "shadow"
        assert one.client().get_order_history(category="linear")["result"]["list"] == []


@pytest.mark.spec("07-5")
def test_an_interrupted_run_closes_its_window_and_reports(tmp_path):
    with world(tmp_path) as one:
        run = subprocess.Popen(
            [*MMBOT, *words(one, "--iterations", "50")],
            cwd=tmp_path,
            env=environment(tmp_path),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        one.started.append(run)
        until(lambda: summaries(tmp_path))
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
        assert run.returncode == 1, err
        assert "SOAK TEST: ABORTED" in out
        (report,) = (tmp_path / "artifacts/soak_reports").glob("*.json")
        assert json.loads(report.read_bytes())["verdict"] == "ABORTED"
