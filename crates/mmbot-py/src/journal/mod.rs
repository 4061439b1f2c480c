//! The journal codec for Python: `JournalFramer` (records in, framed bytes out), `JournalDecoder`
//! (blocks of a segment in, records as dictionaries out), `JournalReplay` (blocks in, what the core
//! does now), `JournalFollow` (what happened to orders and accounts), `JournalSearch` (where an
//! explanation stands), `journal_counts` (what framed bytes hold), `CheckpointIndex` (where to
//! begin instead of at the beginning). Files are Python's.

#![allow(
    clippy::disallowed_types,
    reason = "frozen classes that a writer thread may share: one uncontended lock per call"
)]

mod checkpoint;
mod control_dict;
mod decoder;
mod follow;
mod from_dict;
mod held;
mod reasons;
mod replay;
mod search;
mod start;
mod to_dict;

pub(crate) use checkpoint::PyCheckpoint;
pub(crate) use from_dict::{control_of, header_of, report_of};
pub(crate) use replay::PyJournalReplay;
pub(crate) use start::{config_bytes, journal_start};

use crate::chunk::EventChunk;
use crate::error::CoreError;
use from_dict::record_of;
use mmbot_types::InstrumentIdx;
use mmbot_types::journal::{self, Coded, Fault, Reader, RecordKind, Tail, Writer};
use pyo3::create_exception;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

create_exception!(
    _core,
    JournalError,
    CoreError,
    "Journal bytes are damaged: `code` E_STORE_JOURNAL, `offset` the offending byte."
);

/// Adds the classes and functions of this folder to the module.
pub(crate) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add("JournalError", m.py().get_type::<JournalError>())?;
    m.add_class::<PyJournalFramer>()?;
    m.add_class::<decoder::PyJournalDecoder>()?;
    m.add_class::<replay::PyJournalReplay>()?;
    m.add_class::<search::PyJournalSearch>()?;
    m.add_class::<follow::PyJournalFollow>()?;
    m.add_class::<PyCheckpoint>()?;
    m.add_class::<checkpoint::PyCheckpointHead>()?;
    m.add_class::<checkpoint::PyCheckpointIndex>()?;
    m.add_function(wrap_pyfunction!(journal_counts, m)?)?;
    m.add_function(wrap_pyfunction!(journal_kinds, m)?)
}

/// Number of records by kind.
type Counts = BTreeMap<RecordKind, u64>;

/// Numbers and frames records that Python makes.
#[pyclass(name = "JournalFramer", module = "mmbot._core", frozen)]
struct PyJournalFramer {
    inner: Mutex<Writer>,
}

impl PyJournalFramer {
    fn inner(&self) -> MutexGuard<'_, Writer> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl PyJournalFramer {
    #[new]
    #[pyo3(signature = (next_seq=0))]
    fn new(next_seq: u64) -> Self {
        Self {
            inner: Mutex::new(Writer::new(next_seq)),
        }
    }

    fn push(&self, record: &Bound<'_, PyDict>) -> PyResult<u64> {
        let record = record_of(record)?;
        self.inner().append(&record).map_err(damage)
    }

    fn push_rows(&self, instrument: u16, chunk: &EventChunk) -> PyResult<()> {
        let columns = &chunk.columns;
        let rows: Vec<_> = match &columns.local_order {
            None => (0..columns.len()).map(|at| columns.row(at)).collect(),
            Some(order) => order.iter().map(|at| columns.row(*at as usize)).collect(),
        };
        let instrument = InstrumentIdx(instrument);
        self.inner().append_rows(instrument, &rows).map_err(damage)
    }

    fn take<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let mut writer = self.inner();
        let taken = PyBytes::new(py, writer.pending());
        writer.clear();
        taken
    }

    #[getter]
    fn next_seq(&self) -> u64 {
        self.inner().next_seq()
    }
}

#[pyfunction]
fn journal_counts<'py>(
    py: Python<'py>,
    data: &[u8],
    next_seq: Option<u64>,
) -> PyResult<Bound<'py, PyDict>> {
    let mut counts = Counts::new();
    let mut reader = Reader::resume(data, 0, next_seq);
    while pass(&mut reader, &mut counts).map_err(damage)? {}
    match reader.tail().map_err(damage)? {
        Tail::Clean => counts_dict(py, &counts),
        Tail::Torn { at } => Err(damage(journal::JournalError {
            offset: at,
            what: Fault::Short,
        })),
    }
}

#[pyfunction]
fn journal_kinds() -> Vec<&'static str> {
    RecordKind::VARIANTS
        .iter()
        .map(|kind| kind.name())
        .collect()
}

/// Passes over the next frame and counts it; false if there is none.
fn pass(reader: &mut Reader<'_>, counts: &mut Counts) -> Result<bool, journal::JournalError> {
    let Some(frame) = reader.next_frame()? else {
        return Ok(false);
    };
    *counts.entry(kind_of(&frame)?).or_default() += 1;
    Ok(true)
}

fn kind_of(frame: &journal::Frame<'_>) -> Result<RecordKind, journal::JournalError> {
    let code = frame.body.first().copied().unwrap_or_default();
    RecordKind::of_code(code).ok_or(journal::JournalError {
        offset: frame.body_offset(),
        what: Fault::Kind(code),
    })
}

fn counts_dict<'py>(py: Python<'py>, counts: &Counts) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    for (kind, count) in counts {
        out.set_item(kind.name(), count)?;
    }
    Ok(out)
}

fn damage(error: journal::JournalError) -> PyErr {
    let key = format!("offset={}", error.offset);
    let text = format!("E_STORE_JOURNAL: {key} {}", error.what);
    let raised = JournalError::new_err(text);
    Python::attach(|py| {
        let value = raised.value(py);
        // as in `core_error`: the message holds what a failed attribute would
        let _ = value.setattr("code", "E_STORE_JOURNAL");
        let _ = value.setattr("key", key);
        let _ = value.setattr("message", error.what.to_string());
        let _ = value.setattr("offset", error.offset);
    });
    raised
}
