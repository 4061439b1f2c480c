"""Rows -> complete parts of the catalog, hour by hour.

A writer only ever makes files whose names end in `.tmp`; `mmbot.market.imports` makes them parts of
the catalog, all of one source file together. Rows must come in order of time: `Monotonic` makes
them so.
"""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mmbot.errors import StoreError
from mmbot.market.parts import Root, part_directory
from mmbot.market.schema import ROW_GROUP_ROWS, SCHEMA_VERSION, SCHEMAS, Stream, writer_options
from mmbot.store.canonical import canonical_json
from mmbot.units import NS_PER_HOUR

__all__ = ["Monotonic", "PendingPart", "Series", "StreamWriter", "column_sums", "config_hash"]

_WRAP: Final = 2**64


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What the rows of one symbol mean; stands in the metadata of each of its parts.

    `tick_size`, `lot_size` and `contract_size` are decimal texts; `cfg_hash` identifies how the
    rows were made. `extra` holds further entries, such as the seed of a synthetic market.
    """

    venue: str
    symbol: str
    tick_size: str
    lot_size: str
    cfg_hash: str
    market: str = "unknown"
    contract_size: str | None = None
    synthetic: bool = False
    extra: Mapping[str, str] = field(default_factory=dict)

    def metadata(self) -> dict[str, str]:
        """Entries of a part's metadata."""
        return {
            **self.extra,
            "schema": str(SCHEMA_VERSION),
            "venue": self.venue,
            "symbol": self.symbol,
            "tick_size": self.tick_size,
            "lot_size": self.lot_size,
            "cfg_hash": self.cfg_hash,
            "market": self.market,
            "synthetic": "1" if self.synthetic else "0",
            **({} if self.contract_size is None else {"contract_size": self.contract_size}),
        }


@dataclass(frozen=True, slots=True)
class PendingPart:
    """A complete file that is not part of the catalog yet; `temp` is relative to the root."""

    temp: str
    stream: Stream
    venue: str
    symbol: str
    hour_ns: int
    rows: int
    first_ts_ns: int
    last_ts_ns: int


class StreamWriter:
    """Writes one stream of one symbol; `tag` makes the temporary names its own."""

    def __init__(self, root: Root, series: Series, stream: Stream, *, tag: str) -> None:
        self._root = root
        self._series = series
        self._stream: Stream = stream
        self._tag = tag
        self._open: _OpenPart | None = None
        self._done: list[PendingPart] = []
        self._last_ns = 0

    def write(self, table: pa.Table) -> None:
        """Appends rows; `ts_ns` never goes back, also not between calls.

        Raises:
            StoreError: ``E_REC_WRITE`` when the disk refuses.
        """
        ts_ns = table.column("ts_ns").to_numpy()
        if not len(ts_ns):
            return
        assert int(ts_ns[0]) >= self._last_ns
        assert bool((ts_ns[1:] >= ts_ns[:-1]).all())
        self._last_ns = int(ts_ns[-1])
        hours = ts_ns // NS_PER_HOUR
        cuts = [0, *(np.flatnonzero(hours[1:] != hours[:-1]) + 1).tolist(), len(ts_ns)]
        for begin, end in itertools.pairwise(cuts):
            self._part(int(hours[begin]) * NS_PER_HOUR).write(table.slice(begin, end - begin))

    def finish(self) -> list[PendingPart]:
        """Closes the last file and returns all that were made."""
        self._close()
        return self._done

    def abort(self) -> None:
        """Removes what was written."""
        if self._open is not None:
            self._open.abort()
            self._open = None
        for part in self._done:
            self._root.fs.rm_file(self._root.at(part.temp))
        self._done = []

    def _part(self, hour_ns: int) -> _OpenPart:
        if self._open is not None and self._open.hour_ns != hour_ns:
            self._close()
        if self._open is None:
            self._open = _OpenPart(self._root, self._series, self._stream, hour_ns, self._tag)
        return self._open

    def _close(self) -> None:
        if self._open is not None:
            self._done.append(self._open.close())
            self._open = None


class Monotonic:
    """Keeps `ts_ns` and `recv_ns` from going back: a venue delivers a stream in order.

    A row whose time lies before an earlier row's gets that row's time and is counted.
    """

    def __init__(self) -> None:
        self.adjusted = 0
        self._ts_ns = np.iinfo(np.int64).min
        self._recv_ns = np.iinfo(np.int64).min

    def apply(
        self, ts_ns: NDArray[np.int64], recv_ns: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The times in order; counts the rows that changed."""
        if not len(ts_ns):
            return ts_ns, recv_ns
        fixed_ts = np.maximum(np.maximum.accumulate(ts_ns), self._ts_ns)
        fixed_recv = np.maximum(np.maximum.accumulate(recv_ns), self._recv_ns)
        self.adjusted += int(((fixed_ts != ts_ns) | (fixed_recv != recv_ns)).sum())
        self._ts_ns, self._recv_ns = int(fixed_ts[-1]), int(fixed_recv[-1])
        return fixed_ts, fixed_recv


def column_sums(table: pa.Table) -> tuple[int, int]:
    """Sums of prices and sizes modulo 2^64: what a part's metadata states and `verify` compares."""
    px, qty = (table.column(name).to_numpy().sum(dtype=np.int64) for name in ("px", "qty"))
    return int(px) % _WRAP, int(qty) % _WRAP


def config_hash(options: Mapping[str, Any]) -> str:
    """SHA-256 of the options that made rows, as canonical JSON."""
    return hashlib.sha256(canonical_json(options)).hexdigest()


class _OpenPart:
    """The file of one hour while it grows."""

    def __init__(self, root: Root, series: Series, stream: Stream, hour_ns: int, tag: str) -> None:
        directory = part_directory(stream, series.venue, series.symbol, hour_ns)
        self.hour_ns = hour_ns
        self._root = root
        self._series = series
        self._stream: Stream = stream
        hour = hour_ns // NS_PER_HOUR % 24
        self._temp = f"{directory}/part-{hour:02d}.{tag}.tmp"
        self._file: IO[bytes] = root.create(self._temp)
        self._writer = pq.ParquetWriter(self._file, SCHEMAS[stream], **writer_options(stream))
        self._buffer: list[pa.Table] = []
        self._buffered = self._rows = 0
        self._first_ns = self._last_ns = 0
        self._sums = (0, 0)

    def write(self, table: pa.Table) -> None:
        ts_ns = table.column("ts_ns")
        if not self._rows:
            self._first_ns = ts_ns[0].as_py()
        self._last_ns = ts_ns[-1].as_py()
        self._rows += table.num_rows
        px, qty = column_sums(table)
        self._sums = ((self._sums[0] + px) % _WRAP, (self._sums[1] + qty) % _WRAP)
        self._buffer.append(table)
        self._buffered += table.num_rows
        if self._buffered >= ROW_GROUP_ROWS:
            self._flush(self._buffered // ROW_GROUP_ROWS * ROW_GROUP_ROWS)

    def close(self) -> PendingPart:
        self._flush(self._buffered)
        self._writer.add_key_value_metadata(
            {
                **self._series.metadata(),
                "rows": str(self._rows),
                "sum_px": str(self._sums[0]),
                "sum_qty": str(self._sums[1]),
            }
        )
        try:
            self._writer.close()
            self._file.flush()
            if self._root.is_local:
                os.fsync(self._file.fileno())
            self._file.close()
        except OSError as exc:
            raise self._refused(exc) from exc
        return PendingPart(
            self._temp,
            self._stream,
            self._series.venue,
            self._series.symbol,
            self.hour_ns,
            self._rows,
            self._first_ns,
            self._last_ns,
        )

    def abort(self) -> None:
        self._writer.close()
        self._file.close()
        self._root.fs.rm_file(self._root.at(self._temp))

    def _flush(self, rows: int) -> None:
        if not rows:
            return
        table = pa.concat_tables(self._buffer)
        try:
            self._writer.write_table(table.slice(0, rows), row_group_size=ROW_GROUP_ROWS)
        except OSError as exc:
            raise self._refused(exc) from exc
        rest = table.slice(rows)
        self._buffer = [rest] if rest.num_rows else []
        self._buffered = rest.num_rows

    def _refused(self, exc: OSError) -> StoreError:
        reason = exc.strerror or type(exc).__name__
        return StoreError("E_REC_WRITE", f"file={self._temp}", f"cannot be written: {reason}")
