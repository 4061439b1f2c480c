"""Accounts against a naive model, and the identity of the ledger."""

from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbot.store.accounts import Account, Holding

D = Decimal

_prices = st.integers(1, 10**7).map(lambda ticks: D(ticks).scaleb(-2))
_quantities = st.integers(1, 10**5).map(lambda lots: D(lots).scaleb(-3))
_fees = st.integers(-(10**6), 10**6).map(lambda quanta: D(quanta).scaleb(-9))
_fills = st.lists(st.tuples(st.booleans(), _prices, _quantities, _fees), max_size=40)


def naive(fills):
    """Weighted average cost in fractions: nothing is rounded."""
    qty = avg = realized = cash = fees = Fraction(0)
    for buys, *amounts in fills:
        price, amount, fee = map(Fraction, amounts)
        sign = 1 if buys else -1
        cash += -sign * amount * price - fee
        fees += fee
        if qty * sign >= 0:
            avg = (abs(qty) * avg + amount * price) / (abs(qty) + amount)
            qty += sign * amount
            continue
        closed = min(abs(qty), amount)
        realized += closed * (price - avg) * (1 if qty > 0 else -1)
        was_long = qty > 0
        qty += sign * amount
        if qty == 0:
            avg = Fraction(0)
        elif (qty > 0) != was_long:
            avg = price
    return qty, avg, realized, cash, fees


@pytest.mark.spec("08-4.4")
@given(_fills, _prices)
def test_booking_is_weighted_average_cost_and_equity_is_cash_plus_marked_position(fills, mid):
    account = Account()
    for buys, price, qty, fee in fills:
        account.holding("X", D(1)).book(buys=buys, price=price, qty=qty, fee=fee)
    if not fills:
        return
    held = account.holdings["X"]
    qty, avg, realized, cash, fees = naive(fills)
    assert (Fraction(held.qty), Fraction(held.cash), Fraction(held.fees)) == (qty, cash, fees)
    turnover = sum((price * amount for _, price, amount, _ in fills), D(1))
    allowed = Fraction(turnover) / 10**12
    assert abs(Fraction(held.avg_price) - avg) <= allowed
    assert abs(Fraction(held.realized) - realized) <= allowed
    mark = account.mark({"X": mid})
    with localcontext(prec=76):
        assert mark.equity == mark.realized + mark.unrealized - held.fees
    assert abs(mark.equity - (mark.cash + held.qty * mid)) <= D("1e-9") * max(D(1), turnover)


@pytest.mark.spec("08-4.4")
def test_crossing_zero_starts_at_the_price_of_the_fill_and_flat_has_no_average():
    held = Holding()
    held.book(buys=True, price=D(100), qty=D(2), fee=D("0.02"))
    held.book(buys=True, price=D(103), qty=D(1), fee=D(0))
    assert (held.qty, held.avg_price) == (D(3), D(101))
    held.book(buys=False, price=D(105), qty=D(5), fee=D("-0.01"))
    assert (held.qty, held.avg_price, held.realized) == (D(-2), D(105), D(12))
    held.book(buys=True, price=D(104), qty=D(2), fee=D(0))
    assert (held.qty, held.avg_price, held.realized) == (D(0), D(0), D(14))
    assert held.cash == 14 - D("0.01")


def test_amounts_of_other_assets_are_marked_in_usd_and_at_the_last_price_without_a_mid():
    account = Account()
    account.holding("ABTC", D(50_000)).book(buys=True, price=D("0.5"), qty=D(2), fee=D("0.001"))
    mark = account.mark({})
    assert (mark.unrealized, mark.cash, mark.equity) == (D(0), D(-50_050), D(-50))
    assert account.mark({"ABTC": D("0.6")}).unrealized == 10_000
