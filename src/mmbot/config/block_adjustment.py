"""Raising `min_interval_ms` when replaces keep running into it.

At the end of an evaluation window (one soak iteration; 300 s in a live session) the share of
decision ticks blocked by the interval decides. A higher interval also slows the requote cadence, so
fewer attempts are blocked. While soak tunes by itself, its own rule does this job.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

__all__ = ["BLOCK_REASONS", "WINDOW_NS", "BlockCounts", "BlockWindow", "IntervalRaise", "raised"]

BLOCK_REASONS: Final = ("concurrency", "min_interval", "risk", "throttle")
WINDOW_NS: Final = 300_000_000_000
"""Evaluation window of a live session."""

_RATE_LIMIT: Final = 0.25
_STEP_MS: Final = 10
_CAP_MS: Final = 120


@dataclass(frozen=True, slots=True)
class BlockCounts:
    """Decision ticks, and how many of them had a block of each reason."""

    total_iterations: int = 0
    blocked_by: Mapping[str, int] = field(default_factory=dict)

    def since(self, earlier: BlockCounts) -> BlockCounts:
        """What was counted after `earlier`."""
        return BlockCounts(
            self.total_iterations - earlier.total_iterations,
            {r: self.blocked_by.get(r, 0) - earlier.blocked_by.get(r, 0) for r in BLOCK_REASONS},
        )


@dataclass(frozen=True, slots=True)
class IntervalRaise:
    """A raise of `min_interval_ms`, and the rate of blocks that asked for it."""

    old_ms: int
    new_ms: int
    block_rate: float

    reason: str = "block_min_interval"

    @property
    def marker(self) -> str:
        """The line that says so."""
        rate = f"block_rate={self.block_rate:.2%}"
        return f"| min_interval_adjust | {rate} | {self.old_ms}ms -> {self.new_ms}ms |"


def raised(window: BlockCounts, min_interval_ms: int) -> IntervalRaise | None:
    """The raise that the counts of a window ask for, None if they ask for none."""
    if window.total_iterations <= 0 or min_interval_ms >= _CAP_MS:
        return None
    rate = window.blocked_by.get("min_interval", 0) / window.total_iterations
    if rate <= _RATE_LIMIT:
        return None
    return IntervalRaise(min_interval_ms, min(_CAP_MS, min_interval_ms + _STEP_MS), rate)


class BlockWindow:
    """Counts blocks from evaluation to evaluation; the totals of the session go on.

    Args:
        start_ns: when the first window begins, on the clock that `is_due` is asked with.
        length_ns: length of a window.
    """

    def __init__(self, start_ns: int = 0, length_ns: int = WINDOW_NS) -> None:
        self._length_ns = length_ns
        self._ends_ns = start_ns + length_ns
        self._counted = BlockCounts()

    def is_due(self, now_ns: int) -> bool:
        """Whether the window has passed."""
        return now_ns >= self._ends_ns

    def evaluate(
        self, totals: BlockCounts, min_interval_ms: int, *, now_ns: int = 0, tuning: bool = False
    ) -> IntervalRaise | None:
        """Judge the window and begin the next one.

        Args:
            totals: counts of the session so far.
            min_interval_ms: the value in force.
            now_ns: when the next window begins.
            tuning: whether soak tunes by itself; nothing is raised then.
        """
        window = totals.since(self._counted)
        self._counted = totals
        self._ends_ns = now_ns + self._length_ns
        return None if tuning else raised(window, min_interval_ms)
