"""One cycle of reconciliation: two views and the last state in, a plan out.

Order of the actions: executions (in the venue's order), orders, strangers, positions, quoting. So a
fill is booked before its order ends, and a position is judged with every fill that is known.

Nothing is concluded from an answer that did not come: without open orders no order is compared,
without executions no absence of fills is believed, and such a cycle counts as failed.
"""

from __future__ import annotations

from dataclasses import replace

from mmbot.trading.reconcile.actions import (
    Action,
    Cause,
    Close,
    PauseQuoting,
    Plan,
    ReattachFill,
    ReconcileState,
    ResumeQuoting,
)
from mmbot.trading.reconcile.apply import apply_plan
from mmbot.trading.reconcile.invariants import violations
from mmbot.trading.reconcile.models import (
    ForeignOrder,
    LocalView,
    ReconcileRules,
    VenueView,
)
from mmbot.trading.reconcile.orders import OrderFindings, compare_orders
from mmbot.trading.reconcile.positions import compare_positions

__all__ = ["desync_ratio", "reconcile"]


def reconcile(
    local: LocalView,
    view: VenueView,
    state: ReconcileState,
    *,
    symbols: frozenset[str],
    rules: ReconcileRules | None = None,
) -> Plan:
    """The plan of a cycle.

    Args:
        local: what we believe, taken after the fetches returned.
        view: what the venue says.
        state: what the last cycle left.
        symbols: traded symbols, whose positions are compared.
        rules: numbers, the specification's by default.
    """
    rules = rules or ReconcileRules()
    is_new = state.judged_ns is None or view.started_ns > state.judged_ns
    fills = _missing_executions(local, view)
    booked = apply_plan(local, fills)
    found = compare_orders(booked, view, state, rules, is_new=is_new)
    # An end that executions complete does not change positions: they can be compared now.
    positions = tuple(compare_positions(booked, view, rules, symbols=symbols))
    corrections = (*fills, *found.actions, *positions)
    ratio = desync_ratio(local, view, rules)
    after = _next_state(state, view, found, rules, ratio=ratio, is_new=is_new)
    broken = violations(apply_plan(local, corrections), view)
    is_clean = view.is_complete and not (corrections or found.pending or broken)
    quoting = _quoting(after, rules, ratio=ratio, is_clean=is_clean, is_new=is_new)
    foreign, reported = _foreign(state, view)
    paused = after.paused
    for action in quoting:
        paused = action.cause if isinstance(action, PauseQuoting) else None
    return Plan(
        actions=(*corrections, *quoting),
        pending=found.pending,
        foreign=foreign,
        violations=broken,
        state=replace(after, reported=reported, paused=paused),
    )


def desync_ratio(local: LocalView, view: VenueView, rules: ReconcileRules) -> float | None:
    """Share of the own open orders that only one side has; None if the venue could not be asked."""
    if view.open_orders is None:
        return None
    moving = {order.cid for order in local.orders if rules.in_motion(order, view)}
    here = {order.cid for order in local.orders if order.state.is_open} - moving
    there = {order.cid for order in view.open_orders} - moving
    return len(here ^ there) / max(1, len(here | there))


def _missing_executions(local: LocalView, view: VenueView) -> tuple[ReattachFill, ...]:
    """Executions that are not booked, each once, in the venue's order."""
    new = {
        execution.exec_id: execution
        for execution in view.executions or ()
        if execution.exec_id not in local.exec_ids
    }
    orders = {order.cid: order for order in local.orders}
    return tuple(
        ReattachFill(
            cause=Cause.EXECUTION_MISSING, execution=execution, local=orders.get(execution.cid)
        )
        for execution in sorted(new.values(), key=lambda e: (e.ts_ns, e.seq, e.exec_id))
    )


def _next_state(
    state: ReconcileState,
    view: VenueView,
    found: OrderFindings,
    rules: ReconcileRules,
    *,
    ratio: float | None,
    is_new: bool,
) -> ReconcileState:
    closing = frozenset(a.venue.cid for a in found.actions if isinstance(a, Close))
    counted = replace(state, missing=found.missing, unfilled=found.unfilled)
    if not is_new:
        return replace(counted, closing=state.closing | closing)
    streak = state.desync_streak
    if ratio is not None:
        streak = streak + 1 if ratio > rules.desync_ratio else 0
    return replace(
        counted,
        judged_ns=view.started_ns,
        closing=closing,
        desync_streak=streak,
        failed_streak=0 if view.is_complete else state.failed_streak + 1,
    )


def _quoting(
    state: ReconcileState,
    rules: ReconcileRules,
    *,
    ratio: float | None,
    is_clean: bool,
    is_new: bool,
) -> tuple[Action, ...]:
    """Pause or resume of all symbols; `state` has the streaks of this cycle."""
    if not is_new:
        return ()
    if state.paused is not None:
        return (ResumeQuoting(cause=Cause.CLEAN_CYCLE),) if is_clean else ()
    if state.desync_streak >= rules.cycles:
        return (PauseQuoting(cause=Cause.HARD_DESYNC, cycles=state.desync_streak, ratio=ratio),)
    if state.failed_streak >= rules.failed_cycles:
        return (PauseQuoting(cause=Cause.FAILED_CYCLES, cycles=state.failed_streak),)
    return ()


def _foreign(
    state: ReconcileState, view: VenueView
) -> tuple[tuple[ForeignOrder, ...], frozenset[str]]:
    """Foreign orders to report, and those that were reported and are still open."""
    if view.open_orders is None:
        return (), state.reported
    new = tuple(o for o in view.foreign_orders if o.order_id not in state.reported)
    return new, frozenset(order.order_id for order in view.foreign_orders)
