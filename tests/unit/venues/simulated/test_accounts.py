"""Positions and wallets add up, exactly where no division is needed."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.venues.simulated.rig import listing

from mmbot.venues.simulated.accounts import Account, Position

TRADES = st.lists(
    st.tuples(st.integers(-500, 500).filter(bool), st.integers(400_000, 600_000)), max_size=30
)


@given(TRADES, st.integers(400_000, 600_000))
def test_realised_and_unrealised_are_value_less_what_was_paid(trades, mark):
    grid, position = listing(), Position()
    paid = Decimal(0)
    for lots, ticks in trades:
        value = grid.value(ticks, lots)
        paid += value
        position.trade(lots, value)
    assert position.lots == sum(lots for lots, _ in trades)
    total = position.realised + position.unrealised(grid, mark)
    assert abs(total - (grid.value(mark, position.lots) - paid)) < Decimal("1e-15")


@given(TRADES)
def test_the_entry_price_is_that_of_the_average_cost_method(trades):
    grid, position = listing(), Position()
    lots, cost = 0, Fraction(0)
    for size, ticks in trades:
        position.trade(size, grid.value(ticks, size))
        if lots * size >= 0:
            cost += Fraction(size) * ticks
        elif abs(size) <= abs(lots):
            cost += cost * size / abs(lots) * (1 if lots > 0 else -1)
        else:
            cost = Fraction(lots + size) * ticks
        lots += size
    expected = cost / lots / 10 if lots else Fraction(0)
    assert abs(Fraction(position.entry_price(grid)) - expected) < Fraction(1, 10**12)


def test_fees_go_from_the_wallet_by_the_rate_of_the_side_of_the_trade():
    account = Account(1, "k", "s", Decimal(1000))
    grid = listing()
    fee = account.trade(grid, lots=10, ticks=500_000, is_maker=False, now_ms=1)
    assert fee == 500 * Decimal("0.00055")
    fee += account.trade(grid, lots=-10, ticks=500_010, is_maker=True, now_ms=2)
    assert account.wallet == 1000 + Decimal("0.01") - fee
    assert account.realised == Decimal("0.01") - fee
    assert account.position("BTCUSDT").entry_price(grid) == 0
