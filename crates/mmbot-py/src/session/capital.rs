//! Allocation and mux of the session.

use super::dict;
use mmbot_core::Session;
use pyo3::prelude::*;
use pyo3::types::PyDict;

pub(super) fn parts(out: &Bound<'_, PyDict>, session: &Session) -> PyResult<()> {
    let py = out.py();
    out.set_item("allocation", allocation(py, session)?)?;
    out.set_item("mux", mux(py, session)?)
}

fn allocation<'py>(py: Python<'py>, session: &Session) -> PyResult<Bound<'py, PyDict>> {
    let allocator = session.capital().allocator();
    let latest = allocator.allocation();
    Ok(dict!(py, {
        "budget_available_usd": latest.budget_available_usd,
        "limit_usd": latest.limit_usd,
        "drawdown": latest.drawdown,
        "soft_factor": f64::from(latest.soft_permille) / 1_000.0,
        "hwm_equity_usd": allocator.state().hwm_equity_usd,
        "fee_tilt": latest.tilt,
        "has_targets": !latest.targets.is_empty(),
        "rejected_observations_total": allocator.rejected(),
    }))
}

/// Weights of the strategies: the mean over the symbols' regimes.
fn mux<'py>(py: Python<'py>, session: &Session) -> PyResult<Bound<'py, PyDict>> {
    let (params, muxes) = (&session.params().mux, session.muxes());
    let weights = PyDict::new(py);
    for (at, strategy) in params.strategies.iter().enumerate() {
        let of_symbol = |mux| session.mux_table().regime_of(mux).weights[at];
        let sum: f64 = muxes.iter().map(of_symbol).sum();
        #[allow(clippy::cast_precision_loss)] // symbols are few
        weights.set_item(&strategy.name, sum / muxes.len().max(1) as f64)?;
    }
    let switches: u64 = muxes.iter().map(|mux| mux.switches()).sum();
    Ok(dict!(py, {
        "enabled": params.enabled,
        "weights": weights,
        "switches_total": switches,
    }))
}
