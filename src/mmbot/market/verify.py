"""Checks the catalog: what is stored is what was written, in order, and never crosses.

Every finding names file and row. Damage is what makes a file unusable or wrong; a gap that the
import marked is no damage, it is counted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mmbot.errors import MarketDataError
from mmbot.market.parts import Footer, Part, Root
from mmbot.market.replay import BookReplay, Tops
from mmbot.market.schema import SCHEMAS, STREAMS, BookKind, Stream
from mmbot.market.writer import column_sums
from mmbot.units import NS_PER_HOUR

__all__ = ["Finding", "VerifyReport", "verify_catalog"]

Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule: `count` rows of `file`, the first at `row`."""

    code: str
    file: str
    row: int
    reason: str
    count: int

    def line(self) -> str:
        """The finding as an error line."""
        more = f" ({self.count} rows)" if self.count > 1 else ""
        return f"{self.code}: file={self.file} row={self.row} {self.reason}{more}"


@dataclass(slots=True)
class VerifyReport:
    """What was checked and what is wrong."""

    parts: int = 0
    rows: int = 0
    snapshots: int = 0
    gaps: int = 0
    packets: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """True without damage."""
        return not self.findings


def verify_catalog(
    root: str | Path,
    *,
    symbol: str | None = None,
    venue: str | None = None,
    on_bytes: Callable[[int], None] = lambda _: None,
) -> VerifyReport:
    """Reads every part of the symbols asked for (None: all), checksums included.

    Raises:
        MarketDataError: ``E_BT_NO_DATA`` when there is nothing to check.
    """
    place = Root(root)
    report = VerifyReport()
    for stream in STREAMS:
        for held_venue, held_symbol in place.series(stream):
            if symbol in {None, held_symbol} and venue in {None, held_venue}:
                parts = place.parts(stream, venue=held_venue, symbol=held_symbol)
                _StreamCheck(place, stream, report).run(parts, on_bytes)
    if not report.parts:
        wanted = "nothing" if symbol is None else symbol
        raise MarketDataError("E_BT_NO_DATA", f"data={root}", f"holds no part of {wanted}")
    return report


class _StreamCheck:
    """One stream of one symbol, part after part."""

    def __init__(self, root: Root, stream: Stream, report: VerifyReport) -> None:
        self._root = root
        self._stream: Stream = stream
        self._report = report
        self._last_ts = self._last_recv = np.iinfo(np.int64).min
        self._grid: tuple[str, str] | None = None
        self._recording = ""
        self._replay = BookReplay()
        # Where the rows of a part begin, counted over the stream: packets may go over parts.
        self._starts: list[tuple[int, str]] = []
        self._row = 0

    def run(self, parts: list[Part], on_bytes: Callable[[int], None]) -> None:
        footers = []
        for part in parts:
            self._report.parts += 1
            try:
                footers.append(self._root.footer(part))
            except MarketDataError as error:
                self._damage(part.path, error)
                on_bytes(part.size_bytes)
        for footer in sorted(footers, key=lambda f: (f.first_ts_ns, f.part.path)):
            try:
                self._part(footer)
            except MarketDataError as error:
                self._damage(footer.part.path, error)
            on_bytes(footer.part.size_bytes)
        if self._stream == "book":
            self._tops(self._replay.finish())
            self._report.gaps += self._replay.gaps
            self._report.snapshots += self._replay.snapshots

    def _part(self, footer: Footer) -> None:
        path = footer.part.path
        grid = (footer.text("tick_size"), footer.text("lot_size"))
        if self._grid not in {None, grid}:
            self._add("E_MD_FRAME", path, 0, f"has grid {grid}, the part before {self._grid}", 1)
        self._grid = grid
        recording = footer.metadata.get("recording", "")
        if recording != self._recording:
            # Another recorder, another clock.
            self._last_recv = np.iinfo(np.int64).min
        self._recording = recording
        self._starts.append((self._row, path))
        sums: tuple[int, ...] = (0, 0)
        row = 0
        with self._root.open(footer.part, verify=True) as file:
            for i in range(file.num_row_groups):
                try:
                    table = file.read_row_group(i, columns=SCHEMAS[self._stream].names)
                except (pa.ArrowException, OSError) as exc:
                    raise MarketDataError(
                        "E_MD_FRAME", f"file={path} row={row}", f"cannot be decoded: {exc}"
                    ) from exc
                columns = {
                    name: table.column(name).to_numpy()
                    for name in table.column_names
                    if name != "trade_id"
                }
                self._rows(path, row, footer.part.hour_ns, columns)
                sums = tuple((a + b) % 2**64 for a, b in zip(sums, column_sums(table), strict=True))
                row += table.num_rows
        stated = tuple(int(footer.text(name)) for name in ("rows", "sum_px", "sum_qty"))
        if stated != (row, *sums):
            self._add(
                "E_MD_FRAME", path, 0, f"states {stated} rows and sums, has {(row, *sums)}", 1
            )
        self._row += row
        self._report.rows += row

    def _rows(self, path: str, row: int, hour_ns: int, columns: Columns) -> None:
        self._order(path, row, columns)
        px, qty, side = columns["px"], columns["qty"], columns["side"]
        outside = columns["ts_ns"] // NS_PER_HOUR * NS_PER_HOUR != hour_ns
        self._rule(path, row, outside, "E_MD_CLOCK", "lies outside of the hour of its file")
        self._rule(path, row, side > 1, "E_MD_FRAME", "has an unknown side")
        if self._stream == "trades":
            self._rule(path, row, px <= 0, "E_MD_FRAME", "has a price that is not above zero")
            self._rule(path, row, qty <= 0, "E_MD_FRAME", "is a trade without a size")
            return
        kind = columns["kind"]
        known = (kind == BookKind.SNAPSHOT) | (kind == BookKind.DELTA) | (kind == BookKind.GAP)
        levels = kind != BookKind.GAP
        self._rule(path, row, ~known, "E_MD_FRAME", "has an unknown kind")
        self._rule(
            path, row, levels & (px <= 0), "E_MD_FRAME", "has a price that is not above zero"
        )
        self._rule(path, row, qty < 0, "E_MD_FRAME", "has a negative size")
        self._tops(self._replay.apply(columns))

    def _order(self, path: str, row: int, columns: Columns) -> None:
        for name, last in (("ts_ns", self._last_ts), ("recv_ns", self._last_recv)):
            times = columns[name]
            back = np.diff(times, prepend=max(last, np.iinfo(np.int64).min + 1)) < 0
            back[0] = int(times[0]) < last
            self._rule(path, row, back, "E_MD_CLOCK", f"{name} goes back")
        self._last_ts = int(columns["ts_ns"].max())
        self._last_recv = int(columns["recv_ns"].max())

    def _tops(self, tops: Tops) -> None:
        self._report.packets += len(tops.row)
        crossed = np.flatnonzero(tops.crossed)
        if len(crossed):
            at = int(tops.row[crossed[0]])
            start, path = max(
                (s for s in self._starts if s[0] <= at), default=(0, self._starts[0][1])
            )
            self._add(
                "E_MD_CROSSED", path, at - start, "leaves the book crossed or locked", len(crossed)
            )

    def _rule(self, path: str, row: int, broken: NDArray[np.bool_], code: str, reason: str) -> None:
        count = int(broken.sum())
        if count:
            self._add(code, path, row + int(broken.argmax()), reason, count)

    def _damage(self, path: str, error: MarketDataError) -> None:
        row = error.key.rpartition("row=")[2]
        self._add(error.code, path, int(row) if row.isdecimal() else 0, error.message, 1)

    def _add(self, code: str, path: str, row: int, reason: str, count: int) -> None:
        found = self._report.findings
        for i, earlier in enumerate(found):
            if (earlier.file, earlier.reason) == (path, reason):
                found[i] = replace(earlier, count=earlier.count + count)
                return
        found.append(Finding(code, path, row, reason, count))
