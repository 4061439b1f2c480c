"""Orders through the port: what is asked, what the venue has, what the private stream says."""

from __future__ import annotations

import asyncio

import pytest
from tests.conformance.ports.adapters import ADAPTERS, Trait, connected, needs, private_of
from tests.conformance.ports.world import BEST_ASK, OTHER, SYMBOL, eventually, exchange, play

from mmbot.errors import VenueError
from mmbot.units import NS_PER_MS
from mmbot.venues.failures import Action, classify
from mmbot.venues.ports import CallError
from mmbot.venues.records import AmendOrder, CancelOrder, OrderStatus, Side
from mmbot.venues.simulated.engine import CLOSED_GAP_MS

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ports")]


@pytest.fixture(params=ADAPTERS, ids=lambda adapter: adapter.name)
def adapter(request):
    return request.param


def action_of(adapter, error: CallError) -> Action:
    return classify(error.failure, adapter.codes).action


def test_an_order_is_placed_amended_and_cancelled(adapter):
    async def story():
        async with (
            exchange() as world,
            connected(adapter, world) as port,
            private_of(port) as told,
        ):
            order = world.order()
            ack = await port.create(order)
            assert (ack.cid, bool(ack.order_id)) == (order.cid, True)
            await eventually(lambda: world.open_cids() == [order.cid])
            await port.amend(AmendOrder(cid=order.cid, symbol=SYMBOL, price="49999.5", qty="0.020"))
            await eventually(lambda: any(float(o.qty) == 0.02 for o in told.orders(order.cid)))
            (found,) = await port.open_orders()
            assert (found.cid, found.order_id, found.side) == (order.cid, ack.order_id, Side.BUY)
            assert (float(found.price), float(found.qty)) == (49999.5, 0.02)
            assert found.status is OrderStatus.OPEN
            await port.cancel(CancelOrder(cid=order.cid, symbol=SYMBOL))
            await eventually(lambda: not world.open_cids())
            await eventually(lambda: told.has_ended(order.cid, OrderStatus.CANCELLED))
            assert await port.open_orders() == []
            assert told.fills() == []

    play(story)


def test_a_maker_fill_is_told_with_price_fee_and_side(adapter):
    async def story():
        async with (
            exchange() as world,
            connected(adapter, world) as port,
            private_of(port) as told,
        ):
            order = world.order()
            await port.create(order)
            await eventually(lambda: world.open_cids() == [order.cid])
            world.hit("0.004")
            world.hit("0.006")
            await eventually(lambda: len(told.fills(order.cid)) == 2)
            fills = told.fills(order.cid)
            assert [(float(f.price), float(f.qty), f.is_maker, f.side) for f in fills] == [
                (50000.0, 0.004, True, Side.BUY),
                (50000.0, 0.006, True, Side.BUY),
            ]
            assert [float(f.fee) for f in fills] == pytest.approx([0.04, 0.06])
            assert {f.fee_asset for f in fills} == {"USDT"}
            assert len({f.exec_id for f in fills}) == 2
            await eventually(lambda: told.has_ended(order.cid, OrderStatus.FILLED))
            assert float(told.orders(order.cid)[-1].filled_qty) == 0.01
            (held,) = await port.positions()
            assert (held.symbol, float(held.qty)) == (SYMBOL, 0.01)

    play(story)


def test_a_sold_position_is_negative_and_reduce_only_ends_it(adapter):
    async def story():
        async with exchange() as world, connected(adapter, world) as port:
            await port.create(world.order(side=Side.SELL, price="49999.0", post_only=False))
            await eventually(lambda: world.position_lots() == -10)
            (held,) = await port.positions()
            assert float(held.qty) == -0.01
            closing = world.order(price=BEST_ASK, post_only=False, reduce_only=True)
            await port.create(closing)
            await eventually(lambda: world.position_lots() == 0)
            assert await port.positions() == []

    play(story)


def test_a_post_only_order_that_would_cross_is_accepted_and_then_cancelled(adapter):
    async def story():
        async with (
            exchange() as world,
            connected(adapter, world) as port,
            private_of(port) as told,
        ):
            order = world.order(price=BEST_ASK)
            await port.create(order)
            await eventually(lambda: told.has_ended(order.cid, OrderStatus.CANCELLED))
            assert told.fills(order.cid) == []

    play(story)


def test_a_just_filled_order_is_found_nowhere_and_then_in_the_history(adapter):
    async def story():
        async with exchange() as world, connected(adapter, world) as port:
            # the exchange dates orders by its last step
            since_ns = await port.server_time_ns() - 100 * NS_PER_MS
            order = world.order()
            await port.create(order)
            await eventually(lambda: world.open_cids() == [order.cid])
            found = await port.find_order(symbol=SYMBOL, cid=order.cid)
            assert found is not None
            assert found.status is OrderStatus.OPEN
            world.hit("0.010")
            await eventually(lambda: not world.open_cids())
            assert await port.find_order(symbol=SYMBOL, cid=order.cid) is None
            await asyncio.sleep(2 * CLOSED_GAP_MS / 1000)
            found = await port.find_order(symbol=SYMBOL, cid=order.cid)
            assert found is not None
            assert (found.status, float(found.filled_qty)) == (OrderStatus.FILLED, 0.01)
            history = await port.order_history(since_ns=since_ns)
            assert [record.cid for record in history] == [order.cid]
            assert await port.find_order(symbol=SYMBOL, cid=world.cid()) is None

    play(story)


def test_a_batch_answers_for_each_order_in_its_order(adapter):
    needs(adapter, Trait.BATCHES)

    async def story():
        async with exchange() as world, connected(adapter, world) as port:
            size = min(port.capabilities.create_batch_max, 5)
            orders = [world.order(price=f"4999{n}.5") for n in range(size)]
            orders[1] = world.order(price="49991.55")
            answers = await port.create_batch(orders)
            assert len(answers) == size
            for order, answer in zip(orders, answers, strict=True):
                if order is orders[1]:
                    assert isinstance(answer, CallError)
                    assert action_of(adapter, answer) is Action.REJECT
                else:
                    assert not isinstance(answer, CallError)
                    assert answer.cid == order.cid
            good = [order for order in orders if order is not orders[1]]
            await eventually(lambda: sorted(world.open_cids()) == sorted(o.cid for o in good))
            changes = [
                AmendOrder(cid=o.cid, symbol=SYMBOL, price=o.price, qty="0.030") for o in good
            ]
            assert not any(isinstance(a, CallError) for a in await port.amend_batch(changes))
            cancels = [CancelOrder(cid=o.cid, symbol=SYMBOL) for o in [*good, orders[1]]]
            ended = await port.cancel_batch(cancels)
            assert [isinstance(a, CallError) for a in ended] == [False] * len(good) + [True]
            last = ended[-1]
            assert isinstance(last, CallError)
            assert action_of(adapter, last) is Action.RESOLVE
            await eventually(lambda: not world.open_cids())

    play(story)


def test_refusals_have_their_classes(adapter):
    async def story():
        async with exchange() as world, connected(adapter, world) as port:
            order = world.order()
            await port.create(order)
            cases = [
                (port.create(order), Action.RESOLVE),
                (port.create(world.order(qty="10000")), Action.REJECT),
                (port.create(world.order(qty="0.001", price="1000.0")), Action.REJECT),
                (port.create(world.order(reduce_only=True)), Action.REJECT),
                (port.cancel(CancelOrder(cid=world.cid(), symbol=SYMBOL)), Action.RESOLVE),
                (
                    port.amend(
                        AmendOrder(cid=world.cid(), symbol=SYMBOL, price="49990.0", qty="1.000")
                    ),
                    Action.RESOLVE,
                ),
            ]
            for number, (call, action) in enumerate(cases):
                with pytest.raises(CallError) as caught:
                    await call
                assert action_of(adapter, caught.value) is action, (number, str(caught.value))
            assert world.open_cids() == [order.cid]

    play(story)


def test_orders_of_others_are_never_touched(adapter):
    needs(adapter, Trait.NAMESPACE)

    async def story():
        async with exchange() as world, connected(adapter, world) as port:
            world.place_foreign("web-1")
            world.place_foreign("")
            for price in ("49990.0", "49991.0", "49992.0"):
                await port.create(world.order(price=price))
            await port.create(world.order(symbol=OTHER, price="49990.0"))
            await eventually(lambda: len(world.open_cids()) == 6)
            await port.cancel_all(SYMBOL)
            await eventually(lambda: len(world.open_cids()) == 3)
            left = {record.cid for record in await port.open_orders()}
            assert {"web-1", ""} < left
            with pytest.raises(VenueError, match="E_VENUE_FOREIGN"):
                await port.cancel(CancelOrder(cid="web-1", symbol=SYMBOL))
            with pytest.raises(VenueError, match="E_VENUE_FOREIGN"):
                await port.create(world.order(cid="web-2"))
            assert len(world.open_cids()) == 3

    play(story)


def test_more_orders_than_a_batch_or_a_page_are_all_cancelled(adapter):
    async def story():
        async with exchange() as world, connected(adapter, world, has_budget=False) as port:
            size = port.capabilities.create_batch_max
            orders = [world.order(price=f"49{n // 10:03d}.{n % 10}") for n in range(70)]
            for start in range(0, len(orders), size):
                await port.create_batch(orders[start : start + size])
            await eventually(lambda: len(world.open_cids()) == 70)
            assert len(await port.open_orders()) == 70
            await port.cancel_all(SYMBOL)
            await eventually(lambda: not world.open_cids())

    play(story)
