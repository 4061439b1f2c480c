"""Invariants of 03 section 10 over random worlds."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbot.config.portfolio import BudgetConfig, CostConfig, CostOverride, PortfolioConfig
from mmbot.portfolio import (
    AllocatorInputs,
    AllocatorSettings,
    AllocatorState,
    Observation,
    SymbolInputs,
    params_for,
    tick,
)
from mmbot.portfolio.weights import Bounds, bounds_for, next_weights, project

UNIT = st.floats(0, 1)
VOLA = st.floats(0, 1e6)
NAMES = st.text("ABCDEFG", min_size=1, max_size=4)
MODES = st.sampled_from(["manual", "inverse_vol", "risk_parity"])


@st.composite
def configs(draw):
    lo, hi = sorted((draw(UNIT), draw(UNIT)))
    return PortfolioConfig(
        mode=draw(MODES),
        manual_weights=draw(st.dictionaries(NAMES, st.floats(0, 1e9), max_size=6)),
        min_weight=lo,
        max_weight=hi,
        ema_alpha=draw(st.floats(0.01, 1)),
        budget_usd=draw(st.floats(0, 1e7)),
        budget=BudgetConfig(
            pnl_sensitivity=draw(UNIT),
            drawdown_soft_cap=draw(UNIT),
            budget_min_usd=draw(st.floats(0, 100)),
        ),
        cost=CostConfig(
            cost_sensitivity=draw(UNIT),
            fill_rate_sensitivity=draw(UNIT),
            liquidity_sensitivity=draw(UNIT),
            liquidity_depth_usd_target=draw(st.floats(0, 1e6)),
            turnover_sensitivity=draw(UNIT),
        ),
    )


@st.composite
def symbol_inputs(draw):
    return SymbolInputs(
        vola=draw(st.none() | VOLA),
        spread_bps=draw(st.none() | st.builds(Observation, st.floats(0, 100), st.just(0.0))),
        volume_usd=draw(st.none() | st.builds(Observation, st.floats(0, 1e7), st.just(0.0))),
        depth_usd=draw(st.none() | st.builds(Observation, st.floats(0, 1e7), st.just(0.0))),
        fill_rate=draw(UNIT),
        turnover_usd=draw(st.floats(0, 1e7)),
        position_usd=draw(st.floats(-1e6, 1e6)),
        skew_frozen=draw(st.booleans()),
        mid_usd=draw(st.floats(0, 1e5)),
        imbalance=draw(st.floats(-1, 1)),
    )


@pytest.mark.spec("03-10")
@given(configs(), st.dictionaries(NAMES, VOLA, max_size=30), st.dictionaries(NAMES, UNIT))
def test_weights_sum_to_one_inside_their_bounds_for_any_input(config, volas, previous):
    weights = next_weights(config, volas, previous).weights
    bounds = bounds_for(config, len(volas))
    assert list(weights) == sorted(volas)
    if volas:
        assert abs(math.fsum(weights.values()) - 1.0) <= 1e-9
    slack = 1e-12
    assert all(bounds.lo - slack <= w <= bounds.hi + slack for w in weights.values())
    reordered = dict(reversed(list(volas.items())))
    assert next_weights(config, reordered, previous).weights == weights


@pytest.mark.spec("03-10")
@given(st.lists(st.floats(0, 1e12), min_size=2, max_size=40), UNIT, UNIT)
def test_projection_is_monotonic_in_raw_weights(raw, one, other):
    even = 1 / len(raw)
    bounds = Bounds(min(one, even), max(other, even), relaxed=False)
    pairs = sorted(zip(raw, project(raw, bounds), strict=True))
    steps = list(itertools.pairwise(pairs))
    assert steps
    assert all(a[1] <= b[1] + 1e-12 for a, b in steps)


@pytest.mark.spec("03-10")
@settings(deadline=None)
@given(
    configs(),
    st.lists(st.dictionaries(NAMES, symbol_inputs(), max_size=6), min_size=1, max_size=4),
    st.lists(st.none() | st.floats(0, 1e7), min_size=4, max_size=4),
)
def test_targets_never_pass_the_limit_and_repetition_is_bit_identical(config, worlds, equities):
    told = AllocatorSettings(portfolio=config)
    state = AllocatorState()
    for now, (world, equity) in enumerate(zip(worlds, equities, strict=False)):
        seen = AllocatorInputs(now_sec=float(now), symbols=world, equity_usd=equity)
        result = tick(told, state, seen)
        assert repr(tick(told, state, seen)) == repr(result)
        targets = [target.target_usd for target in result.allocation.targets.values()]
        assert math.fsum(targets) <= result.allocation.limit_usd + 1e-9
        assert all(t == 0 or t >= config.budget.budget_min_usd for t in targets)
        assert all(t >= 0 and math.isfinite(t) for t in targets)
        assert len(targets) == len(world)
        state = result.state


@pytest.mark.spec("03-10")
@given(UNIT, st.floats(0, 1e4), st.floats(0, 1e4))
def test_attenuations_are_in_the_unit_interval_neutral_and_monotonic(sensitivity, one, other):
    low, high = sorted((one, other))
    told = params_for(
        CostConfig(
            fee_bps_default=0.0,
            slippage_bps_base=0.0,
            max_slippage_bps_cap=1_000.0,
            slippage_k_bps_per_kusd=1_000.0,
            cost_sensitivity=sensitivity,
            fill_rate_sensitivity=sensitivity,
            liquidity_sensitivity=sensitivity,
            liquidity_depth_usd_target=5_000.0,
            turnover_sensitivity=sensitivity,
        ),
        ("A",),
    )["A"]
    rates = (low / 1e4, high / 1e4)

    def by_cost(cost_bps):
        # a slope of 1000 bps a thousand: the target is the cost
        return told.cost_of(cost_bps, spread_bps=None, volume_usd=None).attenuation

    falling = [
        (by_cost(low), by_cost(high)),
        (told.turnover_factor(low, 3_000.0), told.turnover_factor(high, 3_000.0)),
        (told.fill_attenuation(rates[1]), told.fill_attenuation(rates[0])),
        (told.liquidity_attenuation(high), told.liquidity_attenuation(low)),
    ]
    assert all(0 <= b <= a <= 1 for a, b in falling)
    neutral = [
        by_cost(0.0),
        told.turnover_factor(0.0, 1.0),
        told.fill_attenuation(1.0),
        told.liquidity_attenuation(5_000.0),
    ]
    assert neutral == [1.0] * 4
    if sensitivity == 0:
        assert all(pair == (1.0, 1.0) for pair in falling)


@pytest.mark.spec("03-10")
@given(st.dictionaries(NAMES, symbol_inputs(), min_size=2, max_size=6), st.floats(0, 1000))
def test_an_override_of_one_symbol_leaves_the_others_bit_identical(world, fee_bps):
    first = min(world)
    costs = (CostConfig(), CostConfig(per_symbol={first: CostOverride(fee_bps=fee_bps)}))
    seen = AllocatorInputs(now_sec=0.0, symbols=world)
    runs = [
        tick(AllocatorSettings(portfolio=PortfolioConfig(cost=cost)), AllocatorState(), seen)
        for cost in costs
    ]
    # stage 8 is the last before the sum over symbols matters again
    plain, other = (
        dict(zip(r.allocation.symbols, r.allocation.stages[7].targets_usd, strict=True))
        for r in runs
    )
    others = set(world) - {first}
    assert others
    assert {s: plain[s] for s in others} == {s: other[s] for s in others}
