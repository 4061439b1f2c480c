"""Order requests, byte for byte what the venue's documentation asks for."""

from __future__ import annotations

import json

import pytest

from mmbot.venues.bybit.requests import batch_command, command
from mmbot.venues.failures import Operation
from mmbot.venues.records import AmendOrder, CancelOrder, CreateOrder, Side

ORDER = CreateOrder(
    cid="c-1",
    symbol="BTCUSDT",
    side=Side.BUY,
    price="50000.0",
    qty="0.010",
    post_only=True,
    reduce_only=False,
)
CREATE_BODY = {
    "category": "linear",
    "symbol": "BTCUSDT",
    "side": "Buy",
    "orderType": "Limit",
    "qty": "0.010",
    "price": "50000.0",
    "timeInForce": "PostOnly",
    "orderLinkId": "c-1",
    "reduceOnly": False,
    "positionIdx": 0,
}
AMEND = AmendOrder(cid="c-1", symbol="BTCUSDT", price="50001.0", qty="0.020")
CANCEL = CancelOrder(cid="c-1", symbol="BTCUSDT")


@pytest.mark.parametrize(
    ("order", "operation", "verb", "body"),
    [
        (ORDER, Operation.CREATE, "create", CREATE_BODY),
        (
            AMEND,
            Operation.AMEND,
            "amend",
            {
                "category": "linear",
                "symbol": "BTCUSDT",
                "orderLinkId": "c-1",
                "qty": "0.020",
                "price": "50001.0",
            },
        ),
        (
            CANCEL,
            Operation.CANCEL,
            "cancel",
            {"category": "linear", "symbol": "BTCUSDT", "orderLinkId": "c-1"},
        ),
    ],
)
def test_a_request_has_one_body_on_both_ways(order, operation, verb, body):
    made = command(order, "linear")
    assert (made.operation, made.path, made.op) == (
        operation,
        f"/v5/order/{verb}",
        f"order.{verb}",
    )
    assert json.loads(made.encoded()) == body
    frame = json.loads(made.frame(req_id="r", timestamp_ms=1_700_000_000_000, recv_window_ms=5000))
    assert frame == {
        "reqId": "r",
        "header": {"X-BAPI-TIMESTAMP": "1700000000000", "X-BAPI-RECV-WINDOW": "5000"},
        "op": f"order.{verb}",
        "args": [body],
    }


def test_orders_that_may_cross_are_good_till_cancelled():
    sell = CreateOrder(
        cid="c-2",
        symbol="BTCUSDT",
        side=Side.SELL,
        price="1",
        qty="2",
        post_only=False,
        reduce_only=True,
    )
    body = command(sell, "linear").body
    assert (body["side"], body["timeInForce"], body["reduceOnly"]) == ("Sell", "GTC", True)


def test_a_spot_order_knows_no_position():
    assert not {"positionIdx", "reduceOnly"} & set(command(ORDER, "spot").body)
    (item,) = batch_command([ORDER], "spot").body["request"]
    assert not {"positionIdx", "reduceOnly"} & set(item)


def test_a_batch_names_the_category_once():
    made = batch_command([ORDER, ORDER], "linear")
    assert (made.path, made.op) == ("/v5/order/create-batch", "order.create-batch")
    item = {key: value for key, value in CREATE_BODY.items() if key != "category"}
    assert json.loads(made.encoded()) == {"category": "linear", "request": [item, item]}
    assert made.cids == ("c-1", "c-1")
