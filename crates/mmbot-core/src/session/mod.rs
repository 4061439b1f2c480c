//! What holds for all symbols of a session together: state machines without IO, each fed with
//! values and times and asked for a verdict. They meet the symbols only at synchronisation points
//! (every 100 ms of event time; per-second guards at those on full seconds), so that none of this
//! is on the path of a market event.

pub mod calendar;
pub mod caps;
#[cfg(test)]
mod caps_tests;
pub mod day_drawdown;
pub mod guard_verdict;
pub mod intent;
pub mod latency_window;
pub mod mux;
#[cfg(test)]
mod mux_tests;
pub mod pnl_slope;
pub mod risk_grade;
#[cfg(test)]
mod risk_grade_tests;
pub mod risk_state;
#[cfg(test)]
mod risk_state_tests;
pub mod runtime_guard;
#[cfg(test)]
mod runtime_guard_tests;
pub mod schedule;
pub mod shadow_stats;
#[cfg(test)]
mod shadow_stats_tests;
pub mod skew;
#[cfg(test)]
mod skew_tests;

pub use caps::{Cap, CapsEvent, CapsGauges, DayTotals, IntradayCaps};
pub use day_drawdown::DayDrawdown;
pub use guard_verdict::{GuardInputs, GuardReasons};
pub use intent::Intent;
pub use latency_window::{LATENCY_SAMPLES_MAX, LatencyWindow};
pub use mux::{Mux, MuxRegime, MuxTable, MuxView};
pub use pnl_slope::PnlSlope;
pub use risk_grade::{KillCause, RiskCause, RiskGrade, RiskInput, transition};
pub use risk_state::{RISK_CHANGES_MAX, RiskChange, RiskGauges, RiskInputs, RiskMonitor};
pub use runtime_guard::{GuardChange, GuardGauges, RuntimeGuard};
pub use schedule::Schedule;
pub use shadow_stats::{
    ShadowGauges, ShadowSample, ShadowStats, ShadowSummary, ShadowWarning, VirtualCid, VirtualCids,
};
pub use skew::{PosSkew, SkewChange, SkewEvent, SkewGauges, SkewScope};
