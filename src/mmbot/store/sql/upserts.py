"""Writes rows so that writing them again changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from mmbot.store.sql import tables
from mmbot.store.sql.session_rows import Batch, Row

__all__ = ["add_rows", "put_rows", "write_batch"]

# What a later record may say about a session or an order that a former one did not know.
_FIXED: Final = {
    tables.sessions: {"session_id"},
    tables.orders: {"venue", "cid", "session_id", "created_ns"},
    tables.positions: {"venue", "symbol"},
    tables.equity_marks: {"venue", "ts_ns"},
    tables.journal_shipping: {"session_id"},
}


def write_batch(connection: Connection, batch: Batch) -> None:
    """Write the rows of a batch; positions are not among them."""
    if batch.session is not None:
        put_rows(connection, tables.sessions, [batch.session])
    if batch.config is not None:
        add_rows(connection, tables.config_versions, [batch.config])
    put_rows(connection, tables.orders, list(batch.orders.values()))
    add_rows(connection, tables.order_events, batch.events)
    add_rows(connection, tables.fills, batch.fills)
    add_rows(connection, tables.fill_markouts, batch.markouts)
    add_rows(connection, tables.ledger_entries, batch.ledger)
    put_rows(connection, tables.equity_marks, batch.marks)


def add_rows(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows that are facts: one that is there stays as it is."""
    if rows:
        connection.execute(_insert(connection, table).on_conflict_do_nothing(), list(rows))


def put_rows(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows, or bring those that are there up to date."""
    if not rows:
        return
    insert = _insert(connection, table)
    changing = [column.name for column in table.columns if column.name not in _FIXED[table]]
    statement = insert.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={name: insert.excluded[name] for name in changing},
    )
    connection.execute(statement, list(rows))


def _insert(connection: Connection, table: Table) -> Any:  # noqa: ANN401 -- one of two dialects
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table)
