"""What a venue allows, as data: buckets, who draws from them, and what is kept for cancels.

A bucket holds `limit` tokens of one scope. A token that is taken comes back `span_ns` later, so no
window of `span_ns` ever holds more than `limit` takes, which is what venues count; a bucket that
refills at a steady rate lets up to twice as many pass. `slack_ns` is added because requests travel
at different speeds: two that leave a second apart may arrive closer.

An endpoint group draws from one or more buckets at once, all or none: at Bybit from the account's
bucket of the endpoint and, over HTTP, from that of the address.

Kinds of requests that share a bucket have an order: cancel, amend, create, query. Each leaves the
reserves of all before it untouched. A reserve is a share of the published limit, but not more than
a part of the limit in force, so that a limit that is cut hits queries first, then new quotes, then
amends, and cancels last. At the published limit creates get at most 70%; at a tenth of it 25%.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from mmbot.venues.failures import Operation

__all__ = ["PRIORITY", "RESERVES", "BucketRule", "BudgetRules", "LimitSight", "Reserve", "Scope"]

PRIORITY: Final = (Operation.CANCEL, Operation.AMEND, Operation.CREATE, Operation.QUERY)


@dataclass(frozen=True, slots=True)
class Reserve:
    """What is kept for a kind: a share of the published limit, at most a part of that in force."""

    published_share: float
    part: int


RESERVES: Final[Mapping[Operation, Reserve]] = {
    Operation.CANCEL: Reserve(0.2, 2),
    Operation.AMEND: Reserve(0.1, 4),
    Operation.CREATE: Reserve(0.1, 8),
}


class Scope(StrEnum):
    """Whose requests a bucket counts."""

    UID = "uid"
    """All requests of one account, wherever they come from."""
    IP = "ip"
    """All requests from one address, whoever signs them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketRule:
    """One bucket as published; `is_per_order` counts the orders of a batch, else its one request.

    Attributes:
        scope: whose requests it counts.
        limit: tokens.
        span_ns: time after which a token is back.
        slack_ns: what is added to it.
        kinds: kinds of requests that draw from it; only these have reserves.
        is_per_order: see above.
    """

    scope: Scope
    limit: int
    span_ns: int
    slack_ns: int
    kinds: frozenset[Operation]
    is_per_order: bool = False

    def reserves_above(self, kind: Operation) -> list[tuple[int, int]]:
        """For each more important kind: tokens by the published limit, part of that in force."""
        above = PRIORITY[: PRIORITY.index(kind)]
        return [
            (math.floor(self.limit * RESERVES[other].published_share), RESERVES[other].part)
            for other in above
            if other in self.kinds
        ]

    def floor(self, kind: Operation, limit: int) -> int:
        """Tokens that a request of `kind` must leave behind when `limit` is in force."""
        return sum(min(kept, limit // part) for kept, part in self.reserves_above(kind))

    def cost(self, orders: int) -> int:
        """Tokens for a request with so many orders."""
        return orders if self.is_per_order else 1

    def scaled(self, share: float) -> BucketRule:
        """The part of one of several clients; never nothing."""
        return replace(self, limit=max(1, math.floor(self.limit * share)))


@dataclass(frozen=True, slots=True)
class BudgetRules:
    """All buckets of a venue, and the buckets of each endpoint group.

    A group that is not named draws from `unnamed`.
    """

    buckets: Mapping[str, BucketRule]
    groups: Mapping[str, tuple[str, ...]]
    unnamed: tuple[str, ...]

    def of_group(self, group: str) -> tuple[str, ...]:
        """Names of the buckets that a group draws from."""
        return self.groups.get(group, self.unnamed)

    def scaled(self, share: float) -> BudgetRules:
        """The part of one of several clients of equal right."""
        parts = {name: rule.scaled(share) for name, rule in self.buckets.items()}
        return replace(self, buckets=parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSight:
    """What an answer says about a group's buckets of one scope; None is "not said".

    Attributes:
        scope: whose buckets.
        limit: tokens now in force.
        left: tokens that the venue still sees; others with the same account may have drawn.
        blocked_ns: how long nothing may be sent, 0 if anything may.
    """

    scope: Scope
    limit: int | None = None
    left: int | None = None
    blocked_ns: int = 0

    def scaled(self, share: float) -> LimitSight:
        """The part of one of several clients."""
        limit = None if self.limit is None else max(1, math.floor(self.limit * share))
        left = None if self.left is None else math.floor(self.left * share)
        return replace(self, limit=limit, left=left)
