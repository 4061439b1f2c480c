"""Catalog parts -> chunks of events, in memory that does not grow with the length of the data.

A batch of one stream at a time goes into the core's merger, which says which stream it needs next:
straight from the pages in the middle of a part, as arrays at its ends, where a range may cut it and
one recording may end and another begin. A range that starts inside a recording starts with the
state of the book at that moment: the rows since the last snapshot are folded into one snapshot
packet. Where one recording ends and another begins later, a gap mark stands between them, because
nobody knows what the book did meanwhile.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from mmbot import core
from mmbot.errors import MarketDataError
from mmbot.market.column_pages import Columns, ReadyBatch, ready_batches
from mmbot.market.parts import Footer, Root
from mmbot.market.schema import BookKind
from mmbot.units import NS_PER_SEC

__all__ = ["Batch", "event_chunks", "fold_book", "prefetched", "row_batches", "row_columns"]

T = TypeVar("T")

_BOOK = ("ts_ns", "recv_ns", "update_id", "kind", "side", "px", "qty")
_TRADES = ("ts_ns", "recv_ns", "side", "px", "qty")
# Daily files of one stream follow each other without a pause that a trader would notice.
_SILENCE_NS: Final = NS_PER_SEC
_CORE_ROW: Final = re.compile(r"\brow (\d+)\b", re.ASCII)


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one file, cut to the range; `row` is where they begin in the file."""

    footer: Footer
    row: int
    columns: Columns


# What the merger takes: rows as arrays, or rows from the middle of a part that are still pages.
_Piece = Batch | ReadyBatch


def event_chunks(
    root: Root,
    book: Sequence[Footer],
    trades: Sequence[Footer],
    *,
    start_ns: int | None,
    end_ns: int | None,
) -> Iterator[core.EventChunk]:
    """Merged chunks of [start, end)."""
    merger = core.StreamMerger()
    book_rows = _book_rows(root, book, start_ns, end_ns)
    trade_rows = _joined(_pieces(root, trades, _TRADES, start_ns=start_ns, end_ns=end_ns))
    seen = False
    while wanted := merger.wants:
        if wanted == "book":
            _feed(book_rows, merger.push_book, merger.pull_book, merger.end_book)
        else:
            _feed(trade_rows, merger.push_trades, merger.pull_trades, merger.end_trades)
        while (chunk := merger.take()) is not None:
            seen = True
            yield chunk
    if not seen:
        raise MarketDataError("E_BT_NO_DATA", f"data={root.url}", "has no row in the time range")


def prefetched(items: Iterator[T]) -> Generator[T, None, None]:
    """The same items, each made on one background thread while its predecessor is used."""
    with ThreadPoolExecutor(1, thread_name_prefix="mmbot-prefetch") as pool:
        ahead = pool.submit(next, items, None)
        while (item := ahead.result()) is not None:
            ahead = pool.submit(next, items, None)
            yield item


def row_columns(
    root: Root,
    footers: Sequence[Footer],
    columns: Sequence[str],
    *,
    start_ns: int | None = None,
    end_ns: int | None = None,
) -> Iterator[Columns]:
    """The rows of `row_batches`."""
    batches = row_batches(root, footers, columns, start_ns=start_ns, end_ns=end_ns)
    return (batch.columns for batch in batches)


def row_batches(
    root: Root,
    footers: Sequence[Footer],
    columns: Sequence[str],
    *,
    start_ns: int | None = None,
    end_ns: int | None = None,
) -> Iterator[Batch]:
    """Rows of a stream cut to [start, end), integer columns only; `columns` must hold ts_ns.

    Raises:
        MarketDataError: ``E_MD_CLOCK`` when venue time goes back inside the stream.
    """
    for piece in _pieces(root, footers, columns, start_ns=start_ns, end_ns=end_ns, whole=True):
        assert isinstance(piece, Batch)
        yield piece


def _pieces(
    root: Root,
    footers: Sequence[Footer],
    columns: Sequence[str],
    *,
    start_ns: int | None,
    end_ns: int | None,
    whole: bool = False,
) -> Iterator[_Piece]:
    """Rows of a stream cut to [start, end); with `whole` all of them as arrays."""
    last_ns = np.iinfo(np.int64).min
    for footer in footers:
        if end_ns is not None and footer.first_ts_ns >= end_ns:
            return
        if start_ns is not None and footer.last_ts_ns < start_ns:
            continue
        cut = (start_ns is not None and footer.first_ts_ns < start_ns) or (
            end_ns is not None and footer.last_ts_ns >= end_ns
        )
        for ready in ready_batches(root, footer.part, columns):
            at_end = ready.row == 0 or ready.row + ready.rows == footer.rows
            if not (whole or cut or at_end):
                yield ready
                continue
            rows = ready.columns()
            last_ns = _check_order(rows["ts_ns"], last_ns, footer, ready.row)
            batch = _cut(Batch(footer, ready.row, rows), start_ns, end_ns)
            if batch is not None:
                yield batch


def _cut(batch: Batch, start_ns: int | None, end_ns: int | None) -> Batch | None:
    """The rows in [start, end), if there are any."""
    ts_ns = batch.columns["ts_ns"]
    low = 0 if start_ns is None else int(np.searchsorted(ts_ns, start_ns))
    high = len(ts_ns) if end_ns is None else int(np.searchsorted(ts_ns, end_ns))
    if low >= high:
        return None
    rows = {name: column[low:high] for name, column in batch.columns.items()}
    return Batch(batch.footer, batch.row + low, rows)


def fold_book(state: Columns | None, rows: Columns) -> Columns | None:
    """The book after `rows`: its levels as one snapshot packet, sides and prices ascending.

    None means that the book is unusable: no snapshot yet, or a gap after it.
    """
    kind = rows["kind"]
    gaps = np.flatnonzero(kind == BookKind.GAP)
    if len(gaps):
        state = None
        rows = {name: column[gaps[-1] + 1 :] for name, column in rows.items()}
        kind = rows["kind"]
    begins = _snapshot_starts(rows, state)
    if len(begins):
        state = None
        rows = {name: column[begins[-1] :] for name, column in rows.items()}
    elif state is None:
        return None
    if not len(rows["px"]):
        return state
    joined = (
        rows
        if state is None
        else {name: np.concatenate([state[name], rows[name]]) for name in rows}
    )
    return _levels(joined)


def _book_rows(
    root: Root, footers: Sequence[Footer], start_ns: int | None, end_ns: int | None
) -> Iterator[_Piece]:
    pieces = _pieces(root, footers, _BOOK, start_ns=start_ns, end_ns=end_ns)
    if start_ns is None:
        yield from _joined(pieces)
        return
    before = _from_snapshot(root, [f for f in footers if f.first_ts_ns < start_ns])
    earlier = row_batches(root, before, _BOOK, end_ns=start_ns)
    state: Columns | None = None
    begun = False
    for piece in _joined(itertools.chain(earlier, pieces)):
        # Rows that are still pages come after some that are not.
        if not begun and isinstance(piece, Batch):
            if int(piece.columns["ts_ns"][-1]) < start_ns:
                state = fold_book(state, piece.columns)
                continue
            if state is not None:
                yield Batch(piece.footer, piece.row, _as_snapshot(state, start_ns, piece.columns))
            begun = True
        yield piece


def _joined(pieces: Iterator[_Piece]) -> Iterator[_Piece]:
    """The pieces, with what belongs between two recordings.

    Receive times of different recordings come from different clocks: they are kept from going
    back.
    """
    last: Batch | None = None
    for piece in pieces:
        if isinstance(piece, Batch):
            columns = piece.columns
            if last is not None and _recording(last) != _recording(piece):
                end = {name: column[-1:] for name, column in last.columns.items()}
                silence_ns = int(columns["ts_ns"][0]) - int(end["ts_ns"][0])
                if "kind" in columns and silence_ns > _SILENCE_NS:
                    yield Batch(last.footer, last.row, _gap_after(end))
                floor = int(end["recv_ns"][0])
                if int(columns["recv_ns"][0]) < floor:
                    columns["recv_ns"] = np.maximum(columns["recv_ns"], floor)
            last = piece
        yield piece


def _recording(batch: Batch) -> str:
    """Files of one recording share this; those that do not say belong together."""
    return batch.footer.metadata.get("recording", "")


def _gap_after(end: Columns) -> Columns:
    mark = {name: column.copy() for name, column in end.items()}
    mark["kind"][:] = BookKind.GAP
    for name in ("side", "px", "qty"):
        mark[name][:] = 0
    return mark


def _feed(
    pieces: Iterator[_Piece],
    push: Callable[..., None],
    pull: Callable[[core.ColumnReader, int], None],
    end: Callable[[], None],
) -> None:
    """Hands over the next rows, or tells that there are none."""
    piece = next(pieces, None)
    if piece is None:
        end()
        return
    try:
        if isinstance(piece, ReadyBatch):
            pull(piece.reader, piece.rows)
        else:
            push(**piece.columns)
    except core.CoreError as exc:
        part = piece.part if isinstance(piece, ReadyBatch) else piece.footer.part
        match = _CORE_ROW.search(str(exc))
        row = piece.row + (int(match[1]) if match else 0)
        raise MarketDataError(exc.code, f"file={part.path} row={row}", exc.message) from exc


def _from_snapshot(root: Root, footers: Sequence[Footer]) -> Sequence[Footer]:
    """The parts from the last one that holds a snapshot on; all of them if none does."""
    for i in range(len(footers) - 1, 0, -1):
        with root.open(footers[i].part) as file:
            at = file.schema_arrow.get_field_index("kind")
            stats = [
                file.metadata.row_group(g).column(at).statistics for g in range(file.num_row_groups)
            ]
        if any(s is not None and s.has_min_max and s.min == BookKind.SNAPSHOT for s in stats):
            # A snapshot may begin at the end of the part before.
            return footers[i - 1 :]
    return footers


def _as_snapshot(state: Columns, start_ns: int, following: Columns) -> Columns:
    """The state as a packet at `start_ns` whose receive time fits before the rows that follow."""
    recv_ns = max(int(state["recv_ns"].max()), min(start_ns, int(following["recv_ns"][0])))
    packet = {name: column.copy() for name, column in state.items()}
    packet["ts_ns"][:] = start_ns
    packet["recv_ns"][:] = recv_ns
    packet["update_id"][:] = state["update_id"].max()
    packet["kind"][:] = BookKind.SNAPSHOT
    return packet


def _snapshot_starts(rows: Columns, state: Columns | None) -> NDArray[np.int64]:
    """Rows at which a snapshot packet begins."""
    snapshot = rows["kind"] == BookKind.SNAPSHOT
    begins = snapshot.copy()
    begins[1:] &= ~snapshot[:-1] | (rows["update_id"][1:] != rows["update_id"][:-1])
    # A snapshot cut by a row group goes on: the state holds its beginning.
    if state is not None and len(begins) and begins[0]:
        last = len(state["kind"]) and int(state["update_id"].max()) == int(rows["update_id"][0])
        begins[0] = not (last and (state["kind"] == BookKind.SNAPSHOT).all())
    return np.flatnonzero(begins)


def _levels(rows: Columns) -> Columns:
    """The last row of every level, without the deleted ones."""
    key = rows["px"] * 2 + rows["side"]
    _, last = np.unique(key[::-1], return_index=True)
    keep = len(key) - 1 - last
    keep = keep[rows["qty"][keep] > 0]
    return {name: column[keep] for name, column in rows.items()}


def _check_order(ts_ns: NDArray[np.int64], last_ns: int, footer: Footer, row: int) -> int:
    """The last time of the batch, if no time goes back."""
    back = np.flatnonzero(ts_ns[1:] < ts_ns[:-1])
    at = 0 if int(ts_ns[0]) < last_ns else int(back[0]) + 1 if len(back) else None
    if at is not None:
        raise MarketDataError(
            "E_MD_CLOCK", f"file={footer.part.path} row={row + at}", "venue time goes back"
        )
    return int(ts_ns[-1])
