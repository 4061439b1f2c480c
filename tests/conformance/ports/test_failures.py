"""Calls that fail, through the port: each failure says what is known, and nothing is sent twice."""

from __future__ import annotations

import asyncio

import pytest
from tests.conformance.ports.adapters import (
    ADAPTERS,
    Options,
    Trait,
    connected,
    needs,
    private_of,
    public_of,
)
from tests.conformance.ports.world import SYMBOL, World, eventually, exchange, play

from mmbot.venues.failures import Action, ErrorClass, classify
from mmbot.venues.ports import CallError
from mmbot.venues.records import CancelOrder, OrderStatus

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ports")]

ORDER_WAYS = ("rest", "trade")
CREATE = "/v5/order/create"
CANCEL = "/v5/order/cancel"


@pytest.fixture(params=ADAPTERS, ids=lambda adapter: adapter.name)
def adapter(request):
    return request.param


def verdict_of(adapter, error: CallError):
    return classify(error.failure, adapter.codes)


async def failing(call) -> CallError:
    with pytest.raises(CallError) as caught:
        await call
    return caught.value


async def outcome(call) -> CallError | None:
    try:
        await call
    except CallError as error:
        return error
    return None


def order_fault(world: World, kind: str, topic: str, **more) -> None:
    """A fault of order requests or their answers, whatever way they take."""
    for stream in ORDER_WAYS:
        world.fault(kind, stream=stream, topic=topic, **more)


@pytest.mark.spec("02-12")
def test_a_create_that_never_arrived_is_ambiguous_and_found_nowhere(adapter):
    async def story():
        async with exchange() as world, connected(adapter, world, timeout_ms=300) as port:
            order_fault(world, "lose", CREATE)
            order = world.order()
            error = await failing(port.create(order))
            assert verdict_of(adapter, error).action is Action.QUERY_BY_CID
            await asyncio.sleep(0.3)
            assert world.cid_count(order.cid) == 0
            assert await port.find_order(symbol=SYMBOL, cid=order.cid) is None

    play(story)


@pytest.mark.spec("02-12")
def test_a_create_whose_answer_is_lost_is_ambiguous_and_rests_once(adapter):
    async def story():
        async with exchange() as world, connected(adapter, world, timeout_ms=300) as port:
            order_fault(world, "drop", CREATE)
            order = world.order()
            error = await failing(port.create(order))
            assert verdict_of(adapter, error).action is Action.QUERY_BY_CID
            await asyncio.sleep(0.3)
            assert world.cid_count(order.cid) == 1
            found = await port.find_order(symbol=SYMBOL, cid=order.cid)
            assert found is not None
            assert found.status is OrderStatus.OPEN

    play(story)


@pytest.mark.spec("02-12")
def test_a_create_that_takes_effect_late_rests_once(adapter):
    async def story():
        async with exchange() as world, connected(adapter, world, timeout_ms=300) as port:
            order_fault(world, "hold", CREATE, delay_ms=900)
            order = world.order()
            error = await failing(port.create(order))
            assert error.failure.is_sent
            assert verdict_of(adapter, error).action is Action.QUERY_BY_CID
            assert await port.find_order(symbol=SYMBOL, cid=order.cid) is None
            await eventually(lambda: world.open_cids() == [order.cid])
            await asyncio.sleep(0.3)
            assert world.cid_count(order.cid) == 1

    play(story)


@pytest.mark.spec("02-12")
def test_a_cancel_whose_answer_is_lost_may_be_repeated(adapter):
    async def story():
        async with exchange() as world, connected(adapter, world, timeout_ms=300) as port:
            order = world.order()
            await port.create(order)
            await eventually(lambda: world.open_cids() == [order.cid])
            order_fault(world, "drop", CANCEL)
            cancel = CancelOrder(cid=order.cid, symbol=SYMBOL)
            error = await failing(port.cancel(cancel))
            assert verdict_of(adapter, error).action is Action.RETRY
            await eventually(lambda: not world.open_cids())
            world.heal()
            assert verdict_of(adapter, await failing(port.cancel(cancel))).action is Action.RESOLVE

    play(story)


def test_a_batch_whose_answer_is_lost_says_nothing_of_any_order(adapter):
    needs(adapter, Trait.BATCHES)

    async def story():
        async with exchange() as world, connected(adapter, world, timeout_ms=300) as port:
            order_fault(world, "drop", CREATE)
            orders = [world.order(price=f"4999{n}.0") for n in range(3)]
            error = await failing(port.create_batch(orders))
            assert verdict_of(adapter, error).action is Action.QUERY_BY_CID
            await eventually(lambda: len(world.open_cids()) == 3)

    play(story)


def test_a_venue_that_is_not_there_got_nothing(adapter):
    async def story():
        async with exchange() as world:
            async with connected(adapter, world) as port:
                await port.server_time_ns()
            world.port += 1
            port = adapter.build(world, Options(timeout_ms=500))
            try:
                error = await failing(port.equity())
                assert not error.failure.is_sent
                assert verdict_of(adapter, error).action is Action.RETRY
            finally:
                await port.aclose()

    play(story)


@pytest.mark.spec("02-12")
def test_a_rate_limit_is_transient_and_says_how_long(adapter):
    async def story():
        async with exchange(has_limits=True) as world, connected(adapter, world) as port:
            await port.create(world.order())
            world.fault("rate_limit", duration_ms=60_000)
            await asyncio.sleep(0.05)
            error = await failing(port.create(world.order()))
            assert verdict_of(adapter, error).action is Action.RETRY
            if Trait.WAIT_TOLD not in adapter.traits:
                return
            assert error.failure.retry_after_ms is not None
            assert 0 < error.failure.retry_after_ms <= 1_000

    play(story)


def test_with_limits_cut_to_a_tenth_cancels_still_pass_and_refusals_stay_few(adapter):
    needs(adapter, Trait.BUDGET)

    async def story():
        async with (
            exchange(has_limits=True) as world,
            connected(adapter, world, patience_ms=100) as port,
        ):
            orders = [world.order(price=f"4999{n}.0") for n in range(3)]
            for order in orders:
                await port.create(order)
            world.fault("limit_cut", percent=10)
            await asyncio.sleep(1.2)
            answers = []
            for _ in range(30):
                answers.append(await outcome(port.create(world.order(price="49000.0"))))
                await asyncio.sleep(0.02)
            refused = [one for one in answers if one is not None]
            assert {verdict_of(adapter, error).action for error in refused} == {Action.RETRY}
            # the first answer tells the new limit; from then on requests wait here, not there
            assert [error.failure.code for error in refused].count(10006) <= 3
            for order in orders:
                cancel = CancelOrder(cid=order.cid, symbol=SYMBOL)
                while (failed := await outcome(port.cancel(cancel))) is not None:
                    assert verdict_of(adapter, failed).action is Action.RETRY
                    await asyncio.sleep(0.2)
            ours = {order.cid for order in orders}
            await eventually(lambda: not ours & set(world.open_cids()))

    play(story)


@pytest.mark.parametrize(
    ("key", "secret"), [("key-1", "not-the-secret"), ("no-such-key", "secret-of-1")]
)
@pytest.mark.spec("02-12")
def test_wrong_credentials_stop_the_session_and_end_the_private_stream(adapter, key, secret):
    async def story():
        async with exchange() as world:
            port = adapter.build(world, Options(key=key, secret=secret))
            try:
                for call in (port.equity(), port.create(world.order()), port.positions()):
                    error = await failing(call)
                    assert verdict_of(adapter, error).error_class is ErrorClass.FATAL_SESSION
                async with private_of(port) as told:
                    assert isinstance(told.error, CallError)
                    assert verdict_of(adapter, told.error).action is Action.STOP_SESSION
                    assert secret not in str(told.error)
                connections = world.conductor.hub.streams.values()
                await asyncio.sleep(1.5)
                assert "private" not in connections
                assert world.exchange.desks[1].orders == {}
            finally:
                await port.aclose()

    play(story)


def test_a_key_that_is_revoked_ends_the_session_without_a_storm(adapter):
    needs(adapter, Trait.REVOCATION)

    async def story():
        async with (
            exchange() as world,
            connected(adapter, world) as port,
            private_of(port) as told,
        ):
            world.fault("revoke")
            await eventually(lambda: told.error, within_s=15)
            assert isinstance(told.error, CallError)
            assert verdict_of(adapter, told.error).action is Action.STOP_SESSION
            assert told.changes()[-1] is False
            error = await failing(port.create(world.order()))
            assert verdict_of(adapter, error).action is Action.STOP_SESSION
            # the trade socket tries once more, after at most a second
            await asyncio.sleep(1.2)
            seen = world.conductor._connections
            await asyncio.sleep(2)
            assert world.conductor._connections == seen

    play(story)


@pytest.mark.spec("02-12")
def test_an_address_that_is_banned_stops_the_session_and_is_left_alone(adapter):
    needs(adapter, Trait.BUDGET)

    async def story():
        async with exchange() as world, connected(adapter, world, patience_ms=50) as port:
            await port.equity()
            world.fault("forbidden")
            await asyncio.sleep(0.05)
            error = await failing(port.equity())
            assert error.failure.http_status == 403
            assert verdict_of(adapter, error).action is Action.STOP_SESSION
            # nothing more is sent while the ban lasts: it would only become longer
            error = await failing(port.equity())
            assert not error.failure.is_sent

    play(story)


@pytest.mark.spec("02-12")
def test_maintenance_is_ambiguous_for_creates_and_passes(adapter):
    async def story():
        async with (
            exchange() as world,
            connected(adapter, world) as port,
            private_of(port) as told,
            public_of(adapter, port, [SYMBOL]) as books,
        ):
            order = world.order()
            await port.create(order)
            await eventually(lambda: told.orders(order.cid))
            world.fault("maintenance", duration_ms=1_500)
            await eventually(lambda: books.gaps and told.changes()[-1] is False)
            error = await failing(port.create(world.order(price="49990.0")))
            assert verdict_of(adapter, error).action is Action.QUERY_BY_CID
            error = await failing(port.open_orders())
            assert verdict_of(adapter, error).action is Action.RETRY
            await eventually(lambda: told.changes()[-1])
            await eventually(lambda: SYMBOL in books.books)
            world.pace.is_stopped = True
            await eventually(lambda: books.is_equal(SYMBOL, world.levels()))
            assert [record.cid for record in await port.open_orders()] == [order.cid]

    play(story)


def test_an_answer_that_cannot_be_read_is_ambiguous_only_for_what_may_rest(adapter):
    needs(adapter, Trait.STRICT)

    async def story():
        async with exchange() as world, connected(adapter, world, timeout_ms=300) as port:
            await port.equity()
            order_fault(world, "malformed", CREATE)
            world.fault("malformed", stream="rest", topic="/v5/position")
            error = await failing(port.create(world.order()))
            assert verdict_of(adapter, error).action is Action.QUERY_BY_CID
            error = await failing(port.positions())
            assert verdict_of(adapter, error).action is Action.RETRY

    play(story)
