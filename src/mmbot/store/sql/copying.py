"""Copies a store into another one, of either backend, and compares what arrived."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, Table, func, insert, select

from mmbot.errors import StoreError
from mmbot.store.artifacts import sync_directory
from mmbot.store.sql.checksums import TableSum
from mmbot.store.sql.engine import open_engine, sql_errors
from mmbot.store.sql.schema import require_schema, upgrade_schema
from mmbot.store.sql.tables import METADATA

__all__ = ["CopiedTable", "back_up", "copy_store", "count_rows"]

_CHUNK: Final = 2_000
_OnRows = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedTable:
    """A table after a copy; equal means the same rows, not only as many."""

    name: str
    rows_from: int
    rows_to: int
    is_equal: bool


def count_rows(engine: Engine) -> int:
    """Rows of all tables.

    Raises:
        StoreError: ``E_STORE_SQL``.
    """
    with sql_errors("count"), engine.connect() as connection:
        return sum(_count(connection, table) for table in METADATA.sorted_tables)


def copy_store(
    source: Engine, target: Engine, *, on_rows: _OnRows = lambda _: None
) -> list[CopiedTable]:
    """Copy all rows into `target`, which is empty; both have the code's schema.

    Nothing is left in the target if the copy does not get to its end. The source is read as it was
    when the copy began.

    Raises:
        StoreError: ``E_STORE_SCHEMA``; ``E_STORE_SQL``, also for a target that holds rows.
    """
    require_schema(source)
    require_schema(target)
    sums: dict[str, TableSum] = {}
    with sql_errors("copy"), _snapshot(source) as reading:
        with target.begin() as writing:
            for table in METADATA.sorted_tables:
                if _count(writing, table):
                    raise StoreError("E_STORE_SQL", table.name, "the target holds rows already")
            for table in METADATA.sorted_tables:
                sums[table.name] = _copy_table(reading, writing, table, on_rows)
        with target.connect() as checking:
            return [
                _compared(checking, table, sums[table.name]) for table in METADATA.sorted_tables
            ]


def back_up(engine: Engine, out: Path, *, on_rows: _OnRows = lambda _: None) -> list[CopiedTable]:
    """Copy a store into a new SQLite file; `mmbot db copy` brings it back.

    The file has its name only when it is complete and was compared.

    Raises:
        StoreError: ``E_STORE_DISK`` for a file that exists or cannot be written, else as
            `copy_store`.
    """
    if out.exists():
        raise StoreError("E_STORE_DISK", f"file={out}", "exists already")
    unfinished = out.with_name(f"{out.name}.tmp")
    try:
        unfinished.unlink(missing_ok=True)
        target = open_engine(f"sqlite:///{unfinished}")
        try:
            upgrade_schema(target)
            copied = copy_store(engine, target, on_rows=on_rows)
            _into_one_file(target)
        finally:
            target.dispose()
        if all(table.is_equal for table in copied):
            unfinished.replace(out)
            sync_directory(out.parent)
    except OSError as exc:
        raise StoreError(
            "E_STORE_DISK", f"file={out}", f"cannot be written: {exc.strerror}"
        ) from exc
    finally:
        for rest in ("", "-wal", "-shm"):
            with contextlib.suppress(OSError):  # what went wrong is told already
                unfinished.with_name(unfinished.name + rest).unlink(missing_ok=True)
    return copied


def _into_one_file(engine: Engine) -> None:
    """Take the write-ahead log in, which can only be done outside of a transaction."""
    with sql_errors("backup"):
        connection = engine.raw_connection()
    try:
        connection.cursor().execute("PRAGMA journal_mode=DELETE")
    finally:
        connection.close()


def _snapshot(engine: Engine) -> Connection:
    """A connection that sees one state of the store for as long as it lives."""
    if engine.dialect.name == "postgresql":
        return engine.connect().execution_options(isolation_level="REPEATABLE READ")
    return engine.connect()


def _copy_table(
    reading: Connection, writing: Connection, table: Table, on_rows: _OnRows
) -> TableSum:
    total = TableSum()
    result = reading.execute(select(table), execution_options={"yield_per": _CHUNK})
    for rows in result.partitions(_CHUNK):
        total.add(rows)
        # a mapping is public in spite of its name
        writing.execute(insert(table), [dict(row._mapping) for row in rows])  # noqa: SLF001
        on_rows(len(rows))
    return total


def _compared(connection: Connection, table: Table, copied: TableSum) -> CopiedTable:
    arrived = TableSum()
    result = connection.execute(select(table), execution_options={"yield_per": _CHUNK})
    for rows in result.partitions(_CHUNK):
        arrived.add(rows)
    return CopiedTable(
        name=table.name,
        rows_from=copied.rows,
        rows_to=arrived.rows,
        is_equal=arrived == copied,
    )


def _count(connection: Connection, table: Table) -> int:
    found: Any = connection.execute(select(func.count()).select_from(table)).scalar()
    return int(found)
