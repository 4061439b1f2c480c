"""One bucket whose tokens come back one by one; time is a number, nothing is drawn or slept."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from mmbot.venues.budget.rules import BucketRule
from mmbot.venues.failures import Operation

__all__ = ["Bucket"]

_FLOORS_MAX: Final = 64


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
    _floors: dict[tuple[Operation, int], int] = field(default_factory=dict)

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
        limit, out = self.limit, self._returns
        floor = self._floors.get((kind, limit))
        if floor is None:
            # a venue names few limits, but what it names is not ours to bound
            if len(self._floors) >= _FLOORS_MAX:
                self._floors.clear()
            floor = self._floors[kind, limit] = self.rule.floor(kind, limit)
        most_out = limit - floor - cost
        if most_out < 0:
            return None
        while out and out[0] <= now_ns:
            out.popleft()
        blocked_ns = max(0, self.blocked_until_ns - now_ns)
        missing = len(out) - most_out
        if missing <= 0:
            return blocked_ns
        return max(blocked_ns, out[missing - 1] - now_ns)

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
