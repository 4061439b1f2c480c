"""Sockets as state machines: every op in every state, without a connection."""

import json

import pytest
from tests.unit.venues.simulated.rig import LINEAR, SYMBOL, Rig, login

from mmbot.venues.simulated.auth import sign

BOOK = f"orderbook.50.{SYMBOL}"


def talk(rig: Rig, socket, **frame):
    return socket.receive(json.dumps(frame), rig.now_ms)


def test_a_subscription_is_acknowledged_before_its_snapshot():
    rig = Rig()
    socket = rig.conductor.connect("public")
    ack, book = talk(rig, socket, op="subscribe", args=[BOOK], req_id="7")
    assert ack == {
        "success": True,
        "ret_msg": "subscribe",
        "conn_id": socket.conn_id,
        "req_id": "7",
        "op": "subscribe",
    }
    assert (book["topic"], book["type"]) == (BOOK, "snapshot")
    assert socket.topics == {BOOK}


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        ({"op": "subscribe", "args": ["orderbook.7.BTCUSDT"]}, "handler not found"),
        ({"op": "subscribe", "args": ["orderbook.50.NOPE"]}, "handler not found"),
        ({"op": "subscribe", "args": ["nonsense"]}, "handler not found"),
        ({"op": "subscribe", "args": [BOOK]}, "already subscribed"),
        ({"op": "subscribe", "args": []}, "args invalid"),
        ({"op": "subscribe", "args": "publicTrade.BTCUSDT"}, "args invalid"),
        ({"op": "subscribe", "args": [1]}, "args invalid"),
        ({"op": "subscribe", "args": ["x" * 21_001]}, "args length"),
        ({"op": "dance"}, "unknown op"),
        ({}, "unknown op"),
    ],
)
def test_a_wrong_public_request_changes_nothing(frame, text):
    rig = Rig()
    socket = rig.conductor.connect("public")
    talk(rig, socket, op="subscribe", args=[BOOK])
    (answer,) = talk(rig, socket, **frame)
    assert answer["success"] is False
    assert text in answer["ret_msg"]
    assert socket.topics == {BOOK}


@pytest.mark.parametrize("stream", ["public", "private", "trade"])
@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"', "\x00", '{"op": []}'])
def test_malformed_frames_are_answered_and_not_believed(stream, text):
    rig = Rig()
    socket = rig.conductor.connect(stream)
    (answer,) = socket.receive(text, rig.now_ms)
    assert answer.get("success") is False or answer["retCode"] != 0


def test_each_kind_has_its_own_pong():
    rig = Rig()
    public, private, trade = (rig.conductor.connect(s) for s in ("public", "private", "trade"))
    assert talk(rig, public, op="ping", req_id="1")[0]["ret_msg"] == "pong"
    assert talk(rig, private, op="ping", req_id="1") == [
        {"req_id": "1", "op": "pong", "args": [str(rig.now_ms)], "conn_id": private.conn_id}
    ]
    pong = talk(rig, trade, op="ping")[0]
    assert (pong["op"], pong["retCode"], pong["data"]) == ("pong", 0, [str(rig.now_ms)])


def test_private_topics_need_a_login():
    rig = Rig()
    socket = rig.conductor.connect("private")
    assert talk(rig, socket, op="subscribe", args=["order"])[0]["success"] is False
    refused = talk(rig, socket, op="auth", args=["key-1", rig.now_ms + 1, "bad"])[0]
    assert (refused["success"], refused["ret_msg"]) == (False, "Invalid sign")
    assert login(rig, socket)[0]["success"] is True
    assert talk(rig, socket, op="subscribe", args=["order", "nonsense"])[0]["success"] is False
    assert socket.topics == set()
    assert talk(rig, socket, op="subscribe", args=["order", "wallet"])[0]["success"] is True
    talk(rig, socket, op="unsubscribe", args=["wallet"])
    assert socket.topics == {"order"}


def test_private_frames_go_to_the_sockets_of_the_account_only():
    rig = Rig()
    mine, other = rig.conductor.connect("private"), rig.conductor.connect("private")
    login(rig, mine)
    expires = rig.now_ms + 1000
    args = ["key-2", expires, sign("secret-2", f"GET/realtime{expires}")]
    talk(rig, other, op="auth", args=args)
    topics = ["order", "execution", "execution.fast", "position", "wallet"]
    for socket in (mine, other):
        talk(rig, socket, op="subscribe", args=topics)
    order_id = rig.place(orderType="Market", price=None)
    deliveries = rig.conduct().deliveries
    assert {d.conn_id for d in deliveries} == {mine.conn_id}
    frames = [json.loads(d.text) for d in deliveries]
    assert [f["topic"] for f in frames] == [
        *("order", "execution", "execution.fast"),
        *("order", "position", "wallet"),
    ]
    assert frames[1]["data"][0]["orderId"] == order_id
    assert set(frames[2]["data"][0]) < set(frames[1]["data"][0])
    assert len({f["id"] for f in frames}) == 5


def order(rig: Rig, **more):
    header = {"X-BAPI-TIMESTAMP": str(rig.now_ms)}
    args = [{**LINEAR, "side": "Buy", "orderType": "Limit", "qty": "0.010", "price": "49990"}]
    return {"op": "order.create", "header": header, "args": args, **more}


def test_orders_over_the_trade_socket_are_acknowledged_with_the_quota():
    rig = Rig()
    socket = rig.conductor.connect("trade")
    assert login(rig, socket, reqId="a")[0] == {
        "reqId": "a",
        "retCode": 0,
        "retMsg": "OK",
        "op": "auth",
        "connId": socket.conn_id,
    }
    (answer,) = talk(rig, socket, **order(rig, reqId="r-1"))
    assert (answer["reqId"], answer["retCode"], answer["op"]) == ("r-1", 0, "order.create")
    assert answer["header"]["X-Bapi-Limit-Status"] == "9"
    assert answer["data"]["orderId"] in rig.exchange.desks[1].open
    (again,) = talk(rig, socket, **order(rig, reqId="r-1"))
    assert again["retCode"] == 20006


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"op": "order.dance"}, 10404),
        ({"header": None}, 10001),
        ({"header": {}}, 10001),
        ({"header": {"X-BAPI-TIMESTAMP": "1"}}, 10002),
        ({"args": []}, 10001),
        ({"args": [1]}, 10001),
        ({"args": [{**LINEAR}]}, 10001),
        ({"op": "order.cancel", "args": [{**LINEAR, "orderId": "x"}]}, 110001),
        ({"op": "order.create-batch", "args": [{"category": "linear", "request": []}]}, 10001),
    ],
)
def test_wrong_requests_on_the_trade_socket_have_codes(change, code):
    rig = Rig()
    socket = rig.conductor.connect("trade")
    login(rig, socket)
    (answer,) = talk(rig, socket, **order(rig, **change))
    assert (answer["retCode"], answer["data"]) == (code, {})
    assert not rig.exchange.desks[1].orders


def test_the_trade_socket_needs_a_login_and_counts_requests():
    rig = Rig()
    socket = rig.conductor.connect("trade")
    assert talk(rig, socket, **order(rig))[0]["retCode"] == 10001
    login(rig, socket)
    codes = [talk(rig, socket, **order(rig))[0]["retCode"] for _ in range(11)]
    assert codes == [0] * 10 + [10006]


def test_a_batch_on_the_trade_socket_answers_order_by_order():
    rig = Rig()
    socket = rig.conductor.connect("trade")
    login(rig, socket)
    good = {"symbol": SYMBOL, "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": "49990"}
    args = [{"category": "linear", "request": [good, {**good, "price": "x"}]}]
    (answer,) = talk(rig, socket, **order(rig, op="order.create-batch", args=args))
    assert [row["code"] for row in answer["retExtInfo"]["list"]] == [0, 10001]
    assert [bool(row["orderId"]) for row in answer["data"]["list"]] == [True, False]
