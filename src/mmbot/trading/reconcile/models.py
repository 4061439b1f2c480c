"""The two views that reconciliation compares, and its rules.

Prices are integer ticks, quantities integer lots. Both views carry *local* times
(`LocalOrder.changed_ns`, `VenueView.started_ns`, by one clock), because they decide what the venue
could have known: a request that left after the fetch began, or that is not answered yet, is in
motion and is not judged by that fetch.

The local view is taken after the fetches have returned. Taken before, an order placed meanwhile
would be open at the venue and unknown here, and would be cancelled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Final

from mmbot.units import NS_PER_SEC
from mmbot.venues.records import OrderStatus, Side

__all__ = [
    "Execution",
    "ForeignOrder",
    "LocalOrder",
    "LocalPosition",
    "LocalView",
    "OrderState",
    "OwnScope",
    "ReconcileRules",
    "VenueOrder",
    "VenueView",
]


class OrderState(StrEnum):
    """States of the core's order machine (docs/order-states.md)."""

    PENDING_NEW = "PendingNew"
    LIVE = "Live"
    PENDING_AMEND = "PendingAmend"
    PENDING_CANCEL = "PendingCancel"
    UNKNOWN = "Unknown"
    FILLED = "Done(Filled)"
    CANCELLED = "Done(Cancelled)"
    REJECTED = "Done(Rejected)"

    @property
    def is_open(self) -> bool:
        """Whether the order may still be filled."""
        return self not in _DONE

    @property
    def is_pending(self) -> bool:
        """Whether a request waits for its answer."""
        return self in _PENDING


_DONE: Final = frozenset({OrderState.FILLED, OrderState.CANCELLED, OrderState.REJECTED})
_PENDING: Final = frozenset(
    {OrderState.PENDING_NEW, OrderState.PENDING_AMEND, OrderState.PENDING_CANCEL}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalOrder:
    """An order as we believe it to be.

    `qty_lots` is the total with the filled part. `changed_ns` is the local time of the last request
    sent for it or report received about it.
    """

    cid: str
    symbol: str
    side: Side
    state: OrderState
    price_ticks: int
    qty_lots: int
    filled_lots: int
    changed_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalPosition:
    """Position of a symbol: what risk uses, and the signed sum of fills and booked adjustments.

    They are equal, except after a mismatch: then the venue's position was adopted for risk, the
    symbol is paused (`is_mismatched`), and they stay apart until the missing executions arrive or
    an adjustment is booked. `changed_ns` is the local time of the last fill.
    """

    position_lots: int = 0
    fills_lots: int = 0
    is_mismatched: bool = False
    changed_ns: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalView:
    """What we believe.

    `orders` holds all open orders and those that ended recently (at least since the history that
    the venue is asked for begins), `exec_ids` the executions booked in at least that time.
    """

    orders: tuple[LocalOrder, ...] = ()
    positions: Mapping[str, LocalPosition] = field(default_factory=dict)
    exec_ids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueOrder:
    """An own order as the venue sees it."""

    order_id: str
    cid: str
    symbol: str
    side: Side
    status: OrderStatus
    price_ticks: int
    qty_lots: int
    filled_lots: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignOrder:
    """An open order of the account that is not ours."""

    order_id: str
    cid: str
    symbol: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """An own execution; its price may be off the tick grid. `seq` orders equal times."""

    exec_id: str
    order_id: str
    cid: str
    symbol: str
    side: Side
    price: Decimal
    qty_lots: int
    fee: Decimal
    fee_asset: str
    is_maker: bool | None
    ts_ns: int
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueView:
    """What the venue says; None is "could not be fetched", which is never "nothing".

    Attributes:
        started_ns: local time at which the first fetch of the cycle began.
        open_orders: own open orders.
        foreign_orders: open orders that are not ours; fetched with `open_orders`.
        history: own orders that ended recently.
        executions: own executions since the last one known, with an overlap.
        positions: lots by symbol; a missing symbol has none.
    """

    started_ns: int
    open_orders: tuple[VenueOrder, ...] | None
    history: tuple[VenueOrder, ...] | None
    executions: tuple[Execution, ...] | None
    positions: Mapping[str, int] | None
    foreign_orders: tuple[ForeignOrder, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether everything could be fetched."""
        parts = (self.open_orders, self.history, self.executions, self.positions)
        return all(part is not None for part in parts)


@dataclass(frozen=True, slots=True)
class OwnScope:
    """Which orders are ours: client ids with our bot's prefix on symbols that we trade."""

    prefix: str
    symbols: frozenset[str]

    def owns(self, *, cid: str, symbol: str) -> bool:
        """Whether an order belongs to this bot, whatever its session."""
        return symbol in self.symbols and cid.startswith(self.prefix)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileRules:
    """Numbers of the loop.

    Attributes:
        cycles: consecutive cycles in which an order must be missing, executions must be missing, or
            the sets of open orders must differ, before it is believed.
        desync_ratio: share of the open orders that may differ.
        failed_cycles: consecutive cycles that could not fetch everything, before quoting pauses.
        position_lots: difference between position and fills that is no mismatch.
        answer_ns: how long a request may be unanswered and still be in motion.
    """

    cycles: int = 2
    desync_ratio: float = 0.10
    failed_cycles: int = 3
    position_lots: int = 1
    answer_ns: int = 3 * NS_PER_SEC

    def in_motion(self, order: LocalOrder, view: VenueView) -> bool:
        """Whether the venue's answers may be older than what we know of the order."""
        wait_ns = self.answer_ns if order.state.is_pending else 0
        return order.changed_ns + wait_ns >= view.started_ns
