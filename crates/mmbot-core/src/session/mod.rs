//! What holds for all symbols of a trading session together: how often it may ask the venue, when
//! it holds back, what it may lose. The guards are pure state machines, one a file; their times and
//! parameters arrive with each call. [`Session`] owns them and asks them in their order.

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
pub mod permit;
pub mod ring;
#[allow(clippy::module_inception)] // the parent of the guards in this folder
mod session;
pub mod snapshot;
pub mod windows;

pub use backoff::{Backoff, BackoffSigns};
pub use breaker::{CircuitBreaker, CircuitState, Probes};
pub use lend::lend;
pub use outcome::{CallOutcome, OutcomeCounts, Tally};
pub use permit::{Calmer, Circuit, Holds, Lent, Permit, QuoteBudget};
pub use ring::{RingError, RingParts, SecondRing, WINDOW_SEC_MAX, second_of};
pub use session::{SYNC_NS, Session};
pub use snapshot::{SESSION_SYMBOL, SnapshotError, ThrottleSnapshot};
pub use windows::{OpLimits, OpWindows};
