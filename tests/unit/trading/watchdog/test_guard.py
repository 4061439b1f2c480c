"""The guard with a clock of the test's own and states as they come."""

import asyncio
import random
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.trading.live.states import session_state
from tests.unit.trading.watchdog.venue import CODES, MemoryVenue, order

from mmbot.trading.live.state_file import Problem
from mmbot.trading.watchdog.guard import Guard, Scope
from mmbot.trading.watchdog.sweep import Sweep
from mmbot.units import NS_PER_SEC

BOT, CID = "mmabcd", "mmabcd00000001-"
LIVE = replace(
    session_state(), mode="live", venue="bybit", endpoint="http://x", bot_prefix=BOT, cid_prefix=CID
)


class World:
    """One session's state file, a venue, and time that the test moves."""

    def __init__(self) -> None:
        self.venue = MemoryVenue({cid: order(cid) for cid in (f"{CID}1", "foreign")})
        self.states = [LIVE]
        self.problems: list[Problem] = []
        self.now_ns = 0
        self.running: bool | None = True
        self.lines: list[str] = []
        self.alerts: list[str] = []
        self.guard = Guard(
            Scope(BOT, "bybit", "http://x"),
            Sweep(self.venue, CODES, batch_max=10, draws=random.Random(1), pause=self.pause),
            read=lambda: (self.states, self.problems),
            is_running=lambda state: self.running,
            timeout_ns=5 * NS_PER_SEC,
            say=self.lines.append,
            alert=lambda kind, payload: self.alerts.append(kind),
            clock=lambda: self.now_ns,
            wall=lambda: LIVE.heartbeat_ns,
            pause=self.pause,
        )

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(0)

    def statuses(self) -> list[str]:
        return [line.split(" | ")[1] for line in self.lines]

    async def look(self, seconds: float, *, beats: bool) -> None:
        """Let time pass in steps of 0.5 s, with or without heartbeats."""
        for _ in range(int(seconds * 2)):
            self.now_ns += NS_PER_SEC // 2
            if beats:
                beat_ns = self.states[0].heartbeat_ns + 1
                self.states = [replace(self.states[0], heartbeat_ns=beat_ns)]
            self.guard.look()
            for _ in range(10):
                await asyncio.sleep(0)


def play(story) -> World:
    world = World()

    async def whole():
        try:
            await story(world)
        finally:
            await world.guard.run(lambda: True)

    asyncio.run(whole())
    return world


@pytest.mark.spec("09-1")
def test_orders_go_when_the_heartbeat_stops_for_the_timeout_and_not_before():
    async def story(world):
        world.guard.look()
        await world.look(60, beats=True)
        await world.look(5, beats=False)
        assert set(world.venue.orders) == {f"{CID}1", "foreign"}
        await world.look(1, beats=False)
        assert set(world.venue.orders) == {"foreign"}

    world = play(story)
    assert world.statuses() == ["TRIGGERED", "CLEAR"]
    assert world.alerts == ["watchdog_triggered", "watchdog_cleared"]
    assert world.guard.counters.watchdog_triggers_total == 1
    assert world.guard.counters.watchdog_cancelled_total == 1


def test_a_heartbeat_that_is_back_ends_the_watch_over_the_orders_and_may_stop_again():
    async def story(world):
        world.guard.look()
        await world.look(6, beats=False)
        await world.look(1, beats=True)
        world.venue.orders[f"{CID}2"] = order(f"{CID}2")
        await world.look(30, beats=True)
        assert f"{CID}2" in world.venue.orders
        await world.look(6, beats=False)
        assert f"{CID}2" not in world.venue.orders

    assert play(story).statuses() == ["TRIGGERED", "CLEAR", "RECOVERED", "TRIGGERED", "CLEAR"]


@pytest.mark.parametrize(
    "change",
    [
        {"mode": "shadow"},
        {"mode": "paper"},
        {"venue": "okx"},
        {"endpoint": "http://y"},
        {"bot_prefix": "mmother"},
        {"cid_prefix": ""},
        {"cid_prefix": "mmother1"},
    ],
)
def test_sessions_of_other_bots_venues_and_modes_are_not_watched(change):
    async def story(world):
        world.states = [replace(LIVE, **change)]
        await world.look(30, beats=False)

    world = play(story)
    assert world.lines == []
    assert world.venue.lists == 0


@pytest.mark.parametrize("is_deleted", [True, False])
def test_a_state_file_that_vanishes_or_breaks_is_a_heartbeat_that_stopped(is_deleted):
    async def story(world):
        world.guard.look()
        world.states = []
        if not is_deleted:
            world.problems = [Problem(Path("x.json"), "E_STORE_TYPE: file=x.json is no state file")]
        await world.look(6, beats=False)
        assert set(world.venue.orders) == {"foreign"}

    extra = [] if is_deleted else ["WARN"]
    assert play(story).statuses() == [*extra, "TRIGGERED", "CLEAR"]


def test_the_sweep_of_a_dead_session_is_done_once_and_not_begun_again():
    async def story(world):
        world.guard.look()
        world.running = False
        await world.look(6, beats=False)
        lists = world.venue.lists
        await world.look(30, beats=False)
        assert world.venue.lists == lists

    assert play(story).statuses() == ["TRIGGERED", "CLEAR"]


def test_two_watchdogs_do_no_harm_to_each_other():
    async def story(world):
        other = World()
        other.venue.orders = world.venue.orders
        world.guard.look()
        other.guard.look()
        await asyncio.gather(world.look(6, beats=False), other.look(6, beats=False))
        assert set(world.venue.orders) == {"foreign"}
        await other.guard.run(lambda: True)

    assert play(story).guard.counters.watchdog_errors_total == 0
