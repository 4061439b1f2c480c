"""Virtual orders on a real market: what the venue says about them adds up, and nothing leaves."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from mmbot import core
from mmbot.venues.connector_faults import ConnectorFaults
from mmbot.venues.ports import CallError
from mmbot.venues.records import (
    AmendOrder,
    CancelOrder,
    CreateOrder,
    ExecutionRecord,
    FeeRates,
    InstrumentRules,
    OrderRecord,
    OrderStatus,
    Side,
)
from mmbot.venues.virtual import VirtualVenue

SYMBOL = "BTCUSDT"
START_NS = 1_767_225_600_000_000_000
MS = 1_000_000
RULES = InstrumentRules(
    symbol=SYMBOL,
    tick_size="0.1",
    lot_size="0.001",
    min_qty="0.001",
    min_notional="5",
    batch_max=10,
)
FEES = FeeRates(symbol=SYMBOL, maker="-0.0001", taker="0.0006")


class Source:
    """The public part of a venue that is never asked for anything else."""

    name = "somewhere"

    def __init__(self):
        self.is_closed = False
        self.faults = ConnectorFaults()

    async def instruments(self, symbols):
        return dict.fromkeys(symbols, RULES)

    async def server_time_ns(self):
        return START_NS

    async def follow(self, symbols, *, depth, take):
        async for event in self.public_frames(symbols, depth=depth):
            take(event)

    async def public_frames(self, symbols, *, depth):
        return
        yield

    async def resubscribe(self, symbols):
        return None

    async def aclose(self):
        self.is_closed = True


class Clock:
    now_ns = START_NS

    def __call__(self):
        return self.now_ns


class World:
    def __init__(self):
        self.clock = Clock()
        self.source = Source()
        self.venue = VirtualVenue(
            self.source, {SYMBOL: RULES}, {SYMBOL: FEES}, sim={}, seed=3, clock=self.clock
        )
        self.market = core.MarketGenerator(5, "volatile", 50_000.0, "0.1", "0.001", START_NS)
        self.said: list[Any] = []

    def step(self, rows=300):
        chunk = self.market.next_chunk(rows)
        self.venue.on_rows(SYMBOL, chunk)
        self.clock.now_ns = chunk.last_ts_ns
        self.venue.on_time(self.clock.now_ns)
        while not self.venue._events.empty():
            self.said.append(self.venue._events.get_nowait())

    def touch(self):
        bids, asks = self.venue._desks[SYMBOL].book.levels(1)
        return bids[0][0], asks[0][0]

    def do(self, call):
        return asyncio.run(call)

    def place(self, cid, side=Side.BUY, behind=0, qty="0.010", post_only=True):
        bid, ask = self.touch()
        ticks = bid - behind if side is Side.BUY else ask + behind
        order = CreateOrder(
            cid=cid,
            symbol=SYMBOL,
            side=side,
            price=RULES.price_text(ticks),
            qty=qty,
            post_only=post_only,
            reduce_only=False,
        )
        return self.do(self.venue.create(order))

    def statuses(self, cid):
        return [one.status for one in self.said if isinstance(one, OrderRecord) and one.cid == cid]


@pytest.fixture
def world():
    made = World()
    for _ in range(5):
        made.step()
    return made


def test_an_order_rests_once_it_has_arrived_and_goes_when_it_is_cancelled(world):
    world.place("a", behind=500)
    assert world.do(world.venue.open_orders()) == []
    world.step()
    assert world.statuses("a") == [OrderStatus.OPEN]
    assert [one.cid for one in world.do(world.venue.open_orders())] == ["a"]
    world.do(world.venue.cancel(CancelOrder(cid="a", symbol=SYMBOL)))
    world.step()
    assert world.statuses("a") == [OrderStatus.OPEN, OrderStatus.CANCELLED]
    assert world.do(world.venue.open_orders()) == []
    found = world.do(world.venue.find_order(symbol=SYMBOL, cid="a"))
    assert found.status is OrderStatus.CANCELLED
    assert [one.cid for one in world.do(world.venue.order_history(since_ns=0))] == ["a"]


def test_a_change_is_confirmed_with_its_terms(world):
    world.place("a", behind=500)
    world.step()
    price = RULES.price_text(world.touch()[0] - 600)
    change = AmendOrder(cid="a", symbol=SYMBOL, price=price, qty="0.020")
    world.do(world.venue.amend(change))
    world.step()
    record = world.do(world.venue.find_order(symbol=SYMBOL, cid="a"))
    assert (Decimal(record.price), Decimal(record.qty)) == (Decimal(price), Decimal("0.020"))


@pytest.mark.parametrize("verb", ["amend", "cancel"])
def test_what_is_done_cannot_be_changed(world, verb):
    requests = {
        "amend": AmendOrder(cid="none", symbol=SYMBOL, price="1.0", qty="0.001"),
        "cancel": CancelOrder(cid="none", symbol=SYMBOL),
    }
    with pytest.raises(CallError) as caught:
        world.do(getattr(world.venue, verb)(requests[verb]))
    assert caught.value.failure.code == 110001


def test_an_order_that_would_cross_is_refused(world):
    bid, ask = world.touch()
    order = CreateOrder(
        cid="x", symbol=SYMBOL, side=Side.BUY, price=RULES.price_text(ask + 100),
        qty="0.010", post_only=True, reduce_only=False,
    )  # fmt: skip
    assert bid < ask
    world.do(world.venue.create(order))
    world.step()
    assert world.statuses("x")[-1] in {OrderStatus.REJECTED, OrderStatus.CANCELLED}


def test_positions_executions_and_orders_add_up(world):
    for at in range(60):
        for side in Side:
            world.place(f"{side.value}-{at}", side)
        world.step()
        if at % 3 == 2:
            for order in world.do(world.venue.open_orders())[:2]:
                world.do(world.venue.cancel(CancelOrder(cid=order.cid, symbol=SYMBOL)))
    for _ in range(5):
        world.step()
    executions = world.do(world.venue.executions(since_ns=0))
    assert len(executions) > 10
    assert len({one.exec_id for one in executions}) == len(executions)
    total = sum(one.side.sign * Decimal(one.qty) for one in executions)
    held = {one.symbol: Decimal(one.qty) for one in world.do(world.venue.positions())}
    assert held.get(SYMBOL, 0) == total
    filled: dict[str, Decimal] = {}
    for one in executions:
        filled[one.cid] = filled.get(one.cid, Decimal(0)) + Decimal(one.qty)
        rate = Decimal(FEES.maker if one.is_maker else FEES.taker)
        assert Decimal(one.fee) == Decimal(one.price) * Decimal(one.qty) * rate
    for cid, qty in filled.items():
        record = world.do(world.venue.find_order(symbol=SYMBOL, cid=cid))
        assert Decimal(record.filled_qty) == qty
        assert (record.status is OrderStatus.FILLED) == (qty == Decimal(record.qty))
    assert [one for one in world.said if isinstance(one, ExecutionRecord)] == list(executions)


def test_closing_it_closes_the_source(world):
    world.do(world.venue.aclose())
    assert world.source.is_closed
