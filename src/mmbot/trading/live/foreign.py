"""Orders of this bot that rest at the venue though the session does not count on them.

Either an earlier session left them, or the venue carried a request out after it was given up for
lost. Both are cancelled as soon as they are heard of, and what they fill meanwhile is booked.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from mmbot.trading.live.desk import Desk
from mmbot.trading.live.sending import Sender
from mmbot.trading.reconcile import OwnScope
from mmbot.venues.records import OrderRecord

__all__ = ["ForeignOrders"]


@dataclass(slots=True)
class ForeignOrders:
    """Cancels what is ours and not of the session; `spawn` runs a call beside it.

    `seen` are their client order ids so far.
    """

    desk: Desk
    sender: Sender
    scope: OwnScope
    spawn: Callable[[Coroutine[Any, Any, None], str], None]
    log: Callable[[str], None]
    seen: set[str] = field(default_factory=set)
    _going: set[str] = field(default_factory=set)

    def takes(self, record: OrderRecord) -> bool:
        """Look at an order; True if nobody else has to."""
        is_ours = self.scope.owns(cid=record.cid, symbol=record.symbol)
        if not is_ours or not record.status.is_open or self._is_counted_on(record):
            return False
        if record.cid not in self._going:
            self._going.add(record.cid)
            self.seen.add(record.cid)
            self.log(f"| foreign_order | ALERT | cid={record.cid} symbol={record.symbol} |")
            self.spawn(self._cancel(record.symbol, record.cid), "foreign order")
        return True

    def _is_counted_on(self, record: OrderRecord) -> bool:
        order = self.desk.ledger.find(record.cid)
        if order is None:
            return False
        # An update from before the end of an order is no news of it.
        is_late = order.was_accepted and record.updated_ns <= order.venue_ns
        return order.state.is_open or is_late

    async def _cancel(self, symbol: str, client_id: str) -> None:
        if await self.sender.cancel(symbol, [client_id]):
            # It is tried again when the order is seen again, or by the next reconciliation.
            self._going.discard(client_id)
