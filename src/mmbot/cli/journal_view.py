"""How `mmbot journal` shows journals, segments and records."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from mmbot.cli.data_tables import listing, size_text
from mmbot.cli.progress import ByteBar
from mmbot.errors import StoreError
from mmbot.ids import base36
from mmbot.store.canonical import canonical_json
from mmbot.store.journal import JournalReader, JournalScan
from mmbot.store.journal.reader import read_segment_end
from mmbot.store.journal.retention import is_shipped
from mmbot.units import format_utc, format_utc_ns

__all__ = [
    "Journal",
    "SegmentFacts",
    "cid_prefix",
    "journal_at",
    "journal_table",
    "json_line",
    "segment_table",
    "segments_of",
    "text_line",
]

_LEADING = ("seq", "ts_ns", "kind")
# `round` to this many decimals leaves every double as it is.
_EXACT_DP = 330


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """One session's journal; what could not be read is None."""

    session: str
    mode: str | None
    created_utc: str | None
    segments: int
    records: int | None
    bytes: int
    state: str
    """ended, open (running, or killed), torn (killed in a write), shipped, damaged."""
    error: str | None

    def as_json(self) -> dict[str, Any]:
        """The same as a plain object."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentFacts:
    """One segment."""

    file: str
    records: int | None
    next_seq: int | None
    bytes: int
    counts: Mapping[str, int]
    torn_at: int | None
    error: str | None

    def as_json(self) -> dict[str, Any]:
        """The same as a plain object."""
        return asdict(self)


def journal_at(session: Path, bar: ByteBar) -> Journal:
    """Check a journal and describe it."""
    header: dict[str, Any] | None = None
    scan: JournalScan | None = None
    error = None
    paths = sorted(session.glob("*.mmj"))
    size = sum(path.stat().st_size for path in paths)
    bar.begin(session.name, size)
    try:
        reader = JournalReader(session)
        header = reader.header()
        scan = reader.scan(bar.advance)
    except StoreError as exc:
        error = str(exc)
    return Journal(
        session=session.name,
        mode=None if header is None else header["mode"],
        created_utc=None if header is None else format_utc(header["ts_ns"]),
        segments=len(paths),
        records=None if scan is None else scan.next_seq,
        bytes=size,
        state=_state(session, scan),
        error=error,
    )


def _state(session: Path, scan: JournalScan | None) -> str:
    if scan is None:
        return "damaged"
    if is_shipped(session):
        return "shipped"
    if scan.torn is not None:
        return "torn"
    return "ended" if scan.counts.get("session_end") else "open"


def segments_of(reader: JournalReader, bar: ByteBar) -> list[SegmentFacts]:
    """Check the segments of a journal and describe each."""
    bar.begin(reader.path.name, sum(path.stat().st_size for path in reader.segments))
    next_seq: int | None = 0
    facts = []
    for path in reader.segments:
        one = _segment(path, next_seq, bar)
        # behind damage any number may come
        next_seq = one.next_seq
        facts.append(one)
    return facts


def _segment(path: Path, next_seq: int | None, bar: ByteBar) -> SegmentFacts:
    counts: Mapping[str, int] = {}
    error = following = torn_at = None
    try:
        end = read_segment_end(path, next_seq, bar.advance)
        counts, following, torn_at = end.counts, end.next_seq, end.torn_at
    except StoreError as exc:
        error = str(exc)
    return SegmentFacts(
        file=path.name,
        records=None if error else sum(counts.values()),
        next_seq=following,
        bytes=path.stat().st_size,
        counts=dict(counts),
        torn_at=torn_at,
        error=error,
    )


def journal_table(journals: Sequence[Journal], path: Path) -> Table:
    """One row a journal."""
    table = listing(f"Journals in {path}", "session")
    for name in ("mode", "created"):
        table.add_column(name, no_wrap=True)
    for name in ("segments", "records", "size"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for each in journals:
        table.add_row(
            each.session,
            each.mode or "-",
            each.created_utc or "-",
            f"{each.segments:,}",
            _count(each.records),
            size_text(each.bytes),
            each.state,
        )
    return table


def segment_table(segments: Sequence[SegmentFacts], path: Path) -> Table:
    """One row a segment, and the sums by kind below."""
    table = listing(f"Segments of {path.name}", "segment")
    for name in ("first seq", "last seq", "records", "size"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    sums: Counter[str] = Counter()
    for each in segments:
        sums.update(each.counts)
        is_empty = not each.records or each.next_seq is None
        table.add_row(
            each.file,
            "-" if is_empty else f"{(each.next_seq or 0) - (each.records or 0):,}",
            "-" if is_empty else f"{(each.next_seq or 0) - 1:,}",
            _count(each.records),
            size_text(each.bytes),
            "damaged" if each.error else "whole" if each.torn_at is None else "torn",
        )
    table.caption = ", ".join(f"{kind} {count:,}" for kind, count in sorted(sums.items()))
    table.caption_justify = "left"
    return table


def _count(count: int | None) -> str:
    return "-" if count is None else f"{count:,}"


def cid_prefix(path: Path) -> str | None:
    """What client order ids of the journal begin with; None where its header is not at hand.

    A segment may be looked at by itself, or because the journal is damaged.
    """
    try:
        return str(JournalReader(path if path.is_dir() else path.parent).header()["cid_prefix"])
    except StoreError:
        return None


def text_line(record: Mapping[str, Any], prefix: str | None) -> str:
    """``seq time kind key=value ...`` in ASCII."""
    plain = _plain(record, prefix)
    ts_ns = plain["ts_ns"]
    time = "-" if ts_ns is None else format_utc_ns(ts_ns)
    fields = (f"{key}={_text(value)}" for key, value in plain.items() if key not in _LEADING)
    return " ".join((str(plain["seq"]), time, plain["kind"], *fields)) + "\n"


def json_line(record: Mapping[str, Any], prefix: str | None) -> str:
    """One canonical JSON object; what is not finite is null."""
    plain = _plain(record, prefix)
    return canonical_json(plain, dp=_EXACT_DP, nonfinite="null").decode("ascii")


def _plain(record: Mapping[str, Any], prefix: str | None) -> dict[str, Any]:
    plain = dict(record)
    if "config" in plain:
        plain["config"] = _parsed(plain["config"])
    if prefix is not None and "full_cid" in plain:
        plain["order_id"] = f"{prefix}{base36(plain['full_cid'])}"
    return plain


def _parsed(config: bytes) -> object:
    try:
        return json.loads(config)
    except ValueError:
        return config.decode("ascii", "backslashreplace")


def _text(value: object) -> str:
    if isinstance(value, str) and value.isascii() and value.isprintable() and " " not in value:
        return value
    return json.dumps(value, separators=(",", ":"), sort_keys=True)
