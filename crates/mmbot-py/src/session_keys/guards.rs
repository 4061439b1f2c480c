//! Losses and positions: risk grades, runtime guard, position skew, caps of the day.

use crate::reading::{Value, each};
use mmbot_types::{GuardThresholds, SessionParams};
use pyo3::prelude::*;

/// True if the key is one of these.
pub(super) fn key(
    params: &mut SessionParams,
    value: &Value<'_>,
    symbols: &[String],
) -> PyResult<bool> {
    Ok(risk(params, value)? || runtime_guard(params, value, symbols)? || position(params, value)?)
}

fn risk(params: &mut SessionParams, value: &Value<'_>) -> PyResult<bool> {
    let risk = &mut params.risk;
    match value.key.as_str() {
        "portfolio.budget_usd" => risk.initial_equity_usd = value.float()?,
        "risk.max_drawdown_pct" => risk.max_drawdown_pct = value.float()?,
        "risk.risk_pause_threshold" => risk.risk_pause_threshold = value.float()?,
        "risk.recovery_minutes" => risk.recovery_minutes = value.float()?,
        "risk.grades.wide_at_ratio" => risk.grades.wide_at_ratio = value.float()?,
        "risk.grades.reduce_only_at_ratio" => risk.grades.reduce_only_at_ratio = value.float()?,
        "risk.grades.wide_spread_mult" => risk.grades.wide_spread_mult = value.float()?,
        "risk.grades.min_stay_sec" => risk.grades.min_stay_sec = value.float()?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn runtime_guard(
    params: &mut SessionParams,
    value: &Value<'_>,
    symbols: &[String],
) -> PyResult<bool> {
    let Some(name) = value.key.strip_prefix("runtime_guard.") else {
        return Ok(false);
    };
    let guard = &mut params.runtime_guard;
    match name {
        "enabled" => guard.enabled = value.flag()?,
        "window_sec" => guard.window_sec = value.count()?,
        "hysteresis_bad_required" => guard.hysteresis_bad_required = value.count()?,
        "hysteresis_good_required" => guard.hysteresis_good_required = value.count()?,
        "recovery_minutes" => guard.recovery_minutes = value.float()?,
        "dry_run" => guard.dry_run = value.flag()?,
        "manual_override_pause" => guard.manual_override_pause = value.flag()?,
        "per_symbol" => guard.per_symbol = per_symbol(value, symbols)?,
        _ => return threshold(&mut guard.thresholds, name, value),
    }
    Ok(true)
}

fn threshold(thresholds: &mut GuardThresholds, name: &str, value: &Value<'_>) -> PyResult<bool> {
    let field = match name {
        "cancel_rate_pct_of_limit_max" => &mut thresholds.cancel_rate_pct_of_limit_max,
        "rest_error_rate_max" => &mut thresholds.rest_error_rate_max,
        "pnl_slope_min_usd_per_min" => &mut thresholds.pnl_slope_min_usd_per_min,
        "max_position_notional_usd" => &mut thresholds.max_position_notional_usd,
        "max_gross_exposure_usd" => &mut thresholds.max_gross_exposure_usd,
        "max_position_pct_budget" => &mut thresholds.max_position_pct_budget,
        "cancel_latency_p95_ms_max" => &mut thresholds.cancel_latency_p95_ms_max,
        "ws_lag_ms_max" => &mut thresholds.ws_lag_ms_max,
        "order_reject_rate_max" => &mut thresholds.order_reject_rate_max,
        _ => return Ok(false),
    };
    *field = value.float()?;
    Ok(true)
}

/// Symbol to thresholds; a threshold that is not given is not judged by symbol.
fn per_symbol(value: &Value<'_>, symbols: &[String]) -> PyResult<Vec<Option<GuardThresholds>>> {
    let mut own = vec![None; symbols.len()];
    each(value.any(), |symbol| {
        let Some(at) = symbols.iter().position(|one| *one == symbol.key) else {
            return Ok(());
        };
        let mut thresholds = GuardThresholds::OFF;
        each(symbol.any(), |given| {
            if threshold(&mut thresholds, &given.key, given)? {
                Ok(())
            } else {
                Err(given.unknown())
            }
        })?;
        own[at] = Some(thresholds);
        Ok(())
    })?;
    Ok(own)
}

fn position(params: &mut SessionParams, value: &Value<'_>) -> PyResult<bool> {
    let (skew, caps) = (&mut params.pos_skew, &mut params.caps);
    match value.key.as_str() {
        "guards.pos_skew.per_symbol_abs_limit" => skew.per_symbol_abs_limit_usd = value.float()?,
        "guards.pos_skew.per_color_abs_limit" => skew.per_color_abs_limit_usd = value.float()?,
        "allocator.smoothing.bias_cap_ratio" => skew.bias_cap_ratio = value.float()?,
        "guards.intraday_caps.daily_pnl_stop_usd" => caps.daily_pnl_stop_usd = value.float()?,
        "guards.intraday_caps.daily_turnover_cap" => {
            caps.daily_turnover_cap_usd = value.float()?;
        }
        "guards.intraday_caps.daily_vol_cap" => caps.daily_vol_cap_pct = value.float()?,
        _ => return Ok(false),
    }
    Ok(true)
}
