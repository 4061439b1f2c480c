"""Bars: columns of signed values, and rows of counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mmbot.research.plots.canvas import Canvas, Frame, tooltip
from mmbot.research.plots.numbers import compact, signed
from mmbot.research.plots.scale import Scale, span_of

__all__ = ["Bar", "bar_chart", "row_chart"]

_HEIGHT: Final = 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 66, 14, 22, 34
_WIDEST: Final = 46.0
_NAME_WIDTH: Final = 150
_ROW: Final = 26
_ROWS_TOP: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar; `note` is shown to a resting pointer."""

    name: str
    value: float
    klass: str
    note: str = ""


def bar_chart(bars: Sequence[Bar], *, title: str, width: int = 570) -> str:
    """Columns from zero with their values at the ends, in the order given."""
    canvas = Canvas(width, _HEIGHT, title)
    frame = Frame(left=_LEFT, right=width - _RIGHT, top=_TOP, bottom=_HEIGHT - _BOTTOM)
    if not bars:
        canvas.text(width / 2, _HEIGHT / 2, "nothing to show", klass="none", anchor="middle")
        return canvas.svg()
    y = frame.y(*span_of([0.0, *(bar.value for bar in bars)], margin=0.14))
    frame.value_axis(canvas, y)
    step = (frame.right - frame.left) / len(bars)
    thick = min(_WIDEST, 0.62 * step)
    for number, bar in enumerate(bars):
        middle = frame.left + (number + 0.5) * step
        column(canvas, bar, middle - thick / 2, thick, y)
        canvas.text(middle, frame.bottom + 18, bar.name, anchor="middle")
    return canvas.svg()


def column(
    canvas: Canvas, bar: Bar, left: float, thick: float, y: Scale, *, base: float = 0.0
) -> None:
    """One column from `base` to `base + value`, with its value above or below it."""
    start, end = y(base), y(base + bar.value)
    top = min(start, end)
    note = bar.note or f"{bar.name}: {bar.value:.6g}"
    canvas.add(
        "rect",
        tooltip([note]),
        x=left,
        y=top,
        width=thick,
        height=max(abs(end - start), 0.75),
        rx=1.5,
        klass=f"bar {bar.klass}",
    )
    below = bar.value < 0
    at = max(start, end) + 14 if below else top - 6
    canvas.text(left + thick / 2, at, signed(bar.value), klass="val", anchor="middle")


def row_chart(bars: Sequence[Bar], *, title: str, width: int = 570) -> str:
    """Horizontal bars of counts, each with its number and its share of all."""
    height = _ROWS_TOP + _ROW * max(len(bars), 2)
    canvas = Canvas(width, height, title)
    total = sum(bar.value for bar in bars)
    if total <= 0:
        canvas.text(width / 2, height / 2, "none", klass="none", anchor="middle")
        return canvas.svg()
    largest = max(bar.value for bar in bars)
    room = width - _NAME_WIDTH - 110
    for number, bar in enumerate(bars):
        top = _ROWS_TOP + number * _ROW
        length = room * bar.value / largest
        canvas.text(_NAME_WIDTH - 10, top + 12, bar.name, anchor="end")
        canvas.add(
            "rect",
            tooltip([bar.note or f"{bar.name}: {bar.value:,.0f}"]),
            x=_NAME_WIDTH,
            y=top,
            width=max(length, 1.0),
            height=16.0,
            rx=2.0,
            klass=f"bar {bar.klass}",
        )
        label = f"{compact(bar.value)}  {100 * bar.value / total:.1f}%"
        canvas.text(_NAME_WIDTH + length + 8, top + 12, label, klass="val")
    return canvas.svg()
