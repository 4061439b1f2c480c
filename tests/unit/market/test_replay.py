import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.market.catalogs import book_rows, columns_of, level, naive_book

from mmbot.market.replay import BookReplay
from mmbot.market.schema import BookKind, BookSide


def naive_tops(rows):
    """Last row, time and best quotes after each packet, by rebuilding the book every time."""
    ends = [
        i
        for i, row in enumerate(rows)
        if i + 1 == len(rows) or (row[2], row[4]) != (rows[i + 1][2], rows[i + 1][4])
    ]
    tops = []
    for end in ends:
        levels = naive_book(rows[: end + 1]) or {}
        bids = [px for side, px in levels if side == 0]
        asks = [px for side, px in levels if side == 1]
        bid, ask = max(bids, default=0), min(asks, default=0)
        tops.append((end, rows[end][0], bid, levels.get((0, bid), 0), ask, levels.get((1, ask), 0)))
    return tops


def all_tops(rows, cuts):
    replay = BookReplay()
    found = []
    for begin, end in zip([0, *cuts], [*cuts, len(rows)], strict=True):
        found.append(replay.apply(columns_of("book", rows[begin:end])))
    found.append(replay.finish())
    return [
        tuple(int(v) for v in top)
        for tops in found
        for top in zip(
            tops.row, tops.ts_ns, tops.bid_px, tops.bid_qty, tops.ask_px, tops.ask_qty, strict=True
        )
    ], replay


@given(rows=book_rows(), data=st.data())
def test_tops_equal_those_of_a_book_rebuilt_for_every_packet(rows, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=4)))
    tops, replay = all_tops(rows, cuts)
    assert tops == naive_tops(rows)
    assert {(s, px): qty for s, px, qty in replay.levels()} == (naive_book(rows) or {})


def test_a_gap_empties_the_book_until_the_next_snapshot():
    rows = [
        level(1, 1, 1, BookKind.SNAPSHOT, 0, 5, 1),
        level(1, 1, 1, BookKind.SNAPSHOT, 1, 7, 1),
        level(2, 2, 2, BookKind.GAP, 0, 0, 0),
        level(3, 3, 3, BookKind.DELTA, 0, 6, 1),
        level(4, 4, 4, BookKind.SNAPSHOT, 0, 4, 1),
        level(4, 4, 4, BookKind.SNAPSHOT, 1, 8, 2),
    ]
    tops, replay = all_tops(rows, [])
    assert [(bid, ask) for _, _, bid, _, ask, _ in tops] == [(5, 7), (0, 0), (0, 0), (4, 8)]
    assert (replay.gaps, replay.snapshots) == (1, 2)


def test_a_deep_level_that_comes_and_goes_does_not_grow_memory():
    count = 50_000
    rows = {
        "ts_ns": np.arange(count),
        "update_id": np.arange(count),
        "kind": np.where(np.arange(count) == 0, 0, 1),
        "side": np.zeros(count, dtype=np.int64),
        "px": np.where(np.arange(count) == 0, 100, 5),
        "qty": np.where(np.arange(count) == 0, 1, np.arange(count) % 2),
    }
    replay = BookReplay()
    tops = replay.apply(rows)
    assert set(tops.bid_px.tolist()) == {100}
    assert len(replay._halves[BookSide.BID].heap) < 3_000
