"""The virtual balance: its formulas, its order, its identity per day."""

import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbot.finops.ledger import book
from mmbot.finops.ledger_lines import CashFlow, Mid, Trade, in_order

D = Decimal
DAY_MS = 86_400_000


def trade(ts, side, price, qty, *, fee="0", rebate="0", symbol="X", exec_id=None):
    return Trade(
        ts_ms=D(ts),
        symbol=symbol,
        buys=side == "B",
        price=D(price),
        qty=D(qty),
        fee_bps=D(fee),
        maker_rebate_bps=D(rebate),
        exec_id=exec_id,
    )


def mid(ts, price, symbol="X"):
    return Mid(ts_ms=D(ts), symbol=symbol, mid=D(price))


def flow(ts, amount, *, funding=False):
    return CashFlow(ts_ms=D(ts), is_funding=funding, amount=D(amount))


@pytest.mark.spec("08-4.4", "02-16")
def test_a_round_trip_by_hand():
    events = in_order(
        [
            trade(1_000, "B", 100, 2, fee=10),
            trade(2_000, "S", 110, 1, fee=-1, rebate="0.5"),
        ],
        [mid(1_500, 105), mid(2_500, 108)],
        [flow(2_200, "-0.25", funding=True), flow(2_300, 50)],
    )
    balance = book(events, initial_cash=D(1_000))
    points = {int(point.ts_ms): point.equity for point in balance.equity}
    assert points[1_000] == 1_000 - D("0.2"), "marked at the traded price"
    assert points[1_500] == 1_000 + 10 - D("0.2")
    rebate = D(110) * (1 + D("0.5")) / 10_000
    assert points[2_000] == 1_000 + 10 + 5 - D("0.2") + rebate
    assert points[2_500] == 1_000 + 10 + 8 - D("0.2") + rebate - D("0.25") + 50
    (day,) = balance.days
    assert (day.date, day.fills, day.turnover) == ("1970-01-01", 2, D(310))
    assert (day.realized, day.unrealized) == (D(10), D(8))
    assert (day.fees, day.rebates) == (D("0.2"), rebate)
    assert day.trading_pnl == 18
    assert day.pnl == 18 - D("0.2") + rebate - D("0.25")
    assert day.equity == points[2_500]


@pytest.mark.spec("08-4.4")
def test_days_without_events_carry_the_marks():
    events = in_order([trade(0, "B", 10, 1), trade(3 * DAY_MS, "S", 13, 1)], [mid(DAY_MS - 1, 12)])
    days = book(events).days
    assert [day.date for day in days] == [f"1970-01-0{n}" for n in (1, 2, 3, 4)]
    assert [day.equity for day in days] == [D(2), D(2), D(2), D(3)]
    assert [day.unrealized for day in days] == [D(2), D(2), D(2), D(0)]
    assert [day.realized for day in days] == [D(0), D(0), D(0), D(3)]
    assert [day.pnl for day in days] == [D(2), D(0), D(0), D(1)]


@pytest.mark.spec("08-4.4")
def test_at_one_time_trades_come_before_flows_and_flows_before_prices():
    events = in_order([mid(5, 1)], [flow(5, 1)], [trade(5, "B", 1, 1), trade(4, "B", 1, 1)])
    assert [type(event).__name__ for event in events] == ["Trade", "Trade", "CashFlow", "Mid"]
    assert [point.ts_ms for point in book(events).equity] == [D(4), D(5)]


@pytest.mark.spec("08-4.4")
def test_an_execution_that_is_given_twice_counts_once():
    once = [trade(1, "B", 5, 1, exec_id="a"), trade(2, "B", 6, 1)]
    twice = [*once, trade(3, "B", 5, 1, exec_id="a"), trade(2, "B", 6, 1)]
    balance = book(in_order(twice))
    assert balance.repeated == 1
    assert balance.days[0].fills == 3, "without an id nobody knows"


_events = st.lists(
    st.one_of(
        st.builds(
            trade,
            st.integers(0, 3 * DAY_MS),
            st.sampled_from("BS"),
            st.integers(1, 10**6).map(lambda n: D(n).scaleb(-2)),
            st.integers(1, 10**5).map(lambda n: D(n).scaleb(-3)),
            fee=st.integers(-50, 50).map(lambda n: D(n).scaleb(-1)),
            rebate=st.integers(0, 20).map(lambda n: D(n).scaleb(-1)),
            symbol=st.sampled_from(["X", "Y"]),
        ),
        st.builds(
            mid,
            st.integers(0, 3 * DAY_MS),
            st.integers(1, 10**6).map(lambda n: D(n).scaleb(-2)),
            symbol=st.sampled_from(["X", "Y"]),
        ),
        st.builds(
            flow,
            st.integers(0, 3 * DAY_MS),
            st.integers(-(10**6), 10**6),
            funding=st.booleans(),
        ),
    ),
    max_size=40,
)


@pytest.mark.spec("08-4.4")
@given(_events, st.integers(0, 10**6))
def test_equity_changes_by_pnl_and_transfers_on_every_day(events, cash):
    balance = book(in_order(events), initial_cash=D(cash))
    before = D(cash)
    for day in balance.days:
        allowed = D("1e-9") * max(D(1), sum((d.turnover for d in balance.days), D(0)))
        assert abs(day.equity - before - day.pnl - day.transfers) <= allowed
        assert day.pnl == day.trading_pnl - day.fees + day.rebates + day.funding
        before = day.equity
    if balance.equity:
        assert balance.equity[-1].equity == balance.days[-1].equity
        times = [point.ts_ms for point in balance.equity]
        assert times == sorted(set(times))


@pytest.mark.spec("08-4.4")
@given(_events, st.integers(0, 2**32))
def test_the_order_of_the_files_does_not_matter_at_different_times(events, seed):
    distinct = list({event.ts_ms: event for event in events}.values())
    shuffled = random.Random(seed).sample(distinct, len(distinct))
    assert book(in_order(distinct)) == book(in_order(shuffled))


@pytest.mark.spec("08-4.4", "08-D24")
@given(_events)
def test_another_currency_scales_everything_but_what_is_given_in_it(events):
    without_flows = [event for event in events if not isinstance(event, CashFlow)]
    one, two = (book(in_order(without_flows), fx=D(fx)) for fx in (1, 2))
    for a, b in zip(one.days, two.days, strict=True):
        allowed = D("1e-9") * max(D(1), b.turnover, abs(b.equity))
        assert abs(2 * a.equity - b.equity) <= allowed
        assert abs(2 * a.fees - b.fees) <= allowed
        assert 2 * a.turnover == b.turnover
