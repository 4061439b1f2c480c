"""The public dialogue: what is sent, what is handed on, what is called a gap."""

from __future__ import annotations

import asyncio
import json

import pyarrow as pa
import pytest

from mmbot.errors import ConfigError
from mmbot.units import NS_PER_MS, NS_PER_SEC
from mmbot.venues.bybit.public_stream import PublicDialogue, sight_of, topics_of
from mmbot.venues.ports import GapReason, PublicFrame, PublicGap
from mmbot.venues.stream.staleness import Sight, SightKind
from mmbot.venues.stream.venue_clock import VenueClock

WALL_NS = 1_700_000_000 * NS_PER_SEC
BOOK = (
    b'{"topic":"orderbook.50.BTCUSDT","type":"delta","ts":1700000000123,'
    b'"data":{"s":"BTCUSDT","b":[["50000.0","0"]],"a":[],"u":7,"seq":9},"cts":1700000000119}'
)
SNAPSHOT = BOOK.replace(b"delta", b"snapshot")
TRADE = (
    b'{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1700000000123,"data":['
    b'{"T":1700000000122,"s":"BTCUSDT","S":"Buy","v":"0.001","p":"50001.0","L":"PlusTick",'
    b'"i":"x","BT":false,"seq":8}]}'
)


class Clocks:
    """Monotonic and wall time that the test moves together."""

    def __init__(self) -> None:
        self.now_ns = 0

    def local(self) -> int:
        return self.now_ns

    def wall(self) -> int:
        return WALL_NS + self.now_ns


class Talk:
    """A dialogue, connected and acknowledged."""

    def __init__(self, *symbols: str) -> None:
        self.clocks = Clocks()
        self.clock = VenueClock(local_clock=self.clocks.local, wall_clock=self.clocks.wall)
        self.clock.observe(sent_ns=0, recv_ns=0, venue_ns=WALL_NS, grain_ns=0)
        self.dialogue = PublicDialogue(
            symbols, depth=50, clock=self.clock, wall_clock=self.clocks.wall
        )
        self.sent = [json.loads(frame) for frame in self.dialogue.opened(0)]
        for request in self.sent:
            self.ack(request)

    def ack(self, request, *, success=True, text="") -> None:
        ack = {"success": success, "ret_msg": text, "req_id": request["req_id"]}
        self.hear(json.dumps({**ack, "op": request["op"], "conn_id": "c"}).encode())

    def hear(self, frame: bytes):
        return [json.loads(one) for one in self.dialogue.received(frame, self.clocks.now_ns)]

    def pass_ms(self, ms: int):
        self.clocks.now_ns += ms * NS_PER_MS
        return self.dialogue.ticked(self.clocks.now_ns)

    def events(self):
        inbox = self.dialogue.inbox
        inbox.close()

        async def all_of():
            return [event async for event in inbox]

        return asyncio.run(all_of())


def dated(frame: bytes, ms: int) -> bytes:
    """The frame as made `ms` after the test began."""
    at = str(WALL_NS // NS_PER_MS + ms).encode()
    for old in (b"1700000000119", b"1700000000123"):
        frame = frame.replace(old, at)
    return frame


@pytest.mark.parametrize(
    ("frame", "sight"),
    [
        (BOOK, Sight(SightKind.BOOK, "BTCUSDT", 1_700_000_000_119 * NS_PER_MS)),
        (SNAPSHOT, Sight(SightKind.SNAPSHOT, "BTCUSDT", 1_700_000_000_119 * NS_PER_MS)),
        (TRADE, Sight(SightKind.TRADE, "BTCUSDT", 1_700_000_000_123 * NS_PER_MS)),
        (b'{"success":true,"ret_msg":"pong","op":"ping"}', None),
        (b'{"topic":"tickers.BTCUSDT","type":"delta","ts":1}', None),
        (b'{"topic":"orderbook.50.BTCUSDT","type":"delta","ts":17', None),
        (b'{"topic":"', None),
        (b"", None),
        (b'{"topic":"publicTrade.\xff","ts":1}', None),
        (b'{"topic":"publicTrade.A","ts":}', None),
    ],
)
def test_the_times_of_a_frame_are_found_without_decoding_it(frame, sight):
    assert sight_of(frame) == sight


def test_no_cut_of_a_frame_is_read_wrong():
    for frame in (BOOK, SNAPSHOT, TRADE):
        whole = sight_of(frame)
        assert whole is not None
        for end in range(len(frame)):
            part = sight_of(frame[:end])
            assert part is None or part.kind is whole.kind
            assert part is None or part.symbol == whole.symbol


def lines_of(path):
    # pyarrow reads zstd on every Python that we support
    with pa.input_stream(str(path), compression="zstd") as stream:
        return stream.read().splitlines()


@pytest.mark.real_data
def test_recorded_frames_say_what_a_json_parser_says(real_data):
    name = "bybit_v5_20260809_linear-BTCUSDT-SOLUSDT_spot-BTCUSDT.jsonl.zst"
    seen = 0
    for line in lines_of(real_data / "bybit" / name):
        row = json.loads(line)
        if row["t"] != "recv":
            continue
        frame = json.loads(row["data"])
        topic = frame.get("topic", "")
        sight = sight_of(row["data"].encode())
        if topic.startswith("orderbook."):
            kind = SightKind.SNAPSHOT if frame["type"] == "snapshot" else SightKind.BOOK
            expected = Sight(kind, frame["data"]["s"], frame["cts"] * NS_PER_MS)
        elif topic.startswith("publicTrade."):
            expected = Sight(SightKind.TRADE, topic.split(".")[1], frame["ts"] * NS_PER_MS)
        else:
            assert sight is None
            continue
        assert sight == expected
        seen += 1
    assert seen > 1_100


@pytest.mark.parametrize(
    ("depth", "level"),
    [(1, 1), (2, 50), (50, 50), (51, 200), (200, 200), (500, 1000), (5000, 1000)],
)
def test_the_next_depth_of_the_venue_is_taken(depth, level):
    assert topics_of(["A"], depth) == ["publicTrade.A", f"orderbook.{level}.A"]


def test_more_topics_than_a_connection_may_have_are_refused():
    with pytest.raises(ConfigError, match=r"trading\.symbols"):
        topics_of([f"LONGSYMBOL{n}USDT" for n in range(600)], 50)


def test_everything_is_asked_for_and_ready_is_when_all_is_acknowledged():
    talk = Talk(*(f"S{n}USDT" for n in range(12)))
    assert [len(request["args"]) for request in talk.sent] == [10, 10, 4]
    assert {request["op"] for request in talk.sent} == {"subscribe"}
    assert talk.dialogue.is_ready
    talk.dialogue.lost(GapReason.DISCONNECTED)
    assert not talk.dialogue.is_ready


def test_data_are_handed_on_untouched_and_in_order():
    talk = Talk("BTCUSDT")
    frames = [SNAPSHOT, BOOK, TRADE, BOOK]
    for frame in frames:
        assert talk.hear(frame) == []
    events = talk.events()
    assert [event.data for event in events] == frames
    assert {event.recv_ns for event in events} == {WALL_NS}


def test_frames_that_cannot_be_read_are_handed_on_and_counted():
    talk = Talk("BTCUSDT")
    talk.hear(BOOK[:80])
    talk.hear(b"\xff")
    assert talk.dialogue.unreadable == 2
    assert [event.data for event in talk.events()] == [BOOK[:80], b"\xff"]


def test_a_loss_is_one_gap_however_many_attempts_fail():
    talk = Talk("A", "B")
    for _ in range(3):
        talk.dialogue.lost(GapReason.HALF_OPEN)
    assert talk.events() == [PublicGap(WALL_NS, ("A", "B"), GapReason.HALF_OPEN)]


def test_late_data_are_not_handed_on_and_lose_the_connection():
    talk = Talk("BTCUSDT")
    talk.hear(dated(SNAPSHOT, 0))
    talk.clocks.now_ns = 1_200 * NS_PER_MS
    talk.hear(dated(BOOK, 0))
    talk.hear(dated(BOOK, 1_199))
    tick = talk.pass_ms(0)
    assert tick.lost is GapReason.LAGGING
    talk.dialogue.lost(tick.lost)
    kinds = [type(event) for event in talk.events()]
    assert kinds == [PublicFrame, PublicGap]


def test_a_refused_topic_loses_the_connection_and_one_that_is_held_already_does_not():
    talk = Talk("BTCUSDT")
    talk.dialogue.resubscribe(["BTCUSDT"], 0)
    leave, enter = [json.loads(frame) for frame in talk.pass_ms(1).frames]
    talk.ack(leave)
    talk.ack(enter, success=False, text="error:already subscribed,topic:orderbook.50.BTCUSDT")
    assert talk.pass_ms(1).lost is None
    talk.dialogue.resubscribe(["BTCUSDT"], 0)
    leave, enter = [json.loads(frame) for frame in talk.pass_ms(1).frames]
    assert (leave["op"], enter["op"]) == ("unsubscribe", "subscribe")
    assert leave["args"] == enter["args"] == ["orderbook.50.BTCUSDT"]
    talk.ack(enter, success=False, text="error:handler not found,topic:orderbook.50.BTCUSDT")
    assert talk.pass_ms(1).lost is GapReason.DISCONNECTED


def test_an_acknowledgement_that_does_not_come_loses_the_connection():
    talk = Talk("BTCUSDT")
    talk.dialogue.opened(talk.clocks.now_ns)
    for _ in range(49):
        talk.hear(b'{"success":true,"ret_msg":"pong","op":"ping"}')
        assert talk.pass_ms(100).lost is None
    talk.hear(b'{"success":true,"ret_msg":"pong","op":"ping"}')
    assert talk.pass_ms(200).lost is GapReason.HALF_OPEN


def test_silence_is_answered_by_a_ping_and_then_by_a_new_connection():
    talk = Talk("BTCUSDT")
    talk.hear(dated(SNAPSHOT, 0))
    sent, lost = [], None
    for _ in range(40):
        tick = talk.pass_ms(25)
        sent += [bytes(frame) for frame in tick.frames]
        lost = tick.lost
        if lost:
            break
    assert sent == [b'{"op":"ping"}']
    assert lost is GapReason.HALF_OPEN
    assert talk.clocks.now_ns < NS_PER_SEC


def test_unknown_symbols_are_not_asked_for_anew():
    talk = Talk("BTCUSDT")
    talk.dialogue.resubscribe(["ETHUSDT"], 0)
    assert list(talk.pass_ms(1).frames) == []
    assert talk.events() == []
