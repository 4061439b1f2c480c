"""However a journal is cut, batched and repeated, the tables are the same."""

import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.store.sql.stores import busy_session, contents, opened, shipped

from mmbot.store.journal import JournalReader
from mmbot.store.sql.engine import open_engine
from mmbot.store.sql.schema import upgrade_schema
from mmbot.store.sql.shipper import SessionShipper
from mmbot.store.sql.tables import METADATA
from mmbot.store.sql.verify import verify_store


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    path = busy_session(tmp_path_factory.mktemp("journal"), seconds=12)
    assert JournalReader(path).scan().counts["report"] > 50
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory, journal):
    """What the whole journal leads to, shipped at once."""
    url = f"sqlite:///{tmp_path_factory.mktemp('whole')}/whole.db"
    with shipped(url, journal) as engine:
        return contents(engine)


@st.composite
def ways(draw):
    """Where the journal ends for each shipper in turn, with its batch size and its last step."""
    cuts = sorted(draw(st.lists(st.floats(0, 1), max_size=4)))
    one = st.tuples(st.sampled_from([1, 7, 100, 10_000]), st.integers(1, 40))
    return [(cut, *draw(one)) for cut in [*cuts, 1.0]]


def _empty(engine):
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET session_replication_role = replica")
            for table in METADATA.sorted_tables:
                connection.exec_driver_sql(f"DELETE FROM {table.name}")
            connection.commit()


def _ship_in_pieces(engine, journal, copy, way):
    data = (journal / "0.mmj").read_bytes()
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir(parents=True)
    for cut, batch_size, steps in way:
        (copy / "0.mmj").write_bytes(data[: round(cut * len(data))])
        with SessionShipper(engine, copy, batch_size=batch_size) as shipper:
            # a shipper that ends early is one that was stopped
            for _ in range(steps):
                if not shipper.step():
                    break
    with SessionShipper(engine, copy, batch_size=333) as shipper:
        while shipper.step():
            pass
        assert shipper.finish()


@pytest.mark.slow
@pytest.mark.spec("08-5.3")
@settings(max_examples=25)
@given(way=ways())
def test_pieces_batches_and_shippers_do_not_show_in_sqlite(tmp_path_factory, journal, whole, way):
    root = tmp_path_factory.mktemp("pieces")
    engine = open_engine(f"sqlite:///{root}/a.db")
    upgrade_schema(engine)
    _ship_in_pieces(engine, journal, root / "s-1", way)
    assert contents(engine) == whole
    assert list(verify_store(engine)) == []
    engine.dispose()
    shutil.rmtree(root)


@pytest.mark.slow
@pytest.mark.spec("08-5.3")
@pytest.mark.xdist_group("pg")
def test_pieces_batches_and_shippers_do_not_show_in_postgresql(
    postgres, monkeypatch, tmp_path, journal, whole
):
    monkeypatch.setenv("STORAGE_PG_PASSWORD", postgres.password)
    with opened(postgres.url()) as engine:

        @settings(max_examples=10)
        @given(way=ways())
        def check(way):
            _empty(engine)
            _ship_in_pieces(engine, journal, tmp_path / "s-1", way)
            assert contents(engine) == whole

        check()
