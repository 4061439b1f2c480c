"""Order events that are old move into files; everything else stays."""

import pyarrow.parquet as pq
import pytest
from sqlalchemy import select
from tests.unit.store.sql.stores import BATCH, busy_session, contents, shipped

from mmbot.errors import StoreError
from mmbot.store.sql.event_retention import prune_order_events
from mmbot.store.sql.shipper import ship_session
from mmbot.store.sql.tables import sessions
from mmbot.store.sql.verify import verify_store
from mmbot.units import NS_PER_DAY, NS_PER_SEC


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    return busy_session(tmp_path_factory.mktemp("journal"), seconds=20)


def created_ns(engine):
    with engine.connect() as connection:
        return connection.execute(select(sessions.c.created_ns)).scalar_one()


def files_of(directory):
    return sorted(path.name for path in directory.glob("*"))


@pytest.mark.spec("08-5.2")
def test_events_older_than_the_limit_move_and_what_stays_has_no_gap(store_url, journal, tmp_path):
    with shipped(store_url, journal) as engine:
        before = contents(engine)
        began_ns = created_ns(engine)
        half_ns = began_ns + 90 * NS_PER_DAY + 10 * NS_PER_SEC
        moved = prune_order_events(engine, tmp_path / "e", keep_days=90, now_ns=half_ns)
        after = contents(engine)
        assert 0 < moved < len(before["order_events"])
        assert len(after["order_events"]) == len(before["order_events"]) - moved
        assert {**after, "order_events": None} == {**before, "order_events": None}
        assert list(verify_store(engine)) == []
        assert prune_order_events(engine, tmp_path / "e", keep_days=90, now_ns=half_ns) == 0
        rest = prune_order_events(engine, tmp_path / "e", keep_days=90, now_ns=half_ns + NS_PER_DAY)
        assert files_of(tmp_path / "e") == ["s-1-0.parquet", f"s-1-{moved}.parquet"]
        tables = [pq.read_table(path) for path in (tmp_path / "e").glob("*.parquet")]
        rows = {tuple(row.values()) for table in tables for row in table.to_pylist()}
        assert len(rows) == moved + rest
        assert rows == set(before["order_events"])
        assert list(verify_store(engine)) == []
        ship_session(engine, journal, batch_size=BATCH)
        assert contents(engine)["order_events"] == [], "they do not come back"


def test_the_age_is_that_of_the_machine_not_of_the_recording(store_url, journal, tmp_path):
    with shipped(store_url, journal) as engine:
        now_ns = created_ns(engine) + 89 * NS_PER_DAY
        assert prune_order_events(engine, tmp_path / "e", keep_days=90, now_ns=now_ns) == 0
        assert not (tmp_path / "e").exists()


def test_a_file_that_cannot_be_written_leaves_the_events(store_url, journal, tmp_path):
    (tmp_path / "e").write_text("in the way")
    with shipped(store_url, journal) as engine:
        before = contents(engine)
        now_ns = created_ns(engine) + 91 * NS_PER_DAY
        with pytest.raises(StoreError, match="E_STORE_DISK"):
            prune_order_events(engine, tmp_path / "e", keep_days=90, now_ns=now_ns)
        assert contents(engine) == before
