"""``audit.jsonl`` as a file of the disk: a day of it, and whether it is whole. Nothing is changed.

A line that a crash left torn counts as broken, until the next session sets it aside.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from mmbot.clock import artifact_ns
from mmbot.errors import StoreError
from mmbot.store.artifacts import write_bytes, write_json, write_text
from mmbot.store.audit_chain import ChainVerdict, day_of, verify
from mmbot.store.runtime import version
from mmbot.units import format_utc

__all__ = ["dump_day", "verdict_document", "verdict_text", "verify_file", "write_verdict"]

_LINE_MAX: Final = 16 << 20


def dump_day(path: Path, utc_date: str, out: Path) -> int:
    """Copy the lines of a UTC day unchanged to `out`; how many there were.

    Raises:
        StoreError: ``E_STORE_DISK`` when a file cannot be read or written.
    """
    lines = [line for line in _lines(path) if day_of(line) == utc_date]
    write_bytes(out, b"".join(lines))
    return len(lines)


def verify_file(path: Path, utc_date: str | None) -> ChainVerdict:
    """Check the chain of a file; one that is missing or empty has nothing wrong.

    Raises:
        StoreError: ``E_STORE_DISK`` when it cannot be read.
    """
    return verify(_lines(path), utc_date=utc_date)


def write_verdict(verdict: ChainVerdict, utc_date: str | None, *, json: Path, md: Path) -> None:
    """Write the verdict in both forms.

    Raises:
        StoreError: ``E_STORE_DISK``.
    """
    write_json(json, verdict_document(verdict))
    write_text(md, verdict_text(verdict, utc_date))


def verdict_document(verdict: ChainVerdict) -> dict[str, Any]:
    """The verdict as JSON holds it."""
    return {
        "broken": verdict.broken,
        "checked": verdict.checked,
        "first_broken_lineno": verdict.first_broken_lineno,
        "runtime": {"utc": format_utc(artifact_ns()), "version": version()},
    }


def verdict_text(verdict: ChainVerdict, utc_date: str | None) -> str:
    """The verdict as Markdown."""
    first = verdict.first_broken_lineno
    lines = [
        "AUDIT CHAIN VERIFY",
        "",
        f"Result: {'BROKEN' if verdict.broken else 'OK'}  Scope: {utc_date or 'all'}",
        "",
        f"checked: {verdict.checked}",
        f"broken: {verdict.broken}",
        f"first_broken_lineno: {'null' if first is None else first}",
    ]
    return "\n".join(lines) + "\n"


def _lines(path: Path) -> Iterator[bytes]:
    """The lines, one at a time, however long the file is."""
    try:
        with path.open("rb") as file:
            while line := file.readline(_LINE_MAX):
                yield line
    except FileNotFoundError:
        return
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise StoreError("E_STORE_DISK", f"file={path}", f"cannot be read: {reason}") from exc
