"""Whatever order private events come in, and however often, positions are exact.

A naive venue plays the life of some orders and writes down what it says: updates of orders and
executions. They reach the session in any order, some twice. Afterwards the session asks for what
is overdue, as the shell does; then both sides must agree.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.trading.live.made_orders import (
    MS,
    RULES,
    SYMBOL,
    Asked,
    execution,
    order_record,
    tell,
)

from mmbot.trading.live.orders import OrderLedger
from mmbot.trading.live.reports import ReportSource
from mmbot.trading.reconcile import OrderState
from mmbot.venues.records import ExecutionRecord, OrderRecord, OrderStatus, Side

LOTS = 10


@dataclass
class Venue:
    """One order, played step by step; every step a millisecond."""

    cid: int
    side: Side
    ticks: int = 500_000
    total: int = LOTS
    filled: int = 0
    status: OrderStatus = OrderStatus.OPEN
    now_ms: int = 1
    said: list[OrderRecord | ExecutionRecord] = field(default_factory=list)

    def record(self) -> OrderRecord:
        return order_record(
            cid=f"mm-{self.cid}",
            side=self.side,
            price=RULES.price_text(self.ticks),
            qty=RULES.qty_text(self.total),
            filled_qty=RULES.qty_text(self.filled),
            status=self.status,
            updated_ns=self.now_ms * MS,
        )

    def say(self) -> None:
        self.said.append(self.record())

    def fill(self, lots: int) -> None:
        lots = min(lots, self.total - self.filled)
        if self.status is not OrderStatus.OPEN or lots <= 0:
            return
        self.now_ms += 1
        self.filled += lots
        if self.filled == self.total:
            self.status = OrderStatus.FILLED
        self.said.append(
            execution(
                f"e{self.cid}-{self.filled}",
                cid=f"mm-{self.cid}",
                side=self.side,
                qty=RULES.qty_text(lots),
                ts_ns=self.now_ms * MS,
            )
        )
        self.say()

    def amend(self, ticks: int, total: int) -> None:
        if self.status is OrderStatus.OPEN and total > self.filled:
            self.now_ms += 1
            self.ticks, self.total = ticks, total
            self.say()

    def cancel(self) -> None:
        if self.status is OrderStatus.OPEN:
            self.now_ms += 1
            self.status = OrderStatus.CANCELLED
            self.say()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("fill"), st.integers(1, 6)),
        st.tuples(st.just("amend"), st.integers(1, 14)),
        st.tuples(st.just("cancel"), st.just(0)),
    ),
    max_size=6,
)


@st.composite
def lives(draw) -> tuple[list[Venue], list[Asked]]:
    """Orders with the requests that were sent for them, and what the venue made of them."""
    venues, asked = [], []
    for cid in range(1, draw(st.integers(1, 3)) + 1):
        side = draw(st.sampled_from(Side))
        venue = Venue(cid, side)
        asked.append(Asked(kind="place", cid=cid, side=side.value, qty_lots=LOTS))
        if draw(st.booleans()):
            venue.say()
        ticks = venue.ticks
        has_amended = has_cancelled = False
        for step, amount in draw(STEPS):
            if step == "fill":
                venue.fill(amount)
            elif step == "amend" and not has_amended and not has_cancelled:
                # One change is in flight at a time, as in the core.
                has_amended = True
                ticks += 1
                request = Asked(kind="amend", cid=cid, price_ticks=ticks, qty_lots=amount)
                asked.append(request)
                if draw(st.booleans()):
                    venue.amend(ticks, amount)
            elif step == "cancel":
                has_cancelled = True
                asked.append(Asked(kind="cancel", cid=cid, price_ticks=None, qty_lots=None))
                if draw(st.booleans()):
                    venue.cancel()
        venues.append(venue)
    return venues, asked


def deliver(source: ReportSource, event: OrderRecord | ExecutionRecord) -> None:
    if isinstance(event, OrderRecord):
        tell(source.ledger, source.on_order(event))
    else:
        tell(source.ledger, source.on_execution(event))


def resolve(source: ReportSource, venues: list[Venue]) -> None:
    """What the shell does past a deadline: executions first, then the order."""
    for venue in venues:
        venue.now_ms += 1
        for event in venue.said:
            if isinstance(event, ExecutionRecord):
                deliver(source, event)
        order = source.ledger.find(f"mm-{venue.cid}")
        assert order is not None
        if not order.is_settled:
            tell(source.ledger, source.on_order(venue.record(), is_answer=True))


def agree(source: ReportSource, venues: list[Venue]) -> None:
    expected = sum(venue.side.sign * venue.filled for venue in venues)
    assert source.ledger.position_lots(SYMBOL) == expected
    for venue in venues:
        order = source.ledger.find(f"mm-{venue.cid}")
        assert order is not None
        assert order.filled_lots == venue.filled
        assert order.state.is_open == venue.status.is_open, (order, venue)
        if venue.status.is_open:
            assert order.state is OrderState.LIVE
            assert (order.terms.price_ticks, order.terms.qty_lots) == (venue.ticks, venue.total)
        assert order.is_settled


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_any_order_of_events_and_any_repetition_leads_to_the_venues_state(data):
    venues, asked = data.draw(lives())
    said = [event for venue in venues for event in venue.said]
    twice = data.draw(st.lists(st.sampled_from(said), max_size=4)) if said else []
    events = data.draw(st.permutations(said + twice))
    ledger = OrderLedger()
    for request in asked:
        ledger.sent(request, 0)
    source = ReportSource(ledger, {SYMBOL: RULES}, {SYMBOL: "USDT"})
    booked = 0
    for event in events:
        deliver(source, event)
        executed = sum(abs(order.filled_lots) for order in ledger)
        assert executed >= booked
        booked = executed
    resolve(source, venues)
    agree(source, venues)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_events_that_are_lost_are_made_up_for_by_questions(data):
    venues, asked = data.draw(lives())
    said = [event for venue in venues for event in venue.said]
    events = data.draw(st.lists(st.sampled_from(said), unique_by=id)) if said else []
    ledger = OrderLedger()
    for request in asked:
        ledger.sent(request, 0)
    source = ReportSource(ledger, {SYMBOL: RULES}, {SYMBOL: "USDT"})
    for event in events:
        deliver(source, event)
    resolve(source, venues)
    # An order that rests with other terms, or ended unseen, is found by reconciliation.
    assert source.ledger.position_lots(SYMBOL) == sum(v.side.sign * v.filled for v in venues)
