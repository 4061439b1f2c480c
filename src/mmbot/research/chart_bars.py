"""Bars of a picture: rows for shares by name, columns for values by category and name."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from mmbot.research.chart_parts import COLOURS, HEIGHT, OTHERS, WIDTH, rect, rule, text
from mmbot.research.plots.numbers import axis_labels
from mmbot.research.plots.scale import linear_ticks

__all__ = ["Columns", "Rows"]

_TITLE_Y: Final = 20
_NAME_WIDTH: Final = 124
_NAME_MOST: Final = 16
_VALUE_WIDTH: Final = 70
_ROWS_TOP: Final = 40
_ROW_MOST: Final = 50.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 74, 130, 34, 50
_WIDE: Final = 2 * WIDTH
_GROUP: Final = 0.84
# The longest bar ends below the frame.
_MARGIN: Final = 1.05


def _is_rest(name: str) -> bool:
    """Many names summed up; beside single ones they would dwarf them."""
    return name.startswith("others")


def _colour(at: int, name: str) -> str:
    return OTHERS if _is_rest(name) else COLOURS[at % len(COLOURS)]


def _short(name: str) -> str:
    return name if len(name) <= _NAME_MOST else f"{name[: _NAME_MOST - 2]}.."


@dataclass(frozen=True, slots=True)
class Rows:
    """A bar per name, none below zero, with its value behind it; "others" have no bar."""

    title: str
    values: Sequence[tuple[str, float]]
    label: Callable[[float], str]
    wide: bool = False

    def draw(self) -> list[str]:
        """The elements."""
        parts = [text(WIDTH / 2, _TITLE_Y, self.title, size=13)]
        single = [value for name, value in self.values if not _is_rest(name)]
        most = max(single, default=0.0) or 1.0
        room = WIDTH - _NAME_WIDTH - _VALUE_WIDTH
        step = min(_ROW_MOST, (HEIGHT - _ROWS_TOP - 20) / max(1, len(self.values)))
        for at, (name, value) in enumerate(self.values):
            top = _ROWS_TOP + at * step
            length = 0.0 if _is_rest(name) else room * max(0.0, value) / most
            middle = top + 0.5 * step + 4
            parts.append(text(_NAME_WIDTH - 8, middle, _short(name), anchor="end"))
            parts.append(rect(_NAME_WIDTH, top + 2, length, step - 4, _colour(at, name)))
            place = _NAME_WIDTH + length + 6
            parts.append(text(place, middle, self.label(value), anchor="start", colour="#555"))
        return parts


@dataclass(frozen=True, slots=True)
class Columns:
    """A bar per category and name; under each category stands the sum over the names.

    `series` is (name, one value per category). Stacked bars must not be below zero; beside each
    other, "others" count in the sum only.
    """

    title: str
    categories: Sequence[str]
    series: Sequence[tuple[str, Sequence[float]]]
    stacked: bool = False
    wide: bool = True

    def draw(self) -> list[str]:
        """The elements."""
        right, bottom = _WIDE - _RIGHT, HEIGHT - _BOTTOM
        low, high = self._span()
        place = _Place(low, high, top=_TOP, bottom=bottom)
        parts = [text((_LEFT + right) / 2, _TITLE_Y, self.title, size=13)]
        ticks = linear_ticks(low, high)
        for tick, label in zip(ticks, axis_labels(ticks), strict=True):
            parts.append(rule(_LEFT, place.y(tick), right, place.y(tick)))
            parts.append(text(_LEFT - 8, place.y(tick) + 4, label, anchor="end"))
        step = (right - _LEFT) / max(1, len(self.categories))
        for at, category in enumerate(self.categories):
            left = _LEFT + at * step
            total = math.fsum(values[at] for _, values in self.series)
            parts.append(text(left + step / 2, bottom + 17, category))
            parts.append(text(left + step / 2, bottom + 33, f"{round(total):,}", colour="#777"))
            parts.extend(self._group(at, left, step, place))
        parts.append(rule(_LEFT, place.y(0.0), right, place.y(0.0), colour="#444"))
        parts.append(text(_LEFT - 8, bottom + 33, "sum", anchor="end", colour="#777"))
        for at, (name, _) in enumerate(self._drawn()):
            top = _TOP + 16 * at
            parts.append(rect(right + 12, top, 11, 11, _colour(at, name)))
            parts.append(text(right + 28, top + 10, _short(name), anchor="start"))
        return parts

    def _drawn(self) -> Sequence[tuple[str, Sequence[float]]]:
        return [one for one in self.series if self.stacked or not _is_rest(one[0])]

    def _span(self) -> tuple[float, float]:
        if self.stacked:
            columns = zip(*(values for _, values in self.series), strict=True)
            ends = [math.fsum(column) for column in columns]
        else:
            ends = [value for _, values in self._drawn() for value in values]
        low, high = _MARGIN * min([0.0, *ends]), _MARGIN * max([0.0, *ends])
        return (low, high) if high - low > 1e-9 else (0.0, 1.0)

    def _group(self, at: int, left: float, step: float, place: _Place) -> list[str]:
        parts, base = [], 0.0
        many = 1 if self.stacked else max(1, len(self._drawn()))
        thick = _GROUP * step / many
        start = left + (1 - _GROUP) / 2 * step
        for number, (name, values) in enumerate(self._drawn()):
            value = values[at]
            if value == 0.0:
                continue
            ends = sorted((place.y(base), place.y(base + value)))
            x = start if self.stacked else start + number * thick
            gap = 0.0 if self.stacked or thick < 4 else 1.0
            height = max(0.5, ends[1] - ends[0])
            parts.append(rect(x, ends[0], thick - gap, height, _colour(number, name)))
            base += value if self.stacked else 0.0
        return parts


@dataclass(frozen=True, slots=True)
class _Place:
    """From a value to pixels from the top."""

    low: float
    high: float
    top: float
    bottom: float

    def y(self, value: float) -> float:
        return self.bottom - (value - self.low) / (self.high - self.low) * (self.bottom - self.top)
