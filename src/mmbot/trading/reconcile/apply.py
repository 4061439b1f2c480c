"""What the actions of a plan do to the local view."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

from mmbot.trading.reconcile.actions import (
    Action,
    Close,
    MarkCanceled,
    MarkFilled,
    PauseQuoting,
    PositionMismatch,
    ReattachFill,
    ResumeQuoting,
    UpdateState,
)
from mmbot.trading.reconcile.models import (
    Execution,
    LocalOrder,
    LocalPosition,
    LocalView,
    OrderState,
    VenueOrder,
)
from mmbot.venues.records import OrderStatus

__all__ = ["apply_action", "apply_plan"]


def apply_plan(local: LocalView, actions: tuple[Action, ...]) -> LocalView:
    """The local view after the actions of a plan, in their order."""
    return reduce(apply_action, actions, local)


def apply_action(local: LocalView, action: Action) -> LocalView:
    """The local view after one action."""
    match action:
        case UpdateState(local=order, venue=venue):
            after = _with_order(local, order, venue, OrderState.LIVE)
        case ReattachFill(execution=execution):
            after = _with_fill(local, execution)
        case MarkFilled(local=order, venue=optional):
            after = _with_order(local, order, optional, OrderState.FILLED)
        case MarkCanceled(local=order, venue=optional, status=status):
            is_rejected = status is OrderStatus.REJECTED
            state = OrderState.REJECTED if is_rejected else OrderState.CANCELLED
            after = _with_order(local, order, optional, state)
        case PositionMismatch(symbol=symbol, venue_lots=lots):
            old = local.positions.get(symbol, LocalPosition())
            new = replace(old, position_lots=lots, is_mismatched=True)
            after = _with_position(local, symbol, new)
        case ResumeQuoting(symbol=str(symbol)):
            old = local.positions.get(symbol, LocalPosition())
            new = replace(old, position_lots=old.fills_lots, is_mismatched=False)
            after = _with_position(local, symbol, new)
        case Close() | PauseQuoting() | ResumeQuoting():
            after = local
    return after


def _with_order(
    local: LocalView, changed: LocalOrder, venue: VenueOrder | None, state: OrderState
) -> LocalView:
    """The order in its new state, with the venue's price and quantity if it is known there."""
    orders = tuple(
        replace(
            order,
            state=state,
            price_ticks=order.price_ticks if venue is None else venue.price_ticks,
            qty_lots=order.qty_lots if venue is None else venue.qty_lots,
        )
        if order.cid == changed.cid
        else order
        for order in local.orders
    )
    return replace(local, orders=orders)


def _with_fill(local: LocalView, execution: Execution) -> LocalView:
    """The execution booked once: order, position and sum of fills move together."""
    if execution.exec_id in local.exec_ids:
        return local
    orders = tuple(
        replace(order, filled_lots=order.filled_lots + execution.qty_lots)
        if order.cid == execution.cid
        else order
        for order in local.orders
    )
    old = local.positions.get(execution.symbol, LocalPosition())
    lots = execution.side.sign * execution.qty_lots
    position = replace(
        old, position_lots=old.position_lots + lots, fills_lots=old.fills_lots + lots
    )
    booked = replace(local, orders=orders, exec_ids=local.exec_ids | {execution.exec_id})
    return _with_position(booked, execution.symbol, position)


def _with_position(local: LocalView, symbol: str, position: LocalPosition) -> LocalView:
    return replace(local, positions={**local.positions, symbol: position})
