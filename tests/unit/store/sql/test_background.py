"""The shipper beside a session: it follows, outlives a database that is gone, and tidies up."""

import os
import shutil

import pytest
from sqlalchemy import text
from tests.unit.store.sql.stores import busy_session, contents, opened, shipped

from mmbot.clock import monotonic_ns, sleep_ns, wall_ns
from mmbot.store.journal import JournalWriter, mark_shipped
from mmbot.store.journal.retention import is_shipped
from mmbot.store.sql.background import BackgroundShipper, ShipperPlan
from mmbot.store.sql.verify import verify_store
from mmbot.units import NS_PER_DAY, NS_PER_MS, NS_PER_SEC

_PATIENCE_NS = 60 * NS_PER_SEC


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    return busy_session(tmp_path_factory.mktemp("journal"), seconds=20)


def plan_of(session):
    return ShipperPlan(
        session=session,
        batch_size=100,
        flush_ms=50,
        keep_days=14,
        events_dir=session.parent.parent / "order_events",
        events_keep_days=90,
    )


def until(holds):
    """Waits for what a thread is to do."""
    end_ns = monotonic_ns() + _PATIENCE_NS
    while not holds():
        assert monotonic_ns() < end_ns, "it never came"
        sleep_ns(5 * NS_PER_MS)


def in_pieces(journal, count):
    data = (journal / "0.mmj").read_bytes()
    size = len(data) // count + 1
    return [data[at : at + size] for at in range(0, len(data), size)]


def append(session, data):
    with (session / "0.mmj").open("ab") as file:
        file.write(data)


@pytest.mark.spec("08-5.1", "08-5.5")
def test_it_follows_a_session_while_it_is_written_and_marks_it_when_it_is_closed(
    store_url, journal, tmp_path
):
    with shipped(f"sqlite:///{tmp_path}/alone.db", journal) as alone:
        wanted = contents(alone)
    records = wanted["journal_shipping"][0][1]
    with opened(store_url) as engine:
        writer = JournalWriter(tmp_path / "j", "s-1", fsync_ms=0)
        shipper = BackgroundShipper(engine, plan_of(writer.path), lambda: records)
        with shipper:
            assert shipper.lag_records() == records
            for piece in in_pieces(journal, 5):
                before = shipper.lag_records()
                append(writer.path, piece)
                until(lambda before=before: shipper.lag_records() < before)
            until(lambda: shipper.lag_records() == 0)
            assert not is_shipped(writer.path)
            writer.close()
        assert shipper.error is None
        assert is_shipped(writer.path)
        assert shipper.metrics.flush_ms.count >= 5
    with opened(store_url) as engine:
        assert contents(engine) == wanted


@pytest.mark.spec("08-5.4")
def test_while_the_database_refuses_the_lag_grows_and_nothing_is_lost(store_url, journal, tmp_path):
    with shipped(f"sqlite:///{tmp_path}/alone.db", journal) as alone:
        wanted = contents(alone)
    records = wanted["journal_shipping"][0][1]
    with opened(store_url) as engine, opened(store_url) as other:
        with other.begin() as connection:
            connection.execute(text("ALTER TABLE order_events RENAME TO gone"))
        writer = JournalWriter(tmp_path / "j", "s-1", fsync_ms=0)
        with BackgroundShipper(engine, plan_of(writer.path), lambda: records) as shipper:
            append(writer.path, (journal / "0.mmj").read_bytes())
            until(lambda: shipper.metrics.write_fail_total >= 2)
            error = shipper.error
            assert error is not None
            assert error.code == "E_STORE_SQL"
            assert shipper.lag_records() == records
            with other.begin() as connection:
                connection.execute(text("ALTER TABLE gone RENAME TO order_events"))
            until(lambda: shipper.lag_records() == 0)
            assert shipper.error is None
            writer.close()
        assert is_shipped(writer.path)
    with opened(store_url) as engine:
        assert contents(engine) == wanted


def test_a_database_that_stays_away_leaves_the_journal_for_later(store_url, journal, tmp_path):
    session = tmp_path / "j" / "s-1"
    shutil.copytree(journal, session)
    (session / "shipped").unlink(missing_ok=True)
    with opened(store_url) as engine, opened(store_url) as other:
        with other.begin() as connection:
            connection.execute(text("ALTER TABLE orders RENAME TO gone"))
        shipper = BackgroundShipper(engine, plan_of(session), lambda: 100)
        with shipper:
            until(lambda: shipper.metrics.write_fail_total >= 1)
        assert shipper.lag_records() == 100
        assert not is_shipped(session)


@pytest.mark.spec("08-5.2")
def test_it_ships_what_dead_sessions_left_and_removes_old_journals_that_are_shipped(
    store_url, journal, tmp_path
):
    root = tmp_path / "j"
    dead = busy_session(root, session="dead", seconds=5)
    with (dead / "0.mmj").open("r+b") as file:
        file.truncate((dead / "0.mmj").stat().st_size - 3)
    running = JournalWriter(root, "running", fsync_ms=0)
    old = root / "old"
    shutil.copytree(journal, old)
    mark_shipped(old, next_seq=1)
    long_ago = (wall_ns() - 15 * NS_PER_DAY) // NS_PER_SEC
    for path in old.iterdir():
        os.utime(path, (long_ago, long_ago))
    writer = JournalWriter(root, "s-1", fsync_ms=0)
    with (
        opened(store_url) as engine,
        BackgroundShipper(engine, plan_of(writer.path), lambda: 0) as shipper,
    ):
        until(lambda: is_shipped(dead))
        until(lambda: not old.exists())
        assert shipper.error is None
        assert not is_shipped(running.path), "it is another's to ship"
        writer.close()
    running.close()
    with opened(store_url) as engine:
        found = contents(engine)
        assert [row[0] for row in found["sessions"]] == ["dead"]
        assert list(verify_store(engine)) == []
