"""Changes of instruments and fees against what a session began with."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from mmbot.venues.failures import Failure, FailureKind, Operation
from mmbot.venues.ports import CallError
from mmbot.venues.records import FeeRates, InstrumentRules
from mmbot.venues.stream.reference import FeeChange, RulesChange, reference_changes

RULES = InstrumentRules(
    symbol="A",
    tick_size="0.1",
    lot_size="0.001",
    min_qty="0.001",
    min_notional="5",
    batch_max=20,
)
FEES = FeeRates(symbol="A", maker="0.0002", taker="0.00055")


class Answers:
    """A venue that answers as the test lists; None is a call that fails."""

    def __init__(self, *answers) -> None:
        self.answers = list(answers)
        self.fees: dict[str, FeeRates] = {}

    async def instruments(self, symbols):
        answer = self.answers.pop(0)
        if answer is None:
            failure = Failure(operation=Operation.QUERY, is_sent=True, kind=FailureKind.TIMEOUT)
            raise CallError(failure)
        rules, self.fees = answer
        return rules

    async def fee_rates(self, symbols):
        return self.fees


def changes(count: int, *answers):
    async def story():
        venue = Answers(*answers)
        stream = reference_changes(
            venue, ["A", "B"], period_ns=1, rules={"A": RULES}, fees={"A": FEES}
        )
        found = [await anext(stream) for _ in range(count)]
        await stream.aclose()
        return found

    return asyncio.run(story())


def test_what_stays_is_not_told_and_what_changes_once():
    other, cheaper = replace(RULES, tick_size="0.5"), replace(FEES, maker="0.0001")
    same = ({"A": RULES}, {"A": FEES})
    assert changes(
        2, same, None, ({"A": other}, {"A": FEES}), None, ({"A": other}, {"A": cheaper})
    ) == [RulesChange("A", RULES, other), FeeChange("A", FEES, cheaper)]


def test_a_symbol_that_is_not_traded_any_more_and_one_that_comes():
    b_rules = replace(RULES, symbol="B")
    assert changes(2, ({"B": b_rules}, {"A": FEES})) == [
        RulesChange("A", RULES, None),
        RulesChange("B", None, b_rules),
    ]
