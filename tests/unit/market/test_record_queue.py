"""What waits to be recorded: its bound, what is given up, and what never is."""

import threading

import numpy as np
import pytest

from mmbot import core
from mmbot.market.record_queue import MarketRows, OwnRows, RecordQueue, ThinnedRows

START_NS = 1_767_225_600_000_000_000


@pytest.fixture(scope="module")
def chunks():
    market = core.MarketGenerator(7, "volatile", 50_000.0, "0.1", "0.001", START_NS)
    return [market.next_chunk(500) for _ in range(40)]


def drained(queue):
    queue.close()
    batches = []
    while (batch := queue.take(0)) is not None:
        batches.append(batch)
    return batches


def own(count, stream="orders"):
    return OwnRows(0, stream, {"ts_ns": np.arange(count)})


@pytest.mark.spec("01-9.1")
def test_the_oldest_book_rows_make_room_and_nothing_else_does(chunks):
    queue = RecordQueue(4_000, waits=False)
    trades = 0
    for chunk in chunks:
        kind = chunk.to_arrays()["flags"] & 3
        trades += int((kind == 1).sum())
        queue.put(MarketRows(0, chunk))
        queue.put(own(3))
        queue.put(own(2, "fills"))
        assert queue.rows <= 4_000
    batches = drained(queue)
    thinned = [batch for batch in batches if isinstance(batch, ThinnedRows)]
    whole = [batch for batch in batches if isinstance(batch, MarketRows)]
    assert thinned
    assert whole
    # Oldest first: the whole chunks are the newest.
    assert [batch.chunk for batch in whole] == chunks[-len(whole) :]
    owned = [batch for batch in batches if isinstance(batch, OwnRows)]
    assert sum(batch.rows for batch in owned) == 5 * len(chunks)
    kept = sum(len(batch.trades["px"]) for batch in thinned)
    kept += sum(int((batch.chunk.to_arrays()["flags"] & 3 == 1).sum()) for batch in whole)
    assert kept == trades
    assert queue.dropped_book_rows == sum(batch.lost for batch in thinned)


def test_orders_and_fills_go_beyond_the_bound_rather_than_away():
    queue = RecordQueue(10, waits=False)
    for _ in range(9):
        queue.put(own(5))
    assert queue.rows == 45
    assert queue.dropped_book_rows == 0
    assert len(drained(queue)) == 9


def test_a_market_that_may_wait_waits_and_loses_nothing(chunks):
    queue = RecordQueue(1_200, waits=True)
    taken = []

    def take():
        while (batch := queue.take(10_000_000_000)) is not None:
            assert queue.rows <= 1_200
            taken.append(batch)

    reader = threading.Thread(target=take)
    reader.start()
    for chunk in chunks:
        queue.put(MarketRows(0, chunk))
    queue.close()
    reader.join(timeout=30)
    assert [batch.chunk for batch in taken if isinstance(batch, MarketRows)] == chunks
    assert queue.dropped_book_rows == 0


def test_a_closed_queue_keeps_nobody_waiting(chunks):
    queue = RecordQueue(1, waits=True)
    queue.put(MarketRows(0, chunks[0]))
    queue.close()
    queue.put(MarketRows(0, chunks[1]))
    assert len(drained(queue)) == 2
    assert queue.take(10_000_000_000) is None
