"""Pictures as data: panels of series, written as SVG (nothing to install) or by matplotlib.

An SVG is text made of the numbers alone: the same numbers give the same bytes.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from pathlib import Path

from mmbot.errors import ConfigError
from mmbot.research.chart_svg import Axis, Line, Plot, render
from mmbot.store.artifacts import write_bytes, write_text

__all__ = ["Figure", "Panel", "Series", "check_suffix", "write_figure"]

_COLUMNS = 2
_MATPLOTLIB_SUFFIXES = frozenset({".png", ".pdf"})


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
    """Panels under one title, two a row."""

    title: str
    panels: tuple[Panel, ...]


def check_suffix(path: Path) -> None:
    """Refuse a picture format early, before the work is done.

    Raises:
        ConfigError: ``E_CFG_RANGE`` for an unknown suffix, ``E_CFG_MISSING`` without matplotlib.
    """
    suffix = path.suffix.lower()
    if suffix == ".svg":
        return
    if suffix not in _MATPLOTLIB_SUFFIXES:
        raise ConfigError("E_CFG_RANGE", f"--plot {path}", "must end in .png, .pdf or .svg")
    try:
        import matplotlib as mpl  # noqa: F401, PLC0415 -- an optional, slow import
    except ImportError as exc:
        raise ConfigError(
            "E_CFG_MISSING",
            f"--plot {path}",
            "needs matplotlib: install mmbot[plots], or write an .svg, which needs nothing",
        ) from exc


def write_figure(path: Path, figure: Figure) -> None:
    """Write the picture in the format of the suffix, atomically."""
    check_suffix(path)
    if path.suffix.lower() == ".svg":
        write_text(path, render(figure.title, [_plot(panel) for panel in figure.panels]))
    else:
        write_bytes(path, _matplotlib(figure, path.suffix.lower().lstrip(".")))


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


def _matplotlib(figure: Figure, suffix: str) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 -- optional
    from matplotlib.figure import Figure as Canvas  # noqa: PLC0415 -- optional

    rows = math.ceil(len(figure.panels) / _COLUMNS)
    canvas = Canvas(figsize=(12, 3.6 * rows), layout="constrained")
    FigureCanvasAgg(canvas)
    canvas.suptitle(figure.title)
    for at, panel in enumerate(figure.panels, 1):
        axes = canvas.add_subplot(rows, _COLUMNS, at)
        for series in panel.series:
            points = _points(panel, series)
            style = "o" if series.marks_only else "o-"
            x, y = [p[0] for p in points], [p[1] for p in points]
            axes.plot(x, y, style, markersize=3, label=series.name)
        axes.set_title(panel.title, fontsize=10)
        axes.set_xlabel(panel.x_label)
        if panel.log_x:
            axes.set_xscale("log")
        if panel.log_y:
            axes.set_yscale("log")
        axes.grid(visible=True, alpha=0.3)
        if panel.series:
            axes.legend(fontsize=7)
    buffer = io.BytesIO()
    # no date and no version: the same numbers give the same bytes
    empty = {"Software": None} if suffix == "png" else {"CreationDate": None}
    canvas.savefig(buffer, format=suffix, dpi=110, metadata=empty)
    return buffer.getvalue()
