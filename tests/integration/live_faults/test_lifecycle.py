"""A live session that is stopped in a burst, stalls, or whose venue closes and lists anew."""

import asyncio
import time

import pytest
from tests.conformance.ports.world import SYMBOL, exchange
from tests.integration.live_faults.session_rig import exchange_beside, play, trading

from mmbot.clock import wall_ns
from mmbot.ids import base36
from mmbot.trading.live.holds import HoldReason
from mmbot.trading.live.shutdown import Stage
from mmbot.units import NS_PER_MS, NS_PER_SEC
from mmbot.venues.records import Side

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("live-faults")]


@pytest.mark.parametrize("keeps", [False, True])
def test_a_stop_in_a_burst_creates_nothing_and_leaves_what_it_should(tmp_path, keeps):
    async def story():
        async with (
            exchange() as world,
            trading(world, tmp_path, sets=QUICK, keep_orders=keeps, row=18) as live,
        ):
            await live.quoting()

            async def burst():
                while True:
                    world.hit("0.500", side=Side.BUY)
                    world.hit("0.500", side=Side.SELL)
                    await asyncio.sleep(0.02)

            bursting = asyncio.create_task(burst())
            await asyncio.sleep(0.5)
            live.shell.stop("interrupted")
            await live.until(lambda: live.stages[-1][1] != "trading")
            sent = {one.terms.link_id for one in live.venue_orders()}
            under_way = {one.client_id for one in live.shell.desk.ledger.open_orders}
            await live.until(lambda: live.stages[-1][1] == "verified")
            bursting.cancel()
            later = {one.terms.link_id for one in live.venue_orders()}
        gate_ns = next(ns for ns, name in live.stages if name == "gate_closed")
        assert later <= sent | under_way
        assert live.end.stop.stage is Stage.VERIFIED
        assert live.end.fatal is None
        prefix = live.opened.identity.cid_prefix
        wanted = {prefix + base36(one["full_cid"]) for one in live.placed(gate_ns + 1)}
        assert not wanted & {one.terms.link_id for one in live.venue_orders()}
        if keeps:
            assert live.end.kept == len(live.own_open())

    play(story)


class Staller:
    """Quotes bids, stands still once for as long as it is told, and then wants asks as well."""

    def __init__(self):
        self.stall_s = 0.0
        self.stalled_ns = []

    def __call__(self, view):
        stall_s, self.stall_s = self.stall_s, 0.0
        if stall_s:
            began_ns = wall_ns()
            time.sleep(stall_s)
            self.stalled_ns.append((began_ns, wall_ns()))
        if not view["synced"]:
            return []
        tick, qty = view["tick_size"], view["min_qty"] * 10
        asks = [("sell", view["best_ask"] + tick, qty)] if self.stalled_ns else []
        return [("buy", view["best_bid"] - tick, qty), *asks]


def test_a_strategy_that_stands_still_for_two_seconds_quotes_nothing_old_and_trips_the_guard(
    tmp_path,
):
    staller = Staller()

    async def story():
        with exchange_beside() as world:
            async with trading(world, tmp_path, strategy=staller, row=17) as live:
                await live.until(live.own_open)
                overflows = live.port.streams._public[0].inbox.overflows
                staller.stall_s = STALL_S
                await live.until(lambda: staller.stalled_ns)
                await live.until(lambda: live.said("| market | GAP | lagging"))
                await live.until(lambda: "late_requests" in live.counts)
                await live.until(lambda: live.shell.desk.core.snapshot(SYMBOL)["synced"])
                await live.quoting()
                assert live.port.streams._public[0].inbox.overflows == overflows == 0
        ((began_ns, ended_ns),) = staller.stalled_ns
        stalled = [
            one
            for one in live.records("intent")
            if one["action"] != "cancel" and began_ns - MOMENT_NS < one["ts_ns"] <= began_ns
        ]
        assert stalled, "it wanted other quotes when it woke up"
        orders = {one.terms.link_id: one for one in live.venue_orders()}
        for one in stalled:
            order = orders.get(live.opened.identity.cid_prefix + base36(one["full_cid"]))
            assert order is None or order.ticks != one["px"]
        assert ended_ns - began_ns >= STALL_S * NS_PER_SEC

    play(story)


def test_maintenance_is_waited_for_and_quoting_comes_back_unattended(tmp_path):
    async def story():
        async with exchange() as world, trading(world, tmp_path, row=16) as live:
            await live.quoting()
            world.fault("maintenance", duration_ms=2_000)
            await live.until(lambda: live.shell.holds.has(HoldReason.PRIVATE))
            ended_ns = await live.until(
                lambda: not world.conductor.gate.is_in_maintenance and live.said("LOST")
            )
            back_ns = await live.quoting()
            assert live.judge.net_ms(ended_ns, back_ns) <= BACK_MS
            assert not live.shell.is_ending

    play(story)


QUICK = ("trading.quote_refresh_ms=20",)
STALL_S = 2
MOMENT_NS = 50 * NS_PER_MS
BACK_MS = 30_000.0
