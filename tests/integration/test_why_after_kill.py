"""A session that is killed between two records still explains its last orders from checkpoints."""

import os
import signal
import subprocess
import sys

import pytest

from mmbot.clock import sleep_ns
from mmbot.store.journal import Checkpoints, JournalReader
from mmbot.trading.explain import explain
from mmbot.trading.replaying import replay_journal
from mmbot.units import NS_PER_MS

START = "from mmbot.cli.app import main; main()"
RUN = ("run", "--headless", "--speed", "max", "--duration", "24h", "--seed", "6", "--symbol")
EVERY_2_S = ("--set", "journal.snapshot_interval_s=2")
CHECKPOINTS = 40


def killed_session(directory):
    """The journal of a session that was killed when it had some checkpoints."""
    process = subprocess.Popen(
        [sys.executable, "-c", START, *RUN, "BTCUSDT", *EVERY_2_S],
        cwd=directory,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(6_000):
            found = list((directory / "data").glob("journal/*/checkpoints.mmi"))
            if found and len(Checkpoints(found[0].parent).index) >= CHECKPOINTS:
                return found[0].parent
            assert process.poll() is None, "it runs for much longer"
            sleep_ns(10 * NS_PER_MS)
        raise AssertionError("no checkpoints in a minute")
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait(30)


@pytest.mark.slow
@pytest.mark.spec("09-2", "08-5.4")
def test_orders_of_a_killed_session_are_explained_from_its_checkpoints(tmp_path):
    session = killed_session(tmp_path)
    assert replay_journal(session).diff_seq is None
    intents = list(JournalReader(session).records(kinds=["intent"]))
    orders = sorted({one["full_cid"] for one in intents})
    asked = [*orders[-5:], *orders[:: len(orders) // 10]]
    found = [explain(session, order=number) for number in asked]
    for file in (*session.glob("*.mms"), session / "checkpoints.mmi"):
        file.unlink()
    assert found == [explain(session, order=number) for number in asked]
