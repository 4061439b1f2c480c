"""Line charts as SVG text, without a drawing library."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

__all__ = ["Axis", "Line", "Plot", "render"]

_COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#ff7f0e", "#9467bd", "#8c564b", "#17becf", "#7f7f7f")
_COLUMNS = 2
_WIDTH, _HEIGHT = 560, 340
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


def render(title: str, plots: Sequence[Plot]) -> str:
    """The picture: plots in two columns under a title."""
    rows = math.ceil(len(plots) / _COLUMNS)
    width, height = _COLUMNS * _WIDTH, _HEADER + rows * _HEIGHT
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">'
        ),
        f'<rect width="{width}" height="{height}" fill="white"/>',
        _text(width / 2, 26, title, size=16),
    ]
    for i, plot in enumerate(plots):
        x, y = (i % _COLUMNS) * _WIDTH, _HEADER + (i // _COLUMNS) * _HEIGHT
        parts.append(f'<g transform="translate({x},{y})">')
        parts.extend(_draw(plot))
        parts.append("</g>")
    parts.append("</svg>")
    return "\n".join(parts)


def _draw(plot: Plot) -> list[str]:
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    parts = [_text((_LEFT + right) / 2, 20, plot.title, size=12)]
    for value in plot.x.ticks():
        x = _x(plot, value)
        parts.append(_rule(x, _TOP, x, bottom))
        parts.append(_text(x, bottom + 16, f"{value:g}"))
    for value in plot.y.ticks():
        y = _y(plot, value)
        parts.append(_rule(_LEFT, y, right, y))
        parts.append(_text(_LEFT - 6, y + 4, f"{value:g}", anchor="end"))
    parts.append(
        f'<rect x="{_LEFT}" y="{_TOP}" width="{right - _LEFT}" height="{bottom - _TOP}" '
        'fill="none" stroke="#444"/>'
    )
    parts.append(_text((_LEFT + right) / 2, bottom + 34, plot.x.label))
    for i, line in enumerate(plot.lines):
        parts.extend(_line(plot, line, i))
    return parts


def _line(plot: Plot, line: Line, at: int) -> list[str]:
    colour = _COLOURS[at % len(_COLOURS)]
    places = [(_x(plot, x), _y(plot, y)) for x, y in line.points]
    parts = []
    if len(places) > 1 and not line.marks_only:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}"/>')
    radius = 4 if line.marks_only else 2
    parts.extend(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{colour}"/>' for x, y in places
    )
    key = _WIDTH - _RIGHT + 8
    top = _TOP + 8 + 15 * at
    parts.append(f'<rect x="{key}" y="{top - 4}" width="10" height="4" fill="{colour}"/>')
    parts.append(_text(key + 14, top + 2, line.name, anchor="start", size=10))
    return parts


def _x(plot: Plot, value: float) -> float:
    low, high = plot.x.span()
    return _LEFT + (plot.x.scale(value) - low) / (high - low) * (_WIDTH - _RIGHT - _LEFT)


def _y(plot: Plot, value: float) -> float:
    low, high = plot.y.span()
    bottom = _HEIGHT - _BOTTOM
    return bottom - (plot.y.scale(value) - low) / (high - low) * (bottom - _TOP)


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<path d="M{x1:.1f},{y1:.1f}L{x2:.1f},{y2:.1f}" stroke="#ddd"/>'


def _text(x: float, y: float, text: str, *, anchor: str = "middle", size: int = 11) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"'
    return f"<text {place}>{escape(text)}</text>"
