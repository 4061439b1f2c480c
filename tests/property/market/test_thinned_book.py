"""However chunks are thinned, a reader knows the same book afterwards, and is told of the gap."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbot import core
from mmbot.market.record_market import MarketReader, RecordedBefore
from mmbot.market.record_queue import MarketRows, OwnRows, RecordQueue, ThinnedRows, thin
from mmbot.market.schema import BookKind

START_NS = 1_767_225_600_000_000_000


def levels_after(tables):
    """The naive book: every row in order."""
    book: dict[tuple[int, int], int] = {}
    usable = False
    snapshot = None
    for table in tables:
        for row in table.to_pylist():
            key = (row["side"], row["px"])
            if row["kind"] == BookKind.GAP:
                book, usable, snapshot = {}, False, None
                continue
            if row["kind"] == BookKind.SNAPSHOT and row["update_id"] != snapshot:
                book, usable, snapshot = {}, True, row["update_id"]
            if row["kind"] == BookKind.DELTA:
                snapshot = None
            if usable and row["qty"]:
                book[key] = row["qty"]
            elif usable:
                book.pop(key, None)
    return book if usable else None


@pytest.mark.spec("01-9.1")
@settings(max_examples=40)
@given(
    seed=st.integers(0, 50),
    rows=st.integers(20, 300),
    lost=st.lists(st.booleans(), min_size=12, max_size=12),
)
def test_the_book_after_lost_rows_is_the_book_of_all_rows(seed, rows, lost):
    market = core.MarketGenerator(seed, "volatile", 50_000.0, "0.1", "0.001", START_NS)
    chunks = [market.next_chunk(rows) for _ in lost]
    whole, thinned = (MarketReader(RecordedBefore()) for _ in range(2))
    all_tables, tables = [], []
    all_trades, trades = [], []
    for chunk, is_lost in zip(chunks, lost, strict=True):
        batch = MarketRows(0, chunk)
        full = whole.tables(batch)
        part = thinned.tables(thin(batch) if is_lost else batch)
        all_tables.append(full[0])
        tables.append(part[0])
        all_trades += full[1].to_pylist()
        trades += part[1].to_pylist()
        assert levels_after(tables) == levels_after(all_tables)
    assert trades == all_trades
    gaps = sum(table.column("kind").to_pylist().count(BookKind.GAP) for table in tables)
    changed = [thin(MarketRows(0, chunk)).lost > 0 for chunk in chunks]
    assert gaps == sum(a and b for a, b in zip(lost, changed, strict=True))
    for table in tables:
        for name in ("ts_ns", "recv_ns", "update_id"):
            column = table.column(name).to_numpy()
            assert (np.diff(column) >= 0).all()


@pytest.mark.spec("01-9.1")
@settings(max_examples=30)
@given(seed=st.integers(0, 50), rows=st.integers(20, 200), room=st.integers(1, 2_000))
def test_neighbours_that_made_room_are_one_gap_with_the_same_book_after_it(seed, rows, room):
    market = core.MarketGenerator(seed, "volatile", 50_000.0, "0.1", "0.001", START_NS)
    chunks = [market.next_chunk(rows) for _ in range(20)]
    queue = RecordQueue(room, waits=False)
    reader, whole = MarketReader(RecordedBefore()), MarketReader(RecordedBefore())
    # The first three are read before the others come.
    tables = [reader.tables(MarketRows(0, chunk)) for chunk in chunks[:3]]
    for chunk in chunks[3:]:
        queue.put(MarketRows(0, chunk))
    queue.close()
    while (batch := queue.take(0)) is not None:
        assert not isinstance(batch, OwnRows)
        tables.append(reader.tables(batch))
    all_tables = [whole.tables(MarketRows(0, chunk)) for chunk in chunks]
    assert levels_after(book for book, _ in tables) == levels_after(book for book, _ in all_tables)
    trades, all_trades = (
        [row for _, table in found for row in table.to_pylist()] for found in (tables, all_tables)
    )
    assert trades == all_trades
    kinds = [kind for book, _ in tables for kind in book.column("kind").to_pylist()]
    assert kinds.count(BookKind.GAP) == (1 if queue.dropped_book_rows else 0)


def chunk_of(rows):
    flags, px, qty = (np.array(column) for column in zip(*rows, strict=True))
    ts_ns = START_NS + np.arange(len(rows), dtype=np.int64)
    return core.EventChunk.from_arrays(
        flags.astype(np.uint8), px.astype(np.int32), qty.astype(np.int64), ts_ns, ts_ns + 5
    )


LAST, ASK, TRADE, RESET, GAP = 8, 4, 1, 2, 3


def test_a_gap_among_lost_rows_leaves_the_book_unknown():
    first = chunk_of([(RESET, 0, 0), (0, 10, 5), (ASK | LAST, 12, 5)])
    second = chunk_of([(GAP | LAST, 0, 0), (LAST, 10, 7)])
    third = chunk_of([(TRADE | LAST, 10, 1), (RESET, 0, 0), (0, 9, 1), (ASK | LAST, 11, 2)])
    reader = MarketReader(RecordedBefore())
    tables = [reader.tables(MarketRows(0, first))[0]]
    thinned = thin(MarketRows(0, second))
    assert isinstance(thinned, ThinnedRows)
    assert not thinned.usable
    tables.append(reader.tables(thinned)[0])
    assert levels_after(tables) is None
    tables.append(reader.tables(thin(MarketRows(0, third)))[0])
    assert levels_after(tables) == {(0, 9): 1, (1, 11): 2}
