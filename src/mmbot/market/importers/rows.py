"""Building blocks of decoders that are written in Python: lines, grid steps, tables of rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mmbot.market.schema import BOOK_SCHEMA, TRADES_SCHEMA

__all__ = ["BookBuffer", "Lines", "StepFinder", "TradeBuffer", "steps_of", "table_of"]

# A step finer than this is noise of a float, not a grid.
_MAX_DECIMALS: Final = 12


class Lines:
    """Cuts blocks into lines; counts lines from 1 and bytes from 0."""

    def __init__(self) -> None:
        self.number = 0
        self.offset = 0
        self._rest = b""

    def feed(self, block: bytes) -> Iterator[bytes]:
        """Complete lines, without their ends; empty ones are counted and left out."""
        pieces = (self._rest + block).split(b"\n")
        self._rest = pieces.pop()
        for piece in pieces:
            yield from self._line(piece, len(piece) + 1)

    def end(self) -> Iterator[bytes]:
        """The last line, if no line feed ends it; then the counters start anew."""
        rest, self._rest = self._rest, b""
        yield from self._line(rest, len(rest))
        self.number = self.offset = 0

    def _line(self, line: bytes, size: int) -> Iterator[bytes]:
        if size:
            self.number += 1
            if stripped := line.strip():
                yield stripped
            self.offset += size


class StepFinder:
    """The coarsest decimal step of which all numbers seen are multiples."""

    def __init__(self) -> None:
        self._units = 0
        self._scale = 0

    def add(self, value: Decimal) -> None:
        """Takes a finite number; zero says nothing."""
        _, digits, exponent = value.as_tuple()
        assert isinstance(exponent, int)
        units = int("".join(map(str, digits)) or "0")
        if not units:
            return
        scale = max(-exponent, 0)
        units *= 10 ** max(exponent, 0)
        if scale > self._scale:
            self._units *= 10 ** (scale - self._scale)
            self._scale = scale
        self._units = math.gcd(self._units, units * 10 ** (self._scale - scale))

    def add_floats(self, values: NDArray[np.float64]) -> None:
        """Takes positive finite floats that were written with at most 8 decimals."""
        scaled = np.rint(values * 1e8).astype(np.int64)
        units = int(np.gcd.reduce(scaled[scaled > 0])) if bool((scaled > 0).any()) else 0
        if units:
            self.add(Decimal(units).scaleb(-8))

    def step(self) -> str | None:
        """The step as plain decimal text; None if nothing but zeros was seen."""
        if not self._units:
            return None
        text = format(Decimal(self._units).scaleb(-self._scale).normalize(), "f")
        return text if len(text.partition(".")[2]) <= _MAX_DECIMALS else None


def steps_of(value: Decimal, step: Decimal) -> int | None:
    """How many whole steps a number is, or None if it is off the grid or beyond 64 bits."""
    count = value / step
    whole = int(count)
    return whole if count == whole and whole < 2**63 else None


class BookBuffer:
    """Rows of stream `book`, one at a time."""

    def __init__(self) -> None:
        self._rows: list[tuple[int, int, int, int, int, int, int, int]] = []

    def add(
        self,
        *,
        ts_ns: int,
        recv_ns: int,
        update_id: int,
        kind: int,
        side: int,
        px: int,
        qty: int,
        seq: int = 0,
    ) -> None:
        """Appends a row."""
        self._rows.append((ts_ns, recv_ns, update_id, seq, kind, side, px, qty))

    def take(self) -> pa.Table:
        """The rows since the last call."""
        columns = np.array(self._rows, dtype=np.int64).reshape(-1, len(BOOK_SCHEMA)).T
        self._rows.clear()
        return table_of(BOOK_SCHEMA, dict(zip(BOOK_SCHEMA.names, columns, strict=True)))


class TradeBuffer:
    """Rows of stream `trades`, one at a time."""

    def __init__(self) -> None:
        self._rows: list[tuple[int, int, str, int, int, int]] = []

    def add(self, *, ts_ns: int, recv_ns: int, trade_id: str, side: int, px: int, qty: int) -> None:
        """Appends a row."""
        self._rows.append((ts_ns, recv_ns, trade_id, side, px, qty))

    def take(self) -> pa.Table:
        """The rows since the last call."""
        columns = list(zip(*self._rows, strict=True)) or [()] * len(TRADES_SCHEMA)
        self._rows.clear()
        return table_of(TRADES_SCHEMA, dict(zip(TRADES_SCHEMA.names, columns, strict=True)))


def table_of(schema: pa.Schema, columns: dict[str, Any]) -> pa.Table:
    """A table with the schema's types; integers that do not fit are a mistake of the decoder."""
    arrays = [pa.array(columns[field.name]).cast(field.type) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)
