"""One test per numbered decision of 03; the name says which."""

import math

import pytest
from tests.unit.portfolio.worlds import SYMBOLS, TIERS, inputs, observe, params, settings, step, usd

from mmbot.config.portfolio import (
    BudgetConfig,
    CostConfig,
    FeesConfig,
    PortfolioConfig,
    SmoothingConfig,
)
from mmbot.portfolio import (
    AllocatorState,
    CalibrationBook,
    FlowBook,
    Observation,
    SymbolInputs,
    fill_sample,
    preview,
    preview_text,
    tick,
)
from mmbot.portfolio.fees import (
    effective_fee_jump,
    effective_shares,
    fee_status,
)
from mmbot.portfolio.preview import DEMO_VOLAS
from mmbot.portfolio.smoothing import audit_event
from mmbot.portfolio.weights import Bounds, bounds_for, next_weights, project

WEIGHTS = dict.fromkeys(SYMBOLS, 1 / 3)


@pytest.mark.spec("03-D1")
def test_decision_1_preview_obeys_the_invariants_in_the_given_layout():
    view = preview(PortfolioConfig(), DEMO_VOLAS, source="demo")
    text = preview_text(view)
    assert math.fsum(row.weight for row in view.rows) == pytest.approx(1.0, abs=1e-9)
    assert math.fsum(row.target_usd for row in view.rows) <= 10_000 + 1e-6
    lines = text.splitlines()
    assert lines[:5] == [
        "Portfolio Allocation Preview",
        "Mode: inverse_vol",
        "Budget: $10,000",
        "EMA Alpha: 0.3",
        "Weight Range: 2.0% - 50.0%",
    ]
    assert lines[6] == "Symbol       Vol      Weight   Target USD  Max Levels"
    assert lines[8] == "BTCUSDT      0.0250   0.3216   $3,216      6"
    assert lines[-3] == "TOTAL                 1.0000   $10,000"
    assert lines[-1] == "Vol source: demo"
    assert text.isascii()


@pytest.mark.spec("03-D2")
def test_decision_2_projection_keeps_proportions_inside_the_bounds():
    weights = project([8.0, 2.0, 1.0, 0.001], Bounds(0.05, 0.5, relaxed=False))
    assert weights[0] == 0.5
    assert weights[3] == 0.05
    assert weights[1] / weights[2] == pytest.approx(2.0)


@pytest.mark.spec("03-D3")
def test_decision_3_infeasible_bounds_relax_to_one_over_n():
    config = PortfolioConfig(min_weight=0.4, max_weight=0.5)
    bounds = bounds_for(config, 5)
    assert (bounds.lo, bounds.hi, bounds.relaxed) == (0.2, 0.5, True)
    assert next_weights(config, {"AAA": 3.0}, {}).weights == {"AAA": 1.0}
    assert next_weights(config, {}, {}).weights == {}
    assert tick(settings(min_weight=0.4), AllocatorState(), inputs()).allocation.bounds_relaxed


@pytest.mark.spec("03-D4")
def test_decision_4_one_ema_on_weights_without_budget_drift():
    config = PortfolioConfig(ema_alpha=0.25, min_weight=0.0, max_weight=1.0)
    new = next_weights(config, {"AAA": 1.0, "BBB": 1.0}, {"AAA": 0.9, "BBB": 0.1}).weights
    assert new["AAA"] == pytest.approx(0.25 * 0.5 + 0.75 * 0.9)
    state = AllocatorState()
    for now in range(50):
        vols = {s: SymbolInputs(vola=0.01 + 0.01 * ((now + i) % 3)) for i, s in enumerate(SYMBOLS)}
        run = tick(settings(), state, inputs(float(now), vols, config_changed=True))
        state = run.state
        base = run.allocation.stages[1].targets_usd
        assert math.fsum(base) == pytest.approx(10_000.0, abs=1e-5)


@pytest.mark.spec("03-D5")
def test_decision_5_attenuation_uses_fee_plus_slippage():
    cost = params(fee_bps_default=4.0).cost_of(0.0, spread_bps=None, volume_usd=None)
    assert cost.cost_bps == 4.5
    assert cost.attenuation == 1 - 0.5 * 0.045


@pytest.mark.spec("03-D6")
def test_decision_6_unknown_spread_and_volume_fall_back_to_the_static_model():
    told = params(fee_bps_default=0.0)
    static = told.cost_of(2_000.0, spread_bps=None, volume_usd=None)
    assert static.slippage_bps == pytest.approx(0.5 + 0.1 * 2)
    thin = told.cost_of(2_000.0, spread_bps=4.0, volume_usd=1.0)
    assert thin.slippage_bps == pytest.approx(2.0 + 0.2 * 2)

    def charged(now_sec, value):
        each = {"AAA": SymbolInputs(vola=0.02, spread_bps=Observation(value, 0.0))}
        run = tick(settings(), AllocatorState(), inputs(now_sec, each))
        return run.allocation.figures["AAA"].cost.slippage_bps

    assert charged(60.0, 6.0) == pytest.approx(3.0, abs=0.4)
    assert charged(60.1, 6.0) == pytest.approx(0.5, abs=0.4)
    assert charged(0.0, math.nan) == pytest.approx(0.5, abs=0.4)


@pytest.mark.spec("03-D7")
def test_decision_7_calibration_is_signed_and_k_is_a_ratio_of_means():
    told = params(calib_min_samples=2)
    book = observe(CalibrationBook(), 5.0, told)
    assert book.in_force("AAA", told).k_eff is None
    book = observe(book, -3.0, told)
    state = book.states["AAA"]
    assert state.slip_bps == pytest.approx(0.1 * -3 + 0.9 * 5)
    assert state.excess_bps == pytest.approx(0.1 * -4 + 0.9 * 4)
    assert book.in_force("AAA", told).k_eff == pytest.approx(3.2)
    variance = (0.1 * 9 + 0.9 * 25) - state.slip_bps**2
    cap = state.slip_bps + 2 * math.sqrt(variance)
    assert book.in_force("AAA", told).cap_eff_bps == pytest.approx(cap)


@pytest.mark.spec("03-D8")
def test_decision_8_calibration_alpha_is_a_tenth_per_observation():
    told = params()
    book = CalibrationBook()
    expected = None
    for slip in (1.0, 2.0, 3.0):
        book = observe(book, slip, told)
        expected = slip if expected is None else 0.1 * slip + 0.9 * expected
    assert book.states["AAA"].slip_bps == pytest.approx(expected)


@pytest.mark.spec("03-D9")
def test_decision_9_turnover_is_a_decayed_sum():
    told = params(turnover_half_life_sec=100.0)
    book = FlowBook()
    for now in (0.0, 100.0):
        book = book.record_trade_notional("AAA", 400.0, now_sec=now, params=told)
    assert book.turnovers["AAA"].at(200.0, told) == pytest.approx(300.0)
    assert book.record_trade_notional("AAA", -1.0, now_sec=0.0, params=told).rejected == 1
    half = params(turnover_sensitivity=0.5, turnover_floor=0.6)
    assert half.turnover_factor(0.0, 1_000.0) == 1.0
    assert half.turnover_factor(500.0, 1_000.0) == 0.75
    assert half.turnover_factor(5_000.0, 1_000.0) == 0.6


@pytest.mark.spec("03-D10")
def test_decision_10_orders_requoted_early_give_no_fill_sample():
    def sample(rested_ms, *, filled=False, rejected=False):
        return fill_sample(
            filled=filled, rested_ms=rested_ms, min_time_in_book_ms=500.0, rejected=rejected
        )

    assert sample(499.0) is None
    assert sample(500.0) == 0
    assert sample(0.0, rejected=True) == 0
    assert sample(0.0, filled=True) == 1
    told = params(fill_rate_half_life_sec=10.0)
    book = FlowBook().record_order_end("AAA", None, now_sec=0.0, params=told)
    assert book.fill_rates == {}
    book = book.record_order_end("AAA", 0, now_sec=5.0, params=told)
    assert book.fill_rates["AAA"].rate == pytest.approx(2**-0.1)
    book = book.record_order_end("AAA", 0, now_sec=15.0, params=told)
    assert book.fill_rates["AAA"].rate == pytest.approx(2**-1.1)


@pytest.mark.spec("03-D11")
def test_decision_11_sum_clamp_is_proportional_with_the_remainder_in_order():
    even = tick(
        settings(budget_usd=1.0, smoothing=SmoothingConfig(max_delta_ratio=1.0)),
        AllocatorState(
            current_usd=dict.fromkeys(SYMBOLS, 3.0), weights=WEIGHTS, rebalanced_sec=0.0
        ),
        inputs(each={s: SymbolInputs(imbalance=1.0) for s in SYMBOLS}),
    )
    assert math.fsum(even.allocation.stages[9].targets_usd) > 1.0
    assert usd(even) == {"AAA": 0.333334, "BBB": 0.333333, "CCC": 0.333333}


@pytest.mark.spec("03-D12")
def test_decision_12_absolute_delta_is_in_base_units_and_a_cold_start_is_free():
    assert step(1_000.0, 0.0).next_usd == 1_000.0
    assert step(1_000.0, 0.0, max_delta_abs_base_units=2.0).next_usd == 200.0
    assert step(1_000.0, 100.0).next_usd == 115.0
    assert step(50.0, 100.0).next_usd == 85.0
    assert step(101.0, 100.0).bound is False
    assert audit_event(step(101.0, 100.0)) is None
    event = audit_event(step(1_000.0, 100.0))
    assert event is not None
    assert event["delta_capped"] == 15.0


@pytest.mark.spec("03-D13")
def test_decision_13_smoothing_never_delays_risk_reductions():
    slow = settings(smoothing=SmoothingConfig(max_delta_ratio=0.01), max_weight=1.0)
    first = tick(slow, AllocatorState(), inputs(equity_usd=10_000.0))
    second = tick(slow, first.state, inputs(1.0, equity_usd=5_000.0))
    assert math.fsum(usd(second).values()) <= second.allocation.limit_usd + 1e-9
    assert second.allocation.limit_usd == 2_500.0
    guarded = settings(
        smoothing=SmoothingConfig(max_delta_ratio=0.01), budget=BudgetConfig(budget_min_usd=2_000.0)
    )
    third = tick(guarded, first.state, inputs(1.0, equity_usd=5_000.0))
    assert set(usd(third).values()) == {0.0}


@pytest.mark.spec("03-D14")
@pytest.mark.parametrize(
    ("cap", "sens", "equity", "permille"),
    [
        (0.1, 0.5, 100.0, 1000),
        (0.1, 0.5, 95.0, 750),
        (0.1, 0.5, 10.0, 500),
        (0.29, 0.29, 71.0, 710),
        (0.0, 0.5, 99.0, 500),
        (0.0, 0.5, 100.0, 1000),
        (0.1, 0.5, None, 1000),
    ],
)
def test_decision_14_fixed_point_does_not_lose_a_unit(cap, sens, equity, permille):
    budget = BudgetConfig(drawdown_soft_cap=cap, pnl_sensitivity=sens)
    state = AllocatorState(hwm_equity_usd=100.0)
    run = tick(settings(budget=budget), state, inputs(equity_usd=equity))
    assert run.allocation.soft_permille == permille


@pytest.mark.spec("03-D15")
def test_decision_15_skew_freeze_acts_on_the_expanding_side_only():
    each = {
        "AAA": SymbolInputs(vola=0.02, position_usd=10.0, skew_frozen=True),
        "BBB": SymbolInputs(vola=0.02, position_usd=-10.0, skew_frozen=True),
    }
    targets = tick(settings(), AllocatorState(), inputs(each=each)).allocation.targets
    mults = {s: (t.bid_mult, t.ask_mult) for s, t in targets.items()}
    assert mults == {"AAA": (0.0, 1.0), "BBB": (1.0, 0.0), "CCC": (1.0, 1.0)}
    assert targets["AAA"].target_usd > 0


@pytest.mark.spec("03-D16")
def test_decision_16_fee_tilt_is_bounded_by_cap_and_headroom_and_blocked_by_breaches():
    costly = CostConfig(cost_sensitivity=1.0, fee_bps_default=10.0, slippage_k_bps_per_kusd=0.0)
    told = settings(cost=costly, fees=FeesConfig(bybit=TIERS))
    near = {"turnover_30d_usd": 90_000.0}
    tilted = tick(told, AllocatorState(), inputs(**near))
    plain = tick(told, AllocatorState(), inputs())
    assert (tilted.allocation.tilt, plain.allocation.tilt) == (0.02, 0.0)
    assert usd(tilted)["AAA"] == pytest.approx(usd(plain)["AAA"] * 1.02)
    assert tilted.state.current_usd == plain.state.current_usd
    assert tick(told, AllocatorState(), inputs(tilt_blocked=True, **near)).allocation.tilt == 0.0
    full = settings(fees=FeesConfig(bybit=TIERS))
    assert tick(full, AllocatorState(), inputs(**near)).allocation.tilt == 0.0


@pytest.mark.spec("03-D17")
def test_decision_17_liquidity_factor_stays_above_its_floor():
    told = params(
        liquidity_depth_usd_target=1_000.0, liquidity_sensitivity=0.5, liquidity_min_floor=0.2
    )
    assert [told.liquidity_factor(d) for d in (0.0, 500.0, 2_000.0)] == [0.2, 0.5, 1.0]
    assert told.liquidity_attenuation(500.0) == 0.75
    assert params(liquidity_sensitivity=1.0).liquidity_attenuation(0.0) == 1.0


@pytest.mark.spec("03-D18")
def test_decision_18_color_breach_changes_backoff_but_no_multiplier():
    each = {"AAA": SymbolInputs(vola=0.02, color_breach=True)}
    run = tick(settings(), AllocatorState(), inputs(each=each))
    assert run.allocation.targets["AAA"].bid_mult == 1.0
    assert run.state.backoff["AAA"].level == 1
    assert run.state.backoff["BBB"].level == 0


@pytest.mark.spec("03-D19")
def test_decision_19_without_fills_the_effective_fee_is_the_maker_fee():
    assert effective_shares(maker_usd=0.0, taker_usd=0.0) == 1.0
    assert effective_shares(maker_usd=1.0, taker_usd=3.0) == 0.25
    assert not effective_fee_jump(fee_status(TIERS, turnover_30d_usd=0.0))
