"""`mmbot stop`: which session, what it is told, and what its stages mean for the exit code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest
from tests.unit.trading.live.states import NOW, session_state
from typer.testing import CliRunner

from mmbot.cli.stop import app
from mmbot.clock import wall_ns
from mmbot.errors import ConfigError
from mmbot.trading.live.state_file import (
    StageMark,
    process_token,
    read_stop_order,
    write_state,
)

_SLEEPER = """
import signal, time
signal.signal(signal.SIGTERM, lambda *_: None)
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("ARTIFACTS_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def session(place):
    """A process that stands for a session: it takes the signal and goes on until it is killed."""
    process = subprocess.Popen([sys.executable, "-c", _SLEEPER], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    made = session_state(
        session="s-1",
        pid=process.pid,
        process=process_token(process.pid) or "",
        mode="live",
        heartbeat_ns=wall_ns(),
        stages=(StageMark("starting", NOW), StageMark("trading", NOW)),
    )
    write_state(made)
    yield process, made
    process.kill()
    process.communicate()


def ends(made, *marks, unconfirmed=0):
    """Write the stages of an end, once there is an order, as a session would."""

    def write():
        while read_stop_order("s-1") is None:
            time.sleep(0.01)
        stages = made.stages
        for mark in marks:
            time.sleep(0.05)
            stages = (*stages, mark)
            is_over = mark.stage == "ended"
            write_state(
                replace(
                    made,
                    heartbeat_ns=wall_ns(),
                    stages=stages,
                    unconfirmed_orders=unconfirmed,
                    exit_code=int(bool(unconfirmed)) if is_over else None,
                )
            )

    thread = threading.Thread(target=write)
    thread.start()
    return thread


def marks(*names):
    return [StageMark(name, NOW, text) for name, text in names]


ORDERLY = marks(
    ("gate_closed", ""), ("drained", "left=2"), ("verified", "left=0"), ("ended", "exit=0")
)


def run(*args):
    return CliRunner().invoke(app, args)


@pytest.mark.spec("09-1")
def test_its_stages_are_printed_as_they_come(session):
    _, made = session
    thread = ends(made, *ORDERLY)
    done = run()
    thread.join()
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "| stop | GATE_CLOSED |  |",
        "| stop | DRAINED | left=2 |",
        "| stop | VERIFIED | left=0 |",
        "| stop | ENDED | exit=0 |",
    ]
    order = read_stop_order("s-1")
    assert order is not None
    assert not order.keep_orders


@pytest.mark.spec("09-1")
def test_orders_are_kept_if_that_is_asked_for(session):
    _, made = session
    thread = ends(made, *ORDERLY)
    assert run("--keep-orders", "--session", "s-1").exit_code == 0
    thread.join()
    order = read_stop_order("s-1")
    assert order is not None
    assert order.keep_orders


@pytest.mark.spec("09-1")
def test_unconfirmed_orders_are_exit_code_2(session):
    _, made = session
    thread = ends(made, *marks(("gate_closed", ""), ("ended", "exit=1")), unconfirmed=3)
    done = run()
    thread.join()
    assert done.exit_code == 2
    assert "E_EXEC_STOP_ORDERS: 3" in done.stderr


@pytest.mark.spec("09-1")
def test_a_session_that_dies_or_does_not_end_is_exit_code_2(session):
    process, _ = session
    late = run("--timeout", "1s")
    assert (late.exit_code, "has not ended" in late.stderr) == (2, True)
    killer = threading.Timer(0.3, lambda: os.kill(process.pid, signal.SIGKILL))
    killer.start()
    reaper = threading.Thread(target=process.wait)
    reaper.start()
    died = run()
    killer.join()
    reaper.join()
    assert (died.exit_code, "died on the way" in died.stderr) == (2, True)


def test_without_a_session_there_is_nothing_to_stop(place):
    error = run().exception
    assert isinstance(error, ConfigError)
    assert error.code == "E_OPS_NO_SESSION"


def test_a_paper_session_has_no_orders_to_keep(session):
    _, made = session
    write_state(replace(made, mode="paper"))
    error = run("--keep-orders").exception
    assert isinstance(error, ConfigError)
    assert error.code == "E_CFG_CONFLICT"
