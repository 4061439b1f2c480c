//! Errors as exceptions: `CoreError(ValueError)` with the attributes `code` and `key`.

use mmbot_run::RunError;
use mmbot_types::{ChunkError, InstrumentError};
use pyo3::create_exception;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

create_exception!(
    _core,
    CoreError,
    PyValueError,
    "Input that the core refused."
);

/// A `CoreError` with its registered code and what it is about.
pub(crate) fn core_error(code: &str, key: &str, message: &str) -> PyErr {
    let text = if key.is_empty() {
        format!("{code}: {message}")
    } else {
        format!("{code}: {key} {message}")
    };
    let error = CoreError::new_err(text);
    Python::attach(|py| {
        let value = error.value(py);
        // setting an attribute of a fresh exception fails only without memory; the message holds
        // both anyway
        let _ = value.setattr("code", code);
        let _ = value.setattr("key", key);
        let _ = value.setattr("message", message);
    });
    error
}

/// The result of a run, an error as Python sees it.
pub(crate) fn done<T>(result: Result<T, RunError>) -> PyResult<T> {
    result.map_err(|error| run_error(&error))
}

pub(crate) fn run_error(error: &RunError) -> PyErr {
    match error {
        RunError::Param(e) => core_error("E_CFG_RANGE", e.key, &format!("must be {}", e.rule)),
        RunError::Sim(e) => core_error(
            "E_CALIB_RANGE",
            e.key,
            &format!("must be in [{},{}]", e.lo, e.hi),
        ),
        other => core_error(other.code(), "", &other.to_string()),
    }
}

pub(crate) fn chunk_error(error: ChunkError) -> PyErr {
    let code = match error {
        ChunkError::ExchangeTime { .. } => "E_MD_CLOCK",
        _ => "E_MD_FRAME",
    };
    core_error(code, "chunk", &error.to_string())
}

pub(crate) fn instrument_error(symbol: &str, error: &InstrumentError) -> PyErr {
    core_error("E_CFG_RANGE", symbol, &error.to_string())
}
