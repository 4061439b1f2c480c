"""A waterfall: how a sum comes about, each part standing on the one before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mmbot.research.plots.bars import Bar, column
from mmbot.research.plots.canvas import Canvas, Frame
from mmbot.research.plots.scale import span_of

__all__ = ["Step", "waterfall_chart"]

_HEIGHT: Final = 270
_LEFT, _RIGHT, _TOP, _BOTTOM = 66, 14, 22, 34


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One part of the sum; a total stands on zero and must equal the parts before it."""

    name: str
    value: float
    total: bool = False
    note: str = ""


def waterfall_chart(steps: Sequence[Step], *, title: str, width: int = 570) -> str:
    """The chart as SVG, parts from left to right."""
    canvas = Canvas(width, _HEIGHT, title)
    frame = Frame(left=_LEFT, right=width - _RIGHT, top=_TOP, bottom=_HEIGHT - _BOTTOM)
    bases, reached = [], 0.0
    for step in steps:
        base = 0.0 if step.total else reached
        bases.append(base)
        reached = base + step.value
    ends = [base + step.value for base, step in zip(bases, steps, strict=True)]
    y = frame.y(*span_of([0.0, *bases, *ends], margin=0.14))
    frame.value_axis(canvas, y)
    place = (frame.right - frame.left) / max(len(steps), 1)
    thick = 0.62 * place
    for number, (step, base, end) in enumerate(zip(steps, bases, ends, strict=True)):
        left = frame.left + number * place + (place - thick) / 2
        bar = Bar(name=step.name, value=step.value, klass=_klass(step), note=step.note)
        column(canvas, bar, left, thick, y, base=base)
        canvas.text(left + thick / 2, frame.bottom + 18, step.name, anchor="middle")
        if number + 1 < len(steps):
            canvas.line(left + thick, y(end), left + place, y(end), "joint")
    return canvas.svg()


def _klass(step: Step) -> str:
    if step.total:
        return "sum"
    return "gain" if step.value >= 0 else "loss"
