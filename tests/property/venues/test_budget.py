"""The budget against a naive list of timestamps."""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.venues.budget.rig import SHARED, one_bucket

from mmbot.venues.budget.ledger import Granted, Ledger, Wait
from mmbot.venues.budget.rules import PRIORITY, LimitSight, Scope
from mmbot.venues.failures import Operation

SPAN = 100
KINDS = st.sampled_from(list(Operation))
GAPS = st.integers(0, 40)
LIMITS = st.integers(1, 30)


@dataclass
class NaiveWindow:
    """Every take, for ever; `floor` is asked of the rule because it is data, not state."""

    takes: list[int] = field(default_factory=list)

    def within(self, now: int) -> int:
        return sum(now - SPAN < at <= now for at in self.takes)

    def wait(self, room: int, now: int) -> int:
        after = 0
        while sum(now + after - SPAN < at for at in self.takes) > room:
            after += 1
        return after


@given(LIMITS, st.lists(st.tuples(GAPS, KINDS), max_size=120))
def test_no_window_holds_more_than_the_limit_and_no_wait_is_longer_than_needed(limit, asked):
    rules = one_bucket(limit, span_ns=SPAN)
    rule = rules.buckets[SHARED]
    ledger, naive, now = Ledger(rules), NaiveWindow(), 0
    for gap, kind in asked:
        now += gap
        answer = ledger.acquire("any", kind, now_ns=now)
        need = naive.wait(limit - rule.floor(kind, limit) - 1, now)
        if need == 0:
            assert answer == Granted()
            naive.takes.append(now)
        else:
            assert answer == Wait(need, SHARED)
        assert naive.within(now) <= limit
        assert ledger.status(now)[SHARED].left == limit - naive.within(now)


@given(LIMITS, st.lists(st.tuples(GAPS, KINDS, st.none() | st.integers(0, 30)), max_size=80))
def test_a_changed_limit_holds_from_the_moment_it_is_known(limit, asked):
    ledger, naive, now = Ledger(one_bucket(limit, span_ns=SPAN)), NaiveWindow(), 0
    for gap, kind, new_limit in asked:
        now += gap
        if new_limit is not None:
            limit = new_limit
            ledger.observe("any", LimitSight(scope=Scope.UID, limit=limit), now_ns=now)
        if ledger.acquire("any", kind, now_ns=now) == Granted():
            naive.takes.append(now)
            assert naive.within(now) <= limit


@settings(max_examples=200)
@given(LIMITS, LIMITS, st.lists(st.tuples(GAPS, KINDS), max_size=150))
def test_a_cancel_passes_at_once_while_cancels_are_within_their_reserve(published, cut, asked):
    rules = one_bucket(published, span_ns=SPAN)
    limit = min(published, cut)
    rule = rules.buckets[SHARED]
    reserve = rule.floor(Operation.AMEND, limit)
    ledger, cancels, now = Ledger(rules), NaiveWindow(), 0
    ledger.observe("any", LimitSight(scope=Scope.UID, limit=limit), now_ns=0)
    for gap, kind in asked:
        now += gap
        is_free = kind is Operation.CANCEL and cancels.within(now) < reserve
        granted = ledger.acquire("any", kind, now_ns=now) == Granted()
        assert granted or not is_free
        if granted and kind is Operation.CANCEL:
            cancels.takes.append(now)


@given(LIMITS, st.lists(st.tuples(GAPS, st.integers(0, 3)), max_size=100))
def test_whatever_passes_for_a_kind_passes_for_every_more_important_one(limit, asked):
    rules = one_bucket(limit, span_ns=SPAN)
    ledgers = {kind: Ledger(rules) for kind in PRIORITY}
    now = 0
    for gap, filler in asked:
        now += gap
        waits = []
        for kind, ledger in ledgers.items():
            left = ledger.status(now)[SHARED].left
            answer = ledger.acquire("any", kind, now_ns=now)
            waits.append(answer.wait_ns if isinstance(answer, Wait) else 0)
            if answer == Granted():
                # the same state for all: each has taken one token
                assert ledger.status(now)[SHARED].left == left - 1
            else:
                ledger.charge(SHARED, 1, now_ns=now)
            if filler == 3:
                ledger.charge(SHARED, 1, now_ns=now)
        assert waits == sorted(waits)
