"""What a venue calls orders and executions, as the notes of a live session's journal say it.

``order id=... cid=...`` names an order by what we call it; ``exec id=... symbol=...`` is the record
right before the report of the execution that it names. Without a note, as on a simulated exchange,
an execution is named by its order and by what is filled after it.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import Final, TypeVar

__all__ = ["VenueIds"]

K = TypeVar("K")

_EXEC: Final = re.compile(r"exec id=(?P<id>\S+) symbol=\S+ cid=\d+ cum=\d+", re.ASCII)
_ORDER: Final = re.compile(r"order id=(?P<id>\S+) cid=(?P<cid>\S+)", re.ASCII)
# Markouts follow their execution within minutes; the last events of an order may come late.
_KEPT_MAX: Final = 100_000


class VenueIds:
    """Takes notes, and executions as they are booked, in the order of the journal."""

    def __init__(self) -> None:
        self._noted = (-1, "")
        self._orders: OrderedDict[str, str] = OrderedDict()
        self._fills: OrderedDict[tuple[str, int], str] = OrderedDict()

    def note(self, seq: int, text: str) -> None:
        """A note of the journal, whatever it says, and its record."""
        if (found := _EXEC.fullmatch(text)) is not None:
            self._noted = seq, found["id"]
        elif (found := _ORDER.fullmatch(text)) is not None:
            _keep(self._orders, found["cid"], found["id"])

    def booked(self, seq: int, cid: str, cum_lots: int) -> str:
        """The name of an execution that record `seq` reports."""
        noted_seq, exec_id = self._noted
        if seq == noted_seq + 1:
            _keep(self._fills, (cid, cum_lots), exec_id)
        return self.exec_id(cid, cum_lots)

    def order_id(self, cid: str) -> str | None:
        """The venue's name of an order; None if it is not known."""
        return self._orders.get(cid)

    def exec_id(self, cid: str, cum_lots: int) -> str:
        """The name of a booked execution of an order after which so many lots are filled."""
        return self._fills.get((cid, cum_lots)) or f"{cid}-{cum_lots}"


def _keep(kept: OrderedDict[K, str], key: K, name: str) -> None:
    kept[key] = name
    if len(kept) > _KEPT_MAX:
        kept.popitem(last=False)
