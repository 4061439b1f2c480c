//! What one trading session shares over its symbols.

pub mod outcome;
pub mod permit;
#[allow(clippy::module_inception)] // the parent of the guards in this folder
mod session;

pub use outcome::CallOutcome;
pub use permit::{Calmer, Circuit, Holds, Lent, Permit, QuoteBudget};
pub use session::{SYNC_NS, Session};
