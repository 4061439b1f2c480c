import dataclasses
from typing import Any

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
    CycleInputs,
    ForeignOrder,
    ReconcileState,
    ResumeQuoting,
    apply_plan,
    explain,
    next_cycle_ns,
)
from mmbot.units import NS_PER_SEC

EXPLAINED = """
reattach_fill symbol=ABC cid=mmbotx-1 cause=execution_missing \
local=Live,buy,px=100,filled=4/10 venue=exec=E2,buy,1@100.5 event=fill
update_state symbol=ABC cid=mmbotx-1 cause=differs \
local=Live,buy,px=100,filled=5/10 venue=open,buy,px=101,filled=4/10 event=amended
close symbol=ABC cid=mmbot-old-9 cause=unknown_here \
local=unknown venue=open,buy,px=100,filled=4/10 event=intent_cancel
position_mismatch symbol=ABC cid=- cause=position_differs \
local=fills=5 venue=position=9 event=adjustment
pending symbol=ABC cid=mmbotx-2 cause=unknown_to_venue,cycles=1 \
local=Live,buy,px=100,filled=0/10 venue=unknown event=canceled
foreign symbol=ABC cid=web-1 cause=not_ours local=- venue=open,order_id=F1 event=-
"""

FOREIGN = ForeignOrder(order_id="F1", cid="web-1", symbol="ABC")


def many(count: int, *, first: int = 0):
    cids = [f"mmbotx-{number}" for number in range(first, first + count)]
    ours = local(*(order(cid=cid) for cid in cids))
    return ours, tuple(there(cid=cid, order_id=cid) for cid in cids)


@pytest.mark.spec("02-13/5")
def test_foreign_orders_are_left_alone_and_reported_once():
    first = cycle(local(), view(1, foreign_orders=(FOREIGN,)))
    assert (names(first), first.foreign) == ([], (FOREIGN,))
    second = cycle(local(), view(2, foreign_orders=(FOREIGN,)), first.state)
    assert second.foreign == ()
    failed = cycle(local(), view(3, open_orders=None), second.state)
    back = cycle(local(), view(4, foreign_orders=(FOREIGN,)), failed.state)
    assert back.foreign == ()


@pytest.mark.spec("02-13/6")
@pytest.mark.parametrize(
    ("venue_lots", "is_mismatch"), [(4, False), (5, False), (3, False), (6, True), (2, True)]
)
def test_a_position_may_differ_by_one_lot_from_the_sum_of_fills(venue_lots, is_mismatch):
    plan = cycle(local(), view(positions={"ABC": venue_lots} if venue_lots else {}))
    assert names(plan) == (["position_mismatch"] if is_mismatch else [])
    assert len(plan.alerts) == is_mismatch


@pytest.mark.spec("02-13/6")
def test_a_symbol_without_a_position_at_the_venue_has_none():
    assert names(cycle(local(), view(positions={}))) == ["position_mismatch"]
    assert names(cycle(local(lots=0), view(positions={}))) == []


@pytest.mark.spec("02-13/6")
def test_a_mismatch_adopts_the_venues_position_once_and_ends_when_its_fills_arrive():
    ours = local()
    first = cycle(ours, view(1, positions={"ABC": 10}))
    adopted = apply_plan(ours, first.actions)
    position = adopted.positions["ABC"]
    assert (position.position_lots, position.fills_lots) == (10, 4)
    assert position.is_mismatched
    assert first.violations == ()
    assert names(cycle(adopted, view(2, positions={"ABC": 10}), first.state)) == []
    moved = cycle(adopted, view(2, positions={"ABC": 11}), first.state)
    assert names(moved) == ["position_mismatch"]
    late = view(3, positions={"ABC": 10}, executions=(execution(qty_lots=6),))
    explained = cycle(adopted, late, first.state)
    assert names(explained) == ["reattach_fill", "resume_quoting"]
    assert explained.actions[1] == ResumeQuoting(cause=Cause.MISMATCH_EXPLAINED, symbol="ABC")
    healed = apply_plan(adopted, explained.actions).positions["ABC"]
    assert (healed.position_lots, healed.fills_lots) == (10, 10)
    assert not healed.is_mismatched


@pytest.mark.spec("02-13/6")
@pytest.mark.parametrize("part", ["positions", "executions"])
def test_a_position_is_not_judged_without_executions_or_while_it_is_filled(part):
    parts: dict[str, Any] = {"positions": {"ABC": 99}} | {part: None}
    assert names(cycle(local(), view(**parts))) == []
    filled_now = local(changed_ns=CYCLE_NS)
    assert names(cycle(filled_now, view(positions={"ABC": 99}))) == []
    assert names(cycle(local(changed_ns=CYCLE_NS - 1), view(positions={"ABC": 99}))) != []


@pytest.mark.spec("02-13")
@pytest.mark.parametrize(("strangers", "is_hard"), [(0, False), (1, False), (2, True)])
def test_more_than_a_tenth_of_the_open_orders_differing_twice_pauses(strangers, is_hard):
    # 1 of 10 is 0.10, which is not more than a tenth; 2 of 11 is.
    ours, theirs = many(9)
    _, extra = many(strangers, first=100)
    state = ReconcileState()
    found = []
    for number in (1, 2, 3):
        plan = cycle(ours, view(number, open_orders=theirs + extra), state)
        state = plan.state
        found.append("pause_quoting" in names(plan))
    assert found == [False, is_hard, False]
    assert state.paused is (Cause.HARD_DESYNC if is_hard else None)


@pytest.mark.spec("02-13")
def test_a_desync_that_was_gone_between_does_not_pause():
    ours, theirs = many(3)
    _, extra = many(1, first=100)
    state = ReconcileState()
    for number, shown in enumerate((theirs + extra, theirs, theirs + extra), 1):
        plan = cycle(ours, view(number, open_orders=shown), state)
        state = plan.state
        assert "pause_quoting" not in names(plan)


@pytest.mark.spec("02-13")
def test_quoting_resumes_after_a_clean_cycle_only():
    ours, theirs = many(3)
    paused = dataclasses.replace(ReconcileState(judged_ns=0), paused=Cause.HARD_DESYNC)
    dirty = cycle(ours, view(1, open_orders=(*theirs[1:], there(cid=theirs[0].cid, qty_lots=12))))
    assert names(dirty) == ["update_state"]
    for bad in (
        view(1, open_orders=theirs, positions=None),
        view(1, open_orders=theirs[1:]),
        view(1, open_orders=(*theirs[1:], there(cid=theirs[0].cid, qty_lots=12))),
    ):
        plan = cycle(ours, bad, paused)
        assert "resume_quoting" not in names(plan)
        assert plan.state.paused is Cause.HARD_DESYNC
    clean = cycle(ours, view(1, open_orders=theirs), paused)
    assert names(clean) == ["resume_quoting"]
    assert clean.actions == (ResumeQuoting(cause=Cause.CLEAN_CYCLE),)
    assert clean.state.paused is None


@pytest.mark.spec("02-13")
@pytest.mark.parametrize("part", ["open_orders", "history", "executions", "positions"])
def test_three_failed_cycles_in_a_row_pause(part):
    state, found = ReconcileState(), []
    for number in range(1, 6):
        plan = cycle(local(), view(number, **{part: None}), state)
        state = plan.state
        found.append(names(plan))
    assert found == [[], [], ["pause_quoting"], [], []]
    assert state.paused is Cause.FAILED_CYCLES
    assert names(cycle(local(), view(9), state)) == ["resume_quoting"]


@pytest.mark.spec("02-13")
def test_a_complete_cycle_between_failed_ones_begins_the_count_again():
    state = ReconcileState()
    for number in range(1, 12):
        part = {} if number % 3 == 0 else {"history": None}
        plan = cycle(local(), view(number, **part), state)
        state = plan.state
        assert names(plan) == []


@pytest.mark.spec("02-13")
def test_evidence_counts_once():
    ours = local(order())
    first = cycle(ours, view(1))
    state = first.state
    for _ in range(5):
        again = cycle(ours, view(1), state)
        assert names(again) == []
        assert again.state.missing == {"mmbotx-1": 1}
        state = again.state
    assert names(cycle(ours, view(2), state)) == ["mark_canceled", "pause_quoting"]


@pytest.mark.spec("09-1")
def test_each_difference_is_explained_with_the_event_that_would_close_it():
    ours = local(order(), order(cid="mmbotx-2", filled_lots=0))
    theirs = view(
        1,
        open_orders=(there(price_ticks=101), there(cid="mmbot-old-9", order_id="V9")),
        executions=(execution("E2", 1),),
        positions={"ABC": 9},
        foreign_orders=(FOREIGN,),
    )
    rows = explain(cycle(ours, theirs))
    assert "\n".join(row.text for row in rows) == EXPLAINED.strip()
    assert all(row.text.isascii() for row in rows)


@pytest.mark.spec("02-13")
@pytest.mark.parametrize(
    ("inputs", "due_sec"),
    [
        ((None, None, None), 3),
        ((10, None, None), 35),
        ((10, 12, None), 12),
        ((10, 9, None), 35),
        ((10, None, 10.5), 11.5),
        ((10, None, 2), 11),
        ((10, None, 34.5), 35),
    ],
)
def test_cycles_come_at_start_every_25_s_after_reconnects_and_for_unknown_orders(inputs, due_sec):
    last, reconnected, unknown = (None if s is None else int(s * NS_PER_SEC) for s in inputs)
    due = next_cycle_ns(
        CycleInputs(last_cycle_ns=last, reconnected_ns=reconnected, unknown_since_ns=unknown),
        started_ns=3 * NS_PER_SEC,
    )
    assert due == int(due_sec * NS_PER_SEC)
