"""No state without a deadline and a question; "not found" is believed late, not after a fill."""

import itertools
from typing import Any

import pytest
from tests.unit.trading.live.made_orders import (
    RULES,
    SYMBOL,
    Asked,
    execution,
    ledger_with,
    tell,
)

from mmbot.trading.live.deadlines import ANSWER_NS, LOST_AFTER_NS, Deadlines
from mmbot.trading.live.orders import OrderLedger, Terms, TrackedOrder
from mmbot.trading.live.reports import ReportSource
from mmbot.trading.reconcile import OrderState
from mmbot.venues.records import Side

SEC = 1_000_000_000


def order_in(state: OrderState, **changes) -> TrackedOrder:
    fields: dict[str, Any] = {
        "symbol": SYMBOL,
        "cid": 1,
        "client_id": "mm-1",
        "side": Side.BUY,
        "terms": Terms(500_000, 10),
        "state": state,
        "changed_ns": 0,
        "asked_ns": 0,
    }
    return TrackedOrder(**(fields | changes))


SETTLED = {OrderState.LIVE, OrderState.FILLED, OrderState.CANCELLED, OrderState.REJECTED}


@pytest.mark.spec("02-12/2")
@pytest.mark.parametrize("state", OrderState)
def test_every_state_in_flight_has_a_deadline_and_a_question(state):
    order, deadlines = order_in(state), Deadlines()
    due_ns = deadlines.next_due_ns([order])
    assert (due_ns is None) == (state in SETTLED)
    assert deadlines.due([order], ANSWER_NS - 1) == []
    questions = deadlines.due([order], ANSWER_NS)
    assert [one.client_id for one in questions] == ([] if state in SETTLED else ["mm-1"])


@pytest.mark.parametrize("state", sorted(SETTLED))
def test_an_order_whose_executions_are_missing_is_asked_for_whatever_its_state(state):
    order = order_in(state, wants_fills=4)
    assert Deadlines().next_due_ns([order]) == ANSWER_NS
    assert Deadlines().next_due_ns([order_in(state, wants_fills=4, filled_lots=4)]) is None


def test_it_is_asked_for_again_and_again_until_it_is_settled():
    order, deadlines = order_in(OrderState.UNKNOWN), Deadlines()
    asked = [now for now in range(0, 10 * SEC, SEC // 10) if deadlines.due([order], now)]
    assert len(asked) > 10
    assert all(later - one <= SEC for one, later in itertools.pairwise(asked))
    order.state = OrderState.LIVE
    assert deadlines.due([order], 20 * SEC) == []


def test_fills_do_not_put_off_the_deadline_of_a_request():
    order, deadlines = order_in(OrderState.PENDING_CANCEL), Deadlines()
    asked = []
    for now in range(0, 4 * SEC, SEC // 10):
        # A lot is filled every fifth of a second.
        order.changed_ns = now // (SEC // 5) * (SEC // 5)
        asked += [now] if deadlines.due([order], now) else []
    assert asked[0] == ANSWER_NS
    assert all(later - one < SEC for one, later in itertools.pairwise(asked))
    order.asked_ns = order.changed_ns = asked[-1] + 1
    assert deadlines.due([order], asked[-1] + ANSWER_NS) == []


def misses(deadlines, order, *times):
    verdicts = []
    for now in times:
        (question,) = deadlines.due([order], now)
        verdicts.append(deadlines.is_lost(order, question))
    return verdicts


@pytest.mark.spec("02-13/3")
def test_it_is_lost_after_two_late_questions_and_not_before():
    order, deadlines = order_in(OrderState.UNKNOWN), Deadlines()
    early = (ANSWER_NS, LOST_AFTER_NS - 1)
    assert misses(deadlines, order, *early, LOST_AFTER_NS + SEC) == [False, False, True]
    order, deadlines = order_in(OrderState.UNKNOWN), Deadlines()
    assert misses(deadlines, order, LOST_AFTER_NS, LOST_AFTER_NS + SEC) == [False, True]


def test_not_found_right_after_a_fill_is_not_lost():
    ledger = ledger_with(Asked(kind="place"))
    reports = ReportSource(ledger, {SYMBOL: RULES}, {})
    (order,) = ledger
    deadlines = Deadlines()
    assert misses(deadlines, order, ANSWER_NS, LOST_AFTER_NS - 1) == [False, False]
    ledger.doubt(order, 2 * SEC)
    tell(ledger, reports.on_execution(execution()), now_ns=2_900_000_000)
    order.state = OrderState.UNKNOWN
    late = 2_900_000_000 + ANSWER_NS
    assert misses(deadlines, order, late, late + SEC) == [False, False]
    assert misses(deadlines, order, late + LOST_AFTER_NS) == [True]


def test_an_answer_to_a_question_from_before_the_last_event_proves_nothing():
    order, deadlines = order_in(OrderState.UNKNOWN), Deadlines()
    misses(deadlines, order, LOST_AFTER_NS)
    (question,) = deadlines.due([order], LOST_AFTER_NS + SEC)
    order.changed_ns = question.asked_ns + 1
    assert deadlines.is_lost(order, question) is False


def test_nothing_in_flight_has_no_deadline():
    assert Deadlines().next_due_ns(OrderLedger()) is None
