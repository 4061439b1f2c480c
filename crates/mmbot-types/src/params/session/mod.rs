//! Parameters of a trading session: what holds for all its symbols together. Names, defaults and
//! ranges are those of the configuration (section in brackets).

mod autopolicy;
mod caps;
mod circuit;
mod cost;
mod mux;
mod portfolio;
mod risk;
mod rollout;
mod runtime_guard;
mod schedule;
mod shadow;
mod skew;
mod throttle;

pub use autopolicy::AutopolicyParams;
pub use caps::IntradayCapsParams;
pub use circuit::CircuitParams;
pub use cost::CostParams;
pub use mux::{MuxBand, MuxParams, MuxStrategy};
pub use portfolio::{BiasBand, BiasParams, BudgetParams, PortfolioParams, SmoothingParams};
pub use risk::{RiskGradeParams, SessionRiskParams};
pub use rollout::RolloutParams;
pub use runtime_guard::{GuardThresholds, RuntimeGuardParams};
pub use schedule::{OpenWindow, ScheduleParams};
pub use shadow::ShadowParams;
pub use skew::PosSkewParams;
pub use throttle::ThrottleParams;

use super::ParamError;

/// See the module.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct SessionParams {
    /// Request windows and back-off.
    pub throttle: ThrottleParams,
    /// Circuit breaker of the venue session.
    pub circuit: CircuitParams,
    /// Calmer quoting while throttled.
    pub autopolicy: AutopolicyParams,
    /// Pause when the machinery degrades.
    pub runtime_guard: RuntimeGuardParams,
    /// Drawdown and grades of risk.
    pub risk: SessionRiskParams,
    /// Position skew guard.
    pub pos_skew: PosSkewParams,
    /// Caps of the UTC day.
    pub caps: IntradayCapsParams,
    /// Strategies by volatility regime.
    pub mux: MuxParams,
    /// When the session trades.
    pub schedule: ScheduleParams,
    /// Colours of orders.
    pub rollout: RolloutParams,
    /// Statistics of virtual orders.
    pub shadow: ShadowParams,
    /// Budget over symbols.
    pub portfolio: PortfolioParams,
}

impl SessionParams {
    /// Checks that every number can be computed with.
    ///
    /// # Errors
    /// The first key outside its range.
    pub fn validate(&self) -> Result<(), ParamError> {
        self.throttle.validate()?;
        self.circuit.validate()?;
        self.autopolicy.validate()?;
        self.runtime_guard.validate()?;
        self.risk.validate()?;
        self.pos_skew.validate()?;
        self.caps.validate()?;
        self.mux.validate()?;
        self.schedule.validate()?;
        self.rollout.validate()?;
        self.shadow.validate()?;
        self.portfolio.validate()
    }
}

/// A number that must be finite and within inclusive bounds.
pub(crate) fn within(
    key: &'static str,
    value: f64,
    (lo, hi): (f64, f64),
    rule: &'static str,
) -> Result<(), ParamError> {
    if value.is_finite() && (lo..=hi).contains(&value) {
        Ok(())
    } else {
        Err(ParamError { key, rule })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        assert_eq!(SessionParams::default().validate(), Ok(()));
    }

    #[test]
    fn a_bad_number_names_its_key() {
        let mut p = SessionParams::default();
        p.circuit.err_rate_open = f64::NAN;
        assert_eq!(p.validate().unwrap_err().key, "circuit.err_rate_open");
        let mut p = SessionParams::default();
        p.throttle.window_sec = 0;
        assert_eq!(p.validate().unwrap_err().key, "throttle.window_sec");
        let mut p = SessionParams::default();
        p.mux.bands[1].lower = 0.5;
        assert_eq!(p.validate().unwrap_err().key, "mux.bands");
    }
}
