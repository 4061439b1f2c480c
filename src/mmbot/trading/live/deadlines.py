"""Every in-flight state has a deadline and a query that resolves it.

A request without a clear answer leaves its order in doubt; nothing is sent a second time and
nothing is taken for failed. Past its deadline the venue is asked for the order by its client id,
again and again until it says something that can be believed:

- it knows the order: its state counts;
- it does not, twice, in questions that were asked long enough after the last thing that happened
  to the order, with its executions fetched beside: it never had it, or it is gone. A "not found"
  right after a request or a fill proves nothing: queries lag behind.

The deadline of a request runs from the request; fills of the order meanwhile do not put it off.
What is in doubt follows from the ledger, so no state can be without a deadline.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from mmbot.trading.live.orders import TrackedOrder
from mmbot.trading.reconcile import OrderState
from mmbot.units import NS_PER_MS, NS_PER_SEC

__all__ = ["ANSWER_NS", "LOST_AFTER_NS", "Deadlines", "Question"]

# A venue answers within tens of milliseconds; an unknown order is resolved within a second.
ANSWER_NS: Final = 800 * NS_PER_MS
# Between two questions about one order.
_AGAIN_NS: Final = 700 * NS_PER_MS
# Queries may be this much behind of the order entry. Whatever is carried out later is heard of on
# the private stream and cancelled (`mmbot.trading.live.foreign`).
LOST_AFTER_NS: Final = 2 * NS_PER_SEC
_MISSES: Final = 2


@dataclass(frozen=True, slots=True)
class Question:
    """Ask the venue for this order and its executions."""

    client_id: str
    symbol: str
    asked_ns: int


@dataclass(frozen=True, slots=True)
class _Doubt:
    """How often an order was asked for since the last thing that happened to it."""

    changed_ns: int
    asked_ns: int
    is_open: bool = True
    misses: int = 0


class Deadlines:
    """Which orders are to be asked for, and what "not found" means."""

    def __init__(self) -> None:
        self._doubts: dict[str, _Doubt] = {}

    def due(self, orders: Iterable[TrackedOrder], now_ns: int) -> list[Question]:
        """Orders to ask for now; they count as asked for."""
        unsettled = {order.client_id: order for order in orders if not order.is_settled}
        self._doubts = {cid: one for cid, one in self._doubts.items() if cid in unsettled}
        questions = []
        for client_id, order in unsettled.items():
            if self._due_ns(order) > now_ns:
                continue
            doubt = self._doubts.get(client_id)
            misses = doubt.misses if doubt and doubt.changed_ns == order.changed_ns else 0
            self._doubts[client_id] = _Doubt(order.changed_ns, now_ns, misses=misses)
            questions.append(Question(client_id, order.symbol, now_ns))
        return questions

    def next_due_ns(self, orders: Iterable[TrackedOrder]) -> int | None:
        """When the next question is due; None while nothing is in flight."""
        return min((self._due_ns(order) for order in orders if not order.is_settled), default=None)

    def is_lost(self, order: TrackedOrder, question: Question) -> bool:
        """The venue does not know the order: whether that is believed by now.

        The caller has fetched the executions after the question and booked what there was.
        """
        doubt = self._doubts.get(order.client_id)
        if doubt is None or doubt.changed_ns != order.changed_ns:
            # Something happened to it meanwhile: a "not found" from before proves nothing.
            return False
        if question.asked_ns - order.changed_ns < ANSWER_NS:
            return False
        doubt = replace(doubt, misses=doubt.misses + 1)
        self._doubts[order.client_id] = doubt
        is_late = question.asked_ns - order.changed_ns >= LOST_AFTER_NS
        return is_late and doubt.misses >= _MISSES

    def _due_ns(self, order: TrackedOrder) -> int:
        is_awaited = order.state.is_pending or order.state is OrderState.UNKNOWN
        since_ns = order.asked_ns if is_awaited else order.changed_ns
        doubt = self._doubts.get(order.client_id)
        if doubt is None or doubt.asked_ns < since_ns:
            return since_ns + ANSWER_NS
        return doubt.asked_ns + _AGAIN_NS
