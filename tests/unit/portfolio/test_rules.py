"""One test per section of 03 with rules; the name says which."""

import dataclasses
import math

import pytest
from tests.unit.portfolio.worlds import (
    SYMBOLS,
    TIERS,
    inputs,
    observe,
    params,
    settings,
    step,
)

from mmbot.config.portfolio import (
    BybitFeesConfig,
    CostConfig,
    CostOverride,
    FeeTier,
    PortfolioConfig,
)
from mmbot.errors import ConfigError
from mmbot.portfolio import (
    STAGES,
    AllocatorInputs,
    AllocatorState,
    CalibrationBook,
    CalibrationError,
    SymbolInputs,
    params_for,
    tick,
)
from mmbot.portfolio.allocator import core_params
from mmbot.portfolio.fees import (
    effective_fee_jump,
    fee_line,
    fee_status,
    with_account_rates,
)
from mmbot.portfolio.models import Backoff
from mmbot.portfolio.smoothing import trace_line
from mmbot.portfolio.weights import next_weights


@pytest.mark.spec("03-5.3")
def test_rule_5_3_bad_observations_are_counted_and_overrides_win():
    told = params(calib_min_samples=1)
    book = CalibrationBook()
    for slip, notional in ((math.nan, 1.0), (1.0, -1.0), (1.0, 0.0), (1.0, math.inf)):
        book = observe(book, slip, told, notional)
    assert (book.rejected, book.states) == (4, {})
    book = observe(book, 5.0, told).apply({"symbols": {"AAA": {"k_eff": 7}}})
    assert book.in_force("AAA", told).k_eff == 7.0
    assert CalibrationBook.from_snapshot(book.snapshot()) == dataclasses.replace(book, rejected=0)
    assert book.report({"AAA": told})["k_eff"] == {"AAA": 7.0}
    cleared = book.apply({"symbols": {"AAA": {"k_eff": None}}})
    assert cleared.in_force("AAA", told).k_eff == 4.0


@pytest.mark.spec("03-5.3")
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ([], "invalid_payload"),
        ({"symbols": []}, "invalid_symbols"),
        ({"symbols": {"AAA": {"x": 1}}}, "invalid_symbols"),
        ({"symbols": {"AAA": {"k_eff": "1"}}}, "invalid_k_eff"),
        ({"symbols": {"AAA": {"k_eff": True}}}, "invalid_k_eff"),
        ({"symbols": {"AAA": {"cap_eff_bps": math.inf}}}, "invalid_cap_eff_bps"),
        ({"symbols": {"AAA": {"k_eff": 1000.1}}}, "k_eff_out_of_range"),
        ({"symbols": {"AAA": {"k_eff": 1}, "BBB": {"cap_eff_bps": -1}}}, "cap_eff_out_of_range"),
    ],
)
def test_rule_5_3_apply_refuses_as_a_whole(body, reason):
    with pytest.raises(CalibrationError) as caught:
        CalibrationBook().apply(body)
    assert caught.value.reason == reason


@pytest.mark.spec("03-7")
def test_rule_7_fee_line_account_rates_and_jump():
    status = fee_status(TIERS, turnover_30d_usd=90_000.0, maker_share=0.5)
    assert fee_line(status) == (
        "tier_now=0 eff_now_bps=3.500 tier_next=1 distance_usd=10000 suggestion=tilt ON"
    )
    assert effective_fee_jump(status)
    top = fee_status(TIERS, turnover_30d_usd=100_000.0)
    assert fee_line(top).endswith("tier_next=- distance_usd=0 suggestion=tilt OFF")
    own = with_account_rates(TIERS, turnover_30d_usd=0.0, maker_bps=0.5, taker_bps=3.0)
    assert fee_status(own, turnover_30d_usd=0.0).effective_bps == 0.5
    bad = BybitFeesConfig(tiers=(FeeTier(), FeeTier()))
    with pytest.raises(ConfigError, match="E_CFG_INVARIANT"):
        fee_status(bad, turnover_30d_usd=0.0)


@pytest.mark.spec("03-2")
def test_rule_2_manual_weights_and_volatility_defaults():
    config = PortfolioConfig(
        mode="manual", manual_weights={"AAA": 0.5, "ZZZ": 1.0}, min_weight=0.1, max_weight=0.9
    )
    found = next_weights(config, {"AAA": 1.0, "BBB": 1.0}, {})
    assert found.weights["AAA"] == pytest.approx(0.5 / 0.6)
    assert len(found.warnings) == 1
    zero = config.model_copy(update={"manual_weights": {"AAA": 0.0, "BBB": 0.0}})
    assert next_weights(zero, {"AAA": 1.0, "BBB": 1.0}, {}).weights == {"AAA": 0.5, "BBB": 0.5}
    for bad in (-1.0, math.nan, math.inf):
        wrong = config.model_copy(update={"manual_weights": {"AAA": bad}})
        with pytest.raises(ConfigError, match="E_CFG_RANGE"):
            next_weights(wrong, {"AAA": 1.0}, {})
    with pytest.raises(ConfigError, match=r"portfolio\.mode"):
        next_weights(config.model_copy(update={"mode": "x"}), {"AAA": 1.0}, {})
    run = tick(
        settings(),
        AllocatorState(volas={"AAA": 0.5}),
        inputs(each={"AAA": SymbolInputs(vola=math.nan), "BBB": SymbolInputs(vola=None)}),
    )
    assert run.state.volas == {"AAA": 0.5, "BBB": 1.0, "CCC": 0.02}
    assert len(run.allocation.warnings) == 1


@pytest.mark.spec("03-2")
def test_rule_2_levels_round_half_up_and_rebalance_waits_for_its_minutes():
    core = core_params(settings(levels_per_side_max=10, max_weight=0.5), SYMBOLS)
    levels = [core.max_levels(weight) for weight in (0.0, 0.02, 0.025, 0.075, 0.5)]
    assert levels == [1, 1, 1, 2, 10]
    state = tick(settings(), AllocatorState(), inputs()).state
    assert not tick(settings(), state, inputs(299.0)).allocation.rebalanced
    assert tick(settings(), state, inputs(300.0)).allocation.rebalanced
    assert tick(settings(), state, inputs(1.0, config_changed=True)).allocation.rebalanced


@pytest.mark.spec("03-3")
def test_rule_3_twelve_stages_in_order_and_caps_leave_no_targets():
    run = tick(settings(), AllocatorState(), inputs())
    assert [(s.number, s.name) for s in run.allocation.stages] == list(enumerate(STAGES, 1))
    cuts = run.allocation.cut_usd("AAA")
    assert list(cuts) == list(STAGES[2:])
    capped = tick(settings(), run.state, inputs(intraday_breached=True))
    assert capped.allocation.targets == {}
    assert capped.state.current_usd == {}
    empty = AllocatorInputs(now_sec=0.0, symbols={})
    assert tick(settings(), AllocatorState(), empty).allocation.targets == {}


@pytest.mark.spec("03-4")
def test_rule_4_high_water_mark_follows_deposits_and_equity_bounds_the_budget():
    def ran(hwm_usd, equity_usd, **other):
        state = AllocatorState(hwm_equity_usd=hwm_usd)
        return tick(settings(budget_usd=100.0), state, inputs(equity_usd=equity_usd, **other))

    assert ran(100.0, 80.0).state.hwm_equity_usd == 100.0
    assert ran(100.0, 130.0, flow_usd=50.0).state.hwm_equity_usd == 150.0
    assert ran(100.0, None, flow_usd=-30.0).state.hwm_equity_usd == 70.0
    assert ran(0.0, 90.0, foreign_margin_usd=100.0).allocation.budget_available_usd == 0.0
    assert ran(0.0, None, foreign_margin_usd=50.0).allocation.budget_available_usd == 100.0


@pytest.mark.spec("03-5")
def test_rule_5_fee_alias_and_overrides_stay_with_their_symbol():
    config = CostConfig(per_symbol={"AAA": CostOverride(fee_bps=3.0, cost_sensitivity=0.0)})
    both = params_for(config, ("AAA", "BBB"))
    own = both["AAA"].values()
    assert (own["fee_bps"], own["cost_sensitivity"]) == (3.0, 0.0)
    assert both["BBB"] == params_for(CostConfig(), ("BBB",))["BBB"]


@pytest.mark.spec("03-6")
def test_rule_6_backoff_rises_per_breach_and_falls_on_the_tenth_clean_tick():
    state = AllocatorState()

    def level(breached):
        nonlocal state
        seen = {"AAA": SymbolInputs(color_breach=breached)}
        state = tick(settings(), state, AllocatorInputs(now_sec=0.0, symbols=seen)).state
        return state.backoff["AAA"]

    assert [level(breached=True).level for _ in range(5)] == [1, 2, 2, 2, 2]
    assert [level(breached=False).level for _ in range(9)] == [2] * 9
    assert level(breached=False) == Backoff(1, 0)


@pytest.mark.spec("03-6", "01-8.4")
def test_rule_6_bias_bends_the_move_by_a_bounded_share_and_the_trace_has_its_form():
    def moved(**seen):
        return step(100.0, 0.0, SymbolInputs(**seen)).next_usd

    assert moved(imbalance=1.0, micro_tilt=1.0) == 110.0
    assert moved(imbalance=-0.1) == 95.0
    assert moved(imbalance=math.nan, micro_tilt=math.inf, sigma=math.nan) == 100.0
    assert moved(sigma=0.79) == 110.0
    assert moved(sigma=0.8) == 100.0
    assert moved(sigma=50.0) == 90.0
    assert trace_line("AAA", step(1_000.0, 100.0), ts_sec=7.9) == (
        "ALLOC_MICRO ts=7 symbol=AAA current=100.000000 desired=1000.000000 delta_raw=900.000000 "
        "cap=15.000000 backoff_level=0 delta_capped=15.000000 next=115.000000"
    )


@pytest.mark.spec("03-5.1", "03-5.2")
def test_rule_5_2_cost_is_that_of_the_target_which_enters_the_stage():
    each = {s: SymbolInputs(vola=0.02, fill_rate=0.3) for s in SYMBOLS}
    told = CostConfig(fee_bps_default=2.0, cost_sensitivity=1.0, fill_rate_sensitivity=1.0)
    half = tick(
        settings(cost=told), AllocatorState(hwm_equity_usd=2e4), inputs(each=each, equity_usd=1e4)
    ).allocation
    before, cost, fill = (half.stages[at].targets_usd[0] for at in (3, 4, 5))
    assert before == pytest.approx(10_000.0 / 3 / 2, abs=1e-5)
    entering = params_for(told, SYMBOLS)["AAA"].cost_of(before, spread_bps=None, volume_usd=None)
    assert half.figures["AAA"].cost == entering
    assert cost == before * entering.attenuation
    # the result goes on to the fill rate: 0.4 below its floor of 0.7
    assert fill == cost * half.figures["AAA"].fill_attenuation
    assert half.figures["AAA"].fill_attenuation == pytest.approx(0.6)
