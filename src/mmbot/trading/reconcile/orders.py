"""Orders of both sides compared, one by one, after the missing executions are booked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mmbot.trading.reconcile.actions import (
    Action,
    Cause,
    Close,
    MarkCanceled,
    MarkFilled,
    Pending,
    ReconcileState,
    UpdateState,
)
from mmbot.trading.reconcile.models import (
    LocalOrder,
    LocalView,
    OrderState,
    ReconcileRules,
    VenueOrder,
    VenueView,
)
from mmbot.venues.records import OrderStatus

__all__ = ["OrderFindings", "compare_orders"]


@dataclass(frozen=True, slots=True)
class OrderFindings:
    """Actions, differences that wait for another cycle, and the counters of the next state."""

    actions: tuple[Action, ...]
    pending: tuple[Pending, ...]
    missing: Mapping[str, int]
    unfilled: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Cycle:
    """Indexes of the venue's answers and the counters that are being built."""

    view: VenueView
    rules: ReconcileRules
    before: ReconcileState
    is_new: bool
    open_by_cid: Mapping[str, VenueOrder] | None
    done_by_cid: Mapping[str, VenueOrder] | None
    missing: dict[str, int]
    unfilled: dict[str, int]


def compare_orders(
    local: LocalView,
    view: VenueView,
    state: ReconcileState,
    rules: ReconcileRules,
    *,
    is_new: bool,
) -> OrderFindings:
    """Findings over all orders of both sides.

    Args:
        local: what we believe, with the missing executions booked.
        view: what the venue says.
        state: of the last cycle.
        rules: numbers.
        is_new: whether the view is newer than the last one that was judged.
    """
    cycle = _Cycle(
        view=view,
        rules=rules,
        before=state,
        is_new=is_new,
        open_by_cid=_by_cid(view.open_orders),
        done_by_cid=_by_cid(view.history),
        missing={},
        unfilled={},
    )
    found = [finding for order in local.orders for finding in _judge(order, cycle)]
    actions = [finding for finding in found if not isinstance(finding, Pending)]
    pending = [finding for finding in found if isinstance(finding, Pending)]
    actions += _strangers(local, cycle)
    return OrderFindings(tuple(actions), tuple(pending), cycle.missing, cycle.unfilled)


def _by_cid(orders: tuple[VenueOrder, ...] | None) -> dict[str, VenueOrder] | None:
    return None if orders is None else {order.cid: order for order in orders}


def _judge(order: LocalOrder, cycle: _Cycle) -> Iterator[Action | Pending]:
    """What the venue's answers mean for one local order."""
    if cycle.rules.in_motion(order, cycle.view):
        _keep_counters(order, cycle)
        return
    resting = None if cycle.open_by_cid is None else cycle.open_by_cid.get(order.cid)
    ended = None if cycle.done_by_cid is None else cycle.done_by_cid.get(order.cid)
    # An order that is in both lists has ended: the lists were fetched one after the other.
    known = ended or resting
    total_lots = order.qty_lots if known is None else known.qty_lots
    # Without the open orders, an amend whose answer was lost may have raised the total.
    is_total_known = known is not None or cycle.open_by_cid is not None
    is_complete = is_total_known and order.filled_lots >= total_lots
    if is_complete and order.state is not OrderState.FILLED:
        yield MarkFilled(cause=Cause.FILLS_COMPLETE, local=order, venue=known)
    elif not order.state.is_open:
        yield from _done_here(order, resting, ended, cycle)
    elif ended is not None:
        yield _ended(order, ended, cycle)
    elif resting is not None:
        if _differs(order, resting):
            yield UpdateState(cause=Cause.DIFFERS, local=order, venue=resting)
    else:
        yield from _unseen(order, cycle)


def _differs(order: LocalOrder, resting: VenueOrder) -> bool:
    return (
        order.state is not OrderState.LIVE
        or order.price_ticks != resting.price_ticks
        or order.qty_lots != resting.qty_lots
    )


def _done_here(
    order: LocalOrder, resting: VenueOrder | None, ended: VenueOrder | None, cycle: _Cycle
) -> Iterator[Action]:
    """An order that ended here and rests there could fill unseen: it is cancelled."""
    if resting is None or ended is not None or order.filled_lots >= resting.qty_lots:
        # The list of open orders is older than its end.
        return
    if not _was_closed(order.cid, cycle):
        yield Close(cause=Cause.DONE_HERE, venue=resting, local=order)


def _ended(order: LocalOrder, ended: VenueOrder, cycle: _Cycle) -> Action | Pending:
    """Open here, ended there: ends here once its executions are booked."""
    cause = Cause.VENUE_DONE
    if ended.filled_lots > order.filled_lots:
        cause = Cause.FILLS_ABSENT
        # Without an answer about executions nothing can be concluded from their absence.
        can_tell = cycle.is_new and cycle.view.executions is not None
        seen = _advance(order.cid, cycle.before.unfilled, is_new=can_tell)
        if seen < cycle.rules.cycles:
            cycle.unfilled[order.cid] = seen
            return Pending(cause=cause, local=order, venue=ended, cycles=seen)
    if ended.status is OrderStatus.FILLED:
        return MarkFilled(cause=cause, local=order, venue=ended)
    return MarkCanceled(cause=cause, local=order, venue=ended)


def _unseen(order: LocalOrder, cycle: _Cycle) -> Iterator[Action | Pending]:
    """Open here, in no list of the venue."""
    view = cycle.view
    # What could not be fetched could hold the order, or its end.
    if view.open_orders is None or view.history is None or view.executions is None:
        _keep_counters(order, cycle)
        return
    seen = _advance(order.cid, cycle.before.missing, is_new=cycle.is_new)
    if seen < cycle.rules.cycles:
        cycle.missing[order.cid] = seen
        yield Pending(cause=Cause.UNKNOWN_TO_VENUE, local=order, venue=None, cycles=seen)
        return
    yield MarkCanceled(cause=Cause.UNKNOWN_TO_VENUE, local=order, venue=None)


def _strangers(local: LocalView, cycle: _Cycle) -> Iterator[Action]:
    """Own orders at the venue that are unknown here."""
    known = {order.cid for order in local.orders}
    ended = cycle.done_by_cid or {}
    for order in cycle.view.open_orders or ():
        is_known = order.cid in known or order.cid in ended
        if not is_known and not _was_closed(order.cid, cycle):
            yield Close(cause=Cause.UNKNOWN_HERE, venue=order, local=None)


def _was_closed(cid: str, cycle: _Cycle) -> bool:
    """Whether this very view has led to the request already; a newer one asks again."""
    return not cycle.is_new and cid in cycle.before.closing


def _advance(cid: str, counters: Mapping[str, int], *, is_new: bool) -> int:
    return counters.get(cid, 0) + (1 if is_new else 0)


def _keep_counters(order: LocalOrder, cycle: _Cycle) -> None:
    for old, new in (
        (cycle.before.missing, cycle.missing),
        (cycle.before.unfilled, cycle.unfilled),
    ):
        if order.cid in old:
            new[order.cid] = old[order.cid]
