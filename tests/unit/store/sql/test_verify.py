"""`verify` finds what was planted, and nothing where nothing was."""

import pytest
from sqlalchemy import text
from tests.unit.store.sql.stores import busy_session, shipped

from mmbot.store.sql.verify import CHECKS, verify_store


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    return busy_session(tmp_path_factory.mktemp("journal"), seconds=130)


def _without_guards(connection):
    """Damage does not ask triggers and references."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET session_replication_role = replica"))
    else:
        triggers = connection.execute(text("SELECT name FROM sqlite_master WHERE type='trigger'"))
        for name in triggers.scalars().all():
            connection.execute(text(f"DROP TRIGGER {name}"))


_ONE_FILL = "(SELECT min(exec_id) FROM fills)"
_ONE_EVENT = "(SELECT min(ts_ns) FROM equity_marks)"

_STRANGER = (
    "INSERT INTO positions SELECT venue, 'XUSDT', qty, avg_price, realized, updated_ns "
    "FROM positions WHERE symbol = 'BTCUSDT'"
)
_NO_FILL = (
    "INSERT INTO ledger_entries SELECT 'x', ts_ns, venue, symbol, kind, qty, amount, asset, "
    f"'nothing', session_id FROM ledger_entries WHERE kind = 'trade' AND ref = {_ONE_FILL}"
)

_BOTH = (
    "INSERT INTO ledger_entries SELECT 'x', ts_ns, venue, symbol, 'fee', qty, amount, asset, "
    f"ref, session_id FROM ledger_entries WHERE kind = 'rebate' AND ref = {_ONE_FILL}"
)

DAMAGE = {
    "a position": ("positions", "UPDATE positions SET qty = '7' WHERE symbol = 'BTCUSDT'"),
    "a lost position": ("positions", "DELETE FROM positions WHERE symbol = 'ETHUSDT'"),
    "an average": ("positions", "UPDATE positions SET avg_price = '1' WHERE symbol = 'BTCUSDT'"),
    "a result": ("positions", "UPDATE positions SET realized = '123' WHERE symbol = 'BTCUSDT'"),
    "a stranger": ("positions", _STRANGER),
    "a lost fill": ("positions", f"DELETE FROM fills WHERE exec_id = {_ONE_FILL}"),
    "a changed fill": ("orders", f"UPDATE fills SET qty = '999' WHERE exec_id = {_ONE_FILL}"),
    "a lost entry": (
        "ledger",
        f"DELETE FROM ledger_entries WHERE kind = 'trade' AND ref = {_ONE_FILL}",
    ),
    "an entry": (
        "ledger",
        f"UPDATE ledger_entries SET amount = '5' WHERE kind = 'trade' AND ref = {_ONE_FILL}",
    ),
    "a fee beside the rebate": ("ledger", _BOTH),
    "a rebate": ("ledger", "UPDATE ledger_entries SET amount = '9' WHERE kind = 'rebate'"),
    "an entry of no fill": ("ledger", _NO_FILL),
    "cash of a mark": ("ledger", f"UPDATE equity_marks SET cash = '1' WHERE ts_ns = {_ONE_EVENT}"),
    "a mark's result": ("ledger", "UPDATE equity_marks SET realized = '0.5'"),
    "equity": ("ledger", f"UPDATE equity_marks SET equity = '1' WHERE ts_ns = {_ONE_EVENT}"),
    "an event in between": ("sequence", "DELETE FROM order_events WHERE seq = 20"),
    "the last event": (
        "sequence",
        "DELETE FROM order_events WHERE seq = (SELECT max(seq) FROM order_events)",
    ),
    "an order": ("references", "DELETE FROM orders WHERE cid = (SELECT min(cid) FROM fills)"),
    "a filled quantity": (
        "orders",
        "UPDATE orders SET filled_qty = '3' WHERE cid = (SELECT min(cid) FROM fills)",
    ),
    "a session": ("references", "DELETE FROM sessions"),
    "a markout's fill": ("references", "UPDATE fill_markouts SET exec_id = 'none-' || exec_id"),
}


@pytest.mark.slow
@pytest.mark.spec("08-5.5")
@pytest.mark.parametrize("what", DAMAGE)
def test_planted_damage_is_found_by_its_check(store_url, journal, what):
    check, statement = DAMAGE[what]
    assert check in CHECKS
    with shipped(store_url, journal) as engine:
        assert list(verify_store(engine)) == []
        with engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql("COMMIT")
                connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
                connection.exec_driver_sql("BEGIN")
            _without_guards(connection)
            connection.execute(text(statement))
            connection.commit()
        engine.dispose()
        found = list(verify_store(engine))
        assert check in {finding.check for finding in found}, found
        assert all(str(finding).startswith("VERIFY ") for finding in found)


@pytest.mark.spec("08-5.5")
def test_events_that_were_pruned_from_the_beginning_on_are_no_gap(store_url, journal):
    with shipped(store_url, journal) as engine:
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM order_events WHERE seq < 100"))
        assert list(verify_store(engine)) == []
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM order_events"))
        assert list(verify_store(engine)) == []


def test_an_empty_store_adds_up(store_url):
    with shipped(store_url) as engine:
        assert list(verify_store(engine)) == []
