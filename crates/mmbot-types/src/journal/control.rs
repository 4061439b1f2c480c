//! What is done to a running session by hand, or by another part of the program.

use crate::carried::{DayTotals, SlippageOverride, SymbolCalibration, ThrottleSnapshot};
use crate::instrument::InstrumentIdx;
use crate::kill_cause::KillCause;
use crate::risk_grade::RiskGrade;

/// What an operator or another part of the program orders. All of them are input of the core: a
/// replay does the same at the same place.
#[derive(Debug, Clone, PartialEq)]
pub enum Control {
    /// Cancel everything and quote no more.
    Stop,
    /// Quote no more, leave the orders in the market.
    KeepOrders,
    /// Quote again after a stop, or where the orders were left in the market; a kill stays.
    LiftStop,
    /// Quote again after a stop, a pause or a kill.
    Resume,
    /// Kill switch.
    Kill {
        /// Who.
        cause: KillCause,
        /// Why, in the words of whoever did it; may be empty.
        reason: String,
    },
    /// Lift a kill and nothing else.
    LiftKill,
    /// Risk grade set by hand; `None` gives it back to the rules.
    Grade(Option<RiskGrade>),
    /// Pause quoting by hand, or end such a pause.
    ManualPause(bool),
    /// Whether a pause of the runtime guard only counts.
    GuardDryRun(bool),
    /// Whether this instance leads.
    Leader(bool),
    /// Level of autopolicy.
    AutopolicyLevel(u32),
    /// Level and streaks of autopolicy to 0.
    AutopolicyReset,
    /// Whether autopolicy works.
    AutopolicyEnabled(bool),
    /// Request windows of an earlier session.
    ThrottleLoad(Box<ThrottleSnapshot>),
    /// Empty the request windows.
    ThrottleClear,
    /// Empty the request windows, end back-offs, forget the largest one.
    ThrottleReset,
    /// Largest back-off of an earlier run, ms.
    BackoffMaxSeed(f64),
    /// High-water mark of equity, USD.
    HighWaterMark(f64),
    /// Slippage calibration of symbols.
    CostCalibration(Vec<CalibrationOf>),
    /// Totals of the day that an earlier session left.
    DayTotals(Box<DayTotals>),
    /// Whether the session is held back because it cannot be written down.
    StorageHold(bool),
}

/// Calibration of one symbol.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CalibrationOf {
    /// Which symbol.
    pub instrument: InstrumentIdx,
    /// Means.
    pub state: SymbolCalibration,
    /// Values set by hand.
    pub set: SlippageOverride,
}

impl Control {
    /// The kill of an operator who gives no reason.
    #[must_use]
    pub const fn operator_kill() -> Self {
        Control::Kill {
            cause: KillCause::Operator,
            reason: String::new(),
        }
    }

    /// Name in tools.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Control::Stop => "stop",
            Control::KeepOrders => "keep_orders",
            Control::LiftStop => "lift_stop",
            Control::Resume => "resume",
            Control::Kill { .. } => "kill",
            Control::LiftKill => "lift_kill",
            Control::Grade(_) => "grade",
            Control::ManualPause(_) => "manual_pause",
            Control::GuardDryRun(_) => "guard_dry_run",
            Control::Leader(_) => "leader",
            Control::AutopolicyLevel(_) => "autopolicy_level",
            Control::AutopolicyReset => "autopolicy_reset",
            Control::AutopolicyEnabled(_) => "autopolicy_enabled",
            Control::ThrottleLoad(_) => "throttle_load",
            Control::ThrottleClear => "throttle_clear",
            Control::ThrottleReset => "throttle_reset",
            Control::BackoffMaxSeed(_) => "backoff_max_seed",
            Control::HighWaterMark(_) => "high_water_mark",
            Control::CostCalibration(_) => "cost_calibration",
            Control::DayTotals(_) => "day_totals",
            Control::StorageHold(_) => "storage_hold",
        }
    }
}
