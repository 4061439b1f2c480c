"""`mmbot config history` and `rollback`, with and without a session that listens."""

import json
import threading
from pathlib import Path

import pytest

from mmbot.cli.app import run_cli
from mmbot.config import ConfigRequest, RuntimeConfig
from mmbot.config.runtime import POLL_NS
from mmbot.store.artifacts import write_bytes

VALUES = Path("artifacts/config/runtime_values.json")
OVERRIDES = Path("artifacts/soak/runtime_overrides.json")


@pytest.fixture
def mmbot(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ARTIFACTS_DIR", raising=False)
    Path("config").mkdir()
    Path("config/app.yaml").write_text("trading: {symbols: [BTCUSDT]}\n")

    def run(*args):
        code = run_cli(["config", *args])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def session():
    run = RuntimeConfig.start(ConfigRequest(env={"MM_FREEZE_UTC": "1"}), lambda _line: None)
    run.patch({"risk.max_position_usd": 6, "tail_age_ms": 500}, origin="admin", reason="smaller")
    return run


class Listening:
    """A session that polls in a thread of its own, as fast as it can."""

    def __init__(self, run):
        self.run = run
        self.changes = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._poll)

    def _poll(self):
        now_ns = 0
        while not self._stop.wait(0.01):
            now_ns += POLL_NS
            self.changes += self.run.poll(now_ns)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()


def test_history_lists_versions_newest_last(mmbot):
    assert mmbot("history")[1].startswith("no version yet")
    session()
    code, out, err = mmbot("history")
    assert (code, err) == (0, "")
    first, second = out.splitlines()
    assert first.split()[:4] == ["1", "1970-01-01T00:00:00Z", "start", "start"]
    assert second.endswith("smaller  latency_boost.tail_batch.tail_age_ms,risk.max_position_usd")
    body = json.loads(mmbot("history", "--json", "--limit", "1")[1])
    assert [(item["version"], item["origin"]) for item in body] == [(2, "admin")]


def test_a_rollback_shows_what_changes_and_a_dry_run_writes_nothing(mmbot):
    session()
    before = (VALUES.read_bytes(), OVERRIDES.read_bytes())
    code, out, err = mmbot("rollback", "--dry-run")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "risk.max_position_usd: 6.000000 -> 10000.000000",
        "latency_boost.tail_batch.tail_age_ms: 500 -> 800",
        "[OK] Dry run complete - version 1 not applied",
    ]
    assert (VALUES.read_bytes(), OVERRIDES.read_bytes()) == before


def test_a_running_session_takes_the_rollback_and_answers(mmbot):
    run = session()
    start = run.history[0].old
    with Listening(run) as listening:
        code, out, err = mmbot("rollback", "--wait", "20")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "| config | ROLLBACK | to=1 changed=2 version=3 |"
    assert [change.reason for change in listening.changes] == ["rollback to 1"]
    assert run.config == start
    assert json.loads(OVERRIDES.read_text()) == {}
    # Twice is back again.
    with Listening(run):
        assert mmbot("rollback", "--wait", "20")[0] == 0
    assert run.config.risk.max_position_usd == 6.0


def test_a_session_that_refuses_says_why(mmbot, monkeypatch):
    run = session()
    # Another session of the same directory has made a version that this one does not know.
    number = run._records.store.read(2)
    run._records.store.write(type(number)(**{**vars_of(number), "version": 3, "values": {}}))
    run._records.store.write(type(number)(**{**vars_of(number), "version": 4}))
    with Listening(run):
        code, _, err = mmbot("rollback", "1", "--wait", "20")
    assert code == 1
    assert "E_CFG_CONFLICT: version=1 refused: E_CFG_CONFLICT: runtime_values.json" in err
    assert run.config.risk.max_position_usd == 6.0


def vars_of(version):
    return {name: getattr(version, name) for name in type(version).__slots__}


def test_without_a_session_the_next_one_starts_from_the_parameters(mmbot):
    session()
    before = VALUES.read_bytes()
    code, out, err = mmbot("rollback", "--wait", "0")
    assert (code, err) == (0, "")
    assert "no session is running" in out
    assert "other keys come from file and options at the next start: risk.max_position_usd" in out
    assert json.loads(OVERRIDES.read_text()) == {}
    assert VALUES.read_bytes() == before


def test_what_needs_a_restart_is_named_and_left_alone(mmbot):
    session()
    Path("config/app.yaml").write_text("trading: {symbols: [ETHUSDT]}\n")
    session()
    out = mmbot("rollback", "1", "--dry-run")[1]
    assert "trading.symbols: ETHUSDT -> BTCUSDT  (needs a restart: not rolled back)\n" in out


def test_nothing_to_return_to(mmbot):
    assert mmbot("rollback")[2].startswith("E_CFG_MISSING: artifacts/config/versions holds no")
    RuntimeConfig.start(ConfigRequest(env={}), lambda _line: None)
    assert mmbot("rollback")[2] == "E_CFG_MISSING: version=1 has no version before it\n"
    assert mmbot("rollback", "7")[2].startswith("E_CFG_MISSING: version=7 does not exist")
    assert mmbot("rollback", "1")[1] == "| config | ROLLBACK | to=1 changed=0 |\n"


def test_an_answer_that_comes_as_soon_as_the_values_lie_there_is_not_missed(mmbot, monkeypatch):
    run = session()

    def answered_at_once(path, data):
        write_bytes(path, data)
        if path == run._records.store.values_path and b'"operator"' in data:
            run.poll(POLL_NS)

    monkeypatch.setattr("mmbot.config.versions.write_bytes", answered_at_once)
    code, out, err = mmbot("rollback", "--wait", "0")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "| config | ROLLBACK | to=1 changed=2 version=3 |"
