//! What holds for all symbols of a session together: how often it may ask the venue, when it holds
//! back, and how it calms down. Pure state machines; times and parameters arrive with each call.

mod hmac;
mod outcome;

pub mod backoff;
#[cfg(test)]
mod backoff_tests;
pub mod breaker;
#[cfg(test)]
mod breaker_grid_tests;
#[cfg(test)]
mod breaker_tests;
pub mod lend;
pub mod ring;
pub mod snapshot;
pub mod windows;

pub use backoff::{Backoff, BackoffSigns};
pub use breaker::{CircuitBreaker, CircuitState, Probes};
pub use lend::lend;
pub use outcome::{CallOutcome, OutcomeCounts, Tally};
pub use ring::{RingError, RingParts, SecondRing, WINDOW_SEC_MAX, second_of};
pub use snapshot::{SESSION_SYMBOL, SnapshotError, ThrottleSnapshot};
pub use windows::{OpLimits, OpWindows};
