"""Cooldown, freeze and what packages reset, as functions of the stored outcome."""

from dataclasses import replace

import pytest

from mmbot.soak.models import Mode
from mmbot.soak.settle import relaxed, settled, withdrawn
from mmbot.soak.state import Moved, TuningState

NOW = 50_000.0
STATE = TuningState(run_id="r", last_iter=9)


def outcome(*, mode="regular", applied=None, skipped=None, iteration=10):
    return {
        "iteration": iteration,
        "tuning": {
            "mode": mode,
            "applied": bool(applied),
            "applied_deltas": applied or {},
            "skipped_reason": skipped,
            "signature": "s" if applied else None,
            "state_hash": "new",
        },
    }


@pytest.mark.spec("07-9.4", "07-D14")
@pytest.mark.parametrize(
    ("delta", "until"), [(39, None), (40, 12)], ids=["0.15 of the range", "more than that"]
)
def test_a_cooldown_starts_above_a_total_of_0_15(delta, until):
    after = settled(STATE, outcome(applied={"min_interval_ms": delta}), now_sec=NOW)
    assert after.cooldown_until_iter == until


@pytest.mark.spec("07-9.4", "07-D6")
@pytest.mark.parametrize(
    ("loosened", "verdict", "iteration", "ended"),
    [
        (True, "FAIL", 11, True),
        (True, "WARN", 11, False),
        (False, "FAIL", 11, False),
        (True, "FAIL", 13, False),
    ],
)
def test_a_cooldown_ends_on_a_fail_after_a_loosening_change(loosened, verdict, iteration, ended):
    state = replace(STATE, cooldown_until_iter=12, cooldown_loosened=loosened)
    found = relaxed(state, iteration=iteration, verdict=verdict, risk_ratio=0.2, mode=Mode.REGULAR)
    assert (found.state.cooldown_until_iter is None) is ended
    assert (found.cooldown_ended is not None) is ended


@pytest.mark.spec("07-9.4")
def test_a_cooldown_remembers_whether_a_loosening_change_started_it():
    loose = settled(STATE, outcome(applied={"min_interval_ms": -60}), now_sec=NOW)
    calm = settled(STATE, outcome(applied={"min_interval_ms": 60}), now_sec=NOW)
    assert (loose.cooldown_loosened, calm.cooldown_loosened) == (True, False)


@pytest.mark.spec("07-9.3")
@pytest.mark.parametrize(
    ("streak", "until", "expected"),
    [(1, None, None), (2, None, 14), (5, None, 14), (2, 10, 10), (2, 9, 14), (2, 12, 12)],
)
def test_a_freeze_starts_after_two_stable_iterations_and_is_never_extended(streak, until, expected):
    state = replace(STATE, stable_streak=streak, frozen_until_iter=until)
    after = settled(state, outcome(skipped="no_deltas"), now_sec=NOW)
    assert after.frozen_until_iter == expected


@pytest.mark.spec("07-9.3", "07-D12")
@pytest.mark.parametrize(
    ("verdict", "risk", "mode", "reason"),
    [
        ("FAIL", 0.2, Mode.REGULAR, "kpi_fail"),
        ("WARN", 0.60, Mode.REGULAR, "risk"),
        ("WARN", 0.59, Mode.REGULAR, None),
        ("PASS", None, Mode.REGULAR, None),
        ("FAIL", 0.2, Mode.FALLBACK, "fallback"),
        ("FAIL", 0.2, Mode.PANIC, "panic"),
    ],
)
def test_a_freeze_ends_when_it_would_delay_de_risking(verdict, risk, mode, reason):
    state = replace(STATE, frozen_until_iter=12, freeze_reason="steady_safe")
    found = relaxed(state, iteration=10, verdict=verdict, risk_ratio=risk, mode=mode)
    assert found.freeze_ended == reason
    assert (found.state.frozen_until_iter is None) is (reason is not None)


@pytest.mark.spec("07-9.6")
@pytest.mark.parametrize("skipped", [None, "no_op"])
def test_a_panic_resets_streaks_and_cools_down_even_without_effect(skipped):
    state = replace(STATE, kpi_fail_streak=3, neg_streak=2)
    applied = None if skipped else {"tail_age_ms": 10}
    after = settled(state, outcome(mode="panic", applied=applied, skipped=skipped), now_sec=NOW)
    assert (after.kpi_fail_streak, after.neg_streak, after.panic_count) == (0, 0, 1)
    assert after.cooldown_until_iter == 12


@pytest.mark.spec("07-8.3")
def test_a_fallback_that_did_not_take_place_changes_nothing():
    state = replace(STATE, neg_streak=2)
    for reason in ("apply_failed", "final_iteration", "sanity_failed"):
        after = settled(state, outcome(mode="fallback", skipped=reason), now_sec=NOW)
        assert (after.neg_streak, after.fallback_applied_at_iter) == (2, None)
    done = settled(state, outcome(mode="fallback", applied={"tail_age_ms": 50}), now_sec=NOW)
    assert (done.neg_streak, done.fallback_applied_at_iter) == (0, 10)


@pytest.mark.spec("07-9.5", "07-10")
def test_history_keeps_an_hour_of_soak_time():
    def moved(ago):
        return Moved(t_sec=NOW - ago, iteration=1, field="tail_age_ms", delta=10)

    state = replace(STATE, delta_history=(moved(3600.5), moved(3600.0), moved(0.0)))
    after = settled(state, outcome(applied={"tail_age_ms": 30}), now_sec=NOW)
    assert [m.t_sec for m in after.delta_history] == [NOW - 3600.0, NOW, NOW]
    assert after.moved_within_hour("tail_age_ms", NOW) == 50
    assert after.last_applied_fields == ("tail_age_ms",)


@pytest.mark.spec("07-11")
def test_a_withdrawn_outcome_says_that_nothing_was_applied():
    done = withdrawn(outcome(applied={"tail_age_ms": 30}), hash_before="old")
    assert done["tuning"]["applied"] is False
    assert done["tuning"]["applied_deltas"] == {}
    assert (done["tuning"]["skipped_reason"], done["tuning"]["state_hash"]) == (
        "apply_failed",
        "old",
    )


def test_without_auto_tuning_nothing_is_frozen():
    state = replace(STATE, stable_streak=4)
    after = settled(state, outcome(mode="none", skipped="disabled"), now_sec=NOW)
    assert after.frozen_until_iter is None
