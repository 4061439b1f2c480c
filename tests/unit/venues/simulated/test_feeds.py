"""Publication: snapshots, deltas and sequence numbers, replayed by a naive client."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.venues.simulated.rig import BUY, SELL, SYMBOL, Rig

from mmbot.venues.simulated.feeds import BookFeed, TickerFeed, trade_frame


class Client:
    """A book kept as the venue's documentation says."""

    def __init__(self):
        self.sides: dict[str, dict[str, str]] = {"b": {}, "a": {}}
        self.u = 0

    def read(self, frame):
        data = frame["data"]
        if frame["type"] == "snapshot":
            self.sides = {"b": {}, "a": {}}
        else:
            assert data["u"] == self.u + 1
        self.u = data["u"]
        for side, levels in self.sides.items():
            for px, qty in data[side]:
                if qty == "0":
                    del levels[px]
                else:
                    levels[px] = qty


def step(feed: BookFeed | TickerFeed, rig: Rig) -> dict[str, Any]:
    frame = feed.step(rig.market, rig.now_ms)
    assert frame is not None
    return frame


def shown(rig: Rig, depth: int):
    grid = rig.market.listing
    sides = rig.market.book.levels(depth)
    texts = [{grid.price_text(px): grid.qty_text(q) for px, q in levels} for levels in sides]
    return {"b": texts[0], "a": texts[1]}


@settings(max_examples=60)
@given(
    st.integers(2, 5),
    st.lists(
        st.lists(
            st.tuples(st.sampled_from([BUY, SELL]), st.integers(0, 7), st.integers(0, 3)),
            max_size=4,
        ),
        max_size=20,
    ),
)
def test_snapshot_and_deltas_give_the_published_book(depth, packets):
    rig, client = Rig(), Client()
    feed = BookFeed(depth)
    client.read(feed.snapshot(rig.market, rig.now_ms))
    for packet in packets:
        rows = [
            ("depth", side, 499_990 - at if side == BUY else 500_010 + at, qty)
            for side, at, qty in packet
        ]
        if rows:
            rig.say(*rows)
        rig.step()
        frame = feed.step(rig.market, rig.now_ms)
        if frame is not None:
            assert frame["topic"] == f"orderbook.{depth}.{SYMBOL}"
            client.read(frame)
        assert client.sides == shown(rig, depth)
    # a late subscriber sees what the others see, under the same number
    late = Client()
    late.read(feed.snapshot(rig.market, rig.now_ms))
    assert (late.sides, late.u) == (client.sides, client.u)


def test_an_unchanged_book_is_not_told_and_sequence_grows():
    rig, feed = Rig(), BookFeed(50)
    first = feed.snapshot(rig.market, rig.now_ms)
    assert first["data"]["u"] == 1
    assert feed.step(rig.market, rig.now_ms) is None
    rig.say(("depth", BUY, 499_990, 7))
    rig.step()
    delta = step(feed, rig)
    assert delta["data"]["b"] == [["49999.0", "0.007"]]
    assert (delta["type"], delta["data"]["a"], delta["data"]["u"]) == ("delta", [], 2)
    assert delta["data"]["seq"] > first["data"]["seq"]
    assert delta["ts"] == delta["cts"] == rig.now_ms


def test_the_best_level_comes_as_snapshots_and_again_after_three_seconds():
    rig, feed = Rig(), BookFeed(1)
    u = feed.snapshot(rig.market, rig.now_ms)["data"]["u"]
    rig.say(("depth", BUY, 499_990, 7))
    rig.step()
    changed = step(feed, rig)
    assert (changed["type"], changed["data"]["u"]) == ("snapshot", u + 1)
    rig.step(2_999)
    assert feed.step(rig.market, rig.now_ms) is None
    rig.step(1)
    again = step(feed, rig)
    assert (again["type"], again["data"]["u"]) == ("snapshot", u + 1)
    assert again["data"]["b"] == changed["data"]["b"]


def test_a_restart_begins_again_with_one():
    rig, feed = Rig(), BookFeed(50)
    feed.snapshot(rig.market, rig.now_ms)
    rig.say(("depth", BUY, 499_990, 7))
    rig.step()
    feed.step(rig.market, rig.now_ms)
    frame = feed.restart(rig.market, rig.now_ms)
    assert (frame["type"], frame["data"]["u"]) == ("snapshot", 1)
    assert frame["data"]["b"][0] == ["49999.0", "0.007"]


def test_own_orders_are_published():
    rig, feed = Rig(), BookFeed(50)
    feed.snapshot(rig.market, rig.now_ms)
    rig.place(price="50000")
    rig.step()
    assert step(feed, rig)["data"]["b"] == [["50000.0", "0.010"]]


def test_tickers_tell_what_changed():
    rig, feed = Rig(), TickerFeed()
    first = feed.snapshot(rig.market, rig.now_ms)["data"]
    assert (first["bid1Price"], first["ask1Price"]) == ("49999.0", "50001.0")
    assert feed.step(rig.market, rig.now_ms) is None
    rig.say(("depth", BUY, 499_990, 7))
    rig.step()
    delta = step(feed, rig)
    assert delta["data"] == {"symbol": SYMBOL, "bid1Size": "0.007"}


def test_trades_are_told_once_in_frames_of_at_most_1024():
    rig = Rig()
    rig.say(*[("trade", SELL, 499_990, 1)] * 1_500)
    rig.step()
    sizes = []
    while (frame := trade_frame(rig.market, rig.now_ms)) is not None:
        sizes.append(len(frame["data"]))
    assert sizes == [1_024, 476]
    assert len(rig.market.trades) == 1_000
