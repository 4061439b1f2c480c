"""Catalog parts -> chunks of events, in memory that does not grow with the length of the data.

A batch of one stream is decoded at a time and pushed into the core's merger; the merger says which
stream it needs next. A range that starts inside a recording starts with the state of the book
at that moment: the rows since the last snapshot are folded into one snapshot packet. Where one
recording ends and another begins later, a gap mark stands between them, because nobody knows what
the book did meanwhile.
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
from mmbot.market.column_pages import Columns, column_batches
from mmbot.market.parts import Footer, Root, damaged
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


def event_chunks(
    root: Root,
    book: Sequence[Footer],
    trades: Sequence[Footer],
    *,
    start_ns: int | None,
    end_ns: int | None,
    prefetch: bool = False,
) -> Iterator[core.EventChunk]:
    """Merged chunks of [start, end); with `prefetch` the next batch is decoded meanwhile."""
    merger = core.StreamMerger()
    book_rows = _book_rows(root, book, start_ns, end_ns)
    if prefetch:
        book_rows = prefetched(book_rows)
    trade_rows = _joined(row_batches(root, trades, _TRADES, start_ns=start_ns, end_ns=end_ns))
    seen = False
    while wanted := merger.wants:
        if wanted == "book":
            _feed(book_rows, merger.push_book, merger.end_book)
        else:
            _feed(trade_rows, merger.push_trades, merger.end_trades)
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
    last_ns = np.iinfo(np.int64).min
    for footer in footers:
        if end_ns is not None and footer.first_ts_ns >= end_ns:
            return
        if start_ns is not None and footer.last_ts_ns < start_ns:
            continue
        row = 0
        for rows in column_batches(root, footer.part, columns):
            ts_ns = rows["ts_ns"]
            last_ns = _check_order(ts_ns, last_ns, footer, row)
            low = 0 if start_ns is None else int(np.searchsorted(ts_ns, start_ns))
            high = len(ts_ns) if end_ns is None else int(np.searchsorted(ts_ns, end_ns))
            if high - low == len(ts_ns):
                yield Batch(footer, row, rows)
            elif low < high:
                cut = {name: column[low:high] for name, column in rows.items()}
                yield Batch(footer, row + low, cut)
            row += len(ts_ns)


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
) -> Iterator[tuple[Batch, Columns]]:
    batches = row_batches(root, footers, _BOOK, start_ns=start_ns, end_ns=end_ns)
    if start_ns is None:
        yield from _joined(batches)
        return
    before = _from_snapshot(root, [f for f in footers if f.first_ts_ns < start_ns])
    earlier = row_batches(root, before, _BOOK, end_ns=start_ns)
    state: Columns | None = None
    begun = False
    for batch, columns in _joined(itertools.chain(earlier, batches)):
        if not begun and int(columns["ts_ns"][-1]) < start_ns:
            state = fold_book(state, columns)
            continue
        if not begun and state is not None:
            yield batch, _as_snapshot(state, start_ns, columns)
        begun = True
        yield batch, columns


def _joined(batches: Iterator[Batch]) -> Iterator[tuple[Batch, Columns]]:
    """Columns of the batches, with what belongs between two recordings.

    Receive times of different recordings come from different clocks: they are kept from going
    back.
    """
    last: Batch | None = None
    for batch in batches:
        columns = batch.columns
        if last is not None and _recording(last) != _recording(batch):
            end = {name: column[-1:] for name, column in last.columns.items()}
            silence_ns = int(columns["ts_ns"][0]) - int(end["ts_ns"][0])
            if "kind" in columns and silence_ns > _SILENCE_NS:
                yield last, _gap_after(end)
            floor = int(end["recv_ns"][0])
            if int(columns["recv_ns"][0]) < floor:
                columns["recv_ns"] = np.maximum(columns["recv_ns"], floor)
        last = batch
        yield batch, columns


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
    rows: Iterator[tuple[Batch, Columns]],
    push: Callable[..., None],
    end: Callable[[], None],
) -> None:
    """Pushes the next rows, or tells that there are none."""
    item = next(rows, None)
    if item is None:
        end()
        return
    batch, columns = item
    try:
        push(**columns)
    except core.CoreError as exc:
        match = _CORE_ROW.search(str(exc))
        row = batch.row + (int(match[1]) if match else 0)
        raise damaged(batch.footer.part.path, row, f"cannot be used: {exc}") from exc


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
