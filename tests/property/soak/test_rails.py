"""Each rail keeps its promise under any input.

One property per rail, named after it; the last test fails when a rail has none.
"""

import inspect
import sys
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.property.soak.inputs import NOW_SEC, all_inputs, regular_states

from mmbot.soak.models import Mode, Phase
from mmbot.soak.oscillation import MONITORED, oscillates
from mmbot.soak.parameters import (
    TUNABLES,
    calmer,
    is_calming,
    is_loosening,
    total_change,
    validate_overrides,
)
from mmbot.soak.rails import RAILS
from mmbot.soak.rules import MULTI_FAIL_STEPS, RULES, ZONES
from mmbot.soak.settle import settled
from mmbot.soak.tuner import decide

CAREFUL = (Mode.REGULAR, Mode.MULTI_FAIL)
SPREAD = "base_spread_bps_delta"
tunable_inputs = all_inputs(auto_tune=st.just(True), unusable=st.none())
regular_inputs = all_inputs(auto_tune=st.just(True), unusable=st.none(), state=regular_states())
EXAMPLES = settings(max_examples=60)


@EXAMPLES
@given(all_inputs())
@pytest.mark.spec("07-9.1/0")
def test_eligibility(made):
    decision = decide(made)
    if not made.auto_tune or made.unusable:
        assert decision.mode is Mode.NONE
        assert decision.skipped_reason == (made.unusable if made.auto_tune else "disabled")
        assert not decision.deltas
        assert decision.after == made.values
    else:
        assert decision.mode is not Mode.NONE


@EXAMPLES
@given(tunable_inputs)
@pytest.mark.spec("07-9.6")
def test_panic_revert(made):
    decision = decide(made)
    assert (decision.mode is Mode.PANIC) == (made.state.kpi_fail_streak >= 3)
    if decision.mode is not Mode.PANIC:
        return
    assert not any(is_loosening(name, move) for name, move in decision.deltas.items())
    if decision.skipped_reason is None:
        profile = getattr(made.settings, str(decision.panic_profile))
        for name, value in made.values.items():
            assert decision.after[name] == calmer(name, profile[name], value)


@EXAMPLES
@given(tunable_inputs)
@pytest.mark.spec("07-8.3")
def test_conservative_fallback(made):
    decision = decide(made)
    if decision.mode is Mode.FALLBACK:
        assert made.state.neg_streak >= 2
        assert made.state.fallback_applied_at_iter != made.iteration - 1
        assert {c.rule for c in decision.changes} == {"FALLBACK_CONSERVATIVE"}
        outcome = _outcome(decision)
        after = settled(made.state, outcome, now_sec=NOW_SEC)
        if decision.skipped_reason not in {"final_iteration", "sanity_failed"}:
            assert after.neg_streak == 0
            assert after.fallback_applied_at_iter == made.iteration
            assert after.cooldown_until_iter == made.iteration + 2


@EXAMPLES
@given(regular_inputs)
@pytest.mark.spec("07-8.2")
def test_calming_wins(made):
    decision = decide(made)
    if decision.mode not in CAREFUL:
        return
    for name in TUNABLES:
        taken = [c for c in decision.changes if c.field == name and c.accepted]
        assert len({c.calming for c in taken}) <= 1
        if any(c.calming for c in taken):
            assert is_calming(name, decision.deltas[name])


@EXAMPLES
@given(regular_inputs)
@pytest.mark.spec("07-8.1")
def test_max_changes(made):
    decision = decide(made)
    for name in TUNABLES:
        assert len([c for c in decision.changes if c.field == name and c.accepted]) <= 2


@EXAMPLES
@given(regular_inputs)
@pytest.mark.spec("07-8.1", "07-D2", "07-D3")
def test_bound(made):
    limits: dict[tuple[str, str], float | None] = {
        (rule, step.field): step.limit
        for rule, steps in [
            *((f"ZONE:{name}", steps) for name, steps in ZONES.items()),
            *((rule.name, rule.steps) for rule in RULES),
            ("MULTI_FAIL", MULTI_FAIL_STEPS),
        ]
        for step in steps
    }
    for change in decide(made).changes:
        if not change.accepted:
            continue
        tunable = TUNABLES[change.field]
        assert tunable.low <= change.after <= tunable.high
        assert change.after != change.before
        if (change.rule, change.field) in limits:
            limit = limits[change.rule, change.field]
            limit = made.start_values[change.field] if limit is None else limit
            # Towards the limit, and never across it.
            assert (limit - change.before) * (change.after - change.before) > 0
            assert abs(change.after - change.before) <= abs(limit - change.before) + 1e-12


@EXAMPLES
@given(regular_inputs)
@pytest.mark.spec("07-8.1")
def test_spread_cap(made):
    decision = decide(made)
    if decision.mode is not Mode.PANIC:
        assert decision.after[SPREAD] - made.values[SPREAD] <= 0.10 + 1e-9


@EXAMPLES
@given(regular_inputs)
@pytest.mark.spec("07-9.5")
def test_velocity(made):
    decision = decide(made)
    if decision.mode not in CAREFUL:
        return
    factor = 1.5 if made.phase is Phase.WARMUP else 1.0
    recent = [m for m in made.state.delta_history if NOW_SEC - m.t_sec <= 3600]
    for name, move in decision.applied_deltas.items():
        if not [c for c in decision.changes if c.field == name and c.accepted]:
            continue
        net = sum(m.delta for m in recent if m.field == name) + move
        assert abs(net) <= made.settings.velocity[name] * factor + 1e-8


@EXAMPLES
@given(regular_inputs)
@pytest.mark.spec("07-8.4")
def test_multi_fail_guard(made):
    decision = decide(made)
    assert (decision.mode is Mode.MULTI_FAIL) <= (decision.fail_count == 3)
    if decision.mode is Mode.MULTI_FAIL:
        assert set(decision.deltas) <= {step.field for step in MULTI_FAIL_STEPS}
        assert not any(is_loosening(name, move) for name, move in decision.deltas.items())
    if decision.mode is Mode.REGULAR:
        assert decision.fail_count < 3


@EXAMPLES
@given(tunable_inputs)
@pytest.mark.spec("07-9.1/1")
def test_no_deltas(made):
    decision = decide(made)
    if not decision.deltas:
        assert not decision.applied_deltas
        assert decision.after == made.values
    refusals = {c.reason for c in decision.changes if not c.accepted}
    if decision.skipped_reason == "velocity_exceeded":
        assert refusals == {"velocity"}


@EXAMPLES
@given(all_inputs(total_iterations=st.just(10)))
@pytest.mark.spec("07-9.1/2", "07-D17")
def test_final_iteration(made):
    decision = decide(made)
    assert not decision.applied_deltas or decision.mode is Mode.PANIC


@EXAMPLES
@given(regular_inputs)
@pytest.mark.spec("07-9.4")
def test_cooldown(made):
    decision = decide(made)
    until = made.state.cooldown_until_iter
    if until is not None and made.iteration <= until and decision.mode in CAREFUL:
        assert not decision.applied_deltas
    elif decision.skipped_reason == "cooldown_active":
        pytest.fail("blocked without a cooldown")


@EXAMPLES
@given(regular_inputs)
@pytest.mark.spec("07-9.3", "07-D12")
def test_freeze(made):
    decision = decide(made)
    until = made.state.frozen_until_iter
    frozen = until is not None and made.iteration <= until and decision.mode in CAREFUL
    fixed = {"impact_cap_ratio", "max_delta_ratio"}
    if frozen:
        assert not fixed & set(decision.applied_deltas)
    else:
        assert "freeze" not in decision.removed
    # What is removed explains itself, and nothing else is.
    assert set(decision.removed.get("freeze", ())) <= fixed


@EXAMPLES
@given(regular_inputs)
@pytest.mark.spec("07-9.8", "07-D16")
def test_oscillation(made):
    """Also with a history that the decision would return to, which chance does not draw."""
    first = decide(made)
    back = {name: (first.after[name], made.values[name]) for name in TUNABLES}
    for history in (made.state.value_history, back):
        decision = decide(replace(made, state=replace(made.state, value_history=history)))
        if decision.mode not in CAREFUL:
            return
        for name in MONITORED:
            if name in decision.applied_deltas:
                recent = history.get(name, ())[-2:]
                assert not oscillates([*recent, decision.after[name]])


@EXAMPLES
@given(all_inputs(phase=st.just(Phase.WARMUP)))
@pytest.mark.spec("07-7")
def test_micro_steps(made):
    decision = decide(made)
    if decision.mode not in CAREFUL:
        return
    applied = decision.applied_deltas
    assert len(applied) <= 2
    if made.state.last_applied_iter == made.iteration - 1:
        assert not set(applied) & set(made.state.last_applied_fields)
        return
    others = {
        name: move
        for name, move in decision.deltas.items()
        if name not in applied and name in decision.removed.get("micro_steps", ())
    }
    least = min((total_change({name: move}) for name, move in applied.items()), default=0.0)
    assert all(total_change({name: move}) <= least for name, move in others.items())


@EXAMPLES
@given(all_inputs())
@pytest.mark.spec("07-9.7", "07-9.1/7")
def test_sanity(made):
    decision = decide(made)
    assert validate_overrides(decision.after)
    assert set(decision.after) == set(TUNABLES)


@EXAMPLES
@given(all_inputs())
@pytest.mark.spec("07-9.1/8")
def test_no_op(made):
    decision = decide(made)
    assert bool(decision.applied_deltas) == (decision.after != made.values)
    assert bool(decision.applied_deltas) == (decision.skipped_reason is None)


@EXAMPLES
@given(tunable_inputs)
@pytest.mark.spec("07-9.2", "07-D13")
def test_idempotency(made):
    decision = decide(made)
    if not decision.applied_deltas:
        return
    assert not made.already_applied
    done = replace(made.state, last_applied_signature=decision.signature)
    again = decide(replace(made, state=done))
    assert (again.applied_deltas, again.skipped_reason) == ({}, "same_signature")
    later = decide(replace(made, state=done, run_id="other"))
    assert later.applied_deltas == decision.applied_deltas


@EXAMPLES
@given(all_inputs())
def test_equal_input_gives_an_equal_decision(made):
    assert decide(made) == decide(replace(made))


@EXAMPLES
@given(tunable_inputs)
@pytest.mark.spec("07-8.1")
def test_accepted_steps_of_a_field_follow_each_other_and_add_up(made):
    decision = decide(made)
    for name in TUNABLES:
        taken = [c for c in decision.changes if c.field == name and c.accepted]
        for first, second in pairwise(taken):
            assert first.after == second.before
        if taken:
            assert taken[0].before == made.values[name]
            total = TUNABLES[name].rounded(taken[-1].after - taken[0].before)
            assert decision.deltas.get(name, 0) == total


def test_every_rail_has_a_property():
    tests = {name for name, _ in inspect.getmembers(sys.modules[__name__], inspect.isfunction)}
    assert {f"test_{rail.name}" for rail in RAILS} <= tests


def _outcome(decision):
    return {
        "iteration": 10,
        "tuning": {
            "mode": decision.mode.value,
            "applied": bool(decision.applied_deltas),
            "applied_deltas": decision.applied_deltas,
            "skipped_reason": decision.skipped_reason,
            "signature": decision.signature,
        },
    }
