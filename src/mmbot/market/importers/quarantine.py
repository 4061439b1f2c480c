"""Bad rows of a source file, kept in a side file: where they stood, why they were left out.

``<out>/quarantine/<name of the source>.jsonl``, one JSON object a line:
``{"code","line","offset","raw","reason"}``. A row that two decoders refuse is written once.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import IO

from mmbot.errors import MarketDataError
from mmbot.market.importers.base import Reject
from mmbot.market.importers.report import FileReport
from mmbot.market.imports import publish
from mmbot.market.parts import Root
from mmbot.store.canonical import canonical_json

__all__ = ["Quarantine", "reject_error"]


class Quarantine:
    """The side file of one source file; made when the first bad row comes."""

    def __init__(self, root: Root, report: FileReport) -> None:
        name = report.path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
        self._root = root
        self._report = report
        self._relative = f"quarantine/{name}.jsonl"
        self._file: IO[bytes] | None = None
        self._seen: set[int] = set()
        self.first: Reject | None = None

    def add(self, rejects: list[Reject]) -> None:
        """Writes rows that were not written before."""
        for reject in rejects:
            if reject.line in self._seen:
                continue
            self._seen.add(reject.line)
            self.first = self.first or reject
            if self._file is None:
                self._file = self._root.create(f"{self._relative}.tmp")
            self._file.write(canonical_json(asdict(reject)))
            self._report.quarantined += 1
            self._report.add_error(reject_error(self._report.path, reject))

    def publish(self) -> None:
        """Gives the side file its name."""
        if self._file is not None:
            self._file.close()
            publish(self._root, f"{self._relative}.tmp", self._relative)
            self._report.quarantine = self._root.at(self._relative)
            self._file = None

    def abort(self) -> None:
        """Removes the unfinished side file."""
        if self._file is not None:
            self._file.close()
            self._root.fs.rm_file(self._root.at(f"{self._relative}.tmp"))
            self._file = None


def reject_error(path: str, reject: Reject) -> MarketDataError:
    """A bad row as an error that names file and row."""
    return MarketDataError(
        "E_REC_IMPORT",
        f"file={path} line={reject.line} offset={reject.offset}",
        f"{reject.code} {reject.reason}",
    )
