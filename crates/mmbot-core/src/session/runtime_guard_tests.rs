//! Reasons at their thresholds, streaks on any path, pauses by hand, symbols of their own.

use super::guard_verdict::{GuardInputs, GuardReasons};
use super::latency_window::LatencyWindow;
use super::runtime_guard::{GuardChange, RuntimeGuard};
use mmbot_types::{GuardThresholds, InstrumentIdx, RuntimeGuardParams, TsNs};
use proptest::prelude::*;

const SYMBOL: InstrumentIdx = InstrumentIdx(1);

fn at(second: i64) -> TsNs {
    TsNs::new(second * 1_000_000_000)
}

fn calm() -> GuardInputs {
    GuardInputs {
        cancel_limit_per_sec: 25.0,
        ..GuardInputs::default()
    }
}

fn params() -> RuntimeGuardParams {
    RuntimeGuardParams {
        window_sec: 10,
        hysteresis_bad_required: 1,
        hysteresis_good_required: 1,
        recovery_minutes: 0.0,
        thresholds: GuardThresholds {
            max_position_notional_usd: 1_000.0,
            max_gross_exposure_usd: 2_000.0,
            max_position_pct_budget: 50.0,
            ..GuardThresholds::default()
        },
        ..RuntimeGuardParams::default()
    }
}

/// Reasons of the first evaluation of a new guard.
fn verdict(p: &RuntimeGuardParams, inputs: &GuardInputs, latencies_ms: &[i64]) -> u8 {
    let (mut guard, mut window) = (RuntimeGuard::new(p, 2), LatencyWindow::new(p.window_sec));
    for latency_ms in latencies_ms {
        window.record(latency_ms * 1_000_000, at(0));
    }
    match guard.evaluate(p, inputs, &mut window, at(1)) {
        Some(GuardChange::Paused(reasons)) => reasons.bits(),
        _ => 0,
    }
}

/// spec: 02-11.2
#[test]
fn every_reason_has_its_bit_and_is_strictly_beyond_its_threshold() {
    type Set = fn(&mut GuardInputs, f64);
    let rows: [(Set, f64, f64, u8); 7] = [
        (|i, x| i.cancels_per_sec = x, 22.5, 22.51, 1),
        (|i, x| i.rest_error_rate = x, 0.01, 0.011, 2),
        (|i, x| i.position_notional_usd = x, 1_000.0, 1_000.1, 8),
        (|i, x| i.gross_exposure_usd = x, 2_000.0, 2_000.1, 8),
        (|i, x| i.position_pct_budget = x, 50.0, 50.1, 8),
        (|i, x| i.ws_lag_ms = Some(x), 3_000.0, 3_000.1, 32),
        (|i, x| i.order_reject_rate = x, 0.10, 0.11, 64),
    ];
    for (set, within, beyond, bit) in rows {
        for (value, expected) in [
            (within, 0),
            (beyond, bit),
            (f64::NAN, 0),
            (f64::INFINITY, 0),
        ] {
            let mut inputs = calm();
            set(&mut inputs, value);
            assert_eq!(
                verdict(&params(), &inputs, &[]),
                expected,
                "bit {bit}: {value}"
            );
        }
    }
    assert_eq!(verdict(&params(), &calm(), &[1_000; 20]), 0);
    assert_eq!(verdict(&params(), &calm(), &[1_001; 20]), 16);
    let mut rare = [10; 20];
    rare[0] = 9_000;
    assert_eq!(
        verdict(&params(), &calm(), &rare),
        0,
        "one of twenty is not the 95th percentile"
    );
}

/// spec: 02-11.2
#[test]
fn reasons_add_up() {
    let inputs = GuardInputs {
        cancels_per_sec: 25.0,
        rest_error_rate: 1.0,
        order_reject_rate: 1.0,
        ws_lag_ms: Some(1e6),
        gross_exposure_usd: 1e9,
        position_notional_usd: 1e9,
        ..calm()
    };
    assert_eq!(
        verdict(&params(), &inputs, &[5_000]),
        1 | 2 | 8 | 16 | 32 | 64
    );
}

/// spec: 02-11.2
#[test]
fn a_threshold_that_is_off_is_not_judged() {
    let mut p = params();
    p.thresholds = GuardThresholds::OFF;
    let inputs = GuardInputs {
        cancels_per_sec: 1e9,
        rest_error_rate: 1.0,
        position_notional_usd: 1e12,
        gross_exposure_usd: 1e12,
        position_pct_budget: 1e6,
        ws_lag_ms: Some(1e9),
        order_reject_rate: 1.0,
        ..calm()
    };
    assert_eq!(verdict(&p, &inputs, &[1_000_000]), 0);
    p = RuntimeGuardParams::default();
    p.hysteresis_bad_required = 1;
    let inputs = GuardInputs {
        position_notional_usd: 1e12,
        gross_exposure_usd: 1e12,
        position_pct_budget: 1e6,
        ..calm()
    };
    assert_eq!(verdict(&p, &inputs, &[]), 0, "inventory is off by default");
}

/// spec: 02-11.2
#[test]
fn a_falling_result_pauses_once_the_window_can_tell() {
    let p = params();
    let (mut guard, mut window) = (RuntimeGuard::new(&p, 0), LatencyWindow::new(10));
    let mut paused = None;
    for second in 0..20 {
        // 6 USD a minute
        let inputs = GuardInputs {
            pnl_usd: -0.1 * second as f64,
            ..calm()
        };
        let change = guard.evaluate(&p, &inputs, &mut window, at(second));
        if let Some(GuardChange::Paused(reasons)) = change {
            paused = Some((second, reasons));
        }
    }
    assert_eq!(paused, Some((5, GuardReasons::PNL_SLOPE)));
}

/// spec: 02-11.2
#[test]
fn a_pause_by_hand_holds_without_a_streak_and_in_a_dry_run() {
    let mut p = params();
    p.dry_run = true;
    let (mut guard, mut window) = (RuntimeGuard::new(&p, 1), LatencyWindow::new(10));
    assert!(!guard.is_paused_effective(&p));
    guard.set_manual(true, at(1));
    assert!(guard.is_paused_effective(&p) && !guard.is_paused());
    assert_eq!(guard.evaluate(&p, &calm(), &mut window, at(2)), None);
    let gauges = guard.gauges(&p);
    assert_eq!(gauges.last_reason, GuardReasons::MANUAL);
    assert_eq!((gauges.last_change, gauges.pauses_total), (Some(at(1)), 0));
    guard.set_manual(false, at(3));
    assert!(!guard.is_paused_effective(&p), "nothing lingers");
    assert_eq!(guard.gauges(&p).last_change, Some(at(3)));
}

/// spec: 02-11.2
#[test]
fn a_dry_run_pauses_and_blocks_nothing() {
    let mut p = params();
    p.dry_run = true;
    let bad = GuardInputs {
        rest_error_rate: 1.0,
        ..calm()
    };
    let (mut guard, mut window) = (RuntimeGuard::new(&p, 2), LatencyWindow::new(10));
    assert!(guard.evaluate(&p, &bad, &mut window, at(1)).is_some());
    let gauges = guard.gauges(&p);
    assert!(gauges.paused && !gauges.paused_effective && gauges.dry_run);
    assert_eq!(gauges.pauses_total, 1);
    assert!(!guard.blocks(&p, SYMBOL));
    p.dry_run = false;
    assert!(guard.blocks(&p, SYMBOL), "as soon as it is none");
}

/// spec: 02-11.2
#[test]
fn a_symbol_with_thresholds_of_its_own_is_paused_alone() {
    let mut p = params();
    let own = GuardThresholds {
        order_reject_rate_max: 0.5,
        ..GuardThresholds::OFF
    };
    p.per_symbol = vec![None, Some(own)];
    let bad = GuardInputs {
        order_reject_rate: 0.6,
        ..calm()
    };
    let (mut guard, mut window) = (RuntimeGuard::new(&p, 2), LatencyWindow::new(10));
    let other = InstrumentIdx(0);
    assert_eq!(
        guard.evaluate_symbol(&p, other, &bad, &mut window, at(1)),
        None
    );
    let change = guard.evaluate_symbol(&p, SYMBOL, &bad, &mut window, at(1));
    assert_eq!(change, Some(GuardChange::Paused(GuardReasons::REJECTS)));
    assert!(guard.blocks(&p, SYMBOL) && !guard.blocks(&p, other));
    assert!(!guard.gauges(&p).paused, "the session goes on");
    assert_eq!(guard.gauges(&p).pauses_total, 1);
    guard.resume(at(2));
    assert!(!guard.blocks(&p, SYMBOL));
    guard.evaluate_symbol(&p, SYMBOL, &bad, &mut window, at(3));
    p.per_symbol.clear();
    guard.reload(&p, at(4));
    assert!(!guard.blocks(&p, SYMBOL), "it has no thresholds any more");
    p.per_symbol = vec![Some(own)];
    guard.reload(&p, at(5));
    assert!(
        guard
            .evaluate_symbol(&p, other, &bad, &mut window, at(5))
            .is_some()
    );
}

/// spec: 02-11.2
#[test]
fn resume_clears_every_pause_and_the_slope_that_caused_it() {
    let mut p = params();
    p.manual_override_pause = true;
    let (mut guard, mut window) = (RuntimeGuard::new(&p, 1), LatencyWindow::new(10));
    for second in 0..8 {
        let inputs = GuardInputs {
            pnl_usd: -(second as f64),
            ..calm()
        };
        guard.evaluate(&p, &inputs, &mut window, at(second));
    }
    assert!(guard.gauges(&p).paused && guard.gauges(&p).manual_override);
    let both = GuardReasons::PNL_SLOPE.bits() | GuardReasons::MANUAL.bits();
    assert_eq!(guard.gauges(&p).last_reason.bits(), both);
    guard.resume(at(8));
    assert!(!guard.is_paused_effective(&p));
    assert_eq!(guard.evaluate(&p, &calm(), &mut window, at(9)), None);
}

/// spec: 02-11.2
#[test]
fn switched_off_it_frees_what_it_paused() {
    let mut p = params();
    let bad = GuardInputs {
        rest_error_rate: 1.0,
        ..calm()
    };
    let (mut guard, mut window) = (RuntimeGuard::new(&p, 1), LatencyWindow::new(10));
    guard.evaluate(&p, &bad, &mut window, at(1));
    p.enabled = false;
    let change = guard.evaluate(&p, &bad, &mut window, at(2));
    assert_eq!(change, Some(GuardChange::Resumed));
    assert_eq!(guard.evaluate(&p, &bad, &mut window, at(3)), None);
}

proptest! {
    /// spec: 02-11.2
    #[test]
    fn pauses_follow_streaks_and_the_recovery_time_on_any_path(
        steps in prop::collection::vec((-1i64..5, any::<bool>()), 1..150),
        bad_required in 1u32..4,
        good_required in 1u32..4,
        recovery_sec in 0u32..30,
    ) {
        let mut p = params();
        (p.hysteresis_bad_required, p.hysteresis_good_required) = (bad_required, good_required);
        p.recovery_minutes = f64::from(recovery_sec) / 60.0;
        let (mut guard, mut window) = (RuntimeGuard::new(&p, 0), LatencyWindow::new(10));
        let (mut second, mut latest) = (100i64, i64::MIN);
        let mut verdicts: Vec<bool> = Vec::new();
        let (mut paused_at, mut pauses) = (None::<i64>, 0u64);
        for (wait, bad) in steps {
            second += wait;
            let inputs = GuardInputs {
                rest_error_rate: if bad { 1.0 } else { 0.0 },
                ..calm()
            };
            let change = guard.evaluate(&p, &inputs, &mut window, at(second));
            let before = paused_at;
            if second > latest {
                latest = second;
                verdicts.push(bad);
                let streak = |n: u32, wanted: bool| {
                    let n = n as usize;
                    verdicts.len() >= n && verdicts.iter().rev().take(n).all(|v| *v == wanted)
                };
                match paused_at {
                    None if streak(bad_required, true) => {
                        (paused_at, pauses) = (Some(latest), pauses + 1);
                    }
                    Some(since) if streak(good_required, false)
                        && latest - since >= i64::from(recovery_sec) => paused_at = None,
                    _ => {}
                }
            }
            prop_assert_eq!(guard.is_paused(), paused_at.is_some());
            prop_assert_eq!(change.is_some(), before.is_some() != paused_at.is_some());
            prop_assert_eq!(guard.gauges(&p).pauses_total, pauses);
        }
    }
}
