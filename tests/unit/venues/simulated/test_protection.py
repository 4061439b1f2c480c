import pytest
from tests.unit.venues.simulated.rig import LINEAR, SYMBOL, Rig, decoded

from mmbot.venues.simulated.protection import Protection

ORDER = {**LINEAR, "symbol": SYMBOL, "side": "Buy", "orderType": "Limit", "qty": "0.010"}
PATH = "/v5/order/disconnected-cancel-all"


def with_order() -> Rig:
    rig = Rig()
    rig.ask("POST", "/v5/order/create", body={**ORDER, "price": "49000"})
    rig.conduct()
    assert open_orders(rig) == 1
    return rig


def open_orders(rig) -> int:
    query = f"category=linear&symbol={SYMBOL}"
    return len(decoded(rig.ask("GET", "/v5/order/realtime", query))["result"]["list"])


def first_uid(rig) -> int:
    return next(iter(rig.exchange.desks))


def test_orders_go_when_all_that_asked_are_gone_for_the_window():
    rig, guard = with_order(), Protection()
    uid = first_uid(rig)
    guard.step(rig.exchange, {uid}, 0)
    guard.step(rig.exchange, (), 1_000)
    guard.step(rig.exchange, (), 10_999)
    assert len(rig.exchange.desks[uid].open) == 1
    guard.step(rig.exchange, (), 11_000)
    rig.conduct()
    assert open_orders(rig) == 0


def test_a_connection_that_is_back_in_time_begins_the_window_anew():
    rig, guard = with_order(), Protection()
    uid = first_uid(rig)
    for now_ms, connected in ((0, {uid}), (1_000, ()), (10_000, {uid}), (11_000, ()), (20_999, ())):
        guard.step(rig.exchange, connected, now_ms)
    assert len(rig.exchange.desks[uid].open) == 1


def test_who_never_asked_is_left_alone():
    rig, guard = with_order(), Protection()
    for now_ms in range(0, 400_000, 10_000):
        guard.step(rig.exchange, (), now_ms)
    assert open_orders(rig) == 1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"product": "DERIVATIVES", "timeWindow": 3}, 0),
        ({"product": "DERIVATIVES", "timeWindow": 300}, 0),
        ({"product": "DERIVATIVES", "timeWindow": 2}, 10001),
        ({"product": "DERIVATIVES", "timeWindow": 301}, 10001),
        ({"product": "DERIVATIVES", "timeWindow": "x"}, 10001),
        ({"product": "OPTIONS", "timeWindow": 10}, 10001),
        ({}, 10001),
    ],
)
def test_the_window_is_set_within_its_bounds_and_told(body, code):
    rig = Rig()
    assert decoded(rig.ask("POST", PATH, body=body))["retCode"] == code
    told = decoded(rig.ask("GET", "/v5/account/query-dcp-info", ""))["result"]["dcpInfos"]
    window = str(body["timeWindow"]) if code == 0 else "10"
    assert told == [{"product": "DERIVATIVES", "dcpStatus": "ON", "timeWindow": window}]
