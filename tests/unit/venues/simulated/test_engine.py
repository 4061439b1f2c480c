"""What becomes of accepted orders: states, streams, positions, conservation."""

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.venues.simulated.rig import BUY, LINEAR, SELL, SYMBOL, Rig

from mmbot.venues.simulated.codes import Refusal
from mmbot.venues.simulated.engine import CLOSED_GAP_MS
from mmbot.venues.simulated.entry import amend_order, cancel_order
from mmbot.venues.simulated.queries import PRIVATE_QUERIES


def states(rig: Rig, uid: int = 1) -> list[tuple[str, str]]:
    return [(row["orderStatus"], row["rejectReason"]) for row in rig.told("order", uid)]


def test_an_answer_means_accepted_and_no_more():
    rig = Rig()
    order_id = rig.place(timeInForce="PostOnly", price="50020")
    assert not rig.order(order_id).is_live
    assert rig.told("order") == []
    rig.step()
    assert states(rig) == [("Cancelled", "EC_PostOnlyWillTakeLiquidity")]
    assert rig.position() == 0


def test_requests_take_as_long_as_the_calibration_says_and_keep_their_order():
    rig = Rig(sim={"latency_ms_mean": 20.0, "cancel_latency_ms": 5.0})
    order_id = rig.place()
    cancel_order(rig.exchange, 1, {**LINEAR, "orderId": order_id})
    rig.step(19)
    assert rig.told("order") == []
    rig.step(1)
    # the cancel is quicker but was sent later: it does not arrive before the order
    assert states(rig) == [("New", "EC_NoError"), ("Cancelled", "EC_NoError")]
    assert rig.order(order_id).cancel_type == "CancelByUser"


def test_a_maker_is_filled_by_prints_behind_the_queue():
    rig = Rig()
    order_id = rig.place()
    rig.step()
    rig.say(("trade", SELL, 499_900, 4))
    rig.step()
    assert rig.order(order_id).status == "PartiallyFilled"
    rig.say(("trade", SELL, 499_900, 50))
    rig.step()
    fills = [(f["execQty"], f["execPrice"], f["isMaker"]) for f in rig.told("execution")]
    assert fills == [("0.004", "49990.0", True), ("0.006", "49990.0", True)]
    account = rig.accounts[0]
    assert account.wallet == 100_000 - Decimal("499.9") * account.maker_rate
    assert rig.position() == 10


def test_a_market_order_sweeps_and_reports_each_price():
    rig = Rig()
    order_id = rig.place(orderType="Market", price=None, qty="1.5")
    rig.step()
    updates = rig.exchange.drain_private()
    assert [u.topic for u in updates if u.topic != "wallet"] == [
        *("order", "execution", "order", "position"),
        *("execution", "order", "position"),
    ]
    order = rig.order(order_id)
    assert (order.status, order.filled_value) == ("Filled", Decimal("75001.5") + Decimal("0.5"))


@pytest.mark.parametrize("time_in_force", ["IOC", "FOK"])
def test_what_does_not_trade_at_once_is_cancelled(time_in_force):
    rig = Rig()
    order_id = rig.place(timeInForce=time_in_force, price="50001", qty="1.5")
    rig.step()
    order = rig.order(order_id)
    filled = 1_000 if time_in_force == "IOC" else 0
    assert (order.status, order.filled_lots) == ("Cancelled", filled)
    assert order.reject_reason == "EC_NoImmediateQtyToFill"


def test_a_just_closed_order_is_found_nowhere_for_a_moment():
    rig = Rig()
    order_id = rig.place(orderType="Market", price=None)
    rig.step()
    asked = {**LINEAR, "orderId": order_id}
    both = ("/v5/order/realtime", "/v5/order/history")

    def found() -> list[int]:
        answers = [PRIVATE_QUERIES[path](rig.exchange, 1, asked) for path in both]
        return [len(answer["list"]) for answer in answers]

    assert found() == [0, 0]
    rig.step(CLOSED_GAP_MS - 1)
    assert found() == [0, 0]
    rig.step(1)
    assert found() == [1, 1]


def test_an_amend_changes_what_rests_and_a_crossing_post_only_is_cancelled():
    rig = Rig()
    order_id = rig.place(timeInForce="PostOnly")
    rig.step()
    amend_order(rig.exchange, 1, {**LINEAR, "orderId": order_id, "qty": "0.02", "price": "49995"})
    rig.step()
    order = rig.order(order_id)
    assert (order.lots, order.ticks) == (20, 499_950)
    assert rig.market.book.levels(1)[0] == [(499_990, 1_000)]
    amend_order(rig.exchange, 1, {**LINEAR, "orderId": order_id, "price": "50005"})
    rig.step()
    assert (order.status, order.reject_reason) == ("Cancelled", "EC_PostOnlyWillTakeLiquidity")


def test_an_amend_that_crosses_trades():
    rig = Rig()
    order_id = rig.place()
    rig.step()
    amend_order(rig.exchange, 1, {**LINEAR, "orderId": order_id, "price": "50001"})
    rig.step()
    assert rig.order(order_id).status == "Filled"
    assert rig.position() == 10


def test_a_cancel_that_comes_too_late_changes_nothing():
    rig = Rig(sim={"cancel_latency_ms": 10.0})
    order_id = rig.place()
    rig.step()
    cancel_order(rig.exchange, 1, {**LINEAR, "orderId": order_id})
    rig.say(("trade", SELL, 499_900, 50))
    rig.step()
    rig.step(20)
    assert [state for state, _ in states(rig)] == ["New", "Filled"]


def test_reduce_only_orders_shrink_with_the_position():
    rig = Rig()
    rig.place(orderType="Market", price=None, qty="0.020")
    rig.step()
    first = rig.place(side="Sell", price="50100", qty="0.015", reduceOnly=True)
    second = rig.place(side="Sell", price="50200", qty="0.015", reduceOnly=True)
    assert rig.order(second).lots == 5
    with pytest.raises(Refusal):
        rig.place(side="Sell", price="50300", reduceOnly=True)
    rig.step()
    rig.place(side="Sell", orderType="Market", price=None, qty="0.010")
    rig.step()
    assert (rig.order(first).lots, rig.order(second).status) == (10, "Cancelled")
    assert rig.order(second).cancel_type == "CancelByReduceOnly"
    rig.place(side="Sell", orderType="Market", price=None, qty="0.010")
    rig.step()
    assert rig.order(first).status == "Cancelled"
    assert rig.position() == 0


def test_two_accounts_trade_with_each_other_and_the_tape_tells():
    rig = Rig()
    rig.place(uid=1, side="Sell", price="50000")
    rig.step()
    rig.place(uid=2, price="50000")
    rig.step()
    assert (rig.position(1), rig.position(2)) == (-10, 10)
    assert rig.market.book.position == 0
    trade = rig.market.trades[-1]
    assert (trade.is_buy, trade.ticks, trade.lots) == (True, 500_000, 10)


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("order"),
            st.integers(1, 2),
            st.sampled_from(["Buy", "Sell"]),
            st.integers(499_970, 500_040),
            st.integers(1, 2_500),
            st.sampled_from(["GTC", "PostOnly", "IOC", "FOK"]),
            st.booleans(),
        ),
        st.tuples(
            st.just("print"),
            st.sampled_from([BUY, SELL]),
            st.integers(499_970, 500_040),
            st.integers(1, 3_000),
        ),
        st.tuples(st.just("depth"), st.sampled_from([BUY, SELL]), st.integers(0, 3_000)),
    ),
    max_size=25,
)


@settings(max_examples=60)
@given(STEPS)
def test_lots_and_money_are_conserved_whatever_happens(steps):
    rig = Rig()
    for step in steps:
        if step[0] == "order":
            _, uid, side, ticks, lots, time_in_force, reduce_only = step
            grid = rig.market.listing
            terms = {"price": grid.price_text(ticks), "qty": grid.qty_text(lots)}
            with suppress(Refusal):
                rig.place(
                    uid, side=side, timeInForce=time_in_force, reduceOnly=reduce_only, **terms
                )
        elif step[0] == "print":
            rig.say(("trade", *step[1:]))
        else:
            rig.say(("depth", step[1], 499_990 if step[1] == BUY else 500_010, step[2]))
        rig.step()
    rig.step()
    total = sum(rig.position(uid) for uid in (1, 2))
    assert rig.market.book.position == total
    for uid in (1, 2):
        desk, account = rig.exchange.desks[uid], rig.accounts[uid - 1]
        fills = list(desk.executions)
        sign = {"Buy": 1, "Sell": -1}
        grid = rig.market.listing
        lots = sum(sign[f["side"]] * grid.lots(f["execQty"]) for f in fills)
        assert lots == rig.position(uid)
        paid = sum(sign[f["side"]] * Decimal(f["execValue"]) for f in fills)
        fees = sum(Decimal(f["execFee"]) for f in fills)
        held = account.position(SYMBOL)
        assert abs(account.wallet - (100_000 - paid - fees + held.cost)) < Decimal("1e-15")
        for order in desk.orders.values():
            of_order = [f for f in fills if f["orderId"] == order.order_id]
            assert sum(grid.lots(f["execQty"]) for f in of_order) == order.filled_lots
            assert order.filled_lots <= order.terms.lots
