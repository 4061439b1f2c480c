"""`mmbot risk drill kill` reaches a session that runs in another process."""

import json
import signal
import time

import pytest
from tests.e2e.processes import mmbot, start

from mmbot.clock import monotonic_ns
from mmbot.units import NS_PER_SEC

pytestmark = pytest.mark.xdist_group("run")

DEADLINE_S = 60


@pytest.mark.spec("09-1")
def test_a_running_session_is_drilled_and_quotes_again(tmp_path):
    process = start(tmp_path, "--speed", "1x", "--seed", "3")
    try:
        deadline = monotonic_ns() + DEADLINE_S * NS_PER_SEC
        while not _quotes(tmp_path):
            assert process.poll() is None, process.communicate()
            assert monotonic_ns() < deadline
            time.sleep(0.2)
        done = mmbot(tmp_path, "risk", "drill", "kill", "--json", "--reason", "rehearsal")
        assert done.returncode == 0, done.stdout + done.stderr
        report = json.loads(done.stdout)
        assert report == json.loads((tmp_path / "artifacts" / "KILL_DRILL.json").read_text())
        assert (report["passed"], report["resumed"], report["mode"]) == (True, True, "paper")
        assert report["orders_at_kill"] > 0
        assert (report["orders_left"], report["created_after_gate"]) == (0, 0)
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=DEADLINE_S)
    finally:
        process.kill()
    assert process.returncode == 0, stderr
    assert "kill drill: passed; resumed" in stderr
    ended = mmbot(tmp_path, "risk", "drill", "kill")
    assert ended.returncode == 1
    assert ended.stderr.startswith("E_OPS_NO_SESSION: ")


def _quotes(tmp_path):
    done = mmbot(tmp_path, "status", "--json")
    if not done.stdout.strip().startswith("{"):
        return False
    sessions = json.loads(done.stdout)["sessions"]
    return any(symbol["open_orders"] for one in sessions for symbol in one["symbols"])
