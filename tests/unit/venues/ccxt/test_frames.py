import json

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.venues.ccxt.test_markets import find, market

from mmbot.core import FrameBook
from mmbot.venues.ccxt.frames import FrameWriter

DEPTH = 3
BTC = find("BTCUSDT", market())


def book_of(bids, asks, timestamp=1000):
    down = sorted(bids.items(), reverse=True)
    return {
        "bids": [[px / 10, qty / 1000] for px, qty in down],
        "asks": [[px / 10, qty / 1000] for px, qty in sorted(asks.items())],
        "timestamp": timestamp,
    }


def body(frame):
    return json.loads(frame)


def test_the_first_frame_is_a_snapshot_then_come_deltas_with_the_next_number():
    writer = FrameWriter(BTC, DEPTH)
    first = body(writer.book(book_of({500: 5}, {510: 6}), 7))
    assert first == {
        "topic": "orderbook.3.BTCUSDT",
        "type": "snapshot",
        "ts": 1000,
        "data": {"s": "BTCUSDT", "b": [["50", "0.005"]], "a": [["51", "0.006"]], "u": 1, "seq": 1},
        "cts": 1000,
    }
    assert writer.book(book_of({500: 5}, {510: 6}), 8) is None
    second = body(writer.book(book_of({501: 1}, {510: 6}, None), 900))
    assert second["type"] == "delta"
    assert second["data"]["b"] == [["50", "0"], ["50.1", "0.001"]]
    assert second["data"]["a"] == []
    assert second["data"]["u"] == 2
    # the venue told no time and our clock is behind: time does not go back
    assert second["ts"] == 1000
    writer.reset()
    third = body(writer.book(book_of({501: 1}, {510: 6}), 1))
    assert (third["type"], third["data"]["u"]) == ("snapshot", 3)


BOOKS = st.lists(
    st.tuples(
        st.dictionaries(st.integers(480, 499), st.integers(1, 9), min_size=1, max_size=6),
        st.dictionaries(st.integers(500, 520), st.integers(1, 9), min_size=1, max_size=6),
        st.booleans(),
    ),
    min_size=1,
    max_size=15,
)


@given(BOOKS)
def test_the_core_reads_from_the_frames_the_book_that_ccxt_held(books):
    writer, reader = FrameWriter(BTC, DEPTH), FrameBook("BTCUSDT", "0.1", "0.001")
    levels: dict[str, dict[str, str]] = {"b": {}, "a": {}}
    for bids, asks, is_reset in books:
        if is_reset:
            writer.reset()
        frame = writer.book(book_of(bids, asks), 1)
        if frame is None:
            continue
        top = reader.apply(frame)
        bid, ask = max(bids), min(asks)
        assert top == (bid / 10, bids[bid] / 1000, ask / 10, asks[ask] / 1000)
        told = body(frame)
        for side, name in (("b", bids), ("a", asks)):
            kept = levels[side] if told["type"] == "delta" else {}
            kept |= dict(told["data"][side])
            levels[side] = {px: qty for px, qty in kept.items() if qty != "0"}
            assert len(levels[side]) == min(DEPTH, len(name))
    assert reader.gaps == 0
    assert reader.rejected == 0


def test_contracts_and_broken_levels():
    okx = find("BTCUSDT", market(contractSize=0.01, precision={"price": 0.1, "amount": 1.0}))
    writer = FrameWriter(okx, DEPTH)
    book = {"bids": [[50.0, 3.0], [None, 1.0], [49.0, 0.0]], "asks": [], "timestamp": 5}
    assert body(writer.book(book, 5))["data"]["b"] == [["50", "0.03"]]


def test_trades_become_one_frame_and_nothing_is_none():
    writer = FrameWriter(BTC, DEPTH)
    assert writer.trades([], 1) is None
    assert writer.trades([{"price": None, "amount": 1.0}], 1) is None
    row = {"price": 50.5, "amount": 0.003, "side": "sell", "timestamp": 77, "id": "x"}
    told = body(writer.trades([row, {**row, "timestamp": None, "id": None}], 90))
    assert told["topic"] == "publicTrade.BTCUSDT"
    expected = {"T": 77, "s": "BTCUSDT", "S": "Sell", "v": "0.003", "p": "50.5", "i": "x"}
    assert told["data"] == [expected, {**expected, "T": 90, "i": ""}]
