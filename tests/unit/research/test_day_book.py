"""Sums of a day equal the accounting of all its fills, at any mid."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbot.research.day_book import DayFigures, SymbolDay, pooled_p95
from mmbot.research.edge_accounts import AuditedFill, Stretch, components
from mmbot.research.edge_lines import TradeLine

EMPTY: dict[str, Any] = {"order_age_ms": {"hist_edges_ms": [], "hist_counts": []}}


def fill(side, price, qty, fee_bps, mids, *, is_maker=True):
    decision, reference, before, after = (price + mid for mid in mids)
    line = TradeLine(
        symbol="X",
        ts_ms=0.0,
        side=side,
        price=price,
        qty=qty,
        fee_bps=fee_bps,
        is_maker=is_maker,
        mid_before=before,
        mid_after=after,
        mid_decision=decision,
        ref_price=reference,
        ts_decision_ms=None,
        order_age_ms=None,
        cid=None,
    )
    return AuditedFill(
        line=line, decision=decision, reference=reference, before=before, after=after
    )


FILLS = st.lists(
    st.builds(
        fill,
        st.sampled_from([1, -1]),
        st.floats(90, 110),
        st.floats(0.01, 3),
        st.floats(-2, 5),
        st.tuples(*(st.floats(-1, 1) for _ in range(4))),
        is_maker=st.booleans(),
    ),
    max_size=30,
)


ADOPTED = st.lists(st.tuples(st.floats(-3, 3), st.floats(90, 110)), max_size=4)


@pytest.mark.spec("08-1.4")
@given(FILLS, st.floats(-5, 5), st.floats(90, 110), st.floats(90, 110))
def test_sums_equal_the_accounting_of_every_fill(fills, opening_qty, opening_mid, mid):
    day = SymbolDay(opening_qty, opening_mid, {})
    for one in fills:
        day.add(one)
    found = day.figures(mid, EMPTY)
    expected = components(
        [
            Stretch(
                fills=fills,
                opening_qty=opening_qty,
                opening_mid=opening_mid,
                closing_mid=mid,
            )
        ]
    )
    for name in ("gross", "fees", "slippage", "adverse", "inventory", "net"):
        value = getattr(found, f"{name}_usd")
        assert value == pytest.approx(expected[f"{name}_usd"], abs=1e-7), name


@pytest.mark.spec("08-1.4")
@given(FILLS, st.floats(-5, 5), st.floats(90, 110), st.floats(90, 110))
def test_what_is_realised_and_what_is_not_is_the_whole(fills, opening_qty, opening_mid, mid):
    day = SymbolDay(opening_qty, opening_mid, {})
    for one in fills:
        day.add(one)
    found = day.figures(mid, EMPTY)
    held, cost, realized = opening_qty, opening_mid, 0.0
    for one in fills:
        side, price, left = one.line.side, one.line.price, one.line.qty
        if held * side < 0:
            closed = min(abs(held), left)
            realized += closed * (price - cost) * math.copysign(1, held)
            held += side * closed
            left -= closed
        if left > 0:
            cost = (abs(held) * cost + left * price) / (abs(held) + left)
            held += side * left
    fees = math.fsum(one.fee_usd for one in fills)
    assert found.realized_usd == pytest.approx(realized - fees, abs=1e-6)
    assert found.net_usd == pytest.approx(realized - fees + held * (mid - cost), abs=1e-6)


def test_a_total_pools_ages_and_adds_money():
    one = SymbolDay(0.0, 0.0, {})
    one.add(fill(1, 100.0, 1.0, 1.0, (0.5, 0.0, 0.0, 0.0), is_maker=False))
    two = SymbolDay(0.0, 0.0, {})
    two.add(fill(-1, 50.0, 2.0, -1.0, (0.5, 0.0, 0.0, 0.0)))
    ages = {"hist_edges_ms": [10.0, 20.0], "hist_counts": [3, 1]}
    parts = [day.figures(100.0, {"order_age_ms": ages}) for day in (one, two)]
    total = DayFigures.total(parts)
    assert total.turnover_usd == 200.0
    assert total.taker_share_pct == 50.0
    assert total.net_usd == pytest.approx(sum(part.net_usd for part in parts))
    assert total.ages_ms == {10.0: 6, 20.0: 2}


@pytest.mark.parametrize(
    ("counts", "expected"),
    [({}, None), ({5.0: 1}, 5.0), ({1.0: 95, 9.0: 5}, 1.0), ({1.0: 94, 9.0: 6}, 9.0)],
)
def test_the_percentile_is_that_of_the_nearest_rank(counts, expected):
    assert pooled_p95(counts) == expected


@pytest.mark.spec("08-1.4")
@given(FILLS, ADOPTED, st.floats(90, 110))
def test_what_is_taken_over_earns_the_move_of_the_mid_and_is_no_turnover(fills, adopted, mid):
    plain, day = SymbolDay(0.0, 0.0, {}), SymbolDay(0.0, 0.0, {})
    for qty, price in adopted:
        day.adopt(qty, price)
    for one in fills:
        plain.add(one)
        day.add(one)
    found, without = day.figures(mid, EMPTY), plain.figures(mid, EMPTY)
    earned = math.fsum(qty * (mid - price) for qty, price in adopted)
    assert found.net_usd == pytest.approx(without.net_usd + earned, abs=1e-7)
    assert (found.turnover_usd, found.fees_usd) == (without.turnover_usd, without.fees_usd)
