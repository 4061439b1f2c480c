"""`mmbot watchdog` beside a session that is killed, on the local exchange."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.conformance.conftest import MMBOT, serving
from tests.integration.watchdog.session_victim import open_venue, resting

from mmbot.clock import monotonic_ns
from mmbot.units import NS_PER_SEC

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("conformance"),
    pytest.mark.skipif(sys.platform == "win32", reason="kills by signal"),
]

ROOT = Path(__file__).parents[3]
TIMEOUT_S = 2.0
PATIENCE_S = 60
OWN = 3
FOREIGN = "by-hand-1"
BOT = "mmtest"


def environment(directory: Path, venue, **more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MM_", "BYBIT_", "WATCHDOG_"))}
    return {
        **kept,
        "ARTIFACTS_DIR": str(directory / "artifacts"),
        "PYTHONPATH": str(ROOT),
        "MM_CFG__bybit__environment": "custom",
        "MM_CFG__bybit__rest_url": venue.rest,
        "MM_CFG__bybit__stream_url": venue.rest.replace("http", "ws"),
        "MM_CFG__watchdog__timeout_s": str(TIMEOUT_S),
        "MM_CFG__storage__journal_dir": str(directory / "journal"),
        "WATCHDOG_API_KEY": "mmbot-local-watchdog-1",
        "WATCHDOG_API_SECRET": "mmbot-local-watchdog-secret-1",
        **more,
    }


class Program:
    """A child process whose lines are read as they come."""

    def __init__(self, command: list[str], env: dict[str, str], directory: Path) -> None:
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            command,
            cwd=directory,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._came = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._came:
                self.lines.append(line.rstrip("\n"))
                self._came.notify_all()

    def wait_for(self, text: str, *, count: int = 1) -> str:
        def found() -> list[str]:
            return [line for line in self.lines if text in line]

        with self._came:
            is_there = self._came.wait_for(lambda: len(found()) >= count, PATIENCE_S)
        assert is_there, (text, self.lines)
        return found()[count - 1]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join(PATIENCE_S)

    def close(self) -> None:
        self.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        return code


@contextmanager
def running(command: list[str], env: dict[str, str], directory: Path) -> Iterator[Program]:
    program = Program(command, env, directory)
    try:
        yield program
    finally:
        program.close()


@contextmanager
def session(env: dict[str, str], directory: Path) -> Iterator[Program]:
    arguments = [env["MM_CFG__bybit__rest_url"], env["MM_CFG__bybit__stream_url"], str(OWN)]
    command = [sys.executable, "-m", "tests.integration.watchdog.session_victim", *arguments]
    with running(command, env, directory) as program:
        program.wait_for("ready")
        yield program


def watchdog(env: dict[str, str], directory: Path, *options: str):
    return running([*MMBOT, "watchdog", *options], env, directory)


@pytest.fixture
def place(tmp_path):
    with serving(tmp_path, "--symbols", "BTCUSDT", "--regime", "calm") as venue:
        yield venue


def cids(venue) -> list[str]:
    """Client ids of all open orders of the account, by the session's own key."""

    async def ask():
        port = open_venue(venue.rest, venue.rest.replace("http", "ws"), BOT)
        rows = await port.open_orders()
        await port.aclose()
        return sorted(row.cid for row in rows)

    return asyncio.run(ask())


def place_foreign(venue) -> None:
    async def ask():
        port = open_venue(venue.rest, venue.rest.replace("http", "ws"), "by")
        await port.create(resting(FOREIGN))
        while not await port.open_orders():
            await asyncio.sleep(0.05)
        await port.aclose()

    asyncio.run(ask())


@pytest.mark.spec("09-1")
def test_the_orders_of_a_killed_session_are_gone_and_a_foreign_one_stays(place, tmp_path):
    place_foreign(place)
    env = environment(tmp_path, place)
    with watchdog(env, tmp_path) as dog, session(env, tmp_path) as victim:
        dog.wait_for("| watchdog | READY |")
        assert len(cids(place)) == OWN + 1
        victim.kill()
        start_ns = monotonic_ns()
        cleared = dog.wait_for("| watchdog | CLEAR |")
        took_s = (monotonic_ns() - start_ns) / NS_PER_SEC
        assert cids(place) == [FOREIGN]
        assert took_s <= TIMEOUT_S + 2
        assert f"cancelled={OWN} left=0 foreign=1" in cleared
        assert dog.interrupt() == 0
        assert "| watchdog | STOPPED |" in dog.lines[-1]
    left = json.loads((tmp_path / "artifacts" / "WATCHDOG.json").read_text())
    assert left["counters"]["watchdog_triggers_total"] == 1
    assert left["counters"]["watchdog_cancelled_total"] == OWN
    assert "watchdog_cancelled_total 3\n" in (tmp_path / "artifacts/watchdog.prom").read_text()
    alerts = (tmp_path / "artifacts" / "alerts.log").read_text().splitlines()
    kinds = [json.loads(line)["kind"] for line in alerts]
    assert kinds == ["watchdog_triggered", "watchdog_cleared"]


@pytest.mark.spec("09-1")
def test_a_session_that_hangs_loses_its_orders_and_gets_them_back_when_it_beats_again(
    place, tmp_path
):
    env = environment(tmp_path, place)
    with watchdog(env, tmp_path) as dog, session(env, tmp_path) as victim:
        dog.wait_for("READY")
        victim.process.send_signal(signal.SIGSTOP)
        dog.wait_for("CLEAR")
        assert cids(place) == []
        victim.process.send_signal(signal.SIGCONT)
        dog.wait_for("RECOVERED")


def test_a_session_that_was_dead_before_is_cared_for_at_once_and_twice_is_as_good_as_once(
    place, tmp_path
):
    env = environment(tmp_path, place)
    place_foreign(place)
    with session(env, tmp_path) as victim:
        victim.kill()
    with watchdog(env, tmp_path) as one, watchdog(env, tmp_path) as other:
        one.wait_for("CLEAR")
        other.wait_for("CLEAR")
        assert cids(place) == [FOREIGN]
    with watchdog(env, tmp_path, "--once") as again:
        assert again.process.wait(PATIENCE_S) == 0
        again.wait_for("watchdog_cancelled_total=0")


def test_storms_of_the_venue_delay_the_watchdog_and_do_not_end_it(tmp_path):
    faults = "".join(
        f"- {{at_ms: {at}, kind: {kind}, duration_ms: 1500}}\n"
        for at in range(8000, 60_000, 4000)
        for kind in ("rate_limit",)
    )
    path = tmp_path / "faults.yaml"
    path.write_text(faults + "- {at_ms: 9500, kind: drop, stream: rest, count: 3}\n")
    options = ("--symbols", "BTCUSDT", "--regime", "calm", "--faults", str(path))
    with serving(tmp_path, *options) as venue:
        env = environment(tmp_path, venue)
        with watchdog(env, tmp_path) as dog, session(env, tmp_path) as victim:
            dog.wait_for("READY")
            victim.kill()
            dog.wait_for("left=0")
            with watchdog(env, tmp_path, "--once") as again:
                assert again.process.wait(PATIENCE_S) == 0


def test_the_sessions_own_key_is_refused_and_so_is_a_wrong_one(place, tmp_path):
    def ends_with(**more: str) -> tuple[int, str]:
        env = environment(tmp_path, place, **more)
        done = subprocess.run(
            [*MMBOT, "watchdog"], env=env, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stderr

    code, said = ends_with(BYBIT_API_KEY="mmbot-local-watchdog-1")
    assert (code, said.split(":")[0]) == (1, "E_CFG_SECRET")
    code, said = ends_with(WATCHDOG_API_KEY="")
    assert (code, said.split(":")[0]) == (1, "E_CFG_SECRET")
    code, said = ends_with(WATCHDOG_API_SECRET="a-wrong-secret")
    assert (code, said.split(":")[0]) == (1, "E_VENUE_CALL")
    assert "a-wrong-secret" not in said


@pytest.mark.spec("09-1")
def test_the_venue_itself_cancels_when_session_and_watchdog_are_gone_together(place, tmp_path):
    env = environment(tmp_path, place, MM_CFG__watchdog__venue_protection_s="3")
    with watchdog(env, tmp_path) as dog, session(env, tmp_path) as victim:
        dog.wait_for("| watchdog | PROTECTED | venue_window_s=3 |")
        dog.kill()
        victim.kill()
        deadline_ns = monotonic_ns() + PATIENCE_S * NS_PER_SEC
        while left := cids(place):
            assert monotonic_ns() < deadline_ns, left
            time.sleep(0.5)
