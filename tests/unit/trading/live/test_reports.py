"""Private events to reports: each case that a venue is known to produce."""

from decimal import Decimal

import pytest
from tests.unit.trading.live.made_orders import (
    MS,
    RULES,
    SYMBOL,
    Asked,
    execution,
    ledger_with,
    order_record,
    tell,
)

from mmbot.errors import VenueError
from mmbot.trading.live.orders import Terms, exec_note
from mmbot.trading.live.reports import ReportSource, refusal
from mmbot.trading.reconcile import OrderState
from mmbot.venues.bybit.codes import BYBIT_CODES as CODES
from mmbot.venues.failures import Failure, FailureKind, Operation, classify
from mmbot.venues.records import OrderStatus

PLACED = Asked(kind="place")
AMENDED = Asked(kind="amend", price_ticks=500_010, qty_lots=12)
CANCELLED = Asked(kind="cancel", price_ticks=None, qty_lots=None, side=None)


def source(*asked: Asked) -> ReportSource:
    return ReportSource(ledger_with(*asked), {SYMBOL: RULES}, {SYMBOL: "USDT"})


def on_order(reports: ReportSource, is_answer: bool = False, **changes):
    record = order_record(**changes)
    return tell(reports.ledger, reports.on_order(record, is_answer=is_answer))


def on_execution(reports: ReportSource, exec_id: str = "e1", **changes):
    return tell(reports.ledger, reports.on_execution(execution(exec_id, **changes)))


def kinds(told):
    return [report.kind for report in told]


def state(reports: ReportSource) -> OrderState:
    order = reports.ledger.find("mm-1")
    assert order is not None
    return order.state


def test_an_open_order_is_accepted_once():
    reports = source(PLACED)
    assert kinds(on_order(reports)) == ["accepted"]
    assert kinds(on_order(reports)) == []
    assert state(reports) is OrderState.LIVE


def test_a_fill_carries_price_fee_and_the_sum_of_what_counted():
    reports = source(PLACED)
    on_order(reports)
    first = on_execution(reports, "e1", price="49999.95", fee="0.0275")
    second = on_execution(reports, "e2", qty="0.006", is_maker=False)
    # 49999.95 / 0.1 = 499999.5 ticks; 0.0275 USDT in parts of 0.1 x 0.001 / 10000.
    assert first[0].fields == {
        "exec_px": 4_999_995_000,
        "qty": 4,
        "cum_qty": 4,
        "liquidity": "maker",
        "fee": 2_750_000,
    }
    assert (second[0].fields["cum_qty"], second[0].fields["liquidity"]) == (10, "taker")
    assert state(reports) is OrderState.FILLED
    assert reports.ledger.position_lots(SYMBOL) == 10
    assert Decimal(first[0].fields["exec_px"]) / 10_000 * Decimal("0.1") == Decimal("49999.95")


@pytest.mark.spec("02-5.1")
def test_the_same_execution_counts_once():
    reports = source(PLACED)
    on_execution(reports)
    assert on_execution(reports) == []
    assert reports.ledger.position_lots(SYMBOL) == 4


def test_a_fill_before_the_acknowledgement_makes_the_order_live():
    reports = source(PLACED)
    assert kinds(on_execution(reports)) == ["filled"]
    assert state(reports) is OrderState.LIVE
    assert kinds(on_order(reports, filled_qty="0.004")) == []


def test_a_fill_after_the_cancel_counts():
    reports = source(PLACED, CANCELLED)
    assert kinds(on_order(reports, status=OrderStatus.CANCELLED)) == ["cancelled"]
    assert kinds(on_execution(reports)) == ["filled"]
    assert state(reports) is OrderState.CANCELLED
    assert reports.ledger.position_lots(SYMBOL) == 4


def test_an_order_that_is_filled_there_waits_for_its_executions():
    reports = source(PLACED)
    on_order(reports)
    assert on_order(reports, status=OrderStatus.FILLED, filled_qty="0.010") == []
    order = reports.ledger.find("mm-1")
    assert order is not None
    assert not order.is_settled
    on_execution(reports, qty="0.010")
    assert order.is_settled


def test_an_older_update_tells_nothing():
    reports = source(PLACED)
    on_order(reports, updated_ns=50 * MS)
    assert on_order(reports, updated_ns=40 * MS, price="49000.0") == []
    assert on_order(reports, updated_ns=49 * MS, status=OrderStatus.CANCELLED) == []


def test_an_update_of_the_same_millisecond_changes_no_terms():
    reports = source(PLACED)
    on_order(reports, updated_ns=50 * MS)
    assert on_order(reports, updated_ns=50 * MS, price="49000.0") == []


def test_an_amend_is_confirmed_by_the_terms_that_were_asked():
    reports = source(PLACED)
    on_order(reports)
    reports.ledger.sent(AMENDED, 0)
    assert on_order(reports, updated_ns=10 * MS) == []
    assert state(reports) is OrderState.PENDING_AMEND
    told = on_order(reports, updated_ns=11 * MS, price="50001.0", qty="0.012")
    assert [(report.kind, dict(report.fields)) for report in told] == [
        ("amended", {"px": 500_010, "open_qty": 12})
    ]
    assert state(reports) is OrderState.LIVE
    order = reports.ledger.find("mm-1")
    assert order is not None
    assert order.terms == Terms(500_010, 12)


def test_an_amend_that_is_confirmed_after_a_newer_fill_came_by_is_taken():
    reports = source(PLACED)
    on_order(reports)
    reports.ledger.sent(AMENDED, 0)
    on_execution(reports, ts_ns=90 * MS)
    told = on_order(reports, updated_ns=80 * MS, price="50001.0", qty="0.012", filled_qty="0.000")
    assert [dict(report.fields) for report in told] == [{"px": 500_010, "open_qty": 8}]


def test_a_change_that_an_overdue_answer_does_not_show_did_not_take_effect():
    reports = source(PLACED)
    on_order(reports)
    reports.ledger.sent(AMENDED, 0)
    assert kinds(on_order(reports, is_answer=True, updated_ns=10 * MS)) == ["amend_rejected"]
    reports.ledger.sent(CANCELLED, 0)
    assert kinds(on_order(reports, is_answer=True, updated_ns=10 * MS)) == ["cancel_rejected"]
    assert state(reports) is OrderState.LIVE


@pytest.mark.parametrize("asked", [(PLACED,), (PLACED, CANCELLED)])
def test_an_unknown_order_that_rests_is_live_again(asked):
    reports = source(*asked)
    order = reports.ledger.find("mm-1")
    assert order is not None
    reports.ledger.doubt(order, 5)
    assert order.state is OrderState.UNKNOWN
    assert kinds(on_order(reports, is_answer=True))[0] == "accepted"
    assert state(reports) is OrderState.LIVE


def test_an_order_that_was_never_accepted_is_rejected_and_another_one_cancelled():
    reports = source(PLACED)
    assert kinds(on_order(reports, status=OrderStatus.REJECTED)) == ["rejected"]
    reports = source(PLACED)
    on_order(reports)
    assert kinds(on_order(reports, status=OrderStatus.REJECTED)) == ["cancelled"]


def test_an_order_that_is_lost_is_rejected_if_nobody_ever_saw_it_and_else_cancelled():
    reports = source(PLACED)
    order = reports.ledger.find("mm-1")
    assert order is not None
    assert kinds(tell(reports.ledger, reports.on_lost(order))) == ["rejected"]
    assert kinds(reports.on_lost(order)) == []
    reports = source(PLACED)
    on_execution(reports)
    order = reports.ledger.find("mm-1")
    assert order is not None
    assert kinds(tell(reports.ledger, reports.on_lost(order))) == ["cancelled"]
    assert reports.ledger.position_lots(SYMBOL) == 4


def test_what_belongs_to_no_order_of_the_session_is_counted_and_told_to_nobody():
    reports = source(PLACED)
    assert on_order(reports, cid="web") == []
    assert on_execution(reports, cid="web") == []
    assert reports.unmatched.orders == {"web": 1}
    assert reports.unmatched.executions == {"web": 1}
    assert reports.ledger.position_lots(SYMBOL) == 0


def test_a_fee_in_another_asset_is_no_money_and_counted():
    reports = source(PLACED)
    (told,) = on_execution(reports, fee="0.00001", fee_asset="BTC")
    assert told.fields["fee"] == 0
    assert reports.foreign_fees == 1


def test_a_price_off_the_grid_is_an_error_and_changes_nothing():
    reports = source(PLACED)
    with pytest.raises(VenueError, match="E_VENUE_GRID"):
        on_order(reports, price="50000.05")
    assert state(reports) is OrderState.PENDING_NEW


def test_the_note_of_an_execution_names_it_and_its_sum():
    (told,) = on_execution(source(PLACED))
    assert exec_note(told) == "exec id=e1 symbol=BTCUSDT cid=1 cum=4"


FAILURES = [
    # operation, facts, what the core is told
    ("place", {"kind": FailureKind.TIMEOUT}, None),
    ("place", {"kind": FailureKind.DISCONNECT}, None),
    ("place", {"kind": FailureKind.HTTP, "http_status": 503}, None),
    ("place", {"kind": FailureKind.CODE, "code": 110072}, None),
    ("place", {"kind": FailureKind.CODE, "code": 110007}, ("rejected", "filter")),
    ("place", {"kind": FailureKind.CODE, "code": 10006}, ("rejected", "rate_limit")),
    ("place", {"kind": FailureKind.HTTP, "http_status": 429}, ("rejected", "rate_limit")),
    ("place", {"kind": FailureKind.BUDGET}, ("rejected", "not_sent")),
    ("amend", {"kind": FailureKind.BUDGET}, ("amend_rejected", "not_sent")),
    ("place", {"kind": FailureKind.CONNECT}, ("rejected", "market_unavailable")),
    ("place", {"kind": FailureKind.CODE, "code": 10003}, ("rejected", "market_unavailable")),
    ("amend", {"kind": FailureKind.TIMEOUT}, None),
    ("amend", {"kind": FailureKind.CODE, "code": 110001}, ("amend_rejected", "unknown_order")),
    ("amend", {"kind": FailureKind.CODE, "code": 10006}, ("amend_rejected", "rate_limit")),
    ("cancel", {"kind": FailureKind.CODE, "code": 110001}, ("cancel_rejected", "unknown_order")),
]
_OPERATIONS = {"place": Operation.CREATE, "amend": Operation.AMEND, "cancel": Operation.CANCEL}


@pytest.mark.spec("02-12")
@pytest.mark.parametrize(("kind", "facts", "expected"), FAILURES)
def test_a_failed_request_is_refused_or_unknown_and_never_repeated(kind, facts, expected):
    is_sent = facts["kind"] not in {FailureKind.CONNECT, FailureKind.BUDGET}
    failure = Failure(operation=_OPERATIONS[kind], is_sent=is_sent, **facts)
    reports = source(PLACED)
    order = reports.ledger.find("mm-1")
    assert order is not None
    told = refusal(order, kind, classify(failure, CODES), failure, CODES)
    got = None if told is None else (told.kind, told.fields["reason"])
    assert got == expected


def test_a_refusal_that_a_fill_has_disproved_is_not_told():
    reports = source(PLACED)
    on_execution(reports)
    order = reports.ledger.find("mm-1")
    assert order is not None
    failure = Failure(operation=Operation.CREATE, is_sent=True, kind=FailureKind.CODE, code=10006)
    assert refusal(order, "place", classify(failure, CODES), failure, CODES) is None
