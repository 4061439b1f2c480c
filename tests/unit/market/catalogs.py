"""Small catalogs for tests, and naive models of what they must do."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

from mmbot.market.imports import commit
from mmbot.market.parts import Root
from mmbot.market.schema import BOOK_SCHEMA, SCHEMAS, TRADES_SCHEMA, BookKind, Stream
from mmbot.market.writer import Series, StreamWriter

Row = tuple[Any, ...]

VENUE, SYMBOL = "test", "ABC"
# 2024-08-09T00:00:00Z
MIDNIGHT_NS = 1_723_161_600_000_000_000

BOOK_NAMES = BOOK_SCHEMA.names
TRADE_NAMES = TRADES_SCHEMA.names


def series(**changes) -> Series:
    options = {
        "venue": VENUE,
        "symbol": SYMBOL,
        "tick_size": "0.1",
        "lot_size": "0.001",
        "cfg_hash": "0" * 64,
    }
    return Series(**(options | changes))


def table(stream: Stream, rows: list[Row]) -> pa.Table:
    schema = SCHEMAS[stream]
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [
        pa.array(column, type=field.type) for column, field in zip(columns, schema, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def level(*row) -> Row:
    """A book row of (ts_ns, recv_ns, update_id, kind, side, px, qty)."""
    ts_ns, recv_ns, update_id, kind, side, px, qty = row
    return (ts_ns, recv_ns, update_id, update_id, int(kind), side, px, qty)


def write_catalog(
    root: Path | str,
    book: Sequence[Row] = (),
    trades: Sequence[Row] = (),
    *,
    source: str = "a" * 64,
    batch_rows: int = 7,
    **changes,
) -> None:
    """Writes rows in small batches, each as its own row group boundary allows."""
    place = Root(root)
    parts = []
    streams: dict[Stream, Sequence[Row]] = {"book": book, "trades": trades}
    for stream, rows in streams.items():
        writer = StreamWriter(place, series(**changes), stream, tag=source[:8])
        for begin in range(0, len(rows), batch_rows):
            writer.write(table(stream, list(rows[begin : begin + batch_rows])))
        parts += writer.finish()
    venue, symbol = changes.get("venue", VENUE), changes.get("symbol", SYMBOL)
    commit(
        place,
        parts,
        source={"name": "rows", "sha256": source, "size_bytes": 1, "format": "test"},
        series={f"{venue}/{symbol}": {"rows": {}, "clock_offset_ns": 0}},
    )


def naive_book(rows: list[Row]) -> dict[tuple[int, int], int] | None:
    """Levels by (side, px) after all rows; None while the book is unusable."""
    levels: dict[tuple[int, int], int] | None = None
    packet = None
    for _, _, update_id, _, kind, side, px, qty in rows:
        if kind == BookKind.GAP:
            levels = None
        elif kind == BookKind.SNAPSHOT and packet != (kind, update_id):
            levels = {}
        packet = (kind, update_id)
        if levels is None or kind == BookKind.GAP:
            continue
        levels[side, px] = qty
        if not qty:
            del levels[side, px]
    return levels


@st.composite
def book_rows(draw, *, max_packets: int = 12, start_ns: int = MIDNIGHT_NS) -> list[Row]:
    """A stream of packets: snapshots, deltas and gap marks, times never going back."""
    rows = []
    ts_ns, recv_ns, update_id = start_ns, start_ns, 0
    for number in range(draw(st.integers(1, max_packets))):
        ts_ns += draw(st.integers(0, 3))
        recv_ns = max(recv_ns, ts_ns + draw(st.integers(0, 4)))
        update_id += 1
        kinds = [BookKind.SNAPSHOT, BookKind.DELTA, BookKind.DELTA, BookKind.DELTA, BookKind.GAP]
        kind = BookKind.SNAPSHOT if number == 0 else draw(st.sampled_from(kinds))
        if kind == BookKind.GAP:
            rows.append(level(ts_ns, recv_ns, update_id, kind, 0, 0, 0))
            continue
        for _ in range(draw(st.integers(1, 5))):
            px = draw(st.integers(1, 6))
            qty = draw(st.integers(0 if kind == BookKind.DELTA else 1, 3))
            rows.append(level(ts_ns, recv_ns, update_id, kind, draw(st.integers(0, 1)), px, qty))
    return rows


@st.composite
def trade_rows(draw, *, max_rows: int = 10, start_ns: int = MIDNIGHT_NS) -> list[Row]:
    rows = []
    ts_ns = recv_ns = start_ns
    for number in range(draw(st.integers(0, max_rows))):
        ts_ns += draw(st.integers(0, 4))
        recv_ns = max(recv_ns, ts_ns + draw(st.integers(0, 4)))
        side, px, qty = (draw(st.integers(*b)) for b in ((0, 1), (1, 6), (1, 3)))
        rows.append((ts_ns, recv_ns, str(number), side, px, qty))
    return rows


def columns_of(stream: Stream, rows: list[Row]) -> dict[str, np.ndarray]:
    found = table(stream, rows)
    return {name: found.column(name).to_numpy(zero_copy_only=False) for name in found.column_names}
