"""Pictures as SVG text, without a drawing library: line charts, and bars beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from mmbot.research.chart_bars import Columns, Rows
from mmbot.research.chart_parts import COLOURS, HEIGHT, WIDTH, rule, text

__all__ = ["Axis", "Chart", "Line", "Plot", "render"]

_COLUMNS = 2
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 140, 34, 44
_HEADER = 40
_TICKS = 5


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis that spans `values`."""

    label: str
    log: bool
    values: Sequence[float]

    def span(self) -> tuple[float, float]:
        """Ends in the axis's own scale (logarithms of a logarithmic one)."""
        scaled = [self.scale(value) for value in self.values] or [0.0, 1.0]
        low, high = min(scaled), max(scaled)
        if high - low < 1e-12:
            return low - 0.5, high + 0.5
        margin = 0.04 * (high - low)
        return low - margin, high + margin

    def scale(self, value: float) -> float:
        """The value in the axis's own scale."""
        return math.log10(value) if self.log else value

    def ticks(self) -> list[float]:
        """Round values inside the span."""
        low, high = self.span()
        if self.log:
            decades = range(math.ceil(low), math.floor(high) + 1)
            return [10.0**decade for decade in decades] or [10.0 ** ((low + high) / 2)]
        raw = (high - low) / _TICKS
        power = 10.0 ** math.floor(math.log10(raw))
        step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw)
        first = math.ceil(low / step)
        return [i * step for i in range(first, math.floor(high / step) + 1)]


@dataclass(frozen=True, slots=True)
class Line:
    """Points of one name."""

    name: str
    points: Sequence[tuple[float, float]]
    marks_only: bool = False


@dataclass(frozen=True, slots=True)
class Plot:
    """One chart."""

    title: str
    x: Axis
    y: Axis
    lines: Sequence[Line] = field(default_factory=tuple)
    wide: bool = False


Chart = Plot | Rows | Columns


def render(title: str, charts: Sequence[Chart]) -> str:
    """The picture: charts in two columns under a title; a wide one has a row of its own."""
    placed, row, column = [], 0, 0
    for chart in charts:
        if chart.wide and column:
            row, column = row + 1, 0
        placed.append((chart, column, row))
        column += _COLUMNS if chart.wide else 1
        if column >= _COLUMNS:
            row, column = row + 1, 0
    width, height = _COLUMNS * WIDTH, _HEADER + (row + (column > 0)) * HEIGHT
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">'
        ),
        f'<rect width="{width}" height="{height}" fill="white"/>',
        text(width / 2, 26, title, size=16),
    ]
    for chart, at, line in placed:
        parts.append(f'<g transform="translate({at * WIDTH},{_HEADER + line * HEIGHT})">')
        parts.extend(_draw(chart) if isinstance(chart, Plot) else chart.draw())
        parts.append("</g>")
    parts.append("</svg>")
    return "\n".join(parts)


def _draw(plot: Plot) -> list[str]:
    right, bottom = WIDTH - _RIGHT, HEIGHT - _BOTTOM
    parts = [text((_LEFT + right) / 2, 20, plot.title, size=12)]
    for value in plot.x.ticks():
        x = _x(plot, value)
        parts.append(rule(x, _TOP, x, bottom))
        parts.append(text(x, bottom + 16, f"{value:g}"))
    for value in plot.y.ticks():
        y = _y(plot, value)
        parts.append(rule(_LEFT, y, right, y))
        parts.append(text(_LEFT - 6, y + 4, f"{value:g}", anchor="end"))
    parts.append(
        f'<rect x="{_LEFT}" y="{_TOP}" width="{right - _LEFT}" height="{bottom - _TOP}" '
        'fill="none" stroke="#444"/>'
    )
    parts.append(text((_LEFT + right) / 2, bottom + 34, plot.x.label))
    for i, line in enumerate(plot.lines):
        parts.extend(_line(plot, line, i))
    return parts


def _line(plot: Plot, line: Line, at: int) -> list[str]:
    colour = COLOURS[at % len(COLOURS)]
    places = [(_x(plot, x), _y(plot, y)) for x, y in line.points]
    parts = []
    if len(places) > 1 and not line.marks_only:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}"/>')
    radius = 4 if line.marks_only else 2
    parts.extend(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{colour}"/>' for x, y in places
    )
    key = WIDTH - _RIGHT + 8
    top = _TOP + 8 + 15 * at
    parts.append(f'<rect x="{key}" y="{top - 4}" width="10" height="4" fill="{colour}"/>')
    parts.append(text(key + 14, top + 2, line.name, anchor="start", size=10))
    return parts


def _x(plot: Plot, value: float) -> float:
    low, high = plot.x.span()
    return _LEFT + (plot.x.scale(value) - low) / (high - low) * (WIDTH - _RIGHT - _LEFT)


def _y(plot: Plot, value: float) -> float:
    low, high = plot.y.span()
    bottom = HEIGHT - _BOTTOM
    return bottom - (plot.y.scale(value) - low) / (high - low) * (bottom - _TOP)
