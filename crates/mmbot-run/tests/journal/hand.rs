//! An operator at work while a session is written down.

use crate::sessions::{MARKET_NS, NAMES, Plan};
use mmbot_run::{Backtest, External, RunError};
use mmbot_types::journal::{CalibrationOf, Control};
use mmbot_types::{
    DayTotals, ExecPrice, InstrumentIdx, KillCause, QtyLot, RingParts, RiskGrade, SlippageOverride,
    SymbolCalibration, ThrottleSnapshot,
};
use proptest::prelude::*;

pub const STEP_NS: i64 = 130_000_000;
const STEPS: i64 = MARKET_NS / STEP_NS;

/// What he does in the step that ends at `until`.
pub fn step(plan: &Plan, backtest: &mut Backtest, outside: &mut impl External, until: i64) {
    let at = |eighth: i64| {
        let from = MARKET_NS / 8 * eighth;
        plan.hand && (from..from + STEP_NS).contains(&until)
    };
    let kill = Control::Kill {
        cause: KillCause::Venue,
        reason: "the venue bans us".to_owned(),
    };
    let switches = [
        (2, Control::Grade(Some(RiskGrade::ReduceOnly))),
        (4, kill),
        (5, Control::Resume),
    ];
    for (_, switch) in switches.into_iter().filter(|(eighth, _)| at(*eighth)) {
        backtest.control(0, switch).unwrap();
    }
    if at(1) || at(6) {
        backtest.check_stale(0, 0, outside).unwrap();
    }
    if at(3) || at(6) {
        backtest.hold(0, 0, at(3)).unwrap();
    }
    if at(1) || at(5) {
        let lots = if at(1) { 7 } else { -3 };
        let px = ExecPrice::new(5_000_000_000);
        backtest.adopt(0, 0, QtyLot::new(lots), px).unwrap();
    }
    for (_, control) in plan
        .controls
        .iter()
        .filter(|(step, _)| step * STEP_NS == until)
    {
        let done = backtest.control(0, control.clone());
        let refused = *control == Control::Resume && done == Err(RunError::Finished);
        assert!(done.is_ok() || refused, "{control:?}: {done:?}");
    }
}

/// Any controls at any moments, from the first step to the last.
pub fn controls() -> impl Strategy<Value = Vec<(i64, Control)>> {
    prop::collection::vec((1..=STEPS, control()), 0..20)
}

fn control() -> impl Strategy<Value = Control> {
    let cause = prop::sample::select(KillCause::ALL.to_vec());
    let grade = prop::option::of(prop::sample::select(RiskGrade::ALL.to_vec()));
    prop_oneof![
        2 => Just(Control::Resume),
        1 => Just(Control::LiftKill),
        1 => cause.prop_map(|cause| Control::Kill { cause, reason: "drill".to_owned() }),
        1 => grade.prop_map(Control::Grade),
        1 => any::<bool>().prop_map(Control::ManualPause),
        1 => any::<bool>().prop_map(Control::GuardDryRun),
        1 => any::<bool>().prop_map(Control::Leader),
        1 => (0u32..6).prop_map(Control::AutopolicyLevel),
        1 => Just(Control::AutopolicyReset),
        1 => any::<bool>().prop_map(Control::AutopolicyEnabled),
        2 => throttle().prop_map(|snapshot| Control::ThrottleLoad(Box::new(snapshot))),
        1 => Just(Control::ThrottleClear),
        1 => Just(Control::ThrottleReset),
        1 => (0.0..20_000.0).prop_map(Control::BackoffMaxSeed),
        1 => (0.0..200_000.0).prop_map(Control::HighWaterMark),
        2 => calibration().prop_map(|one| Control::CostCalibration(vec![one])),
        2 => day_totals().prop_map(|totals| Control::DayTotals(Box::new(totals))),
        1 => any::<bool>().prop_map(Control::StorageHold),
    ]
}

/// Windows that hold orders back; one of another length and of a symbol that is not traded.
fn throttle() -> impl Strategy<Value = ThrottleSnapshot> {
    let name = prop::sample::select(vec!["*", NAMES[0], NAMES[1], "OTHERUSDT"]);
    (1u32..4, name, 0i64..20, 0u32..9).prop_map(|(window_sec, name, base_ts, count)| {
        let ring = vec![count; window_sec as usize];
        let parts = RingParts {
            base_ts,
            idx: 0,
            ring,
        };
        let rings = [parts.clone(), parts.clone(), parts];
        let symbols = [(name.to_owned(), rings)].into();
        ThrottleSnapshot {
            window_sec,
            symbols,
        }
    })
}

fn calibration() -> impl Strategy<Value = CalibrationOf> {
    let set = prop::option::of(0.0..900.0);
    (0u64..500, -2.0..9.0, 0.0..40.0, set).prop_map(|(samples, slip_bps, size_kusd, k_eff)| {
        CalibrationOf {
            instrument: InstrumentIdx(0),
            state: SymbolCalibration {
                samples,
                spread_bps: 1.0,
                volume_usd: 1e6,
                slip_bps,
                slip_sq: slip_bps * slip_bps + 1.0,
                excess_bps: slip_bps,
                size_kusd,
            },
            set: SlippageOverride {
                k_eff,
                cap_eff_bps: None,
            },
        }
    })
}

fn day_totals() -> impl Strategy<Value = DayTotals> {
    let latch = prop::option::of(0.0..1e6);
    (-1i64..2, -500.0..500.0, 0.0..400_000.0, latch).prop_map(
        |(utc_day, pnl_usd, turnover_usd, latch)| DayTotals {
            utc_day,
            pnl_usd,
            turnover_usd,
            sum_sq_returns: vec![1e-6],
            latched_at: [None, latch, None],
        },
    )
}
