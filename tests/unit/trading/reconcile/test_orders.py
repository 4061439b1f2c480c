"""Every state of an order here with every sight of it at the venue."""

import dataclasses

import pytest
from tests.unit.trading.reconcile.views import (
    CYCLE_NS,
    cycle,
    execution,
    local,
    names,
    order,
    there,
    view,
)

from mmbot.trading.reconcile import (
    Cause,
    Invariant,
    OrderState,
    ReattachFill,
    ReconcileState,
    Violation,
    apply_plan,
)
from mmbot.units import NS_PER_SEC
from mmbot.venues.records import OrderStatus

FIRST = ReconcileState(judged_ns=0)
MISSING_ONCE = dataclasses.replace(FIRST, missing={"mmbotx-1": 1})
ENDED_ONCE = dataclasses.replace(FIRST, unfilled={"mmbotx-1": 1})
FILLED = there(status=OrderStatus.FILLED, filled_lots=10)

# What the venue shows: (view, state before), then what follows for an order that is open here,
# cancelled or rejected here, filled here.
SIGHTS = {
    "nowhere, first time": (view(), FIRST, [], [], []),
    "nowhere, second time": (view(), MISSING_ONCE, ["mark_canceled"], [], []),
    "resting as here": (view(open_orders=(there(),)), FIRST, None, ["close"], []),
    "resting at another price": (
        view(open_orders=(there(price_ticks=101),)),
        FIRST,
        ["update_state"],
        ["close"],
        [],
    ),
    "resting with another quantity": (
        view(open_orders=(there(qty_lots=12),)),
        FIRST,
        ["update_state"],
        ["close"],
        ["close"],
    ),
    "cancelled": (
        view(history=(there(status=OrderStatus.CANCELLED),)),
        FIRST,
        ["mark_canceled"],
        [],
        [],
    ),
    "expired": (
        view(history=(there(status=OrderStatus.EXPIRED),)),
        FIRST,
        ["mark_canceled"],
        [],
        [],
    ),
    "filled, its execution given": (
        view(history=(FILLED,), executions=(execution(),), positions={"ABC": 10}),
        FIRST,
        ["reattach_fill", "mark_filled"],
        ["reattach_fill", "mark_filled"],
        None,
    ),
    "filled, its execution absent": (view(history=(FILLED,)), FIRST, [], [], []),
    "filled, its execution absent twice": (
        view(history=(FILLED,)),
        ENDED_ONCE,
        ["mark_filled"],
        [],
        [],
    ),
    "in both lists": (
        view(open_orders=(there(),), history=(there(status=OrderStatus.CANCELLED),)),
        FIRST,
        ["mark_canceled"],
        [],
        [],
    ),
}


@pytest.mark.spec("02-13/1", "02-13/2", "02-13/3", "02-13/4")
@pytest.mark.parametrize(
    ("state", "sight"),
    [
        (state, sight)
        for state in OrderState
        for sight, row in SIGHTS.items()
        # An order that is filled here has no execution left.
        if not (state is OrderState.FILLED and row[-1] is None)
    ],
)
def test_every_state_here_with_every_sight_at_the_venue(state, sight):
    theirs, before, when_open, when_done, when_filled = SIGHTS[sight]
    is_filled = state is OrderState.FILLED
    lots = 10 if is_filled else 4
    theirs = dataclasses.replace(theirs, positions={"ABC": lots}) if is_filled else theirs
    ours = local(order(state=state, filled_lots=lots), lots=lots)
    plan = cycle(ours, theirs, before)
    expected = when_open if state.is_open else when_filled if is_filled else when_done
    if expected is None:
        expected = [] if state is OrderState.LIVE else ["update_state"]
    # An order that differs in one cycle only is no desync yet.
    assert names(plan) == expected
    assert plan.violations == ()
    assert plan.counts == {name: expected.count(name) for name in plan.counts}


@pytest.mark.spec("02-13/1")
def test_the_venues_price_and_quantity_are_adopted_but_never_its_fills():
    ours = local(order(state=OrderState.UNKNOWN))
    theirs = view(open_orders=(there(price_ticks=99, qty_lots=20, filled_lots=7),))
    healed = apply_plan(ours, cycle(ours, theirs).actions)
    assert healed.orders == (order(price_ticks=99, qty_lots=20, filled_lots=4),)


@pytest.mark.spec("02-13/2", "02-D17")
def test_executions_are_booked_in_order_and_once_before_the_order_ends():
    second, third = execution("E3", 2, ts_ns=7), execution("E2", 4, ts_ns=7, seq=0)
    known = execution("E1", 4, ts_ns=1)
    theirs = view(
        history=(FILLED,), executions=(second, known, third, second), positions={"ABC": 10}
    )
    ours = local(order())
    plan = cycle(ours, theirs)
    assert names(plan) == ["reattach_fill", "reattach_fill", "mark_filled"]
    fills = [action for action in plan.actions if isinstance(action, ReattachFill)]
    assert [fill.execution.exec_id for fill in fills] == ["E2", "E3"]
    healed = apply_plan(ours, plan.actions)
    assert healed.orders[0].filled_lots == healed.positions["ABC"].position_lots == 10
    assert apply_plan(healed, plan.actions[:2]) == healed


@pytest.mark.spec("02-13/2", "02-D17")
def test_an_order_that_vanished_is_not_assumed_filled():
    ours = local(order())
    theirs = view(2, positions={"ABC": 4})
    plan = cycle(ours, theirs, MISSING_ONCE)
    healed = apply_plan(ours, plan.actions)
    assert healed.orders[0].state is OrderState.CANCELLED
    assert healed.orders[0].filled_lots == 4
    assert plan.alerts == plan.actions


@pytest.mark.spec("02-13/3")
@pytest.mark.parametrize("part", ["open_orders", "history", "executions"])
def test_what_could_not_be_fetched_is_never_read_as_nothing(part):
    ours, state = local(order()), FIRST
    for number in range(1, 6):
        plan = cycle(ours, view(number, **{part: None}), state)
        assert "mark_canceled" not in names(plan)
        state = plan.state
    assert state.missing == {}
    # The counter stands still meanwhile, it does not begin again.
    held = cycle(ours, view(9, **{part: None}), MISSING_ONCE).state
    assert held.missing == {"mmbotx-1": 1}
    assert names(cycle(ours, view(10), held))[0] == "mark_canceled"


@pytest.mark.spec("02-13/3")
def test_an_order_that_was_seen_between_is_not_missing_twice():
    ours = local(order())
    seen = cycle(ours, view(1, open_orders=(there(),)), MISSING_ONCE)
    assert seen.state.missing == {}
    assert names(cycle(ours, view(2), seen.state)) == []


@pytest.mark.spec("02-13/3")
@pytest.mark.parametrize(
    ("state", "changed_ns", "is_judged"),
    [
        (OrderState.LIVE, CYCLE_NS - 1, True),
        (OrderState.LIVE, CYCLE_NS, False),
        (OrderState.UNKNOWN, CYCLE_NS - 1, True),
        (OrderState.PENDING_NEW, CYCLE_NS - 3 * NS_PER_SEC, False),
        (OrderState.PENDING_NEW, CYCLE_NS - 3 * NS_PER_SEC - 1, True),
        (OrderState.PENDING_CANCEL, CYCLE_NS - 1, False),
    ],
)
def test_what_is_in_motion_is_not_judged(state, changed_ns, is_judged):
    ours = local(order(state=state, changed_ns=changed_ns))
    plan = cycle(ours, view(), FIRST)
    assert bool(plan.pending) is is_judged
    assert plan.state.missing == ({"mmbotx-1": 1} if is_judged else {})


@pytest.mark.spec("02-13/4")
def test_an_own_order_unknown_here_is_cancelled_until_it_is_gone():
    stranger = there(cid="mmbot-old-9", filled_lots=0)
    first = cycle(local(), view(1, open_orders=(stranger,)))
    assert names(first) == ["close"]
    assert first.actions[0].cause is Cause.UNKNOWN_HERE
    again = cycle(local(), view(1, open_orders=(stranger,)), first.state)
    assert names(again) == []
    later = cycle(local(), view(2, open_orders=(stranger,)), first.state)
    assert names(later) == ["close", "pause_quoting"]


@pytest.mark.spec("02-13/2")
def test_executions_of_another_session_count_for_the_position():
    theirs = view(executions=(execution(cid="mmbot-old-9"),), positions={"ABC": 10})
    plan = cycle(local(), theirs)
    assert names(plan) == ["reattach_fill"]
    assert apply_plan(local(), plan.actions).positions["ABC"].position_lots == 10


@pytest.mark.spec("02-13")
@pytest.mark.parametrize(
    ("ours", "theirs", "violation"),
    [
        (
            local(order(), order()),
            view(open_orders=(there(),)),
            Violation(Invariant.LOCAL_CID_TWICE, "mmbotx-1"),
        ),
        (
            local(order()),
            view(open_orders=(there(), there(order_id="V2"))),
            Violation(Invariant.VENUE_CID_TWICE, "mmbotx-1"),
        ),
        (
            local(order(), position_lots=5),
            view(open_orders=(there(),)),
            Violation(Invariant.POSITION_NOT_FILLS, "ABC"),
        ),
    ],
    ids=lambda value: value.invariant.value if isinstance(value, Violation) else "",
)
def test_broken_invariants_are_found_after_the_cycle(ours, theirs, violation):
    assert violation in cycle(ours, theirs).violations


@pytest.mark.spec("02-13/2")
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ["mark_filled"]),
        ({"open_orders": None}, []),
        ({"history": None}, ["mark_filled"]),
        ({"open_orders": (there(qty_lots=12, filled_lots=10),)}, ["update_state"]),
        ({"open_orders": (there(filled_lots=7),)}, ["mark_filled"]),
    ],
)
def test_complete_fills_end_an_order_unless_its_total_may_have_been_raised(changes, expected):
    ours = local(order(filled_lots=10), lots=10)
    theirs = view(**{"positions": {"ABC": 10}} | changes)
    assert names(cycle(ours, theirs)) == expected
