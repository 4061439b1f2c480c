//! The allocator of a session, second by second.

use super::*;
use mmbot_types::{CostParams, InstrumentIdx, PortfolioParams, TsNs};

fn account(ms: i64) -> AccountInputs {
    AccountInputs::unknown(TsNs::ZERO.plus_ms(ms))
}

/// spec: 03-2, 03-3
#[test]
fn a_session_without_a_rebalance_has_equal_weights_and_levels_by_weight() {
    let params = PortfolioParams {
        cost: CostParams {
            cost_sensitivity: 0.0,
            ..CostParams::default()
        },
        ..PortfolioParams::default()
    };
    let mut allocator = Allocator::new(params, &["ETHUSDT", "BTCUSDT", "SOLUSDT"]).unwrap();
    assert_eq!(allocator.target(InstrumentIdx(0)), None);
    allocator.tick(&account(0), &[SymbolInputs::default(); 3], &mut ());
    let targets: Vec<f64> = allocator
        .allocation()
        .targets
        .iter()
        .map(|t| t.target_usd)
        .collect();
    assert_eq!(targets, [3_333.333_333; 3]);
    assert_eq!(allocator.target(InstrumentIdx(0)).unwrap().max_levels, 7);
    allocator
        .rebalance(&[0.5, 0.475, 0.025], FeeTilt::Off)
        .unwrap();
    allocator.tick(&account(1_000), &[SymbolInputs::default(); 3], &mut ());
    let levels: Vec<u32> = allocator
        .allocation()
        .targets
        .iter()
        .map(|t| t.max_levels)
        .collect();
    assert_eq!(levels, [10, 10, 1]);
}

/// spec: 03-2
#[test]
fn weights_that_cannot_be_are_refused_and_the_old_ones_stay() {
    let mut allocator = Allocator::new(PortfolioParams::default(), &["A", "B"]).unwrap();
    for (weights, error) in [
        (vec![1.0], WeightError::Count),
        (vec![1.5, -0.5], WeightError::Range),
        (vec![f64::NAN, 1.0], WeightError::Range),
        (vec![0.5, 0.4], WeightError::Sum),
    ] {
        assert_eq!(allocator.rebalance(&weights, FeeTilt::Off), Err(error));
        assert_eq!(allocator.weights(), [0.5, 0.5]);
    }
}

/// spec: 03-5.3, 03-5.4, 03-5.6
#[test]
fn fills_and_order_ends_reach_the_next_tick() {
    let mut params = PortfolioParams::default();
    params.cost.calib_min_samples = 1;
    params.cost.turnover_sensitivity = 1.0;
    let mut allocator = Allocator::new(params, &["A"]).unwrap();
    let (a, now) = (InstrumentIdx(0), TsNs::ZERO);
    allocator.tick(&account(0), &[SymbolInputs::default()], &mut ());
    let before = allocator.allocation().figures[0];
    assert_eq!(
        (before.fill_attenuation, before.turnover_factor),
        (1.0, 1.0)
    );
    let end = OrderEnd {
        filled: false,
        rested_ms: 1e9,
        rejected: false,
    };
    for second in 0..600 {
        allocator.on_order_end(a, end, 500.0, now.plus_ms(1_000 * second));
    }
    allocator.on_trade_notional(a, 1_000.0, now.plus_ms(600_000));
    allocator.on_trade_notional(a, f64::NAN, now);
    let seen = CostObservation {
        spread_bps: 1.0,
        volume_usd: 1e6,
        slippage_bps: 6.5,
        notional_usd: 1_000.0,
    };
    allocator.on_cost(a, &seen);
    allocator.tick(&account(600_000), &[SymbolInputs::default()], &mut ());
    let after = allocator.allocation().figures[0];
    // half a half-life of unfilled orders: 0.5, floor 0.7, sensitivity 0.5
    assert!((after.fill_attenuation - 0.9).abs() < 1e-9);
    assert!((after.turnover_factor - 0.9).abs() < 1e-9);
    // the calibrated cap is the one observation, the slope would be 6 bps a thousand
    assert_eq!(after.cost.slippage_bps, 6.5);
    assert_eq!(allocator.slippage_ewma_bps(a), 6.5);
    assert_eq!(allocator.rejected(), 1);
}

/// spec: 03-D15, 03-D18, 03-6, 02-11.3
#[test]
fn a_freeze_acts_on_the_expanding_side_and_a_colour_breach_on_the_backoff_alone() {
    let mut allocator = Allocator::new(PortfolioParams::default(), &["A", "B", "C"]).unwrap();
    let frozen = |position_usd| SymbolInputs {
        position_usd,
        skew_frozen: true,
        ..SymbolInputs::default()
    };
    let colour = SymbolInputs {
        color_breach: true,
        ..SymbolInputs::default()
    };
    allocator.tick(&account(0), &[frozen(10.0), frozen(-10.0), colour], &mut ());
    let factors: Vec<(f64, f64)> = allocator
        .allocation()
        .targets
        .iter()
        .map(|target| (target.bid_mult, target.ask_mult))
        .collect();
    assert_eq!(factors, [(0.0, 1.0), (1.0, 0.0), (1.0, 1.0)]);
    assert!(
        allocator
            .state()
            .symbols
            .iter()
            .all(|symbol| symbol.backoff.level == 1)
    );
}

/// spec: 03-D13, 03-3
#[test]
fn reductions_of_risk_are_never_delayed_by_smoothing() {
    let mut params = PortfolioParams::default();
    params.smoothing.max_delta_ratio = 0.01;
    params.cost.cost_sensitivity = 0.0;
    let mut allocator = Allocator::new(params, &["A", "B"]).unwrap();
    let none = [SymbolInputs::default(); 2];
    let with = |equity_usd, intraday_breached| AccountInputs {
        equity_usd: Some(equity_usd),
        intraday_breached,
        ..account(0)
    };
    let sum = |allocator: &Allocator| -> f64 {
        allocator
            .allocation()
            .targets
            .iter()
            .map(|t| t.target_usd)
            .sum()
    };
    allocator.tick(&with(10_000.0, false), &none, &mut ());
    assert_eq!(sum(&allocator), 10_000.0);
    allocator.tick(&with(5_000.0, false), &none, &mut ());
    assert_eq!(sum(&allocator), 2_500.0);
    allocator.tick(&with(10_000.0, true), &none, &mut ());
    assert_eq!(allocator.target(InstrumentIdx(0)), None);
    // and the way back is a cold start
    allocator.tick(&with(10_000.0, false), &none, &mut ());
    assert_eq!(sum(&allocator), 10_000.0);
}

/// spec: 03-7
#[test]
fn a_tilt_waits_while_anything_is_breached() {
    let mut params = PortfolioParams::default();
    params.cost.cost_sensitivity = 1.0;
    params.cost.fee_bps = 10.0;
    let mut allocator = Allocator::new(params, &["A", "B"]).unwrap();
    allocator
        .rebalance(&[0.5, 0.5], FeeTilt::Worth(1.0))
        .unwrap();
    let none = [SymbolInputs::default(); 2];
    allocator.tick(&account(0), &none, &mut ());
    assert_eq!(allocator.allocation().tilt, 0.02);
    let without = allocator.state().symbols[0].current_usd;
    let with = allocator.target(InstrumentIdx(0)).unwrap().target_usd;
    assert!((with / without - 1.02).abs() < 1e-6);
    let blocked = AccountInputs {
        tilt_blocked: true,
        ..account(0)
    };
    allocator.tick(&blocked, &none, &mut ());
    assert_eq!(allocator.allocation().tilt, 0.0);
    let mut breach = none;
    breach[1].color_breach = true;
    allocator.tick(&account(0), &breach, &mut ());
    assert_eq!(allocator.allocation().tilt, 0.0);
}
