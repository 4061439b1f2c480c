"""Scales from values to coordinates, and round places for their ticks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from mmbot.units import NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN, NS_PER_MS, NS_PER_SEC, format_utc_ns

__all__ = ["Scale", "linear_ticks", "span_of", "time_label", "time_ticks"]

_MANTISSAS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)
_TIME_STEPS_NS: Final = (
    *(NS_PER_MS * n for n in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    *(NS_PER_SEC * n for n in (1, 2, 5, 10, 15, 30)),
    *(NS_PER_MIN * n for n in (1, 2, 5, 10, 15, 30)),
    *(NS_PER_HOUR * n for n in (1, 2, 3, 6, 12)),
    *(NS_PER_DAY * n for n in (1, 2, 5, 10, 30, 60, 120, 365)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Linear from [low, high] to [start, end]."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The coordinate of `value`, also outside the range."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


def span_of(values: Iterable[float], *, margin: float = 0.06) -> tuple[float, float]:
    """The finite values' range, widened at both ends; around 0 where there is none."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return -1.0, 1.0
    low, high = min(finite), max(finite)
    if high - low <= 1e-12 * max(abs(low), abs(high), 1.0):
        half = 0.5 * abs(high) or 1.0
        return low - half, high + half
    room = margin * (high - low)
    return low - room, high + room


def linear_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round values inside [low, high], about `count` of them."""
    raw = (high - low) / max(count, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in _MANTISSAS if m * power >= raw * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def time_ticks(start_ns: int, end_ns: int, count: int = 8) -> list[int]:
    """Round instants of UTC inside the period, at most about `count`."""
    wanted_ns = (end_ns - start_ns) / count
    step_ns = next((s for s in _TIME_STEPS_NS if s >= wanted_ns), _TIME_STEPS_NS[-1])
    first = -(-start_ns // step_ns) * step_ns
    return list(range(first, end_ns + 1, step_ns))


def time_label(ts_ns: int, step_ns: int) -> str:
    """An instant as short as the step between ticks allows."""
    text = format_utc_ns(ts_ns)
    if step_ns >= NS_PER_DAY:
        return text[5:10]
    if step_ns >= NS_PER_MIN:
        return text[11:16]
    return text[11:19] if step_ns >= NS_PER_SEC else text[17:23]
