"""Which topics a connection shall have, has, and is waiting for: pure.

What is wanted outlives connections; what was acknowledged belongs to one. Requests are cut so that
each stays below the venue's bounds. An acknowledgement that does not come in time is a finding, and
so is a refusal: a topic that does not exist would otherwise be silence for ever.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["SubscribeOp", "SubscribeRequest", "Subscriptions"]


class SubscribeOp(StrEnum):
    """What is asked."""

    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"


@dataclass(frozen=True, slots=True)
class SubscribeRequest:
    """One request to be sent."""

    req_id: str
    op: SubscribeOp
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Pending:
    request: SubscribeRequest
    sent_ns: int


class Subscriptions:
    """Topics of one stream."""

    def __init__(self, topics: Iterable[str], *, topics_per_request: int) -> None:
        assert topics_per_request >= 1
        self._wanted = dict.fromkeys(topics)
        self._per_request = topics_per_request
        self._held: set[str] = set()
        self._pending: dict[str, _Pending] = {}
        self._numbers = itertools.count(1)

    @property
    def topics(self) -> tuple[str, ...]:
        """All topics that are wanted."""
        return tuple(self._wanted)

    @property
    def is_complete(self) -> bool:
        """Whether everything wanted was acknowledged."""
        return not self._pending and self._held >= self._wanted.keys()

    def opened(self, now_ns: int) -> list[SubscribeRequest]:
        """A connection begins: ask for everything."""
        self._held.clear()
        self._pending.clear()
        return self._ask(SubscribeOp.SUBSCRIBE, tuple(self._wanted), now_ns)

    def again(self, topics: Sequence[str], now_ns: int) -> list[SubscribeRequest]:
        """Leave topics and ask for them anew, so that each begins again with a snapshot."""
        known = tuple(topic for topic in topics if topic in self._wanted)
        self._held.difference_update(known)
        leaving = self._ask(SubscribeOp.UNSUBSCRIBE, known, now_ns)
        return leaving + self._ask(SubscribeOp.SUBSCRIBE, known, now_ns)

    def answered(self, req_id: str, *, is_ok: bool) -> SubscribeRequest | None:
        """Take an acknowledgement; the request if it was refused, else None."""
        pending = self._pending.pop(req_id, None)
        if pending is None:
            return None
        if not is_ok:
            return pending.request
        if pending.request.op is SubscribeOp.SUBSCRIBE:
            self._held.update(pending.request.topics)
        return None

    def is_overdue(self, now_ns: int, patience_ns: int) -> bool:
        """Whether an acknowledgement has not come in time."""
        return any(now_ns - one.sent_ns > patience_ns for one in self._pending.values())

    def _ask(self, op: SubscribeOp, topics: tuple[str, ...], now_ns: int) -> list[SubscribeRequest]:
        requests = []
        for start in range(0, len(topics), self._per_request):
            part = topics[start : start + self._per_request]
            request = SubscribeRequest(f"sub-{next(self._numbers)}", op, part)
            self._pending[request.req_id] = _Pending(request, now_ns)
            requests.append(request)
        return requests
