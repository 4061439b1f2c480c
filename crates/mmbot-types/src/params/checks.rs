//! Ranges: every number of a parameter set can be computed with.

use super::{Cadence, ParamError, Params};

impl Params {
    /// Checks that every number can be computed with.
    ///
    /// # Errors
    /// The first key outside its range.
    pub fn validate(&self) -> Result<(), ParamError> {
        let q = &self.quote;
        let finite = "finite and not negative";
        let non_negative = [
            ("trading.base_spread_bps", q.base_spread_bps),
            ("strategy.k_vola_spread", q.k_vola_spread),
            ("strategy.skew_coeff", q.skew_coeff),
            (
                "strategy.inventory_tilt_cap_ratio",
                q.inventory_tilt_cap_ratio,
            ),
            ("strategy.slippage_penalty_coef", q.slippage_penalty_coef),
            ("strategy.level_spacing_coeff", q.level_spacing_coeff),
            (
                "strategy.replace_threshold_bps",
                self.replace.replace_threshold_bps,
            ),
            (
                "strategy.amend_size_threshold_ratio",
                self.replace.amend_size_threshold_ratio,
            ),
            ("strategy.price_drift_bps", self.anti_stale.price_drift_bps),
            ("portfolio.target_usd", self.sizing.target_usd),
            (
                "limits.max_order_notional_usd",
                self.risk.max_order_notional_usd,
            ),
            (
                "limits.max_gross_exposure_usd",
                self.risk.max_gross_exposure_usd,
            ),
        ];
        for (key, value) in non_negative {
            if !value.is_finite() || value < 0.0 {
                return Err(ParamError { key, rule: finite });
            }
        }
        self.validate_positive()
    }

    fn validate_positive(&self) -> Result<(), ParamError> {
        let s = &self.signals;
        let positive = [
            ("signals.vola_half_life_sec", s.vola_half_life_sec),
            (
                "signals.vola_baseline_half_life_sec",
                s.vola_baseline_half_life_sec,
            ),
            ("signals.flow_half_life_sec", s.flow_half_life_sec),
            (
                "latency_boost.replace.max_concurrent",
                self.replace.max_concurrent,
            ),
            ("portfolio.budget_usd", self.risk.initial_equity_usd),
        ];
        for (key, value) in positive {
            if !value.is_finite() || value <= 0.0 {
                return Err(ParamError {
                    key,
                    rule: "finite and above zero",
                });
            }
        }
        let step_ms = match self.quote.cadence {
            Cadence::OnBook { refresh_ms } => refresh_ms,
            Cadence::FixedGrid { interval_ms } => interval_ms,
        };
        if !(1..=60_000).contains(&step_ms) {
            return Err(ParamError {
                key: "trading.quote_refresh_ms",
                rule: "in [1,60000]",
            });
        }
        if !(1..=10).contains(&self.quote.levels_per_side) {
            return Err(ParamError {
                key: "strategy.levels_per_side",
                rule: "in [1,10]",
            });
        }
        if self.quote.reference_qty_lots < 1 {
            return Err(ParamError {
                key: "reference.qty_lots",
                rule: "at least 1",
            });
        }
        let limit_usd = self.risk.max_position_usd;
        if limit_usd.is_nan() || limit_usd < 0.0 {
            return Err(ParamError {
                key: "risk.max_position_usd",
                rule: "not negative",
            });
        }
        Ok(())
    }
}
