//! What to quote: targets from the market, the position and the parameters.

pub mod built_in;
pub mod fill_cost;
pub mod targets;

#[cfg(test)]
mod tests;

pub use built_in::{QuoterInput, tick_outward};
pub use fill_cost::{CostlyFill, FillCosts};
pub use targets::{LEVELS_MAX, SideTargets, Target, Targets};

pub use mmbot_types::Quote;

use crate::market::MarketView;
use mmbot_types::{QtyLot, QuoteParams, TsNs};

/// What a strategy sees at a decision.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StrategyView {
    /// Local time of the decision.
    pub now: TsNs,
    /// Book top and signals.
    pub market: MarketView,
    /// Position.
    pub position: QtyLot,
    /// Position marked at the mid, USD.
    pub position_usd: f64,
    /// Equity: start plus PnL so far, marked at the mid, after fees, USD.
    pub equity_usd: f64,
    /// Notional to quote per side after smoothing, USD.
    pub target_usd: f64,
    /// Notional to quote on bids and on asks, USD; the larger of both is `target_usd`.
    pub side_usd: [f64; 2],
    /// Factor of the spread that the session asks for: its regime, a lowered risk grade.
    pub spread_mult: f64,
    /// Levels per side at most.
    pub levels_max: u32,
    /// Expected slippage, bps (0 where nothing is known).
    pub slippage_ewma_bps: f64,
    /// Largest position, USD.
    pub max_position_usd: f64,
    /// Spread, skew and level parameters.
    pub quote: QuoteParams,
}
