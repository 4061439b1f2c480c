//! What a journal that the core writes begins with.

use super::header_of;
use mmbot_run::JournalStart;
use mmbot_types::Instrument;
use mmbot_types::journal::InstrumentFacts;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// `given` is a header without `format` and `instruments`, `hash_every_ns`, and whether
/// `checkpoints` are to be taken (default: none).
pub(crate) fn journal_start(
    given: &Bound<'_, PyDict>,
    instruments: &[Instrument],
    params: Vec<Vec<u8>>,
    session: Vec<u8>,
) -> PyResult<JournalStart> {
    let header = given.copy()?;
    header.set_item("instruments", Vec::<Bound<'_, PyDict>>::new())?;
    let mut header = header_of(&header)?;
    let facts = instruments.iter().map(InstrumentFacts::of);
    header.instruments = facts
        .collect::<Result<_, _>>()
        .map_err(|error| crate::error::core_error("E_STORE_TYPE", "min_qty", &error.to_string()))?;
    let every = given.get_item("hash_every_ns")?;
    let every = every
        .ok_or_else(|| crate::error::core_error("E_STORE_TYPE", "hash_every_ns", "is missing"))?;
    Ok(JournalStart {
        header,
        params,
        session,
        hash_every_ns: every.extract()?,
        checkpoints: match given.get_item("checkpoints")? {
            Some(wanted) => wanted.extract()?,
            None => false,
        },
    })
}

/// A flat configuration as JSON: sorted keys, shortest numbers that come back bit for bit.
pub(crate) fn config_bytes(mapping: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    let py = mapping.py();
    let options = PyDict::new(py);
    options.set_item("sort_keys", true)?;
    options.set_item("separators", (",", ":"))?;
    let plain = py.import("builtins")?.getattr("dict")?.call1((mapping,))?;
    let text = py
        .import("json")?
        .getattr("dumps")?
        .call((plain,), Some(&options))?;
    Ok(text.extract::<String>()?.into_bytes())
}
