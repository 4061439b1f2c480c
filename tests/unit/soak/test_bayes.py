"""Bayesian tuning: seeded, inside rails and envelope, and able to climb."""

import random
import sys
from typing import Any

import pytest
from tests.unit.soak.made import SETTINGS, figures, given

from mmbot.config.research import SoakConfig
from mmbot.errors import ConfigError
from mmbot.soak.bayes import ENVELOPE, STEPS, BayesTuner, Observation, observations, suggest
from mmbot.soak.compare import TunerRun, compare_document, compare_markdown
from mmbot.soak.iteration import IterationFacts, evaluate, finish
from mmbot.soak.models import Mode, Phase, settings_of
from mmbot.soak.parameters import (
    DEFAULTS,
    TUNABLES,
    is_loosening,
    total_change,
    validate_overrides,
)
from mmbot.soak.rails import CHANGE_RAILS
from mmbot.soak.settle import COOLDOWN_TOTAL
from mmbot.soak.source import WindowResult
from mmbot.soak.state import TuningState
from mmbot.soak.tuner import decide
from mmbot.units import NS_PER_SEC

pytest.importorskip("optuna")


def record(iteration, *, net=3.0, risk=0.37, **values):
    return {
        "iteration": iteration,
        "partial": False,
        "base": {**DEFAULTS, **values},
        "summary": {"net_bps": net, "risk_ratio": risk, "sample": "ok"},
    }


RECORDS = [record(i, net=2.0 + 0.2 * i, min_interval_ms=60 + 5 * i) for i in range(1, 7)]


def test_equal_records_and_seeds_give_equal_suggestions():
    seen = observations(RECORDS)
    assert suggest(seen, 7) == suggest(seen, 7)
    for name, value in suggest(seen, 7).items():
        low, high = ENVELOPE[name]
        assert low <= value <= high


def test_until_there_is_enough_to_learn_from_the_rules_decide():
    refine = BayesTuner(seed=1).learn(RECORDS[:3])
    made = given(figures=figures(cancel_ratio=0.6))
    assert decide(made, refine) == decide(made)


def test_a_suggestion_is_a_step_through_every_rail():
    refine = BayesTuner(seed=1).learn(RECORDS)
    decision = decide(given(figures=figures(net_bps=2.9)), refine)
    assert decision.changes
    assert {c.rule for c in decision.changes} == {"BAYES"}
    for name, move in decision.deltas.items():
        assert abs(move) <= STEPS[name]
    assert validate_overrides(decision.after)
    frozen = TuningState(run_id="r", frozen_until_iter=9, cooldown_until_iter=9)
    assert decide(given(state=frozen), refine).skipped_reason == "cooldown_active"


@pytest.mark.parametrize("seed", range(8))
def test_after_a_failed_window_only_calming_moves_are_left(seed):
    refine = BayesTuner(seed=seed).learn(RECORDS)
    failed = given(figures=figures(risk_ratio=0.55), verdict="FAIL")
    decision = decide(failed, refine)
    assert not any(is_loosening(name, move) for name, move in decision.deltas.items())


def test_panic_and_fallback_go_before_any_suggestion():
    refine = BayesTuner(seed=1).learn(RECORDS)
    panic = given(state=TuningState(run_id="r", kpi_fail_streak=3))
    assert decide(panic, refine) == decide(panic)
    losing = TuningState(run_id="r", neg_streak=2)
    assert decide(given(state=losing, verdict="FAIL"), refine).mode is Mode.FALLBACK


def test_where_the_gate_lets_a_loss_pass_the_model_goes_on_instead_of_the_package():
    refine = BayesTuner(seed=1).learn(RECORDS)
    losing = TuningState(run_id="r", neg_streak=2)
    passed = given(state=losing, verdict="WARN", figures=figures(net_bps=-0.4))
    assert decide(passed).mode is Mode.FALLBACK
    assert decide(passed, refine).mode is Mode.REGULAR


def test_unsafe_points_do_not_attract_however_much_they_earn():
    """The best edge lies where the risk gate fails; suggestions stay where it passed."""
    safe = [
        Observation({**DEFAULTS, "min_interval_ms": 100 + i}, 3.0 + 0.01 * i, 0.3)
        for i in range(12)
    ]
    wild = [Observation({**DEFAULTS, "min_interval_ms": 52 + i}, 30.0, 0.8) for i in range(12)]
    suggested = [suggest([*safe, *wild], seed)["min_interval_ms"] for seed in range(12)]
    assert sum(value > 80 for value in suggested) >= 10


@pytest.mark.parametrize("seed", range(12))
def test_no_suggestion_starts_a_cooldown_or_leaves_the_hard_range(seed):
    draw = random.Random(seed)
    seen = tuple(
        Observation(
            {n: t.rounded(draw.uniform(t.low, t.high)) for n, t in TUNABLES.items()},
            draw.gauss(0, 2),
            draw.random(),
            draw.uniform(20, 300),
            f"m{at // 4}",
        )
        for at in range(40)
    )
    values = {n: t.rounded(draw.uniform(t.low, t.high)) for n, t in TUNABLES.items()}
    decision = decide(given(values=values), BayesTuner(seed=seed, prior=seen).learn([]))
    assert total_change(decision.deltas) <= COOLDOWN_TOTAL + 1e-9
    assert all(abs(move) <= STEPS[name] for name, move in decision.deltas.items())
    assert validate_overrides(decision.after)


def test_the_field_that_pays_most_for_its_way_moves_first():
    """Only the spread matters: it takes its whole step before anything else moves."""
    draw = random.Random(1)
    seen = []
    for market in range(20):
        luck = draw.gauss(0, 5)
        for _ in range(4):
            values = {n: t.rounded(draw.uniform(t.low, t.high)) for n, t in TUNABLES.items()}
            edge = luck - 3.0 * values["base_spread_bps_delta"]
            seen.append(Observation(values, edge + 3, 0.3, 100, f"m{market}"))
    wide = {**DEFAULTS, "base_spread_bps_delta": 0.5}
    decision = decide(given(values=wide), BayesTuner(seed=1, prior=tuple(seen)).learn([]))
    assert decision.deltas["base_spread_bps_delta"] == -STEPS["base_spread_bps_delta"]
    assert decision.changes[0].field == "base_spread_bps_delta"


def climb(tuner: BayesTuner | None, rounds: int = 60) -> list[dict[str, Any]]:
    """A market whose edge peaks at an interval of 100 ms and a spread of 0.30 bps."""
    values, state = dict(DEFAULTS), TuningState(run_id="r", last_good=DEFAULTS)
    settings = settings_of(SoakConfig())
    outcomes: list[dict[str, Any]] = []
    for i in range(1, rounds + 1):
        net = (
            3.4
            - ((values["min_interval_ms"] - 100) / 40) ** 2
            - ((values["base_spread_bps_delta"] - 0.30) / 0.2) ** 2
        )
        totals = {"net_bps": net, "risk_ratio": 0.37, "fills": 100, "turnover_usd": 1.0}
        window = WindowResult(
            report={"totals": totals},
            from_ns=(i - 1) * 1800 * NS_PER_SEC,
            to_ns=i * 1800 * NS_PER_SEC,
        )
        facts = IterationFacts(
            iteration=i,
            total_iterations=rounds,
            run_id="r",
            runtime_utc="1970-01-01T00:00:00Z",
            phase=Phase.STEADY,
            values=values,
            in_force=values,
            start_values=DEFAULTS,
            auto_tune=True,
            hash_before=None,
        )
        refine = None if tuner is None else tuner.learn(outcomes)
        done = evaluate(state, window, facts, settings, refine)
        state = finish(done.state, done.outcome, now_sec=done.now_sec, state_hash=None)
        values = dict(done.decision.after)
        assert state.last_outcome is not None
        outcomes.append(dict(state.last_outcome))
    return outcomes


def mean_net(outcomes: list[dict[str, Any]]) -> float:
    return sum(o["summary"]["net_bps"] for o in outcomes) / len(outcomes)


def test_it_climbs_a_hill_that_the_rules_do_not_see():
    rules = climb(None)
    assert all(
        mean_net(climb(BayesTuner(seed=seed))[-15:]) > mean_net(rules[-15:]) for seed in (1, 2)
    )


def test_both_tuners_are_compared_seed_by_seed():
    runs = [
        TunerRun("rules", 1, climb(None, 12)),
        TunerRun("bayes", 1, climb(BayesTuner(seed=1), 12)),
    ]
    document = compare_document(runs)
    assert document["delta_bps"]["seeds"] == 1
    assert document["same_measurements"] is False
    assert [row["tuner"] for row in document["runs"]] == ["rules", "bayes"]
    text = compare_markdown(compare_document([runs[0], TunerRun("bayes", 1, runs[0].summaries)]))
    assert "does not react to parameters" in text


def test_without_optuna_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ConfigError) as caught:
        suggest(observations(RECORDS), 1)
    assert "mmbot[tune]" in str(caught.value)


def test_the_envelope_lies_inside_the_hard_range_and_below_the_velocity_limits():
    assert CHANGE_RAILS
    for name, (low, high) in ENVELOPE.items():
        assert TUNABLES[name].low <= low < high <= TUNABLES[name].high
        assert STEPS[name] <= SETTINGS.velocity[name]
