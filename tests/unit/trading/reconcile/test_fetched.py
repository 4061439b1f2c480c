from decimal import Decimal
from typing import Any

import pytest

from mmbot.trading.reconcile import Fetched, OwnScope, venue_view
from mmbot.venues.records import (
    ExecutionRecord,
    InstrumentRules,
    OrderRecord,
    OrderStatus,
    PositionRecord,
    Side,
)

SCOPE = OwnScope("mmbot1", frozenset({"ABC"}))
RULES = {
    "ABC": InstrumentRules(
        symbol="ABC",
        tick_size="0.5",
        lot_size="0.01",
        min_qty="0.01",
        min_notional="5",
        batch_max=10,
    )
}


def record(**changes) -> OrderRecord:
    options: dict[str, Any] = {
        "order_id": "V1",
        "cid": "mmbot1abc-1",
        "symbol": "ABC",
        "side": Side.SELL,
        "price": "100.5",
        "qty": "0.10",
        "filled_qty": "0.04",
        "status": OrderStatus.OPEN,
        "updated_ns": 1,
    }
    return OrderRecord(**(options | changes))


def deal(**changes) -> ExecutionRecord:
    options: dict[str, Any] = {
        "exec_id": "E1",
        "order_id": "V1",
        "cid": "mmbot1abc-1",
        "symbol": "ABC",
        "side": Side.SELL,
        "price": "100.123",
        "qty": "0.04",
        "fee": "-0.001",
        "fee_asset": "USDT",
        "is_maker": True,
        "ts_ns": 7,
        "seq": 2,
    }
    return ExecutionRecord(**(options | changes))


def read(**changes):
    options: dict[str, Any] = {"open_orders": (), "history": (), "executions": (), "positions": ()}
    fetched = Fetched(started_ns=5, **(options | changes))
    return venue_view(fetched, scope=SCOPE, instruments=RULES)


def test_texts_become_ticks_and_lots():
    position = PositionRecord(symbol="ABC", qty="-0.07", avg_price="100", updated_ns=1)
    answers = read(open_orders=[record()], executions=[deal()], positions=[position])
    view = answers.view
    assert view.open_orders is not None
    assert view.executions is not None
    found = view.open_orders[0]
    assert (found.price_ticks, found.qty_lots, found.filled_lots) == (201, 10, 4)
    assert (view.executions[0].qty_lots, view.executions[0].price) == (4, Decimal("100.123"))
    assert view.positions == {"ABC": -7}
    assert view.is_complete
    assert answers.errors == ()


@pytest.mark.spec("02-5.1", "02-13/5")
@pytest.mark.parametrize(
    "stranger",
    [
        record(cid="web-1"),
        record(cid=""),
        record(cid="mmbot2abc-1"),
        record(symbol="XYZ"),
    ],
    ids=["other id", "no id", "other bot", "symbol not traded"],
)
def test_own_orders_have_our_prefix_on_a_traded_symbol(stranger):
    view = read(open_orders=[record(), stranger], history=[stranger]).view
    assert view.open_orders is not None
    assert [order.cid for order in view.open_orders] == ["mmbot1abc-1"]
    assert [order.cid for order in view.foreign_orders] == [stranger.cid]
    assert view.history == ()


@pytest.mark.spec("02-13")
@pytest.mark.parametrize(
    ("part", "bad"),
    [
        ("open_orders", record(price="100.3")),
        ("history", record(qty="0.105")),
        ("executions", deal(qty="x")),
        ("executions", deal(price="NaN")),
        ("executions", deal(fee="")),
        ("positions", PositionRecord(symbol="ABC", qty="0.001", avg_price="1", updated_ns=1)),
    ],
)
def test_half_an_answer_is_no_answer(part, bad):
    answers = read(**{part: [bad]})
    assert getattr(answers.view, part) is None
    assert [error.code for error in answers.errors] == ["E_VENUE_GRID"]
    others = {"open_orders", "history", "executions", "positions"} - {part}
    assert all(getattr(answers.view, other) is not None for other in others)


def test_a_failed_call_stays_a_failed_call():
    view = read(open_orders=None, positions=None).view
    assert view.open_orders is None
    assert view.positions is None
    assert view.history == ()
    assert not view.is_complete
