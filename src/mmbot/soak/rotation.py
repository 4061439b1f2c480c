"""What an artifact rotation keeps, removes and compresses: a plan from names and ages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["RotationPlan", "SnapshotEntry", "plan_rotation"]

_SUMMARY: Final = re.compile(r"ITER_SUMMARY_(\d+)\.json")
_SEC_PER_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class SnapshotEntry:
    """One entry of ``snapshots/``: its name and age in seconds."""

    name: str
    age_sec: float


@dataclass(frozen=True, slots=True)
class RotationPlan:
    """Names to keep and to delete in ``latest/``, and entries to compress in ``snapshots/``."""

    kept: tuple[str, ...]
    deleted: tuple[str, ...]
    compressed: tuple[str, ...]


def plan_rotation(
    summaries: Sequence[str],
    snapshots: Sequence[SnapshotEntry],
    *,
    max_summaries: int,
    max_age_days: float,
    locked: bool,
) -> RotationPlan:
    """Keep the summaries with the highest numbers, compress snapshots beyond an age.

    Args:
        summaries: file names in ``latest/``; others than ITER_SUMMARY files are left alone.
        snapshots: entries of ``snapshots/``; archives are left alone, and so is an entry whose
            archive exists.
        max_summaries: how many stay.
        max_age_days: age from which a snapshot is compressed.
        locked: a run holds ``latest/``: nothing there is touched.
    """
    numbered = sorted(
        (int(match.group(1)), name) for name in summaries if (match := _SUMMARY.fullmatch(name))
    )
    surplus = 0 if locked else max(0, len(numbered) - max_summaries)
    archives = {s.name for s in snapshots if s.name.endswith(".tar.gz")}
    old = tuple(
        s.name
        for s in sorted(snapshots, key=lambda s: s.name)
        if s.name not in archives
        and f"{s.name}.tar.gz" not in archives
        and s.age_sec > max_age_days * _SEC_PER_DAY
    )
    return RotationPlan(
        kept=tuple(name for _, name in numbered[surplus:]),
        deleted=tuple(name for _, name in numbered[:surplus]),
        compressed=old,
    )
