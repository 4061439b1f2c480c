//! Drawdown of the session and the grades of risk it leads to [`risk`].

use super::{ParamError, within};

/// When quoting gets more careful before it pauses, and how [`risk.grades`].
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct RiskGradeParams {
    /// `risk.grades.wide_at_ratio`: share of `risk.risk_pause_threshold` from which the spread is
    /// widened; 1 never widens.
    pub wide_at_ratio: f64,
    /// `risk.grades.reduce_only_at_ratio`: share of it from which only reducing orders are sent; 1
    /// never does.
    pub reduce_only_at_ratio: f64,
    /// `risk.grades.wide_spread_mult`: factor of the spread while widened.
    pub wide_spread_mult: f64,
    /// `risk.grades.min_stay_sec`: shortest stay in a grade before a milder one.
    pub min_stay_sec: f64,
}

impl Default for RiskGradeParams {
    fn default() -> Self {
        Self {
            wide_at_ratio: 0.5,
            reduce_only_at_ratio: 0.75,
            wide_spread_mult: 2.0,
            min_stay_sec: 60.0,
        }
    }
}

/// See the module. Drawdowns are fractions of the day's high water of the session's equity.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SessionRiskParams {
    /// `risk.max_drawdown_pct`: halts; infinite is off.
    pub max_drawdown_pct: f64,
    /// `risk.risk_pause_threshold`: pauses; infinite is off.
    pub risk_pause_threshold: f64,
    /// `risk.recovery_minutes`: shortest pause.
    pub recovery_minutes: f64,
    /// Equity at the start of the session, USD.
    pub initial_equity_usd: f64,
    /// Grades below the pause.
    pub grades: RiskGradeParams,
}

impl Default for SessionRiskParams {
    fn default() -> Self {
        Self {
            max_drawdown_pct: 0.05,
            risk_pause_threshold: 0.03,
            recovery_minutes: 5.0,
            initial_equity_usd: 10_000.0,
            grades: RiskGradeParams::default(),
        }
    }
}

impl SessionRiskParams {
    /// Checks that every number can be computed with.
    ///
    /// # Errors
    /// The first key outside its range.
    pub fn validate(&self) -> Result<(), ParamError> {
        for (key, fraction) in [
            ("risk.max_drawdown_pct", self.max_drawdown_pct),
            ("risk.risk_pause_threshold", self.risk_pause_threshold),
        ] {
            // infinite is off
            if fraction.is_nan() || fraction < 0.0 {
                let rule = "not negative";
                return Err(ParamError { key, rule });
            }
        }
        let pause = self.risk_pause_threshold;
        if pause.is_finite() && pause > self.max_drawdown_pct {
            return Err(ParamError {
                key: "risk.risk_pause_threshold",
                rule: "at most risk.max_drawdown_pct",
            });
        }
        let minutes = self.recovery_minutes;
        within("risk.recovery_minutes", minutes, (0.0, 1e9), ">= 0")?;
        let equity = self.initial_equity_usd;
        let positive = (f64::MIN_POSITIVE, f64::MAX);
        within("portfolio.budget_usd", equity, positive, "> 0")?;
        self.grades.validate()
    }
}

impl RiskGradeParams {
    fn validate(&self) -> Result<(), ParamError> {
        let (wide, reduce) = (self.wide_at_ratio, self.reduce_only_at_ratio);
        let (unit, rule) = ((0.0, 1.0), "in [0,1]");
        within("risk.grades.wide_at_ratio", wide, unit, rule)?;
        within("risk.grades.reduce_only_at_ratio", reduce, unit, rule)?;
        if wide > reduce {
            return Err(ParamError {
                key: "risk.grades.wide_at_ratio",
                rule: "at most risk.grades.reduce_only_at_ratio",
            });
        }
        let mult = self.wide_spread_mult;
        let range = (1.0, 100.0);
        within("risk.grades.wide_spread_mult", mult, range, "in [1,100]")?;
        let stay = self.min_stay_sec;
        within("risk.grades.min_stay_sec", stay, (0.0, 1e9), ">= 0")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_and_ratios_are_ordered() {
        let key = |change: fn(&mut SessionRiskParams)| {
            let mut p = SessionRiskParams::default();
            change(&mut p);
            p.validate().map_err(|error| error.key)
        };
        assert_eq!(key(|_| {}), Ok(()));
        assert_eq!(key(|p| p.max_drawdown_pct = f64::INFINITY), Ok(()));
        assert_eq!(key(|p| p.risk_pause_threshold = f64::INFINITY), Ok(()));
        let pause = Err("risk.risk_pause_threshold");
        assert_eq!(key(|p| p.risk_pause_threshold = 0.06), pause);
        assert_eq!(key(|p| p.risk_pause_threshold = f64::NAN), pause);
        let wide = Err("risk.grades.wide_at_ratio");
        assert_eq!(key(|p| p.grades.wide_at_ratio = 0.9), wide);
        assert_eq!(key(|p| p.grades.wide_at_ratio = -0.1), wide);
        let mult = Err("risk.grades.wide_spread_mult");
        assert_eq!(key(|p| p.grades.wide_spread_mult = 0.9), mult);
        assert_eq!(
            key(|p| p.initial_equity_usd = 0.0),
            Err("portfolio.budget_usd")
        );
    }
}
