"""Imports one recording: its files in order, through one decoder per symbol.

The shell of the importer: it reads, measures, writes and commits. What rows mean was decided by the
decoders, what to do by `plan`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any

import pyarrow as pa

from mmbot.errors import MarketDataError
from mmbot.market.catalog import footers_of
from mmbot.market.importers.base import Block, Counts, Decoder, Reject
from mmbot.market.importers.locate import (
    Located,
    Watch,
    counted,
    locate,
    lowest_latency_ns,
    sent_after_received,
)
from mmbot.market.importers.plan import Grids, ImportOptions, Recording, Source
from mmbot.market.importers.quarantine import Quarantine, reject_error
from mmbot.market.importers.report import ERRORS_SHOWN, FileReport, SeriesReport
from mmbot.market.imports import commit, read_manifest, remove_leftovers
from mmbot.market.parts import Root
from mmbot.market.schema import STREAMS, Stream
from mmbot.market.writer import Monotonic, PendingPart, Series, StreamWriter, config_hash
from mmbot.units import NS_PER_DAY, NS_PER_MS

__all__ = ["RecordingImport"]

_TAG_DIGITS = 16
_CLOCK_LIMIT_NS = NS_PER_DAY
Key = tuple[str, str]


class RecordingImport:
    """One recording on its way into the catalog."""

    def __init__(
        self,
        root: Root,
        recording: Recording,
        *,
        grids: Grids,
        options: ImportOptions,
        done: dict[str, set[str]],
        reports: dict[str, FileReport],
        series: dict[Key, SeriesReport],
    ) -> None:
        self._root = root
        self._sources = recording.sources
        self._grids = grids
        self._options = options
        self._done = done
        self._reports = reports
        self._series = series
        self._found = {(f.venue, f.symbol): f for s in self._sources for f in s.found}
        self._clocks = {(key, stream): Monotonic() for key in self._found for stream in STREAMS}
        self._held = {
            key: {stream: _spans(root, key, stream) for stream in STREAMS} for key in self._found
        }

    def run(self, advance: Callable[[int], None]) -> None:
        """Imports what is not done yet."""
        offset_ns = self._clock_offset(advance)
        decoders = self._decoders()
        for source in self._sources:
            open_keys = [key for key in self._keys(source) if not self._is_done(source, key)]
            if not open_keys:
                self._reports[source.sha256].skipped = True
                self._decode_again(source, decoders, advance)
                continue
            self._import(source, open_keys, decoders, offset_ns, advance)

    def _clock_offset(self, advance: Callable[[int], None]) -> int:
        """Nanoseconds to add to receive times so that no row arrives before it was sent."""
        held = self._stored_offset()
        if held is not None or self._options.keep_recv or not self._has_receive_time():
            advance(sum(source.size_bytes for source in self._sources))
            return held or 0
        decoders = self._decoders()
        lowest = 0
        for source in self._sources:
            for key, rows in self._rows(source, decoders, advance):
                latency_ns = lowest_latency_ns(rows.tables.values())
                if latency_ns < -_CLOCK_LIMIT_NS:
                    raise self._damaged_time(source, key)
                lowest = min(lowest, latency_ns)
        return -lowest

    def _damaged_time(self, source: Source, key: Key) -> MarketDataError:
        """One damaged time would move all times after it: the file is not imported."""
        line = next(self._lines(source, key, sent_after_received(_CLOCK_LIMIT_NS)), None)
        return MarketDataError(
            "E_MD_CLOCK",
            f"file={source.path} line={0 if line is None else line.line}",
            "was sent more than a day after it was received: a time is damaged",
        )

    def _stored_offset(self) -> int | None:
        """The offset with which an earlier run imported a part of this recording."""
        for source in self._sources:
            manifest = read_manifest(self._root, source.sha256)
            for entry in (manifest or {"series": {}})["series"].values():
                return int(entry["clock_offset_ns"])
        return None

    def _has_receive_time(self) -> bool:
        return any(source.format.has_receive_time for source in self._sources)

    def _import(
        self,
        source: Source,
        keys: list[Key],
        decoders: dict[Key, Decoder],
        offset_ns: int,
        advance: Callable[[int], None],
    ) -> None:
        tag = source.sha256[:_TAG_DIGITS]
        report = self._reports[source.sha256]
        remove_leftovers(self._root, tag, keys)
        writers = {
            (key, stream): StreamWriter(
                self._root, self._meaning(key, source, offset_ns), stream, tag=tag
            )
            for key in keys
            for stream in STREAMS
        }
        before = {key: decoders[key].counts() for key in keys}
        adjusted = {slot: self._clocks[slot].adjusted for slot in writers}
        quarantine = Quarantine(self._root, report)
        try:
            for key, rows in self._rows(source, decoders, advance):
                quarantine.add(rows.rejects)
                self._write(key, rows, writers, offset_ns)
            quarantine.add(self._crossed(source, decoders, before))
            parts = {slot: writer.finish() for slot, writer in writers.items()}
            self._check_overlap(source, parts)
        except BaseException:
            for writer in writers.values():
                writer.abort()
            quarantine.abort()
            raise
        quarantine.publish()
        if not any(parts.values()):
            if quarantine.first is not None:
                raise reject_error(source.path, quarantine.first)
            raise MarketDataError(
                "E_REC_IMPORT",
                f"file={source.path} line=0",
                "holds no usable row: its book has no snapshot and there are no trades",
            )
        for key in keys:
            change = _minus(decoders[key].counts(), before[key])
            raised = sum(
                self._clocks[key, stream].adjusted - adjusted[key, stream] for stream in STREAMS
            )
            self._note(key, change, raised, parts, offset_ns)
        self._commit(source, keys, parts, offset_ns)

    def _write(
        self,
        key: Key,
        rows: _Rows,
        writers: dict[tuple[Key, Stream], StreamWriter],
        offset_ns: int,
    ) -> None:
        for stream, table in rows.tables.items():
            if not table.num_rows:
                continue
            ts_ns, recv_ns = self._clocks[key, stream].apply(
                table.column("ts_ns").to_numpy(), table.column("recv_ns").to_numpy() + offset_ns
            )
            writer = writers.get((key, stream))
            if writer is not None:
                timed = table.set_column(0, table.schema.field(0), pa.array(ts_ns))
                writer.write(timed.set_column(1, table.schema.field(1), pa.array(recv_ns)))

    def _crossed(
        self, source: Source, decoders: dict[Key, Decoder], before: dict[Key, Counts]
    ) -> list[Reject]:
        """The rows of a file that were left out because they crossed a book.

        Rows whose time went back are kept; the first of them are named in the report.
        """
        found: list[Reject] = []
        report = self._reports[source.sha256]
        for key, earlier in before.items():
            change = _minus(decoders[key].counts(), earlier)
            lines = self._lines(source, key, counted(earlier))
            crossed, backward = change.crossed, min(change.out_of_order, ERRORS_SHOWN)
            while crossed or backward:
                line = next(lines, None)
                if line is None:
                    break
                if line.code == "E_MD_CROSSED":
                    found.append(line.reject("the book is crossed or locked after this row"))
                    crossed -= 1
                elif backward:
                    report.add_error(
                        MarketDataError(
                            "E_MD_CLOCK",
                            f"file={source.path} line={line.line}",
                            "time goes back; the row got the time of an earlier one",
                        )
                    )
                    backward -= 1
        return sorted(found, key=lambda reject: reject.line)

    def _lines(self, source: Source, key: Key, watch: Watch) -> Iterator[Located]:
        """Lines of a file that `watch` looks for, found by decoding the recording up to them."""
        files = self._sources[: self._sources.index(source)]
        return locate(
            self._decoders()[key],
            earlier=(block for file in files for block in self._blocks(file)),
            blocks=self._blocks(source),
            joins_lines=source.format.joins_lines,
            watch=watch,
        )

    def _decode_again(
        self, source: Source, decoders: dict[Key, Decoder], advance: Callable[[int], None]
    ) -> None:
        """For the state at the end of a file that was imported by an earlier run."""
        offset_ns = self._stored_offset() or 0
        for key, rows in self._rows(source, decoders, advance):
            self._write(key, rows, {}, offset_ns)

    def _rows(
        self, source: Source, decoders: dict[Key, Decoder], advance: Callable[[int], None]
    ) -> Iterator[tuple[Key, _Rows]]:
        """What the decoders make of a file, block by block."""
        keys = self._keys(source)
        for block in self._blocks(source, advance):
            for key in keys:
                decoders[key].feed(block)
                yield key, _taken(decoders[key])
        for key in keys:
            decoders[key].end_file(last=source is self._sources[-1])
            yield key, _taken(decoders[key])

    def _commit(
        self,
        source: Source,
        keys: list[Key],
        parts: dict[tuple[Key, Stream], list[PendingPart]],
        offset_ns: int,
    ) -> None:
        commit(
            self._root,
            [part for made in parts.values() for part in made],
            source={
                "name": source.path.replace("\\", "/").rsplit("/", 1)[-1],
                "sha256": source.sha256,
                "size_bytes": source.size_bytes,
                "format": source.format.name,
            },
            series={
                "/".join(key): {
                    "rows": {
                        stream: sum(part.rows for part in parts[key, stream]) for stream in STREAMS
                    },
                    "clock_offset_ns": offset_ns,
                }
                for key in keys
            },
        )

    def _note(
        self,
        key: Key,
        change: Counts,
        raised: int,
        parts: dict[tuple[Key, Stream], list[PendingPart]],
        offset_ns: int,
    ) -> None:
        report = self._series[key]
        report.rows_book += sum(part.rows for part in parts[key, "book"])
        report.rows_trades += sum(part.rows for part in parts[key, "trades"])
        for stream in STREAMS:
            for part in parts[key, stream]:
                report.note_times(part.first_ts_ns, part.last_ts_ns)
                report.bytes_out += int(self._root.fs.size(self._root.at(part.temp)) or 0)
        report.frames += change.frames
        report.gaps += change.gaps
        report.crossed += change.crossed
        report.duplicates += change.duplicates
        # The core's decoders count these rows themselves.
        report.out_of_order += change.out_of_order or raised
        report.rounded += change.rounded
        report.reconnects += change.reconnects
        report.ignored += change.ignored
        report.clock_offset_ms = offset_ns / NS_PER_MS

    def _check_overlap(
        self, source: Source, parts: dict[tuple[Key, Stream], list[PendingPart]]
    ) -> None:
        for (key, stream), made in parts.items():
            held = self._held[key][stream]
            for part in made:
                for first_ns, last_ns, path in held:
                    if part.first_ts_ns < last_ns and part.last_ts_ns > first_ns:
                        raise MarketDataError(
                            "E_REC_IMPORT",
                            f"file={source.path} line=0",
                            f"{'/'.join(key)}: the catalog has rows of this period in {path}: "
                            "import the files of one recording together, or choose another --out",
                        )

    def _meaning(self, key: Key, source: Source, offset_ns: int) -> Series:
        grid, origin = self._grids[key]
        found = self._found[key]
        options: dict[str, Any] = {
            "format": source.format.name,
            "tick_size": grid.tick_size,
            "lot_size": grid.lot_size,
            "keep_recv": self._options.keep_recv,
            "clock_offset_ns": offset_ns,
        }
        return Series(
            venue=key[0],
            symbol=key[1],
            tick_size=grid.tick_size,
            lot_size=grid.lot_size,
            cfg_hash=config_hash(options),
            market=found.market or "unknown",
            contract_size=found.contract_size,
            extra={
                "source_sha256": source.sha256,
                "recording": self._sources[0].sha256[:_TAG_DIGITS],
                "grid": origin,
                "clock_offset_ns": str(offset_ns),
            },
        )

    def _decoders(self) -> dict[Key, Decoder]:
        first = self._sources[0]
        return {
            key: first.format.decoder(first.path, found, self._grids[key][0])
            for key, found in self._found.items()
        }

    def _keys(self, source: Source) -> list[Key]:
        return [(found.venue, found.symbol) for found in source.found]

    def _is_done(self, source: Source, key: Key) -> bool:
        return "/".join(key) in self._done[source.sha256]

    def _blocks(
        self, source: Source, advance: Callable[[int], None] = lambda _: None
    ) -> Iterator[Block]:
        """Blocks of a file; what a cut one still holds if the user accepts that."""
        try:
            yield from source.format.read(source.path, advance)
        except MarketDataError as error:
            if error.detail != "truncated" or not self._options.accept_truncated:
                raise


@dataclass(frozen=True, slots=True)
class _Rows:
    """What a decoder gave out."""

    tables: dict[Stream, pa.Table]
    rejects: list[Reject]


def _taken(decoder: Decoder) -> _Rows:
    return _Rows(
        {"book": decoder.take_book(), "trades": decoder.take_trades()}, decoder.take_rejects()
    )


def _minus(after: Counts, before: Counts) -> Counts:
    return Counts(
        **{f.name: getattr(after, f.name) - getattr(before, f.name) for f in fields(Counts)}
    )


def _spans(root: Root, key: Key, stream: Stream) -> list[tuple[int, int, str]]:
    """First and last time of every part that the catalog has of a stream."""
    footers = footers_of(root, key[0], key[1], stream)
    return [(f.first_ts_ns, f.last_ts_ns, f.part.path) for f in footers]
