"""Pictures as data: panels of series and bars, written as SVG, or as PNG drawn from that SVG.

A picture is made of the numbers alone: the same numbers give the same bytes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from mmbot.errors import ConfigError
from mmbot.research.chart_bars import Columns, Rows
from mmbot.research.chart_png import png_of
from mmbot.research.chart_svg import Axis, Line, Plot, render
from mmbot.store.artifacts import write_bytes, write_text

__all__ = ["Columns", "Figure", "Panel", "Rows", "Series", "check_suffix", "write_figure"]

_SUFFIXES = frozenset({".svg", ".png"})


@dataclass(frozen=True, slots=True)
class Series:
    """Points of one name, joined by a line unless `marks_only`."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    marks_only: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """One plot of the figure. Points without a logarithm are left out of a logarithmic axis."""

    title: str
    x_label: str
    series: tuple[Series, ...]
    log_x: bool = False
    log_y: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """Panels under one title, two a row; a wide one has a row of its own."""

    title: str
    panels: tuple[Panel | Rows | Columns, ...]


def check_suffix(path: Path) -> None:
    """Refuse a picture format early, before the work is done.

    Raises:
        ConfigError: ``E_CFG_RANGE`` for an unknown suffix.
    """
    if path.suffix.lower() not in _SUFFIXES:
        raise ConfigError("E_CFG_RANGE", f"--plot {path}", "must end in .png or .svg")


def write_figure(path: Path, figure: Figure) -> None:
    """Write the picture in the format of the suffix, atomically."""
    check_suffix(path)
    charts = [_plot(one) if isinstance(one, Panel) else one for one in figure.panels]
    svg = render(figure.title, charts)
    if path.suffix.lower() == ".svg":
        write_text(path, svg)
    else:
        write_bytes(path, png_of(svg))


def _plot(panel: Panel) -> Plot:
    lines = [
        Line(name=series.name, points=_points(panel, series), marks_only=series.marks_only)
        for series in panel.series
    ]
    points = [point for line in lines for point in line.points]
    return Plot(
        title=panel.title,
        x=Axis(label=panel.x_label, log=panel.log_x, values=[p[0] for p in points]),
        y=Axis(label="", log=panel.log_y, values=[p[1] for p in points]),
        lines=lines,
    )


def _points(panel: Panel, series: Series) -> list[tuple[float, float]]:
    return [
        (x, y)
        for x, y in zip(series.x, series.y, strict=True)
        if math.isfinite(x)
        and math.isfinite(y)
        and (x > 0 or not panel.log_x)
        and (y > 0 or not panel.log_y)
    ]
