"""All buckets of one account and address: a request takes from each of its group's, or from none.

Pure: the caller brings the time. `mmbot.venues.budget.stores` puts it behind the protocol that
adapters use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mmbot.venues.budget.bucket import Bucket
from mmbot.venues.budget.rules import BudgetRules, LimitSight
from mmbot.venues.failures import Operation

__all__ = ["Answer", "BucketStatus", "Granted", "Ledger", "Refused", "Wait"]


@dataclass(frozen=True, slots=True)
class Granted:
    """The tokens are taken: send."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is taken: ask again after `wait_ns`; `bucket` is the one that is short longest."""

    wait_ns: int
    bucket: str


@dataclass(frozen=True, slots=True)
class Refused:
    """More than the bucket ever holds for this kind under the limit in force."""

    bucket: str


Answer = Granted | Wait | Refused
_GRANTED: Final = Granted()


@dataclass(frozen=True, slots=True)
class BucketStatus:
    """One bucket for people and metrics; `left` may be negative after a cut."""

    limit: int
    left: int
    blocked_ns: int


class Ledger:
    """The buckets of one account and address in this process."""

    def __init__(self, rules: BudgetRules) -> None:
        self.rules = rules
        self._buckets = {name: Bucket(rule) for name, rule in rules.buckets.items()}
        # groups are the endpoints of a venue: there are a few dozen
        self._groups: dict[str, list[tuple[str, Bucket]]] = {}

    def acquire(self, group: str, kind: Operation, *, now_ns: int, orders: int = 1) -> Answer:
        """Take what a request of a group costs, or say how long to wait.

        Args:
            group: endpoint group of the rules, such as a REST path.
            kind: what the request does; it decides what is left for more important ones.
            now_ns: time of a clock that never goes back.
            orders: orders in the request, more than 1 for a batch.
        """
        assert orders >= 1
        buckets = self._of_group(group)
        longest: Wait | None = None
        for name, bucket in buckets:
            wait_ns = bucket.wait_ns(kind, bucket.rule.cost(orders), now_ns)
            if wait_ns is None:
                return Refused(name)
            if wait_ns > 0 and (longest is None or wait_ns > longest.wait_ns):
                longest = Wait(wait_ns, name)
        if longest is not None:
            return longest
        for _, bucket in buckets:
            bucket.take(bucket.rule.cost(orders), now_ns)
        return _GRANTED

    def observe(self, group: str, sight: LimitSight, *, now_ns: int) -> None:
        """Take over what an answer to a request of `group` says."""
        for name in self.rules.of_group(group):
            bucket = self._buckets[name]
            if bucket.rule.scope is sight.scope:
                bucket.observe(
                    limit=sight.limit,
                    left=sight.left,
                    blocked_ns=sight.blocked_ns,
                    now_ns=now_ns,
                )

    def charge(self, name: str, count: int, *, now_ns: int) -> None:
        """Account for tokens that were taken elsewhere."""
        self._buckets[name].take(count, now_ns)

    def set_limit(self, name: str, limit: int) -> None:
        """Put a limit in force that was learned elsewhere."""
        self._buckets[name].limit = limit

    def status(self, now_ns: int) -> Mapping[str, BucketStatus]:
        """Every bucket by name."""
        return {
            name: BucketStatus(
                bucket.limit, bucket.left(now_ns), max(0, bucket.blocked_until_ns - now_ns)
            )
            for name, bucket in self._buckets.items()
        }

    def _of_group(self, group: str) -> list[tuple[str, Bucket]]:
        found = self._groups.get(group)
        if found is None:
            names = self.rules.of_group(group)
            found = self._groups[group] = [(name, self._buckets[name]) for name in names]
        return found
