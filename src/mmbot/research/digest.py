"""The fingerprint of market data: equal for equal rows, however they were cut into chunks."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from mmbot import core
from mmbot.store.canonical import canonical_json

__all__ = ["RowDigest", "combined_digest", "params_digest"]

_COLUMNS: Final = ("flags", "px", "qty", "ts_exch", "ts_local")


class RowDigest:
    """SHA-256 of each column as the rows stream by, then of the five digests and the grid."""

    def __init__(self, instrument: core.Instrument) -> None:
        grid = f"{instrument.symbol}|{instrument.tick_size}|{instrument.lot_size}|"
        self._head = grid.encode()
        self._columns = {name: hashlib.sha256() for name in _COLUMNS}

    def update(self, chunk: core.EventChunk) -> None:
        """Take the rows of the next chunk."""
        columns = chunk.to_arrays()
        for name, digest in self._columns.items():
            column = np.ascontiguousarray(columns[name])
            little = column.astype(column.dtype.newbyteorder("<"), copy=False)
            digest.update(little.data)

    def hexdigest(self) -> str:
        """The fingerprint of all rows so far, 64 hexadecimal digits."""
        parts = b"".join(digest.digest() for digest in self._columns.values())
        return hashlib.sha256(self._head + parts).hexdigest()


def combined_digest(digests: Sequence[str]) -> str:
    """One fingerprint for several symbols; of a single one it is the same."""
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("|".join(sorted(digests)).encode()).hexdigest()


def params_digest(lanes: Mapping[str, Mapping[str, object]]) -> str:
    """Fingerprint of the lane parameters of all symbols."""
    return hashlib.sha256(canonical_json(lanes, dp=12)).hexdigest()
