"""What rests and is not counted on is cancelled once, and what is counted on never."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.trading.live.made_orders import MS, SYMBOL, Asked, ledger_with, order_record

from mmbot.trading.live.foreign import ForeignOrders
from mmbot.trading.reconcile import OrderState, OwnScope
from mmbot.venues.records import OrderStatus


class Place:
    """The orders, and what was done about them."""

    def __init__(self, ledger, failed=0):
        self.failed = failed
        self.lines: list[str] = []
        self.cancelled: list[tuple[str, str]] = []
        desk: Any = SimpleNamespace(ledger=ledger)
        sender: Any = SimpleNamespace(cancel=self.cancel)
        self.one = ForeignOrders(
            desk,
            sender,
            OwnScope("mm-", frozenset({SYMBOL})),
            lambda work, _name: asyncio.run(work),
            self.lines.append,
        )

    async def cancel(self, symbol, client_ids):
        self.cancelled += [(symbol, one) for one in client_ids]
        return self.failed


def ledger_in(state, **changes):
    ledger = ledger_with(Asked(kind="place"))
    (order,) = ledger
    order.state, order.was_accepted, order.venue_ns = state, True, 10 * MS
    for name, value in changes.items():
        setattr(order, name, value)
    return ledger


def test_an_order_of_an_earlier_session_is_cancelled_once():
    place = Place(ledger_with())
    assert place.one.takes(order_record(cid="mm-old"))
    assert place.one.takes(order_record(cid="mm-old"))
    assert place.cancelled == [(SYMBOL, "mm-old")]
    assert place.lines == [f"| foreign_order | ALERT | cid=mm-old symbol={SYMBOL} |"]


def test_a_cancel_that_failed_is_tried_again_when_the_order_is_seen_again():
    place = Place(ledger_with(), failed=1)
    place.one.takes(order_record(cid="mm-old"))
    place.one.takes(order_record(cid="mm-old"))
    assert len(place.cancelled) == 2


@pytest.mark.parametrize(
    ("ledger", "record"),
    [
        (ledger_in(OrderState.LIVE), {}),
        (ledger_in(OrderState.UNKNOWN, was_accepted=False), {}),
        (ledger_in(OrderState.CANCELLED), {"updated_ns": 10 * MS}),
        (ledger_with(), {"cid": "mm-old", "status": OrderStatus.CANCELLED}),
        (ledger_with(), {"cid": "web-1"}),
        (ledger_with(), {"cid": "mm-old", "symbol": "XRPUSDT"}),
    ],
    ids=["open", "in doubt", "news from before its end", "over", "of others", "other symbol"],
)
def test_what_is_counted_on_or_not_ours_is_left_alone(ledger, record):
    place = Place(ledger)
    assert not place.one.takes(order_record(**record))
    assert place.cancelled == []


@pytest.mark.parametrize(
    "ledger",
    [
        ledger_in(OrderState.REJECTED, was_accepted=False, venue_ns=0),
        ledger_in(OrderState.CANCELLED, venue_ns=9 * MS),
    ],
    ids=["given up for lost", "newer than its end"],
)
def test_an_order_that_rests_after_it_was_given_up_is_cancelled(ledger):
    place = Place(ledger)
    assert place.one.takes(order_record())
    assert place.cancelled == [(SYMBOL, "mm-1")]
