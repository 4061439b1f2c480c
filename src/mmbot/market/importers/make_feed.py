"""Importer of the benchmark feed, a Parquet file with float prices and sizes.

``ts_exch`` i64, ``ts_local`` i64, ``kind`` u8 (0 depth, 1 trade), ``side`` i8 (+1 bid or buy, -1
ask or sell), ``price`` f64, ``qty`` f64; rows of one packet share their exchange time, the first
packet is the whole book.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mmbot.errors import MarketDataError
from mmbot.market.importers.base import Block, Counts, Format, Found, Grid, Reject
from mmbot.market.importers.rows import StepFinder, table_of
from mmbot.market.importers.sources import OnBytes
from mmbot.market.schema import BOOK_SCHEMA, TRADES_SCHEMA, BookKind

__all__ = ["FORMAT", "FeedDecoder", "FeedScanner"]

_COLUMNS: Final = {
    "ts_exch": pa.int64(),
    "ts_local": pa.int64(),
    "kind": pa.uint8(),
    "side": pa.int8(),
    "price": pa.float64(),
    "qty": pa.float64(),
}
_SYMBOL: Final = "SYNTHUSDT"
# A float of an on-grid number is off by far less than this share of a step.
_GRID_TOLERANCE: Final = 1e-3
Rows = dict[str, NDArray[Any]]


def _read(path: str, on_bytes: OnBytes) -> Iterator[Block]:
    """Row groups of the file."""
    try:
        with pq.ParquetFile(path) as file:
            for name, kind in _COLUMNS.items():
                at = file.schema_arrow.get_field_index(name)
                if at < 0 or file.schema_arrow.field(at).type != kind:
                    raise MarketDataError(
                        "E_REC_IMPORT",
                        f"file={path} line=0",
                        f"has no column {name} of type {kind}",
                    )
            for i in range(file.num_row_groups):
                yield file.read_row_group(i, columns=list(_COLUMNS))
                on_bytes(file.metadata.row_group(i).total_byte_size)
    except (pa.ArrowException, OSError) as exc:
        raise MarketDataError(
            "E_REC_IMPORT", f"file={path} line=0", f"is not a complete Parquet file: {exc}"
        ) from exc


class FeedScanner:
    """The grid of a file; it holds one symbol and does not say which."""

    def __init__(self, _path: str) -> None:
        self.lines = self.first_ns = 0
        self.trouble: tuple[int, str] | None = None
        self._price, self._qty = StepFinder(), StepFinder()

    def feed(self, block: Block) -> None:
        """Takes a row group."""
        self.lines += len(block)
        for name, finder in (("price", self._price), ("qty", self._qty)):
            values = _rows(block)[name]
            finder.add_floats(values[np.isfinite(values) & (values > 0) & (values < 1e9)])

    def finish(self) -> list[Found]:
        """One symbol."""
        if not self.lines:
            return []
        grid = Grid(self._price.step() or "1", self._qty.step() or "1")
        return [
            Found(
                exchange="bench",
                market="",
                symbol=_SYMBOL,
                key=_SYMBOL,
                named=False,
                inferred=grid,
            )
        ]


class FeedDecoder:
    """Rows of the file as catalog rows."""

    def __init__(self, path: str, _found: Found, grid: Grid) -> None:
        self._path = path
        self._tick, self._lot = float(grid.tick_size), float(grid.lot_size)
        self._book: list[pa.Table] = []
        self._trades: list[pa.Table] = []
        self._rejects: list[Reject] = []
        self._row = self._packets = self._frames = 0
        self._first_ns: int | None = None
        self._last_ns = 0

    def feed(self, block: Block) -> None:
        """Takes a row group.

        Raises:
            MarketDataError: ``E_MD_CLOCK`` when the rows are not sorted by exchange time.
        """
        rows = _rows(block)
        count = len(rows["ts_exch"])
        if not count:
            return
        self._check_order(rows["ts_exch"])
        if self._first_ns is None:
            self._first_ns = self._last_ns = int(rows["ts_exch"][0])
        changed = np.diff(rows["ts_exch"], prepend=self._last_ns) != 0
        rows["update_id"] = self._packets + np.cumsum(changed, dtype=np.int64)
        rows["number"] = np.arange(self._row, self._row + count, dtype=np.int64)
        self._packets = int(rows["update_id"][-1])
        self._last_ns = int(rows["ts_exch"][-1])
        self._row += count
        self._keep(rows)

    def end_file(self, *, last: bool) -> None:
        """Nothing is held back."""

    def take_book(self) -> pa.Table:
        """Rows since the last call."""
        tables, self._book = self._book, []
        return pa.concat_tables([BOOK_SCHEMA.empty_table(), *tables])

    def take_trades(self) -> pa.Table:
        """Rows since the last call."""
        tables, self._trades = self._trades, []
        return pa.concat_tables([TRADES_SCHEMA.empty_table(), *tables])

    def take_rejects(self) -> list[Reject]:
        """Bad rows since the last call; their line is the row, counted from 0."""
        rejects, self._rejects = self._rejects, []
        return rejects

    def counts(self) -> Counts:
        """Counters since the start."""
        return Counts(frames=self._packets + (self._first_ns is not None))

    def _check_order(self, ts_exch: NDArray[np.int64]) -> None:
        back = np.flatnonzero(np.diff(ts_exch, prepend=max(self._last_ns, int(ts_exch[0]))) < 0)
        at = 0 if int(ts_exch[0]) < self._last_ns else int(back[0]) if len(back) else None
        if at is not None:
            raise MarketDataError(
                "E_MD_CLOCK", f"file={self._path} row={self._row + at}", "exchange time goes back"
            )

    def _keep(self, rows: Rows) -> None:
        """Splits the good rows into the streams, the bad ones into rejects."""
        px, px_ok = _steps(rows["price"], self._tick)
        qty, qty_ok = _steps(rows["qty"], self._lot)
        trade = rows["kind"] == 1
        rules = (
            (rows["kind"] > 1, "kind is neither 0 nor 1"),
            (np.abs(rows["side"]) != 1, "side is neither 1 nor -1"),
            (~px_ok | (px <= 0), "price is not a positive multiple of the tick size"),
            (~qty_ok | (qty < 0), "quantity is not a multiple of the lot size, 0 or more"),
            (trade & qty_ok & (qty == 0), "a trade has no size"),
        )
        bad = np.zeros(len(px), dtype=bool)
        for broken, reason in rules:
            for at in np.flatnonzero(broken & ~bad).tolist():
                text = ",".join(str(rows[name][at]) for name in _COLUMNS)
                line = int(rows["number"][at])
                self._rejects.append(Reject(line, line, reason, "E_MD_FRAME", text))
            bad |= broken
        common = {
            "ts_ns": rows["ts_exch"],
            "recv_ns": rows["ts_local"],
            "side": (rows["side"] < 0).astype(np.uint8),
            "px": px,
            "qty": qty,
        }
        self._trades.append(self._trade_rows(common, rows, trade & ~bad))
        self._book.append(self._book_rows(common, rows, ~trade & ~bad))

    def _book_rows(self, common: Rows, rows: Rows, keep: NDArray[np.bool_]) -> pa.Table:
        snapshot = rows["ts_exch"] == self._first_ns
        columns = {
            **common,
            "update_id": rows["update_id"],
            "seq": rows["update_id"],
            "kind": np.where(snapshot, BookKind.SNAPSHOT, BookKind.DELTA),
        }
        return table_of(BOOK_SCHEMA, {name: column[keep] for name, column in columns.items()})

    def _trade_rows(self, common: Rows, rows: Rows, keep: NDArray[np.bool_]) -> pa.Table:
        columns: dict[str, Any] = {name: column[keep] for name, column in common.items()}
        columns["trade_id"] = pa.array(rows["number"][keep]).cast(pa.string())
        return table_of(TRADES_SCHEMA, columns)


def _steps(values: NDArray[np.float64], step: float) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Whole steps, and which numbers are on the grid."""
    counts = np.divide(values, step)
    fits = np.isfinite(counts) & (np.abs(counts) < 2**53)
    whole = np.rint(np.where(fits, counts, 0.0))
    ok = fits & (np.abs(whole - np.where(fits, counts, 0.0)) < _GRID_TOLERANCE)
    return whole.astype(np.int64), ok


def _rows(block: Block) -> Rows:
    assert isinstance(block, pa.Table)
    return {name: block.column(name).to_numpy() for name in _COLUMNS}


FORMAT = Format(
    name="make-feed",
    summary="benchmark feed in Parquet (ts_exch, ts_local, kind, side, price, qty)",
    exchange="bench",
    continues=False,
    has_receive_time=True,
    matches=lambda first: first.startswith(b"PAR1"),
    scanner=FeedScanner,
    decoder=FeedDecoder,
    read=_read,
)
