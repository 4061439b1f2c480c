"""The trade socket's dialogue: greetings, answers matched by id, what they teach."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from mmbot.units import NS_PER_MS, NS_PER_SEC
from mmbot.venues.budget.stores import LocalBudget
from mmbot.venues.budget.turnstile import Turnstile
from mmbot.venues.bybit.answers import Asked
from mmbot.venues.bybit.limits import BYBIT_BUDGET
from mmbot.venues.bybit.signing import ApiCredentials
from mmbot.venues.bybit.trade_socket import TradeDialogue, TradeSocket
from mmbot.venues.failures import FailureKind, Operation
from mmbot.venues.ports import CallError, GapReason
from mmbot.venues.stream.venue_clock import VenueClock

WALL_NS = 1_700_000_000 * NS_PER_SEC
CREATE = Asked(Operation.CREATE, "BTCUSDT", ("c-1",))
PATH = "/v5/order/create"


class Talk:
    def __init__(self) -> None:
        self.clock = VenueClock(local_clock=lambda: 0, wall_clock=lambda: WALL_NS)
        self.clock.observe(sent_ns=0, recv_ns=0, venue_ns=WALL_NS, grain_ns=0)
        self.budget = LocalBudget(BYBIT_BUDGET)
        self.dialogue = TradeDialogue(
            ApiCredentials("k", "s"), clock=self.clock, budget=Turnstile(self.budget)
        )

    def hear(self, now_ns: int = 0, **frame) -> None:
        self.dialogue.received(json.dumps(frame).encode(), now_ns)

    def greeted(self) -> Talk:
        self.dialogue.opened(0)
        self.hear(op="auth", retCode=0, retMsg="OK", connId="c")
        return self


def run(story) -> None:
    async def whole():
        await story(Talk().greeted())

    asyncio.run(whole())


def test_it_is_ready_after_its_greeting():
    talk = Talk()
    (frame,) = talk.dialogue.opened(0)
    auth = json.loads(frame)
    assert (auth["op"], auth["args"][:2]) == ("auth", ["k", WALL_NS // NS_PER_MS + 10_000])
    before = talk.dialogue.is_ready
    talk.hear(op="auth", retCode=0, retMsg="OK", connId="c")
    assert (before, talk.dialogue.is_ready) == (False, True)


@pytest.mark.parametrize(("code", "is_final"), [(10003, True), (10004, True), (10016, False)])
def test_a_refused_key_is_final_and_a_tired_venue_is_not(code, is_final):
    talk = Talk()
    talk.dialogue.opened(0)
    talk.hear(op="auth", retCode=code, retMsg="no", connId="c")
    assert (talk.dialogue.refusal is not None) is is_final
    assert not talk.dialogue.is_ready


def test_answers_find_their_requests_in_any_order():
    async def story(talk):
        first = talk.dialogue.expect("r-1", CREATE, PATH)
        second = talk.dialogue.expect("r-2", CREATE, PATH)
        for req_id, order_id in (("r-2", "o-2"), ("r-1", "o-1")):
            data = {"orderId": order_id, "orderLinkId": "c-1"}
            talk.hear(reqId=req_id, retCode=0, retMsg="OK", op="order.create", data=data)
        assert json.loads(bytes((await first).data))["orderId"] == "o-1"
        assert json.loads(bytes((await second).data))["orderId"] == "o-2"

    run(story)


def test_a_loss_leaves_every_request_unknown():
    async def story(talk):
        waiting = [talk.dialogue.expect(f"r-{n}", CREATE, PATH) for n in range(3)]
        talk.dialogue.lost(GapReason.HALF_OPEN)
        for one in waiting:
            with pytest.raises(CallError, match="half_open") as caught:
                await one
            assert caught.value.failure.kind is FailureKind.DISCONNECT
            assert caught.value.failure.is_sent

    run(story)


def test_an_answer_to_a_request_that_was_given_up_is_counted():
    async def story(talk):
        talk.dialogue.expect("r-1", CREATE, PATH).cancel()
        talk.dialogue.forget("r-1")
        talk.hear(reqId="r-1", retCode=0, retMsg="OK", op="order.create", data={})
        talk.hear(reqId="r-9", retCode=0, retMsg="OK", op="pong")
        assert talk.dialogue.late_answers == 1

    run(story)


def test_an_answer_teaches_time_and_limits():
    async def story(talk):
        samples = talk.clock.estimator.samples
        answered = talk.dialogue.expect("r-1", CREATE, PATH)
        header = {
            "X-Bapi-Limit": "7",
            "X-Bapi-Limit-Status": "5",
            "X-Bapi-Limit-Reset-Timestamp": str(WALL_NS // NS_PER_MS),
            "Timenow": str(WALL_NS // NS_PER_MS),
        }
        late_ns = 2**62
        talk.hear(late_ns, reqId="r-1", retCode=0, op="order.create", header=header, data={})
        await answered
        await asyncio.sleep(0)
        assert talk.clock.estimator.samples == samples + 1
        status = await talk.budget.status(now_ns=late_ns)
        assert (status[PATH].limit, status[PATH].left) == (7, 5)

    run(story)


def test_a_frame_that_cannot_be_read_is_counted_and_answers_nobody():
    async def story(talk):
        answered = talk.dialogue.expect("r-1", CREATE, PATH)
        talk.dialogue.received(b'{"reqId":"r-1","retCode":', 0)
        assert talk.dialogue.unreadable == 1
        assert not answered.done()
        answered.cancel()

    run(story)


def test_silence_is_asked_about_and_then_ends_the_connection():
    talk = Talk().greeted()
    tick = talk.dialogue.ticked(2 * NS_PER_SEC)
    assert tick.frames == (b'{"op":"ping"}',)
    found = {talk.dialogue.ticked(2 * NS_PER_SEC + n * 25 * NS_PER_MS).lost for n in range(1, 41)}
    assert found == {None, GapReason.HALF_OPEN}


class Wire:
    """A socket that takes frames, or does not."""

    def __init__(self, *, is_up: bool = True) -> None:
        self.is_up = is_up
        self.frames: list[bytes] = []

    def send(self, frame: bytes) -> bool:
        if self.is_up:
            self.frames.append(frame)
        return self.is_up


def on_wire(wire: Any, talk: Talk) -> TradeSocket:
    return TradeSocket(wire, talk.dialogue)


def test_a_request_has_left_before_anybody_waits_and_ends_with_its_answer_or_its_deadline():
    async def story(talk):
        wire = Wire()
        socket = on_wire(wire, talk)
        answered = socket.begin(b"one", "r-1", CREATE, path=PATH, deadline_ms=5_000)
        late = socket.begin(b"two", "r-2", CREATE, path=PATH, deadline_ms=1)
        assert wire.frames == [b"one", b"two"]
        with pytest.raises(CallError) as caught:
            await late
        assert (caught.value.failure.kind, caught.value.failure.is_sent) == (
            FailureKind.TIMEOUT,
            True,
        )
        talk.hear(reqId="r-2", retCode=0, retMsg="OK", op="order.create", data={})
        talk.hear(reqId="r-1", retCode=0, retMsg="OK", op="order.create", data={})
        assert (await answered).req_id == "r-1"
        assert talk.dialogue.late_answers == 1

    run(story)


def test_what_could_not_be_written_was_not_sent_and_is_not_waited_for():
    async def story(talk):
        socket = on_wire(Wire(is_up=False), talk)
        with pytest.raises(CallError) as caught:
            socket.begin(b"one", "r-1", CREATE, path=PATH, deadline_ms=5_000)
        assert (caught.value.failure.kind, caught.value.failure.is_sent) == (
            FailureKind.CONNECT,
            False,
        )
        talk.hear(reqId="r-1", retCode=0, retMsg="OK", op="order.create", data={})
        assert talk.dialogue.late_answers == 1

    run(story)


def test_ids_of_requests_are_unique_over_processes(monkeypatch):
    ids = []
    for start_ns in (WALL_NS, WALL_NS + 1):
        monkeypatch.setattr("mmbot.venues.bybit.trade_socket.wall_ns", lambda ns=start_ns: ns)
        socket = on_wire(Wire(), Talk())
        ids += [socket.next_req_id() for _ in range(2_000)]
    assert len(set(ids)) == len(ids)
