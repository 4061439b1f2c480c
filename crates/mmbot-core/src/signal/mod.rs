//! What follows from the market alone, updated as it changes.

pub mod decay;
pub mod flow;
pub mod micro;
pub mod mids;
#[cfg(test)]
mod mids_tests;
pub mod volatility;

pub use flow::TradeFlow;
pub use micro::Micro;
pub use mids::MidHistory;
pub use volatility::{Volatility, VolatilityView};
