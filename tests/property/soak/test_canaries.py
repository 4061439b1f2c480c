"""The properties can fail: without its rail, each one finds a counterexample.

Some rails stand behind others and cannot be reached through today's rules, which propose only
values inside the hard range and raise the spread twice at most: they are tested by hand.
"""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import Phase as SearchPhase
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from tests.property.soak import test_rails
from tests.property.soak.inputs import (
    all_figures,
    all_inputs,
    all_values,
    regular_states,
)
from tests.unit.soak.made import figures, given

from mmbot.soak import tuner
from mmbot.soak.models import Change, ChangeSet, Draft, Mode, Phase
from mmbot.soak.parameters import DEFAULTS
from mmbot.soak.rails import CHANGE_RAILS, RAILS, SET_RAILS

TUNABLE: dict[str, Any] = {
    "auto_tune": st.just(True),
    "unusable": st.none(),
    "state": regular_states(),
}
PINNED: dict[str, dict[str, Any]] = {
    # A longer interval is wanted by a driver, and a shorter one by the age of orders.
    "calming_wins": {
        "figures": st.just(figures(order_age_p95_ms=400.0, min_interval_ratio=0.5)),
        "state": regular_states().map(lambda s: replace(s, delta_history=())),
        "values": all_values().map(lambda v: {**v, "min_interval_ms": 70}),
    },
    # Three rules want a longer interval, and velocity leaves room for all of them.
    "max_changes": {
        "figures": all_figures().map(
            lambda f: replace(f, risk_ratio=0.45, cancel_ratio=0.6, min_interval_ratio=0.5)
        ),
        "phase": st.just(Phase.WARMUP),
        "state": regular_states().map(lambda s: replace(s, delta_history=())),
        "values": all_values().map(lambda v: {**v, "min_interval_ms": 50}),
    },
    "final_iteration": {"total_iterations": st.just(10)},
    "micro_steps": {"phase": st.just(Phase.WARMUP)},
}
SPREAD = "base_spread_bps_delta"
BEHIND_OTHERS = frozenset({"no_deltas", "sanity", "no_op", "spread_cap"})
REACHED = [r.name for r in (*CHANGE_RAILS, *SET_RAILS) if r.name not in BEHIND_OTHERS]


@pytest.mark.slow
@pytest.mark.parametrize("name", REACHED)
def test_a_property_fails_without_its_rail(name, monkeypatch):
    kept_changes = tuple(r for r in CHANGE_RAILS if r.name != name)
    kept_sets = tuple(r for r in SET_RAILS if r.name != name)
    assert len(kept_changes) + len(kept_sets) == len(CHANGE_RAILS) + len(SET_RAILS) - 1
    monkeypatch.setattr(tuner, "CHANGE_RAILS", kept_changes)
    monkeypatch.setattr(tuner, "SET_RAILS", kept_sets)
    judged = getattr(test_rails, f"test_{name}").hypothesis.inner_test
    search = settings(max_examples=2000, phases=[SearchPhase.generate], database=None)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        search(for_all(all_inputs(**{**TUNABLE, **PINNED.get(name, {})}))(judged))()


def made_by_hand(**deltas):
    blank = Draft(start=DEFAULTS, running=DEFAULTS)
    return ChangeSet(mode=Mode.REGULAR, deltas=deltas, draft=blank)


@pytest.mark.parametrize(
    ("name", "deltas", "reason"),
    [
        ("no_deltas", {}, "no_deltas"),
        ("sanity", {"tail_age_ms": 1000}, "sanity_failed"),
        ("sanity", {"tail_age_ms": 30}, None),
        ("no_op", {"tail_age_ms": 0.2}, "no_op"),
        ("no_op", {"tail_age_ms": 1}, None),
    ],
)
def test_rails_that_stand_behind_others(name, deltas, reason):
    rail = next(r for r in SET_RAILS if r.name == name)
    assert rail.filter(given(), made_by_hand(**deltas)).blocked == reason


@pytest.mark.spec("07-8.1")
@pytest.mark.parametrize(
    ("before", "after", "reached"),
    [(0.14, 0.24, 0.24), (0.14, 0.25, 0.24), (0.20, 0.40, 0.24), (0.24, 0.26, None)],
)
def test_the_excess_of_a_rising_spread_is_cut_off(before, after, reached):
    rail = next(r for r in CHANGE_RAILS if r.name == "spread_cap")
    draft = Draft(start=DEFAULTS, running={**DEFAULTS, SPREAD: before})
    change = rail.judge(given(), draft, Change(rule="x", field=SPREAD, before=before, after=after))
    assert (change.after if change.accepted else None) == reached
    assert change.reason == (None if after <= 0.24 else "spread_cap")


def test_every_rail_is_looked_at():
    named = set(REACHED) | BEHIND_OTHERS
    assert {r.name for r in RAILS} - named == {
        "eligibility",
        "panic_revert",
        "conservative_fallback",
        "multi_fail_guard",
    }
