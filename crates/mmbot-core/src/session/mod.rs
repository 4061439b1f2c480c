//! What holds for all symbols of a session together: state machines without IO, each fed with
//! values and times and asked for a verdict. They meet the symbols only at synchronisation points
//! (every 100 ms of event time; per-second guards at those on full seconds), so that none of this
//! is on the path of a market event.

pub mod calendar;
pub mod caps;
#[cfg(test)]
mod caps_tests;
pub mod intent;
pub mod mux;
#[cfg(test)]
mod mux_tests;
pub mod schedule;
pub mod skew;
#[cfg(test)]
mod skew_tests;

pub use caps::{Cap, CapsEvent, CapsGauges, DayTotals, IntradayCaps};
pub use intent::Intent;
pub use mux::{Mux, MuxRegime, MuxTable, MuxView};
pub use schedule::Schedule;
pub use skew::{PosSkew, SkewChange, SkewEvent, SkewGauges, SkewScope};
