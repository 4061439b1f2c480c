"""Shippers that are killed at any moment leave a store from which the next one goes on."""

import contextlib
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.store.sql.stores import BATCH, busy_session, contents, opened, shipped

from mmbot.clock import sleep_ns
from mmbot.store.journal.retention import is_shipped, unmark_shipped
from mmbot.store.sql.schema import require_schema
from mmbot.store.sql.shipper import ship_session
from mmbot.store.sql.tables import fills, journal_shipping
from mmbot.store.sql.verify import verify_store

VICTIM = Path(__file__).with_name("shipper_victim.py")
KILLS = 25
SEED = 20260101


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    return busy_session(tmp_path_factory.mktemp("journal"), seconds=60)


class Victims:
    """A process that forks shippers; each is killed a moment after some of its batches."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, str(VICTIM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.orders, self.answers = self.process.stdin, self.process.stdout

    def kill_one(self, url, journal, *, after, pause_ns):
        """True if it was killed, False if it was done before."""
        print(url, journal, 100, file=self.orders)
        pid, steps, is_killed = None, 0, False
        for line in iter(self.answers.readline, ""):
            what, _, rest = line.strip().partition(" ")
            if what == "dead":
                return True
            if what == "done":
                assert rest == "0"
                return False
            if what == "pid":
                pid = int(rest)
            else:
                steps += 1
            if pid is not None and steps >= after and not is_killed:
                sleep_ns(pause_ns)
                with contextlib.suppress(ProcessLookupError):  # it was done, its word is on the way
                    os.kill(pid, signal.SIGKILL)
                is_killed = True
        raise AssertionError("the process that forks shippers has ended")

    def close(self):
        self.orders.close()
        assert self.process.wait(30) == 0
        self.answers.close()


@pytest.mark.slow
@pytest.mark.spec("08-5.3", "08-5.4")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills processes it forked")
def test_killed_at_any_moment_and_started_again_the_tables_are_the_same(
    store_url, journal, tmp_path
):
    with shipped(f"sqlite:///{tmp_path}/whole.db", journal) as whole:
        wanted = contents(whole)
    unmark_shipped(journal)
    rng = random.Random(SEED)
    with opened(store_url) as engine:
        require_schema(engine)
        engine.dispose()  # the victims fork; nobody else holds the file
        killed = 0
        with contextlib.closing(Victims()) as victims:
            for _ in range(KILLS):
                after, pause_ns = rng.randrange(3), rng.randrange(12_000_000)
                killed += victims.kill_one(store_url, journal, after=after, pause_ns=pause_ns)
                with engine.connect() as connection:
                    rows = connection.execute(fills.select()).all()
                    places = connection.execute(journal_shipping.select()).all()
                # whole batches only: what is there is a beginning of what will be
                assert {tuple(row) for row in rows} <= set(wanted["fills"])
                assert len(places) <= 1
        assert killed > KILLS // 3, f"{killed} of {KILLS} were killed"
        ship_session(engine, journal, batch_size=BATCH)
        assert contents(engine) == wanted
        assert is_shipped(journal)
        assert list(verify_store(engine)) == []
