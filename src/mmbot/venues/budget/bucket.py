"""One bucket whose tokens come back one by one; time is a number, nothing is drawn or slept."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from mmbot.venues.budget.rules import BucketRule
from mmbot.venues.failures import Operation

__all__ = ["Bucket"]


@dataclass(slots=True)
class Bucket:
    """Tokens of one scope; times are of a clock that never goes back.

    `limit` is the one in force, which answers of the venue change. At most `limit` returns are
    remembered, so memory is bounded by the largest limit that was in force.
    """

    rule: BucketRule
    limit: int = field(init=False)
    blocked_until_ns: int = 0
    _returns: deque[int] = field(default_factory=deque)

    def __post_init__(self) -> None:
        """Begin with the published limit."""
        self.limit = self.rule.limit

    def left(self, now_ns: int) -> int:
        """Tokens that are there; negative after the limit was cut below what is out."""
        while self._returns and self._returns[0] <= now_ns:
            self._returns.popleft()
        return self.limit - len(self._returns)

    def wait_ns(self, kind: Operation, cost: int, now_ns: int) -> int | None:
        """How long until `cost` tokens may be taken: 0 now, None never under this limit."""
        most_out = self.limit - self.rule.floor(kind, self.limit) - cost
        if most_out < 0:
            return None
        blocked_ns = max(0, self.blocked_until_ns - now_ns)
        missing = (self.limit - self.left(now_ns)) - most_out
        if missing <= 0:
            return blocked_ns
        return max(blocked_ns, self._returns[missing - 1] - now_ns)

    def take(self, cost: int, now_ns: int) -> None:
        """Take tokens; the caller asked `wait_ns` at the same moment, or accounts for others'."""
        back_ns = now_ns + self.rule.span_ns + self.rule.slack_ns
        if self._returns:
            back_ns = max(back_ns, self._returns[-1])
        self._returns.extend([back_ns] * cost)

    def observe(self, *, limit: int | None, left: int | None, blocked_ns: int, now_ns: int) -> None:
        """Take over what the venue says.

        Tokens that the venue misses and we do not were taken by others: they are taken here too,
        for a whole span. A venue that sees more than we do has not seen our latest requests yet.
        """
        if limit is not None:
            self.limit = max(0, limit)
        if left is not None:
            gone = self.left(now_ns) - max(0, left)
            if gone > 0:
                self.take(gone, now_ns)
        if blocked_ns > 0:
            self.blocked_until_ns = max(self.blocked_until_ns, now_ns + blocked_ns)
