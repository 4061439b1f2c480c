"""Catalog parts -> chunks of events, in memory that does not grow with the length of the data.

One row group of each stream is decoded at a time and pushed into the core's merger; the merger says
which stream it needs next. A range that starts inside a recording starts with the state of the book
at that moment: the rows since the last snapshot are folded into one snapshot packet.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mmbot import core
from mmbot.errors import MarketDataError
from mmbot.market.parts import Footer, Root
from mmbot.market.schema import BookKind

__all__ = ["event_chunks", "fold_book", "prefetched", "row_tables"]

T = TypeVar("T")
Columns = dict[str, NDArray[Any]]

_BOOK = ("ts_ns", "recv_ns", "update_id", "kind", "side", "px", "qty")
_TRADES = ("ts_ns", "recv_ns", "side", "px", "qty")


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
    trade_rows = _columns(row_tables(root, trades, _TRADES, start_ns=start_ns, end_ns=end_ns))
    seen = False
    while wanted := merger.wants:
        if wanted == "book":
            rows = next(book_rows, None)
            merger.end_book() if rows is None else merger.push_book(**rows)
        else:
            rows = next(trade_rows, None)
            merger.end_trades() if rows is None else merger.push_trades(**rows)
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


def row_tables(
    root: Root,
    footers: Sequence[Footer],
    columns: Sequence[str],
    *,
    start_ns: int | None = None,
    end_ns: int | None = None,
) -> Iterator[pa.Table]:
    """Row groups of a stream cut to [start, end); `columns` must hold ts_ns.

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
        for table in root.row_groups(footer.part, columns):
            ts_ns = table.column("ts_ns").to_numpy()
            last_ns = _check_order(ts_ns, last_ns, footer, row)
            row += len(ts_ns)
            low = 0 if start_ns is None else int(np.searchsorted(ts_ns, start_ns))
            high = len(ts_ns) if end_ns is None else int(np.searchsorted(ts_ns, end_ns))
            if low < high:
                yield table.slice(low, high - low)


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
) -> Iterator[Columns]:
    rows = _columns(row_tables(root, footers, _BOOK, start_ns=start_ns, end_ns=end_ns))
    first = next(rows, None)
    if start_ns is not None and first is not None:
        before = [f for f in footers if f.first_ts_ns < start_ns]
        state: Columns | None = None
        tables = row_tables(root, _from_snapshot(root, before), _BOOK, end_ns=start_ns)
        for earlier in _columns(tables):
            state = fold_book(state, earlier)
        if state is not None:
            yield _as_snapshot(state, start_ns, first)
    if first is not None:
        yield first
        yield from rows


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


def _columns(tables: Iterator[pa.Table]) -> Iterator[Columns]:
    for table in tables:
        yield {name: table.column(name).to_numpy() for name in table.column_names}


def _check_order(ts_ns: NDArray[np.int64], last_ns: int, footer: Footer, row: int) -> int:
    """The last time of the batch, if no time goes back."""
    back = np.flatnonzero(ts_ns[1:] < ts_ns[:-1])
    at = 0 if int(ts_ns[0]) < last_ns else int(back[0]) + 1 if len(back) else None
    if at is not None:
        raise MarketDataError(
            "E_MD_CLOCK", f"file={footer.part.path} row={row + at}", "venue time goes back"
        )
    return int(ts_ns[-1])
