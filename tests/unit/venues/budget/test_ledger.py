import pytest
from tests.unit.venues.budget.rig import CREATES, SHARED, one_bucket, two_buckets

from mmbot.units import NS_PER_SEC
from mmbot.venues.budget.ledger import BucketStatus, Granted, Ledger, Refused, Wait
from mmbot.venues.budget.rules import LimitSight, Scope
from mmbot.venues.failures import Operation

CANCEL, AMEND, CREATE = Operation.CANCEL, Operation.AMEND, Operation.CREATE
UID, IP = Scope.UID, Scope.IP


def take(ledger, count, *, kind=CANCEL, group="any", now_ns=0, orders=1):
    return [ledger.acquire(group, kind, now_ns=now_ns, orders=orders) for _ in range(count)]


def test_a_token_is_back_one_span_after_it_was_taken():
    ledger = Ledger(one_bucket(2))
    assert take(ledger, 1, now_ns=10) == [Granted()]
    assert take(ledger, 2, now_ns=30) == [Granted(), Wait(NS_PER_SEC - 20, SHARED)]
    assert take(ledger, 1, now_ns=NS_PER_SEC + 9) == [Wait(1, SHARED)]
    assert take(ledger, 2, now_ns=NS_PER_SEC + 10) == [Granted(), Wait(20, SHARED)]


def test_creates_leave_the_reserves_and_cancels_use_them():
    ledger = Ledger(one_bucket(10))
    answers = take(ledger, 8, kind=CREATE)
    assert answers == [Granted()] * 7 + [Wait(NS_PER_SEC, SHARED)]
    assert take(ledger, 2, kind=AMEND) == [Granted(), Wait(NS_PER_SEC, SHARED)]
    assert take(ledger, 3) == [Granted(), Granted(), Wait(NS_PER_SEC, SHARED)]


def test_a_request_takes_from_all_its_buckets_or_from_none():
    ledger = Ledger(two_buckets(shared=100, creates=5))
    assert take(ledger, 1, kind=CREATE, group="create", orders=4) == [Granted()]
    answer = ledger.acquire("create", CREATE, now_ns=5, orders=2)
    assert answer == Wait(NS_PER_SEC - 5, CREATES)
    # one token of the address for the batch that went, none for the one that did not
    assert ledger.status(5)[SHARED].left == 99
    assert ledger.status(5)[CREATES].left == 1


def test_a_batch_beyond_what_the_bucket_ever_holds_is_refused_not_kept_waiting():
    ledger = Ledger(two_buckets(shared=100, creates=5))
    assert ledger.acquire("create", CREATE, now_ns=0, orders=6) == Refused(CREATES)
    assert ledger.status(0)[SHARED].left == 100


def test_the_longest_wait_of_all_buckets_counts():
    ledger = Ledger(two_buckets(shared=1, creates=1))
    take(ledger, 1, kind=CREATE, group="create", now_ns=0)
    ledger.observe("create", LimitSight(scope=IP, blocked_ns=9 * NS_PER_SEC), now_ns=0)
    answer = ledger.acquire("create", CREATE, now_ns=1)
    assert answer == Wait(9 * NS_PER_SEC - 1, SHARED)


def test_a_block_of_the_venue_stops_cancels_too_and_ends():
    ledger = Ledger(one_bucket(10))
    ledger.observe("any", LimitSight(scope=UID, left=0, blocked_ns=300), now_ns=0)
    assert take(ledger, 1, now_ns=1) == [Wait(NS_PER_SEC - 1, SHARED)]
    ledger = Ledger(one_bucket(10))
    ledger.observe("any", LimitSight(scope=UID, blocked_ns=300), now_ns=0)
    assert take(ledger, 1, now_ns=100) == [Wait(200, SHARED)]
    assert take(ledger, 1, now_ns=300) == [Granted()]


def test_a_shorter_block_does_not_end_a_longer_one():
    ledger = Ledger(one_bucket(10))
    ledger.observe("any", LimitSight(scope=UID, blocked_ns=1000), now_ns=0)
    ledger.observe("any", LimitSight(scope=UID, blocked_ns=10), now_ns=1)
    assert take(ledger, 1, now_ns=100) == [Wait(900, SHARED)]


def test_a_sight_touches_only_buckets_of_its_scope_and_group():
    ledger = Ledger(two_buckets(shared=10, creates=5))
    ledger.observe("create", LimitSight(scope=UID, limit=3, left=1), now_ns=0)
    assert ledger.status(0) == {SHARED: BucketStatus(10, 10, 0), CREATES: BucketStatus(3, 1, 0)}
    ledger.observe("other", LimitSight(scope=UID, limit=1), now_ns=0)
    assert ledger.status(0)[CREATES].limit == 3


@pytest.mark.parametrize(
    ("venue_left", "left"),
    [(9, 7), (7, 7), (5, 5), (0, 0), (-1, 0)],
)
def test_what_others_took_counts_and_what_the_venue_has_not_seen_yet_too(venue_left, left):
    ledger = Ledger(one_bucket(10))
    take(ledger, 3)
    ledger.observe("any", LimitSight(scope=UID, left=venue_left), now_ns=1)
    assert ledger.status(1)[SHARED].left == left


def test_a_limit_that_is_cut_counts_at_once_and_a_raised_one_too():
    ledger = Ledger(one_bucket(10))
    take(ledger, 6)
    ledger.observe("any", LimitSight(scope=UID, limit=4), now_ns=100)
    assert ledger.status(100)[SHARED] == BucketStatus(4, -2, 0)
    # three of the six must be back before there is room for one
    assert take(ledger, 1, now_ns=200) == [Wait(NS_PER_SEC - 200, SHARED)]
    ledger.observe("any", LimitSight(scope=UID, limit=20), now_ns=300)
    assert take(ledger, 1, kind=CREATE, now_ns=300) == [Granted()]


def test_a_clock_that_went_back_keeps_tokens_no_longer_than_their_span():
    ledger = Ledger(one_bucket(1))
    take(ledger, 1, now_ns=5 * NS_PER_SEC)
    assert take(ledger, 1, now_ns=5 * NS_PER_SEC - 10) == [Wait(NS_PER_SEC + 10, SHARED)]
    ledger.charge(SHARED, 1, now_ns=0)
    # the charge of an earlier time does not come back before the take of the later one
    assert take(ledger, 1, now_ns=6 * NS_PER_SEC) == [Granted()]
