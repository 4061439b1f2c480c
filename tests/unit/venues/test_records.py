import pickle
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbot.errors import VenueError
from mmbot.venues.failures import Failure, FailureKind, Operation
from mmbot.venues.ports import CallError
from mmbot.venues.records import InstrumentRules, OrderStatus, Side

RULES = InstrumentRules(
    symbol="ABCUSDT",
    tick_size="0.05",
    lot_size="0.001",
    min_qty="0.001",
    min_notional="5",
    batch_max=20,
)


@pytest.mark.parametrize(
    ("text", "ticks"), [("0", 0), ("100.05", 2001), ("1E+2", 2000), ("100.050", 2001)]
)
def test_prices_become_ticks_exactly(text, ticks):
    assert RULES.ticks(text) == ticks


@pytest.mark.parametrize(
    "text",
    ["100.01", "", "abc", "NaN", "Infinity", "1e999999999", "1e400000", "0.05" + "0" * 40 + "1"],
)
def test_what_is_off_the_grid_or_no_number_is_refused(text):
    with pytest.raises(VenueError, match="E_VENUE_GRID") as caught:
        RULES.ticks(text)
    assert caught.value.code == "E_VENUE_GRID"


@given(st.integers(-(10**15), 10**15))
def test_counts_survive_the_way_through_text(count):
    assert RULES.lots(RULES.qty_text(count)) == count
    assert RULES.ticks(RULES.price_text(count)) == count
    assert "E" not in RULES.qty_text(count)
    assert Decimal(RULES.qty_text(count)) == count * Decimal("0.001")


def test_sides_and_states_say_what_they_mean():
    assert (Side.BUY.sign, Side.SELL.sign) == (1, -1)
    assert [status for status in OrderStatus if status.is_open] == [OrderStatus.OPEN]


def test_a_call_error_keeps_its_facts_through_pickle():
    failure = Failure(operation=Operation.CREATE, is_sent=True, kind=FailureKind.CODE, code=110007)
    error = CallError(failure, symbol="ABCUSDT", message="no money")
    again = pickle.loads(pickle.dumps(error))
    assert again.failure == failure
    assert str(again) == str(error) == "E_VENUE_CALL:110007: op=create symbol=ABCUSDT no money"
