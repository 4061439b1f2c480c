"""Questions through the port: complete answers, exact texts."""

from __future__ import annotations

import asyncio

import pytest
from tests.conformance.ports.adapters import ADAPTERS, Trait, connected, needs
from tests.conformance.ports.world import BEST_ASK, OTHER, SYMBOL, eventually, exchange, play

from mmbot.clock import wall_ns
from mmbot.units import NS_PER_SEC
from mmbot.venues.bybit.codes import BYBIT_CODES
from mmbot.venues.failures import Action, classify
from mmbot.venues.ports import CallError
from mmbot.venues.records import InstrumentRules

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ports")]


@pytest.fixture(params=ADAPTERS, ids=lambda adapter: adapter.name)
def adapter(request):
    return request.param


def test_instruments_have_their_grids_and_what_is_not_traded_is_missing(adapter):
    async def story():
        async with exchange() as world, connected(adapter, world) as port:
            found = await port.instruments([SYMBOL, "NOSUCHUSDT", OTHER])
            assert set(found) == {SYMBOL, OTHER}
            rules = found[SYMBOL]
            assert isinstance(rules, InstrumentRules)
            assert (float(rules.tick_size), float(rules.lot_size)) == (0.1, 0.001)
            assert (float(rules.min_qty), float(rules.min_notional)) == (0.001, 5)
            assert rules.batch_max >= 1
            assert rules.ticks("50000.0") == 500_000
            many = [f"S{n}USDT" for n in range(20)]
            assert set(await port.instruments([*many, SYMBOL])) == {SYMBOL}

    play(story)


def test_a_symbol_that_is_closed_is_missing():
    adapter = ADAPTERS[0]

    async def story():
        async with exchange() as world, connected(adapter, world) as port:
            assert set(await port.instruments([SYMBOL, OTHER])) == {SYMBOL, OTHER}
            world.exchange.stop_symbol(OTHER, status="Closed")
            assert set(await port.instruments([SYMBOL, OTHER])) == {SYMBOL}

    play(story)


def test_balance_equity_and_fees_are_the_accounts(adapter):
    async def story():
        async with exchange() as world, connected(adapter, world) as port:
            before = await port.equity()
            assert float(before.equity_usd) == 1_000_000
            (usdt,) = before.balances
            assert (usdt.asset, float(usdt.total)) == ("USDT", 1_000_000)
            await port.create(world.order(price=BEST_ASK, post_only=False))
            await eventually(lambda: world.position_lots() == 10)
            after = await port.equity()
            fee = 0.01 * 50_001 * 0.00055
            assert float(after.balances[0].total) == pytest.approx(1_000_000 - fee)
            assert float(after.balances[0].available) < float(after.balances[0].total)
            fees = await port.fee_rates([SYMBOL, OTHER])
            assert set(fees) == {SYMBOL, OTHER}
            assert {(float(one.maker), float(one.taker)) for one in fees.values()} == {
                (0.0002, 0.00055)
            }

    play(story)


def test_the_venues_clock_is_read(adapter):
    async def story():
        async with exchange() as world, connected(adapter, world) as port:
            told_ns = await port.server_time_ns()
            assert abs(told_ns - wall_ns()) < NS_PER_SEC

    play(story)


def test_executions_of_many_pages_come_once_and_in_order(adapter):
    async def story():
        async with exchange() as world, connected(adapter, world) as port:
            order = world.order(qty="0.230")
            await port.create(order)
            await eventually(lambda: world.open_cids() == [order.cid])
            for _ in range(230):
                world.hit("0.001")
            await eventually(lambda: world.position_lots() == 230)
            fills = await port.executions(since_ns=wall_ns() - 60 * NS_PER_SEC)
            assert len({fill.exec_id for fill in fills}) == len(fills) == 230
            keys = [(fill.ts_ns, fill.seq) for fill in fills]
            assert keys == sorted(keys)
            later_ns = fills[-1].ts_ns + NS_PER_SEC
            assert await port.executions(since_ns=later_ns) == []

    play(story)


def test_executions_since_a_moment_include_those_of_its_millisecond(adapter):
    async def story():
        async with exchange() as world, connected(adapter, world) as port:
            await port.create(world.order(price=BEST_ASK, post_only=False))
            await eventually(lambda: world.position_lots() == 10)
            (fill,) = await port.executions(since_ns=wall_ns() - 60 * NS_PER_SEC)
            found = await port.executions(since_ns=fill.ts_ns + 900_000)
            assert [one.exec_id for one in found] == [fill.exec_id]

    play(story)


def test_many_questions_at_once_are_spread_over_the_limit(adapter):
    """Requests that leave a second apart may arrive closer: what is refused may be repeated."""
    needs(adapter, Trait.BUDGET)

    async def story():
        async with exchange(has_limits=True) as world, connected(adapter, world) as port:
            answers = await asyncio.gather(
                *(port.equity() for _ in range(60)), return_exceptions=True
            )
            refused = [one for one in answers if isinstance(one, BaseException)]
            assert len(refused) <= 10
            for error in refused:
                assert isinstance(error, CallError), error
                assert classify(error.failure, BYBIT_CODES).action is Action.RETRY

    play(story)
