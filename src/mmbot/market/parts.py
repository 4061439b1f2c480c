"""Files of the catalog: where a part lies, what its footer says, and reading it piece by piece.

::

    <root>/<stream>/venue=<v>/symbol=<S>/date=<YYYY-MM-DD>/part-<HH>-<n>.parquet

`HH` is the UTC hour of the rows' event time, `n` counts the parts of an hour. A file is written
under a name that ends in `.tmp` and renamed when it is complete; readers never look at such names.
The root is a local path or any URL that fsspec understands (`s3://bucket/research`).

Whatever a damaged file does inside Arrow comes out as `MarketDataError` ``E_MD_FRAME`` naming file
and row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import quote, unquote

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from mmbot.errors import MarketDataError, StoreError
from mmbot.market.schema import SCHEMA_VERSION, SCHEMAS, Stream
from mmbot.units import NS_PER_HOUR, format_utc, parse_utc_ns

__all__ = ["Footer", "Part", "Root", "check_schema", "damaged", "part_directory"]

# The pool of decoded columns, where pyarrow was loaded before `mmbot.market._arrow_memory`.
pa.set_memory_pool(pa.system_memory_pool())

_PART: Final = re.compile(r"part-(\d{2})-(\d+)\.parquet", re.ASCII)
_LEVELS: Final = ("venue=", "symbol=", "date=")


@dataclass(frozen=True, slots=True)
class Part:
    """One complete file: `path` on the catalog's file system, the hour it covers, its number."""

    stream: Stream
    venue: str
    symbol: str
    hour_ns: int
    number: int
    path: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Footer:
    """What a part says about itself. Times are nanoseconds, first and last row inclusive."""

    part: Part
    rows: int
    first_ts_ns: int
    last_ts_ns: int
    row_groups: int
    metadata: dict[str, str]

    def text(self, key: str) -> str:
        """A required entry of the file's metadata."""
        value = self.metadata.get(key)
        if value is None:
            raise damaged(self.part.path, 0, f"has no {key} in its metadata")
        return value


def damaged(path: str, row: int, reason: str) -> MarketDataError:
    """The error for a file that cannot be used, naming the first bad row."""
    return MarketDataError("E_MD_FRAME", f"file={path} row={row}", reason)


def part_directory(stream: Stream, venue: str, symbol: str, hour_ns: int) -> str:
    """The directory of an hour below the root."""
    day = format_utc(hour_ns)[:10]
    return f"{stream}/venue={_quoted(venue)}/symbol={_quoted(symbol)}/date={day}"


class Root:
    """The file system and path of a catalog."""

    def __init__(self, root: str | Path) -> None:
        self.url = str(root)
        self.fs, path = fsspec.core.url_to_fs(self.url)
        self.path: str = str(path).rstrip("/")
        protocol = self.fs.protocol
        self.is_local = "file" in ((protocol,) if isinstance(protocol, str) else protocol)

    def at(self, relative: str) -> str:
        """Full path of a name below the root."""
        return f"{self.path}/{relative}"

    def series(self, stream: Stream) -> list[tuple[str, str]]:
        """(venue, symbol) pairs that have a directory in a stream, sorted."""
        found: list[tuple[str, str]] = []
        for venue in self._children(self.at(stream), "venue="):
            symbols = self._children(venue, "symbol=")
            found.extend((_value(venue), _value(symbol)) for symbol in symbols)
        return sorted(found)

    def parts(
        self,
        stream: Stream,
        *,
        venue: str,
        symbol: str,
        start_ns: int | None = None,
        end_ns: int | None = None,
    ) -> list[Part]:
        """Complete parts whose hour touches [start, end), in order of hour and number."""
        base = self.at(f"{stream}/venue={_quoted(venue)}/symbol={_quoted(symbol)}")
        found = []
        for day in self._children(base, "date="):
            day_ns = _day_ns(day)
            for entry in self._list(day):
                match = _PART.fullmatch(_leaf(entry["name"]))
                if match is None or entry["type"] != "file":
                    continue
                hour_ns = day_ns + int(match[1]) * NS_PER_HOUR
                if end_ns is not None and hour_ns >= end_ns:
                    continue
                if start_ns is not None and hour_ns + NS_PER_HOUR <= start_ns:
                    continue
                size = int(entry["size"] or 0)
                found.append(
                    Part(stream, venue, symbol, hour_ns, int(match[2]), entry["name"], size)
                )
        return sorted(found, key=lambda part: (part.hour_ns, part.number))

    def footer(self, part: Part) -> Footer:
        """Reads and checks the footer of a part.

        Raises:
            MarketDataError: ``E_MD_FRAME`` for half a file, another schema or missing metadata.
        """
        with self.open(part) as file:
            return _footer(part, file)

    def open(self, part: Part, *, verify: bool = False) -> pq.ParquetFile:
        """Opens a part; `verify` has every page's checksum compared on reading."""
        try:
            source: Any = part.path if self.is_local else self.fs.open(part.path, "rb")
            return pq.ParquetFile(
                source,
                # Mapped pages would count as memory, more with every file.
                memory_map=False,
                pre_buffer=not self.is_local,
                page_checksum_verification=verify,
            )
        except (pa.ArrowException, OSError, ValueError) as exc:
            raise damaged(part.path, 0, f"is not a complete Parquet file: {exc}") from exc

    def open_bytes(self, part: Part) -> IO[bytes]:
        """Opens a part for reading its bytes."""
        file: IO[bytes] = self.fs.open(part.path, "rb")
        return file

    def read_bytes(self, relative: str) -> bytes | None:
        """A small file below the root, or None."""
        try:
            with self.fs.open(self.at(relative), "rb") as file:
                return bytes(file.read())
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise StoreError("E_STORE_DISK", f"file={relative}", f"cannot be read: {exc}") from exc

    def create(self, relative: str) -> IO[bytes]:
        """Opens a file below the root for writing, with its directories."""
        path = self.at(relative)
        try:
            self.fs.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
            file: IO[bytes] = self.fs.open(path, "wb")
        except OSError as exc:
            raise StoreError("E_REC_WRITE", f"file={path}", f"cannot be written: {exc}") from exc
        return file

    def names(self, relative: str) -> list[str]:
        """Names of the files in a directory below the root, sorted."""
        return sorted(_leaf(entry["name"]) for entry in self._list(self.at(relative)))

    def _children(self, directory: str, prefix: str) -> list[str]:
        return sorted(
            entry["name"]
            for entry in self._list(directory)
            if entry["type"] == "directory" and _leaf(entry["name"]).startswith(prefix)
        )

    def _list(self, directory: str) -> list[dict[str, Any]]:
        try:
            entries: list[dict[str, Any]] = self.fs.ls(directory, detail=True)
        except FileNotFoundError:
            return []
        except OSError as exc:
            raise StoreError(
                "E_STORE_DISK", f"file={directory}", f"cannot be listed: {exc}"
            ) from exc
        return entries


def _footer(part: Part, file: pq.ParquetFile) -> Footer:
    check_schema(part, file.schema_arrow)
    raw = file.metadata.metadata or {}
    metadata = {
        key.decode("utf-8", "replace"): value.decode("utf-8", "replace")
        for key, value in raw.items()
        if not key.startswith(b"ARROW:")
    }
    if metadata.get("schema") != str(SCHEMA_VERSION):
        raise damaged(part.path, 0, f"has schema {metadata.get('schema')}, not {SCHEMA_VERSION}")
    if file.metadata.num_rows == 0:
        raise damaged(part.path, 0, "has no rows")
    bounds = [file.metadata.row_group(i).column(0).statistics for i in (0, file.num_row_groups - 1)]
    if any(bound is None or not bound.has_min_max for bound in bounds):
        raise damaged(part.path, 0, "has no statistics of ts_ns")
    return Footer(
        part,
        file.metadata.num_rows,
        int(bounds[0].min),
        int(bounds[1].max),
        file.num_row_groups,
        metadata,
    )


def check_schema(part: Part, schema: pa.Schema) -> None:
    """Compares the columns of a part with those of its stream.

    Raises:
        MarketDataError: ``E_MD_FRAME`` for a column that is missing or of another type.
    """
    for field in SCHEMAS[part.stream]:
        at = schema.get_field_index(field.name)
        if at < 0:
            raise damaged(part.path, 0, f"has no column {field.name}")
        if schema.field(at).type != field.type:
            raise damaged(
                part.path,
                0,
                f"has column {field.name} as {schema.field(at).type}, not {field.type}",
            )


def _day_ns(directory: str) -> int:
    return parse_utc_ns(_value(directory), key=f"file={directory}")


def _leaf(path: str) -> str:
    return path.rstrip("/").rsplit("/", 1)[-1]


def _value(path: str) -> str:
    return unquote(_leaf(path).partition("=")[2])


def _quoted(value: str) -> str:
    return quote(value, safe="-_.")
