"""Row counts and checksums of tables, equal on both backends for equal rows in any order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from mmbot.store.sql.amounts import amount_text

__all__ = ["TableSum"]

_MODULUS: Final = 1 << 256


@dataclass(slots=True)
class TableSum:
    """Counts rows and adds up their SHA-256, so that their order does not matter."""

    rows: int = 0
    _sum: int = 0

    def add(self, rows: Iterable[Sequence[Any]]) -> None:
        """Add rows, values in the order of the columns."""
        for row in rows:
            self.rows += 1
            digest = hashlib.sha256(_text(row).encode()).digest()
            self._sum = (self._sum + int.from_bytes(digest, "big")) % _MODULUS

    @property
    def hexdigest(self) -> str:
        """The checksum."""
        return f"{self._sum:064x}"


def _text(row: Sequence[Any]) -> str:
    return json.dumps([_plain(value) for value in row], ensure_ascii=True)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return amount_text(value)
    return int(value) if isinstance(value, bool) else value
