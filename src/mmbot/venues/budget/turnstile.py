"""Waiting for a budget in order: cancels pass creates that came earlier, equals stay in line.

A budget says how long to wait but keeps no line. The turnstile keeps one for this process: nobody
draws from a bucket in which someone of higher rank is short, so tokens that come back go to the
most important request. A request that is short elsewhere holds up nobody.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from mmbot.clock import monotonic_ns
from mmbot.units import NS_PER_SEC
from mmbot.venues.budget.ledger import Answer, Granted, Wait
from mmbot.venues.budget.rules import PRIORITY
from mmbot.venues.budget.stores import RateBudget
from mmbot.venues.failures import Operation

__all__ = ["Turnstile"]


@dataclass(slots=True, eq=False)
class _Waiter:
    rank: tuple[int, int]
    """Priority of the kind, then place in line: the lowest passes first."""
    buckets: tuple[str, ...]
    short_in: str = ""
    is_awake: asyncio.Event = field(default_factory=asyncio.Event)


class Turnstile:
    """One line per process in front of a budget."""

    def __init__(self, budget: RateBudget, *, clock: Callable[[], int] = monotonic_ns) -> None:
        self.budget = budget
        self._clock = clock
        self._numbers = itertools.count()
        self._line: list[_Waiter] = []
        self.waited_ns = 0
        """All waits of this process, a part of ``backoff_seconds_sum``."""

    async def enter(
        self, group: str, kind: Operation, *, orders: int = 1, patience_ns: int
    ) -> Answer:
        """Wait until a request may be sent.

        Args:
            group: endpoint group.
            kind: what the request does.
            orders: orders in the request.
            patience_ns: longest wait; one that must take longer is not begun.

        Returns:
            `Granted`; the `Wait` that would take longer than `patience_ns`; or `Refused`.
        """
        start_ns = self._clock()
        deadline_ns = start_ns + patience_ns
        rank = (PRIORITY.index(kind), next(self._numbers))
        waiter = _Waiter(rank, self.budget.rules.of_group(group))
        self._line.append(waiter)
        try:
            while True:
                now_ns = self._clock()
                ahead = self._ahead_of(waiter)
                if ahead is None:
                    answer = await self.budget.acquire(group, kind, now_ns=now_ns, orders=orders)
                    if not isinstance(answer, Wait) or now_ns + answer.wait_ns > deadline_ns:
                        return answer
                else:
                    answer = Wait(deadline_ns - now_ns, ahead)
                    if answer.wait_ns <= 0:
                        return answer
                waiter.short_in = answer.bucket
                await self._sleep(waiter, answer.wait_ns)
        finally:
            self._line.remove(waiter)
            self.waited_ns += self._clock() - start_ns
            # Whoever stood behind may pass now.
            for other in self._line:
                other.is_awake.set()

    def try_enter(self, group: str, kind: Operation, *, orders: int = 1) -> bool:
        """Take what a request costs if it may be sent now and nobody is in line; else nothing."""
        if self._line:
            return False
        now_ns = self._clock()
        answer = self.budget.acquire_now(group, kind, now_ns=now_ns, orders=orders)
        return isinstance(answer, Granted)

    def _ahead_of(self, waiter: _Waiter) -> str | None:
        ahead = (one for one in self._line if one.rank < waiter.rank)
        return next((one.short_in for one in ahead if one.short_in in waiter.buckets), None)

    async def _sleep(self, waiter: _Waiter, wait_ns: int) -> None:
        waiter.is_awake.clear()
        try:
            async with asyncio.timeout(wait_ns / NS_PER_SEC):
                await waiter.is_awake.wait()
        except TimeoutError:
            return
