//! What follows from the market alone, updated as it changes.

pub mod decay;
pub mod flow;
pub mod lag_peak;
pub mod liquidity;
pub mod micro;
pub mod mids;
#[cfg(test)]
mod mids_tests;
pub mod volatility;
pub mod volume;

pub use flow::TradeFlow;
pub use lag_peak::LagPeak;
pub use liquidity::Liquidity;
pub use micro::Micro;
pub use mids::MidHistory;
pub use volatility::{Volatility, VolatilityView};
pub use volume::TradedVolume;
