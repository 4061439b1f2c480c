//! One verdict of the runtime guard: figures against thresholds.

use mmbot_types::GuardThresholds;

/// Why an evaluation was bad: a set of bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct GuardReasons(u8);

impl GuardReasons {
    /// Cancels, as a share of the session's limit.
    pub const CANCEL_RATE: Self = Self(1);
    /// Failed REST calls.
    pub const REST_ERRORS: Self = Self(2);
    /// The result falls.
    pub const PNL_SLOPE: Self = Self(4);
    /// Position or exposure.
    pub const INVENTORY: Self = Self(8);
    /// 95th percentile of the time to an answer to a cancel.
    pub const CANCEL_LATENCY: Self = Self(16);
    /// Market data arrive late.
    pub const WS_LAG: Self = Self(32);
    /// Rejected orders.
    pub const REJECTS: Self = Self(64);
    /// Paused by hand.
    pub const MANUAL: Self = Self(128);

    /// The bits, as exported.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// True without a reason.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// These and those.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Figures of the session, or of one symbol, over the guard's window. What is unknown is `None` (or
/// 0 for a rate without calls); a number that is not finite breaches nothing.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct GuardInputs {
    /// Cancels sent per second.
    pub cancels_per_sec: f64,
    /// `limits.max_cancel_per_sec`.
    pub cancel_limit_per_sec: f64,
    /// Share of failed REST calls.
    pub rest_error_rate: f64,
    /// Net result since the session began, USD.
    pub pnl_usd: f64,
    /// Largest |position|, USD.
    pub position_notional_usd: f64,
    /// Gross exposure, USD.
    pub gross_exposure_usd: f64,
    /// Largest |position| over the budget, percent.
    pub position_pct_budget: f64,
    /// Largest receive minus venue time of the last second.
    pub ws_lag_ms: Option<f64>,
    /// Share of rejected sends, each order once.
    pub order_reject_rate: f64,
}

/// What is beyond its threshold; the latency of cancels is judged by its window.
#[must_use]
pub fn judge(
    thresholds: &GuardThresholds,
    inputs: &GuardInputs,
    slope_usd_per_min: Option<f64>,
) -> GuardReasons {
    let over = |value: f64, max: f64| value.is_finite() && value > max;
    let over_limit = |value: f64, max: f64| max > 0.0 && over(value, max);
    let t = thresholds;
    let cancels_max = t.cancel_rate_pct_of_limit_max * inputs.cancel_limit_per_sec;
    let inventory = over_limit(inputs.position_notional_usd, t.max_position_notional_usd)
        || over_limit(inputs.gross_exposure_usd, t.max_gross_exposure_usd)
        || (t.max_position_pct_budget < 100.0
            && over(inputs.position_pct_budget, t.max_position_pct_budget));
    let falls = slope_usd_per_min.is_some_and(|slope| slope < t.pnl_slope_min_usd_per_min);
    let lags = inputs
        .ws_lag_ms
        .is_some_and(|lag_ms| over(lag_ms, t.ws_lag_ms_max));
    let rest_errors = over(inputs.rest_error_rate, t.rest_error_rate_max);
    let rejects = over(inputs.order_reject_rate, t.order_reject_rate_max);
    [
        (
            over(inputs.cancels_per_sec * 100.0, cancels_max),
            GuardReasons::CANCEL_RATE,
        ),
        (rest_errors, GuardReasons::REST_ERRORS),
        (falls, GuardReasons::PNL_SLOPE),
        (inventory, GuardReasons::INVENTORY),
        (lags, GuardReasons::WS_LAG),
        (rejects, GuardReasons::REJECTS),
    ]
    .into_iter()
    .filter(|(bad, _)| *bad)
    .fold(GuardReasons::default(), |all, (_, reason)| all.and(reason))
}
