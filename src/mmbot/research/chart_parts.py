"""What charts of a picture share: sizes, colours, elements of SVG as text."""

from __future__ import annotations

from typing import Final
from xml.sax.saxutils import escape

__all__ = ["COLOURS", "HEIGHT", "OTHERS", "WIDTH", "rect", "rule", "text"]

COLOURS: Final = (
    "#1f77b4",
    "#d62728",
    "#2ca02c",
    "#ff7f0e",
    "#9467bd",
    "#8c564b",
    "#17becf",
    "#bcbd22",
    "#e377c2",
    "#393b79",
    "#637939",
    "#843c39",
)
OTHERS: Final = "#7f7f7f"
WIDTH, HEIGHT = 560, 340
"""One place of the grid, pixels; a wide chart takes two."""


def rule(x1: float, y1: float, x2: float, y2: float, *, colour: str = "#ddd") -> str:
    """A thin straight line."""
    return f'<path d="M{x1:.1f},{y1:.1f}L{x2:.1f},{y2:.1f}" stroke="{colour}"/>'


def rect(x: float, y: float, width: float, height: float, colour: str) -> str:
    """A filled rectangle."""
    size = f'width="{width:.1f}" height="{height:.1f}"'
    return f'<rect x="{x:.1f}" y="{y:.1f}" {size} fill="{colour}"/>'


def text(
    x: float, y: float, words: str, *, anchor: str = "middle", size: int = 11, colour: str = "#222"
) -> str:
    """A label."""
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"'
    return f'<text {place} fill="{colour}">{escape(words)}</text>'
