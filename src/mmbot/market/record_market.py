"""Chunks as the engine was fed with -> rows of the streams `book` and `trades` of one symbol.

Where rows had to make room, a gap mark stands for them, and then the book as it was after them: a
reader is blind for the lost rows and for no longer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mmbot.market.catalog import footers_of
from mmbot.market.generate import ChunkSplitter
from mmbot.market.parts import Root
from mmbot.market.reader import fold_book
from mmbot.market.record_queue import MarketRows, ThinnedRows
from mmbot.market.schema import BOOK_SCHEMA, STREAMS, TRADES_SCHEMA, BookKind, Stream
from mmbot.market.writer import Monotonic

__all__ = ["MarketReader", "RecordedBefore", "last_value"]

Columns = dict[str, NDArray[Any]]

_FOLDED: Final = ("ts_ns", "recv_ns", "update_id", "kind", "side", "px", "qty")


@dataclass(frozen=True, slots=True)
class RecordedBefore:
    """The last packet and trade of a market that is in the catalog already, 0: none.

    Only of a market that comes the same every time, such as a synthetic one: numbers mean the same
    rows then.
    """

    update_id: int = 0
    trade_id: int = 0

    @classmethod
    def read(cls, root: Root, venue: str, symbol: str) -> RecordedBefore:
        """What the catalog holds of a symbol.

        Raises:
            MarketDataError: ``E_MD_FRAME`` naming a damaged part.
        """
        update_id, trade_id = (
            last_value(root, venue, symbol, stream, name)
            for stream, name in zip(STREAMS, ("update_id", "trade_id"), strict=True)
        )
        return cls(update_id, trade_id)


def last_value(root: Root, venue: str, symbol: str, stream: Stream, name: str) -> int:
    """A column of the last row that the catalog has of a stream; 0 without one."""
    footers = footers_of(root, venue, symbol, stream)
    if not footers:
        return 0
    with root.open(footers[-1].part) as file:
        group = file.read_row_group(file.num_row_groups - 1, columns=[name])
    return int(group.column(name)[-1].as_py())


class MarketReader:
    """Turns batches of one symbol into tables.

    Args:
        before: rows up to here are left out.
    """

    def __init__(self, before: RecordedBefore) -> None:
        self._before = before
        self._split = ChunkSplitter()
        self._clocks = {stream: Monotonic() for stream in STREAMS}
        self._book: Columns | None = None
        self.adjusted = 0

    def tables(self, batch: MarketRows | ThinnedRows) -> tuple[pa.Table, pa.Table]:
        """Rows of `book` and of `trades`."""
        if isinstance(batch, ThinnedRows):
            return self._thinned(batch)
        book, trades = self._split(batch.chunk.to_arrays())
        if len(book["px"]):
            self._book = fold_book(self._book, {name: book[name] for name in _FOLDED})
        return self._book_table(book), self._trades_table(trades)

    def _thinned(self, batch: ThinnedRows) -> tuple[pa.Table, pa.Table]:
        trades: dict[str, Any] = {}
        if len(batch.trades["px"]):
            trades = self._split(batch.trades)[1]
        self._split.skip(batch.packets)
        update_id = self._split.packet - 1
        levels = batch.levels
        count = len(levels["px"])
        rows: Columns = {**levels, "update_id": np.full(count, update_id, dtype=np.int64)}
        if not batch.usable:
            self._book = None
        elif count:
            self._book = fold_book(self._book, rows)
        if not batch.lost:
            return self._book_table({}), self._trades_table(trades)
        return self._book_table(self._after_gap(batch, rows)), self._trades_table(trades)

    def _after_gap(self, batch: ThinnedRows, lost: Columns) -> dict[str, NDArray[Any]]:
        """A gap mark for the lost rows, and the book after them as a snapshot where it is known."""
        mark = {
            "ts_ns": np.array([batch.first_ts_ns]),
            "recv_ns": np.array([batch.first_recv_ns]),
            "update_id": np.array([self._split.packet - 1]),
            "kind": np.array([BookKind.GAP], dtype=np.uint8),
            "side": np.zeros(1, dtype=np.uint8),
            "px": np.zeros(1, dtype=np.int64),
            "qty": np.zeros(1, dtype=np.int64),
        }
        parts = [mark]
        if self._book is not None and len(lost["ts_ns"]):
            known = {name: column.copy() for name, column in self._book.items()}
            known["update_id"][:] = self._split.packet - 1
            for name in ("ts_ns", "recv_ns"):
                known[name][:] = lost[name].max()
            known["kind"][:] = BookKind.SNAPSHOT
            parts.append(known)
        joined = {name: np.concatenate([part[name] for part in parts]) for name in _FOLDED}
        return {**joined, "seq": joined["update_id"]}

    def _book_table(self, columns: dict[str, NDArray[Any]]) -> pa.Table:
        if not columns:
            return BOOK_SCHEMA.empty_table()
        new = columns["update_id"] > self._before.update_id
        kept = columns if new.all() else {name: column[new] for name, column in columns.items()}
        return self._table("book", kept, BOOK_SCHEMA)

    def _trades_table(self, columns: dict[str, Any]) -> pa.Table:
        if not columns:
            return TRADES_SCHEMA.empty_table()
        count = len(columns["ts_ns"])
        first = self._split.trades - count + 1
        skip = min(count, max(0, self._before.trade_id - first + 1))
        kept = columns if not skip else {name: column[skip:] for name, column in columns.items()}
        return self._table("trades", kept, TRADES_SCHEMA)

    def _table(self, stream: Stream, columns: dict[str, Any], schema: pa.Schema) -> pa.Table:
        clock = self._clocks[stream]
        ts_ns, recv_ns = clock.apply(columns["ts_ns"], columns["recv_ns"])
        columns = {**columns, "ts_ns": ts_ns, "recv_ns": recv_ns}
        self.adjusted = sum(each.adjusted for each in self._clocks.values())
        return pa.Table.from_arrays(
            [pa.array(columns[field.name]).cast(field.type) for field in schema], schema=schema
        )
