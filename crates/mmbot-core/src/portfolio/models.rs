//! What the allocator reads and gives: plain values. Money is USD, rates are bps; a value that is
//! not known is `None`.

use super::cost::{Cost, Observation, SlippageOverride};
use super::smoothing::{Backoff, SmoothingStep};
use mmbot_types::TsNs;

/// The twelve stages, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Stage {
    /// Breached caps of the day leave no targets at all.
    IntradayCaps = 1,
    /// Budget times weight.
    Base,
    /// Not more than equity can pay for.
    Availability,
    /// Drawdown softening, sum clamp, min guard.
    SoftFactor,
    /// Fee and slippage.
    Cost,
    /// Orders that are not filled.
    FillRate,
    /// Depth below its target.
    Liquidity,
    /// Traded notional against the symbol's own budget.
    Turnover,
    /// A frozen symbol gets factor 0 on the side that expands it.
    Skew,
    /// Micro bias, clamp of the move.
    Smoothing,
    /// Towards the next fee tier.
    FeeTilt,
    /// Rounding, sum clamp, min guard.
    Final,
}

impl Stage {
    /// All stages in order.
    pub const ALL: [Stage; 12] = [
        Stage::IntradayCaps,
        Stage::Base,
        Stage::Availability,
        Stage::SoftFactor,
        Stage::Cost,
        Stage::FillRate,
        Stage::Liquidity,
        Stage::Turnover,
        Stage::Skew,
        Stage::Smoothing,
        Stage::FeeTilt,
        Stage::Final,
    ];
}

/// Is shown the targets after each stage, in lexicographic order of the symbols. `()` looks away,
/// and costs nothing.
pub trait StageSink {
    /// Targets after `stage`, USD.
    fn stage(&mut self, stage: Stage, targets_usd: &[f64]);
}

impl StageSink for () {
    #[inline]
    fn stage(&mut self, _: Stage, _: &[f64]) {}
}

impl StageSink for Vec<(Stage, Vec<f64>)> {
    fn stage(&mut self, stage: Stage, targets_usd: &[f64]) {
        self.push((stage, targets_usd.to_vec()));
    }
}

/// What one symbol may quote.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct PortfolioTarget {
    /// Per side, USD; 0 is not quoted.
    pub target_usd: f64,
    /// Open orders per side.
    pub max_levels: u32,
    /// Factor on bids, 0 or 1.
    pub bid_mult: f64,
    /// Factor on asks, 0 or 1.
    pub ask_mult: f64,
}

/// What is known of one symbol now.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SymbolInputs {
    /// Spread, bps.
    pub spread_bps: Option<Observation>,
    /// Traded notional of the last hour, USD.
    pub volume_usd: Option<Observation>,
    /// Smoothed notional near the mid, the smaller side, USD.
    pub depth_usd: Option<Observation>,
    /// Slope and cap of slippage in force.
    pub slippage: SlippageOverride,
    /// Decayed share of filled orders.
    pub fill_rate: f64,
    /// Traded notional, decayed to now, USD.
    pub turnover_usd: f64,
    /// Signed position, USD.
    pub position_usd: f64,
    /// The position skew guard froze the symbol.
    pub skew_frozen: bool,
    /// A colour of the symbol's orders is over its skew limit.
    pub color_breach: bool,
    /// Price of one base unit, USD; 0 while unknown.
    pub mid_usd: f64,
    /// Book imbalance, -1..1; 0 while unknown.
    pub imbalance: f64,
    /// Microprice against the mid, -1..1; 0 while unknown.
    pub micro_tilt: f64,
    /// Fast over slow volatility.
    pub sigma: Option<f64>,
}

impl Default for SymbolInputs {
    fn default() -> Self {
        Self {
            spread_bps: None,
            volume_usd: None,
            depth_usd: None,
            slippage: SlippageOverride::default(),
            fill_rate: 1.0,
            turnover_usd: 0.0,
            position_usd: 0.0,
            skew_frozen: false,
            color_breach: false,
            mid_usd: 0.0,
            imbalance: 0.0,
            micro_tilt: 0.0,
            sigma: None,
        }
    }
}

/// What is known of the account now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AccountInputs {
    /// Time of the tick.
    pub now: TsNs,
    /// `None` while unknown.
    pub equity_usd: Option<f64>,
    /// Margin in use by positions in other symbols.
    pub foreign_margin_usd: f64,
    /// Deposits minus withdrawals since the last tick.
    pub flow_usd: f64,
    /// A cap of the day is breached.
    pub intraday_breached: bool,
    /// The runtime guard or a risk pause is active: no fee tilt.
    pub tilt_blocked: bool,
}

impl AccountInputs {
    /// An account of which nothing is known.
    #[must_use]
    pub const fn unknown(now: TsNs) -> Self {
        Self {
            now,
            equity_usd: None,
            foreign_margin_usd: 0.0,
            flow_usd: 0.0,
            intraday_breached: false,
            tilt_blocked: false,
        }
    }
}

/// What one tick leaves of a symbol for the next.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct SymbolState {
    /// Published target without fee tilt, USD.
    pub current_usd: f64,
    /// Backoff.
    pub backoff: Backoff,
}

/// What one tick leaves for the next, by instrument.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct AllocatorState {
    /// Highest equity seen, moved by deposits and withdrawals, USD.
    pub hwm_equity_usd: f64,
    /// By instrument.
    pub symbols: Vec<SymbolState>,
}

/// How a symbol's target came about.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SymbolFigures {
    /// Stage 5.
    pub cost: Cost,
    /// Stage 6.
    pub fill_attenuation: f64,
    /// Stage 7, before its sensitivity.
    pub liquidity_factor: f64,
    /// Stage 8.
    pub turnover_factor: f64,
    /// Stage 10.
    pub step: SmoothingStep,
}

impl Default for SymbolFigures {
    fn default() -> Self {
        Self {
            cost: Cost {
                slippage_bps: 0.0,
                cost_bps: 0.0,
                attenuation: 1.0,
            },
            fill_attenuation: 1.0,
            liquidity_factor: 1.0,
            turnover_factor: 1.0,
            step: SmoothingStep::default(),
        }
    }
}
