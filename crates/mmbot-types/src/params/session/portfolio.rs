//! Budget over symbols, second by second [`portfolio`, `allocator.smoothing`, `signals`].
//!
//! How weights arise (modes, projection, EMA) and what a fee tier is worth is not here: both come
//! from outside, once per rebalance.

use super::{CostParams, ParamError, within};
use crate::instrument::InstrumentIdx;

/// Most steps of `allocator.smoothing.backoff_steps` and bands of `signals.sigma_bands`.
const STEPS_MAX: usize = 64;

/// Budget after profits and losses [`portfolio.budget`].
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct BudgetParams {
    /// `portfolio.budget.pnl_sensitivity`.
    pub pnl_sensitivity: f64,
    /// `portfolio.budget.drawdown_soft_cap`, fraction.
    pub drawdown_soft_cap: f64,
    /// `portfolio.budget.budget_min_usd`: a smaller target is 0.
    pub budget_min_usd: f64,
}

/// How fast a target may move [`allocator.smoothing`].
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SmoothingParams {
    /// `allocator.smoothing.max_delta_ratio`: largest relative change per tick.
    pub max_delta_ratio: f64,
    /// `allocator.smoothing.max_delta_abs_base_units`; 0 is off.
    pub max_delta_abs_base_units: f64,
    /// `allocator.smoothing.fee_bias_cap_ratio`: largest tilt towards the next fee tier.
    pub fee_bias_cap_ratio: f64,
    /// `allocator.smoothing.backoff_steps`.
    pub backoff_steps: Vec<f64>,
}

/// A regime of sigma and its bias.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct BiasBand {
    /// Upper edge, excluded; that of the last band does not count.
    pub upper: f64,
    /// `signals.regime_bias_map` of the regime: -1, 0 or 1.
    pub bias: f64,
}

/// How signals bend the move of a target [`signals`].
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct BiasParams {
    /// `signals.impact_cap_ratio`.
    pub impact_cap_ratio: f64,
    /// `signals.weights.imbalance`.
    pub w_imbalance: f64,
    /// `signals.weights.micro_tilt`.
    pub w_micro_tilt: f64,
    /// `signals.weights.sigma_regime`.
    pub w_sigma_regime: f64,
    /// `signals.sigma_bands`, ascending.
    pub bands: Vec<BiasBand>,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct PortfolioParams {
    /// `portfolio.budget_usd`.
    pub budget_usd: f64,
    /// `portfolio.rebalance_minutes`: how often weights are asked for.
    pub rebalance_minutes: f64,
    /// `portfolio.max_weight`: the weight that allows `levels_per_side_max` levels.
    pub max_weight: f64,
    /// `portfolio.levels_per_side_min`.
    pub levels_per_side_min: u32,
    /// `portfolio.levels_per_side_max`.
    pub levels_per_side_max: u32,
    /// Budget after profits and losses.
    pub budget: BudgetParams,
    /// Costs of every symbol without its own.
    pub cost: CostParams,
    /// `portfolio.cost.per_symbol`, whole, ascending by instrument.
    pub cost_per_symbol: Vec<(InstrumentIdx, CostParams)>,
    /// How fast a target may move.
    pub smoothing: SmoothingParams,
    /// How signals bend the move.
    pub bias: BiasParams,
}

impl Default for BudgetParams {
    fn default() -> Self {
        Self {
            pnl_sensitivity: 0.5,
            drawdown_soft_cap: 0.10,
            budget_min_usd: 0.0,
        }
    }
}

impl Default for SmoothingParams {
    fn default() -> Self {
        Self {
            max_delta_ratio: 0.15,
            max_delta_abs_base_units: 0.0,
            fee_bias_cap_ratio: 0.05,
            backoff_steps: vec![1.0, 0.7, 0.5],
        }
    }
}

impl Default for BiasParams {
    fn default() -> Self {
        let band = |upper, bias| BiasBand { upper, bias };
        Self {
            impact_cap_ratio: 0.10,
            w_imbalance: 0.5,
            w_micro_tilt: 0.3,
            w_sigma_regime: 0.2,
            bands: vec![band(0.8, 1.0), band(1.5, 0.0), band(9.99, -1.0)],
        }
    }
}

impl Default for PortfolioParams {
    fn default() -> Self {
        Self {
            budget_usd: 10_000.0,
            rebalance_minutes: 5.0,
            max_weight: 0.5,
            levels_per_side_min: 1,
            levels_per_side_max: 10,
            budget: BudgetParams::default(),
            cost: CostParams::default(),
            cost_per_symbol: Vec::new(),
            smoothing: SmoothingParams::default(),
            bias: BiasParams::default(),
        }
    }
}

impl PortfolioParams {
    /// Costs that hold for an instrument.
    #[must_use]
    pub fn cost_of(&self, instrument: InstrumentIdx) -> &CostParams {
        match self
            .cost_per_symbol
            .binary_search_by_key(&instrument, |(at, _)| *at)
        {
            Ok(at) => &self.cost_per_symbol[at].1,
            Err(_) => &self.cost,
        }
    }

    /// Checks that every number can be computed with.
    ///
    /// # Errors
    /// The first key outside its range.
    pub fn validate(&self) -> Result<(), ParamError> {
        let (unit, any) = ((0.0, 1.0), (0.0, f64::MAX));
        let p = &self.budget;
        let (rule, at_least) = ("in [0,1]", ">= 0");
        within("portfolio.budget_usd", self.budget_usd, any, at_least)?;
        let minutes = self.rebalance_minutes;
        within("portfolio.rebalance_minutes", minutes, (1e-9, 1e9), "> 0")?;
        within("portfolio.max_weight", self.max_weight, unit, rule)?;
        let key = "portfolio.budget.pnl_sensitivity";
        within(key, p.pnl_sensitivity, unit, rule)?;
        let key = "portfolio.budget.drawdown_soft_cap";
        within(key, p.drawdown_soft_cap, unit, rule)?;
        let key = "portfolio.budget.budget_min_usd";
        within(key, p.budget_min_usd, any, at_least)?;
        let (least, most) = (self.levels_per_side_min, self.levels_per_side_max);
        if least == 0 || least > most || most > 100 {
            return Err(ParamError {
                key: "portfolio.levels_per_side_min",
                rule: "in [1,portfolio.levels_per_side_max], at most 100",
            });
        }
        self.cost.validate()?;
        if !self.cost_per_symbol.is_sorted_by(|a, b| a.0 < b.0) {
            return Err(ParamError {
                key: "portfolio.cost.per_symbol",
                rule: "ascending by instrument",
            });
        }
        for (_, cost) in &self.cost_per_symbol {
            cost.validate()?;
        }
        self.smoothing.validate()?;
        self.bias.validate()
    }
}

impl SmoothingParams {
    fn validate(&self) -> Result<(), ParamError> {
        let (unit, rule) = ((0.0, 1.0), "in [0,1]");
        let key = "allocator.smoothing.max_delta_ratio";
        within(key, self.max_delta_ratio, unit, rule)?;
        let key = "allocator.smoothing.max_delta_abs_base_units";
        within(key, self.max_delta_abs_base_units, (0.0, f64::MAX), ">= 0")?;
        let key = "allocator.smoothing.fee_bias_cap_ratio";
        within(key, self.fee_bias_cap_ratio, unit, rule)?;
        let steps = &self.backoff_steps;
        let sane = steps.iter().all(|step| *step > 0.0 && *step <= 1.0);
        if steps.is_empty() || steps.len() > STEPS_MAX || !sane {
            return Err(ParamError {
                key: "allocator.smoothing.backoff_steps",
                rule: "not empty, each in (0,1]",
            });
        }
        Ok(())
    }
}

impl BiasParams {
    fn validate(&self) -> Result<(), ParamError> {
        for (key, value) in [
            ("signals.impact_cap_ratio", self.impact_cap_ratio),
            ("signals.weights.imbalance", self.w_imbalance),
            ("signals.weights.micro_tilt", self.w_micro_tilt),
            ("signals.weights.sigma_regime", self.w_sigma_regime),
        ] {
            within(key, value, (0.0, 1.0), "in [0,1]")?;
        }
        let bands = &self.bands;
        let ascending = bands.is_sorted_by(|a, b| a.upper < b.upper);
        let sane = bands.iter().all(|band| band.upper.is_finite());
        if bands.is_empty() || bands.len() > STEPS_MAX || !ascending || !sane {
            return Err(ParamError {
                key: "signals.sigma_bands",
                rule: "ascending, at least one",
            });
        }
        for band in bands {
            let key = "signals.regime_bias_map";
            within(key, band.bias, (-1.0, 1.0), "-1, 0 or 1")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_a_bad_number_names_its_key() {
        assert_eq!(PortfolioParams::default().validate(), Ok(()));
        let key = |change: fn(&mut PortfolioParams)| {
            let mut p = PortfolioParams::default();
            change(&mut p);
            p.validate().unwrap_err().key
        };
        assert_eq!(key(|p| p.budget_usd = f64::NAN), "portfolio.budget_usd");
        assert_eq!(
            key(|p| p.cost.turnover_half_life_sec = 9.0),
            "portfolio.cost.turnover_half_life_sec"
        );
        assert_eq!(
            key(|p| p.levels_per_side_max = 0),
            "portfolio.levels_per_side_min"
        );
        assert_eq!(
            key(|p| p.smoothing.backoff_steps = vec![1.0, 0.0]),
            "allocator.smoothing.backoff_steps"
        );
        assert_eq!(key(|p| p.bias.bands.clear()), "signals.sigma_bands");
        assert_eq!(
            key(|p| p.bias.bands[1].bias = 2.0),
            "signals.regime_bias_map"
        );
        let twice = vec![(InstrumentIdx(1), CostParams::default()); 2];
        let p = PortfolioParams {
            cost_per_symbol: twice,
            ..PortfolioParams::default()
        };
        assert_eq!(p.validate().unwrap_err().key, "portfolio.cost.per_symbol");
    }

    #[test]
    fn an_override_holds_for_its_own_instrument_alone() {
        let own = CostParams {
            fee_bps: 3.0,
            ..CostParams::default()
        };
        let p = PortfolioParams {
            cost_per_symbol: vec![(InstrumentIdx(1), own)],
            ..PortfolioParams::default()
        };
        assert_eq!(p.cost_of(InstrumentIdx(1)).fee_bps, 3.0);
        for other in [0, 2] {
            assert_eq!(p.cost_of(InstrumentIdx(other)), &p.cost);
        }
    }
}
