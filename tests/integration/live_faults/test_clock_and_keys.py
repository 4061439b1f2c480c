"""A clock that is off and a key that is refused, in the middle of a live session."""

import asyncio

import pytest
from tests.conformance.ports.world import exchange
from tests.integration.live_faults.session_rig import play, trading

from mmbot.trading.live.holds import HoldReason
from mmbot.units import NS_PER_MS

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("live-faults")]

OFFSET_MS = 20


def offset_ms(live):
    found = live.port.clock_verdict().offset_ns
    return None if found is None else found / NS_PER_MS


@pytest.mark.parametrize("step_ms", [500, 2_000, -2_000, 10_000])
def test_a_step_of_the_clock_is_tracked_and_stops_quoting_only_beyond_a_second(tmp_path, step_ms):
    is_far = abs(step_ms) > 1_000

    async def story():
        far = ("clock_off", "holds.clock_skew") if is_far else ()
        async with exchange() as world, trading(world, tmp_path, row=11, leaves=far) as live:
            await live.quoting()
            world.fault("clock_skew", skew_ms=step_ms)
            await live.until(lambda: abs(offset_ms(live) - step_ms) < OFFSET_MS)
            if is_far:
                await live.until(lambda: live.shell.holds.has(HoldReason.CLOCK))
                assert live.said("| clock | ERROR | E_MD_CLOCK: the machine's clock is")
                await live.until(lambda: not live.own_open())
                held_ns = live.shell.clock()
                await asyncio.sleep(1)
                world.heal()
                await live.until(lambda: not live.shell.holds.has(HoldReason.CLOCK))
                healed_ns = live.shell.clock()
            await live.quoting()
            assert not live.shell.is_ending
        if is_far:
            assert [one for one in live.placed(held_ns) if one["ts_ns"] < healed_ns] == []
        else:
            assert not live.said("| clock |")

    play(story)


def test_a_key_that_is_revoked_halts_the_session_without_a_storm(tmp_path):
    async def story():
        async with (
            exchange() as world,
            trading(world, tmp_path, sets=SHORT, is_locked_out=True, row=20) as live,
        ):
            await live.quoting()
            calls = live.port.rest.counters.calls
            revoked_ns = live.shell.clock()
            world.fault("revoke")
            await live.until(lambda: live.shell.is_ending)
            await live.until(lambda: live.stages[-1][1] != "trading")
        assert live.end.fatal is not None
        assert "10003" in live.end.fatal
        assert live.said("| session | ERROR | fatal=")
        assert live.port.rest.counters.calls - calls <= CALLS_MAX
        assert live.placed(live.stages[-1][0]) == []
        assert revoked_ns < live.stages[-1][0]

    play(story)


def test_a_ban_ends_the_session_and_is_counted(tmp_path):
    async def story():
        leaves = ("bans.http_403", "session_fatal")
        async with (
            exchange() as world,
            trading(world, tmp_path, sets=SHORT, is_locked_out=True, leaves=leaves) as live,
        ):
            await live.quoting()
            world.fault("forbidden")
            world.fault("disconnect", stream="trade")
            world.hit("5.000")
            await live.until(lambda: live.shell.is_ending)
            world.heal()
        assert live.end.fatal == "http_403"

    play(story)


SHORT = ("ha_failover.drain_timeout_ms=1500",)
CALLS_MAX = 60
