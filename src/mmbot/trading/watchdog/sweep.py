"""Cancels one session's orders until the venue says that none is left.

Only what the venue itself lists is cancelled, and of that only orders whose client id begins with
the session's prefix; nothing is cancelled by symbol or account, so foreign orders are out of reach.
A list that was fetched after the last cancel was answered and holds none of ours is the proof.

Failures are classed like everywhere (`mmbot.venues.failures`): what is done already is done, all
else is tried again with jitter, for ever. A key that the venue refuses is tried again too, at the
longest delay, because an operator may mend it; it is said at once and again.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from mmbot.clock import monotonic_ns
from mmbot.errors import VenueError
from mmbot.units import NS_PER_MS, NS_PER_SEC
from mmbot.venues.failures import ErrorClass, VenueCodes, classify
from mmbot.venues.ports import CallError
from mmbot.venues.records import Ack, CancelOrder, OrderRecord
from mmbot.venues.retry import CALL_POLICY, delay_ns

__all__ = ["Canceller", "Sweep", "SweepReport"]

# A venue needs a moment until its list no longer shows what it has just cancelled.
_SETTLE_NS: Final = 150 * NS_PER_MS
_FAILED: Final = (VenueError, OSError)


class Canceller(Protocol):
    """What of a venue the watchdog uses (`mmbot.venues.ports.VenuePort`)."""

    async def open_orders(self) -> Sequence[OrderRecord]:
        """All open orders of the account, ours and others'."""
        ...

    async def cancel_batch(self, orders: Sequence[CancelOrder]) -> Sequence[Ack | CallError]:
        """Cancel orders of one symbol."""
        ...


@dataclass(slots=True)
class SweepReport:
    """What a sweep did.

    Attributes:
        cancelled: client ids of orders that the venue listed and was told to cancel.
        foreign: orders of others in the newest list.
        left: own orders in the newest list.
        failures: calls that failed, benign ones not counted.
        last_error: of the newest of them.
        took_ns: time from the beginning to the proof.
    """

    cancelled: set[str] = field(default_factory=set)
    foreign: int = 0
    left: int = 0
    failures: int = 0
    last_error: str = ""
    took_ns: int = 0


class Sweep:
    """Sweeps at one venue.

    Args:
        venue: with the watchdog's own key.
        codes: the venue's codes.
        batch_max: orders of one cancel request.
        draws: source of the jitter.
        on_trouble: told about each call that failed, with the class of the failure.
        pause: how to wait, `asyncio.sleep` by default.
    """

    def __init__(
        self,
        venue: Canceller,
        codes: VenueCodes,
        *,
        batch_max: int,
        draws: random.Random,
        on_trouble: Callable[[str, ErrorClass | None], None] = lambda _line, _found: None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._venue = venue
        self._codes = codes
        self._batch_max = max(1, batch_max)
        self._draws = draws
        self._on_trouble = on_trouble
        self._pause = pause

    async def until_none_is_left(
        self, prefix: str, *, report: SweepReport | None = None
    ) -> SweepReport:
        """Cancel every open order whose client id begins with `prefix`; return when none is left.

        Args:
            prefix: of one session, never empty.
            report: is filled while the sweep goes on, for callers that stop waiting.
        """
        assert prefix
        report = SweepReport() if report is None else report
        start_ns, failures = monotonic_ns(), 0
        while True:
            is_good = await self._round(prefix, report)
            report.took_ns = monotonic_ns() - start_ns
            if is_good and report.left == 0:
                return report
            failures = 0 if is_good else failures + 1
            wait_ns = _SETTLE_NS
            if failures:
                wait_ns += delay_ns(CALL_POLICY, failures, self._draws.random())
            await self._pause(wait_ns / NS_PER_SEC)

    async def _round(self, prefix: str, report: SweepReport) -> bool:
        """List and cancel once; False when a call failed."""
        try:
            orders = await self._venue.open_orders()
        except _FAILED as exc:
            self._note(exc, report)
            return False
        own = [order for order in orders if order.cid.startswith(prefix)]
        report.foreign, report.left = len(orders) - len(own), len(own)
        by_symbol: dict[str, list[OrderRecord]] = {}
        for order in own:
            by_symbol.setdefault(order.symbol, []).append(order)
        batches = [
            rows[at : at + self._batch_max]
            for rows in by_symbol.values()
            for at in range(0, len(rows), self._batch_max)
        ]
        results = await asyncio.gather(*(self._cancel(batch, report) for batch in batches))
        return all(results)

    async def _cancel(self, batch: Sequence[OrderRecord], report: SweepReport) -> bool:
        requests = [CancelOrder(cid=order.cid, symbol=order.symbol) for order in batch]
        try:
            answers = await self._venue.cancel_batch(requests)
        except _FAILED as exc:
            self._note(exc, report)
            return False
        is_good = True
        for request, answer in zip(requests, answers, strict=True):
            if isinstance(answer, CallError) and not self._is_benign(answer):
                self._note(answer, report)
                is_good = False
            else:
                report.cancelled.add(request.cid)
        return is_good

    def _is_benign(self, error: CallError) -> bool:
        return classify(error.failure, self._codes).error_class is ErrorClass.BENIGN

    def _note(self, error: Exception, report: SweepReport) -> None:
        found = None
        if isinstance(error, CallError):
            found = classify(error.failure, self._codes).error_class
        report.failures += 1
        report.last_error = str(error)
        self._on_trouble(str(error), found)
