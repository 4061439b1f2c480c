"""`mmbot run`, `mmbot replay` and `mmbot why` as a user types them."""

import json
import os
import subprocess
import sys

import pytest

from mmbot.cli.app import run_cli
from mmbot.ids import base36
from mmbot.store.journal import JournalReader


@pytest.fixture
def cli(capsys, tmp_path, monkeypatch):
    """Runs a command line in an empty directory; returns exit code, output and errors."""
    monkeypatch.chdir(tmp_path)

    def cli(*args):
        code = run_cli([str(arg) for arg in args])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return cli


START = "from mmbot.cli.app import main; main()"
RUN = ("run", "--headless", "--speed", "max", "--duration", "6s", "--seed", "4")


def session_in(directory):
    (session,) = (directory / "data" / "journal").iterdir()
    return session


@pytest.mark.spec("08-5.4", "09-2")
def test_a_run_can_be_replayed_and_its_orders_explained(cli, tmp_path):
    code, out, _ = cli(*RUN)
    session = session_in(tmp_path)
    assert code == 0
    assert f"wrote data/journal/{session.name}" in out
    code, out, _ = cli("replay", session.name)
    assert code == 0
    assert out.startswith("| replay | OK | events=")
    intent = next(JournalReader(session).records(kinds=["intent"]))
    prefix = JournalReader(session).header()["cid_prefix"]
    order_id = f"{prefix}{base36(intent['full_cid'])}"
    code, out, _ = cli("why", order_id)
    assert code == 0
    assert out.isascii()
    assert out.startswith(f"order {order_id} (number {intent['full_cid']}), BTCUSDT\nplace ")
    for heading in ("market", "spread", "skew", "center", "checks", "parameters in force"):
        assert f"\n{heading}" in out
    code, out, _ = cli("why", intent["full_cid"], "--session", session, "--json")
    found = json.loads(out)
    assert (code, found["order_id"]) == (0, order_id)
    assert found["requests"][0]["seq"] == intent["seq"]


@pytest.mark.spec("09-2")
def test_a_moment_is_explained_by_its_last_decision(cli):
    cli(*RUN)
    code, out, _ = cli("why", "--at", "2026-01-01T00:00:03Z", "--symbol", "btcusdt")
    assert code == 0
    assert out.startswith("BTCUSDT: the last decision by then\ndecided 2026-01-01T00:00:02.")
    code, out, _ = cli("why", "--at", "2026-01-01T00:00:03Z", "--symbol", "BTCUSDT", "--json")
    assert json.loads(out)["requests"] == []


def test_without_a_journal_there_is_nothing_to_explain(cli, tmp_path):
    code, out, _ = cli(*RUN, "--no-journal")
    assert code == 0
    assert "data/journal" not in out
    assert not (tmp_path / "data" / "journal").exists()
    code, _, err = cli("why", "1")
    assert (code, err.split(":")[0]) == (1, "E_CFG_MISSING")


@pytest.mark.parametrize(
    "args", [(), ("1", "--at", "2026-01-01"), ("--symbol", "X"), ("1", "--symbol", "X")]
)
def test_a_question_is_an_order_or_a_moment_of_a_symbol(cli, args):
    code, _, err = cli("why", *args)
    assert (code, err.split(":")[0]) == (1, "E_CFG_MISSING")


@pytest.mark.spec("08-5.4")
def test_replay_tells_damage_by_its_exit_code(cli, tmp_path):
    cli(*RUN)
    path = session_in(tmp_path) / "0.mmj"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    code, out, err = cli("replay", path.parent)
    assert (code, out, err.split(":")[0]) == (1, "", "E_STORE_JOURNAL")
    code, _, err = cli("why", "1")
    assert (code, err.split(":")[0]) == (1, "E_STORE_JOURNAL")


@pytest.mark.slow
def test_two_processes_write_the_same_journal_byte_for_byte(tmp_path):
    written = []
    for name in ("one", "two"):
        directory = tmp_path / name
        directory.mkdir()
        subprocess.run(
            [sys.executable, "-c", START, *RUN, "--symbol", "BTCUSDT"],
            cwd=directory,
            env=os.environ | {"MM_FREEZE_UTC": "1"},
            check=True,
            capture_output=True,
            timeout=120,
        )
        session = session_in(directory)
        files = ("0.mmj", "0.mms", "checkpoints.mmi")
        written.append((session.name, [(session / name).read_bytes() for name in files]))
    assert written[0] == written[1]
