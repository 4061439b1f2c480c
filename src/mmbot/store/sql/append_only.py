"""Triggers that refuse to change or delete rows of fills and of the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from sqlalchemy import Connection, text

from mmbot.store.sql.tables import APPEND_ONLY

__all__ = ["guard_tables", "guards_missing"]

_REFUSAL: Final = "{table} is append-only: corrections are adjustment entries"
_PG_FUNCTION: Final = "mmbot_refuse_change"


def guard_tables(connection: Connection, tables: Sequence[str] = APPEND_ONLY) -> None:
    """Create the triggers of `tables`, which have none."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(_pg_function()))
    for table in tables:
        for statement in _triggers(connection.dialect.name, table):
            connection.execute(text(statement))


def guards_missing(connection: Connection) -> list[str]:
    """Names of triggers that are not there or, on PostgreSQL, are switched off."""
    if connection.dialect.name == "postgresql":
        query = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'"
    else:
        query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    there = set(connection.execute(text(query)).scalars())
    return sorted(set(_names(connection.dialect.name)) - there)


def _names(dialect: str) -> Iterator[str]:
    for table in APPEND_ONLY:
        yield from (f"{table}_no_{change}" for change in _changes(dialect))


def _changes(dialect: str) -> tuple[str, ...]:
    # SQLite's way to truncate is a DELETE
    return ("update", "delete", "truncate") if dialect == "postgresql" else ("update", "delete")


def _triggers(dialect: str, table: str) -> Iterator[str]:
    refusal = _REFUSAL.format(table=table)
    for change in _changes(dialect):
        name = f"{table}_no_{change}"
        if dialect == "postgresql":
            each = "STATEMENT" if change == "truncate" else "ROW"
            yield (
                f"CREATE TRIGGER {name} BEFORE {change.upper()} ON {table} "
                f"FOR EACH {each} EXECUTE FUNCTION {_PG_FUNCTION}()"
            )
        else:
            yield (
                f"CREATE TRIGGER {name} BEFORE {change.upper()} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
            )


def _pg_function() -> str:
    refusal = _REFUSAL.format(table="%")
    return (
        f"CREATE OR REPLACE FUNCTION {_PG_FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN RAISE EXCEPTION '{refusal}', TG_TABLE_NAME; END $$"
    )
