//! What holds for all symbols of a session together: how often it may ask the venue, when it holds
//! back, and how it calms down. Pure state machines; times and parameters arrive with each call.

mod hmac;

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
pub mod call_rates;
pub mod lend;
pub mod outcome;
pub mod ring;
pub mod snapshot;
pub mod windows;

pub use autopolicy::{Autopolicy, AutopolicyBases, AutopolicySigns, EffectiveQuoting};
pub use backoff::{Backoff, BackoffSigns};
pub use breaker::{CircuitBreaker, CircuitState, Probes};
pub use call_rates::{CALL_WINDOW_SEC, CallRates};
pub use lend::lend;
pub use outcome::{CallOutcome, OutcomeCounts, Tally};
pub use ring::{RingError, RingParts, SecondRing, WINDOW_SEC_MAX, second_of};
pub use snapshot::{SESSION_SYMBOL, SnapshotError, ThrottleSnapshot};
pub use windows::{OpLimits, OpWindows};
