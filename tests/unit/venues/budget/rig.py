"""Small rules for tests of the budget: one shared bucket, one of creates, both of one second."""

from mmbot.units import NS_PER_SEC
from mmbot.venues.budget.rules import BucketRule, BudgetRules, Scope
from mmbot.venues.failures import Operation

ALL = frozenset(Operation)
SHARED = "shared"
CREATES = "creates"


def bucket(limit: int, *, kinds=ALL, scope=Scope.UID, span_ns=NS_PER_SEC, **more) -> BucketRule:
    return BucketRule(scope=scope, limit=limit, span_ns=span_ns, slack_ns=0, kinds=kinds, **more)


def one_bucket(limit: int, **more) -> BudgetRules:
    return BudgetRules({SHARED: bucket(limit, **more)}, {}, unnamed=(SHARED,))


def two_buckets(shared: int, creates: int) -> BudgetRules:
    buckets = {
        SHARED: bucket(shared, scope=Scope.IP),
        CREATES: bucket(creates, kinds=frozenset({Operation.CREATE}), is_per_order=True),
    }
    return BudgetRules(buckets, {"create": (CREATES, SHARED)}, unnamed=(SHARED,))
