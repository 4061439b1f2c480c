"""Frames and answers of the venue become records, value by value."""

from __future__ import annotations

import json
from collections.abc import Mapping

import msgspec
import pyarrow as pa
import pytest

from mmbot.units import NS_PER_MS
from mmbot.venues.bybit.answers import read_answer
from mmbot.venues.bybit.endpoints import Category
from mmbot.venues.bybit.private_stream import (
    PRIVATE_TOPICS,
    UnreadableFrameError,
    private_events,
)
from mmbot.venues.bybit.rows import (
    ExecutionRow,
    FeeRow,
    InstrumentRow,
    OrderRow,
    PositionRow,
    WalletRow,
)
from mmbot.venues.records import (
    BalanceRecord,
    ExecutionRecord,
    FeeRates,
    InstrumentRules,
    OrderRecord,
    OrderStatus,
    PositionRecord,
    Side,
)

ORDER = {
    "category": "linear",
    "symbol": "BTCUSDT",
    "orderId": "o-1",
    "orderLinkId": "mm00000000000-1",
    "side": "Sell",
    "price": "50000.5",
    "qty": "0.010",
    "cumExecQty": "0.004",
    "orderStatus": "PartiallyFilled",
    "updatedTime": "1700000000123",
}
EXECUTION = {
    "category": "linear",
    "symbol": "BTCUSDT",
    "execId": "e-1",
    "orderId": "o-1",
    "orderLinkId": "mm00000000000-1",
    "side": "Buy",
    "execPrice": "50000.5",
    "execQty": "0.004",
    "execFee": "-0.02",
    "feeCurrency": "",
    "isMaker": True,
    "execType": "Trade",
    "execTime": "1700000000123",
    "seq": 42,
}
POSITION = {
    "category": "linear",
    "symbol": "BTCUSDT",
    "side": "Sell",
    "size": "0.5",
    "entryPrice": "50000",
    "positionIdx": 0,
    "updatedTime": "1700000000123",
}


def told(topic: str, *rows: Mapping[str, object], category: Category = "linear"):
    return private_events(topic, json.dumps(rows).encode(), category)


def test_an_order_is_read():
    assert told("order", ORDER) == [
        OrderRecord(
            order_id="o-1",
            cid="mm00000000000-1",
            symbol="BTCUSDT",
            side=Side.SELL,
            price="50000.5",
            qty="0.010",
            filled_qty="0.004",
            status=OrderStatus.OPEN,
            updated_ns=1_700_000_000_123 * NS_PER_MS,
        )
    ]


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("New", OrderStatus.OPEN),
        ("PartiallyFilled", OrderStatus.OPEN),
        ("Untriggered", OrderStatus.OPEN),
        ("Triggered", OrderStatus.OPEN),
        ("Filled", OrderStatus.FILLED),
        ("Cancelled", OrderStatus.CANCELLED),
        ("PartiallyFilledCanceled", OrderStatus.CANCELLED),
        ("Deactivated", OrderStatus.CANCELLED),
        ("Rejected", OrderStatus.REJECTED),
    ],
)
def test_every_status_of_the_venue_has_ours(text, status):
    (record,) = told("order", {**ORDER, "orderStatus": text})
    assert isinstance(record, OrderRecord)
    assert record.status is status


def test_an_execution_is_read_and_a_rebate_is_negative():
    assert told("execution", EXECUTION) == [
        ExecutionRecord(
            exec_id="e-1",
            order_id="o-1",
            cid="mm00000000000-1",
            symbol="BTCUSDT",
            side=Side.BUY,
            price="50000.5",
            qty="0.004",
            fee="-0.02",
            fee_asset="USDT",
            is_maker=True,
            ts_ns=1_700_000_000_123 * NS_PER_MS,
            seq=42,
        )
    ]


@pytest.mark.parametrize("kind", ["Trade", "AdlTrade", "BustTrade", "BlockTrade", "Delivery"])
def test_executions_that_move_a_position_are_all_told(kind):
    assert len(told("execution", {**EXECUTION, "execType": kind})) == 1


def test_funding_moves_no_position_and_is_no_execution():
    assert told("execution", {**EXECUTION, "execType": "Funding"}) == []


def test_positions_are_signed_and_flat_ones_are_told_on_the_stream():
    flat = {**POSITION, "side": "", "size": "0", "entryPrice": "0"}
    assert told("position", POSITION, flat) == [
        PositionRecord(symbol="BTCUSDT", qty=qty, avg_price=price, updated_ns=ns)
        for qty, price, ns in (
            ("-0.5", "50000", 1_700_000_000_123 * NS_PER_MS),
            ("0", "0", 1_700_000_000_123 * NS_PER_MS),
        )
    ]


def test_an_account_in_hedge_mode_cannot_be_read():
    with pytest.raises(UnreadableFrameError, match="hedge"):
        told("position", {**POSITION, "positionIdx": 1})


def test_rows_of_other_categories_are_left_out():
    spot = {"category": "spot"}
    assert told("order", {**ORDER, **spot}) == []
    assert told("execution", {**EXECUTION, **spot}) == []
    assert told("position", {**POSITION, **spot}) == []
    assert len(told("order", {**ORDER, **spot}, category="spot")) == 1


def test_balances_are_read_and_what_is_available_is_computed_if_it_is_not_said():
    coins = [
        {"coin": "USDT", "walletBalance": "100", "availableToWithdraw": "60.5"},
        {"coin": "BTC", "walletBalance": "1", "totalOrderIM": "0.2", "totalPositionIM": "0.3"},
        {"coin": "ETH", "walletBalance": "", "locked": "1"},
    ]
    assert told("wallet", {"coin": coins, "totalEquity": "150.5"}) == [
        BalanceRecord(asset="USDT", total="100", available="60.5"),
        BalanceRecord(asset="BTC", total="1", available="0.5"),
        BalanceRecord(asset="ETH", total="0", available="0"),
    ]


def test_a_contract_and_a_spot_pair_have_rules():
    contract = {
        "symbol": "BTCUSDT",
        "status": "Trading",
        "priceFilter": {"tickSize": "0.10"},
        "lotSizeFilter": {"minOrderQty": "0.001", "qtyStep": "0.001", "minNotionalValue": "5"},
    }
    spot = {
        "symbol": "BTCUSDT",
        "status": "PreLaunch",
        "priceFilter": {"tickSize": "0.01"},
        "lotSizeFilter": {
            "minOrderQty": "0.00001",
            "basePrecision": "0.000001",
            "minOrderAmt": "1",
        },
    }
    first = msgspec.convert(contract, InstrumentRow)
    assert first.is_trading
    assert first.record() == InstrumentRules(
        symbol="BTCUSDT",
        tick_size="0.10",
        lot_size="0.001",
        min_qty="0.001",
        min_notional="5",
        batch_max=20,
    )
    second = msgspec.convert(spot, InstrumentRow)
    assert not second.is_trading
    assert (second.record().lot_size, second.record().min_notional) == ("0.000001", "1")
    assert second.record().batch_max == 10


def test_fees_are_read():
    row = {"symbol": "BTCUSDT", "takerFeeRate": "0.00055", "makerFeeRate": "-0.0001"}
    assert msgspec.convert(row, FeeRow).record() == FeeRates(
        symbol="BTCUSDT", maker="-0.0001", taker="0.00055"
    )


@pytest.mark.parametrize(
    ("topic", "row"),
    [
        ("order", {**ORDER, "side": "Long"}),
        ("order", {**ORDER, "orderStatus": "Vanished"}),
        ("order", {**ORDER, "qty": "1e3"}),
        ("order", {**ORDER, "qty": "nan"}),
        ("order", {**ORDER, "qty": 1}),
        ("order", {**ORDER, "updatedTime": "-1"}),
        ("order", {k: v for k, v in ORDER.items() if k != "orderId"}),
        ("execution", {**EXECUTION, "execPrice": ""}),
        ("execution", {**EXECUTION, "seq": "42"}),
        ("execution", {**EXECUTION, "isMaker": "true"}),
        ("position", {**POSITION, "size": None}),
        ("wallet", {"coin": {}}),
        ("wallet", {"coin": [{"coin": "BTC", "walletBalance": "x"}]}),
    ],
)
def test_a_row_that_says_something_else_is_an_error_that_names_the_place(topic, row):
    with pytest.raises(UnreadableFrameError, match=topic):
        told(topic, row)


def sample(real_data, name: str):
    path = real_data / "bybit" / "protocol_samples" / f"{name}.json"
    return json.loads(path.read_text())


STREAM_SAMPLES = [
    ("ws_account_order", 1),
    ("ws_account_order_filled", 1),
    ("ws_account_order_partially_filled_rejected", 1),
    ("ws_account_order_stop_loss", 1),
    ("ws_account_execution", 1),
    ("ws_account_execution_adl", 1),
    ("ws_account_position", 1),
    ("ws_account_position_short", 1),
    ("ws_account_wallet", 2),
    ("ws_account_wallet_small_order", 1),
]


@pytest.mark.real_data
@pytest.mark.parametrize(("name", "count_min"), STREAM_SAMPLES)
def test_sample_frames_of_the_private_streams_are_read(real_data, name, count_min):
    frame = sample(real_data, name)
    assert frame["topic"] in PRIVATE_TOPICS
    rows = frame["data"]
    category: Category = "spot" if rows[0].get("category") == "spot" else "linear"
    events = private_events(frame["topic"], json.dumps(rows).encode(), category)
    assert len(events) >= count_min


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("http_get_orders_realtime", OrderRow),
        ("http_get_orders_history", OrderRow),
        ("http_get_order_partially_filled_rejected", OrderRow),
        ("http_get_executions", ExecutionRow),
        ("http_get_positions", PositionRow),
        ("http_get_wallet_balance", WalletRow),
        ("http_get_wallet_balance_with_spot_borrow", WalletRow),
        ("http_get_fee_rate", FeeRow),
        ("http_get_instruments_linear", InstrumentRow),
        ("http_get_instruments_spot", InstrumentRow),
    ],
)
def test_sample_answers_are_read(real_data, name, shape):
    rows = sample(real_data, name)["result"]["list"]
    assert rows
    for row in rows:
        read = msgspec.convert(row, shape)
        record = read.equity() if isinstance(read, WalletRow) else read.record()
        assert record is not None


@pytest.mark.real_data
def test_every_instrument_of_a_recorded_answer_has_rules(real_data):
    name = "bybit_v5_20260809_linear-BTCUSDT-SOLUSDT_spot-BTCUSDT.jsonl.zst"
    with pa.input_stream(str(real_data / "bybit" / name), compression="zstd") as stream:
        calls = [json.loads(line) for line in stream.read().splitlines()[:10]]
    found = 0
    for call in calls:
        if call["t"] != "http":
            continue
        answer = read_answer(call["data"].encode())
        assert answer is not None
        for row in json.loads(bytes(answer.result))["list"]:
            rules = msgspec.convert(row, InstrumentRow).record()
            assert rules.ticks(rules.price_text(7)) == 7
            assert rules.lots(rules.qty_text(7)) == 7
            assert float(rules.min_qty) > 0
            found += 1
    assert found > 1_000
