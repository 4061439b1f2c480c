"""What an import did, as data: printed by the command line, written as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

from mmbot.errors import MarketDataError
from mmbot.units import format_utc_ns

ERRORS_SHOWN: Final = 5

__all__ = ["ERRORS_SHOWN", "FileReport", "ImportReport", "SeriesReport"]


@dataclass(slots=True, kw_only=True)
class SeriesReport:
    """Counts of one symbol over the files of an import.

    `out_of_order` counts rows and frames whose venue or receive time went back and was raised to
    that of the row before. `clock_offset_ms` was added to the receive times, because the recorder's
    clock ran behind the venue's.
    """

    venue: str
    symbol: str
    tick_size: str = ""
    lot_size: str = ""
    grid_source: str = ""
    rows_book: int = 0
    rows_trades: int = 0
    first_ts_ns: int | None = None
    last_ts_ns: int | None = None
    frames: int = 0
    gaps: int = 0
    crossed: int = 0
    duplicates: int = 0
    out_of_order: int = 0
    rounded: int = 0
    reconnects: int = 0
    ignored: int = 0
    clock_offset_ms: float = 0.0
    bytes_out: int = 0

    @property
    def rows(self) -> int:
        """Rows of both streams."""
        return self.rows_book + self.rows_trades

    def note_times(self, first_ns: int, last_ns: int) -> None:
        """Widens the span."""
        self.first_ts_ns = min(first_ns, self.first_ts_ns or first_ns)
        self.last_ts_ns = max(last_ns, self.last_ts_ns or last_ns)


@dataclass(slots=True, kw_only=True)
class FileReport:
    """One source file. `first_errors` holds up to five of its bad rows as error lines."""

    path: str
    format: str
    size_bytes: int
    sha256: str
    skipped: bool = False
    truncated: bool = False
    empty: bool = False
    quarantined: int = 0
    quarantine: str | None = None
    first_errors: list[str] = field(default_factory=list)

    def add_error(self, error: MarketDataError) -> None:
        """Keeps the error's line if it is one of the first."""
        if len(self.first_errors) < ERRORS_SHOWN:
            self.first_errors.append(str(error))


@dataclass(frozen=True, slots=True)
class ImportReport:
    """All of it."""

    out: str
    files: tuple[FileReport, ...]
    series: tuple[SeriesReport, ...]

    @property
    def totals(self) -> Mapping[str, int]:
        """Sums over files and series."""
        counted = [f.name for f in fields(SeriesReport) if f.type in {"int", int}]
        sums = {name: sum(getattr(s, name) for s in self.series) for name in counted}
        done = [f for f in self.files if not f.skipped]
        return {
            **sums,
            "rows": sum(s.rows for s in self.series),
            "bytes_in": sum(f.size_bytes for f in done),
            "quarantined": sum(f.quarantined for f in done),
            "files": len(self.files),
            "skipped": len(self.files) - len(done),
        }

    def as_json(self) -> dict[str, Any]:
        """The report for `--json`; times also as text."""
        return {
            "out": self.out,
            "files": [asdict(f) for f in self.files],
            "series": [
                {
                    **asdict(s),
                    "rows": s.rows,
                    "first_utc": _utc(s.first_ts_ns),
                    "last_utc": _utc(s.last_ts_ns),
                }
                for s in self.series
            ],
            "totals": dict(self.totals),
        }


def _utc(ts_ns: int | None) -> str | None:
    return None if ts_ns is None else format_utc_ns(ts_ns)
