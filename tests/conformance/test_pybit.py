"""pybit, as it is installed, trades on the local exchange: REST and all three kinds of sockets."""

from __future__ import annotations

import logging
import threading
import time
from copy import deepcopy
from decimal import Decimal
from queue import Empty, Queue
from typing import Any

import pybit._websocket_trading
import pybit.unified_trading
import pytest
from pybit.exceptions import InvalidRequestError
from pybit.unified_trading import HTTP, WebSocket, WebSocketTrading

from mmbot.clock import monotonic_ns, wall_ns

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("conformance")]

SYMBOL = "BTCUSDT"
PATIENCE_S = 20.0
# With its restarts pybit may connect again while it is closing, and then never ends.
# Its logins expire after a second unless told otherwise, which a busy machine may need.
CALM: dict[str, Any] = {"restart_on_error": False, "private_auth_expire": 60}
LINEAR = {"category": "linear", "symbol": SYMBOL}


@pytest.fixture(scope="module", autouse=True)
def _quiet_root_logger():
    # pybit installs a handler on the root logger unless there is one
    handler = logging.NullHandler()
    logging.root.addHandler(handler)
    yield
    logging.root.removeHandler(handler)


@pytest.fixture(autouse=True)
def _sockets_go_to_the_venue(monkeypatch, venue):
    # pybit has no option for the address of its sockets
    monkeypatch.setattr(pybit.unified_trading, "PUBLIC_WSS", venue.socket("public/{CHANNEL_TYPE}"))
    monkeypatch.setattr(pybit.unified_trading, "PRIVATE_WSS", venue.socket("private"))
    monkeypatch.setattr(pybit._websocket_trading, "TRADE_WSS", venue.socket("trade"))


def connect(venue, account: int, **options) -> HTTP:
    key, secret = venue.keys[account]
    session = HTTP(api_key=key, api_secret=secret, **options)
    session.endpoint = venue.rest
    return session


@pytest.fixture
def trader(venue):
    session = connect(venue, 0)
    yield session
    session.cancel_all_orders(**LINEAR)
    flatten(session)


def flatten(session: HTTP) -> None:
    size = eventually(lambda: position(session), lambda row: row is not None)
    lots = Decimal(size["size"])
    if lots:
        side = "Sell" if size["side"] == "Buy" else "Buy"
        session.place_order(**LINEAR, side=side, orderType="Market", qty=str(lots), reduceOnly=True)
        eventually(lambda: position(session), lambda row: Decimal(row["size"]) == 0)


def eventually(ask, holds):
    deadline = monotonic_ns() + PATIENCE_S * 1e9
    while True:
        answer = ask()
        if holds(answer):
            return answer
        assert monotonic_ns() < deadline, answer
        time.sleep(0.05)


def position(session: HTTP) -> dict[str, Any]:
    return session.get_positions(**LINEAR)["result"]["list"][0]


def best(session: HTTP) -> tuple[Decimal, Decimal]:
    book = session.get_orderbook(**LINEAR, limit=1)["result"]
    return Decimal(book["b"][0][0]), Decimal(book["a"][0][0])


def open_order(session: HTTP, order_id: str) -> dict[str, Any] | None:
    rows = session.get_open_orders(**LINEAR, openOnly=0)["result"]["list"]
    return next((row for row in rows if row["orderId"] == order_id), None)


def order_of(session: HTTP, order_id: str) -> list[dict[str, Any]]:
    return session.get_order_history(**LINEAR, orderId=order_id)["result"]["list"]


def test_public_data_fit_together(trader):
    info = trader.get_instruments_info(**LINEAR)["result"]["list"][0]
    tick, lot = Decimal(info["priceFilter"]["tickSize"]), Decimal(info["lotSizeFilter"]["qtyStep"])
    assert (tick, lot) == (Decimal("0.1"), Decimal("0.001"))
    book = trader.get_orderbook(**LINEAR, limit=50)["result"]
    bids, asks = ([Decimal(px) for px, _ in book[side]] for side in "ba")
    assert min(len(bids), len(asks)) > 20
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    assert bids[0] < asks[0]
    assert all(px % tick == 0 for px in (*bids, *asks))
    ticker = trader.get_tickers(**LINEAR)["result"]["list"][0]
    assert Decimal(ticker["bid1Price"]) < Decimal(ticker["ask1Price"])
    server_ms = trader.get_server_time()["time"]
    assert abs(server_ms - wall_ns() / 1e6) < 60_000
    trades = eventually(
        lambda: trader.get_public_trade_history(**LINEAR, limit=10)["result"]["list"], bool
    )
    assert {row["side"] for row in trades} <= {"Buy", "Sell"}


def test_an_order_is_placed_amended_and_cancelled(trader):
    bid, _ = best(trader)
    price = bid - 100
    ids = trader.place_order(
        **LINEAR,
        side="Buy",
        orderType="Limit",
        qty="0.010",
        price=str(price),
        timeInForce="PostOnly",
        orderLinkId="mine-1",
    )["result"]
    assert ids["orderLinkId"] == "mine-1"
    order = eventually(lambda: open_order(trader, ids["orderId"]), bool)
    assert (order["orderStatus"], order["leavesQty"]) == ("New", "0.010")
    trader.amend_order(**LINEAR, orderLinkId="mine-1", qty="0.020", price=str(price - 10))
    amended = eventually(
        lambda: open_order(trader, ids["orderId"]), lambda row: row["qty"] == "0.020"
    )
    assert Decimal(amended["price"]) == price - 10
    trader.cancel_order(**LINEAR, orderId=ids["orderId"])
    done = eventually(lambda: order_of(trader, ids["orderId"]), bool)[0]
    assert (done["orderStatus"], done["cancelType"]) == ("Cancelled", "CancelByUser")
    with pytest.raises(InvalidRequestError) as error:
        trader.cancel_order(**LINEAR, orderId=ids["orderId"])
    assert error.value.status_code == 110001


def test_a_fill_moves_position_balance_and_executions_exactly(trader):
    before = wallet(trader)
    order_id = trader.place_order(**LINEAR, side="Buy", orderType="Market", qty="0.050")["result"][
        "orderId"
    ]
    done = eventually(lambda: order_of(trader, order_id), bool)[0]
    assert done["orderStatus"] == "Filled"
    fills = trader.get_executions(**LINEAR, orderId=order_id)["result"]["list"]
    assert sum(Decimal(f["execQty"]) for f in fills) == Decimal("0.050")
    assert all(not f["isMaker"] for f in fills)
    fees = sum(Decimal(f["execFee"]) for f in fills)
    value = sum(Decimal(f["execPrice"]) * Decimal(f["execQty"]) for f in fills)
    assert fees == value * Decimal("0.00055")
    assert Decimal(done["cumExecValue"]) == value
    row = position(trader)
    assert (row["side"], Decimal(row["size"])) == ("Buy", Decimal("0.050"))
    assert before - wallet(trader) == pytest.approx(fees, abs=Decimal("0.00000002"))


def wallet(session: HTTP) -> Decimal:
    account = session.get_wallet_balance(accountType="UNIFIED")["result"]["list"][0]
    return Decimal(account["coin"][0]["walletBalance"])


def test_two_accounts_trade_with_each_other(venue, trader):
    other = connect(venue, 1)
    bid, ask = best(trader)
    assert ask - bid >= Decimal("0.1")
    # a price that is better than the market's: only the other account can be there
    resting = trader.place_order(
        **LINEAR, side="Sell", orderType="Limit", qty="0.010", price=str(bid + Decimal("0.1"))
    )["result"]["orderId"]
    eventually(
        lambda: open_order(trader, resting) or order_of(trader, resting),
        bool,
    )
    other.place_order(**LINEAR, side="Buy", orderType="Market", qty="5")
    done = eventually(lambda: order_of(trader, resting), bool)[0]
    assert done["orderStatus"] == "Filled"
    flatten(other)


def test_a_post_only_order_that_would_trade_is_cancelled(trader):
    _, ask = best(trader)
    order_id = trader.place_order(
        **LINEAR,
        side="Buy",
        orderType="Limit",
        qty="0.010",
        price=str(ask + 50),
        timeInForce="PostOnly",
    )["result"]["orderId"]
    done = eventually(lambda: order_of(trader, order_id), bool)[0]
    assert done["orderStatus"] == "Cancelled"
    assert done["rejectReason"] == "EC_PostOnlyWillTakeLiquidity"


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"qty": "0.0105", "price": "40000"}, 10001),
        ({"qty": "0.010", "price": "40000.05"}, 10001),
        ({"qty": "0", "price": "40000"}, 10001),
        ({"qty": "0.010", "price": "90000"}, 110003),
        ({"qty": "100", "price": "49000"}, 110007),
        ({"qty": "0.010", "price": "400"}, 110094),
        ({"qty": "0.010", "price": "40000", "reduceOnly": True}, 110017),
    ],
)
def test_a_wrong_order_gets_the_published_code(trader, order, code):
    with pytest.raises(InvalidRequestError) as error:
        trader.place_order(**LINEAR, side="Buy", orderType="Limit", **order)
    assert error.value.status_code == code


def test_a_batch_answers_order_by_order(trader):
    bid, _ = best(trader)
    good = {"symbol": SYMBOL, "side": "Buy", "orderType": "Limit", "qty": "0.010"}
    answer = trader.place_batch_order(
        category="linear",
        request=[{**good, "price": str(bid - 50)}, {**good, "price": "nonsense"}],
    )
    assert [row["code"] for row in answer["retExtInfo"]["list"]] == [0, 10001]
    order_id = answer["result"]["list"][0]["orderId"]
    eventually(lambda: open_order(trader, order_id), bool)
    answer = trader.cancel_batch_order(
        category="linear", request=[{"symbol": SYMBOL, "orderId": order_id}]
    )
    assert answer["retExtInfo"]["list"] == [{"code": 0, "msg": "OK"}]


def test_bad_keys_signatures_and_clocks_are_told_apart(venue):
    key, secret = venue.keys[0]
    for wrong_key, wrong_secret, code in ((key, "nonsense", 10004), ("nonsense", secret, 10003)):
        session = HTTP(api_key=wrong_key, api_secret=wrong_secret, retry_codes={-1}, max_retries=1)
        session.endpoint = venue.rest
        with pytest.raises(InvalidRequestError) as error:
            session.get_wallet_balance(accountType="UNIFIED")
        assert error.value.status_code == code
    late = connect(venue, 0, recv_window=-5_000, retry_codes={-1})
    with pytest.raises(InvalidRequestError) as error:
        late.get_wallet_balance(accountType="UNIFIED")
    assert error.value.status_code == 10002


def test_headers_count_down_to_the_rate_limit(venue):
    session = connect(venue, 1, return_response_headers=True, retry_codes={-1})
    left = []
    with pytest.raises(InvalidRequestError) as error:
        for _ in range(200):
            _, _, headers = session.get_fee_rates(**LINEAR)
            assert headers["X-Bapi-Limit"] == "10"
            left.append(int(headers["X-Bapi-Limit-Status"]))
    assert error.value.status_code == 10006
    assert left[0] == 9
    assert min(left) == 0


def leave(socket) -> None:
    # its exit waits without end for a socket that is gone; a test does not
    closing = threading.Thread(target=socket.exit, daemon=True)
    closing.start()
    closing.join(timeout=PATIENCE_S)


def test_the_public_book_is_a_snapshot_and_deltas_without_gaps():
    frames: Queue[dict[str, Any]] = Queue()
    socket = WebSocket(testnet=False, channel_type="linear", **CALM)
    try:
        # pybit hands on the book that it keeps, which the next frame changes
        socket.orderbook_stream(50, SYMBOL, lambda frame: frames.put(deepcopy(frame)))
        seen = [frames.get(timeout=PATIENCE_S) for _ in range(40)]
    finally:
        leave(socket)
    assert seen[0]["type"] == "snapshot"
    updates = [frame["data"]["u"] for frame in seen]
    assert updates == list(range(updates[0], updates[0] + 40))
    sequence = [frame["data"]["seq"] for frame in seen]
    assert sequence == sorted(sequence)
    for frame in seen:
        bids = [Decimal(px) for px, _ in frame["data"]["b"]]
        asks = [Decimal(px) for px, _ in frame["data"]["a"]]
        assert 1 <= min(len(bids), len(asks)) <= 50
        assert max(bids) < min(asks)


def test_public_trades_and_tickers_arrive():
    trades: Queue[dict[str, Any]] = Queue()
    tickers: Queue[dict[str, Any]] = Queue()
    socket = WebSocket(testnet=False, channel_type="linear", **CALM)
    try:
        socket.trade_stream(SYMBOL, trades.put)
        socket.ticker_stream(SYMBOL, tickers.put)
        trade = trades.get(timeout=PATIENCE_S)["data"][0]
        ticker = tickers.get(timeout=PATIENCE_S)["data"]
    finally:
        leave(socket)
    assert trade["s"] == ticker["symbol"] == SYMBOL
    assert trade["S"] in ("Buy", "Sell")
    assert Decimal(ticker["ask1Price"]) > Decimal(ticker["bid1Price"])


def test_private_streams_tell_what_became_of_an_order(venue, trader):
    key, secret = venue.keys[0]
    told: Queue[tuple[str, dict[str, Any]]] = Queue()

    def tell(topic, rows):
        for row in rows:
            told.put((topic, row))

    socket = WebSocket(
        testnet=False, channel_type="private", api_key=key, api_secret=secret, **CALM
    )
    try:
        for topic in ("order", "execution", "position", "wallet"):
            stream = getattr(socket, f"{topic}_stream")
            stream(lambda frame, topic=topic: tell(topic, frame["data"]))
        time.sleep(0.5)
        order_id = trader.place_order(**LINEAR, side="Sell", orderType="Market", qty="0.010")[
            "result"
        ]["orderId"]
        rows: list[tuple[str, dict[str, Any]]] = []
        while not any(topic == "wallet" for topic, _ in rows):
            rows.append(told.get(timeout=PATIENCE_S))
    finally:
        leave(socket)
    states = [row["orderStatus"] for topic, row in rows if topic == "order"]
    assert states == ["New", "Filled"]
    fill = next(row for topic, row in rows if topic == "execution")
    assert (fill["orderId"], fill["execQty"], fill["isMaker"]) == (order_id, "0.010", False)
    held = next(row for topic, row in rows if topic == "position")
    assert (held["side"], held["size"]) == ("Sell", "0.01")


def test_the_trade_socket_places_amends_and_cancels(venue, trader):
    key, secret = venue.keys[0]
    answers: Queue[dict[str, Any]] = Queue()
    bid, _ = best(trader)
    socket = WebSocketTrading(testnet=False, api_key=key, api_secret=secret, **CALM)
    try:
        order = {"side": "Buy", "orderType": "Limit", "qty": "0.010", "price": str(bid - 50)}
        socket.place_order(answers.put, **LINEAR, **order)
        placed = answers.get(timeout=PATIENCE_S)
        assert placed["retMsg"] == "OK"
        assert placed["header"]["X-Bapi-Limit"] == "10"
        order_id = placed["data"]["orderId"]
        eventually(lambda: open_order(trader, order_id), bool)
        socket.amend_order(answers.put, **LINEAR, orderId=order_id, qty="0.030")
        assert answers.get(timeout=PATIENCE_S)["data"]["orderId"] == order_id
        eventually(lambda: open_order(trader, order_id), lambda row: row["qty"] == "0.030")
        socket.cancel_order(answers.put, **LINEAR, orderId=order_id)
        assert answers.get(timeout=PATIENCE_S)["data"]["orderId"] == order_id
        eventually(lambda: order_of(trader, order_id), bool)
        refused: Queue[dict[str, Any]] = Queue()
        socket.cancel_order(answers.put, refused.put, **LINEAR, orderId=order_id)
        assert refused.get(timeout=PATIENCE_S)["retCode"] == 110001
    finally:
        leave(socket)
    with pytest.raises(Empty):
        answers.get_nowait()
