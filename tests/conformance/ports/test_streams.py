"""Streams through the port under cuts: books equal the truth again, and no fill is lost."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from tests.conformance.ports.adapters import (
    ADAPTERS,
    Trait,
    connected,
    needs,
    private_of,
    public_of,
)
from tests.conformance.ports.world import OTHER, SYMBOL, World, eventually, exchange, play

from mmbot.clock import monotonic_ns, wall_ns
from mmbot.units import NS_PER_MS, NS_PER_SEC
from mmbot.venues.ports import GapReason
from mmbot.venues.records import OrderStatus
from mmbot.venues.simulated.engine import CLOSED_GAP_MS

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ports")]

BOTH = [SYMBOL, OTHER]
FILLS = 100


@pytest.fixture(params=ADAPTERS, ids=lambda adapter: adapter.name)
def adapter(request):
    return request.param


async def settled(world: World, told) -> None:
    """The market stops, and every book becomes the exchange's own."""
    world.pace.is_stopped = True
    await eventually(lambda: all(told.is_equal(s, world.levels(s)) for s in told.books))
    await asyncio.sleep(0.1)
    for symbol in BOTH:
        assert told.is_equal(symbol, world.levels(symbol))
    assert told.error is None


def test_books_follow_the_exchange_and_frames_are_dated(adapter):
    async def story():
        async with (
            exchange() as world,
            connected(adapter, world) as port,
            public_of(adapter, port, BOTH) as told,
        ):
            before_ns = wall_ns()
            count = len(told.frames)
            await eventually(lambda: len(told.frames) > count + 50)
            await settled(world, told)
            assert told.gaps == []
            assert told.frames[-1].recv_ns >= before_ns
            times = [frame.recv_ns for frame in told.frames]
            assert times == sorted(times)

    play(story)


def test_a_socket_that_is_cut_mid_burst_begins_again_with_right_books(adapter):
    async def story():
        async with (
            exchange() as world,
            connected(adapter, world) as port,
            public_of(adapter, port, BOTH) as told,
        ):
            for _ in range(2):
                told.gaps.clear()
                world.fault("disconnect", stream="public")
                await eventually(lambda: told.gaps)
                assert set(told.gaps[-1].symbols) == set(BOTH)
                assert told.gaps[-1].reason is GapReason.DISCONNECTED
                await eventually(lambda: set(told.books) == set(BOTH))
            await settled(world, told)
            assert len(told.gaps) == 1

    play(story)


def test_a_half_open_socket_is_found_within_a_second_and_replaced(adapter):
    needs(adapter, Trait.WATCHDOG)

    async def story():
        async with (
            exchange() as world,
            connected(adapter, world) as port,
            public_of(adapter, port, BOTH) as told,
        ):
            await asyncio.sleep(0.3)
            last_ns = told.frames[-1].recv_ns
            world.fault("half_open", stream="public")
            await eventually(lambda: told.gaps)
            last_ns = max(f.recv_ns for f in told.frames)
            assert told.gaps[0].reason is GapReason.HALF_OPEN
            assert told.gaps[0].recv_ns - last_ns < NS_PER_SEC
            world.heal()
            await eventually(lambda: set(told.books) == set(BOTH))
            await settled(world, told)

    play(story)


def test_a_quiet_market_is_no_dead_socket(adapter):
    async def story():
        async with (
            exchange() as world,
            connected(adapter, world) as port,
            public_of(adapter, port, BOTH) as told,
        ):
            world.pace.is_stopped = True
            await asyncio.sleep(2.5)
            world.pace.is_stopped = False
            count = len(told.frames)
            await eventually(lambda: len(told.frames) > count + 10)
            assert told.gaps == []

    play(story)


def test_frames_that_come_a_second_late_are_a_gap_until_they_come_in_time(adapter):
    needs(adapter, Trait.WATCHDOG)

    async def story():
        async with (
            exchange() as world,
            connected(adapter, world) as port,
            public_of(adapter, port, BOTH) as told,
        ):
            world.fault("delay", stream="public", topic="orderbook", delay_ms=1_300)
            await eventually(lambda: told.gaps)
            assert told.gaps[0].reason in (GapReason.LAGGING, GapReason.HALF_OPEN)
            world.heal()
            await eventually(lambda: set(told.books) == set(BOTH))
            await settled(world, told)

    play(story)


def test_a_book_that_stands_still_while_trades_go_on_is_asked_for_anew(adapter):
    needs(adapter, Trait.WATCHDOG)

    async def story():
        async with (
            exchange() as world,
            connected(adapter, world) as port,
            public_of(adapter, port, BOTH) as told,
        ):
            world.fault("drop", stream="public", topic=f"orderbook.50.{SYMBOL}", count=100)
            await eventually(lambda: told.gaps)
            assert told.gaps[0].symbols == (SYMBOL,)
            assert told.gaps[0].reason is GapReason.BOOK_STUCK
            world.heal()
            # the drop may have taken the new snapshot with it: then it is found again
            await eventually(lambda: set(told.books) == set(BOTH))
            await settled(world, told)
            assert all(gap.symbols == (SYMBOL,) for gap in told.gaps)

    play(story)


def test_the_session_can_ask_for_one_book_anew(adapter):
    async def story():
        async with (
            exchange() as world,
            connected(adapter, world) as port,
            public_of(adapter, port, BOTH) as told,
        ):
            await port.resubscribe([SYMBOL])
            await eventually(lambda: told.gaps)
            assert SYMBOL in told.gaps[0].symbols
            assert told.gaps[0].reason is GapReason.RESUBSCRIBED
            await eventually(lambda: set(told.books) == set(BOTH))
            await settled(world, told)

    play(story)


def test_a_private_socket_that_is_cut_during_100_fills_loses_none(adapter):
    """What the stream told and what `executions` tells for the time of the cut: each fill once."""

    async def story():
        async with (
            exchange() as world,
            connected(adapter, world, has_budget=False) as port,
            private_of(port) as told,
        ):
            # the exchange dates orders by its last step
            since_ns = await port.server_time_ns() - 100 * NS_PER_MS
            order = world.order(qty="0.100")
            await port.create(order)
            await eventually(lambda: world.open_cids() == [order.cid])
            for number in range(FILLS):
                if number in (20, 60):
                    world.fault("disconnect", stream="private")
                world.hit("0.001")
                await asyncio.sleep(0.012)
            await eventually(lambda: told.changes().count(False) >= 1)
            await eventually(lambda: told.changes()[-1])
            await eventually(lambda: world.position_lots() == FILLS)
            streamed = Counter(fill.exec_id for fill in told.fills(order.cid))
            asked = [f for f in await port.executions(since_ns=since_ns) if f.cid == order.cid]
            assert max(streamed.values()) == 1
            assert len({fill.exec_id for fill in asked}) == len(asked) == FILLS
            assert set(streamed) <= {fill.exec_id for fill in asked}
            assert sum(float(fill.qty) for fill in asked) == pytest.approx(0.1)
            assert [f.ts_ns for f in asked] == sorted(f.ts_ns for f in asked)
            await asyncio.sleep(2 * CLOSED_GAP_MS / 1000)
            history = await port.order_history(since_ns=since_ns)
            assert [(o.cid, o.status) for o in history] == [(order.cid, OrderStatus.FILLED)]

    play(story)


def test_a_half_open_private_socket_is_found_and_said(adapter):
    needs(adapter, Trait.WATCHDOG)

    async def story():
        async with (
            exchange() as world,
            connected(adapter, world) as port,
            private_of(port) as told,
        ):
            began_ns = monotonic_ns()
            world.fault("half_open", stream="private")
            await eventually(lambda: told.changes()[-1] is False)
            assert monotonic_ns() - began_ns < 4 * NS_PER_SEC
            world.heal()
            await eventually(lambda: told.changes()[-1])
            order = world.order()
            await port.create(order)
            await eventually(lambda: told.orders(order.cid))

    play(story)


def test_duplicates_and_disorder_on_the_private_stream_are_handed_on_as_they_are(adapter):
    """An adapter hides nothing: the execution ids let the session see what it has already."""
    needs(adapter, Trait.FRAMES)

    async def story():
        async with (
            exchange() as world,
            connected(adapter, world) as port,
            private_of(port) as told,
        ):
            world.fault("duplicate", stream="private", topic="execution")
            order = world.order()
            await port.create(order)
            await eventually(lambda: world.open_cids() == [order.cid])
            world.hit("0.010")
            await eventually(lambda: len(told.fills(order.cid)) == 2)
            assert len({fill.exec_id for fill in told.fills(order.cid)}) == 1

    play(story)


def test_a_broken_private_frame_ends_the_connection_so_that_it_is_looked_for(adapter):
    needs(adapter, Trait.STRICT)

    async def story():
        async with (
            exchange() as world,
            connected(adapter, world) as port,
            private_of(port) as told,
        ):
            since_ns = await port.server_time_ns()
            order = world.order()
            await port.create(order)
            await eventually(lambda: told.orders(order.cid))
            world.fault("malformed", stream="private", topic="execution", count=1)
            world.hit("0.010")
            await eventually(lambda: told.changes() == [True, False, True])
            assert told.error is None
            (fill,) = await port.executions(since_ns=since_ns)
            assert fill.cid == order.cid

    play(story)


def test_broken_public_frames_reach_the_decoder_and_the_stream_goes_on(adapter):
    needs(adapter, Trait.FRAMES)

    async def story():
        async with (
            exchange() as world,
            connected(adapter, world) as port,
            public_of(adapter, port, [SYMBOL]) as told,
        ):
            world.fault("malformed", stream="public", topic="publicTrade", count=2)
            await eventually(lambda: sum(not f.data.endswith(b"}") for f in told.frames) == 2)
            count = len(told.frames)
            await eventually(lambda: len(told.frames) > count + 50)
            assert told.gaps == []

    play(story)


def test_time_stamps_of_records_are_the_venues(adapter):
    async def story():
        async with (
            exchange() as world,
            connected(adapter, world) as port,
            private_of(port) as told,
        ):
            order = world.order()
            before_ns = wall_ns()
            await port.create(order)
            await eventually(lambda: told.orders(order.cid))
            (record,) = told.orders(order.cid)[:1]
            assert before_ns - 100 * NS_PER_MS <= record.updated_ns <= wall_ns() + 100 * NS_PER_MS

    play(story)
