"""Values over time: lines, a band between two of them, and marks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from mmbot.research.plots.canvas import Canvas, Frame, path_of
from mmbot.research.plots.numbers import coordinate
from mmbot.research.plots.scale import Scale, span_of, time_label, time_ticks
from mmbot.units import NS_PER_DAY, format_utc_ns

__all__ = ["Band", "Line", "Marks", "TimeChart", "time_chart"]

_HEIGHT: Final = 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 66, 14, 30, 26
_TOP_ALONE: Final = 10
_LEGEND_STEP: Final = 7.2
# A tick label is about 45 pixels wide and wants as much air again.
_PX_PER_TICK: Final = 95
_MARK: Final = 4.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line through (ts_ns, value); values that are not finite leave a hole.

    `fill` shades the area to zero, `step` keeps each value until the next.
    """

    name: str
    ts_ns: Sequence[int]
    values: Sequence[float]
    klass: str
    fill: bool = False
    step: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """The area between two values at each time."""

    name: str
    ts_ns: Sequence[int]
    low: Sequence[float]
    high: Sequence[float]
    klass: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """Single events: a triangle each, pointing up or down."""

    name: str
    ts_ns: Sequence[int]
    values: Sequence[float]
    klass: str
    shape: Literal["up", "down"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeChart:
    """One chart; the values of everything share the axis."""

    title: str
    unit: str
    lines: Sequence[Line]
    bands: Sequence[Band] = ()
    marks: Sequence[Marks] = ()
    width: int = 1160
    zero: bool = False


def time_chart(chart: TimeChart) -> str:
    """The chart as SVG; without a value it says so."""
    canvas = Canvas(chart.width, _HEIGHT, chart.title)
    top = _TOP if len(_legend_entries(chart)) > 1 else _TOP_ALONE
    frame = Frame(left=_LEFT, right=chart.width - _RIGHT, top=top, bottom=_HEIGHT - _BOTTOM)
    times = [ts for line in chart.lines for ts in (line.ts_ns[0], line.ts_ns[-1])]
    values = list(_finite(chart))
    if not times or not values:
        canvas.text(chart.width / 2, _HEIGHT / 2, "no samples", klass="none", anchor="middle")
        return canvas.svg()
    start_ns, end_ns = min(times), max(times)
    end_ns = max(end_ns, start_ns + 1)
    # Times are measured from the start: a float does not hold nanoseconds since 1970.
    x = frame.x(0.0, float(end_ns - start_ns))
    y = frame.y(*span_of([*values, 0.0] if chart.zero else values))
    frame.value_axis(canvas, y)
    _time_axis(canvas, frame, x, start_ns, end_ns)
    for band in chart.bands:
        canvas.add("path", d=_band_path(band, x, y, start_ns), klass=f"band {band.klass}")
    for line in chart.lines:
        _draw_line(canvas, line, x, y, start_ns)
    for marks in chart.marks:
        canvas.add("path", d=_marks_path(marks, x, y, start_ns), klass=f"marks {marks.klass}")
    _legend(canvas, chart)
    return canvas.svg(
        klass="tc",
        data_unit=chart.unit,
        data_start=str(start_ns),
        data_x=f"0 {end_ns - start_ns} {coordinate(frame.left)} {coordinate(frame.right)}",
        data_y=f"{y.low!r} {y.high!r} {coordinate(frame.bottom)} {coordinate(frame.top)}",
    )


def _finite(chart: TimeChart) -> Iterable[float]:
    for line in chart.lines:
        yield from (value for value in line.values if math.isfinite(value))
    for marks in chart.marks:
        yield from (value for value in marks.values if math.isfinite(value))
    for band in chart.bands:
        yield from (value for value in (*band.low, *band.high) if math.isfinite(value))


def _time_axis(canvas: Canvas, frame: Frame, x: Scale, start_ns: int, end_ns: int) -> None:
    count = max(2, int((frame.right - frame.left) / _PX_PER_TICK))
    ticks = time_ticks(start_ns, end_ns, count)
    step_ns = ticks[1] - ticks[0] if len(ticks) > 1 else end_ns - start_ns
    day_before = ""
    for tick in ticks:
        at = x(float(tick - start_ns))
        label, day = time_label(tick, step_ns), format_utc_ns(tick)[5:10]
        # The first tick of a day says which day it is.
        if step_ns < NS_PER_DAY and day != day_before and at < frame.right - _PX_PER_TICK:
            label = f"{day} {label}"
        day_before = day
        canvas.line(at, frame.bottom, at, frame.bottom + 4, "axis")
        canvas.text(at, frame.bottom + 17, label, anchor="middle")
    canvas.line(frame.left, frame.bottom, frame.right, frame.bottom, "axis")


def _draw_line(canvas: Canvas, line: Line, x: Scale, y: Scale, start_ns: int) -> None:
    points = [
        (x(float(ts - start_ns)), y(value)) if math.isfinite(value) else None
        for ts, value in zip(line.ts_ns, line.values, strict=True)
    ]
    drawn = _stepped(points) if line.step else points
    if line.fill:
        zero = min(max(y(0.0), y.end), y.start)
        canvas.add("path", d=_area_path(drawn, zero), klass=f"area {line.klass}")
    klass = f"line {line.klass} step" if line.step else f"line {line.klass}"
    canvas.add("path", d=path_of(drawn), klass=klass, data_name=line.name)


def _stepped(points: Sequence[tuple[float, float] | None]) -> list[tuple[float, float] | None]:
    drawn: list[tuple[float, float] | None] = []
    before: tuple[float, float] | None = None
    for point in points:
        if before is not None and point is not None and point[1] != before[1]:
            drawn.append((point[0], before[1]))
        drawn.append(point)
        before = point
    return drawn


def _area_path(points: Sequence[tuple[float, float] | None], zero: float) -> str:
    parts: list[str] = []
    run: list[tuple[float, float]] = []
    for point in [*points, None]:
        if point is not None:
            run.append(point)
            continue
        if len(run) > 1:
            parts.append(path_of([(run[0][0], zero), *run, (run[-1][0], zero)]) + "Z")
        run = []
    return "".join(parts)


def _band_path(band: Band, x: Scale, y: Scale, start_ns: int) -> str:
    parts: list[str] = []
    run: list[tuple[float, float, float]] = []
    rows = [*zip(band.ts_ns, band.low, band.high, strict=True), (0, math.nan, math.nan)]
    for ts, low, high in rows:
        if math.isfinite(low) and math.isfinite(high):
            run.append((x(float(ts - start_ns)), y(low), y(high)))
            continue
        if len(run) > 1:
            there = [(at, top) for at, _, top in run]
            back = [(at, bottom) for at, bottom, _ in reversed(run)]
            parts.append(path_of([*there, *back]) + "Z")
        run = []
    return "".join(parts)


def _marks_path(marks: Marks, x: Scale, y: Scale, start_ns: int) -> str:
    tip = -_MARK if marks.shape == "up" else _MARK
    parts = []
    for ts, value in zip(marks.ts_ns, marks.values, strict=True):
        if not math.isfinite(value):
            continue
        at, level = x(float(ts - start_ns)), y(value)
        corners = [(at, level), (at + 0.8 * _MARK, level - 1.8 * tip)]
        parts.append(path_of([*corners, (at - 0.8 * _MARK, level - 1.8 * tip)]) + "Z")
    return "".join(parts)


def _legend_entries(chart: TimeChart) -> list[tuple[str, str]]:
    """Name and classes of everything that is drawn."""
    entries = [(line.name, f"line {line.klass}") for line in chart.lines]
    entries += [(band.name, f"band {band.klass}") for band in chart.bands]
    entries += [(marks.name, f"marks {marks.klass}") for marks in chart.marks]
    return entries


def _legend(canvas: Canvas, chart: TimeChart) -> None:
    """Names of what is drawn, when there is more than one thing."""
    entries = _legend_entries(chart)
    if len(entries) < 2:
        return
    at = float(_LEFT)
    for name, klass in entries:
        key = {"klass": f"{klass} key"}
        if klass.startswith("line"):
            canvas.add("line", x1=at, y1=13.0, x2=at + 14, y2=13.0, **key)
        else:
            canvas.add("rect", x=at + 2, y=8.0, width=10.0, height=10.0, rx=2.0, **key)
        canvas.text(at + 19, 17.0, name, klass="leg")
        at += 36 + _LEGEND_STEP * len(name)
