"""Part of the stub of `mmbot._core`: market rows in columns, from files to chunks."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

_I64: TypeAlias = NDArray[np.int64]
_I32: TypeAlias = NDArray[np.int32]
_U8: TypeAlias = NDArray[np.uint8]

@final
class ColumnReader:
    """Decodes integer columns of Parquet row groups beside each other: pages in, values out.

    `columns`: for each whether it holds bytes (else 64-bit integers) and whether its file allows
    rows without a value; a page that has such a row is refused.
    """

    def __new__(cls, columns: Sequence[tuple[bool, bool]]) -> ColumnReader: ...
    def lacking(self, rows: int) -> int | None:
        """The first column that has fewer than `rows` values ready."""
    def push(
        self,
        column: int,
        chunk: bytes,
        at: int,
        decompress: Callable[[bytes, int], bytes] | None,
    ) -> int:
        """Adds the page that begins at `at` of a column chunk; returns where the next one begins.

        `decompress` turns stored bytes into so many plain ones; None: they are plain.
        """
    def take(self, rows: int) -> list[NDArray[Any]]:
        """The next values of each column."""
    def end_row_group(self) -> None:
        """Every value was taken: chunks to come have dictionaries of their own."""

@final
class EventChunk:
    """Market rows of one instrument in exchange order (flags, px ticks, qty lots, ts_exch ns,
    ts_local ns).

    Flags: bits 0-1 kind (0 depth, 1 trade, 2 reset, 3 gap), bit 2 side (0 bid or buy aggressor),
    bit 3 last row of a packet.
    """

    @staticmethod
    def from_arrays(flags: _U8, px: _I32, qty: _I64, ts_exch: _I64, ts_local: _I64) -> EventChunk:
        """Copies and validates columns; rows must be in exchange order. Rows out of receive order
        get a permutation.
        """
    def __len__(self) -> int: ...
    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Copies of the columns: flags, px, qty, ts_exch, ts_local."""
    @property
    def known_ns(self) -> int | None:
        """No row of a later chunk lies before this time in either order, so that a run can go as
        far though the market is silent (`FrameChunks`); None says nothing beyond the rows.
        """
    @property
    def first_ts_ns(self) -> int: ...
    @property
    def last_ts_ns(self) -> int: ...

@final
class StreamMerger:
    """Merges the book and trade streams of the catalog into chunks for the engine, in bounded
    memory.

    Push batches of either stream in order, tell which stream has ended, and take chunks: a chunk
    holds all rows
    that no later batch can precede, in exchange order and in receive order. Trades come before
    depth rows of equal time.
    """

    def __new__(cls) -> StreamMerger: ...
    def push_book(
        self, ts_ns: _I64, recv_ns: _I64, update_id: _I64, kind: _U8, side: _U8, px: _I64, qty: _I64
    ) -> None:
        """Rows of stream `book`: kind 0 snapshot row, 1 delta, 3 gap mark; qty 0 deletes. A change
        of `update_id` ends a packet; a snapshot begins with a reset.
        """
    def push_trades(self, ts_ns: _I64, recv_ns: _I64, side: _U8, px: _I64, qty: _I64) -> None: ...
    def pull_book(self, reader: ColumnReader, rows: int) -> None:
        """The next rows of a reader with the columns of `push_book`, in that order, decoded here:
        the same as pushing what it takes.
        """
    def pull_trades(self, reader: ColumnReader, rows: int) -> None: ...
    def end_book(self) -> None: ...
    def end_trades(self) -> None: ...
    @property
    def wants(self) -> str:
        """Which stream is needed next to make progress: "book", "trades" or "" (nothing)."""
    def take(self) -> EventChunk | None:
        """Next chunk, or None if more input is needed (or all is taken)."""
