//! Caps of the UTC day [`guards.intraday_caps`].

use super::{ParamError, within};

/// See the module. 0 is off.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct IntradayCapsParams {
    /// `guards.intraday_caps.daily_pnl_stop`, in USD (converted from `trading.base_ccy`).
    pub daily_pnl_stop_usd: f64,
    /// `guards.intraday_caps.daily_turnover_cap`, USD.
    pub daily_turnover_cap_usd: f64,
    /// `guards.intraday_caps.daily_vol_cap`, percent.
    pub daily_vol_cap_pct: f64,
}

impl IntradayCapsParams {
    /// Checks that every number can be computed with.
    ///
    /// # Errors
    /// The first key outside its range.
    pub fn validate(&self) -> Result<(), ParamError> {
        for (key, value) in [
            (
                "guards.intraday_caps.daily_pnl_stop",
                self.daily_pnl_stop_usd,
            ),
            (
                "guards.intraday_caps.daily_turnover_cap",
                self.daily_turnover_cap_usd,
            ),
            ("guards.intraday_caps.daily_vol_cap", self.daily_vol_cap_pct),
        ] {
            within(key, value, (0.0, f64::MAX), ">= 0")?;
        }
        Ok(())
    }
}
