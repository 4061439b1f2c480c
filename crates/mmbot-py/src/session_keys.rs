//! Configuration keys of a session to [`SessionParams`]: the one place where names meet fields.

mod execution;
mod guards;
mod regimes;

use crate::error::core_error;
use crate::portfolio_keys::{portfolio_key, read_overrides};
use crate::reading::each;
use mmbot_types::{Instrument, SessionParams};
use pyo3::prelude::*;

const COST_PER_SYMBOL: &str = "portfolio.cost.per_symbol.";

/// Reads a flat mapping of dotted configuration keys; missing keys keep their defaults.
pub(crate) fn read_session(
    mapping: &Bound<'_, PyAny>,
    instruments: &[Instrument],
) -> PyResult<SessionParams> {
    let symbols: Vec<String> = instruments.iter().map(|i| i.symbol().to_owned()).collect();
    let mut params = SessionParams::default();
    each(mapping, |value| {
        let known = value.key.starts_with(COST_PER_SYMBOL)
            || execution::key(&mut params, value)?
            || guards::key(&mut params, value, &symbols)?
            || regimes::key(&mut params, value)?;
        // the levels are the allocator's and what autopolicy shrinks from, the budget is its and
        // the equity at the start
        let of_portfolio = portfolio_key(&mut params.portfolio, value)?;
        if known || of_portfolio {
            Ok(())
        } else {
            Err(value.unknown())
        }
    })?;
    read_overrides(&mut params.portfolio, mapping, &symbols)?;
    params
        .validate()
        .map_err(|e| core_error("E_CFG_RANGE", e.key, &format!("must be {}", e.rule)))?;
    Ok(params)
}
