import pytest
from tests.unit.venues.ccxt.test_markets import find, market

from mmbot.venues.ccxt.parse import (
    balance_records,
    execution_record,
    fee_rates,
    order_record,
    position_record,
)
from mmbot.venues.records import OrderStatus, Side

BTC = find("BTCUSDT", market())
ORDER = {
    "id": "v1",
    "clientOrderId": "mm-1",
    "symbol": "BTC/USDT:USDT",
    "side": "sell",
    "price": 50000.1,
    "amount": 0.03,
    "filled": 0.01,
    "status": "open",
    "timestamp": 1000,
    "lastUpdateTimestamp": 2000,
}


@pytest.mark.parametrize(
    ("status", "filled", "expected"),
    [
        ("open", 0.0, OrderStatus.OPEN),
        ("open", 0.01, OrderStatus.OPEN),
        ("closed", 0.03, OrderStatus.FILLED),
        ("closed", 0.01, OrderStatus.CANCELLED),
        ("canceled", 0.01, OrderStatus.CANCELLED),
        ("canceled", 0.0, OrderStatus.CANCELLED),
        ("canceling", 0.0, OrderStatus.OPEN),
        ("expired", 0.0, OrderStatus.EXPIRED),
        ("rejected", 0.0, OrderStatus.REJECTED),
        (None, 0.0, OrderStatus.OPEN),
        (None, 0.03, OrderStatus.FILLED),
    ],
)
def test_every_status_with_its_quantities(status, filled, expected):
    assert order_record({**ORDER, "status": status, "filled": filled}, BTC).status is expected


def test_an_orders_fields_are_texts_and_nanoseconds():
    record = order_record(ORDER, BTC)
    assert (record.order_id, record.cid, record.symbol) == ("v1", "mm-1", "BTCUSDT")
    assert (record.side, record.price, record.qty) == (Side.SELL, "50000.1", "0.03")
    assert (record.filled_qty, record.updated_ns) == ("0.01", 2_000_000_000)
    bare = order_record({"id": "v2", "side": "buy", "timestamp": 5}, BTC)
    assert (bare.cid, bare.price, bare.qty, bare.updated_ns) == ("", "0", "0", 5_000_000)


def test_an_execution_knows_its_order_from_the_venue_or_from_us():
    trade = {
        "id": "e1",
        "order": "v1",
        "side": "buy",
        "price": 50000.0,
        "amount": 0.01,
        "fee": {"cost": -0.05, "currency": "USDT"},
        "takerOrMaker": "maker",
        "timestamp": 7,
        "info": {"orderLinkId": "mm-1", "seq": "42"},
    }
    record = execution_record(trade, BTC, cid="other")
    assert (record.cid, record.fee, record.fee_asset) == ("mm-1", "-0.05", "USDT")
    assert (record.is_maker, record.seq, record.ts_ns) == (True, 42, 7_000_000)
    bare = {**trade, "info": {}, "fee": None, "takerOrMaker": None}
    record = execution_record(bare, BTC, cid="mm-9")
    assert (record.cid, record.fee, record.is_maker, record.seq) == ("mm-9", "0", None, 0)


@pytest.mark.parametrize(
    ("side", "contracts", "qty"),
    [("long", 0.5, "0.5"), ("short", 0.5, "-0.5"), (None, 0.0, "0"), ("short", None, "0")],
)
def test_positions_are_signed(side, contracts, qty):
    row = {"side": side, "contracts": contracts, "entryPrice": 49000.0, "timestamp": 1}
    record = position_record(row, BTC)
    assert (record.qty, record.avg_price) == (qty, "49000")


def test_balances_leave_out_what_is_zero_and_fees_are_texts():
    answer = {"total": {"USDT": 10.5, "BTC": 0.0, "ETH": 1.0}, "free": {"USDT": 4.0, "ETH": None}}
    rows = [(row.asset, row.total, row.available) for row in balance_records(answer)]
    assert rows == [("ETH", "1", "1"), ("USDT", "10.5", "4")]
    assert fee_rates({"maker": -0.0001, "taker": 0.0006}, "X").maker == "-0.0001"
