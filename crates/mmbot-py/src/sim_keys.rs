//! Simulation keys of a lane: calibration parameters and faults.

use crate::error::core_error;
use crate::reading::each;
use mmbot_sim::{FillMode, QueueModel, ResponseLatency, SimConfig};
use pyo3::prelude::*;

/// Reads a simulation mapping; fees and seed come from elsewhere.
pub(crate) fn read_sim(mapping: Option<&Bound<'_, PyAny>>, seed: u64) -> PyResult<SimConfig> {
    let mut sim = SimConfig {
        seed,
        ..SimConfig::default()
    };
    let (mut model, mut power) = (String::from("power"), 2.0);
    let Some(mapping) = mapping else {
        return Ok(sim);
    };
    each(mapping, |value| {
        match value.key.as_str() {
            "mode" => {
                sim.mode = match value.text()?.as_str() {
                    "queue_aware" => FillMode::QueueAware,
                    "conservative" => FillMode::Conservative,
                    _ => return Err(value.wrong("queue_aware or conservative")),
                }
            }
            "queue_model" => model = value.text()?,
            "queue_power_n" => power = value.float()?,
            "partial_fills" => sim.partial_fills = value.flag()?,
            "latency_ms_mean" => sim.latency_ms_mean = value.float()?,
            "latency_ms_std" => sim.latency_ms_std = value.float()?,
            "amend_latency_ms" => sim.amend_latency_ms = value.float()?,
            "cancel_latency_ms" => sim.cancel_latency_ms = value.float()?,
            "response_latency_ms" if value.is_none() => sim.response = ResponseLatency::OfFeed,
            "response_latency_ms" => sim.response = constant_response(value.float()?)?,
            "toxic_sweep_prob" => sim.toxic_sweep_prob = value.float()?,
            "extra_slippage_bps" => sim.extra_slippage_bps = value.float()?,
            "reject_prob" => sim.reject_prob = value.float()?,
            "max_requests_per_sec" => sim.max_requests_per_sec = value.count()?,
            _ => return Err(value.unknown()),
        }
        Ok(())
    })?;
    sim.queue = match model.as_str() {
        "conservative" => QueueModel::Conservative,
        "power" => QueueModel::Power { n: power },
        "log" => QueueModel::Log,
        "calibrated" => QueueModel::Calibrated { n: power },
        _ => {
            let models = "must be conservative, power, log or calibrated";
            return Err(core_error("E_CFG_TYPE", "queue_model", models));
        }
    };
    Ok(sim)
}

#[allow(clippy::cast_possible_truncation)] // checked against ten seconds
fn constant_response(ms: f64) -> PyResult<ResponseLatency> {
    if (0.0..=10_000.0).contains(&ms) {
        Ok(ResponseLatency::ConstantNs((ms * 1e6) as i64))
    } else {
        Err(core_error(
            "E_CALIB_RANGE",
            "response_latency_ms",
            "must be in [0,10000]",
        ))
    }
}
