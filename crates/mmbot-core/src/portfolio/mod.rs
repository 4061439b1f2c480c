//! Budget over symbols: from one budget to a target per symbol, once per second of event time.
//!
//! [`tick`] is the pure function: parameters, weights, state and inputs in, targets out, in twelve
//! stages. [`Allocator`] holds what a session needs around it. How weights arise is decided
//! outside.

mod allocator;
pub mod budget;
pub mod calibration;
pub mod cost;
mod exact_sum;
pub mod fee_tilt;
pub mod flow;
pub mod models;
pub mod smoothing;
mod tick;

#[cfg(test)]
mod allocator_tests;
#[cfg(test)]
mod property_tests;

pub use allocator::{Allocator, WeightError, equal_weights, lexicographic};
pub use calibration::{Calibrated, CostObservation, SymbolCalibration};
pub use cost::{Observation, SlippageOverride};
pub use fee_tilt::FeeTilt;
pub use flow::{FillRate, OrderEnd, Turnover};
pub use models::{
    AccountInputs, AllocatorState, PortfolioTarget, Stage, StageSink, SymbolFigures, SymbolInputs,
    SymbolState,
};
pub use smoothing::{Backoff, SmoothingStep};
pub use tick::{Allocation, Weights, max_levels, tick};
