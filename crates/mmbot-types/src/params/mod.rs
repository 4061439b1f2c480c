//! Parameters of a trader. Names, defaults and ranges are those of the configuration (section in
//! brackets); Python resolves layers and hands over a complete, validated set.

mod checks;
mod defaults;
pub mod session;

use crate::money::FeeRate;
use thiserror::Error;

/// A parameter outside its range.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("{key} must be {rule}")]
pub struct ParamError {
    /// Configuration key.
    pub key: &'static str,
    /// Allowed range in words.
    pub rule: &'static str,
}

/// When a trader decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Cadence {
    /// On a consistent book update at most once per `refresh_ms`, on own fills, and at least every
    /// second.
    OnBook {
        /// `trading.quote_refresh_ms`.
        refresh_ms: i64,
    },
    /// On a fixed grid of local time that starts at the first local event, and at no other time.
    FixedGrid {
        /// Grid step.
        interval_ms: i64,
    },
}

/// Which strategy makes the targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum QuoterKind {
    /// The built-in quoter (spread from volatility, inventory skew, levels).
    BuiltIn,
    /// The two-order market maker that backtest comparisons use: fixed half spread and inventory
    /// skew in ticks, one order a side.
    Reference,
    /// Targets come from outside (a Python strategy).
    External,
}

/// What a change of a resting order is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum ReplaceMode {
    /// One amend request.
    Amend,
    /// Cancel, and a new order once the cancel is confirmed.
    CancelThenPlace,
    /// Cancel and a new order at once; both may rest for a moment.
    CancelAndPlace,
}

/// Spread, skew and levels [`strategy`, `trading`].
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct QuoteParams {
    /// Which strategy.
    pub kind: QuoterKind,
    /// When it runs.
    pub cadence: Cadence,
    /// `trading.base_spread_bps`, full spread before volatility.
    pub base_spread_bps: f64,
    /// `strategy.k_vola_spread`, coefficient on 1-minute volatility in bps.
    pub k_vola_spread: f64,
    /// `strategy.skew_coeff`.
    pub skew_coeff: f64,
    /// `strategy.inventory_tilt_cap_ratio`, share of the spread.
    pub inventory_tilt_cap_ratio: f64,
    /// `strategy.slippage_penalty_coef`.
    pub slippage_penalty_coef: f64,
    /// `strategy.levels_per_side`.
    pub levels_per_side: u32,
    /// `strategy.level_spacing_coeff`, share of the spread between levels.
    pub level_spacing_coeff: f64,
    /// `strategy.imbalance_cutoff`, bid share of depth.
    pub imbalance_cutoff: f64,
    /// `strategy.guard_pause_ms`.
    pub guard_pause_ms: i64,
    /// `strategy.enable_dynamic_spread`.
    pub enable_dynamic_spread: bool,
    /// `strategy.enable_inventory_skew`.
    pub enable_inventory_skew: bool,
    /// `strategy.enable_adverse_guard`.
    pub enable_adverse_guard: bool,
    /// `trading.post_only`.
    pub post_only: bool,
    /// Reference strategy: half spread in ticks.
    pub reference_half_ticks: f64,
    /// Reference strategy: ticks of skew per order quantity held.
    pub reference_skew_ticks: f64,
    /// Reference strategy: order quantity in lots.
    pub reference_qty_lots: i64,
    /// Reference strategy: position limit in lots.
    pub reference_max_lots: i64,
}

/// Size of the quotes of a trader that belongs to no session.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SizingParams {
    /// Target notional per side, USD.
    pub target_usd: f64,
}

/// Replace throttle and order changes [`latency_boost.replace`, `strategy`].
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ReplaceParams {
    /// How a change is sent.
    pub mode: ReplaceMode,
    /// `latency_boost.replace.max_concurrent`; may be fractional, never below 1.
    pub max_concurrent: f64,
    /// `latency_boost.replace.min_interval_ms`.
    pub min_interval_ms: i64,
    /// `latency_boost.replace.replace_rate_per_min`.
    pub replace_rate_per_min: u32,
    /// `strategy.min_time_in_book_ms`.
    pub min_time_in_book_ms: i64,
    /// `strategy.replace_threshold_bps`.
    pub replace_threshold_bps: f64,
    /// `strategy.amend_size_threshold_ratio`.
    pub amend_size_threshold_ratio: f64,
}

/// Tail-age batch cancel [`latency_boost.tail_batch`].
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TailParams {
    /// Age from which an order off its target is taken out.
    pub tail_age_ms: i64,
    /// Largest number of cancels per pass.
    pub max_batch: u32,
    /// Seeded uniform addition to the age, 0..=jitter.
    pub jitter_ms: i64,
}

/// Anti-stale guard [`strategy`].
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct AntiStaleParams {
    /// `strategy.enable_anti_stale_guard`.
    pub enabled: bool,
    /// `strategy.order_ttl_ms`.
    pub order_ttl_ms: i64,
    /// `strategy.price_drift_bps`.
    pub price_drift_bps: f64,
}

/// Limits [`risk`, `limits`].
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct RiskParams {
    /// `risk.max_position_usd`; infinite switches it off (reference strategy).
    pub max_position_usd: f64,
    /// `limits.max_active_per_side`.
    pub max_active_per_side: u32,
    /// `limits.max_order_notional_usd`; 0 is off.
    pub max_order_notional_usd: f64,
    /// `limits.max_gross_exposure_usd`; 0 is off.
    pub max_gross_exposure_usd: f64,
    /// Equity at the start of the run, USD (`portfolio.budget_usd`).
    pub initial_equity_usd: f64,
}

/// Market signals [`signals`, `strategy.imbalance_levels`, `market`]. Lanes with equal signal
/// parameters share one computation.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SignalParams {
    /// `signals.vola_half_life_sec`.
    pub vola_half_life_sec: f64,
    /// `signals.vola_baseline_half_life_sec`.
    pub vola_baseline_half_life_sec: f64,
    /// `signals.vola_min_samples`.
    pub vola_min_samples: u32,
    /// `strategy.imbalance_levels`.
    pub imbalance_levels: u32,
    /// Half-life of the signed trade flow, seconds.
    pub flow_half_life_sec: f64,
    /// `market.stale_after_ms`.
    pub stale_after_ms: i64,
}

/// Edge accounting [`edge`].
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct EdgeParams {
    /// `edge.adverse_horizon_ms`.
    pub adverse_horizon_ms: i64,
    /// `signals.adverse_window_fills`.
    pub adverse_window_fills: u32,
    /// Maker fee (`trading.maker_fee_bps`); negative is a rebate.
    pub maker_fee: FeeRate,
    /// Taker fee (`trading.taker_fee_bps`).
    pub taker_fee: FeeRate,
}

/// Everything one trader needs for one instrument.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Params {
    /// Spread, skew, levels.
    pub quote: QuoteParams,
    /// Size.
    pub sizing: SizingParams,
    /// Replace throttle.
    pub replace: ReplaceParams,
    /// Tail-age cancel.
    pub tail: TailParams,
    /// Anti-stale guard.
    pub anti_stale: AntiStaleParams,
    /// Limits.
    pub risk: RiskParams,
    /// Signals.
    pub signals: SignalParams,
    /// Edge accounting.
    pub edge: EdgeParams,
    /// Seed of everything random on the engine's side (tail jitter).
    pub seed: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_and_reference_are_valid() {
        assert_eq!(Params::default().validate(), Ok(()));
        assert_eq!(Params::reference(100, 5.0, 0.5, 10, 200).validate(), Ok(()));
    }

    #[test]
    fn a_bad_number_names_its_key() {
        let mut p = Params::default();
        p.quote.base_spread_bps = f64::NAN;
        assert_eq!(p.validate().unwrap_err().key, "trading.base_spread_bps");
        let mut p = Params::default();
        p.quote.levels_per_side = 0;
        assert_eq!(p.validate().unwrap_err().key, "strategy.levels_per_side");
        let mut p = Params::default();
        p.risk.max_position_usd = f64::NAN;
        assert_eq!(p.validate().unwrap_err().key, "risk.max_position_usd");
    }
}
