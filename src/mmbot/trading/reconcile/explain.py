"""A plan for people: each difference with the event that would close it.

Events are the kinds of the record ``order_events``; `adjustment` is a ledger entry, `-` means that
no event is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mmbot.trading.reconcile.actions import (
    Action,
    Close,
    MarkCanceled,
    MarkFilled,
    PauseQuoting,
    Pending,
    Plan,
    PositionMismatch,
    ReattachFill,
    ResumeQuoting,
    UpdateState,
)
from mmbot.trading.reconcile.models import LocalOrder, OrderState, VenueOrder
from mmbot.venues.records import OrderStatus

__all__ = ["ExplainRow", "explain"]

_END_EVENTS: Final[Mapping[OrderStatus, str]] = {
    OrderStatus.OPEN: "ack",
    OrderStatus.FILLED: "fill",
    OrderStatus.CANCELLED: "canceled",
    OrderStatus.REJECTED: "reject",
    OrderStatus.EXPIRED: "expired",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainRow:
    """One difference.

    Attributes:
        finding: name of the action, ``pending``, ``foreign`` or ``violation``.
        symbol: ``-`` if it concerns the session.
        cid: client order id, ``-`` if it concerns no order.
        cause: why.
        local: our side.
        venue: the venue's side.
        event: what would close it.
    """

    finding: str
    symbol: str
    cid: str
    cause: str
    local: str
    venue: str
    event: str

    @property
    def text(self) -> str:
        """The row as one line."""
        return (
            f"{self.finding} symbol={self.symbol} cid={self.cid} cause={self.cause}"
            f" local={self.local} venue={self.venue} event={self.event}"
        )


def explain(plan: Plan) -> tuple[ExplainRow, ...]:
    """All differences of a plan, actions first and in their order."""
    rows = [_row(action) for action in plan.actions]
    rows += [_waiting(pending) for pending in plan.pending]
    rows += [
        ExplainRow(
            finding="foreign",
            symbol=order.symbol,
            cid=order.cid or "-",
            cause="not_ours",
            local="-",
            venue=f"open,order_id={order.order_id}",
            event="-",
        )
        for order in plan.foreign
    ]
    rows += [
        ExplainRow(
            finding="violation",
            symbol="-",
            cid=violation.subject,
            cause=violation.invariant.value,
            local="-",
            venue="-",
            event="-",
        )
        for violation in plan.violations
    ]
    return tuple(rows)


def _row(action: Action) -> ExplainRow:
    match action:
        case UpdateState(local=local, venue=venue):
            row = _of_order(action, local, venue, _update_event(local, venue))
        case ReattachFill():
            row = _of_execution(action)
        case MarkFilled(local=local, venue=optional):
            row = _of_order(action, local, optional, "fill")
        case MarkCanceled(local=local, venue=optional, status=status):
            row = _of_order(action, local, optional, _END_EVENTS[status])
        case Close(local=unknown, venue=venue):
            row = ExplainRow(
                finding=action.name.value,
                symbol=venue.symbol,
                cid=venue.cid,
                cause=action.cause.value,
                local=_local_text(unknown),
                venue=_venue_text(venue),
                event="intent_cancel",
            )
        case PositionMismatch(symbol=symbol, venue_lots=venue_lots, fills_lots=fills_lots):
            sides = (f"fills={fills_lots}", f"position={venue_lots}")
            row = _of_session(action, symbol, *sides, "adjustment")
        case PauseQuoting(cycles=cycles, ratio=ratio):
            share = "-" if ratio is None else f"ratio={ratio:.6f}"
            row = _of_session(action, "-", f"cycles={cycles}", share, "-")
        case ResumeQuoting(symbol=paused):
            row = _of_session(action, paused or "-", "-", "-", "-")
    return row


def _of_execution(action: ReattachFill) -> ExplainRow:
    execution = action.execution
    what = f"{execution.side.value},{execution.qty_lots}@{execution.price:f}"
    return ExplainRow(
        finding=action.name.value,
        symbol=execution.symbol,
        cid=execution.cid,
        cause=action.cause.value,
        local=_local_text(action.local),
        venue=f"exec={execution.exec_id},{what}",
        event="fill",
    )


def _waiting(pending: Pending) -> ExplainRow:
    event = "fill" if pending.venue is not None else "canceled"
    return ExplainRow(
        finding="pending",
        symbol=pending.local.symbol,
        cid=pending.local.cid,
        cause=f"{pending.cause.value},cycles={pending.cycles}",
        local=_local_text(pending.local),
        venue=_venue_text(pending.venue),
        event=event,
    )


def _update_event(local: LocalOrder, venue: VenueOrder) -> str:
    """What we missed: the acceptance, the amend, or the refusal of a cancel."""
    if local.state is OrderState.PENDING_CANCEL:
        return "reject"
    is_changed = (local.price_ticks, local.qty_lots) != (venue.price_ticks, venue.qty_lots)
    return "amended" if is_changed or local.state is OrderState.PENDING_AMEND else "ack"


def _of_order(
    action: Action, local: LocalOrder, venue: VenueOrder | None, event: str
) -> ExplainRow:
    return ExplainRow(
        finding=action.name.value,
        symbol=local.symbol,
        cid=local.cid,
        cause=action.cause.value,
        local=_local_text(local),
        venue=_venue_text(venue),
        event=event,
    )


def _of_session(action: Action, symbol: str, local: str, venue: str, event: str) -> ExplainRow:
    return ExplainRow(
        finding=action.name.value,
        symbol=symbol,
        cid="-",
        cause=action.cause.value,
        local=local,
        venue=venue,
        event=event,
    )


def _local_text(order: LocalOrder | None) -> str:
    if order is None:
        return "unknown"
    return (
        f"{order.state.value},{order.side.value},px={order.price_ticks},"
        f"filled={order.filled_lots}/{order.qty_lots}"
    )


def _venue_text(order: VenueOrder | None) -> str:
    if order is None:
        return "unknown"
    return (
        f"{order.status.value},{order.side.value},px={order.price_ticks},"
        f"filled={order.filled_lots}/{order.qty_lots}"
    )
