"""Which summaries of a symbol go: too old, too many, or debris of writers that were killed."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mmbot.market.summaries.schema import parse_hour_ns
from mmbot.units import NS_PER_DAY

__all__ = ["HourFile", "Pruned", "expired", "hour_files", "prune"]

_NAME: Final = re.compile(r"(.+)_(\d{4}-\d\d-\d\d)_(\d\d)\.json")
_DEBRIS: Final = re.compile(r".+\.json(\.lock(\.breaking)?|\.tmp\..+|\.corrupt\..+)")
_DEBRIS_AGE_NS: Final = NS_PER_DAY


@dataclass(frozen=True, slots=True, order=True)
class HourFile:
    """A summary and the hour that its name says."""

    hour_ns: int
    path: Path


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many summaries and how many leftover files were removed."""

    summaries: int
    debris: int


def hour_files(directory: Path, symbol: str) -> list[HourFile]:
    """Summaries of `symbol` in its directory, oldest first, by the hour in the name."""
    found = []
    for path in sorted(directory.glob("*.json")):
        match = _NAME.fullmatch(path.name)
        if match is None or match[1] != symbol:
            continue
        hour_ns = parse_hour_ns(f"{match[2]}T{match[3]}:00:00Z")
        if hour_ns is not None:
            found.append(HourFile(hour_ns, path))
    return sorted(found)


def expired(
    files: Sequence[HourFile],
    *,
    written: Path,
    now_ns: int,
    retention_days: int | None,
    keep_last: int | None,
) -> list[HourFile]:
    """What has to go, oldest first: by age, then by number. `written` always stays and counts."""
    kept = list(files)
    if retention_days is not None:
        oldest_ns = now_ns - retention_days * NS_PER_DAY
        kept = [file for file in kept if file.hour_ns >= oldest_ns or file.path == written]
    if keep_last is not None:
        spare = len(kept) - keep_last
        others = [file for file in kept if file.path != written]
        gone = set(others[: max(0, spare)])
        kept = [file for file in kept if file not in gone]
    stay = set(kept)
    return [file for file in sorted(files) if file not in stay]


def prune(
    directory: Path,
    symbol: str,
    *,
    written: Path,
    now_ns: int,
    retention_days: int | None,
    keep_last: int | None,
) -> Pruned:
    """Remove what `expired` names, and leftover files older than a day. Call it under the lock."""
    gone = expired(
        hour_files(directory, symbol),
        written=written,
        now_ns=now_ns,
        retention_days=retention_days,
        keep_last=keep_last,
    )
    summaries = sum(_removed(file.path) for file in gone)
    debris = sum(
        _removed(path)
        for path in sorted(directory.iterdir())
        if _DEBRIS.fullmatch(path.name) and _is_old(path, now_ns)
    )
    return Pruned(summaries, debris)


def _is_old(path: Path, now_ns: int) -> bool:
    try:
        return now_ns - path.stat().st_mtime_ns > _DEBRIS_AGE_NS
    except OSError:
        return False


def _removed(path: Path) -> bool:
    # A file that somebody holds open on Windows goes at the next hour.
    with contextlib.suppress(OSError):
        path.unlink()
        return True
    return False
