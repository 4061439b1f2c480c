"""One to one, by decision, then by nearness."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbot.research.comparison.account import Order
from mmbot.research.comparison.pairing import pair_orders


def orders(*rows):
    return [Order(0, cid, sign, ts, px) for cid, (ts, sign, px) in enumerate(rows)]


def cids(found):
    return [(one.cid, other.cid) for one, other in found.pairs]


@pytest.mark.spec("09-3")
def test_orders_of_one_decision_are_paired_by_price_then_best_first():
    mine = orders((5, 1, 100), (5, 1, 99), (5, -1, 103), (5, -1, 104))
    others = orders((5, -1, 105), (5, 1, 98), (5, 1, 97), (5, -1, 104))
    found = pair_orders(mine, others, within_ns=10)
    assert cids(found) == [(0, 1), (1, 2), (2, 0), (3, 3)]
    assert (found.session_only, found.simulated_only) == ((), ())


@pytest.mark.spec("09-3")
def test_what_is_left_is_paired_with_the_nearest_within_a_refresh():
    mine = orders((100, 1, 5), (200, 1, 5), (300, 1, 5))
    others = orders((109, 1, 5), (210, 1, 5), (300, -1, 5))
    found = pair_orders(mine, others, within_ns=10)
    assert cids(found) == [(0, 0)]
    assert [one.cid for one in found.session_only] == [1, 2]
    assert [one.cid for one in found.simulated_only] == [1, 2]


rows = st.lists(
    st.tuples(st.integers(0, 60), st.sampled_from([1, -1]), st.integers(1, 5)), max_size=25
)


@pytest.mark.spec("09-3")
@given(rows, rows)
def test_each_order_is_in_one_pair_or_alone(first, second):
    mine, others = orders(*first), orders(*second)
    found = pair_orders(mine, others, within_ns=5)
    left = [one.cid for one, _ in found.pairs] + [one.cid for one in found.session_only]
    right = [one.cid for _, one in found.pairs] + [one.cid for one in found.simulated_only]
    assert sorted(left) == list(range(len(mine)))
    assert sorted(right) == list(range(len(others)))
    for one, other in found.pairs:
        assert one.sign == other.sign
        assert abs(one.ts_ns - other.ts_ns) < 5
    for one in found.session_only:
        same = [o for o in found.simulated_only if (o.ts_ns, o.sign) == (one.ts_ns, one.sign)]
        assert not same
