import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.market.catalogs import (
    MIDNIGHT_NS,
    book_rows,
    columns_of,
    level,
    naive_book,
    trade_rows,
    write_catalog,
)

from mmbot.errors import MarketDataError
from mmbot.market.catalog import read_events
from mmbot.market.reader import fold_book, prefetched
from mmbot.market.schema import BookKind
from mmbot.market.verify import verify_catalog
from mmbot.units import NS_PER_HOUR

RESET, TRADE, GAP = 2, 1, 3


def events(root, **options):
    """(kind, side, last, px, qty, ts_exch, ts_local) of all chunks, in exchange order."""
    found = []
    for chunk in read_events(root, symbol="ABC", **options):
        arrays = chunk.to_arrays()
        flags = arrays["flags"]
        columns = (flags & 3, flags >> 2 & 1, flags >> 3 & 1)
        columns += tuple(arrays[name] for name in ("px", "qty", "ts_exch", "ts_local"))
        found += list(zip(*(column.tolist() for column in columns), strict=True))
    return found


def naive_events(book, trades):
    """Both streams merged by sorting: at equal times trades come first."""
    rows = [
        (ts, 0, i, (TRADE, side, 0, px, qty, ts, recv))
        for i, (ts, recv, _, side, px, qty) in enumerate(trades)
    ]
    before = None
    for i, (ts, recv, update_id, _, kind, side, px, qty) in enumerate(book):
        packet = (update_id, kind)
        last = i + 1 == len(book) or (book[i + 1][2], book[i + 1][4]) != packet
        if packet != before and kind == BookKind.SNAPSHOT:
            rows.append((ts, 1, 2 * i, (RESET, 0, 0, 0, 0, ts, recv)))
        before = packet
        event = GAP if kind == BookKind.GAP else 0
        rows.append((ts, 1, 2 * i + 1, (event, side, int(last), px, qty, ts, recv)))
    return [event for *_, event in sorted(rows, key=lambda row: row[:3])]


# Each example writes and syncs files.
@settings(max_examples=60)
@given(book=book_rows(), trades=trade_rows(), batch=st.integers(1, 9), prefetch=st.booleans())
def test_merged_streams_equal_a_naive_sort(tmp_path_factory, book, trades, batch, prefetch):
    root = tmp_path_factory.mktemp("catalog")
    write_catalog(root, book, trades)
    # Rows inside of a part take another way than those at its ends.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mmbot.market.column_pages._BATCH_ROWS", batch)
        assert events(root, prefetch=prefetch) == naive_events(book, trades)


@settings(max_examples=60)
@given(book=book_rows(max_packets=20), data=st.data(), batch=st.sampled_from([1, 3, 10_000]))
def test_a_range_begins_with_the_book_as_it_stood(tmp_path_factory, book, data, batch):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mmbot.market.column_pages._BATCH_ROWS", batch)
        check_a_range(tmp_path_factory, book, data)


def check_a_range(tmp_path_factory, book, data):
    root = tmp_path_factory.mktemp("catalog")
    # The packets lie in two hours, so that the earlier part of the book comes from another file.
    half = book[len(book) // 2][2]
    book = [(row[0] + (NS_PER_HOUR if row[2] > half else 0), *row[1:]) for row in book]
    write_catalog(root, book)
    times = [row[0] for row in book]
    start = data.draw(st.integers(times[0], times[-1]))
    end = data.draw(st.integers(start + 1, times[-1] + 1))
    kept = [row for row in book if start <= row[0] < end]
    if not kept:
        with pytest.raises(MarketDataError, match="E_BT_NO_DATA"):
            events(root, start_ns=start, end_ns=end)
        return
    found = events(root, start_ns=start, end_ns=end)
    state = naive_book([row for row in book if row[0] < start])
    body = naive_events(kept, [])
    head = found[: len(found) - len(body)]
    assert [row[3:5] for row in found[len(head) :]] == [row[3:5] for row in body]
    levels = {(side, px): qty for kind, side, _, px, qty, _, _ in head if kind == 0}
    assert levels == (state or {})
    assert all(row[5] == start for row in head)
    local = [row[6] for row in head] + [row[6] for row in body]
    assert local == sorted(local)


@given(rows=book_rows(max_packets=20), cuts=st.lists(st.integers(0, 100), max_size=4))
def test_folding_in_pieces_gives_the_naive_book(rows, cuts):
    cuts = sorted(min(cut, len(rows)) for cut in cuts)
    state = None
    for begin, end in zip([0, *cuts], [*cuts, len(rows)], strict=True):
        if begin < end:
            state = fold_book(state, columns_of("book", rows[begin:end]))
    expected = naive_book(rows)
    if expected is None:
        assert state is None
        return
    assert state is not None
    found = zip(state["side"].tolist(), state["px"].tolist(), state["qty"].tolist(), strict=True)
    assert {(side, px): qty for side, px, qty in found} == expected


def recordings(tmp_path, pause_ns, second_recv_ns):
    """Two recordings; the second begins with a snapshot `pause_ns` after the first."""
    t0, t1 = MIDNIGHT_NS, MIDNIGHT_NS + pause_ns
    first = [level(t0, t0 + 500, 1, BookKind.SNAPSHOT, 0, 5, 1)]
    second = [level(t1, second_recv_ns, 9, BookKind.SNAPSHOT, 0, 6, 1)]
    write_catalog(tmp_path, first, extra={"recording": "one"})
    write_catalog(tmp_path, second, source="b" * 64, extra={"recording": "two"})
    return t0, t1


def test_between_two_recordings_the_book_is_unusable(tmp_path):
    t0, t1 = recordings(tmp_path, NS_PER_HOUR, MIDNIGHT_NS + NS_PER_HOUR + 7)
    assert events(tmp_path) == [
        (RESET, 0, 0, 0, 0, t0, t0 + 500),
        (0, 0, 1, 5, 1, t0, t0 + 500),
        (GAP, 0, 1, 0, 0, t0, t0 + 500),
        (RESET, 0, 0, 0, 0, t1, t1 + 7),
        (0, 0, 1, 6, 1, t1, t1 + 7),
    ]
    # A range that begins in the pause begins without a book.
    assert [row[0] for row in events(tmp_path, start_ns=t0 + 1)] == [RESET, 0]
    assert verify_catalog(tmp_path).ok


def test_recordings_that_follow_each_other_leave_no_gap_whatever_their_clocks(tmp_path):
    t0, t1 = recordings(tmp_path, 100, MIDNIGHT_NS + 120)
    assert [(row[0], row[6]) for row in events(tmp_path)] == [
        (RESET, t0 + 500),
        (0, t0 + 500),
        # Received before the last row of the other recording, by its own clock.
        (RESET, t0 + 500),
        (0, t0 + 500),
    ]
    assert t1 == t0 + 100
    assert verify_catalog(tmp_path).ok


def test_a_price_that_the_engine_cannot_hold_is_named(tmp_path):
    times = [MIDNIGHT_NS + i for i in range(20)]
    rows = [level(ts, ts, ts, BookKind.DELTA, 0, 5, 1) for ts in times]
    rows[13] = level(times[13], times[13], times[13], BookKind.DELTA, 0, 2**40, 1)
    write_catalog(tmp_path, rows)
    with pytest.raises(MarketDataError, match=r"E_MD_FRAME: file=.*part-00-0\.parquet row=13 "):
        events(tmp_path)


def test_an_empty_range_and_a_reversed_one_are_refused(tmp_path):
    write_catalog(tmp_path, [level(MIDNIGHT_NS, MIDNIGHT_NS, 1, BookKind.SNAPSHOT, 0, 5, 1)])
    with pytest.raises(MarketDataError, match="E_BT_BAD_RANGE"):
        events(tmp_path, start_ns=MIDNIGHT_NS, end_ns=MIDNIGHT_NS)
    with pytest.raises(MarketDataError, match="E_BT_NO_DATA"):
        events(tmp_path, start_ns=MIDNIGHT_NS + 1)


@pytest.mark.parametrize("batch", [2, 3, 100])
def test_unsorted_times_are_refused_by_file_and_row(tmp_path, monkeypatch, batch):
    monkeypatch.setattr("mmbot.market.column_pages._BATCH_ROWS", batch)
    rows = [level(MIDNIGHT_NS + i, MIDNIGHT_NS + i, i, BookKind.DELTA, 0, 5, 1) for i in range(9)]
    write_catalog(tmp_path, rows)
    rewrite(tmp_path, lambda whole: whole.take([0, 1, 2, 4, 3, 5, 6, 7, 8]))
    with pytest.raises(MarketDataError, match=r"E_MD_CLOCK: file=.*part-00-0\.parquet row=4 "):
        events(tmp_path)


@pytest.mark.parametrize("batch", [2, 3, 100])
def test_a_negative_size_is_refused_by_file_and_row(tmp_path, monkeypatch, batch):
    monkeypatch.setattr("mmbot.market.column_pages._BATCH_ROWS", batch)
    rows = [level(MIDNIGHT_NS + i, MIDNIGHT_NS + i, i, BookKind.DELTA, 0, 5, 1) for i in range(9)]
    rows[5] = level(MIDNIGHT_NS + 5, MIDNIGHT_NS + 5, 5, BookKind.DELTA, 0, 5, -1)
    write_catalog(tmp_path, rows)
    with pytest.raises(MarketDataError, match=r"E_MD_FRAME: file=.*part-00-0\.parquet row=5 "):
        events(tmp_path)


def rewrite(root, change):
    """Replaces the rows of the only part."""
    (part,) = root.rglob("*.parquet")
    with pq.ParquetFile(part) as file:
        whole, metadata = file.read(), file.metadata.metadata
    pq.write_table(change(whole).replace_schema_metadata(metadata), part)


def test_prefetching_passes_errors_on_and_stops_early():
    made = []

    def items():
        for i in range(100):
            made.append(i)
            yield i
        raise MarketDataError("E_MD_FRAME", "file=x row=1", "is broken")

    taken = prefetched(items())
    assert [next(taken) for _ in range(3)] == [0, 1, 2]
    taken.close()
    assert len(made) <= 5
    with pytest.raises(MarketDataError, match="is broken"):
        list(prefetched(items()))


def test_chunks_do_not_grow_with_the_data(tmp_path, monkeypatch):
    monkeypatch.setattr("mmbot.market.column_pages._BATCH_ROWS", 500)
    count = 20_000
    times = range(MIDNIGHT_NS, MIDNIGHT_NS + count)
    rows = [level(ts, ts, ts, BookKind.DELTA, 0, 5, 1) for ts in times]
    rows[0] = level(times[0], times[0], 0, BookKind.SNAPSHOT, 0, 5, 1)
    write_catalog(tmp_path, rows, batch_rows=1_000)
    sizes = [len(chunk) for chunk in read_events(tmp_path, symbol="ABC")]
    assert sum(sizes) == count + 1
    assert max(sizes) <= 502
    assert len(sizes) >= count // 500
    assert np.mean(sizes) > 400


def test_a_part_in_another_encoding_reads_alike(tmp_path):
    times = [MIDNIGHT_NS + i // 3 for i in range(3_000)]
    rows = [level(ts, ts + 5, ts, BookKind.DELTA, i % 2, 5 + i, i) for i, ts in enumerate(times)]
    rows[0] = level(times[0], times[0] + 5, 0, BookKind.SNAPSHOT, 0, 5, 1)
    write_catalog(tmp_path, rows)
    written = events(tmp_path)
    (part,) = tmp_path.rglob("*.parquet")
    with pq.ParquetFile(part) as file:
        whole = file.read().replace_schema_metadata(file.metadata.metadata)
    delta = dict.fromkeys(("ts_ns", "recv_ns", "update_id", "seq"), "DELTA_BINARY_PACKED")
    pq.write_table(
        whole,
        part,
        row_group_size=700,
        compression="zstd",
        use_dictionary=["kind", "side", "px", "qty"],
        column_encoding=delta,
    )
    assert events(tmp_path) == written
