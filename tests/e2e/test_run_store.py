"""`mmbot run` and the SQL store: what a session leaves, also one that was killed."""

import os
import signal
import sqlite3

import pytest
from tests.e2e.processes import mmbot, run, start

pytestmark = pytest.mark.xdist_group("run")

FAST = ("--duration", "60s", "--speed", "max", "--seed", "1", "--no-record")


def ask(place, query):
    connection = sqlite3.connect(place / "data" / "mmbot.db")
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


@pytest.mark.spec("08-5.1", "08-5.2")
def test_a_session_leaves_its_orders_and_fills_in_the_embedded_store(tmp_path):
    done = run(tmp_path, *FAST)
    assert done.returncode == 0, done.stderr
    line = done.stdout.splitlines()[-1]
    assert line.startswith("wrote sqlite:///data/mmbot.db events=")
    ((fills,),) = ask(tmp_path, "SELECT count(*) FROM fills")
    assert line.endswith(f" fills={fills}")
    assert fills > 0
    ((session, reason),) = ask(tmp_path, "SELECT session_id, exit_reason FROM sessions")
    assert reason == "duration"
    assert (tmp_path / "data" / "journal" / session / "shipped").is_file()
    assert mmbot(tmp_path, "db", "verify").stdout == "RESULT=OK\n"


def test_a_store_does_not_change_what_a_session_does(tmp_path):
    hashes = []
    for name, more in (("a", ()), ("b", ("--no-store",))):
        place = tmp_path / name
        place.mkdir()
        done = run(place, *FAST, *more)
        assert done.returncode == 0, done.stderr
        hashes += [line for line in done.stdout.splitlines() if "state hash" in line]
        assert (place / "data" / "mmbot.db").exists() == (not more)
    assert hashes[0] == hashes[1]
    shipped = mmbot(tmp_path / "b", "db", "ship")
    assert "| db | OK | sessions=1 records=" in shipped.stdout
    for query in ("SELECT * FROM fills", "SELECT * FROM equity_marks", "SELECT * FROM positions"):
        assert ask(tmp_path / "a", query) == ask(tmp_path / "b", query)


@pytest.mark.slow
@pytest.mark.spec("08-5.4")
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_what_a_killed_session_did_is_shipped_by_the_next_one(tmp_path):
    victim = start(tmp_path, "--speed", "max", "--duration", "10h", "--no-record")
    assert victim.stdout is not None
    assert victim.stderr is not None
    victim.stdout.readline()  # it trades
    victim.stdout.readline()
    os.kill(victim.pid, signal.SIGKILL)
    assert victim.wait() == -signal.SIGKILL
    victim.stdout.close()
    victim.stderr.close()
    shipped = mmbot(tmp_path, "db", "ship")
    assert shipped.returncode == 0, shipped.stderr
    assert mmbot(tmp_path, "db", "verify").stdout == "RESULT=OK\n"
    ((ended,),) = ask(tmp_path, "SELECT ended_ns FROM sessions")
    assert ended is None, "nobody ended it"
    assert ask(tmp_path, "SELECT 1 FROM orders LIMIT 1")
    assert mmbot(tmp_path, "db", "ship").stdout.startswith("| db | OK | sessions=0 ")


@pytest.mark.spec("08-5.5")
def test_production_wants_a_schema_before_it_trades_and_is_told_of_sqlite(tmp_path):
    refused = run(tmp_path, *FAST, MM_ENV="prod")
    assert refused.returncode == 1
    lines = refused.stderr.splitlines()
    assert "| storage | WARN | sqlite_in_prod |" in lines
    assert lines[-1].startswith("E_STORE_SCHEMA:none:0001: storage.url ")
    assert mmbot(tmp_path, "db", "upgrade").returncode == 0
    assert run(tmp_path, *FAST, MM_ENV="prod").returncode == 0


def test_a_store_that_cannot_be_reached_keeps_a_session_from_starting(tmp_path):
    url = "storage.url=postgresql+psycopg://market_maker@127.0.0.1:1/market_maker"
    missing = run(tmp_path, *FAST, "--set", url)
    assert missing.returncode == 1
    assert missing.stderr.splitlines()[-1].startswith("E_CFG_SECRET: STORAGE_PG_PASSWORD ")
    away = run(tmp_path, *FAST, "--set", url, STORAGE_PG_PASSWORD="secret words")
    assert away.returncode == 1
    assert away.stderr.splitlines()[-1].startswith("E_STORE_SQL: schema ")
    assert "secret words" not in away.stderr + away.stdout
    assert run(tmp_path, *FAST, "--set", url, "--no-store").returncode == 0
