//! When and how the session quotes: mux by regime, trading windows, colours, shadow statistics.

use crate::reading::Value;
use mmbot_types::{Color, MuxBand, MuxStrategy, OpenWindow, SessionParams, TsNs};
use pyo3::prelude::*;

/// A strategy of the mux as Python gives it.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Strategy {
    name: String,
    spread_mult: f64,
    size_mult: f64,
    weight_cap: Option<f64>,
}

/// A regime of the mux as Python gives it.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Band {
    name: String,
    lower: f64,
    upper: f64,
    weights: Vec<f64>,
}

/// True if the key is one of these.
pub(super) fn key(params: &mut SessionParams, value: &Value<'_>) -> PyResult<bool> {
    Ok(mux(params, value)? || windows(params, value)? || colors(params, value)?)
}

fn mux(params: &mut SessionParams, value: &Value<'_>) -> PyResult<bool> {
    let mux = &mut params.mux;
    match value.key.as_str() {
        "mux.enabled" => mux.enabled = value.flag()?,
        "mux.hysteresis_s" => mux.hysteresis_s = value.float()?,
        "mux.strategies" => {
            let given: Vec<Strategy> = value.list("a list of strategies")?;
            let strategy = |s: Strategy| MuxStrategy {
                name: s.name,
                spread_mult: s.spread_mult,
                size_mult: s.size_mult,
                weight_cap: s.weight_cap,
            };
            mux.strategies = given.into_iter().map(strategy).collect();
        }
        "mux.bands" => {
            let given: Vec<Band> = value.list("a list of bands")?;
            let band = |b: Band| MuxBand {
                name: b.name,
                lower: b.lower,
                upper: b.upper,
                weights: b.weights,
            };
            mux.bands = given.into_iter().map(band).collect();
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn windows(params: &mut SessionParams, value: &Value<'_>) -> PyResult<bool> {
    if value.key != "scheduler.open_ns" {
        return Ok(false);
    }
    params.schedule.windows = if value.is_none() {
        None
    } else {
        let given: Vec<[i64; 2]> = value.list("a list of (from, to) in ns, or none")?;
        let window = |[from, to]: [i64; 2]| OpenWindow {
            from: TsNs::new(from),
            to: TsNs::new(to),
        };
        Some(given.into_iter().map(window).collect())
    };
    Ok(true)
}

fn colors(params: &mut SessionParams, value: &Value<'_>) -> PyResult<bool> {
    let (rollout, shadow) = (&mut params.rollout, &mut params.shadow);
    match value.key.as_str() {
        "rollout.traffic_split_pct" => {
            rollout.traffic_split_pct = u8::try_from(value.count()?).unwrap_or(u8::MAX);
        }
        "rollout.active" => {
            rollout.active = match value.text()?.as_str() {
                "blue" => Color::Blue,
                "green" => Color::Green,
                _ => return Err(value.wrong("blue or green")),
            }
        }
        "rollout.salt" => rollout.salt = value.text()?,
        "rollout.pinned_cids_green" => {
            let pins: Vec<String> = value.list("a list of client order ids")?;
            rollout.pinned_green = pins.into();
        }
        "rollout.cid_prefix" => rollout.cid_prefix = value.text()?,
        "shadow.enabled" => shadow.enabled = value.flag()?,
        "shadow.max_price_diff_bps" => shadow.max_price_diff_bps = value.float()?,
        "shadow.max_size_diff_pct" => shadow.max_size_diff_pct = value.float()?,
        "shadow.min_count" => shadow.min_count = value.count()?,
        _ => return Ok(false),
    }
    Ok(true)
}
