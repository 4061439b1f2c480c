//! Defaults of the configuration, section by section, and the parameters of the comparison
//! strategy.

use super::{
    AntiStaleParams, Cadence, EdgeParams, Params, QuoteParams, QuoterKind, ReplaceMode,
    ReplaceParams, RiskParams, SignalParams, SizingParams, TailParams,
};
use crate::money::FeeRate;

impl Default for Params {
    /// The configuration's defaults.
    fn default() -> Self {
        Self {
            quote: QuoteParams::default(),
            sizing: SizingParams::default(),
            replace: ReplaceParams::default(),
            tail: TailParams::default(),
            anti_stale: AntiStaleParams::default(),
            risk: RiskParams::default(),
            signals: SignalParams::default(),
            edge: EdgeParams::default(),
            seed: 42,
        }
    }
}

impl Default for QuoteParams {
    fn default() -> Self {
        Self {
            kind: QuoterKind::BuiltIn,
            cadence: Cadence::OnBook { refresh_ms: 100 },
            base_spread_bps: 0.5,
            k_vola_spread: 1.0,
            skew_coeff: 0.3,
            inventory_tilt_cap_ratio: 0.3,
            slippage_penalty_coef: 0.0,
            levels_per_side: 3,
            level_spacing_coeff: 0.4,
            imbalance_cutoff: 0.65,
            guard_pause_ms: 300,
            enable_dynamic_spread: true,
            enable_inventory_skew: true,
            enable_adverse_guard: true,
            post_only: true,
            reference_half_ticks: 5.0,
            reference_skew_ticks: 0.5,
            reference_qty_lots: 10,
            reference_max_lots: 200,
        }
    }
}

impl Default for SizingParams {
    fn default() -> Self {
        Self {
            target_usd: 10_000.0,
        }
    }
}

impl Default for ReplaceParams {
    fn default() -> Self {
        Self {
            mode: ReplaceMode::Amend,
            max_concurrent: 2.0,
            min_interval_ms: 60,
            replace_rate_per_min: 400,
            min_time_in_book_ms: 500,
            replace_threshold_bps: 3.0,
            amend_size_threshold_ratio: 0.2,
        }
    }
}

impl Default for TailParams {
    fn default() -> Self {
        Self {
            tail_age_ms: 800,
            max_batch: 10,
            jitter_ms: 0,
        }
    }
}

impl Default for AntiStaleParams {
    fn default() -> Self {
        Self {
            enabled: true,
            order_ttl_ms: 800,
            price_drift_bps: 2.0,
        }
    }
}

impl Default for RiskParams {
    fn default() -> Self {
        Self {
            max_position_usd: 10_000.0,
            max_active_per_side: 10,
            max_order_notional_usd: 0.0,
            max_gross_exposure_usd: 0.0,
            initial_equity_usd: 10_000.0,
        }
    }
}

impl Default for SignalParams {
    fn default() -> Self {
        Self {
            vola_half_life_sec: 60.0,
            vola_baseline_half_life_sec: 3600.0,
            vola_min_samples: 10,
            imbalance_levels: 5,
            flow_half_life_sec: 10.0,
            stale_after_ms: 2000,
        }
    }
}

impl Default for EdgeParams {
    fn default() -> Self {
        Self {
            adverse_horizon_ms: 1000,
            adverse_window_fills: 200,
            maker_fee: FeeRate::from_bps(1.0).unwrap_or_default(),
            taker_fee: FeeRate::from_bps(5.0).unwrap_or_default(),
        }
    }
}

impl Params {
    /// Parameters of the comparison market maker: fixed grid, cancel and place at once, no limits
    /// but its own position limit.
    #[must_use]
    pub fn reference(interval_ms: i64, half: f64, skew: f64, qty_lots: i64, max_lots: i64) -> Self {
        let mut p = Self::default();
        p.quote.kind = QuoterKind::Reference;
        p.quote.cadence = Cadence::FixedGrid { interval_ms };
        p.quote.reference_half_ticks = half;
        p.quote.reference_skew_ticks = skew;
        p.quote.reference_qty_lots = qty_lots;
        p.quote.reference_max_lots = max_lots;
        p.replace = ReplaceParams {
            mode: ReplaceMode::CancelAndPlace,
            max_concurrent: 1e9,
            min_interval_ms: 0,
            replace_rate_per_min: u32::MAX,
            min_time_in_book_ms: 0,
            replace_threshold_bps: 0.0,
            amend_size_threshold_ratio: 1.0,
        };
        p.tail.tail_age_ms = i64::MAX;
        p.anti_stale.enabled = false;
        p.risk.max_position_usd = f64::INFINITY;
        p.edge.maker_fee = FeeRate::from_bps(-0.5).unwrap_or_default();
        p.edge.taker_fee = FeeRate::from_bps(4.0).unwrap_or_default();
        p
    }
}
