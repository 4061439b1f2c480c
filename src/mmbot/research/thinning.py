"""Bounded samples of unbounded series: every n-th row, where n doubles when the sample is full.

The sample depends on the rows alone, never on how they were cut into batches.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Thinned", "thinned"]

_ROWS_MAX: Final = 4096


class Thinned:
    """At most `rows_max` rows of a series of columns, evenly spread, and always the last one."""

    def __init__(self, rows_max: int = _ROWS_MAX) -> None:
        assert rows_max >= 2
        self._rows_max = rows_max
        self._stride = 1
        self._seen = 0
        self._kept: dict[str, NDArray[Any]] = {}
        self._last: dict[str, NDArray[Any]] = {}

    def add(self, columns: Mapping[str, NDArray[Any]]) -> None:
        """Take the next batch of rows."""
        count = len(next(iter(columns.values())))
        if not count:
            self._kept = self._kept or {name: column[:0] for name, column in columns.items()}
            return
        first = -self._seen % self._stride
        taken = {name: column[first :: self._stride] for name, column in columns.items()}
        if self._kept:
            taken = {name: np.concatenate([self._kept[name], part]) for name, part in taken.items()}
        while len(next(iter(taken.values()))) > self._rows_max:
            self._stride *= 2
            taken = {name: column[::2] for name, column in taken.items()}
        self._kept = taken
        self._last = {name: column[-1:] for name, column in columns.items()}
        self._seen += count

    @property
    def seen(self) -> int:
        """Rows of the whole series."""
        return self._seen

    def columns(self) -> dict[str, NDArray[Any]]:
        """The sample, with the last row of the series at its end."""
        if not self._seen or (self._seen - 1) % self._stride == 0:
            return dict(self._kept)
        return {name: np.concatenate([self._kept[name], self._last[name]]) for name in self._kept}


def thinned(
    columns: Mapping[str, NDArray[Any]], rows_max: int = _ROWS_MAX
) -> dict[str, NDArray[Any]]:
    """At most about `rows_max` rows of one batch."""
    sample = Thinned(rows_max)
    sample.add(columns)
    return sample.columns()
