"""Each of the twelve stages of an allocator tick on numbers worked out by hand."""

import math

import pytest
from tests.unit.portfolio.worlds import SYMBOLS, TIERS, inputs, settings, usd

from mmbot.config.portfolio import (
    BudgetConfig,
    CostConfig,
    CostOverride,
    FeesConfig,
    SmoothingConfig,
)
from mmbot.portfolio import AllocatorState, Observation, SymbolInputs, tick
from mmbot.portfolio.models import STAGES, Backoff

EVEN = AllocatorState(weights=dict.fromkeys(SYMBOLS, 1 / 3), rebalanced_sec=0.0)
THIRD = 10_000 / 3


def run(told, each=None, state=EVEN, **more):
    return tick(told, state, inputs(0.0, each, **more))


def after(result, name):
    """Targets of AAA, BBB, CCC after the stage `name`."""
    return result.allocation.stages[STAGES.index(name)].targets_usd


def changed(result, name):
    """The factor that the stage `name` has for each symbol."""
    before = result.allocation.stages[STAGES.index(name) - 1].targets_usd
    return [b / a for a, b in zip(before, after(result, name), strict=True)]


@pytest.mark.spec("03-3/1")
def test_stage_1_a_breached_cap_leaves_no_targets_and_the_next_tick_starts_anew():
    first = run(settings())
    breached = run(settings(), state=first.state, intraday_breached=True)
    assert breached.allocation.targets == {}
    assert set(breached.state.current_usd.values()) <= {0.0}
    slow = settings(smoothing=SmoothingConfig(max_delta_ratio=0.01))
    assert usd(run(slow, state=breached.state))["AAA"] == pytest.approx(THIRD, abs=1e-5)


@pytest.mark.spec("03-3/2")
def test_stage_2_the_budget_is_spread_by_weight():
    told = settings(mode="manual", manual_weights={"AAA": 5, "BBB": 3, "CCC": 2})
    result = run(told, state=AllocatorState())
    assert after(result, "base") == pytest.approx((5_000.0, 3_000.0, 2_000.0))


@pytest.mark.spec("03-3/3")
@pytest.mark.parametrize(
    ("equity", "foreign", "available"),
    [
        (None, 0.0, 10_000.0),
        (20_000.0, 0.0, 10_000.0),
        (6_000.0, 0.0, 6_000.0),
        (6_000.0, 4_500.0, 1_500.0),
        (6_000.0, 7_000.0, 0.0),
    ],
)
def test_stage_3_targets_are_bounded_by_what_equity_can_pay_for(equity, foreign, available):
    result = run(settings(), equity_usd=equity, foreign_margin_usd=foreign)
    assert result.allocation.budget_available_usd == available
    assert after(result, "availability") == pytest.approx((available / 3,) * 3)


@pytest.mark.spec("03-3/4")
def test_stage_4_a_drawdown_of_half_the_soft_cap_takes_a_quarter_and_small_targets_go():
    state = AllocatorState(weights=EVEN.weights, rebalanced_sec=0.0, hwm_equity_usd=20_000.0)
    result = run(settings(), state=state, equity_usd=19_000.0)
    assert result.allocation.soft_permille == 750
    assert math.fsum(after(result, "soft_factor")) == pytest.approx(7_500.0)
    guarded = settings(budget=BudgetConfig(budget_min_usd=2_600.0))
    result = run(guarded, state=state, equity_usd=19_000.0)
    assert after(result, "soft_factor") == (0.0, 0.0, 0.0)


@pytest.mark.spec("03-3/5")
def test_stage_5_cost_attenuates_a_symbol_by_its_own_cost():
    cost = CostConfig(
        cost_sensitivity=0.5,
        fill_rate_sensitivity=0.0,
        slippage_k_bps_per_kusd=0.0,
        fee_bps_default=1.5,
        per_symbol={"BBB": CostOverride(fee_bps=19.5)},
    )
    # 2 bps and 20 bps of 100
    assert changed(run(settings(cost=cost)), "cost") == pytest.approx([0.99, 0.9, 0.99])


@pytest.mark.spec("03-3/6")
def test_stage_6_a_fill_rate_below_its_floor_attenuates():
    cost = CostConfig(cost_sensitivity=0.0, fill_rate_floor=0.7, fill_rate_sensitivity=0.5)
    each = {"AAA": SymbolInputs(fill_rate=0.5), "BBB": SymbolInputs(fill_rate=0.7)}
    assert changed(run(settings(cost=cost), each), "fill_rate") == pytest.approx([0.9, 1.0, 1.0])


@pytest.mark.spec("03-3/7")
def test_stage_7_a_thin_book_attenuates_and_an_unseen_one_counts_as_empty():
    cost = CostConfig(
        cost_sensitivity=0.0,
        fill_rate_sensitivity=0.0,
        liquidity_depth_usd_target=1_000.0,
        liquidity_sensitivity=0.5,
    )
    seen = {"AAA": (500.0, 0.0), "BBB": (2_000.0, 0.0), "CCC": (2_000.0, -61.0)}
    each = {s: SymbolInputs(depth_usd=Observation(*depth)) for s, depth in seen.items()}
    result = run(settings(cost=cost), each)
    assert changed(result, "liquidity") == pytest.approx([0.75, 1.0, 0.5])


@pytest.mark.spec("03-3/8")
def test_stage_8_turnover_against_the_own_budget_attenuates_down_to_its_floor():
    cost = CostConfig(
        cost_sensitivity=0.0,
        fill_rate_sensitivity=0.0,
        turnover_sensitivity=1.0,
        turnover_floor=0.4,
    )
    each = {
        "AAA": SymbolInputs(turnover_usd=THIRD / 4),
        "BBB": SymbolInputs(turnover_usd=0.0),
        "CCC": SymbolInputs(turnover_usd=THIRD),
    }
    assert changed(run(settings(cost=cost), each), "turnover") == pytest.approx([0.75, 1.0, 0.4])


@pytest.mark.spec("03-3/9")
def test_stage_9_a_freeze_leaves_the_target_and_stops_the_expanding_side():
    each = {"AAA": SymbolInputs(position_usd=1.0, skew_frozen=True)}
    result = run(settings(), each)
    assert changed(result, "skew") == [1.0, 1.0, 1.0]
    frozen = result.allocation.targets["AAA"]
    assert (frozen.bid_mult, frozen.ask_mult) == (0.0, 1.0)


@pytest.mark.spec("03-3/10")
def test_stage_10_the_move_from_the_last_target_is_capped_by_ratio_and_backoff():
    state = AllocatorState(
        weights=EVEN.weights,
        rebalanced_sec=0.0,
        current_usd={"AAA": 1_000.0, "BBB": 1_000.0, "CCC": 0.0},
        backoff={"BBB": Backoff(2)},
    )
    told = settings(smoothing=SmoothingConfig(max_delta_ratio=0.1))
    # 0.1 * 1000, half of it in the second level of backoff, a cold start is free
    result = run(told, state=state)
    assert after(result, "smoothing") == pytest.approx((1_100.0, 1_050.0, THIRD))


@pytest.mark.spec("03-3/11")
def test_stage_11_a_tier_in_reach_tilts_all_symbols_alike():
    cost = CostConfig(cost_sensitivity=1.0, fee_bps_default=10.0, slippage_k_bps_per_kusd=0.0)
    told = settings(cost=cost, fees=FeesConfig(bybit=TIERS))
    result = run(told, turnover_30d_usd=90_000.0)
    assert changed(result, "fee_tilt") == pytest.approx([1.02] * 3)
    assert changed(run(told, turnover_30d_usd=1.0), "fee_tilt") == [1.0] * 3


@pytest.mark.spec("03-3/12")
def test_stage_12_the_sum_is_clamped_small_targets_go_and_the_rest_is_rounded():
    state = AllocatorState(
        weights=EVEN.weights,
        rebalanced_sec=0.0,
        hwm_equity_usd=10_000.0,
        current_usd=dict.fromkeys(SYMBOLS, 5_000.0),
    )
    slow = settings(smoothing=SmoothingConfig(max_delta_ratio=0.01))
    result = run(slow, state=state, equity_usd=9_500.0)
    assert math.fsum(after(result, "smoothing")) > result.allocation.limit_usd
    final = after(result, "final")
    assert math.fsum(final) <= result.allocation.limit_usd + 1e-9
    assert [round(target, 6) for target in final] == list(final)
    guarded = settings(budget=BudgetConfig(budget_min_usd=THIRD + 1))
    assert usd(run(guarded)) == dict.fromkeys(SYMBOLS, 0.0)
