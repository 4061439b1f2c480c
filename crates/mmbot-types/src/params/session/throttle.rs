//! Request windows and adaptive back-off [`throttle`, `limits`].

use super::{ParamError, within};

/// See the module. Rates are means over the window.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ThrottleParams {
    /// `throttle.window_sec`.
    pub window_sec: u32,
    /// `throttle.max_creates_per_sec`, per symbol and per session.
    pub max_creates_per_sec: f64,
    /// `throttle.max_amends_per_sec`, per symbol and per session.
    pub max_amends_per_sec: f64,
    /// `throttle.max_cancels_per_sec`, per symbol and per session.
    pub max_cancels_per_sec: f64,
    /// `limits.max_create_per_sec`, session only.
    pub session_creates_per_sec: f64,
    /// `limits.max_cancel_per_sec`, session only.
    pub session_cancels_per_sec: f64,
    /// `throttle.backoff_base_ms`.
    pub backoff_base_ms: u32,
    /// `throttle.backoff_cap_ms`.
    pub backoff_cap_ms: u32,
    /// `throttle.jitter_pct`, fraction.
    pub jitter_pct: f64,
    /// `throttle.error_rate_trigger`, share of failed calls.
    pub error_rate_trigger: f64,
    /// `throttle.ws_lag_trigger_ms`.
    pub ws_lag_trigger_ms: f64,
}

impl Default for ThrottleParams {
    fn default() -> Self {
        Self {
            window_sec: 3,
            max_creates_per_sec: 10.0,
            max_amends_per_sec: 20.0,
            max_cancels_per_sec: 25.0,
            session_creates_per_sec: 10.0,
            session_cancels_per_sec: 25.0,
            backoff_base_ms: 200,
            backoff_cap_ms: 5000,
            jitter_pct: 0.1,
            error_rate_trigger: 0.02,
            ws_lag_trigger_ms: 500.0,
        }
    }
}

impl ThrottleParams {
    /// Checks that every number can be computed with.
    ///
    /// # Errors
    /// The first key outside its range.
    pub fn validate(&self) -> Result<(), ParamError> {
        if !(1..=3600).contains(&self.window_sec) {
            return Err(ParamError {
                key: "throttle.window_sec",
                rule: "in [1,3600]",
            });
        }
        for (key, rate) in [
            ("throttle.max_creates_per_sec", self.max_creates_per_sec),
            ("throttle.max_amends_per_sec", self.max_amends_per_sec),
            ("throttle.max_cancels_per_sec", self.max_cancels_per_sec),
            ("limits.max_create_per_sec", self.session_creates_per_sec),
            ("limits.max_cancel_per_sec", self.session_cancels_per_sec),
        ] {
            // an infinite rate switches a window off (comparison strategy)
            if rate.is_nan() || rate <= 0.0 {
                return Err(ParamError { key, rule: "> 0" });
            }
        }
        if self.backoff_base_ms > self.backoff_cap_ms || self.backoff_base_ms == 0 {
            return Err(ParamError {
                key: "throttle.backoff_base_ms",
                rule: "in [1,throttle.backoff_cap_ms]",
            });
        }
        let unit = "in [0,1]";
        within(
            "throttle.jitter_pct",
            self.jitter_pct,
            (0.0, 0.5),
            "in [0,0.5]",
        )?;
        within(
            "throttle.error_rate_trigger",
            self.error_rate_trigger,
            (0.0, 1.0),
            unit,
        )?;
        let lag = self.ws_lag_trigger_ms;
        within("throttle.ws_lag_trigger_ms", lag, (0.0, f64::MAX), ">= 0")
    }
}
