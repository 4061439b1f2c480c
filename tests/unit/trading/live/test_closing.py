"""The stop does what its state machine says, and believes the venue's list alone."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.unit.trading.live.made_orders import SYMBOL, order_record

from mmbot.trading.live.closing import close_orders
from mmbot.trading.live.orders import OrderLedger
from mmbot.trading.live.shutdown import Shutdown, Stage
from mmbot.trading.reconcile import OrderState

MS = 1_000_000
OTHER = "ETHUSDT"


class Venue:
    """Answers with the lists that the test gives, the last one again and again."""

    def __init__(self, lists, *, obeys=False):
        self.lists = [None if one is None else dict(one) for one in lists]
        self.obeys = obeys
        self.now_ns = 0
        self.cancelled: list[tuple[str, tuple[str, ...]]] = []
        self.in_flight = 0
        self.stages: list[Stage] = []
        self.steps = 0
        self.ledger = OrderLedger()
        self.desk = SimpleNamespace(ledger=self.ledger)

    def clock(self):
        self.now_ns += 10 * MS
        return self.now_ns

    async def own_open(self):
        await asyncio.sleep(0)
        found = self.lists[0]
        if len(self.lists) > 1:
            self.lists.pop(0)
        if found is None:
            return None
        return [order_record(cid=cid, symbol=symbol) for cid, symbol in found.items()]

    async def cancel(self, symbol, cids):
        self.cancelled.append((symbol, tuple(cids)))
        if self.obeys:
            self.lists = [{}]

    async def step(self):
        self.steps += 1

    def close(self, *, keep=False, timeout_ms=2000):
        begin = Shutdown(keep_orders=keep, started_ns=0, timeout_ns=timeout_ms * MS)
        both = cast("Any", self)
        done = close_orders(
            begin,
            both,
            both,
            step=self.step,
            on_stage=lambda stop: self.stages.append(stop.stage),
        )
        return asyncio.run(done)


@pytest.mark.spec("09-1")
def test_orders_that_the_venue_has_are_cancelled_by_symbol_and_looked_for_again():
    venue = Venue([{"a": SYMBOL, "b": OTHER, "c": SYMBOL}], obeys=True)
    end = venue.close()
    assert end.stage is Stage.VERIFIED
    assert venue.cancelled == [(SYMBOL, ("a", "c")), (OTHER, ("b",))]
    assert venue.stages == [
        Stage.GATE_CLOSED,
        Stage.DRAINING,
        Stage.CANCELLING,
        Stage.VERIFYING,
        Stage.VERIFIED,
    ]
    assert venue.steps >= 3, "overdue orders are asked for in every round"


@pytest.mark.spec("09-1")
def test_a_list_that_could_not_be_fetched_proves_nothing():
    venue = Venue([None, None, {}])
    assert venue.close().stage is Stage.VERIFIED
    down = Venue([None])
    end = down.close(timeout_ms=300)
    assert (end.stage, end.left) == (Stage.UNCONFIRMED, frozenset())
    assert down.cancelled == []


@pytest.mark.spec("09-1")
def test_orders_that_stay_are_cancelled_again_until_time_is_up():
    venue = Venue([{"a": SYMBOL}])
    end = venue.close(timeout_ms=600)
    assert (end.stage, end.left) == (Stage.UNCONFIRMED, frozenset({"a"}))
    assert len(venue.cancelled) > 2
    assert set(venue.cancelled) == {(SYMBOL, ("a",))}


@pytest.mark.spec("09-1")
def test_an_order_that_came_after_the_first_list_is_found():
    venue = Venue([{}, {"late": SYMBOL}, {"late": SYMBOL}, {}])
    venue.in_flight = 1
    # what is still under way keeps an empty list from being proof
    loop = venue.step

    async def step():
        await loop()
        if venue.cancelled:
            venue.in_flight = 0

    venue.step = step  # type: ignore[method-assign]
    assert venue.close(timeout_ms=400).stage is Stage.VERIFIED
    assert venue.cancelled[0] == (SYMBOL, ("late",))


@pytest.mark.spec("09-1")
def test_kept_orders_are_proven_to_be_those_that_are_known():
    venue = Venue([{"a": SYMBOL}])
    assert venue.close(keep=True, timeout_ms=300).stage is Stage.UNCONFIRMED
    assert venue.cancelled == []
    known = Venue([{"mm-1": SYMBOL}])
    known.ledger.sent(
        SimpleNamespace(
            symbol=SYMBOL,
            ts_ns=0,
            kind="place",
            cid=1,
            client_order_id="mm-1",
            side="buy",
            price_ticks=1,
            qty_lots=1,
        ),
        0,
    )
    order = known.ledger.find("mm-1")
    assert order is not None
    order.state = OrderState.LIVE
    end = known.close(keep=True)
    assert (end.stage, end.left) == (Stage.VERIFIED, frozenset())
    assert known.cancelled == []
