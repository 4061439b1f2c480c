//! What trading one symbol costs, and what lowers its target [`portfolio.cost`].

use super::{ParamError, within};

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct CostParams {
    /// `portfolio.cost.fee_bps_default`, or `fee_bps` of the symbol.
    pub fee_bps: f64,
    /// `portfolio.cost.slippage_bps_base`.
    pub slippage_bps_base: f64,
    /// `portfolio.cost.slippage_k_bps_per_kusd`.
    pub slippage_k_bps_per_kusd: f64,
    /// `portfolio.cost.cost_sensitivity`.
    pub cost_sensitivity: f64,
    /// `portfolio.cost.use_shadow_spread`.
    pub use_shadow_spread: bool,
    /// `portfolio.cost.use_shadow_volume`.
    pub use_shadow_volume: bool,
    /// `portfolio.cost.min_volume_usd`.
    pub min_volume_usd: f64,
    /// `portfolio.cost.max_slippage_bps_cap`.
    pub max_slippage_bps_cap: f64,
    /// `portfolio.cost.calib_min_samples`.
    pub calib_min_samples: u32,
    /// `portfolio.cost.fill_rate_half_life_sec`.
    pub fill_rate_half_life_sec: f64,
    /// `portfolio.cost.fill_rate_floor`.
    pub fill_rate_floor: f64,
    /// `portfolio.cost.fill_rate_sensitivity`.
    pub fill_rate_sensitivity: f64,
    /// `portfolio.cost.liquidity_depth_usd_target`; 0 is off.
    pub liquidity_depth_usd_target: f64,
    /// `portfolio.cost.liquidity_sensitivity`.
    pub liquidity_sensitivity: f64,
    /// `portfolio.cost.liquidity_min_floor`.
    pub liquidity_min_floor: f64,
    /// `portfolio.cost.turnover_half_life_sec`.
    pub turnover_half_life_sec: f64,
    /// `portfolio.cost.turnover_sensitivity`.
    pub turnover_sensitivity: f64,
    /// `portfolio.cost.turnover_floor`.
    pub turnover_floor: f64,
}

impl Default for CostParams {
    fn default() -> Self {
        Self {
            fee_bps: 1.0,
            slippage_bps_base: 0.5,
            slippage_k_bps_per_kusd: 0.1,
            cost_sensitivity: 0.5,
            use_shadow_spread: true,
            use_shadow_volume: true,
            min_volume_usd: 1000.0,
            max_slippage_bps_cap: 50.0,
            calib_min_samples: 20,
            fill_rate_half_life_sec: 600.0,
            fill_rate_floor: 0.7,
            fill_rate_sensitivity: 0.5,
            liquidity_depth_usd_target: 0.0,
            liquidity_sensitivity: 0.0,
            liquidity_min_floor: 0.0,
            turnover_half_life_sec: 600.0,
            turnover_sensitivity: 0.0,
            turnover_floor: 0.0,
        }
    }
}

impl CostParams {
    /// Checks that every number can be computed with.
    ///
    /// # Errors
    /// The first key outside its range.
    pub fn validate(&self) -> Result<(), ParamError> {
        let key = "portfolio.cost.fee_bps_default";
        within(key, self.fee_bps, (-1000.0, 1000.0), "in [-1000,1000]")?;
        self.validate_slippage()?;
        self.validate_attenuation()?;
        if self.calib_min_samples == 0 {
            return Err(ParamError {
                key: "portfolio.cost.calib_min_samples",
                rule: ">= 1",
            });
        }
        Ok(())
    }

    fn validate_slippage(&self) -> Result<(), ParamError> {
        let (any, bps, p) = ((0.0, f64::MAX), (0.0, 1000.0), "in [0,1000]");
        let key = "portfolio.cost.slippage_bps_base";
        within(key, self.slippage_bps_base, bps, p)?;
        let key = "portfolio.cost.max_slippage_bps_cap";
        within(key, self.max_slippage_bps_cap, bps, p)?;
        let key = "portfolio.cost.slippage_k_bps_per_kusd";
        within(key, self.slippage_k_bps_per_kusd, any, ">= 0")?;
        let key = "portfolio.cost.min_volume_usd";
        within(key, self.min_volume_usd, any, ">= 0")?;
        let key = "portfolio.cost.liquidity_depth_usd_target";
        within(key, self.liquidity_depth_usd_target, any, ">= 0")
    }

    fn validate_attenuation(&self) -> Result<(), ParamError> {
        let unit = |key, value| within(key, value, (0.0, 1.0), "in [0,1]");
        let half_life = |key, value| within(key, value, (10.0, f64::MAX), ">= 10");
        unit("portfolio.cost.cost_sensitivity", self.cost_sensitivity)?;
        let key = "portfolio.cost.fill_rate_sensitivity";
        unit(key, self.fill_rate_sensitivity)?;
        unit("portfolio.cost.fill_rate_floor", self.fill_rate_floor)?;
        let key = "portfolio.cost.fill_rate_half_life_sec";
        half_life(key, self.fill_rate_half_life_sec)?;
        let key = "portfolio.cost.liquidity_sensitivity";
        unit(key, self.liquidity_sensitivity)?;
        let key = "portfolio.cost.liquidity_min_floor";
        unit(key, self.liquidity_min_floor)?;
        let key = "portfolio.cost.turnover_sensitivity";
        unit(key, self.turnover_sensitivity)?;
        unit("portfolio.cost.turnover_floor", self.turnover_floor)?;
        let key = "portfolio.cost.turnover_half_life_sec";
        half_life(key, self.turnover_half_life_sec)
    }
}
