"""What is refused before it is accepted, and with which published code."""

import pytest
from tests.unit.venues.simulated.rig import LINEAR, SELL, SYMBOL, Rig

from mmbot.venues.simulated.codes import Refusal
from mmbot.venues.simulated.entry import amend_order, cancel_all, cancel_order


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"category": "spot"}, 10001),
        ({"symbol": "NOPEUSDT"}, 10001),
        ({"side": "Both"}, 10001),
        ({"orderType": "Iceberg"}, 10001),
        ({"timeInForce": "GTD"}, 10001),
        ({"qty": "0.0001"}, 10001),
        ({"qty": 1}, 10001),
        ({"price": None}, 10001),
        ({"price": "49990.05"}, 10001),
        ({"qty": "100000"}, 10001),
        ({"positionIdx": 1}, 10001),
        ({"triggerPrice": "50000"}, 10001),
        ({"orderLinkId": "x" * 37}, 10001),
        ({"price": "52500.1"}, 110003),
        ({"side": "Sell", "price": "47499.9"}, 110003),
        ({"qty": "20.1"}, 110007),
        ({"price": "499.9"}, 110094),
        ({"reduceOnly": True}, 110017),
    ],
)
def test_a_wrong_order_is_refused_and_leaves_nothing(change, code):
    rig = Rig()
    with pytest.raises(Refusal) as refusal:
        rig.place(**change)
    assert refusal.value.ret_code == code
    assert not rig.exchange.desks[1].orders
    rig.step()
    assert rig.told("order") == []


@pytest.mark.parametrize(
    "change", [{"price": "52500"}, {"side": "Sell", "price": "47500"}, {"price": "500"}, {}]
)
def test_the_limits_themselves_are_accepted(change):
    assert Rig().place(**change)


def test_link_ids_are_unique_per_account():
    rig = Rig()
    rig.place(orderLinkId="one")
    with pytest.raises(Refusal) as refusal:
        rig.place(orderLinkId="one")
    assert refusal.value.ret_code == 110072
    assert rig.place(uid=2, orderLinkId="one")


def test_no_more_than_500_orders_are_open():
    rig = Rig()
    for _ in range(500):
        rig.place(qty="0.001")
    with pytest.raises(Refusal) as refusal:
        rig.place(qty="0.001")
    assert refusal.value.ret_code == 110020


def test_margin_counts_the_larger_side_of_open_orders():
    rig = Rig(balance=10_000)
    rig.place(qty="1.9")
    # the other side needs no more than what is tied up already
    rig.place(side="Sell", qty="1.9", price="50010")
    with pytest.raises(Refusal) as refusal:
        rig.place(qty="0.2")
    assert refusal.value.ret_code == 110007


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, 10001),
        ({"qty": "0.010", "price": "49990"}, 10001),
        ({"qty": "0.0105"}, 10001),
        ({"price": "60000"}, 110003),
        ({"qty": "50"}, 110007),
    ],
)
def test_a_wrong_amend_is_refused(change, code):
    rig = Rig()
    order_id = rig.place()
    rig.step()
    with pytest.raises(Refusal) as refusal:
        amend_order(rig.exchange, 1, {**LINEAR, "orderId": order_id, **change})
    assert refusal.value.ret_code == code


@pytest.mark.parametrize("act", [amend_order, cancel_order])
def test_orders_that_are_not_open_or_not_mine_are_not_found(act):
    rig = Rig()
    theirs = rig.place(uid=2)
    gone = rig.place()
    rig.step()
    cancel_order(rig.exchange, 1, {**LINEAR, "orderId": gone})
    rig.step()
    for order_id in (theirs, gone, "nonsense"):
        with pytest.raises(Refusal) as refusal:
            act(rig.exchange, 1, {**LINEAR, "orderId": order_id, "qty": "0.020"})
        assert refusal.value.ret_code == 110001
    with pytest.raises(Refusal) as refusal:
        act(rig.exchange, 1, LINEAR)
    assert refusal.value.ret_code == 10001


def test_cancel_all_takes_what_it_names():
    rig = Rig()
    mine = {rig.place(), rig.place(price="49980")}
    theirs = rig.place(uid=2)
    rig.step()
    answer = cancel_all(rig.exchange, 1, {"category": "linear", "settleCoin": "USDT"})
    assert {row["orderId"] for row in answer["list"]} == mine
    rig.step()
    assert not rig.exchange.desks[1].open
    assert set(rig.exchange.desks[2].open) == {theirs}
    assert cancel_all(rig.exchange, 1, {"category": "linear", "symbol": SYMBOL})["list"] == []
    with pytest.raises(Refusal):
        cancel_all(rig.exchange, 1, {"category": "linear"})


def test_without_a_book_nobody_trades():
    rig = Rig()
    rig.say(("gap", SELL, 0, 0))
    rig.step()
    with pytest.raises(Refusal) as refusal:
        rig.place()
    assert refusal.value.ret_code == 110066
