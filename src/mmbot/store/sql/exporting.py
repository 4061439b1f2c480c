"""Tables as Parquet files: amounts are decimal128(38,18), times int64 nanoseconds."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    Engine,
    Integer,
    Table,
    select,
)

from mmbot.errors import StoreError
from mmbot.store.artifacts import sync_directory
from mmbot.store.sql.amounts import DECIMALS, Amount
from mmbot.store.sql.engine import sql_errors

__all__ = ["export_rows", "export_table"]

_CHUNK: Final = 20_000
_DIGITS: Final = 38
_OnRows = Callable[[int], None]


def export_table(
    engine: Engine, table: Table, out: Path, *, on_rows: _OnRows = lambda _: None
) -> int:
    """Write all rows of a table in the order of its key; how many there are.

    The file has its name only when it is complete; one that was there is replaced.

    Raises:
        StoreError: ``E_STORE_SQL``; ``E_STORE_DISK`` when the file cannot be written.
    """
    with sql_errors(table.name), engine.connect() as connection:
        return export_rows(connection, table, out, on_rows=on_rows)


def export_rows(
    connection: Connection,
    table: Table,
    out: Path,
    *,
    where: ColumnElement[bool] | None = None,
    on_rows: _OnRows = lambda _: None,
) -> int:
    """As `export_table`, for the rows that meet a condition."""
    query = select(table).order_by(*table.primary_key.columns)
    if where is not None:
        query = query.where(where)
    schema = pa.schema([_field(column) for column in table.columns])
    unfinished = out.with_name(f"{out.name}.tmp")
    count = 0
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(unfinished, schema, compression="zstd") as writer:
            result = connection.execute(query, execution_options={"yield_per": _CHUNK})
            for rows in result.partitions(_CHUNK):
                columns = list(zip(*rows, strict=True))
                arrays = [
                    pa.array(values, type=field.type)
                    for values, field in zip(columns, schema, strict=True)
                ]
                writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
                count += len(rows)
                on_rows(len(rows))
        unfinished.replace(out)
        sync_directory(out.parent)
    except OSError as exc:
        raise StoreError("E_STORE_DISK", f"file={out}", f"cannot be written: {exc}") from exc
    finally:
        with contextlib.suppress(OSError):  # what went wrong is told already
            unfinished.unlink(missing_ok=True)
    return count


def _field(column: Any) -> Any:  # noqa: ANN401 -- a column; a pyarrow field
    return pa.field(column.name, _type_of(column.type), nullable=bool(column.nullable))


def _type_of(kind: object) -> Any:  # noqa: ANN401 -- pyarrow has no types
    if isinstance(kind, Amount):
        return pa.decimal128(_DIGITS, DECIMALS)
    if isinstance(kind, BigInteger):
        return pa.int64()
    if isinstance(kind, Integer):
        return pa.int32()
    return pa.bool_() if isinstance(kind, Boolean) else pa.string()
