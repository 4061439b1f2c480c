"""Public sockets that break under a live session: quotes go at once, and the right book returns."""

from functools import partial

import pytest
from tests.conformance.ports.world import OTHER, SYMBOL, exchange
from tests.integration.live_faults.session_rig import play, trading

from mmbot.trading.live.holds import HoldReason

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("live-faults")]

BURST = 10
PULLED_MS = 250.0
EQUAL_MS = 1_000.0
FOUND_MS = 1_000.0
GONE_MS = 2_000.0
RACES = ("", "reorder", "duplicate") * 3
EVERY_STREAM = ("socket_lost.private.half_open", "socket_lost.trade.half_open")


def has_truth(live, symbol=SYMBOL):
    """Whether the core's book is the exchange's, as deep as it shows it."""
    seen = live.shell.desk.core.snapshot(symbol)
    if not seen["synced"]:
        return False
    sides = zip(live.world.levels(symbol), (seen["bids"], seen["asks"]), strict=True)
    return all(shown and rounded(shown) <= rounded(truth.items()) for truth, shown in sides)


def rounded(levels):
    return {(round(px, 1), round(qty, 3)) for px, qty in levels}


def told(core):
    """Frames in which the core found something wrong."""
    counts = core.feed_counts(SYMBOL)
    return counts["gaps"] + counts["duplicates"]


def snapshots(core):
    """Books of the first symbol that began anew."""
    return core.feed_counts(SYMBOL)["snapshots"]


def has_more_snapshots(core, before):
    return snapshots(core) > before


async def bursting(live):
    """Wait until quotes rest and data come."""
    await live.quoting()
    before = live.judge.frames
    await live.until(lambda: live.judge.frames > before + BURST)


async def cut(live):
    """Cut the public socket in a burst; see that the quotes go and the right book comes back."""
    counters = live.port.streams.counters["public"]
    await bursting(live)
    connects = counters.connects
    live.world.fault("disconnect", stream="public")
    await live.until(lambda: live.said("| market | GAP | disconnected"))
    heard_ns = live.judge.heard_ns
    gone_ns = await live.until(lambda: not live.own_open())
    assert live.judge.net_ms(heard_ns, gone_ns) <= PULLED_MS
    live.lines.clear()
    back_ns = await live.until(lambda: counters.connects > connects)
    live.world.pace.is_stopped = True
    equal_ns = await live.until(lambda: has_truth(live))
    live.world.pace.is_stopped = False
    assert live.judge.net_ms(back_ns, equal_ns) <= EQUAL_MS


def test_a_socket_cut_mid_burst_pulls_the_quotes_and_its_book_is_right_again(tmp_path):
    async def story():
        async with exchange() as world, trading(world, tmp_path, row=1) as live:
            for _ in range(3):
                await cut(live)
            await live.quoting()
            assert live.port.streams.counters["public"].losses == {"disconnected": 3}
        for name in ("socket_lost.public.disconnected", "market_gaps.disconnected"):
            assert live.counts[name] == 3

    play(story)


@pytest.mark.parametrize("stream", ["public", None])
def test_a_half_open_socket_is_found_and_the_orders_are_gone_within_two_seconds(tmp_path, stream):
    """Also when every connection is dead, that of the orders among them."""

    async def story():
        all_dead = () if stream else (*EVERY_STREAM, "hedged_cancels", "holds.private_stream")
        async with (
            exchange() as world,
            trading(world, tmp_path, row=2, leaves=all_dead) as live,
        ):
            await bursting(live)
            where = {} if stream is None else {"stream": stream}
            world.fault("half_open", **where)
            found_ns = await live.until(lambda: live.said("| market | GAP | half_open"))
            heard_ns = live.judge.heard_ns
            gone_ns = await live.until(lambda: not live.own_open())
            ended_ns = await live.until(lambda: not live.shell.desk.ledger.open_orders)
            assert live.judge.net_ms(heard_ns, found_ns) <= FOUND_MS
            assert live.judge.net_ms(heard_ns, gone_ns) <= GONE_MS
            if stream == "public":
                assert live.judge.net_ms(heard_ns, ended_ns) <= GONE_MS
            world.heal()
            await live.quoting()

    play(story)


def test_a_dead_trade_socket_keeps_no_order_at_the_venue(tmp_path):
    async def story():
        dead = ("hedged_cancels", "socket_lost.trade.half_open")
        async with exchange() as world, trading(world, tmp_path, leaves=dead) as live:
            await live.quoting()
            world.fault("half_open", stream="trade")
            asked_ns, resting = live.shell.clock(), set(live.own_open())
            live.shell.holds.put(HoldReason.OPERATOR, "test")
            gone_ns = await live.until(lambda: not resting & set(live.own_open()))
            assert live.judge.net_ms(asked_ns, gone_ns) <= GONE_MS
            await live.until(lambda: live.port.streams.counters["trade"].losses)
            world.heal()
            live.shell.holds.lift(HoldReason.OPERATOR)
            await live.quoting()

    play(story)


def test_frames_that_cannot_be_read_stop_no_session_and_are_counted(tmp_path):
    async def story():
        async with exchange() as world, trading(world, tmp_path, row=15) as live:
            await bursting(live)
            topic = f"orderbook.50.{SYMBOL}"
            world.fault("malformed", stream="public", topic=topic, count=3)
            await live.until(lambda: live.counts.get("frames_rejected", 0) >= 3)
            world.fault("malformed", stream="private", count=1)
            world.hit("0.001")
            await live.until(lambda: live.counts.get("frames_unreadable.private"))
            await live.until(lambda: live.said("| private | OK |"))
            await live.quoting()
            assert live.counts["frames_rejected"] >= 3
            assert live.counts["frames_unreadable.private"] >= 1
            assert not live.shell.is_ending

    play(story)


async def wrong_frame(live, kind):
    """Let one frame of a book go wrong; wait until that is found, and the book is usable again."""
    core = live.shell.desk.core
    topic = f"orderbook.50.{SYMBOL}"
    live.world.fault(kind, stream="public", topic=topic, count=1)
    before = told(core)
    await live.until(lambda: told(core) > before)
    await live.until(lambda: core.snapshot(SYMBOL)["synced"])


def test_lost_doubled_and_swapped_frames_of_one_symbol_leave_the_other_alone(tmp_path):
    async def story():
        symbols = (SYMBOL, OTHER)
        async with exchange() as world, trading(world, tmp_path, symbols=symbols, row=3) as live:
            core = live.shell.desk.core
            await live.until(lambda: len(live.own_open()) >= 4)
            for kind in ("gap", "duplicate", "reorder"):
                await wrong_frame(live, kind)
            assert core.feed_counts(SYMBOL)["gaps"] == 2
            # One snapshot a gap, and the first; nobody asks twice.
            assert core.feed_counts(SYMBOL)["snapshots"] == 3
            others = core.feed_counts(OTHER)
            assert (others["gaps"], others["lost"], others["snapshots"]) == (0, 0, 1)
            world.pace.is_stopped = True
            await live.until(lambda: has_truth(live) and has_truth(live, OTHER))
            world.pace.is_stopped = False
        counts = live.counts
        assert (counts["sequence_gaps"], counts["market_gaps.resubscribed"]) == (2, 2)

    play(story)


def test_a_restart_of_the_numbers_amid_frames_from_before_it_leaves_the_right_book(tmp_path):
    """The snapshot is overtaken, or overtakes, or old changes come once more behind it."""

    async def story():
        async with exchange() as world, trading(world, tmp_path, row=4) as live:
            core = live.shell.desk.core
            topic = f"orderbook.50.{SYMBOL}"
            await bursting(live)
            for race in RACES:
                before = snapshots(core)
                if race:
                    world.fault(race, stream="public", topic=topic, count=2)
                world.fault("restart")
                await live.until(partial(has_more_snapshots, core, before))
                world.pace.is_stopped = True
                await live.until(lambda: has_truth(live))
                world.pace.is_stopped = False
                await live.quoting()
            assert snapshots(core) > len(RACES)
            assert live.port.streams.counters["public"].losses == {}
        assert live.counts["book_snapshots"] >= len(RACES)

    play(story)
