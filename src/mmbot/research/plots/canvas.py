"""SVG elements as text, and the frame with axes that charts share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from mmbot.research.plots.numbers import axis_labels, coordinate
from mmbot.research.plots.scale import Scale, linear_ticks

__all__ = ["Canvas", "Frame", "path_of"]

_LABEL_DROP: Final = 4.0


class Canvas:
    """Collects elements in order; `svg` is the picture."""

    def __init__(self, width: int, height: int, label: str) -> None:
        self.width = width
        self.height = height
        self._label = label
        self._parts: list[str] = []

    def add(self, tag: str, content: str = "", **attributes: str | float) -> None:
        """An element; `content` is markup already, attribute ``klass`` is the class."""
        self._parts.append(element(tag, content, **attributes))

    def text(
        self, x: float, y: float, text: str, *, klass: str = "lab", anchor: str = "start"
    ) -> None:
        """A label."""
        self.add("text", escape(text), x=x, y=y, klass=klass, text_anchor=anchor)

    def line(self, x1: float, y1: float, x2: float, y2: float, klass: str) -> None:
        """A straight line."""
        self.add("line", x1=x1, y1=y1, x2=x2, y2=y2, klass=klass)

    def svg(self, **attributes: str | float) -> str:
        """The picture, as wide as its place."""
        return element(
            "svg",
            "".join(self._parts),
            viewBox=f"0 0 {self.width} {self.height}",
            role="img",
            aria_label=self._label,
            **attributes,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The plot area inside a canvas, in pixels."""

    left: float
    right: float
    top: float
    bottom: float

    def x(self, low: float, high: float) -> Scale:
        """Scale from left to right."""
        return Scale(low=low, high=high, start=self.left, end=self.right)

    def y(self, low: float, high: float) -> Scale:
        """Scale from bottom to top."""
        return Scale(low=low, high=high, start=self.bottom, end=self.top)

    def value_axis(self, canvas: Canvas, scale: Scale, *, count: int = 5) -> None:
        """Grid lines with labels at the left; the line of zero is stronger."""
        ticks = linear_ticks(scale.low, scale.high, count)
        for tick, label in zip(ticks, axis_labels(ticks), strict=True):
            at = scale(tick)
            canvas.line(self.left, at, self.right, at, "zero" if tick == 0 else "grid")
            canvas.text(self.left - 8, at + _LABEL_DROP, label, anchor="end")


def element(tag: str, content: str = "", **attributes: str | float) -> str:
    """One element as text; attribute names with ``_`` for ``-``."""
    parts = [tag]
    for name, value in attributes.items():
        key = "class" if name == "klass" else name.replace("_", "-")
        text = coordinate(value) if isinstance(value, int | float) else value
        parts.append(f"{key}={quoteattr(text)}")
    head = " ".join(parts)
    return f"<{head}>{content}</{tag}>" if content else f"<{head}/>"


def path_of(points: Iterable[tuple[float, float] | None]) -> str:
    """Path data of a line; None lifts the pen."""
    commands: list[str] = []
    pen_down = False
    for point in points:
        if point is None:
            pen_down = False
            continue
        commands.append(f"{'L' if pen_down else 'M'}{coordinate(point[0])} {coordinate(point[1])}")
        pen_down = True
    return "".join(commands)


def tooltip(lines: Sequence[str]) -> str:
    """What a pointer that rests on the element is told."""
    return element("title", escape("\n".join(lines)))
