"""The hash chain of ``audit.jsonl``: one record a line, each naming the hash of the line before.

``sha256`` is that of the record's canonical JSON without the field itself. Nothing is hidden and
nothing is signed: the chain shows that a line was changed, left out or put in.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mmbot.redact import redact
from mmbot.store.canonical import canonical_json
from mmbot.units import format_utc

__all__ = ["GENESIS", "AuditRecord", "ChainVerdict", "chained", "day_of", "last_hash", "verify"]

GENESIS: Final = "GENESIS"
"""What the first line names as the one before it."""


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One event; `symbol` is ``-`` for the whole session."""

    kind: str
    symbol: str
    ts_ns: int
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainVerdict:
    """What a check has found; lines count from 1."""

    checked: int
    broken: int
    first_broken_lineno: int | None


def chained(record: AuditRecord, before: str) -> tuple[bytes, str]:
    """The line of a record behind the one with the hash `before`, and its own hash."""
    plain = {
        "fields": {name: _plain(value) for name, value in record.fields.items()},
        "kind": record.kind,
        "prev_sha256": before,
        "symbol": record.symbol,
        "ts": format_utc(record.ts_ns),
    }
    digest = _digest(plain)
    return canonical_json({**plain, "sha256": digest}), digest


def last_hash(line: bytes) -> str | None:
    """The hash that a whole line names as its own; None if it is none."""
    record = _parsed(line)
    found = None if record is None else record.get("sha256")
    return found if isinstance(found, str) else None


def day_of(line: bytes) -> str | None:
    """The UTC day of a line, ``YYYY-MM-DD``; None for one that says none."""
    record = _parsed(line)
    ts = None if record is None else record.get("ts")
    return ts[:10] if isinstance(ts, str) else None


def verify(lines: Iterable[bytes], *, utc_date: str | None = None) -> ChainVerdict:
    """Check a chain from its first line; with a date only the lines of that day count."""
    checked, broken, first, before = 0, 0, None, GENESIS
    for number, line in enumerate(lines, 1):
        record = _parsed(line)
        if record is None:
            is_counted, is_whole = utc_date is None, False
        else:
            is_counted = utc_date is None or str(record.get("ts", "")).startswith(utc_date)
            is_whole = _is_link(record, before)
            before = str(record.get("sha256"))
        checked += is_counted
        if is_counted and not is_whole:
            broken += 1
            first = first or number
    return ChainVerdict(checked=checked, broken=broken, first_broken_lineno=first)


def _is_link(record: Mapping[str, Any], before: str) -> bool:
    rest = {name: value for name, value in record.items() if name != "sha256"}
    return record.get("prev_sha256") == before and record.get("sha256") == _digest(rest)


def _digest(plain: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical_json(plain, nonfinite="null").rstrip(b"\n")).hexdigest()


def _plain(value: object) -> object:
    """Numbers that JSON has no form for are 0; texts are redacted and stay on their line."""
    if isinstance(value, float):
        return value if math.isfinite(value) else 0.0
    if isinstance(value, str):
        return redact(value).replace("\r", " ").encode("ascii", "backslashreplace").decode("ascii")
    return value


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None
