"""Requests on their way, against a venue that answers as the test says."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from tests.unit.trading.live.live_sessions import Clock, Trading, opened
from tests.unit.trading.live.made_orders import SYMBOL

from mmbot.trading.live.sending import Sender
from mmbot.trading.reconcile import OrderState
from mmbot.venues.bybit.codes import BYBIT_CODES
from mmbot.venues.failures import Failure, FailureKind, Operation
from mmbot.venues.ports import CallError, Capabilities
from mmbot.venues.records import Ack

_OPERATIONS = {"create": Operation.CREATE, "amend": Operation.AMEND, "cancel": Operation.CANCEL}


def fails(verb: str, kind: FailureKind = FailureKind.CODE, **facts: Any) -> CallError:
    is_sent = kind not in {FailureKind.CONNECT, FailureKind.BUDGET}
    operation = _OPERATIONS[verb.removesuffix("_batch").removesuffix("_all")]
    return CallError(Failure(operation=operation, is_sent=is_sent, kind=kind, **facts))


class Port:
    """Takes orders; fails as often as it is told to, by verb."""

    def __init__(self, batch: int = 1):
        self.capabilities = Capabilities(
            amend=True,
            cancel_all=True,
            post_only=True,
            private_executions=True,
            create_batch_max=batch,
            amend_batch_max=batch,
            cancel_batch_max=batch,
        )
        self.calls: list[tuple[str, tuple[str, ...]]] = []
        self.failures: dict[str, list[CallError]] = defaultdict(list)
        self.is_quick = False
        self.rehearsed: list[list[str]] = []

    def rehearse(self, requests, cids):
        self.rehearsed.append(list(cids))

    def begin(self, requests, cids):
        if not self.is_quick:
            return None
        verb = {"place": "create", "cancel": "cancel"}[requests[0].kind]
        cids = tuple(one.client_order_id for one in requests)
        self.calls.append((f"begin {verb}", cids))
        return self._answered(verb, cids)

    async def _answered(self, verb, cids):
        if self.failures[verb]:
            raise self.failures[verb].pop(0)
        return [Ack(cid=cid, order_id="v") for cid in cids]

    async def _take(self, verb, cids):
        await asyncio.sleep(0)
        self.calls.append((verb, cids))
        if self.failures[verb]:
            raise self.failures[verb].pop(0)
        return [Ack(cid=cid, order_id="v") for cid in cids]

    async def create(self, order):
        return (await self._take("create", (order.cid,)))[0]

    async def cancel(self, order):
        return (await self._take("cancel", (order.cid,)))[0]

    async def cancel_all(self, symbol):
        await self._take("cancel_all", (symbol,))

    async def create_batch(self, orders):
        return await self._take("create_batch", tuple(one.cid for one in orders))

    async def cancel_batch(self, orders):
        return await self._take("cancel_batch", tuple(one.cid for one in orders))


class NoJitter(Random):
    def random(self):
        return 0.0


@pytest.fixture
def trading(tmp_path):
    made = Trading(opened(tmp_path), Clock())
    yield made
    made.one.writer.close()


def first_requests(trading):
    """The first quotes of a session; nobody has answered them."""
    requests: list[Any] = []
    while not requests:
        trading.desk.core.on_events(SYMBOL, trading.market.next_chunk(200))
        trading.clock.now_ns = trading.desk.core.now_ns
        requests = trading.desk.flush()
    assert all(one.kind == "place" for one in requests)
    return requests


def accepted(trading, requests):
    trading.desk.sent(requests)
    trading.venue.count = 3  # none of them fills
    for request in requests:
        trading.venue.count = 0
        trading.venue.take([request])


def cancels(trading):
    trading.desk.hold(SYMBOL, on=True)
    requests = trading.desk.flush()
    assert requests
    assert all(one.kind == "cancel" for one in requests)
    return requests


def send(trading, port, requests, meanwhile=lambda: None):
    """Send, look at what has been done before anything was waited for, wait for the rest."""
    fatal: list[str] = []

    async def run():
        sender = Sender(
            port,
            trading.desk,
            codes=BYBIT_CODES,
            batch_max=lambda _symbol: 10,
            jitter=NoJitter(),
            on_fatal=fatal.append,
            on_told=lambda: None,
        )
        sender.send(requests)
        meanwhile()
        await sender.drain(5 * 10**9)
        return sender

    sender = asyncio.run(run())
    assert sender.in_flight == 0
    return sender, fatal


def states(trading, requests):
    found = (trading.desk.ledger.find(one.client_order_id) for one in requests)
    return {order.state for order in found if order is not None}


def test_a_rehearsal_goes_the_way_of_a_request_and_leaves_no_trace(trading):
    requests = first_requests(trading)
    port = Port(batch=2)
    sender, _ = send(trading, port, requests)
    calls, counters = list(port.calls), replace(sender.counters)
    before = states(trading, requests)
    sender.rehearse(requests)
    assert port.rehearsed == [[one.client_order_id for one in requests[:2]]]
    assert (port.calls, sender.counters, sender.in_flight) == (calls, counters, 0)
    assert states(trading, requests) == before
    assert trading.desk.core.take_requests() == []


def test_orders_of_a_symbol_go_in_one_request_up_to_the_venues_limit(trading):
    requests = first_requests(trading)
    port = Port(batch=2)
    send(trading, port, requests)
    assert [len(cids) for verb, cids in port.calls if verb == "create_batch"][:1] == [2]
    sent = [cid for _, cids in port.calls for cid in cids]
    assert sent == [one.client_order_id for one in requests]


def test_what_can_leave_at_once_has_left_before_the_sender_returns_and_goes_once(trading):
    requests = first_requests(trading)
    port = Port(batch=2)
    port.is_quick = True

    def have_left():
        cids = [cid for _, some in port.calls for cid in some]
        assert cids == [one.client_order_id for one in requests]

    send(trading, port, requests, have_left)
    assert {verb for verb, _ in port.calls} == {"begin create"}


def test_a_request_that_left_at_once_and_was_refused_is_refused_to_the_core(trading):
    requests = first_requests(trading)[:1]
    port = Port()
    port.is_quick = True
    port.failures["create"] = [fails("create", code=110007)]
    send(trading, port, requests)
    assert states(trading, requests) == {OrderState.REJECTED}


@pytest.mark.spec("02-12/2")
def test_a_create_without_an_answer_makes_its_order_unknown_and_goes_once(trading):
    requests = first_requests(trading)[:1]
    port = Port()
    port.failures["create"] = [fails("create", FailureKind.TIMEOUT)]
    sender, _ = send(trading, port, requests)
    assert len(port.calls) == 1
    assert states(trading, requests) == {OrderState.UNKNOWN}
    assert sender.counters.unclear == 1


@pytest.mark.spec("02-12/4")
@pytest.mark.parametrize(
    "failure",
    [
        fails("create", code=110007),
        fails("create", code=10006),
        fails("create", FailureKind.CONNECT),
        fails("create", FailureKind.BUDGET),
    ],
    ids=lambda one: one.failure.label,
)
def test_a_create_that_was_not_taken_is_refused_and_not_repeated(trading, failure):
    requests = first_requests(trading)[:1]
    port = Port()
    port.failures["create"] = [failure]
    send(trading, port, requests)
    assert len(port.calls) == 1
    assert states(trading, requests) == {OrderState.REJECTED}


@pytest.mark.spec("02-12/5")
def test_what_is_fatal_for_the_session_is_told(trading):
    requests = first_requests(trading)[:1]
    port = Port()
    port.failures["create"] = [fails("create", code=10003)]
    _, fatal = send(trading, port, requests)
    assert fatal == ["10003"]


@pytest.mark.spec("02-12/1")
def test_a_cancel_goes_on_and_then_for_the_whole_symbol(trading):
    requests = first_requests(trading)[:1]
    accepted(trading, requests)
    port = Port()
    port.failures["cancel"] = [fails("cancel", FailureKind.TIMEOUT) for _ in range(5)]
    wanted = [one for one in cancels(trading) if one.cid == requests[0].cid]
    sender, _ = send(trading, port, wanted)
    assert [verb for verb, _ in port.calls] == ["cancel"] * 5 + ["cancel_all"]
    assert sender.counters.failures == {("cancel", "timeout"): 5}
    assert sender.counters.backoff.waits == 5
    assert sender.counters.backoff.seconds_sum == 0.0


@pytest.mark.spec("02-12/3")
def test_a_cancel_of_an_order_that_is_done_is_no_failure_and_asks_what_became_of_it(trading):
    requests = first_requests(trading)[:1]
    accepted(trading, requests)
    port = Port()
    port.failures["cancel"] = [fails("cancel", code=110001)]
    wanted = [one for one in cancels(trading) if one.cid == requests[0].cid]
    send(trading, port, wanted)
    assert len(port.calls) == 1
    assert states(trading, requests) == {OrderState.UNKNOWN}
