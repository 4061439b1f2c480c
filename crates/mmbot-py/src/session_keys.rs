//! Configuration keys of a session to [`SessionParams`]: the one place where names meet fields.

use crate::error::core_error;
use crate::reading::{Value, each};
use mmbot_types::{Instrument, SessionParams};
use pyo3::prelude::*;

/// Reads a flat mapping of dotted configuration keys; missing keys keep their defaults.
pub(crate) fn read_session(
    mapping: &Bound<'_, PyAny>,
    _instruments: &[Instrument],
) -> PyResult<SessionParams> {
    let mut params = SessionParams::default();
    each(mapping, |value| {
        if throttle_key(&mut params, value)? {
            Ok(())
        } else {
            Err(value.unknown())
        }
    })?;
    params
        .validate()
        .map_err(|e| core_error("E_CFG_RANGE", e.key, &format!("must be {}", e.rule)))?;
    Ok(params)
}

fn throttle_key(params: &mut SessionParams, value: &Value<'_>) -> PyResult<bool> {
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
