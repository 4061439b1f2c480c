"""Fills and ledger entries are never changed, by nobody, on no backend."""

import pytest
from sqlalchemy import text
from tests.unit.store.sql.stores import busy_session, contents, shipped

from mmbot.errors import StoreError
from mmbot.store.sql.engine import sql_errors


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    return busy_session(tmp_path_factory.mktemp("journal"), seconds=20)


@pytest.mark.spec("08-5.3")
def test_changing_or_deleting_fills_and_ledger_entries_is_refused(store_url, journal):
    with shipped(store_url, journal) as engine:
        before = contents(engine)
        statements = [
            "UPDATE fills SET price = '1'",
            "DELETE FROM fills",
            "UPDATE ledger_entries SET amount = '0'",
            "DELETE FROM ledger_entries WHERE kind = 'trade'",
        ]
        if engine.dialect.name == "postgresql":
            statements += ["TRUNCATE fills", "TRUNCATE ledger_entries"]
        for statement in statements:
            with (
                pytest.raises(StoreError, match="is append-only: corrections are adjustment"),
                sql_errors("change"),
                engine.begin() as connection,
            ):
                connection.execute(text(statement))
        assert contents(engine) == before
        assert before["fills"]
        assert before["ledger_entries"]
