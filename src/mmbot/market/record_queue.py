"""What waits to be recorded: bounded, and only rows of the book are ever given up.

When more than `rows_max` rows wait, the oldest market data are thinned: their trades stay, of the
book's rows only the newest of every level stays, which is enough to know the book again afterwards.
Orders and fills are never given up. A market whose time may stand still (`waits`) is not thinned:
whoever brings more waits for room instead, unless there is none for seconds on end.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mmbot import core
from mmbot.market.row_flags import GAP, KIND_MASK, LAST_SHIFT, RESET, SIDE_SHIFT, TRADE
from mmbot.market.schema import BookKind, Stream
from mmbot.units import NS_PER_SEC

__all__ = ["MarketRows", "OwnRows", "RecordQueue", "ThinnedRows", "thin"]

Columns = dict[str, NDArray[Any]]

# A disk that takes nothing for so long is full, and a session must be able to end.
_WAIT_MAX_NS: Final = 5 * NS_PER_SEC


@dataclass(frozen=True, slots=True)
class MarketRows:
    """A chunk as it is fed to the engine; `symbol` is an index."""

    symbol: int
    chunk: core.EventChunk

    @property
    def rows(self) -> int:
        """Rows of book and trades."""
        return len(self.chunk)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThinnedRows:
    """What stays of a chunk that had to make room.

    `trades` are rows of the chunk; `levels` the last rows of the levels that the lost rows changed,
    in columns of stream `book`, and only they stand if `usable` is False (nothing is known then).
    `packets` is the number of packet ends that are missing from `trades`, `lost` that of the rows,
    the first of which had the times `first_ts_ns` and `first_recv_ns`.
    """

    symbol: int
    trades: Columns
    levels: Columns
    usable: bool
    packets: int
    lost: int
    first_ts_ns: int
    first_recv_ns: int

    @property
    def rows(self) -> int:
        """Rows that still wait."""
        return len(self.trades["px"]) + len(self.levels["px"])


@dataclass(frozen=True, slots=True)
class OwnRows:
    """Columns of the session's own doings: `orders` or `fills` as the engine gave them."""

    symbol: int
    stream: Stream
    columns: Mapping[str, Any]

    @property
    def rows(self) -> int:
        """Rows of the columns."""
        return len(self.columns["ts_ns"])


Batch = MarketRows | ThinnedRows | OwnRows


class RecordQueue:
    """From the trading loop (`put`) to the writer's thread (`take`).

    Args:
        rows_max: ``recorder.queue_max``.
        waits: whether `put` waits for room, for a market that the writer may hold up.
    """

    def __init__(self, rows_max: int, *, waits: bool) -> None:
        self._rows_max = rows_max
        self._waits = waits
        self._batches: deque[Batch] = deque()
        self._rows = 0
        self._changed = threading.Condition()
        self._closed = False
        self.dropped_book_rows = 0

    @property
    def rows(self) -> int:
        """Rows that wait."""
        return self._rows

    def put(self, batch: Batch) -> None:
        """Add a batch; the oldest market data are thinned when there is no room."""
        with self._changed:
            if self._waits:
                self._waits = self._changed.wait_for(
                    lambda: self._closed or not self._is_full(batch), _WAIT_MAX_NS / NS_PER_SEC
                )
            self._batches.append(batch)
            self._rows += batch.rows
            if not self._waits and self._rows > self._rows_max:
                self._thin()
            self._changed.notify_all()

    def take(self, timeout_ns: int) -> Batch | None:
        """The oldest batch; None if none came in time, or at once when the queue is closed."""
        with self._changed:
            if not self._batches and not self._closed:
                self._changed.wait(timeout_ns / NS_PER_SEC)
            if not self._batches:
                return None
            batch = self._batches.popleft()
            self._rows -= batch.rows
            self._changed.notify_all()
            return batch

    def close(self) -> None:
        """No more will come, and nobody waits for room any longer."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def pause(self, timeout_ns: int) -> None:
        """Let time pass, not beyond `close`."""
        with self._changed:
            if not self._closed:
                self._changed.wait_for(lambda: self._closed, timeout_ns / NS_PER_SEC)

    def _is_full(self, batch: Batch) -> bool:
        # One batch larger than the queue goes through alone.
        return bool(self._batches) and self._rows + batch.rows > self._rows_max

    def _thin(self) -> None:
        """Thin the oldest chunks; what stays of neighbours becomes one."""
        kept: list[Batch] = []
        places: dict[int, int] = {}
        for batch in self._batches:
            is_whole = isinstance(batch, MarketRows)
            if isinstance(batch, OwnRows) or (is_whole and self._rows <= self._rows_max):
                kept.append(batch)
                continue
            thinned = batch
            if isinstance(batch, MarketRows):
                thinned = thin(batch)
                self.dropped_book_rows += thinned.lost
            earlier = kept[places[batch.symbol]] if batch.symbol in places else None
            if isinstance(earlier, ThinnedRows) and isinstance(thinned, ThinnedRows):
                kept[places[batch.symbol]] = merged = _merged(earlier, thinned)
                self._rows += merged.rows - earlier.rows - batch.rows
            else:
                places[batch.symbol] = len(kept)
                kept.append(thinned)
                self._rows += thinned.rows - batch.rows
        self._batches = deque(kept)


def thin(batch: MarketRows) -> ThinnedRows:
    """What stays of a chunk that has to make room."""
    rows = batch.chunk.to_arrays()
    flags = rows["flags"]
    kind = flags & KIND_MASK
    is_trade = kind == TRADE
    trades = {name: column[is_trade] for name, column in rows.items()}
    ends = (flags >> LAST_SHIFT & 1).astype(bool)
    broken = np.flatnonzero((kind == GAP) | (kind == RESET))
    begin = int(broken[-1]) + 1 if len(broken) else 0
    is_reset = bool(len(broken)) and int(kind[broken[-1]]) == RESET
    book = np.flatnonzero(~is_trade & (kind != RESET))
    kept = book[book >= begin]
    kept = kept[_newest(rows["px"][kept], flags[kept] >> SIDE_SHIFT & 1)]
    first = int(book[0]) if len(book) else 0
    levels = {
        "ts_ns": rows["ts_exch"][kept],
        "recv_ns": rows["ts_local"][kept],
        "side": flags[kept] >> SIDE_SHIFT & 1,
        "px": rows["px"][kept].astype(np.int64),
        "qty": rows["qty"][kept],
        "kind": np.full(
            len(kept), BookKind.SNAPSHOT if is_reset else BookKind.DELTA, dtype=np.uint8
        ),
    }
    return ThinnedRows(
        symbol=batch.symbol,
        trades=trades,
        levels=levels,
        usable=is_reset or not len(broken),
        packets=int(ends.sum() - ends[is_trade].sum()),
        lost=len(book),
        first_ts_ns=int(rows["ts_exch"][first]),
        first_recv_ns=int(rows["ts_local"][first]),
    )


def _merged(earlier: ThinnedRows, later: ThinnedRows) -> ThinnedRows:
    starts_anew = not later.usable or bool((later.levels["kind"] == BookKind.SNAPSHOT).any())
    levels = later.levels
    if not starts_anew:
        levels = {
            name: np.concatenate([column, later.levels[name]])
            for name, column in earlier.levels.items()
        }
        newest = _newest(levels["px"], levels["side"])
        # Of a snapshot and what changed it a snapshot is left.
        is_snapshot = bool((earlier.levels["kind"] == BookKind.SNAPSHOT).any())
        levels = {name: column[newest] for name, column in levels.items()}
        levels["kind"][:] = BookKind.SNAPSHOT if is_snapshot else BookKind.DELTA
    nothing_before = earlier.lost == 0
    return ThinnedRows(
        symbol=later.symbol,
        trades={
            name: np.concatenate([column, later.trades[name]])
            for name, column in earlier.trades.items()
        },
        levels=levels,
        usable=later.usable if starts_anew else earlier.usable,
        packets=earlier.packets + later.packets,
        lost=earlier.lost + later.lost,
        first_ts_ns=(later if nothing_before else earlier).first_ts_ns,
        first_recv_ns=(later if nothing_before else earlier).first_recv_ns,
    )


def _newest(px: NDArray[np.int64], side: NDArray[Any]) -> NDArray[np.intp]:
    """Indices of the last row of every level, in order."""
    _, last = np.unique((px.astype(np.int64) * 2 + side)[::-1], return_index=True)
    return np.sort(len(px) - 1 - last)
