//! Paths through the risk monitor.

use super::risk_grade::{KillCause, RiskCause, RiskGrade};
use super::risk_state::{RISK_CHANGES_MAX, RiskInputs, RiskMonitor};
use RiskGrade::{Flat, Halted, Normal, ReduceOnly, Wide};
use mmbot_types::Intent;
use mmbot_types::{RiskGradeParams, SessionRiskParams, TsNs};
use proptest::prelude::*;

fn params() -> SessionRiskParams {
    SessionRiskParams {
        max_drawdown_pct: 0.05,
        risk_pause_threshold: 0.03,
        recovery_minutes: 5.0,
        initial_equity_usd: 10_000.0,
        grades: RiskGradeParams {
            wide_at_ratio: 0.5,
            reduce_only_at_ratio: 0.75,
            wide_spread_mult: 1.5,
            min_stay_sec: 60.0,
        },
    }
}

fn at(second: i64) -> TsNs {
    TsNs::new(second * 1_000_000_000)
}

fn calm() -> RiskInputs {
    RiskInputs {
        equity_usd: 10_000.0,
        ..RiskInputs::default()
    }
}

fn causes(monitor: &RiskMonitor) -> Vec<(RiskGrade, RiskCause)> {
    monitor
        .changes_since(0)
        .map(|change| (change.to, change.cause))
        .collect()
}

/// spec: 09-1
#[test]
fn every_cause_demands_its_grade_and_is_named() {
    let params = params();
    let cause = |change: fn(&mut RiskMonitor, &mut RiskInputs)| {
        let (mut monitor, mut inputs) = (RiskMonitor::default(), calm());
        monitor.update(&params, &inputs, at(0));
        change(&mut monitor, &mut inputs);
        monitor.update(&params, &inputs, at(1));
        causes(&monitor).pop().unwrap()
    };
    assert_eq!(
        cause(|_, i| i.equity_usd = 9_850.0),
        (Wide, RiskCause::Drawdown)
    );
    assert_eq!(
        cause(|_, i| i.equity_usd = 9_760.0),
        (ReduceOnly, RiskCause::Drawdown)
    );
    assert_eq!(
        cause(|_, i| i.equity_usd = 9_700.0),
        (Flat, RiskCause::Drawdown)
    );
    assert_eq!(
        cause(|_, i| i.equity_usd = 9_500.0),
        (Halted, RiskCause::Drawdown)
    );
    assert_eq!(
        cause(|_, i| i.caps_breached = true),
        (ReduceOnly, RiskCause::IntradayCaps)
    );
    assert_eq!(
        cause(|_, i| i.guard_paused = true),
        (Flat, RiskCause::RuntimeGuard)
    );
    assert_eq!(
        cause(|_, i| i.schedule_closed = true),
        (Flat, RiskCause::Schedule)
    );
    let held = cause(|monitor, _| monitor.set_storage_hold(true, at(0)));
    assert_eq!(held, (Flat, RiskCause::Storage));
    let floor = cause(|monitor, _| monitor.set_floor(Some(Wide), at(0)));
    assert_eq!(floor, (Wide, RiskCause::Override));
    for kill in [KillCause::Operator, KillCause::Invariant, KillCause::Venue] {
        let mut monitor = RiskMonitor::default();
        monitor.kill(kill, at(0));
        assert_eq!(causes(&monitor), [(Halted, RiskCause::Kill(kill))]);
    }
    let first = cause(|_, i| (i.guard_paused, i.schedule_closed) = (true, true));
    assert_eq!(first, (Flat, RiskCause::RuntimeGuard), "precedence");
}

/// spec: 09-1
#[test]
fn lifting_a_kill_lifts_nothing_else() {
    let params = params();
    let rich = RiskInputs {
        equity_usd: 10_000.0,
        ..RiskInputs::default()
    };
    let poor = RiskInputs {
        equity_usd: 9_700.0,
        ..rich
    };
    let mut monitor = RiskMonitor::default();
    monitor.update(&params, &rich, at(0));
    monitor.kill(KillCause::Operator, at(1));
    monitor.kill(KillCause::Operator, at(1));
    assert_eq!(
        (monitor.kill_orders(), monitor.gauges().kills_total),
        (2, 1)
    );
    assert_eq!(monitor.update(&params, &poor, at(2)), Halted);
    monitor.set_floor(Some(Wide), at(3));
    monitor.lift_kill(at(4));
    assert_eq!(
        monitor.grade(),
        Flat,
        "the drawdown from the high water pauses"
    );
    assert_eq!(monitor.floor(), Some(Wide));
    monitor.resume(at(5));
    assert_eq!(monitor.grade(), Normal);
    monitor.update(&params, &poor, at(6));
    monitor.lift_kill(at(7));
    assert_eq!(monitor.grade(), Normal, "there was no kill");
}

/// spec: 09-1, 08-5.4
#[test]
fn a_session_that_cannot_be_written_down_is_flat_until_it_can_be_whatever_an_operator_says() {
    let params = params();
    let inputs = RiskInputs {
        equity_usd: 10_000.0,
        ..RiskInputs::default()
    };
    let mut monitor = RiskMonitor::default();
    monitor.update(&params, &inputs, at(0));
    monitor.set_storage_hold(true, at(1));
    assert_eq!((monitor.grade(), monitor.storage_held()), (Flat, true));
    assert!(monitor.allows(Intent::Cancel));
    assert!(!monitor.allows(Intent::Reduce));
    monitor.resume(at(2));
    assert_eq!(
        monitor.grade(),
        Flat,
        "a resume by hand makes no room on a disk"
    );
    assert_eq!(monitor.update(&params, &inputs, at(3_600)), Flat);
    monitor.set_storage_hold(false, at(3_601));
    assert_eq!(monitor.grade(), Flat, "before the minimum stay is over");
    assert_eq!(monitor.update(&params, &inputs, at(7_200)), Normal);
    let causes: Vec<_> = monitor.changes_since(0).map(|one| one.cause).collect();
    assert_eq!(causes, [RiskCause::Storage, RiskCause::Recovered]);
}

/// spec: 09-1
#[test]
fn a_severer_grade_comes_at_once_and_a_milder_one_after_the_minimum_stay() {
    let params = params();
    let mut monitor = RiskMonitor::default();
    let mut step = |equity, second| {
        let inputs = RiskInputs {
            equity_usd: equity,
            ..RiskInputs::default()
        };
        monitor.update(&params, &inputs, at(second))
    };
    assert_eq!(step(10_000.0, 0), Normal);
    assert_eq!(step(9_850.0, 10), Wide);
    assert_eq!(step(9_760.0, 11), ReduceOnly);
    assert_eq!(step(10_000.0, 70), ReduceOnly, "59 s");
    assert_eq!(step(9_850.0, 71), Wide, "60 s");
    assert_eq!(step(10_000.0, 130), Wide, "its own stay");
    assert_eq!(step(10_000.0, 131), Normal);
    assert_eq!(step(9_700.0, 140), Flat);
    assert_eq!(step(9_860.0, 439), Flat, "the recovery time");
    assert_eq!(step(9_860.0, 440), Normal);
    assert_eq!(step(9_000.0, 441), Halted);
    assert_eq!(step(10_000.0, 999_999), Halted);
    let told = causes(&monitor);
    assert_eq!(
        told[2..4],
        [(Wide, RiskCause::Recovered), (Normal, RiskCause::Recovered)]
    );
    assert_eq!(monitor.gauges().kills_total, 1);
}

/// spec: 02-11.1/5, 02-11.2
#[test]
fn only_a_resume_by_hand_leaves_halted_and_the_same_drawdown_does_not_strike_again() {
    let params = params();
    let mut monitor = RiskMonitor::default();
    monitor.update(&params, &calm(), at(0));
    let mut inputs = calm();
    inputs.equity_usd = 9_500.0;
    assert_eq!(monitor.update(&params, &inputs, at(1)), Halted);
    monitor.set_floor(None, at(2));
    assert_eq!(monitor.grade(), Halted);
    monitor.resume(at(3));
    assert_eq!(monitor.grade(), Normal);
    assert_eq!(monitor.update(&params, &inputs, at(4)), Normal);
    assert_eq!(causes(&monitor).pop(), Some((Normal, RiskCause::Resumed)));
    assert!((monitor.gauges().drawdown_largest - 0.05).abs() < 1e-12);

    inputs.schedule_closed = true;
    monitor.update(&params, &inputs, at(5));
    monitor.kill(KillCause::Invariant, at(6));
    monitor.kill(KillCause::Operator, at(7));
    assert_eq!(monitor.update(&params, &inputs, at(8)), Halted);
    monitor.resume(at(9));
    assert_eq!(monitor.grade(), Flat, "the windows are still closed");
}

/// spec: 02-11.2
#[test]
fn a_resume_by_hand_does_not_wait_for_the_minimum_stay_after_a_guard_pause() {
    let params = params();
    let mut monitor = RiskMonitor::default();
    let mut inputs = calm();
    inputs.guard_paused = true;
    assert_eq!(monitor.update(&params, &inputs, at(1)), Flat);
    monitor.resume(at(2));
    assert_eq!(monitor.grade(), Normal);
    assert_eq!(monitor.update(&params, &calm(), at(2)), Normal);
    assert_eq!(
        monitor.update(&params, &inputs, at(3)),
        Flat,
        "it pauses again"
    );
}

/// spec: 09-1
#[test]
fn a_floor_set_by_hand_holds_until_it_is_lifted() {
    let params = params();
    let mut monitor = RiskMonitor::default();
    monitor.set_floor(Some(ReduceOnly), at(0));
    assert_eq!(monitor.grade(), ReduceOnly, "at once");
    assert!(monitor.allows(Intent::Reduce) && !monitor.allows(Intent::Expand));
    assert_eq!(monitor.update(&params, &calm(), at(1_000)), ReduceOnly);
    monitor.set_floor(Some(Wide), at(1_000));
    assert_eq!(monitor.update(&params, &calm(), at(1_001)), Wide);
    assert_eq!(monitor.spread_mult(&params), params.grades.wide_spread_mult);
    monitor.set_floor(None, at(1_002));
    assert_eq!(
        monitor.update(&params, &calm(), at(1_060)),
        Wide,
        "the minimum stay"
    );
    assert_eq!(monitor.update(&params, &calm(), at(1_061)), Normal);
    assert_eq!((monitor.spread_mult(&params), monitor.floor()), (1.0, None));
}

/// spec: 02-11.1
#[test]
fn gauges_stay_finite_when_everything_is_lost() {
    let params = params();
    let mut monitor = RiskMonitor::default();
    monitor.update(&params, &RiskInputs::default(), at(0));
    let gauges = monitor.gauges();
    assert_eq!((gauges.grade, gauges.risk_paused), (Halted, true));
    assert_eq!((gauges.drawdown_day, gauges.drawdown_largest), (-1.0, 1.0));
}

fn inputs() -> impl Strategy<Value = RiskInputs> {
    let rare = || prop::bool::weighted(0.1);
    (9_400i64..10_000, rare(), rare(), rare()).prop_map(|(equity, caps, guard, closed)| {
        RiskInputs {
            equity_usd: equity as f64,
            caps_breached: caps,
            guard_paused: guard,
            schedule_closed: closed,
        }
    })
}

#[derive(Debug, Clone)]
enum Step {
    Update(i64, RiskInputs),
    Kill,
    Floor(Option<usize>),
    Storage(bool),
    Resume,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        30 => (-5i64..120, inputs()).prop_map(|(wait, inputs)| Step::Update(wait, inputs)),
        1 => Just(Step::Kill),
        2 => prop::option::of(0usize..4).prop_map(Step::Floor),
        2 => any::<bool>().prop_map(Step::Storage),
        2 => Just(Step::Resume),
    ];
    prop::collection::vec(step, 1..200)
}

proptest! {
    /// spec: 09-1
    #[test]
    fn the_rules_hold_on_any_path(steps in steps()) {
        let params = params();
        let mut monitor = RiskMonitor::default();
        let (mut second, mut path) = (1_000i64, vec![Normal]);
        for step in steps {
            let (before, entered) = (monitor.grade(), monitor.entered_at());
            let mut by_hand = false;
            match step {
                Step::Update(wait, inputs) => {
                    second += wait;
                    let grade = monitor.update(&params, &inputs, at(second));
                    let flat = inputs.guard_paused || inputs.schedule_closed;
                    prop_assert!(!flat || grade >= Flat);
                    prop_assert!(!inputs.caps_breached || grade >= ReduceOnly);
                    prop_assert!(monitor.floor().is_none_or(|floor| grade >= floor));
                }
                Step::Kill => monitor.kill(KillCause::Venue, at(second)),
                Step::Floor(floor) => {
                    monitor.set_floor(floor.map(|at| RiskGrade::ALL[at]), at(second));
                }
                Step::Storage(held) => monitor.set_storage_hold(held, at(second)),
                Step::Resume => {
                    monitor.resume(at(second));
                    by_hand = true;
                }
            }
            let after = monitor.grade();
            prop_assert!(!monitor.storage_held() || after >= Flat);
            if after < before && !by_hand {
                prop_assert_ne!(before, Halted);
                prop_assert!(monitor.entered_at().since_ns(entered) >= 60_000_000_000);
            }
            if after != before {
                path.push(after);
            }
            prop_assert_eq!(monitor.changes_total() as usize, path.len() - 1);
        }
        let told: Vec<_> = monitor.changes_since(0).copied().collect();
        let kept = (path.len() - 1).min(RISK_CHANGES_MAX);
        prop_assert_eq!(told.len(), kept);
        let tail = &path[path.len() - 1 - kept..];
        for (change, pair) in told.iter().zip(tail.windows(2)) {
            prop_assert_eq!((change.from, change.to), (pair[0], pair[1]));
        }
        prop_assert!(told.is_sorted_by_key(|change| change.ts));
        let last = monitor.changes_since(monitor.changes_total().saturating_sub(1)).count();
        prop_assert_eq!(last, kept.min(1));
    }
}
