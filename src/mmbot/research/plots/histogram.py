"""A histogram of durations over logarithmic bins, with marks at percentiles."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mmbot.research.plots.canvas import Canvas, Frame, tooltip
from mmbot.research.plots.numbers import compact
from mmbot.research.plots.scale import Scale

__all__ = ["Histogram", "histogram_chart"]

_HEIGHT: Final = 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 66, 14, 34, 34
_BINS: Final = 40
_DECADES: Final = ("1 ms", "10 ms", "100 ms", "1 s", "10 s", "100 s")
_UNITS: Final = ((3_600_000.0, "h"), (60_000.0, "min"), (1_000.0, "s"), (1.0, "ms"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Counts of values in ms; `marks` are named values, such as percentiles."""

    title: str
    values_ms: Sequence[float]
    counts: Sequence[int]
    marks: Mapping[str, float]
    klass: str
    width: int = 570


def histogram_chart(histogram: Histogram) -> str:
    """The chart as SVG; values below 1 ms are counted in the first bin."""
    canvas = Canvas(histogram.width, _HEIGHT, histogram.title)
    frame = Frame(left=_LEFT, right=histogram.width - _RIGHT, top=_TOP, bottom=_HEIGHT - _BOTTOM)
    total = sum(histogram.counts)
    if not total:
        canvas.text(histogram.width / 2, _HEIGHT / 2, "no fills", klass="none", anchor="middle")
        return canvas.svg()
    low, high = _decades(histogram.values_ms)
    x = frame.x(low, high)
    bins = _binned(histogram, low, high)
    y = frame.y(0.0, 1.12 * max(bins) / total * 100)
    frame.value_axis(canvas, y, count=4)
    _draw_bins(canvas, histogram, bins, x, y)
    _decade_axis(canvas, frame, x)
    _draw_marks(canvas, frame, histogram, x)
    return canvas.svg()


def duration_text(value_ms: float) -> str:
    """A duration in the largest unit that leaves a number above one."""
    for size_ms, unit in _UNITS:
        if value_ms >= size_ms:
            return f"{compact(value_ms / size_ms)} {unit}"
    return f"{compact(value_ms)} ms"


def _log(value_ms: float) -> float:
    return math.log10(max(value_ms, 1.0))


def _decades(values_ms: Sequence[float]) -> tuple[float, float]:
    low = math.floor(_log(min(values_ms)))
    high = math.ceil(_log(max(values_ms)) + 1e-9)
    return float(low), float(max(high, low + 1))


def _binned(histogram: Histogram, low: float, high: float) -> list[int]:
    bins = [0] * _BINS
    for value_ms, count in zip(histogram.values_ms, histogram.counts, strict=True):
        place = int((_log(value_ms) - low) / (high - low) * _BINS)
        bins[min(place, _BINS - 1)] += int(count)
    return bins


def _draw_bins(
    canvas: Canvas, histogram: Histogram, bins: Sequence[int], x: Scale, y: Scale
) -> None:
    total = sum(bins)
    step = (x.high - x.low) / _BINS
    for number, count in enumerate(bins):
        if not count:
            continue
        start, end = (x.low + step * (number + at) for at in (0, 1))
        percent = 100 * count / total
        span = f"{duration_text(10**start)} to {duration_text(10**end)}"
        canvas.add(
            "rect",
            tooltip([f"{span}: {count:,} ({percent:.1f}%)"]),
            x=x(start) + 0.75,
            y=y(percent),
            width=x(end) - x(start) - 1.5,
            height=max(y(0.0) - y(percent), 0.75),
            rx=1.0,
            klass=f"bar {histogram.klass}",
        )


def _decade_axis(canvas: Canvas, frame: Frame, x: Scale) -> None:
    canvas.line(frame.left, frame.bottom, frame.right, frame.bottom, "axis")
    for decade in range(math.ceil(x.low), math.floor(x.high) + 1):
        at = x(float(decade))
        canvas.line(at, frame.bottom, at, frame.bottom + 4, "axis")
        label = _DECADES[decade] if decade < len(_DECADES) else duration_text(10.0**decade)
        canvas.text(at, frame.bottom + 18, label, anchor="middle")


def _draw_marks(canvas: Canvas, frame: Frame, histogram: Histogram, x: Scale) -> None:
    for number, (name, value_ms) in enumerate(histogram.marks.items()):
        at = x(min(max(_log(value_ms), x.low), x.high))
        canvas.line(at, frame.top - 6, at, frame.bottom, "mark")
        anchor = "end" if at > frame.right - 90 else "start"
        shift = -5 if anchor == "end" else 5
        # Neighbours may lie close together: their labels take turns in height.
        text = f"{name} {duration_text(value_ms)}"
        canvas.text(at + shift, frame.top - 8 + 13 * (number % 2), text, klass="val", anchor=anchor)
