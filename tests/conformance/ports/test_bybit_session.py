"""What is Bybit's own: the two ways of orders, the clock, encoded frames, counters."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.conformance.ports.adapters import BybitAdapter, Options, connected, private_of
from tests.conformance.ports.world import (
    OURS,
    START_NS,
    SYMBOL,
    clockwork,
    eventually,
    exchange,
    play,
)

from mmbot import core
from mmbot.units import NS_PER_MS
from mmbot.venues.bybit.codes import BYBIT_CODES
from mmbot.venues.bybit.entry import EntryCounters
from mmbot.venues.clock_offset import ClockState
from mmbot.venues.failures import Action, FailureKind, classify
from mmbot.venues.ports import CallError
from mmbot.venues.records import CancelOrder
from mmbot.venues.simulated.limits import AccountLimits
from mmbot.venues.stream.socket import SocketState

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ports")]

ADAPTER = BybitAdapter("bybit", has_trade_socket=True)


@asynccontextmanager
async def session(world, **more):
    async with connected(ADAPTER, world, **more) as port:
        yield port


def test_orders_take_the_socket_while_it_is_up_and_rest_while_it_is_down():
    async def story():
        async with exchange() as world, session(world) as port:
            await port.create(world.order(price="49990.0"))
            counters = port.orders.counters
            assert (counters.over_socket, counters.over_rest) == (1, 0)
            world.fault("disconnect", stream="trade")
            await eventually(lambda: not port.is_trade_socket_up)
            await port.create(world.order(price="49991.0"))
            assert (counters.over_socket, counters.over_rest) == (1, 1)
            await eventually(lambda: port.is_trade_socket_up)
            await port.create(world.order(price="49992.0"))
            assert (counters.over_socket, counters.over_rest) == (2, 1)
            await eventually(lambda: len(world.open_cids()) == 3)
            assert port.streams.counters["trade"].reconnects == 1

    play(story)


def test_a_trade_socket_that_is_cut_while_an_answer_is_awaited_leaves_it_unknown():
    async def story():
        async with exchange() as world, session(world, timeout_ms=5_000) as port:
            world.fault("hold", stream="trade", delay_ms=500)
            order = world.order()
            call = asyncio.create_task(port.create(order))
            await asyncio.sleep(0.1)
            world.fault("disconnect", stream="trade")
            with pytest.raises(CallError) as caught:
                await call
            assert caught.value.failure.kind is FailureKind.DISCONNECT
            assert caught.value.failure.is_sent
            await asyncio.sleep(0.7)
            assert world.cid_count(order.cid) <= 1
            assert port.orders.counters.over_rest == 0

    play(story)


def test_a_cancel_on_a_dead_trade_socket_goes_over_rest_as_well_and_a_create_does_not():
    async def story():
        async with exchange() as world, session(world, timeout_ms=1_000) as port:
            order = world.order()
            await port.create(order)
            await eventually(lambda: world.open_cids() == [order.cid])
            world.fault("half_open", stream="trade")
            ack = await port.cancel(CancelOrder(cid=order.cid, symbol=SYMBOL))
            assert ack.cid == order.cid
            await eventually(lambda: not world.open_cids())
            counters = port.orders.counters
            assert (counters.hedged, counters.over_rest) == (1, 1)
            with pytest.raises(CallError) as caught:
                await port.create(world.order())
            assert caught.value.failure.kind is FailureKind.TIMEOUT
            assert (counters.hedged, counters.over_rest) == (1, 1)

    play(story)


def test_a_late_answer_is_counted_and_goes_to_nobody():
    async def story():
        async with exchange() as world, session(world, timeout_ms=200) as port:
            world.fault("delay", stream="trade", delay_ms=600, count=1)
            with pytest.raises(CallError):
                await port.create(world.order(price="49990.0"))
            await asyncio.sleep(0.8)
            ack = await port.create(world.order(price="49991.0"))
            assert ack.order_id
            assert port._trade.dialogue.late_answers == 1

    play(story)


def requests_of(prefix: str) -> list[core.OrderRequest]:
    """The first orders of a session on a market like that of the exchange, bids alone."""
    live = core.LiveSession(
        [core.Instrument(SYMBOL, "0.1", "0.001", min_qty="0.001", min_notional_usd=5.0)],
        [{"strategy.levels_per_side": 3}],
        {},
        journal={
            "session_id": "x",
            "mode": "live",
            "ts_ns": START_NS,
            "cid_prefix": prefix,
            "config": b"{}",
            "hash_every_ns": 1_000_000_000,
        },
    )
    live.on_events(SYMBOL, next(clockwork()))
    return [one for one in live.take_requests() if one.side == "buy"]


def test_requests_of_the_core_have_left_before_anybody_waits():
    async def story():
        async with exchange() as world, session(world) as port:
            wanted = requests_of(f"{OURS.bot}-")
            assert len(wanted) >= 2
            cids = [one.client_order_id for one in wanted]
            sent = [port.begin(wanted[:1], cids[:1]), port.begin(wanted[1:], cids[1:])]
            assert port.orders.counters.over_socket == 2
            acks = [ack for one in sent for ack in await one]
            assert [ack.cid for ack in acks] == cids
            await eventually(lambda: sorted(world.open_cids()) == sorted(cids))
            world.fault("disconnect", stream="trade")
            await eventually(lambda: not port.is_trade_socket_up)
            assert port.begin(wanted, cids) is None
            assert port.orders.counters.over_rest == 0

    play(story)


def test_a_rehearsal_sends_nothing_spends_nothing_and_is_no_request():
    async def story():
        async with exchange() as world, session(world) as port:
            wanted = requests_of(f"{OURS.bot}-")
            cids = [one.client_order_id for one in wanted]
            heard: list[Any] = []
            following = asyncio.create_task(port.follow([SYMBOL], depth=50, take=heard.append))
            await eventually(lambda: len(heard) > 2)
            budget, next_id = port.rest.budget.budget, port._trade.next_req_id()
            before = await budget.status(now_ns=0)
            for _ in range(500):
                port.rehearse(wanted, cids)
            assert port.orders._stage.frames == 500
            assert await budget.status(now_ns=0) == before
            assert port.orders.counters == EntryCounters()
            assert int(port._trade.next_req_id().split("-")[1]) == int(next_id.split("-")[1]) + 1
            # what is heard of the market is heard once
            numbers = [one.data for one in heard]
            assert len(set(numbers)) == len(numbers)
            await asyncio.sleep(0.1)
            assert world.open_cids() == []
            await port.begin(wanted, cids)
            await eventually(lambda: sorted(world.open_cids()) == sorted(cids))
            following.cancel()

    play(story)


@pytest.mark.parametrize("skew_ms", [-10_000, -2_000, -500, 500, 2_000, 10_000])
def test_a_skewed_clock_is_followed_and_judged(skew_ms):
    async def story():
        async with exchange() as world:
            world.fault("clock_skew", skew_ms=skew_ms)
            await asyncio.sleep(0.05)
            async with session(world) as port:
                await port.create(world.order())
                await eventually(lambda: len(world.open_cids()) == 1)
                verdict = port.clock_verdict()
                assert verdict.offset_ns is not None
                assert abs(verdict.offset_ns - skew_ms * NS_PER_MS) < 20 * NS_PER_MS
                is_far = abs(skew_ms) > 1_000
                assert verdict.may_quote is not is_far
                assert (verdict.state is ClockState.STOP) is is_far

    play(story)


@pytest.mark.parametrize("step_ms", [-2_000, 2_000, 10_000])
def test_a_step_of_the_clock_during_a_session_is_found_by_the_next_answer(step_ms):
    async def story():
        async with exchange() as world, session(world) as port:
            await port.create(world.order(price="49990.0"))
            assert port.clock_verdict().state is ClockState.GOOD
            world.fault("clock_skew", skew_ms=step_ms)
            await asyncio.sleep(0.05)
            await port.server_time_ns()
            assert port.clock.estimator.steps == 1
            verdict = port.clock_verdict()
            assert verdict.state is ClockState.STOP
            assert "the machine's clock is" in verdict.reason
            # requests are signed with the venue's time and still pass
            await port.create(world.order(price="49991.0"))
            world.heal()

    play(story)


def test_a_signature_from_before_a_step_is_a_session_error_and_teaches_the_time():
    async def story():
        async with exchange() as world:
            port = BybitAdapter("bybit", has_trade_socket=False).build(world, Options())
            try:
                await port.equity()
                world.fault("clock_skew", skew_ms=-3_000)
                await asyncio.sleep(0.05)
                with pytest.raises(CallError) as caught:
                    await port.equity()
                assert caught.value.failure.code == 10002
                action = classify(caught.value.failure, BYBIT_CODES).action
                assert action is Action.STOP_SESSION
                await port.equity()
            finally:
                await port.aclose()

    play(story)


def test_states_and_counters_say_what_happened():
    async def story():
        async with exchange() as world, session(world) as port, private_of(port) as told:
            assert set(port.streams.states.values()) == {SocketState.UP}
            world.fault("disconnect", stream="private")
            await eventually(lambda: told.changes() == [True, False, True])
            counters = port.streams.counters["private"]
            assert (counters.connects, counters.reconnects) == (2, 1)
            assert counters.losses == {"disconnected": 1}
            assert counters.frames > 0
            await port.cancel_all(SYMBOL)
            with pytest.raises(CallError):
                await port.cancel(CancelOrder(cid=world.cid(), symbol=SYMBOL))
            health = port.health()
            assert (health.ws_connected, health.reconnects, health.rest_ok) == (True, 1, True)
            assert health.lag_ms is None
            assert health.rest_error_rate == 0.0
            frames = port.public_frames([SYMBOL], depth=50)
            for _ in range(5):
                await anext(frames)
            lag_ms = port.health().lag_ms
            assert lag_ms is not None
            assert lag_ms < 1_000
            world.fault("half_open")
            await eventually(lambda: not port.health().ws_connected)

    play(story)


def test_closing_ends_every_reader():
    async def story():
        async with exchange() as world:
            port = ADAPTER.build(world, Options())
            frames = port.public_frames([SYMBOL], depth=50)
            await anext(frames)
            rest = asyncio.create_task(_all(frames))
            news = asyncio.create_task(_all(port.private_events()))
            await eventually(lambda: port.streams.states.get("private") is SocketState.UP)
            await port.aclose()
            await asyncio.wait_for(asyncio.gather(rest, news), 5)
            assert SocketState.UP not in port.streams.states.values()

    play(story)


async def _all(events) -> int:
    return len([event async for event in events])


SINGLE = "/v5/order/cancel"


def test_cancels_that_would_wait_go_as_a_batch_of_one_which_has_a_limit_of_its_own(monkeypatch):
    passed = []
    take = AccountLimits.take

    def taken(limits, uid, path, now_ms, count=1):
        found = take(limits, uid, path, now_ms, count)
        passed.append(path)
        return found

    monkeypatch.setattr(AccountLimits, "take", taken)

    async def story():
        async with exchange(has_limits=True) as world, session(world) as port:
            orders = [world.order(price=f"4999{n}.0") for n in range(3)]
            for order in orders:
                await port.create(order)
            world.fault("limit_cut", percent=10)
            await eventually(lambda: world.conductor.account_limits.percent == 10)
            first, *rest = (CancelOrder(cid=order.cid, symbol=SYMBOL) for order in orders)
            # its answer says that one a second passes
            await port.cancel(first)
            await eventually(lambda: port._budget._ledger.status(0)[SINGLE].limit == 1)
            limits = await port.order_limits()
            assert set(limits.values()) == {(1, 10)}
            passed.clear()
            await asyncio.gather(*(port.cancel(one) for one in rest))
            assert sorted(passed) == [SINGLE, f"{SINGLE}-batch"]
            assert world.open_cids() == []

    play(story)


def test_an_order_that_is_gone_is_the_same_failure_on_both_ways():
    async def story():
        async with exchange(has_limits=True) as world, session(world) as port:
            cancel = CancelOrder(cid=world.cid(), symbol=SYMBOL)
            codes = []
            for waiting in (0, 20):
                port.orders._cancelling[False] = waiting
                with pytest.raises(CallError) as error:
                    await port.cancel(cancel)
                codes.append(error.value.failure.code)
            assert codes == [110001, 110001]

    play(story)
