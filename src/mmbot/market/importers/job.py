"""The import: source files in, catalog parts, manifests, side files and a report out.

1. Every file is hashed, its format told by its first bytes, and scanned for symbols and grids.
2. Files are put together into recordings. Where a format says that a recording goes over several
   files,
   one decoder reads all of them in order of time, so that the book goes on across the border.
3. A recording is decoded once to find by how much the recorder's clock ran behind the venue's, and
   once more to write it.
4. The rows of a file become visible in one step at its end (`mmbot.market.imports`). A file that is
   done is skipped by the next run; where a later file of its recording is not done, it is only
   decoded again, for the state of the book at its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from mmbot.market.importers.base import Found, Grid
from mmbot.market.importers.plan import (
    ImportOptions,
    Recording,
    Source,
    inspect,
    recordings_of,
    resolve_grids,
)
from mmbot.market.importers.recording import RecordingImport
from mmbot.market.importers.report import FileReport, ImportReport, SeriesReport
from mmbot.market.imports import read_manifest, recover
from mmbot.market.parts import Root

__all__ = ["ImportOptions", "Progress", "import_files"]


class Progress(Protocol):
    """Told what is being done and how far it is."""

    def begin(self, step: str, total_bytes: int) -> None:
        """A step over files of `total_bytes` starts."""

    def advance(self, count: int) -> None:
        """So many more bytes were read."""


class NoProgress:
    """Nobody watches."""

    def begin(self, step: str, total_bytes: int) -> None:
        """Says nothing."""

    def advance(self, count: int) -> None:
        """Says nothing."""


def import_files(
    paths: Sequence[str | Path], options: ImportOptions, progress: Progress | None = None
) -> ImportReport:
    """Imports raw captures into the catalog `options.out`.

    Raises:
        MarketDataError: ``E_REC_IMPORT`` naming file and line when a file is unknown, empty, cut or
        holds nothing usable; files before it are imported.
        StoreError: ``E_REC_WRITE`` when the catalog cannot be written.
    """
    progress = progress or NoProgress()
    root = Root(options.out)
    recover(root)
    sources = inspect([str(path) for path in paths], options, progress)
    grids = resolve_grids(root, sources, options)
    reports = {source.sha256: _file_report(source) for source in sources}
    series = {
        (found.venue, found.symbol): _series_report(found, grids)
        for s in sources
        for found in s.found
    }
    recordings = recordings_of(sources)
    done = {
        source.sha256: set((read_manifest(root, source.sha256) or {"series": {}})["series"])
        for source in sources
    }
    waiting = [recording for recording in recordings if _is_open(recording, done)]
    progress.begin("import", 2 * sum(s.size_bytes for r in waiting for s in r.sources))
    for recording in recordings:
        if recording in waiting:
            job = RecordingImport(
                root,
                recording,
                grids=grids,
                options=options,
                done=done,
                reports=reports,
                series=series,
            )
            job.run(progress.advance)
        else:
            for source in recording.sources:
                reports[source.sha256].skipped = True
    return ImportReport(
        str(options.out),
        tuple(reports.values()),
        tuple(series[key] for key in sorted(series)),
    )


def _is_open(recording: Recording, done: dict[str, set[str]]) -> bool:
    return any(
        f"{found.venue}/{found.symbol}" not in done[source.sha256]
        for source in recording.sources
        for found in source.found
    )


def _file_report(source: Source) -> FileReport:
    return FileReport(
        path=source.path,
        format=source.format.name,
        size_bytes=source.size_bytes,
        sha256=source.sha256,
        truncated=source.truncated,
        empty=source.is_empty,
    )


def _series_report(found: Found, grids: dict[tuple[str, str], tuple[Grid, str]]) -> SeriesReport:
    grid, origin = grids[found.venue, found.symbol]
    return SeriesReport(
        venue=found.venue,
        symbol=found.symbol,
        tick_size=grid.tick_size,
        lot_size=grid.lot_size,
        grid_source=origin,
    )
