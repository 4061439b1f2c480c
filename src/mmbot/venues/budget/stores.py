"""Where the buckets lie, behind one protocol: here in this process; shared ones in `shared`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from mmbot.venues.budget.ledger import Answer, BucketStatus, Ledger
from mmbot.venues.budget.rules import BudgetRules, LimitSight
from mmbot.venues.failures import Operation

__all__ = ["LocalBudget", "RateBudget"]


class RateBudget(Protocol):
    """The budget that an adapter asks before each request and tells what each answer said.

    `now_ns` is of a clock that never goes back (`mmbot.clock.monotonic_ns`).
    """

    @property
    def rules(self) -> BudgetRules:
        """What the venue allows as published."""
        ...

    async def acquire(self, group: str, kind: Operation, *, now_ns: int, orders: int = 1) -> Answer:
        """Take what a request costs, or say how long to wait; see `Ledger.acquire`."""
        ...

    def acquire_now(
        self, group: str, kind: Operation, *, now_ns: int, orders: int = 1
    ) -> Answer | None:
        """The same without waiting; None where that cannot be."""
        ...

    async def observe(self, group: str, sight: LimitSight, *, now_ns: int) -> None:
        """Take over what an answer says about a group's limits."""
        ...

    async def status(self, *, now_ns: int) -> Mapping[str, BucketStatus]:
        """Every bucket by name."""
        ...

    async def aclose(self) -> None:
        """Close connections."""
        ...


class LocalBudget:
    """Buckets of this process alone; right when no other process uses the account or address."""

    def __init__(self, rules: BudgetRules) -> None:
        self.rules = rules
        self._ledger = Ledger(rules)

    async def acquire(self, group: str, kind: Operation, *, now_ns: int, orders: int = 1) -> Answer:
        """Take what a request costs, or say how long to wait."""
        return self._ledger.acquire(group, kind, now_ns=now_ns, orders=orders)

    def acquire_now(self, group: str, kind: Operation, *, now_ns: int, orders: int = 1) -> Answer:
        """Take what a request costs, or say how long to wait."""
        return self._ledger.acquire(group, kind, now_ns=now_ns, orders=orders)

    async def observe(self, group: str, sight: LimitSight, *, now_ns: int) -> None:
        """Take over what an answer says."""
        self._ledger.observe(group, sight, now_ns=now_ns)

    async def status(self, *, now_ns: int) -> Mapping[str, BucketStatus]:
        """Every bucket by name."""
        return self._ledger.status(now_ns)

    async def aclose(self) -> None:
        """Nothing to close."""
