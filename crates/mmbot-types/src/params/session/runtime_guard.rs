//! Pause when the machinery degrades [`runtime_guard`].

use super::{ParamError, within};

/// Thresholds of the guard, for the session or for one symbol.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct GuardThresholds {
    /// `cancel_rate_pct_of_limit_max`, percent of `limits.max_cancel_per_sec`.
    pub cancel_rate_pct_of_limit_max: f64,
    /// `rest_error_rate_max`, share of calls.
    pub rest_error_rate_max: f64,
    /// `pnl_slope_min_usd_per_min`.
    pub pnl_slope_min_usd_per_min: f64,
    /// `max_position_notional_usd`; 0 is off.
    pub max_position_notional_usd: f64,
    /// `max_gross_exposure_usd`; 0 is off.
    pub max_gross_exposure_usd: f64,
    /// `max_position_pct_budget`, percent; 100 is off.
    pub max_position_pct_budget: f64,
    /// `cancel_latency_p95_ms_max`.
    pub cancel_latency_p95_ms_max: f64,
    /// `ws_lag_ms_max`.
    pub ws_lag_ms_max: f64,
    /// `order_reject_rate_max`, share of sends.
    pub order_reject_rate_max: f64,
}

impl Default for GuardThresholds {
    fn default() -> Self {
        Self {
            cancel_rate_pct_of_limit_max: 90.0,
            rest_error_rate_max: 0.01,
            pnl_slope_min_usd_per_min: -5.0,
            max_position_notional_usd: 0.0,
            max_gross_exposure_usd: 0.0,
            max_position_pct_budget: 100.0,
            cancel_latency_p95_ms_max: 1000.0,
            ws_lag_ms_max: 3000.0,
            order_reject_rate_max: 0.10,
        }
    }
}

impl GuardThresholds {
    /// Thresholds that nothing can reach: what `per_symbol` starts from, so that a threshold which
    /// is not given there is not judged by symbol.
    pub const OFF: GuardThresholds = GuardThresholds {
        cancel_rate_pct_of_limit_max: f64::INFINITY,
        rest_error_rate_max: f64::INFINITY,
        pnl_slope_min_usd_per_min: f64::NEG_INFINITY,
        max_position_notional_usd: 0.0,
        max_gross_exposure_usd: 0.0,
        max_position_pct_budget: 100.0,
        cancel_latency_p95_ms_max: f64::INFINITY,
        ws_lag_ms_max: f64::INFINITY,
        order_reject_rate_max: f64::INFINITY,
    };
}

/// See the module.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct RuntimeGuardParams {
    /// `runtime_guard.enabled`.
    pub enabled: bool,
    /// `runtime_guard.window_sec`.
    pub window_sec: u32,
    /// Thresholds of the session.
    pub thresholds: GuardThresholds,
    /// `runtime_guard.hysteresis_bad_required`.
    pub hysteresis_bad_required: u32,
    /// `runtime_guard.hysteresis_good_required`.
    pub hysteresis_good_required: u32,
    /// `runtime_guard.recovery_minutes`.
    pub recovery_minutes: f64,
    /// `runtime_guard.dry_run`.
    pub dry_run: bool,
    /// `runtime_guard.manual_override_pause`.
    pub manual_override_pause: bool,
    /// `runtime_guard.per_symbol`, by instrument index; shorter than the session's instruments
    /// means that the rest have none of their own.
    pub per_symbol: Vec<Option<GuardThresholds>>,
}

impl Default for RuntimeGuardParams {
    fn default() -> Self {
        Self {
            enabled: true,
            window_sec: 300,
            thresholds: GuardThresholds::default(),
            hysteresis_bad_required: 2,
            hysteresis_good_required: 2,
            recovery_minutes: 5.0,
            dry_run: false,
            manual_override_pause: false,
            per_symbol: Vec::new(),
        }
    }
}

impl RuntimeGuardParams {
    /// Checks that every number can be computed with.
    ///
    /// # Errors
    /// The first key outside its range.
    pub fn validate(&self) -> Result<(), ParamError> {
        if !(1..=86_400).contains(&self.window_sec) {
            return Err(ParamError {
                key: "runtime_guard.window_sec",
                rule: "in [1,86400]",
            });
        }
        let minutes = self.recovery_minutes;
        within(
            "runtime_guard.recovery_minutes",
            minutes,
            (0.0, 1e9),
            ">= 0",
        )?;
        for (key, count) in [
            (
                "runtime_guard.hysteresis_bad_required",
                self.hysteresis_bad_required,
            ),
            (
                "runtime_guard.hysteresis_good_required",
                self.hysteresis_good_required,
            ),
        ] {
            if count == 0 {
                return Err(ParamError { key, rule: ">= 1" });
            }
        }
        let own = self.per_symbol.iter().flatten();
        own.chain([&self.thresholds])
            .try_for_each(GuardThresholds::validate)
    }
}

impl GuardThresholds {
    fn validate(&self) -> Result<(), ParamError> {
        let all = [
            self.cancel_rate_pct_of_limit_max,
            self.rest_error_rate_max,
            self.max_position_notional_usd,
            self.max_gross_exposure_usd,
            self.max_position_pct_budget,
            self.cancel_latency_p95_ms_max,
            self.ws_lag_ms_max,
            self.order_reject_rate_max,
        ];
        // infinite is off
        let bad = all.iter().any(|x| x.is_nan() || *x < 0.0);
        if bad || self.pnl_slope_min_usd_per_min.is_nan() {
            return Err(ParamError {
                key: "runtime_guard",
                rule: "numbers that are not negative",
            });
        }
        Ok(())
    }
}
