"""Scripted faults: what a file may say, and what each kind does."""

import json

import pytest
from tests.unit.venues.simulated.rig import LINEAR, SYMBOL, Rig, decoded, login

from mmbot.errors import ConfigError
from mmbot.venues.simulated.auth import sign
from mmbot.venues.simulated.faults import Fate, Fault, FaultPlan, FaultyWire, read_faults

BOOK = f"orderbook.50.{SYMBOL}"


def fault(kind: str, at_ms: int = 100, **more) -> Fault:
    return Fault.model_validate({"at_ms": at_ms, "kind": kind, **more})


@pytest.mark.parametrize(
    "text",
    [
        "{at_ms: 1}",
        "- {at_ms: 1}",
        "- {at_ms: 1, kind: earthquake}",
        "- {at_ms: -1, kind: drop}",
        "- {at_ms: 1.5, kind: drop}",
        "- {at_ms: '1', kind: drop}",
        "- {at_ms: 1, kind: drop, stream: smoke}",
        "- {at_ms: 1, kind: drop, delay_ms: 5}",
        "- {at_ms: 1, kind: drop, count: 0}",
        "- {at_ms: 1, kind: delay}",
        "- {at_ms: 1, kind: reorder, stream: rest}",
        "- {at_ms: 1, kind: restart, stream: public}",
        "- {at_ms: 1, kind: relist, symbol: BTCUSDT}",
        "- {at_ms: 1, kind: relist, symbol: BTCUSDT, tick_size: '-1'}",
        "- {at_ms: 1, kind: clock_skew}",
        "- {at_ms: 1, kind: hold}",
        "- {at_ms: 1, kind: lose, stream: public}",
        "- {at_ms: 1, kind: limit_cut}",
        "- {at_ms: 1, kind: limit_cut, percent: 0}",
        "- {at_ms: 1, kind: revoke, stream: private}",
        "- [",
    ],
)
def test_a_wrong_file_is_refused_with_its_place(text):
    with pytest.raises(ConfigError, match=r"^E_CFG_TYPE: file=f.yaml") as error:
        read_faults(text, file="f.yaml")
    assert "\n" not in str(error.value)


def test_a_file_is_read():
    assert read_faults("", file="f") == []
    text = "- {at_ms: 5, kind: delay, delay_ms: 7, stream: private, topic: order, duration_ms: 9}"
    assert read_faults(text, file="f")[0].delay_ms == 7


def sent(faults: list[Fault], frames, stream="public"):
    wire = FaultyWire(FaultPlan(tuple(faults)), stream)
    return [
        (timed.due_ms, timed.text)
        for at, topic, text in frames
        for timed in wire.send(topic, text, at)
    ]


FRAMES = [(90, "a", "0"), (100, "a", "1"), (110, "b", "2"), (120, "a", "3"), (200, "a", "4")]
CLEAN = [(at, text) for at, _, text in FRAMES]


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        (fault("drop", duration_ms=100), [CLEAN[0], CLEAN[4]]),
        (fault("drop", count=1), [CLEAN[0], *CLEAN[2:]]),
        (fault("drop", topic="b"), [*CLEAN[:2], *CLEAN[3:]]),
        (fault("drop", stream="private"), CLEAN),
        (fault("half_open"), [CLEAN[0]]),
        (fault("duplicate", count=1), [CLEAN[0], CLEAN[1], *CLEAN[1:]]),
        (fault("reorder", count=1), [CLEAN[0], (110, "2"), (110, "1"), *CLEAN[3:]]),
        (
            fault("delay", delay_ms=50, count=1),
            [CLEAN[0], (150, "1"), (150, "2"), (150, "3"), CLEAN[4]],
        ),
        (fault("gap"), CLEAN),
    ],
)
def test_faults_of_frames(what, expected):
    assert sent([what], FRAMES) == expected


@pytest.mark.parametrize("kind", ["duplicate", "reorder", "gap", "half_open"])
def test_answers_to_requests_meet_only_faults_that_an_answer_can_have(kind):
    assert sent([fault(kind)], FRAMES, "rest") == CLEAN
    assert sent([fault("drop", count=1)], FRAMES, "rest") == [CLEAN[0], *CLEAN[2:]]


def test_frames_that_take_longer_are_not_overtaken():
    wire = FaultyWire(FaultPlan(), "trade")
    assert [t.due_ms for t in wire.send("", "a", 10, delay_ms=5)] == [15]
    assert [t.due_ms for t in wire.send("", "b", 11)] == [15]
    assert [t.due_ms for t in wire.send("", "c", 20)] == [20]


def test_a_gap_loses_one_frame_of_a_book_and_malformed_halves_it():
    frames = [(100, "publicTrade.X", "aa"), (100, BOOK, "bb"), (100, BOOK, "cc")]
    assert sent([fault("gap")], frames) == [(100, "aa"), (100, "cc")]
    assert sent([fault("malformed", topic="orderbook")], frames) == [
        *((100, "aa"), (100, "b"), (100, "c"))
    ]


def test_storms_and_rejections_end():
    rig = Rig(
        fault("rate_limit", 100, duration_ms=100),
        fault("forbidden", 300, duration_ms=100),
        fault("reject", 500, duration_ms=100, ret_code=110066),
    )
    order = {**LINEAR, "side": "Buy", "orderType": "Limit", "qty": "0.010", "price": "49990"}

    def code():
        answer = rig.ask("POST", "/v5/order/create", body=order)
        return answer.status if answer.status != 200 else decoded(answer)["retCode"]

    codes = []
    for _ in range(7):
        codes.append(code())
        rig.conduct(100)
    assert codes == [0, 10006, 0, 403, 0, 110066, 0]


def test_the_clock_is_wrong_for_a_while():
    rig = Rig(fault("clock_skew", 100, skew_ms=-5_000, duration_ms=100))
    ask = ("GET", "/v5/account/wallet-balance", "accountType=UNIFIED")
    assert decoded(rig.ask(*ask))["retCode"] == 0
    rig.conduct(100)
    answer = decoded(rig.ask(*ask))
    assert (answer["retCode"], answer["time"]) == (10002, rig.now_ms - 5_000)
    assert decoded(rig.ask("GET", "/v5/market/time"))["time"] == rig.now_ms - 5_000
    rig.conduct(100)
    assert decoded(rig.ask(*ask))["retCode"] == 0


def subscribed(rig: Rig):
    socket = rig.conductor.connect("public")
    socket.receive(json.dumps({"op": "subscribe", "args": [BOOK]}), rig.now_ms)
    return socket


def test_maintenance_closes_sockets_refuses_requests_and_restarts_books():
    rig = Rig(fault("maintenance", 100, duration_ms=100))
    before = subscribed(rig)
    assert rig.conduct(99).closing == []
    assert rig.conduct(1).closing == [before.conn_id]
    rig.conductor.hub.leave(before.conn_id)
    answer = decoded(rig.ask("GET", "/v5/market/tickers", "category=linear"))
    assert answer["retCode"] == 10016
    assert decoded(rig.ask("GET", "/v5/market/time"))["retCode"] == 0
    after = subscribed(rig)
    frames = [json.loads(d.text) for d in rig.conduct(100).deliveries if d.conn_id == after.conn_id]
    assert [(f["type"], f["data"]["u"]) for f in frames] == [("snapshot", 1)]
    assert decoded(rig.ask("GET", "/v5/market/tickers", "category=linear"))["retCode"] == 0


def test_a_restart_begins_every_book_anew_and_touches_nothing_else():
    rig = Rig(fault("restart", 100))
    socket = subscribed(rig)
    assert rig.conduct(99).closing == []
    step = rig.conduct(1)
    frames = [json.loads(d.text) for d in step.deliveries if d.conn_id == socket.conn_id]
    last = frames[-1]
    assert (last["topic"], last["type"], last["data"]["u"]) == (BOOK, "snapshot", 1)
    assert step.closing == []
    assert rig.conductor.hub.restart() != []
    assert decoded(rig.ask("GET", "/v5/market/tickers", "category=linear"))["retCode"] == 0


def test_a_new_listing_cancels_orders_and_changes_the_grid():
    rig = Rig(fault("relist", 100, symbol=SYMBOL, tick_size="0.5", duration_ms=100))
    subscribed(rig)
    order_id = rig.place()
    rig.conduct(99)
    assert rig.order(order_id).is_live
    rig.conduct(1)
    assert (rig.order(order_id).status, rig.order(order_id).cancel_type) == (
        *("Cancelled", "CancelByAdmin"),
    )
    info = decoded(rig.ask("GET", "/v5/market/instruments-info", "category=linear"))
    assert info["result"]["list"][0]["status"] == "Closed"
    frames = [json.loads(d.text) for d in rig.conduct(100).deliveries]
    assert [(f["type"], f["data"]["u"]) for f in frames] == [("snapshot", 1)]
    assert frames[0]["data"]["b"] == [["49999.5", "0.005"]]
    info = decoded(rig.ask("GET", "/v5/market/instruments-info", "category=linear"))
    listed = info["result"]["list"][0]
    assert (listed["status"], listed["priceFilter"]["tickSize"]) == ("Trading", "0.5")
    assert rig.place(price="49990.5")


def test_a_disconnect_closes_the_sockets_of_its_stream():
    rig = Rig(fault("disconnect", 100, stream="private"))
    subscribed(rig)
    private = rig.conductor.connect("private")
    assert rig.conduct(100).closing == [private.conn_id]
    assert rig.conduct(1).closing == []


def test_a_half_open_socket_hears_nothing_and_says_nothing():
    wire = FaultyWire(FaultPlan((fault("half_open", duration_ms=10, stream="trade"),)), "trade")
    assert [wire.is_half_open(at) for at in (99, 100, 109, 110)] == [False, True, True, False]
    assert not FaultyWire(wire.plan, "public").is_half_open(105)


def test_a_relisting_of_something_else_is_refused_at_the_start():
    with pytest.raises(ConfigError, match="relist needs"):
        Rig(fault("relist", symbol="NOPEUSDT", tick_size="1"))


def test_faults_do_not_touch_orders_that_were_accepted():
    rig = Rig(fault("drop", 0, stream="private"))
    socket = rig.conductor.connect("private")
    expires = rig.now_ms + 1
    args = ["key-1", expires, sign("secret-1", f"GET/realtime{expires}")]
    socket.receive(json.dumps({"op": "auth", "args": args}), rig.now_ms)
    order_id = rig.place()
    rig.conduct()
    assert rig.order(order_id).is_live


def test_requests_are_lost_or_held_by_path_and_stream():
    faults = [
        fault("lose", count=1, stream="rest", topic="/v5/order/create"),
        fault("hold", delay_ms=300, duration_ms=50),
    ]
    wire = FaultyWire(FaultPlan(tuple(faults)), "rest")
    assert wire.request("/v5/order/create", 99) == Fate()
    assert wire.request("/v5/order/cancel", 100) == Fate(hold_ms=300)
    assert wire.request("/v5/order/create", 110) == Fate(is_lost=True)
    assert wire.request("/v5/order/create", 120) == Fate(hold_ms=300)
    assert wire.request("/v5/order/create", 150) == Fate()
    trade = FaultyWire(FaultPlan(tuple(faults)), "trade")
    assert trade.request("/v5/order/create", 110) == Fate(hold_ms=300)
    # faults of requests leave answers alone, and the other way round
    assert [timed.text for timed in wire.send("/v5/order/create", "x", 110)] == ["x"]


def test_a_revoked_key_is_refused_and_its_sockets_are_closed():
    rig = Rig(fault("revoke", 100, duration_ms=100))
    private, public = rig.conductor.connect("private"), rig.conductor.connect("public")
    assert login(rig, private)[0]["success"]
    step = rig.conduct(100)
    assert step.closing == [private.conn_id]
    assert public.conn_id not in step.closing
    assert decoded(rig.ask("GET", "/v5/account/info"))["retCode"] == 10003
    assert not login(rig, private)[0]["success"]
    rig.conduct(100)
    assert decoded(rig.ask("GET", "/v5/account/info"))["retCode"] == 0


def test_a_cut_of_the_limits_is_told_in_the_headers_and_ends():
    rig = Rig(fault("limit_cut", 100, percent=10, duration_ms=100))
    path, query = "/v5/position/list", "category=linear&symbol=BTCUSDT"
    assert rig.ask("GET", path, query).headers["X-Bapi-Limit"] == "50"
    rig.conduct(150)
    answers = [rig.ask("GET", path, query) for _ in range(6)]
    assert [answer.headers["X-Bapi-Limit"] for answer in answers] == ["5"] * 6
    assert [decoded(answer)["retCode"] for answer in answers] == [0] * 4 + [10006] * 2
    rig.conduct(100)
    assert rig.ask("GET", path, query).headers["X-Bapi-Limit"] == "50"
