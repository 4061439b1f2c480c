"""Integer columns of a part, batch by batch.

Arrow reads the footer and decompresses; the core decodes pages (`core.ColumnReader`). A page at a
time of each column is in memory, beside the compressed bytes of one row group. A batch is decoded
when it is used: into arrays, or by the core's merger straight into what it merges.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import IO, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mmbot import core
from mmbot.market.parts import Part, Root, check_schema, damaged

__all__ = ["Columns", "ReadyBatch", "column_batches", "ready_batches"]

Columns = dict[str, NDArray[Any]]
_Decompress = Callable[[bytes, int], bytes]

_BATCH_ROWS: Final = 8_192
# Arrow's codec by the name that a footer gives; all others have the footer's name.
_CODECS: Final = {"LZ4": "lz4_raw"}


@dataclass(frozen=True, slots=True)
class ReadyBatch:
    """Rows of a part whose pages are in memory; `row` is where they begin in the file.

    They have to be decoded, once, before the next batch is asked for: by `columns`, or by
    `core.StreamMerger` from `reader`.
    """

    part: Part
    row: int
    rows: int
    names: Sequence[str]
    reader: core.ColumnReader

    def columns(self) -> Columns:
        """The columns as arrays.

        Raises:
            MarketDataError: ``E_MD_FRAME`` when a page is damaged.
        """
        try:
            return dict(zip(self.names, self.reader.take(self.rows), strict=True))
        except core.CoreError as exc:
            raise damaged(self.part.path, self.row, exc.message) from exc


def column_batches(root: Root, part: Part, names: Sequence[str]) -> Iterator[Columns]:
    """The rows of a part in order as arrays.

    Raises:
        MarketDataError: as `ready_batches`.
    """
    return (batch.columns() for batch in ready_batches(root, part, names))


def ready_batches(root: Root, part: Part, names: Sequence[str]) -> Iterator[ReadyBatch]:
    """The rows of a part in order, a batch made ready when it is asked for.

    Raises:
        MarketDataError: ``E_MD_FRAME`` naming the first row that could not be read.
    """
    row = 0
    try:
        with root.open(part) as file, root.open_bytes(part) as source:
            check_schema(part, file.schema_arrow)
            groups = _RowGroups(file, source, names)
            for group in range(file.num_row_groups):
                for rows in groups.batches(group):
                    yield ReadyBatch(part, row, rows, names, groups.reader)
                    row += rows
    except core.CoreError as exc:
        raise damaged(part.path, row, exc.message) from exc
    except (pa.ArrowException, OSError, ValueError) as exc:
        raise damaged(part.path, row, f"cannot be decoded: {exc}") from exc


class _RowGroups:
    """The row groups of one file."""

    def __init__(self, file: pq.ParquetFile, source: IO[bytes], names: Sequence[str]) -> None:
        self._metadata = file.metadata
        self._source = source
        places = {file.schema.column(i).path: i for i in range(len(file.schema))}
        self._places = [places[name] for name in names]
        leaves = [file.schema.column(place) for place in self._places]
        self.reader = core.ColumnReader(
            [(leaf.physical_type == "INT32", leaf.max_definition_level > 0) for leaf in leaves]
        )

    def batches(self, group: int) -> Iterator[int]:
        """Numbers of rows that are ready in the reader, one after the other."""
        chunks = [_Chunk(self._source, self._metadata, group, place) for place in self._places]
        left = self._metadata.row_group(group).num_rows
        while left > 0:
            rows = min(left, _BATCH_ROWS)
            while (column := self.reader.lacking(rows)) is not None:
                chunks[column].push(self.reader, column)
            yield rows
            left -= rows
        self.reader.end_row_group()


class _Chunk:
    """The pages of one column of a row group."""

    def __init__(
        self, source: IO[bytes], metadata: pq.FileMetaData, group: int, place: int
    ) -> None:
        column = metadata.row_group(group).column(place)
        # Files without a dictionary have no place for it, or 0.
        begin = column.dictionary_page_offset or column.data_page_offset
        source.seek(begin)
        self._bytes = source.read(column.total_compressed_size)
        self._at = 0
        self._decompress = _decompress(column.compression)

    def push(self, reader: core.ColumnReader, column: int) -> None:
        self._at = reader.push(column, self._bytes, self._at, self._decompress)


def _decompress(name: str) -> _Decompress | None:
    if name == "UNCOMPRESSED":
        return None
    return partial(pa.Codec(_CODECS.get(name, name.lower())).decompress, asbytes=True)
