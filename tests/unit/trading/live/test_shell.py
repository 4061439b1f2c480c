"""The shell: it recovers before it quotes, sends what the core wants, and ends in order."""

from __future__ import annotations

import pytest
from tests.unit.trading.live.live_sessions import BOT, opened
from tests.unit.trading.live.made_orders import SYMBOL
from tests.unit.trading.live.shell_world import World, reconnected

from mmbot.clock import wall_ns
from mmbot.errors import StoreError
from mmbot.trading.live.holds import HoldReason
from mmbot.trading.live.shutdown import Stage
from mmbot.trading.live.storage import StorageWatch
from mmbot.trading.replaying import replay_journal
from mmbot.trading.storage_guard import StorageGuard, StorageLimits
from mmbot.venues.records import CreateOrder, Side


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def names(world):
    return [stage for stage, _ in world.stages]


async def quotes(world):
    await world.quoting()


@pytest.mark.spec("09-1", "08-5.4")
def test_it_recovers_quotes_and_leaves_nothing(world):
    end = world.play(quotes)
    assert names(world)[:3] == ["recovering", "trading", "gate_closed"]
    assert names(world)[-1] == "verified"
    assert (end.reason, end.fatal, end.stop.stage, end.kept) == (
        "interrupted",
        None,
        Stage.VERIFIED,
        0,
    )
    assert world.resting() == []
    assert world.shell.recovery is not None
    (control,) = world.journal("control")
    assert control["control"] == "stop"
    assert world.journal("session_end")[-1]["reason"] == "interrupted"
    assert replay_journal(world.path).diff_seq is None


@pytest.mark.spec("09-1")
def test_orders_that_are_kept_rest_and_the_journal_says_so(world):
    end = world.play(quotes, keep=True)
    assert end.stop.stage is Stage.VERIFIED
    assert end.kept == len(world.resting()) >= 2
    assert names(world)[-1] == "verified"
    assert world.stages[-1][1] == "kept"
    assert [one["control"] for one in world.journal("control")] == ["keep_orders"]
    assert world.journal("session_end") == []
    assert replay_journal(world.path).diff_seq is None


@pytest.mark.spec("02-13/4")
def test_nothing_is_quoted_before_the_venue_has_answered(world):
    async def story(world):
        world.port.is_down = True
        await world.until(lambda: world.port.asked)
        await world.until(lambda: world.shell.heard.private_ns)
        assert names(world) == ["recovering"]
        assert world.journal("intent") == []
        world.port.is_down = False
        await world.quoting()

    world.play(story)
    assert names(world)[:2] == ["recovering", "trading"]


@pytest.mark.spec("02-12")
def test_without_the_private_stream_nothing_is_quoted_until_it_was_reconciled(world):
    async def story(world):
        await world.quoting()
        world.port.say(reconnected(is_connected=False))
        await world.until(lambda: world.shell.holds.has(HoldReason.PRIVATE))
        await world.until(lambda: not world.resting())
        cycled_ns = world.shell.heard.cycled_ns
        world.port.say(reconnected(is_connected=True))
        await world.quoting()
        assert world.shell.heard.cycled_ns > cycled_ns
        assert not world.shell.holds.held

    world.play(story)
    assert [one["on"] for one in world.journal("hold")] == [True, False]
    assert "| private | OK | back and reconciled |" in world.lines


@pytest.mark.spec("02-13/4")
def test_an_order_of_ours_that_nobody_here_sent_is_cancelled_and_others_are_not(world):
    foreign, stranger = f"{BOT}other-1", "web-1"

    async def story(world):
        await world.quoting()
        for cid in (foreign, stranger):
            await world.port.create(
                CreateOrder(
                    cid=cid,
                    symbol=SYMBOL,
                    side=Side.BUY,
                    price="49000.0",
                    qty="0.010",
                    post_only=True,
                    reduce_only=False,
                )
            )
        await world.until(lambda: stranger in world.resting())
        await world.until(lambda: any("foreign_order" in line for line in world.lines))
        await world.until(lambda: foreign not in world.resting())

    end = world.play(story)
    assert world.resting() == [stranger]
    assert end.stop.stage is Stage.VERIFIED
    assert sum("foreign_order" in line for line in world.lines) == 1


class Failing:
    """A watch that cannot look any more."""

    def __init__(self, error):
        self.error = error
        self.is_on = False

    async def look(self, shell, now_ns):
        if self.is_on:
            self.is_on = False
            raise self.error


@pytest.mark.parametrize(
    "error", [StoreError("E_STORE_JOURNAL", "file=x", "is gone"), ValueError("a defect")]
)
def test_a_task_that_fails_ends_the_session_in_order(tmp_path, error):
    watch = Failing(error)
    world = World(tmp_path, watches=[watch])

    async def story(world):
        await world.quoting()
        watch.is_on = True
        await world.until(lambda: world.shell.is_ending)

    end = world.play(story)
    assert end.reason == "fatal"
    assert str(error) in str(end.fatal)
    assert end.stop.stage is Stage.VERIFIED
    assert world.resting() == []
    assert world.journal("session_end")[-1]["reason"] == "fatal"


def test_a_rehearsal_leaves_no_trace_and_one_that_fails_ends_the_session_in_order(world):
    async def story(world):
        await world.quoting()
        intents, resting = world.shell.sender.counters.sent, len(world.resting())
        for _ in range(50):
            world.shell.rehearse()
        assert (world.shell.sender.counters.sent, len(world.resting())) == (intents, resting)

        def fails(_requests):
            raise KeyError("rehearsal")

        world.shell.sender.rehearse = fails
        world.shell.rehearse()
        assert world.shell.is_ending

    end = world.play(story)
    assert (end.reason, end.stop.stage) == ("fatal", Stage.VERIFIED)
    assert end.fatal == "rehearsal:'rehearsal'"
    assert world.resting() == []
    assert replay_journal(world.path).diff_seq is None


def test_the_first_reason_to_end_counts(world):
    async def story(world):
        world.shell.stop("duration")
        world.shell.stop("interrupted")

    assert world.play(story).reason == "duration"


@pytest.mark.spec("08-5.4")
def test_a_deaf_session_pulls_its_orders_and_hears_again_with_new_books(world):
    async def story(world):
        await world.quoting()
        world.shell.set_deaf(is_deaf=True)
        await world.until(lambda: not world.resting())
        frames = world.shell.desk.core.feed_counts(SYMBOL)["frames"]
        world.shell.set_deaf(is_deaf=False)
        await world.quoting()
        assert world.shell.desk.core.feed_counts(SYMBOL)["frames"] > frames
        assert world.source.resubscribed >= 1

    world.play(story)
    assert replay_journal(world.path).diff_seq is None


def guarded(tmp_path):
    guard = StorageGuard(StorageLimits(min_free_mb=0, max_lag_records=1))
    return World(tmp_path, watches=[StorageWatch(guard, tmp_path)])


@pytest.mark.spec("08-5.4")
@pytest.mark.parametrize("reason", ["No space left on device", "Read-only file system"])
def test_where_the_journal_takes_nothing_cancels_leave_and_nothing_else(tmp_path, reason):
    world = guarded(tmp_path)
    sent: list[str] = []

    async def story(world):
        await world.quoting()
        create = world.port.create

        async def counted(order):
            sent.append(order.cid)
            return await create(order)

        world.port.create = counted
        world.disk.reason = reason
        await world.until(lambda: world.shell.holds.has(HoldReason.JOURNAL))
        await world.until(lambda: not world.resting())
        held = len(sent)
        refused = world.disk.refused
        await world.until(lambda: world.disk.refused > refused + 3)
        assert len(sent) == held, "nothing new leaves"
        assert reason in world.shell.holds.texts[0]
        world.disk.reason = ""
        await world.quoting()
        assert not world.shell.holds.held

    end = world.play(story)
    assert end.stop.stage is Stage.VERIFIED
    assert world.disk.kept == b""
    assert [one["on"] for one in world.journal("hold")] == [True, False]
    assert replay_journal(world.path).diff_seq is None


@pytest.mark.spec("08-5.4")
def test_a_slow_disk_slows_it_down_and_breaks_nothing(tmp_path):
    world = guarded(tmp_path)
    world.disk.slow_sec = 0.05

    async def story(world):
        await world.quoting()
        before = len(world.journal("decide"))
        await world.until(lambda: len(world.journal("decide")) > before + 3)

    end = world.play(story)
    assert end.stop.stage is Stage.VERIFIED
    assert world.resting() == []
    assert replay_journal(world.path).diff_seq is None


@pytest.mark.spec("08-5.4", "09-1")
def test_a_stop_on_a_disk_that_takes_nothing_cancels_and_the_next_start_goes_on(tmp_path):
    world = guarded(tmp_path)

    async def story(world):
        await world.quoting()
        world.disk.reason = "No space left on device"

    end = world.play(story)
    assert end.stop.stage is Stage.VERIFIED
    assert world.resting() == []
    assert world.journal("session_end") == []
    again = opened(tmp_path, "s-2", wall_ns())
    again.writer.close()
    assert again.is_resumed
