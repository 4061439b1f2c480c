//! What is known of the UTC day: caps go on where they were before a restart.

use super::{dict_of, invalid, item};
use crate::session::dict;
use mmbot_core::Session;
use mmbot_core::session::{Cap, DayTotals, calendar};
use mmbot_types::TsNs;
use pyo3::prelude::*;
use pyo3::types::PyDict;

pub(crate) fn latches(py: Python<'_>, at: [Option<f64>; 3]) -> PyResult<Bound<'_, PyDict>> {
    let out = PyDict::new(py);
    for (cap, limit) in Cap::ALL.into_iter().zip(at) {
        out.set_item(cap.name(), limit)?;
    }
    Ok(out)
}

pub(crate) fn day_dict<'py>(
    py: Python<'py>,
    session: &Session,
    now: TsNs,
) -> PyResult<Bound<'py, PyDict>> {
    let (caps, returns) = (session.losses().caps(), PyDict::new(py));
    for (symbol, sum) in session.symbols().iter().zip(caps.sum_sq_returns()) {
        returns.set_item(symbol, sum)?;
    }
    let gauges = caps.gauges();
    Ok(dict!(py, {
        "utc_day": calendar::utc_day(now),
        "pnl_usd": gauges.pnl_usd,
        "turnover_usd": gauges.turnover_usd,
        "sum_sq_returns": returns,
        "latched_at": latches(py, gauges.latched_at)?,
    }))
}

/// Totals from their payload; `symbols` are those of the session.
pub(crate) fn day_of(symbols: &[String], totals: &Bound<'_, PyAny>) -> PyResult<DayTotals> {
    let totals = dict_of(totals, "day")?;
    let number = |key: &str| {
        let value: f64 = item(&totals, key)?;
        let finite = value.is_finite().then_some(value);
        finite.ok_or_else(|| invalid(key, "must be finite"))
    };
    let (pnl_usd, turnover_usd) = (number("pnl_usd")?, number("turnover_usd")?);
    let given: Bound<'_, PyDict> = item(&totals, "sum_sq_returns")?;
    let sum = |symbol: &String| match given.contains(symbol)? {
        true => item::<f64>(&given, symbol),
        false => Ok(0.0),
    };
    let sum_sq_returns = symbols.iter().map(sum).collect::<PyResult<_>>()?;
    Ok(DayTotals {
        utc_day: item(&totals, "utc_day")?,
        pnl_usd,
        turnover_usd,
        sum_sq_returns,
        latched_at: latches_of(&totals)?,
    })
}

/// Limits that are latched, by the names of the caps.
pub(crate) fn latches_of(totals: &Bound<'_, PyDict>) -> PyResult<[Option<f64>; 3]> {
    let latches: Bound<'_, PyDict> = item(totals, "latched_at")?;
    let mut latched_at = [None; 3];
    for (cap, limit) in Cap::ALL.into_iter().zip(&mut latched_at) {
        *limit = item(&latches, cap.name())?;
    }
    Ok(latched_at)
}
