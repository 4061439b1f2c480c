//! Configuration keys of the allocator to [`PortfolioParams`].

use crate::error::core_error;
use crate::reading::{Value, each};
use mmbot_types::{BiasBand, CostParams, InstrumentIdx, PortfolioParams};
use pyo3::prelude::*;
use std::collections::BTreeMap;

const COST: &str = "portfolio.cost.";
const PER_SYMBOL: &str = "portfolio.cost.per_symbol.";

/// Reads a flat mapping of dotted configuration keys; missing keys keep their defaults. Instruments
/// are the places in `symbols`.
pub(crate) fn read_portfolio(
    mapping: &Bound<'_, PyAny>,
    symbols: &[String],
) -> PyResult<PortfolioParams> {
    let mut params = PortfolioParams::default();
    each(mapping, |value| {
        let known = value.key.starts_with(PER_SYMBOL) || portfolio_key(&mut params, value)?;
        if known { Ok(()) } else { Err(value.unknown()) }
    })?;
    read_overrides(&mut params, mapping, symbols)?;
    params
        .validate()
        .map_err(|e| core_error("E_CFG_RANGE", e.key, &format!("must be {}", e.rule)))?;
    Ok(params)
}

/// One key that holds for all symbols; `false` where it is not the allocator's.
pub(crate) fn portfolio_key(params: &mut PortfolioParams, value: &Value<'_>) -> PyResult<bool> {
    if let Some(name) = value.key.strip_prefix(COST) {
        return cost_key(&mut params.cost, name, value);
    }
    let (smoothing, bias) = (&mut params.smoothing, &mut params.bias);
    match value.key.as_str() {
        "portfolio.budget_usd" => params.budget_usd = value.float()?,
        "portfolio.rebalance_minutes" => params.rebalance_minutes = value.float()?,
        "portfolio.max_weight" => params.max_weight = value.float()?,
        "portfolio.levels_per_side_min" => params.levels_per_side_min = value.count()?,
        "portfolio.levels_per_side_max" => params.levels_per_side_max = value.count()?,
        "portfolio.budget.pnl_sensitivity" => params.budget.pnl_sensitivity = value.float()?,
        "portfolio.budget.drawdown_soft_cap" => params.budget.drawdown_soft_cap = value.float()?,
        "portfolio.budget.budget_min_usd" => params.budget.budget_min_usd = value.float()?,
        "allocator.smoothing.max_delta_ratio" => smoothing.max_delta_ratio = value.float()?,
        "allocator.smoothing.max_delta_abs_base_units" => {
            smoothing.max_delta_abs_base_units = value.float()?;
        }
        "allocator.smoothing.fee_bias_cap_ratio" => smoothing.fee_bias_cap_ratio = value.float()?,
        "allocator.smoothing.backoff_steps" => {
            smoothing.backoff_steps = value.list("a list of numbers")?;
        }
        "signals.impact_cap_ratio" => bias.impact_cap_ratio = value.float()?,
        "signals.weights.imbalance" => bias.w_imbalance = value.float()?,
        "signals.weights.micro_tilt" => bias.w_micro_tilt = value.float()?,
        "signals.weights.sigma_regime" => bias.w_sigma_regime = value.float()?,
        "signals.sigma_bands" => {
            let bands: Vec<[f64; 2]> = value.list("a list of (upper edge, bias)")?;
            let band = |[upper, bias]: [f64; 2]| BiasBand { upper, bias };
            bias.bands = bands.into_iter().map(band).collect();
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// Reads `portfolio.cost.per_symbol.<SYMBOL>.<key>`, each on top of the common values. Symbols that
/// are not in `symbols` are left out. `fee_bps` wins over `fee_bps_default`, wherever it stands.
pub(crate) fn read_overrides(
    params: &mut PortfolioParams,
    mapping: &Bound<'_, PyAny>,
    symbols: &[String],
) -> PyResult<()> {
    let mut own: BTreeMap<InstrumentIdx, CostParams> = BTreeMap::new();
    for alias in [false, true] {
        each(mapping, |value| {
            let split = value.key.strip_prefix(PER_SYMBOL);
            let Some((symbol, name)) = split.and_then(|key| key.rsplit_once('.')) else {
                return Ok(());
            };
            let Some(at) = symbols.iter().position(|one| one == symbol) else {
                return Ok(());
            };
            if alias != (name == "fee_bps") {
                return Ok(());
            }
            let at = InstrumentIdx(u16::try_from(at).map_err(|_| value.wrong("of few symbols"))?);
            let cost = own.entry(at).or_insert(params.cost);
            if cost_key(cost, name, value)? {
                Ok(())
            } else {
                Err(value.unknown())
            }
        })?;
    }
    params.cost_per_symbol = own.into_iter().collect();
    Ok(())
}

fn cost_key(cost: &mut CostParams, name: &str, value: &Value<'_>) -> PyResult<bool> {
    match name {
        "fee_bps" | "fee_bps_default" => cost.fee_bps = value.float()?,
        "slippage_bps_base" => cost.slippage_bps_base = value.float()?,
        "slippage_k_bps_per_kusd" => cost.slippage_k_bps_per_kusd = value.float()?,
        "cost_sensitivity" => cost.cost_sensitivity = value.float()?,
        "use_shadow_spread" => cost.use_shadow_spread = value.flag()?,
        "use_shadow_volume" => cost.use_shadow_volume = value.flag()?,
        "min_volume_usd" => cost.min_volume_usd = value.float()?,
        "max_slippage_bps_cap" => cost.max_slippage_bps_cap = value.float()?,
        "calib_min_samples" => cost.calib_min_samples = value.count()?,
        "fill_rate_half_life_sec" => cost.fill_rate_half_life_sec = value.float()?,
        "fill_rate_floor" => cost.fill_rate_floor = value.float()?,
        "fill_rate_sensitivity" => cost.fill_rate_sensitivity = value.float()?,
        "liquidity_depth_usd_target" => cost.liquidity_depth_usd_target = value.float()?,
        "liquidity_sensitivity" => cost.liquidity_sensitivity = value.float()?,
        "liquidity_min_floor" => cost.liquidity_min_floor = value.float()?,
        "turnover_half_life_sec" => cost.turnover_half_life_sec = value.float()?,
        "turnover_sensitivity" => cost.turnover_sensitivity = value.float()?,
        "turnover_floor" => cost.turnover_floor = value.float()?,
        _ => return Ok(false),
    }
    Ok(true)
}
