"""Top of book after every packet of stored rows: for checks, statistics and exports.

The engine has its own book; this one is the plain twin for data tools: a dictionary of levels and a
heap per side whose stale entries are dropped when they reach the top. About 1 us a row.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbot.market.schema import BookKind, BookSide

__all__ = ["BookReplay", "Tops"]

_HEAP_SLACK = 1024


@dataclass(frozen=True, slots=True)
class Tops:
    """Best prices (ticks) and sizes (lots) after each packet, one entry a packet.

    `row` is the index of the packet's last row, counted from the start of the stream. Where a side
    is empty, or the book is unusable after a gap, price and size are 0, which no level has.
    """

    row: NDArray[np.int64]
    ts_ns: NDArray[np.int64]
    bid_px: NDArray[np.int64]
    bid_qty: NDArray[np.int64]
    ask_px: NDArray[np.int64]
    ask_qty: NDArray[np.int64]

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Packets after which both sides have a level."""
        usable: NDArray[np.bool_] = (self.bid_px > 0) & (self.ask_px > 0)
        return usable

    @property
    def crossed(self) -> NDArray[np.bool_]:
        """Packets after which the book is crossed or locked."""
        crossed: NDArray[np.bool_] = self.usable & (self.bid_px >= self.ask_px)
        return crossed


@dataclass(slots=True)
class _Half:
    """One side: `sign` turns its best price into the smallest key of the heap."""

    sign: int
    levels: dict[int, int] = field(default_factory=dict)
    heap: list[int] = field(default_factory=list)

    def put(self, px: int, qty: int) -> None:
        if not qty:
            self.levels.pop(px, None)
            return
        if px not in self.levels:
            heapq.heappush(self.heap, self.sign * px)
            if len(self.heap) > 2 * len(self.levels) + _HEAP_SLACK:
                self.heap = [self.sign * level for level in (*self.levels, px)]
                heapq.heapify(self.heap)
        self.levels[px] = qty

    def best(self) -> tuple[int, int]:
        """Price and size, or zeros."""
        while self.heap:
            px = self.sign * self.heap[0]
            qty = self.levels.get(px)
            if qty is not None:
                return px, qty
            heapq.heappop(self.heap)
        return 0, 0

    def clear(self) -> None:
        self.levels.clear()
        self.heap.clear()


class BookReplay:
    """Applies batches of book rows; the packet at the end of a batch may go on in the next one."""

    def __init__(self) -> None:
        self.gaps = 0
        self.snapshots = 0
        self._halves = {BookSide.BID: _Half(-1), BookSide.ASK: _Half(1)}
        self._synced = False
        self._packet: tuple[int, int] | None = None
        self._row = -1
        self._ts_ns = 0
        self._out: list[tuple[int, int, int, int, int, int]] = []

    def apply(self, columns: dict[str, NDArray[Any]]) -> Tops:
        """Tops of the packets that are complete once these rows have been applied."""
        bid, ask = self._halves[BookSide.BID], self._halves[BookSide.ASK]
        names = ("ts_ns", "update_id", "kind", "side", "px", "qty")
        for ts_ns, update_id, kind, side, px, qty in zip(
            *(columns[name].tolist() for name in names), strict=True
        ):
            if self._packet != (kind, update_id):
                self._begin(kind, update_id)
            self._row += 1
            self._ts_ns = ts_ns
            if self._synced:
                (ask if side else bid).put(px, qty)
        return self._take()

    def finish(self) -> Tops:
        """The top after the last packet."""
        if self._packet is not None:
            self._end()
            self._packet = None
        return self._take()

    def levels(self) -> Iterator[tuple[BookSide, int, int]]:
        """The present levels: side, price, size."""
        for side, half in self._halves.items():
            for px in sorted(half.levels):
                yield side, px, half.levels[px]

    def _begin(self, kind: int, update_id: int) -> None:
        if self._packet is not None:
            self._end()
        self._packet = (kind, update_id)
        if kind == BookKind.DELTA:
            return
        for half in self._halves.values():
            half.clear()
        self._synced = kind == BookKind.SNAPSHOT
        self.snapshots += self._synced
        self.gaps += kind == BookKind.GAP

    def _end(self) -> None:
        tops = (*self._halves[BookSide.BID].best(), *self._halves[BookSide.ASK].best())
        self._out.append((self._row, self._ts_ns, *tops))

    def _take(self) -> Tops:
        table = np.array(self._out, dtype=np.int64).reshape(-1, 6)
        self._out.clear()
        return Tops(*(np.ascontiguousarray(column) for column in table.T))
