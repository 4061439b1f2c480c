//! Requests: windows, back-off, circuit breaker, autopolicy.

use crate::reading::Value;
use mmbot_types::SessionParams;
use pyo3::prelude::*;

/// True if the key is one of these.
pub(super) fn key(params: &mut SessionParams, value: &Value<'_>) -> PyResult<bool> {
    Ok(throttle(params, value)? || circuit(params, value)? || autopolicy(params, value)?)
}

fn throttle(params: &mut SessionParams, value: &Value<'_>) -> PyResult<bool> {
    let throttle = &mut params.throttle;
    match value.key.as_str() {
        "throttle.window_sec" => throttle.window_sec = value.count()?,
        "throttle.max_creates_per_sec" => throttle.max_creates_per_sec = value.float()?,
        "throttle.max_amends_per_sec" => throttle.max_amends_per_sec = value.float()?,
        "throttle.max_cancels_per_sec" => throttle.max_cancels_per_sec = value.float()?,
        "throttle.backoff_base_ms" => throttle.backoff_base_ms = value.count()?,
        "throttle.backoff_cap_ms" => throttle.backoff_cap_ms = value.count()?,
        "throttle.jitter_pct" => throttle.jitter_pct = value.float()?,
        "throttle.error_rate_trigger" => throttle.error_rate_trigger = value.float()?,
        "throttle.ws_lag_trigger_ms" => throttle.ws_lag_trigger_ms = value.float()?,
        "limits.max_create_per_sec" => throttle.session_creates_per_sec = value.float()?,
        "limits.max_cancel_per_sec" => throttle.session_cancels_per_sec = value.float()?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn circuit(params: &mut SessionParams, value: &Value<'_>) -> PyResult<bool> {
    let circuit = &mut params.circuit;
    match value.key.as_str() {
        "circuit.window_sec" => circuit.window_sec = value.float()?,
        "circuit.err_rate_open" => circuit.err_rate_open = value.float()?,
        "circuit.http_5xx_rate_open" => circuit.http_5xx_rate_open = value.float()?,
        "circuit.http_429_rate_open" => circuit.http_429_rate_open = value.float()?,
        "circuit.open_duration_sec" => circuit.open_duration_sec = value.float()?,
        "circuit.half_open_probes" => circuit.half_open_probes = value.count()?,
        "circuit.cooldown_sec" => circuit.cooldown_sec = value.float()?,
        "circuit.min_samples" => circuit.min_samples = value.count()?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn autopolicy(params: &mut SessionParams, value: &Value<'_>) -> PyResult<bool> {
    let policy = &mut params.autopolicy;
    match value.key.as_str() {
        "autopolicy.enabled" => policy.enabled = value.flag()?,
        "autopolicy.level_max" => policy.level_max = value.count()?,
        "autopolicy.trigger_backoff_ms" => policy.trigger_backoff_ms = value.float()?,
        "autopolicy.trigger_events_total" => policy.trigger_events_total = value.count()?,
        "autopolicy.hysteresis_bad_required" => policy.hysteresis_bad_required = value.count()?,
        "autopolicy.hysteresis_good_required" => policy.hysteresis_good_required = value.count()?,
        "autopolicy.cooldown_minutes" => policy.cooldown_minutes = value.float()?,
        "autopolicy.min_time_in_book_ms_step_pct" => {
            policy.min_time_in_book_ms_step_pct = value.float()?;
        }
        "autopolicy.replace_threshold_bps_step_pct" => {
            policy.replace_threshold_bps_step_pct = value.float()?;
        }
        "autopolicy.levels_per_side_shrink_step_pct" => {
            policy.levels_per_side_shrink_step_pct = value.float()?;
        }
        "autopolicy.min_levels_cap" => policy.min_levels_cap = value.count()?,
        "autopolicy.max_min_time_in_book_ms" => policy.max_min_time_in_book_ms = value.int()?,
        "autopolicy.max_replace_threshold_bps" => {
            policy.max_replace_threshold_bps = value.float()?;
        }
        "portfolio.levels_per_side_max" => policy.levels_per_side_max = value.count()?,
        _ => return Ok(false),
    }
    Ok(true)
}
