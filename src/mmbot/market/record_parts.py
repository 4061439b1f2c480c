"""Rows of one stream of one symbol -> parts of the catalog, while a session runs.

Rows gather in memory and become a part when their hour ends, when a quarter of an hour has passed
or when there are as many as a row group holds. So a part that a disk refuses is still there for the
next attempt, and a process that is killed loses a quarter of an hour at most.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from mmbot.errors import StoreError
from mmbot.market.imports import next_number, publish
from mmbot.market.parts import Root, part_directory
from mmbot.market.schema import ROW_GROUP_ROWS, Stream
from mmbot.market.writer import PendingPart, Series, StreamWriter
from mmbot.store.artifacts import sync_directory
from mmbot.units import NS_PER_HOUR, NS_PER_MIN

__all__ = ["PartSeries"]

_PART_NS: Final = 15 * NS_PER_MIN
_PART_ROWS: Final = ROW_GROUP_ROWS
# A table of a few rows takes several times their memory: so many become one.
_SMALL_TABLES: Final = 64


class PartSeries:
    """The parts of one stream and symbol; `tag` makes its temporary names its own."""

    def __init__(self, root: Root, series: Series, stream: Stream, *, tag: str) -> None:
        self._root = root
        self._series = series
        self._stream: Stream = stream
        self._tag = tag
        self._open: list[pa.Table] = []
        # How many of them are made of small ones.
        self._packed = 0
        self._open_rows = 0
        self._slot = -1
        self._due: list[pa.Table] = []
        self.rows = 0
        self.parts = 0

    @property
    def waiting(self) -> int:
        """Rows that are in no part yet."""
        return self._open_rows + sum(len(table) for table in self._due)

    def add(self, table: pa.Table) -> None:
        """Append rows; `ts_ns` never goes back. Parts that are full become due, see `write_due`."""
        if not table.num_rows:
            return
        slots = table.column("ts_ns").to_numpy() // _PART_NS
        cuts = [0, *(np.flatnonzero(slots[1:] != slots[:-1]) + 1).tolist(), len(slots)]
        for begin, end in itertools.pairwise(cuts):
            if int(slots[begin]) != self._slot or self._open_rows >= _PART_ROWS:
                self._cut()
            self._slot = int(slots[begin])
            self._open.append(table.slice(begin, end - begin))
            self._open_rows += end - begin
            self._pack()

    def write_due(self, *, all_rows: bool = False) -> None:
        """Write the parts that are full; with `all_rows` also the one that is not.

        Raises:
            StoreError: ``E_REC_WRITE``; the rows stay for the next call.
        """
        if all_rows:
            self._cut()
        while self._due:
            self._write(self._due[0])
            self.rows += self._due.pop(0).num_rows
            self.parts += 1

    def _cut(self) -> None:
        if self._open:
            self._due.append(pa.concat_tables(self._open))
        self._open = []
        self._packed = self._open_rows = 0

    def _pack(self) -> None:
        if len(self._open) - self._packed < _SMALL_TABLES:
            return
        small = pa.concat_tables(self._open[self._packed :])
        self._open[self._packed :] = [small.combine_chunks()]
        self._packed += 1

    def _write(self, table: pa.Table) -> None:
        writer = StreamWriter(self._root, self._series, self._stream, tag=self._tag)
        try:
            writer.write(table)
            (part,) = writer.finish()
            _publish(self._root, part)
        except OSError as exc:
            reason = exc.strerror or type(exc).__name__
            self._give_up(writer)
            raise StoreError("E_REC_WRITE", f"stream={self._stream}", reason) from exc
        except StoreError:
            self._give_up(writer)
            raise

    @staticmethod
    def _give_up(writer: StreamWriter) -> None:
        # What is left under a temporary name is overwritten by the next attempt.
        with contextlib.suppress(OSError, StoreError):
            writer.abort()


def _publish(root: Root, part: PendingPart) -> None:
    """Give a part the next number of its hour; another session may look for one, too."""
    directory = part_directory(part.stream, part.venue, part.symbol, part.hour_ns)
    hour = f"{directory}/part-{part.hour_ns // NS_PER_HOUR % 24:02d}"
    while True:
        final = f"{hour}-{next_number(root, hour)}.parquet"
        if not root.is_local:
            publish(root, part.temp, final)
            return
        try:
            os.link(root.at(part.temp), root.at(final))
        except FileExistsError:
            continue
        except OSError:
            # A file system without links: there the number is as good as its listing.
            publish(root, part.temp, final)
            return
        Path(root.at(part.temp)).unlink()
        sync_directory(Path(root.at(directory)))
        return
