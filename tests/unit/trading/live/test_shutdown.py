"""Gate closed, drain, cancel, verify: every way through, and no proof without a list."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbot.trading.live.shutdown import Command, Facts, Shutdown, Stage, VenueList

SEC = 1_000_000_000
STEP = SEC // 10
TIMEOUT = 10 * SEC


def facts(now_ns=0, unanswered=0, known=(), listed=None, cancelled_ns=None) -> Facts:
    return Facts(
        now_ns=now_ns,
        unanswered=unanswered,
        known=frozenset(known),
        listed=listed,
        cancelled_ns=cancelled_ns,
    )


def at(stage: Stage, keep_orders: bool = False) -> Shutdown:
    return Shutdown(keep_orders=keep_orders, started_ns=0, timeout_ns=TIMEOUT, stage=stage)


def listing(*ids: str, started_ns: int = SEC) -> VenueList:
    return VenueList(started_ns, frozenset(ids))


TABLE = [
    # name, stage, keep, facts, next stage, command
    ("begins by draining", "GATE_CLOSED", False, facts(), "DRAINING", "WAIT"),
    ("waits for answers", "DRAINING", False, facts(SEC, 1), "DRAINING", "WAIT"),
    ("asks when all are there", "DRAINING", False, facts(SEC), "CANCELLING", "ASK"),
    ("asks when they take too long", "DRAINING", False, facts(2 * SEC, 1), "CANCELLING", "ASK"),
    ("no list, asks again", "CANCELLING", False, facts(SEC), "VERIFYING", "ASK"),
    ("cancels what is listed", "CANCELLING", False, facts(SEC, listed=listing("a")), "CANCELLING",
     "CANCEL"),
    ("an empty list is the proof", "VERIFYING", False, facts(SEC, listed=listing()), "VERIFIED",
     "NOTHING"),
    ("not while a request is unanswered", "VERIFYING", False, facts(SEC, 1, listed=listing()),
     "VERIFYING", "ASK"),
    ("nor from before the stop", "VERIFYING", False, facts(SEC, listed=listing(started_ns=-1)),
     "VERIFYING", "ASK"),
    ("nor from before the last cancel", "VERIFYING", False,
     facts(3 * SEC, listed=listing(), cancelled_ns=2 * SEC), "VERIFYING", "ASK"),
    ("time is up without a list", "VERIFYING", False, facts(TIMEOUT, known=("a",)), "UNCONFIRMED",
     "NOTHING"),
    ("time is up with orders", "CANCELLING", False, facts(TIMEOUT, listed=listing("a")),
     "UNCONFIRMED", "NOTHING"),
    ("a proof at the last moment counts", "VERIFYING", False, facts(TIMEOUT, listed=listing()),
     "VERIFIED", "NOTHING"),
    ("kept orders are compared", "CANCELLING", True,
     facts(SEC, known=("a",), listed=listing("a")), "VERIFIED", "NOTHING"),
    ("and asked for until they agree", "CANCELLING", True,
     facts(SEC, known=("a", "b"), listed=listing("a")), "VERIFYING", "ASK"),
    ("kept, time is up", "VERIFYING", True,
     facts(TIMEOUT, known=("a", "b"), listed=listing("a")), "UNCONFIRMED", "NOTHING"),
]  # fmt: skip


@pytest.mark.spec("02-1", "09-1")
@pytest.mark.parametrize("row", TABLE, ids=[row[0] for row in TABLE])
def test_a_step_of_the_stop(row):
    _, stage, keep, known, expected, command = row
    after, wanted = at(Stage[stage], keep).after(known)
    assert (after.stage, wanted) == (Stage[expected], Command[command])


@pytest.mark.parametrize("stage", [Stage.VERIFIED, Stage.UNCONFIRMED])
def test_what_is_over_stays_so(stage):
    assert at(stage).after(facts(99 * SEC, 5, listed=listing("a"))) == (at(stage), Command.NOTHING)


def test_what_could_not_be_confirmed_is_all_that_either_side_may_have():
    after, _ = at(Stage.CANCELLING).after(facts(TIMEOUT, known=("a",), listed=listing("b")))
    assert after.left == {"a", "b"}
    after, _ = at(Stage.CANCELLING, True).after(
        facts(TIMEOUT, known=("a", "c"), listed=listing("a"))
    )
    assert after.left == {"c"}


@dataclass
class Venue:
    """Orders that rest; calls that fail as drawn; a request in flight that arrives late."""

    orders: set[str]
    late_ns: int
    fails: list[bool] = field(default_factory=list)

    def call_fails(self) -> bool:
        return self.fails.pop() if self.fails else False


@given(
    orders=st.sets(st.sampled_from("abcdef")),
    late_ns=st.integers(0, 15 * SEC),
    fails=st.lists(st.booleans(), max_size=60),
    keep=st.booleans(),
)
def test_it_ends_and_says_verified_only_when_the_venue_is_as_it_says(orders, late_ns, fails, keep):
    venue = Venue(set(orders), late_ns, fails)
    stop = Shutdown(keep_orders=keep, started_ns=0, timeout_ns=TIMEOUT)
    now, listed, cancelled = 0, None, None
    for _ in range(1000):
        has_arrived = now >= venue.late_ns
        if has_arrived and venue.late_ns >= 0:
            venue.orders.add("late")
            venue.late_ns = -1
        known = frozenset(orders | {"late"})
        unanswered = 0 if venue.late_ns < 0 else 1
        stop, command = stop.after(facts(now, unanswered, known, listed, cancelled))
        if command is Command.ASK and not venue.call_fails():
            listed = VenueList(now, frozenset(venue.orders))
        elif command is Command.CANCEL:
            assert not keep
            assert listed is not None
            if not venue.call_fails():
                venue.orders -= listed.client_ids
            cancelled = now
        elif command is Command.NOTHING:
            break
        now += STEP
    assert stop.stage.is_final
    assert now <= TIMEOUT + STEP
    if stop.stage is Stage.VERIFIED:
        assert venue.orders == (orders | {"late"} if keep else set())
