"""The private side under a live session: every fill once, whatever becomes of its messages."""

import asyncio
from decimal import Decimal

import pytest
from tests.conformance.ports.world import SYMBOL, exchange
from tests.integration.live_faults.session_rig import play, trading

from mmbot.venues.records import Side
from mmbot.venues.simulated.margin import unrealised

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("live-faults")]

FILLS = 100
HIT = "0.001"
BALANCE = 1_000_000
CENT = 0.01


def booked(live):
    """Executions of the journal by id, with their quantities."""
    notes = [one["text"] for one in live.records("note")]
    return [text.split("id=")[1].split()[0] for text in notes if text.startswith("exec id=")]


def net_usd(live):
    """What the session says that it has gained."""
    return live.shell.desk.core.snapshot(SYMBOL)["net_pnl_usd"]


def gain_usd(world):
    """What the account has gained."""
    account = world.accounts[0]
    return float(account.wallet - BALANCE + unrealised(world.exchange, account))


async def hits(world, count, every_s=0.02):
    """Somebody trades with us, on both sides in turn."""
    for number in range(count):
        world.hit(HIT, side=Side.SELL if number % 2 else Side.BUY)
        await asyncio.sleep(every_s)


def test_a_private_socket_cut_during_100_fills_loses_and_doubles_none(tmp_path):
    async def story():
        async with exchange() as world, trading(world, tmp_path, row=5) as live:
            desk = world.exchange.desks[1]
            await live.quoting()
            for _ in range(3):
                await hits(world, 15)
                world.fault("disconnect", stream="private")
                await hits(world, 10)
                await live.until(lambda: live.said("| private | OK |"))
                live.lines.clear()
                await live.quoting()
            while len(desk.executions) < FILLS:
                await live.quoting()
                await hits(world, 5)
            ids = [one["execId"] for one in desk.executions]
            ledger = live.shell.desk.ledger
            await live.until(lambda: all(ledger.is_booked(one) for one in ids))
        assert sorted(booked(live)) == sorted(one["execId"] for one in desk.executions)
        assert len(desk.executions) >= FILLS
        assert len(set(booked(live))) == len(booked(live))

    play(story)


def test_reports_that_come_twice_and_out_of_order_book_exactly_and_money_agrees(tmp_path):
    async def story():
        async with (
            exchange() as world,
            trading(world, tmp_path, row=6) as live,
        ):
            await live.quoting()
            for kind, topic in (("duplicate", ""), ("reorder", ""), ("reorder", "order")):
                world.fault(kind, stream="private", topic=topic)
                await hits(world, 20)
                await asyncio.sleep(0.2)
                world.heal()
            desk = world.exchange.desks[1]
            ids = [one["execId"] for one in desk.executions]
            assert len(ids) >= 10
            ledger = live.shell.desk.ledger
            await live.until(lambda: all(ledger.is_booked(one) for one in ids))
            seen = live.shell.desk.core.snapshot(SYMBOL)
            fees = sum(Decimal(one["execFee"]) for one in desk.executions)
            assert seen["fees_usd"] == pytest.approx(float(fees), abs=1e-6)
            world.pace.is_stopped = True
            await live.until(lambda: abs(net_usd(live) - gain_usd(world)) < CENT)
        assert sorted(booked(live)) == sorted(one["execId"] for one in desk.executions)

    play(story)
