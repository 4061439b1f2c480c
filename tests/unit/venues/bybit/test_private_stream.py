"""The private dialogue: greetings, news, refusals."""

from __future__ import annotations

import asyncio
import json

import pytest

from mmbot.units import NS_PER_MS, NS_PER_SEC
from mmbot.venues.bybit.private_stream import PRIVATE_TOPICS, PrivateDialogue
from mmbot.venues.bybit.signing import ApiCredentials
from mmbot.venues.ports import CallError, GapReason, StreamChange
from mmbot.venues.records import OrderRecord
from mmbot.venues.stream.venue_clock import VenueClock

WALL_NS = 1_700_000_000 * NS_PER_SEC
ORDER = {
    "category": "linear",
    "symbol": "BTCUSDT",
    "orderId": "o",
    "side": "Buy",
    "qty": "1",
    "orderStatus": "New",
    "updatedTime": "1",
}
AUTHENTICATED = {"success": True, "ret_msg": "", "op": "auth", "conn_id": "c"}
SUBSCRIBED = {"success": True, "ret_msg": "", "op": "subscribe", "conn_id": "c"}


class Talk:
    def __init__(self, *, knows_time: bool = True) -> None:
        self.clock = VenueClock(local_clock=lambda: 0, wall_clock=lambda: WALL_NS)
        if knows_time:
            self.clock.observe(sent_ns=0, recv_ns=0, venue_ns=WALL_NS, grain_ns=0)
        self.dialogue = PrivateDialogue(
            ApiCredentials("k", "s"),
            category="linear",
            clock=self.clock,
            wall_clock=lambda: WALL_NS,
        )

    def open(self):
        return [json.loads(frame) for frame in self.dialogue.opened(0)]

    def hear(self, frame: object, now_ns: int = 0):
        data = frame if isinstance(frame, bytes) else json.dumps(frame).encode()
        return [json.loads(one) for one in self.dialogue.received(data, now_ns)]

    def greeted(self) -> Talk:
        self.open()
        self.hear(AUTHENTICATED)
        self.hear(SUBSCRIBED)
        return self

    def news(self, *rows) -> None:
        self.hear({"topic": "order", "id": "1", "creationTime": 1, "data": list(rows)})

    def events(self):
        self.dialogue.inbox.close()

        async def all_of():
            return [event async for event in self.dialogue.inbox]

        return asyncio.run(all_of())


def test_greetings_come_one_after_the_other():
    talk = Talk()
    (auth,) = talk.open()
    assert auth["op"] == "auth"
    assert auth["args"][:2] == ["k", WALL_NS // NS_PER_MS + 10_000]
    (subscribe,) = talk.hear(AUTHENTICATED)
    assert (subscribe["op"], subscribe["args"]) == ("subscribe", list(PRIVATE_TOPICS))
    before, answer = talk.dialogue.is_ready, talk.hear(SUBSCRIBED)
    assert (before, answer, talk.dialogue.is_ready) == (False, [], True)
    assert talk.events() == [StreamChange(WALL_NS, is_connected=True)]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"success": False, "ret_msg": "API key is invalid.", "op": "auth"}, 10003),
        ({"success": False, "ret_msg": "Invalid sign", "op": "auth"}, 10004),
        ({"success": False, "ret_msg": "Your request has expired.", "op": "auth"}, 10002),
        (
            {"op": "auth", "success": False, "retCode": 10003, "retMsg": "Invalid api key"},
            10003,
        ),
        ({"op": "auth", "success": False, "retCode": 33004, "retMsg": "expired"}, 33004),
    ],
)
def test_a_refused_key_ends_the_stream_with_its_code(answer, code):
    talk = Talk()
    talk.open()
    talk.hear(answer)
    refusal = talk.dialogue.refusal
    assert refusal is not None
    assert refusal.failure.code == code
    talk.dialogue.lost(GapReason.DISCONNECTED)
    with pytest.raises(CallError):
        talk.events()


def test_a_refusal_for_another_reason_is_a_lost_connection():
    talk = Talk()
    talk.open()
    talk.hear({"success": False, "ret_msg": "system busy", "op": "auth"})
    assert talk.dialogue.refusal is None
    assert talk.dialogue.ticked(1).lost is GapReason.DISCONNECTED


def test_news_become_records_between_connected_and_lost():
    talk = Talk().greeted()
    talk.news(ORDER, {**ORDER, "orderId": "o2"})
    talk.dialogue.lost(GapReason.HALF_OPEN)
    talk.dialogue.lost(GapReason.DISCONNECTED)
    first, one, two, last = talk.events()
    assert first == StreamChange(WALL_NS, is_connected=True)
    assert isinstance(one, OrderRecord)
    assert isinstance(two, OrderRecord)
    assert (one.order_id, two.order_id) == ("o", "o2")
    assert last == StreamChange(WALL_NS, is_connected=False)


@pytest.mark.parametrize("frame", [b"", b"\xff\xff", b"[1]", b'{"topic":"order","data":{}}'])
def test_a_frame_that_cannot_be_read_breaks_the_connection_and_nothing_follows_it(frame):
    talk = Talk().greeted()
    talk.hear(frame)
    talk.news(ORDER)
    assert talk.dialogue.unreadable == 1
    assert talk.dialogue.ticked(1).lost is GapReason.DISCONNECTED
    assert talk.events() == [StreamChange(WALL_NS, is_connected=True)]


def test_without_the_venues_time_nothing_is_signed():
    talk = Talk(knows_time=False)
    assert talk.open() == []
    assert talk.dialogue.ticked(1).lost is GapReason.DISCONNECTED


def test_greetings_that_are_not_answered_are_a_dead_connection():
    talk = Talk()
    talk.open()
    talk.hear({"op": "pong"}, 4 * NS_PER_SEC)
    assert talk.dialogue.ticked(5 * NS_PER_SEC).lost is None
    assert talk.dialogue.ticked(5 * NS_PER_SEC + 1).lost is GapReason.HALF_OPEN


def test_a_pong_tells_the_time():
    talk = Talk().greeted()
    now_ns = 2 * NS_PER_SEC
    assert talk.dialogue.ticked(now_ns).frames == (b'{"op":"ping"}',)
    samples = talk.clock.estimator.samples
    later_ns = now_ns + 20 * NS_PER_MS
    venue_ms = (WALL_NS + later_ns) // NS_PER_MS
    talk.hear({"op": "pong", "args": [str(venue_ms)], "conn_id": "c"}, later_ns)
    assert talk.clock.estimator.samples == samples + 1
    talk.hear({"op": "pong", "args": ["soon"], "conn_id": "c"}, later_ns)
    assert talk.clock.estimator.samples == samples + 1
