"""Numbers as the shortest text that still tells them apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

__all__ = ["axis_labels", "compact", "coordinate", "signed"]

_SUFFIXES: Final = ((1e9, "B"), (1e6, "M"), (1e3, "k"))
_DIGITS: Final = 3


def coordinate(value: float) -> str:
    """A coordinate with at most two decimals."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def compact(value: float) -> str:
    """About three significant digits: 1.25M, 38.0k, 412, 0.36, -1.5e-05; 0 is 0."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else "n/a"
    for size, suffix in _SUFFIXES:
        if abs(value) >= 0.9995 * size and size > 1e3:
            return f"{_significant(value / size)}{suffix}"
    if abs(value) >= 10_000:
        return f"{_significant(value / 1e3)}k"
    if abs(value) < 1e-3:
        return f"{value:.1e}"
    return _significant(value)


def signed(value: float) -> str:
    """As `compact`, with a plus sign where it is positive."""
    return f"+{compact(value)}" if value > 0 else compact(value)


def axis_labels(ticks: Sequence[float]) -> list[str]:
    """Labels of evenly spaced ticks, all with the same decimals and unit."""
    largest = max((abs(tick) for tick in ticks), default=0.0)
    step = abs(ticks[1] - ticks[0]) if len(ticks) > 1 else largest
    # A price axis keeps its digits: 61,612 and 61,616 must not both become 61.6k.
    size, suffix = next(
        ((s, t) for s, t in _SUFFIXES if largest >= 10 * s and step >= 0.01 * s and s > 1e3),
        (1.0, ""),
    )
    decimals = 0 if step <= 0 else max(0, -math.floor(math.log10(step / size) + 1e-9))
    return [f"{tick / size + 0.0:,.{min(decimals, 9)}f}{suffix}" for tick in ticks]


def _significant(value: float) -> str:
    whole = math.floor(math.log10(abs(value))) + 1
    return f"{value:,.{max(0, _DIGITS - max(whole, 1))}f}"
