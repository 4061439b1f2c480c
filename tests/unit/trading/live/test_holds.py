"""Reasons why symbols do not quote: all must be lifted."""

from hypothesis import given
from hypothesis import strategies as st

from mmbot.trading.live.fault_kinds import ALL_SYMBOLS
from mmbot.trading.live.holds import HoldReason, Holds

SYMBOLS = ("A", "B", "C")
MOVES = st.lists(
    st.tuples(
        st.booleans(),
        st.sampled_from(list(HoldReason)),
        st.none() | st.lists(st.sampled_from(SYMBOLS), min_size=1, unique=True),
    ),
    max_size=30,
)


@given(moves=MOVES)
def test_a_symbol_quotes_when_no_reason_is_left(moves):
    holds = Holds(SYMBOLS)
    naive: set[tuple[HoldReason, str]] = set()
    for is_put, reason, symbols in moves:
        pairs = {(reason, symbol) for symbol in (symbols or SYMBOLS)}
        if is_put:
            assert holds.put(reason, "why", symbols) == bool(pairs - naive)
            naive |= pairs
        else:
            assert holds.lift(reason, symbols) == bool(pairs & naive)
            naive -= pairs
        assert holds.held == {symbol for _, symbol in naive}
        assert all(holds.has(one) == any(r is one for r, _ in naive) for one in HoldReason)


def test_a_text_names_reason_and_symbols_unless_all_are_held():
    holds = Holds(SYMBOLS)
    holds.put(HoldReason.DISK, "free_mb=1")
    holds.put(HoldReason.POSITION, "", ["B"])
    assert holds.texts == ("disk: free_mb=1", "position_mismatch (B)")


def test_a_reason_counts_each_time_that_it_begins_once_for_all_symbols():
    holds = Holds(SYMBOLS)
    for _ in range(3):
        holds.put(HoldReason.DISK, "why")
        holds.put(HoldReason.LISTING, "why", ["B"])
    assert holds.counts == {(HoldReason.DISK, ALL_SYMBOLS): 1, (HoldReason.LISTING, "B"): 1}
    holds.lift(HoldReason.DISK)
    holds.put(HoldReason.DISK, "again")
    assert holds.counts[HoldReason.DISK, ALL_SYMBOLS] == 2
    assert (holds.text(HoldReason.DISK), holds.text(HoldReason.CLOCK)) == ("again", "")
