//! The fault world: traders and sessions as they are, on a synthetic market, between a wire and a
//! venue that do what wires and venues do on a bad day.
//!
//! Everything is drawn from one seed, so that a run that finds something is repeated by its number.
//! [`run`] plays a plan and judges [every rule](crate::invariant) after every event.

mod clock;
mod crash;
mod disk_states;
mod drill;
mod feed;
mod kill_watch;
mod kind;
mod liveness;
mod operator;
mod outcome;
mod plan;
mod ratio;
mod reconcile;
mod rim;
mod run;
mod setup;
mod shrink;
mod truth;

pub use drill::{Drill, drill};
pub use kind::{Fault, Per, RECEIVE_WINDOW_MS};
pub use outcome::Outcome;
pub use plan::{Canary, FaultOption, FaultPlan, LIVENESS_MS};
pub use ratio::{Ratio, RatioError};
pub use run::run;
pub use shrink::{Minimised, minimise};
pub use truth::{Phase, TrueOrder, Truth};
