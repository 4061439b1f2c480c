"""Spark lines: a series in one row of block characters."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

__all__ = ["sparkline"]


def sparkline(values: Sequence[float], width: int, steps: str) -> str:
    """Draw the series in `width` characters, scaled from its least to its largest value.

    Longer series are averaged into `width` buckets; shorter ones stand at the right. A constant
    series is a low line.
    """
    if not values or width < 1:
        return " " * max(0, width)
    buckets = _buckets(values, width)
    low, high = min(buckets), max(buckets)
    scale = (len(steps) - 1) / (high - low) if high > low else 0.0
    drawn = "".join(steps[round((value - low) * scale)] for value in buckets)
    return drawn.rjust(width)


def _buckets(values: Sequence[float], width: int) -> list[float]:
    count = len(values)
    if count <= width:
        return list(values)
    edges = [index * count // width for index in range(width + 1)]
    return [sum(values[a:b]) / (b - a) for a, b in pairwise(edges)]
