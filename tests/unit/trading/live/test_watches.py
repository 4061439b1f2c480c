"""What a session looks after: each reason to stop quoting is put and lifted at its bound."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.trading.live.made_orders import RULES, SYMBOL

from mmbot.errors import StoreError
from mmbot.trading.live.holds import HoldReason, Holds
from mmbot.trading.live.watches import ClockWatch, DiskWatch, FeeWatch, ListingWatch
from mmbot.venues.clock_offset import ClockState, ClockVerdict
from mmbot.venues.failures import Failure, FailureKind, Operation
from mmbot.venues.ports import CallError
from mmbot.venues.records import FeeRates

SEC = 1_000_000_000
MIB = 1 << 20


@dataclass
class Place:
    """What a watch sees of a shell."""

    port: Any = None
    lines: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    deaf: list[bool] = field(default_factory=list)

    def __post_init__(self):
        self.holds = Holds((SYMBOL,))
        self.plan = SimpleNamespace(symbols=(SYMBOL,), rules={SYMBOL: RULES})
        self.desk = SimpleNamespace(disk_error=None, write=lambda: True)
        self.log, self.stop, self.fail = (
            self.lines.append,
            self.stopped.append,
            self.failed.append,
        )

    def set_deaf(self, *, is_deaf):
        self.deaf.append(is_deaf)

    def look(self, watch, now_ns=0):
        asyncio.run(watch.look(self, now_ns))


def test_quoting_stops_below_the_least_room_and_comes_back_with_a_tenth_more(tmp_path):
    place = Place()
    free = [0]
    watch = DiskWatch(tmp_path, 100, free_bytes=lambda _path: free[0])
    seen = []
    for at, free_mb in enumerate([100, 99, 100, 109, 110, 105]):
        free[0] = free_mb * MIB
        place.look(watch, at * SEC)
        seen.append(place.holds.has(HoldReason.DISK))
    assert seen == [False, True, True, True, False, False]
    assert place.deaf == seen
    assert sum("E_STORE_DISK" in line for line in place.lines) == 1


@pytest.mark.parametrize(("code", "is_fatal"), [("E_STORE_DISK", False), ("E_STORE_JOURNAL", True)])
def test_a_journal_that_takes_nothing_holds_or_ends_the_session(tmp_path, code, is_fatal):
    place = Place()
    watch = DiskWatch(tmp_path, 0)
    place.desk.disk_error = StoreError(code, "file=x", "cannot be used")
    place.look(watch)
    assert place.holds.has(HoldReason.JOURNAL)
    assert place.deaf == [True]
    assert bool(place.failed) == is_fatal
    place.desk.disk_error = None
    place.look(watch, SEC)
    assert not place.holds.held


def test_a_clock_that_is_off_holds_everything_with_its_reason():
    place = Place()
    state = [ClockState.GOOD]
    watch = ClockWatch(lambda: ClockVerdict(state[0], 0, "the machine is 3 s behind"))
    seen = []
    for state[0] in (ClockState.GOOD, ClockState.STOP, ClockState.UNKNOWN, ClockState.OFF):
        place.look(watch)
        seen.append(place.holds.has(HoldReason.CLOCK))
    assert seen == [False, True, True, False]
    assert "E_MD_CLOCK: the machine is 3 s behind" in place.lines[0]


class Lister:
    def __init__(self):
        self.rules: dict[str, Any] = {SYMBOL: RULES}
        self.fees = FeeRates(symbol=SYMBOL, maker="0.0001", taker="0.0006")
        self.is_down = False

    def _answer(self, value):
        if self.is_down:
            failure = Failure(operation=Operation.QUERY, is_sent=True, kind=FailureKind.TIMEOUT)
            raise CallError(failure)
        return value

    async def instruments(self, symbols):
        return self._answer(self.rules)

    async def fee_rates(self, symbols):
        return self._answer({SYMBOL: self.fees})


def test_a_symbol_that_is_not_traded_is_parked_and_a_call_that_fails_says_nothing():
    place, watch = Place(Lister()), ListingWatch(period_ns=SEC)
    seen = []
    for at, (rules, is_down) in enumerate(
        [({SYMBOL: RULES}, False), ({}, True), ({}, False), ({SYMBOL: RULES}, False)]
    ):
        place.port.rules, place.port.is_down = rules, is_down
        place.look(watch, at * SEC)
        seen.append(place.holds.has(HoldReason.LISTING))
    assert seen == [False, False, True, False]
    assert place.stopped == []


@pytest.mark.parametrize(
    "changes", [{"tick_size": "0.5"}, {"lot_size": "0.01"}, {"min_notional": "10"}]
)
def test_other_trading_rules_end_the_session_for_a_new_one(changes):
    place, watch = Place(Lister()), ListingWatch(period_ns=SEC)
    place.port.rules = {SYMBOL: replace(RULES, **changes)}
    place.look(watch)
    assert place.stopped == ["relisted"]


def test_the_same_numbers_in_other_words_are_no_other_rules():
    place, watch = Place(Lister()), ListingWatch(period_ns=SEC)
    place.port.rules = {SYMBOL: replace(RULES, tick_size="0.10", min_notional="5.0")}
    place.look(watch)
    assert place.stopped == []


def test_fees_are_applied_when_they_change():
    applied: list[Any] = []
    place = Place(Lister())
    watch = FeeWatch(SEC, lambda _shell, fees: applied.append(dict(fees)))
    for at in range(3):
        place.look(watch, at * SEC)
    assert len(applied) == 1
    place.port.fees = replace(place.port.fees, maker="-0.00005")
    place.look(watch, 4 * SEC)
    assert applied[-1][SYMBOL].maker == "-0.00005"
    assert sum("CHANGED" in line for line in place.lines) == 2
