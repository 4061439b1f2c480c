"""Which requests of the core leave: all cancels, and of the rest what may and is not too old.

What stays is refused to the core, which decides anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mmbot.trading.live.orders import OrderLedger
from mmbot.trading.live.rejects import RejectBrake
from mmbot.units import NS_PER_MS, NS_PER_SEC

if TYPE_CHECKING:
    from mmbot import core

__all__ = ["DECIDED_MAX_NS", "Gate"]

# As old as market data may be (`mmbot.venues.stream.staleness`): a decision that waited for longer,
# because a strategy or the machine stood still, is one on old data.
DECIDED_MAX_NS: Final = NS_PER_SEC


@dataclass(slots=True)
class Gate:
    """Open while the session trades.

    Attributes:
        ledger: of what has left so far.
        log: takes lines.
        late: requests that stayed because they were decided too long ago.
        gated: requests that stayed because it was closed.
    """

    ledger: OrderLedger
    brake: RejectBrake
    clock: Callable[[], int]
    log: Callable[[str], None]
    is_open: bool = False
    late: int = 0
    gated: int = 0

    def staying(self, requests: Sequence[core.OrderRequest]) -> list[core.OrderRequest]:
        """The requests that do not leave; there are some to ask about."""
        now_ns = self.clock()
        # the way of nearly all requests, and what is on it delays them
        is_plain = self.is_open and self.brake.is_quiet
        if is_plain and now_ns - min([one.ts_ns for one in requests]) <= DECIDED_MAX_NS:
            return []
        placing = [one for one in requests if one.kind != "cancel"]
        if not placing or not self.is_open:
            self.gated += len(placing)
            return placing
        late = [one for one in placing if now_ns - one.ts_ns > DECIDED_MAX_NS]
        if late:
            self.late += len(late)
            oldest_ms = max(now_ns - one.ts_ns for one in late) // NS_PER_MS
            self.log(f"| gate | LATE | requests={len(late)} decided_ms_ago={oldest_ms} |")
        rest = [one for one in placing if one not in late]
        return late + self.brake.stay(rest, self.ledger, now_ns)
