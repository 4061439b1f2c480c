//! What holds for all symbols of a trading session together: how often it may ask the venue, when
//! it holds back, what it may lose. The guards are pure state machines, one a file; their times and
//! parameters arrive with each call. [`Session`] owns them and asks them in their order.

mod by_control;
mod by_hand;
mod calm;
#[cfg(test)]
mod calm_tests;
mod controls;
mod counting;
mod granting;
mod hmac;
mod outcome;

pub mod autopolicy;
#[cfg(test)]
mod autopolicy_grid_tests;
#[cfg(test)]
mod autopolicy_tests;
pub mod backoff;
#[cfg(test)]
mod backoff_tests;
pub mod breaker;
#[cfg(test)]
mod breaker_grid_tests;
#[cfg(test)]
mod breaker_tests;
pub mod calendar;
pub mod call_rates;
pub mod capital;
pub mod caps;
#[cfg(test)]
mod caps_tests;
pub mod day_drawdown;
pub mod event_log;
pub mod guard_verdict;
pub mod latency_window;
pub mod lend;
pub mod losses;
pub mod mux;
#[cfg(test)]
mod mux_tests;
pub mod order_flow;
pub mod permit;
pub mod pnl_slope;
pub mod requests;
#[cfg(test)]
mod requests_tests;
pub mod ring;
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
pub mod seat;
#[allow(clippy::module_inception)] // the parent of the guards in this folder
mod session;
pub mod shadow_stats;
#[cfg(test)]
mod shadow_stats_tests;
pub mod skew;
#[cfg(test)]
mod skew_tests;
pub mod snapshot;
pub mod windows;

pub use autopolicy::{Autopolicy, AutopolicyBases, AutopolicySigns, EffectiveQuoting};
pub use backoff::{Backoff, BackoffSigns};
pub use breaker::{CircuitBreaker, CircuitState, Probes};
pub use by_control::ControlError;
pub use call_rates::{CALL_WINDOW_SEC, CallRates};
pub use capital::Capital;
pub use caps::{Cap, CapsEvent, CapsGauges, DayTotals, IntradayCaps};
pub use day_drawdown::DayDrawdown;
pub use event_log::{EVENTS_MAX, EventLog, SessionEvent, SessionRecord};
pub use guard_verdict::{GuardInputs, GuardReasons};
pub use latency_window::{LATENCY_SAMPLES_MAX, LatencyWindow};
pub use lend::lend;
pub use losses::Losses;
pub use mux::{Mux, MuxRegime, MuxTable, MuxView};
pub use order_flow::OrderFlow;
pub use outcome::{CallOutcome, OutcomeCounts, Tally};
pub use permit::{Calmer, Circuit, Holds, Lent, Permit, QuoteBudget};
pub use pnl_slope::PnlSlope;
pub use requests::Requests;
pub use ring::{RingError, RingParts, SecondRing, WINDOW_SEC_MAX, second_of};
pub use risk_grade::{KillCause, RiskCause, RiskGrade, RiskInput, transition};
pub use risk_state::{RISK_CHANGES_MAX, RiskChange, RiskGauges, RiskInputs, RiskMonitor};
pub use runtime_guard::{GuardChange, GuardGauges, RuntimeGuard};
pub use schedule::Schedule;
pub use seat::{Seat, SeatMarket, Sent};
pub use session::{SYNC_NS, Session};
pub use shadow_stats::{
    ShadowGauges, ShadowSample, ShadowStats, ShadowSummary, ShadowWarning, VirtualCid, VirtualCids,
};
pub use skew::{PosSkew, SkewChange, SkewEvent, SkewGauges, SkewScope};
pub use snapshot::{SESSION_SYMBOL, SnapshotError, ThrottleSnapshot, load_windows, snapshot_of};
pub use windows::{OpLimits, OpWindows};
