"""What a session looks after: each reason to stop quoting is put and lifted at its bound."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.trading.live.made_orders import RULES, SYMBOL
from tests.unit.trading.live.places import Place

from mmbot.trading.live.holds import HoldReason
from mmbot.trading.live.watches import ClockWatch, FeeWatch, ListingWatch
from mmbot.venues.clock_offset import ClockState, ClockVerdict
from mmbot.venues.failures import Failure, FailureKind, Operation
from mmbot.venues.ports import CallError
from mmbot.venues.records import FeeRates

SEC = 1_000_000_000


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
