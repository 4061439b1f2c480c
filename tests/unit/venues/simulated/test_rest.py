"""REST routes: envelopes, filters, pages, wrong requests."""

import pytest
from tests.unit.venues.simulated.rig import LINEAR, SYMBOL, Rig, decoded

from mmbot.venues.simulated.auth import sign
from mmbot.venues.simulated.queries import PRIVATE_QUERIES, PUBLIC_QUERIES
from mmbot.venues.simulated.rest import RestRequest

QUERY = f"category=linear&symbol={SYMBOL}"


@pytest.mark.parametrize("path", sorted({*PUBLIC_QUERIES, *PRIVATE_QUERIES}))
def test_every_query_has_the_envelope(path):
    rig = Rig()
    answer = decoded(rig.ask("GET", path, QUERY + "&accountType=UNIFIED"))
    assert set(answer) == {"retCode", "retMsg", "result", "retExtInfo", "time"}
    assert (answer["retCode"], answer["retMsg"], answer["time"]) == (0, "OK", rig.now_ms)


@pytest.mark.parametrize(
    ("method", "path", "code", "status"),
    [
        ("GET", "/v5/nonsense", 10017, 404),
        ("GET", "/", 10017, 404),
        ("GET", "/v5/order/create", 10017, 404),
        ("POST", "/v5/order/realtime", 10017, 404),
        ("DELETE", "/v5/order/realtime", 10017, 404),
        ("POST", "/v5/market/time", 10017, 404),
    ],
)
def test_wrong_routes_are_not_found(method, path, code, status):
    answer = Rig().ask(method, path)
    assert (decoded(answer)["retCode"], answer.status) == (code, status)


@pytest.mark.parametrize("body", ["{", "[]", "5", '"x"'])
def test_a_body_that_is_no_object_is_a_wrong_parameter(body):
    rig = Rig()
    payload = f"{rig.now_ms}key-15000{body}"
    headers = {
        "x-bapi-api-key": "key-1",
        "x-bapi-timestamp": str(rig.now_ms),
        "x-bapi-recv-window": "5000",
        "x-bapi-sign": sign("secret-1", payload),
    }
    request = RestRequest("POST", "/v5/order/create", "", body, headers, "10.0.0.1")
    assert decoded(rig.conductor.api.answer(request, rig.now_ms))["retCode"] == 10001


def test_open_orders_are_paged_newest_first_and_filtered():
    rig = Rig()
    ids = [rig.place(orderLinkId=f"link-{at}") for at in range(5)]
    rig.step()
    path, seen, cursor = "/v5/order/realtime", [], ""
    for _ in range(3):
        page = decoded(rig.ask("GET", path, f"{QUERY}&limit=2&cursor={cursor}"))["result"]
        seen += [row["orderId"] for row in page["list"]]
        cursor = page["nextPageCursor"]
    assert (seen, cursor) == (ids[::-1], "")
    one = decoded(rig.ask("GET", path, f"{QUERY}&orderLinkId=link-3"))["result"]["list"]
    assert [row["orderId"] for row in one] == [ids[3]]
    none = decoded(rig.ask("GET", path, f"{QUERY}&orderStatus=Filled"))["result"]["list"]
    assert none == []


@pytest.mark.parametrize("more", ["limit=0", "limit=x", "cursor=x", "cursor=-1", "startTime=x"])
def test_wrong_pages_are_wrong_parameters(more):
    rig = Rig()
    rig.place()
    answer = decoded(rig.ask("GET", "/v5/order/realtime", f"{QUERY}&{more}"))
    assert answer["retCode"] == 10001


def test_other_categories_have_no_instruments_and_no_orders():
    rig = Rig()
    for category in ("spot", "inverse", "option"):
        answer = decoded(rig.ask("GET", "/v5/market/instruments-info", f"category={category}"))
        assert answer["result"]["list"] == []
    answer = decoded(rig.ask("GET", "/v5/order/realtime", "category=spot"))
    assert answer["retCode"] == 10001


def test_leverage_is_set_once_and_changes_the_margin():
    rig = Rig(balance=1_000)
    body = {**LINEAR, "buyLeverage": "25", "sellLeverage": "25"}
    qty = "0.400"
    order = {**LINEAR, "side": "Buy", "orderType": "Limit", "qty": qty, "price": "49990"}
    assert decoded(rig.ask("POST", "/v5/order/create", body=order))["retCode"] == 110007
    assert decoded(rig.ask("POST", "/v5/position/set-leverage", body=body))["retCode"] == 0
    assert decoded(rig.ask("POST", "/v5/position/set-leverage", body=body))["retCode"] == 110043
    assert decoded(rig.ask("POST", "/v5/order/create", body=order))["retCode"] == 0
    for wrong in ("0.5", "101", "x", "", None):
        asked = {**LINEAR, "buyLeverage": wrong, "sellLeverage": wrong}
        answer = decoded(rig.ask("POST", "/v5/position/set-leverage", body=asked))
        assert answer["retCode"] == 10001


def test_batches_hold_1_to_20_orders():
    rig = Rig()
    wrong: list[object] = [[], [{}] * 21, {}, None, [1]]
    for orders in wrong:
        body = {"category": "linear", "request": orders}
        answer = decoded(rig.ask("POST", "/v5/order/create-batch", body=body))
        assert answer["retCode"] == 10001


def test_the_wallet_shows_margin_and_unrealised_profit():
    rig = Rig()
    rig.place(orderType="Market", price=None, qty="1.000")
    rig.step()
    answer = decoded(rig.ask("GET", "/v5/account/wallet-balance", "accountType=UNIFIED"))
    wallet = answer["result"]["list"][0]
    # bought at 50001, marked at 50000.5 (bid 49999, offer now 50002), fee 0.055 %
    assert wallet["totalWalletBalance"] == "99972.49945"
    assert wallet["totalPerpUPL"] == "-0.5"
    assert wallet["totalEquity"] == "99971.99945"
    assert wallet["totalInitialMargin"] == "5000.05"
    assert wallet["totalMaintenanceMargin"] == "250.0025"
    held = decoded(rig.ask("GET", "/v5/position/list", QUERY))["result"]["list"][0]
    assert (held["side"], held["size"], held["avgPrice"]) == ("Buy", "1", "50001")
    assert held["unrealisedPnl"] == "-0.5"


def test_other_settlement_coins_have_no_orders_and_no_positions():
    rig = Rig()
    rig.place()
    rig.place(uid=1, price="50001", side="Buy")
    rig.step(20)
    for path in ("/v5/order/realtime", "/v5/position/list"):
        counts = {
            coin: len(
                decoded(rig.ask("GET", path, f"category=linear&settleCoin={coin}"))["result"][
                    "list"
                ]
            )
            for coin in ("USDT", "USDC")
        }
        assert counts == {"USDT": counts["USDT"], "USDC": 0}
        assert counts["USDT"] > 0
