"""Safety while everything may go wrong, then liveness: once faults end, both sides agree."""

from collections import Counter

import pytest
from tests.property.trading.reconcile.fault_world import (
    SYMBOLS,
    CycleStep,
    Step,
    World,
    story,
)

from mmbot.trading.reconcile import (
    ActionName,
    Close,
    LocalView,
    MarkCanceled,
    MarkFilled,
    OrderState,
    Plan,
    PositionMismatch,
    UpdateState,
    explain,
    reconcile,
)

QUIET = CycleStep(frozenset(), ((),) * 5)
# An order is believed missing after two cycles; what its end uncovers takes two more, one is clean.
HEALED_AFTER = 7
SEEDS = 50


def check_cycle(world: World, step: CycleStep) -> list[ActionName]:
    before = world.local
    view, plan = world.cycle(step)
    assert plan.violations == ()
    check_that_right_beliefs_stand(world, before, plan)
    again = reconcile(world.local, view, plan.state, symbols=frozenset(SYMBOLS))
    assert again.actions == ()
    assert len(explain(plan)) >= len(plan.actions)
    ended = [a for a in plan.actions if isinstance(a, MarkFilled | MarkCanceled)]
    assert len({action.local.cid for action in ended}) == len(ended)
    return [action.name for action in plan.actions]


def check_that_right_beliefs_stand(world: World, before: LocalView, plan: Plan) -> None:
    """Answers are older than what was heard meanwhile: they must not undo it."""
    closed = {action.venue.cid for action in plan.actions if isinstance(action, Close)}
    corrected = {
        action.local.cid
        for action in plan.actions
        if isinstance(action, UpdateState | MarkFilled | MarkCanceled)
    }
    for order in before.orders:
        truth = world.venue.get(order.cid)
        if truth is None or order.state is not OrderState.LIVE or not truth.status.is_open:
            continue
        assert order.cid not in closed
        if (order.price_ticks, order.qty_lots) == (truth.price_ticks, truth.qty_lots):
            assert order.cid not in corrected
    for action in plan.actions:
        if isinstance(action, PositionMismatch):
            assert abs(world.position(action.symbol) - action.fills_lots) > 1


def check_agreement(world: World) -> None:
    resting = {cid: order for cid, order in world.venue.items() if order.status.is_open}
    believed = {order.cid: order for order in world.local.orders if order.state.is_open}
    assert {order.state for order in believed.values()} <= {OrderState.LIVE}
    assert {cid: (o.price_ticks, o.qty_lots, o.filled_lots) for cid, o in resting.items()} == {
        cid: (o.price_ticks, o.qty_lots, o.filled_lots) for cid, o in believed.items()
    }
    assert world.local.exec_ids == {execution.exec_id for execution in world.executions}
    for order in world.local.orders:
        if order.cid in world.venue:
            assert order.filled_lots == world.venue[order.cid].filled_lots
    for symbol in SYMBOLS:
        position = world.local.positions.get(symbol)
        fills = sum(e.side.sign * e.qty_lots for e in world.executions if e.symbol == symbol)
        held = (0, 0) if position is None else (position.position_lots, position.fills_lots)
        # One lot is no mismatch.
        assert abs(held[0] - world.position(symbol)) <= 1
        assert held[1] == fills
        assert position is None or position.is_mismatched or held[0] == fills
    assert world.state.paused is None
    assert world.state.missing == world.state.unfilled == {}


@pytest.mark.spec("02-13")
@pytest.mark.parametrize("block", range(8))
def test_whatever_was_lost_both_sides_agree_once_the_faults_end(block):
    seen: Counter[str] = Counter()
    for seed in range(block * SEEDS, (block + 1) * SEEDS):
        try:
            run(seed, seen)
        except AssertionError as exc:
            exc.add_note(f"seed {seed}")
            raise
    # A world in which something never happens proves nothing about it.
    assert {name for name in ActionName if not seen[name]} == set()


def run(seed: int, seen: Counter[str]) -> None:
    world = World()
    for step in story(seed):
        if isinstance(step, CycleStep):
            seen.update(check_cycle(world, step))
        else:
            world.do(step)
    for report in world.late_reports:
        world._hear(report)
    world.late_requests.clear()
    for number in range(HEALED_AFTER):
        world.do(Step("wait", 0, 12, "now", "now"))
        _, plan = world.cycle(QUIET)
        assert plan.violations == ()
        if not plan.actions and not plan.pending:
            break
        assert number < HEALED_AFTER - 1, (plan.actions, plan.pending)
    check_agreement(world)
    assert len(world.reported) == len(set(world.reported))
    assert set(world.foreign) <= set(world.reported)
