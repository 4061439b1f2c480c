//! Configuration keys of a lane to [`Params`]: the one place where names meet fields.

use crate::error::core_error;
use crate::reading::{Value, each};
use mmbot_types::{Cadence, FeeRate, Params, QuoterKind, ReplaceMode};
use pyo3::prelude::*;

/// Reads a flat mapping of dotted configuration keys; missing keys keep their defaults.
pub(crate) fn read_params(mapping: &Bound<'_, PyAny>, seed: u64) -> PyResult<Params> {
    let mut params = starting_point(mapping)?;
    params.seed = seed;
    each(mapping, |value| {
        let known = quote_key(&mut params, value)?
            || execution_key(&mut params, value)?
            || sizing_key(&mut params, value)?
            || risk_key(&mut params, value)?
            || signal_key(&mut params, value)?;
        if known { Ok(()) } else { Err(value.unknown()) }
    })?;
    params
        .validate()
        .map_err(|e| core_error("E_CFG_RANGE", e.key, &format!("must be {}", e.rule)))?;
    Ok(params)
}

/// `strategy.kind` decides which defaults apply to keys that are not given.
fn starting_point(mapping: &Bound<'_, PyAny>) -> PyResult<Params> {
    let mut params = Params::default();
    each(mapping, |value| {
        if value.key == "strategy.kind" {
            match value.text()?.as_str() {
                "built_in" => {}
                "reference" => params = Params::reference(100, 5.0, 0.5, 10, 200),
                "external" => params.quote.kind = QuoterKind::External,
                _ => return Err(value.wrong("built_in, reference or external")),
            }
        }
        Ok(())
    })?;
    Ok(params)
}

fn quote_key(params: &mut Params, value: &Value<'_>) -> PyResult<bool> {
    let quote = &mut params.quote;
    match value.key.as_str() {
        "strategy.kind" => {}
        "trading.base_spread_bps" => quote.base_spread_bps = value.float()?,
        "trading.quote_refresh_ms" => {
            quote.cadence = Cadence::OnBook {
                refresh_ms: value.int()?,
            };
        }
        "trading.post_only" => quote.post_only = value.flag()?,
        "strategy.k_vola_spread" => quote.k_vola_spread = value.float()?,
        "strategy.skew_coeff" => quote.skew_coeff = value.float()?,
        "strategy.inventory_tilt_cap_ratio" => quote.inventory_tilt_cap_ratio = value.float()?,
        "strategy.slippage_penalty_coef" => quote.slippage_penalty_coef = value.float()?,
        "strategy.levels_per_side" => quote.levels_per_side = value.count()?,
        "strategy.level_spacing_coeff" => quote.level_spacing_coeff = value.float()?,
        "strategy.imbalance_cutoff" => quote.imbalance_cutoff = value.float()?,
        "strategy.guard_pause_ms" => quote.guard_pause_ms = value.int()?,
        "strategy.enable_dynamic_spread" => quote.enable_dynamic_spread = value.flag()?,
        "strategy.enable_inventory_skew" => quote.enable_inventory_skew = value.flag()?,
        "strategy.enable_adverse_guard" => quote.enable_adverse_guard = value.flag()?,
        "reference.interval_ms" => {
            quote.cadence = Cadence::FixedGrid {
                interval_ms: value.int()?,
            };
        }
        "reference.half_ticks" => quote.reference_half_ticks = value.float()?,
        "reference.skew_ticks" => quote.reference_skew_ticks = value.float()?,
        "reference.qty_lots" => quote.reference_qty_lots = value.int()?,
        "reference.max_lots" => quote.reference_max_lots = value.int()?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn execution_key(params: &mut Params, value: &Value<'_>) -> PyResult<bool> {
    let (replace, tail, stale) = (
        &mut params.replace,
        &mut params.tail,
        &mut params.anti_stale,
    );
    match value.key.as_str() {
        "latency_boost.replace.max_concurrent" => replace.max_concurrent = value.float()?,
        "latency_boost.replace.min_interval_ms" => replace.min_interval_ms = value.int()?,
        "latency_boost.replace.replace_rate_per_min" => {
            replace.replace_rate_per_min = value.count()?;
        }
        "latency_boost.replace.mode" => {
            replace.mode = match value.text()?.as_str() {
                "amend" => ReplaceMode::Amend,
                "cancel_then_place" => ReplaceMode::CancelThenPlace,
                "cancel_and_place" => ReplaceMode::CancelAndPlace,
                _ => return Err(value.wrong("amend, cancel_then_place or cancel_and_place")),
            }
        }
        "strategy.min_time_in_book_ms" => replace.min_time_in_book_ms = value.int()?,
        "strategy.replace_threshold_bps" => replace.replace_threshold_bps = value.float()?,
        "strategy.amend_size_threshold_ratio" => {
            replace.amend_size_threshold_ratio = value.float()?;
        }
        "latency_boost.tail_batch.tail_age_ms" => tail.tail_age_ms = value.int()?,
        "latency_boost.tail_batch.max_batch" => tail.max_batch = value.count()?,
        "latency_boost.tail_batch.jitter_ms" => tail.jitter_ms = value.int()?,
        "strategy.enable_anti_stale_guard" => stale.enabled = value.flag()?,
        "strategy.order_ttl_ms" => stale.order_ttl_ms = value.int()?,
        "strategy.price_drift_bps" => stale.price_drift_bps = value.float()?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn sizing_key(params: &mut Params, value: &Value<'_>) -> PyResult<bool> {
    match value.key.as_str() {
        "portfolio.target_usd" => params.sizing.target_usd = value.float()?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn risk_key(params: &mut Params, value: &Value<'_>) -> PyResult<bool> {
    let risk = &mut params.risk;
    match value.key.as_str() {
        "portfolio.budget_usd" => risk.initial_equity_usd = value.float()?,
        "risk.max_position_usd" => risk.max_position_usd = value.float()?,
        "limits.max_active_per_side" => risk.max_active_per_side = value.count()?,
        "limits.max_order_notional_usd" => risk.max_order_notional_usd = value.float()?,
        "limits.max_gross_exposure_usd" => risk.max_gross_exposure_usd = value.float()?,
        "trading.maker_fee_bps" => params.edge.maker_fee = fee(value)?,
        "trading.taker_fee_bps" => params.edge.taker_fee = fee(value)?,
        "signals.adverse_window_fills" => {
            params.edge.adverse_window_fills = value.count()?;
        }
        "edge.adverse_horizon_ms" => params.edge.adverse_horizon_ms = value.int()?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn fee(value: &Value<'_>) -> PyResult<FeeRate> {
    FeeRate::from_bps(value.float()?)
        .ok_or_else(|| core_error("E_CFG_RANGE", &value.key, "must be in [-1000,1000]"))
}

fn signal_key(params: &mut Params, value: &Value<'_>) -> PyResult<bool> {
    let signals = &mut params.signals;
    match value.key.as_str() {
        "signals.vola_half_life_sec" => signals.vola_half_life_sec = value.float()?,
        "signals.vola_baseline_half_life_sec" => {
            signals.vola_baseline_half_life_sec = value.float()?;
        }
        "signals.vola_min_samples" => signals.vola_min_samples = value.count()?,
        "signals.flow_half_life_sec" => signals.flow_half_life_sec = value.float()?,
        "strategy.imbalance_levels" => signals.imbalance_levels = value.count()?,
        "market.stale_after_ms" => signals.stale_after_ms = value.int()?,
        _ => return Ok(false),
    }
    Ok(true)
}
