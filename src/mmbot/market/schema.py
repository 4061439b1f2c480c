"""What a catalog row is: the columns of the streams, their kinds, their encodings on disk.

Prices are integer ticks, sizes integer lots, times nanoseconds since 1970 UTC. Within a stream rows
stand in arrival order and neither `ts_ns` nor `recv_ns` goes back. Streams `book` and `trades` are
the market; `orders` and `fills` are what a session did in it, in its own (local) time: sessions may
overlap there, so each part names its session.

Encodings: rows of a packet share their times, which zstd finds in plain values; ids grow by small
steps, so that DELTA_BINARY_PACKED makes them small; prices and sizes repeat, so that a dictionary
holds them. Packed numbers are nearly as small as they can be: zstd's fast levels leave them alone,
where entropy coding gains a tenth of a column and takes as long as all else that is done to it.
`make bench` times reading.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Final, Literal

import pyarrow as pa

__all__ = [
    "BOOK_SCHEMA",
    "FILLS_SCHEMA",
    "ORDERS_SCHEMA",
    "OWN_STREAMS",
    "ROW_GROUP_ROWS",
    "SCHEMAS",
    "SCHEMA_VERSION",
    "STREAMS",
    "TRADES_SCHEMA",
    "BookKind",
    "BookSide",
    "Stream",
    "writer_options",
]

Stream = Literal["book", "trades", "orders", "fills"]
STREAMS: Final[tuple[Stream, ...]] = ("book", "trades")
"""The streams that are a market."""
OWN_STREAMS: Final[tuple[Stream, ...]] = ("orders", "fills")
"""The streams of a session's own doings."""
SCHEMA_VERSION: Final = 1
# What a page costs beside its bytes is spread over many rows; readers decode a small batch at a
# time, however long the row group is.
ROW_GROUP_ROWS: Final = 524_288
_PAGE_BYTES: Final = 2 << 20


class BookKind(IntEnum):
    """Kinds of rows of stream `book`; 2 is not used, so that the numbers agree with the core's."""

    SNAPSHOT = 0
    """A level of a full book; the rows of one `update_id` replace everything before them."""
    DELTA = 1
    """New size of a level, 0 deletes it."""
    GAP = 3
    """Updates are missing from here on: the book is unusable until the next snapshot."""


class BookSide(IntEnum):
    """Side of a level, or the aggressor of a trade."""

    BID = 0
    ASK = 1


def _column(name: str, kind: pa.DataType) -> pa.Field:
    return pa.field(name, kind, nullable=False)


BOOK_SCHEMA: Final = pa.schema(
    [
        _column("ts_ns", pa.int64()),
        _column("recv_ns", pa.int64()),
        _column("update_id", pa.int64()),
        _column("seq", pa.int64()),
        _column("kind", pa.uint8()),
        _column("side", pa.uint8()),
        _column("px", pa.int64()),
        _column("qty", pa.int64()),
    ]
)
TRADES_SCHEMA: Final = pa.schema(
    [
        _column("ts_ns", pa.int64()),
        _column("recv_ns", pa.int64()),
        _column("trade_id", pa.string()),
        _column("side", pa.uint8()),
        _column("px", pa.int64()),
        _column("qty", pa.int64()),
    ]
)
ORDERS_SCHEMA: Final = pa.schema(
    [
        _column("ts_ns", pa.int64()),
        _column("cid", pa.string()),
        _column("event", pa.string()),
        _column("side", pa.int64()),
        _column("px", pa.int64()),
        _column("qty", pa.int64()),
        _column("level", pa.int64()),
        _column("color", pa.string()),
        _column("reason", pa.string()),
        _column("mid", pa.float64()),
        _column("queue_ahead", pa.int64()),
    ]
)
FILLS_SCHEMA: Final = pa.schema(
    [
        _column("ts_ns", pa.int64()),
        _column("cid", pa.string()),
        _column("exec_id", pa.string()),
        _column("side", pa.int64()),
        _column("px", pa.int64()),
        _column("qty", pa.int64()),
        _column("fee_usd", pa.float64()),
        _column("maker", pa.bool_()),
        _column("color", pa.string()),
        _column("mid_t0", pa.float64()),
        _column("queue_wait_ms", pa.float64()),
        _column("price_bin_bps", pa.int64()),
    ]
)
SCHEMAS: Final[dict[Stream, pa.Schema]] = {
    "book": BOOK_SCHEMA,
    "trades": TRADES_SCHEMA,
    "orders": ORDERS_SCHEMA,
    "fills": FILLS_SCHEMA,
}

_DICTIONARY: Final[dict[Stream, list[str]]] = {
    "book": ["kind", "side", "px", "qty"],
    "trades": ["side", "px", "qty"],
    "orders": ["event", "side", "px", "qty", "level", "color", "reason"],
    "fills": ["side", "px", "qty", "color", "maker"],
}
_DELTA: Final[dict[Stream, dict[str, str]]] = {
    "book": dict.fromkeys(("update_id", "seq"), "DELTA_BINARY_PACKED"),
    "trades": {"trade_id": "DELTA_BYTE_ARRAY"},
    "orders": {"cid": "DELTA_BYTE_ARRAY"},
    "fills": dict.fromkeys(("cid", "exec_id"), "DELTA_BYTE_ARRAY"),
}
# Levels by column; the others have level 1. Nothing needs `seq` to be fast.
_FAST_LEVELS: Final[dict[str, int]] = {"qty": -5, "update_id": -20}
_FAST_LEVEL: Final = -1


def writer_options(stream: Stream) -> dict[str, Any]:
    """Keyword arguments of `pyarrow.parquet.ParquetWriter` for a stream."""
    packed = _DICTIONARY[stream]
    levels = {
        name: _FAST_LEVELS.get(name, _FAST_LEVEL if name in packed else 1)
        for name in SCHEMAS[stream].names
    }
    return {
        "compression": "zstd",
        "compression_level": levels,
        "use_dictionary": packed,
        "column_encoding": _DELTA[stream],
        "data_page_size": _PAGE_BYTES,
        # What zstd cannot make smaller stays as it is in pages of this version.
        "data_page_version": "2.0",
        "write_page_checksum": True,
        "write_statistics": ["ts_ns", "kind"] if stream == "book" else ["ts_ns"],
    }
