"""Counters of a journal, as plain attributes that an exporter reads."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

__all__ = ["BOUNDS_MS", "JournalMetrics", "MsHistogram"]

# From a sync that a battery-backed cache answers to a disk that hangs.
BOUNDS_MS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0)


@dataclass(slots=True)
class MsHistogram:
    """Durations in milliseconds: `counts[i]` are those up to ``BOUNDS_MS[i]``, the last all others.

    Counts are per bucket, not cumulative.
    """

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_MS) + 1))
    count: int = 0
    sum_ms: float = 0.0
    max_ms: float = 0.0

    def observe(self, duration_ms: float) -> None:
        """Count one duration."""
        self.counts[bisect_left(BOUNDS_MS, duration_ms)] += 1
        self.count += 1
        self.sum_ms += duration_ms
        self.max_ms = max(self.max_ms, duration_ms)


@dataclass(slots=True)
class JournalMetrics:
    """What a writer has done since it was opened."""

    records_total: Counter[str] = field(default_factory=Counter)
    """Records written, by kind."""
    bytes_total: int = 0
    fsync_ms: MsHistogram = field(default_factory=MsHistogram)
    torn_records_total: int = 0
    """Torn tails cut when the journal was opened."""
    write_fail_total: int = 0
    """Appends and syncs that the machine refused."""
