//! Live sessions, new and resumed.

use super::PyLiveSession;
use crate::error::run_error;
use crate::instrument::PyInstrument;
use crate::journal::{PyJournalReplay, config_bytes, journal_start};
use crate::lane_keys::read_params;
use crate::session_keys::read_session;
use mmbot_run::checkpoint::At;
use mmbot_run::{LiveSession, Resumption, RunError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// What a new session is made of.
pub(super) struct Given<'a, 'py> {
    pub(super) instruments: &'a [Bound<'py, PyInstrument>],
    pub(super) params: &'a [Bound<'py, PyAny>],
    pub(super) session: &'a Bound<'py, PyAny>,
    pub(super) journal: &'a Bound<'py, PyDict>,
}

pub(super) fn new_session(
    given: &Given<'_, '_>,
    seed: u64,
    strategy: Option<Py<PyAny>>,
    record: bool,
) -> PyResult<PyLiveSession> {
    let instruments = given.instruments.iter();
    let instruments: Vec<_> = instruments.map(|one| one.get().inner.clone()).collect();
    if given.params.len() != instruments.len() || instruments.is_empty() {
        return Err(run_error(&RunError::Lanes));
    }
    let params = given.params.iter();
    let read = params.clone().map(|mapping| read_params(mapping, seed));
    let read = read.collect::<PyResult<Vec<_>>>()?;
    let configs = params.map(config_bytes).collect::<PyResult<_>>()?;
    let journal = given.journal.copy()?;
    journal.set_item("seed", seed)?;
    let session = config_bytes(given.session)?;
    let start = journal_start(&journal, &instruments, configs, session)?;
    let cid_prefix = start.header.cid_prefix.clone();
    let both = instruments.iter().cloned().zip(read).collect();
    let session = read_session(given.session, &instruments)?;
    let made = LiveSession::new(both, session, start).map_err(|error| run_error(&error))?;
    Ok(PyLiveSession::over(
        made,
        &cid_prefix,
        strategy,
        seed,
        record,
    ))
}

/// `from` lacks the number of the next record, which `replay` knows.
pub(super) fn resumed(
    replay: &PyJournalReplay,
    from: Resumption,
    cid_prefix: &str,
    strategy: Option<Py<PyAny>>,
    record: bool,
) -> PyResult<PyLiveSession> {
    let (replay, next_seq) = replay.take();
    let seed = replay.seed();
    let at = At {
        seq: next_seq.unwrap_or_default(),
        ..from.at
    };
    let made = LiveSession::resume(replay, Resumption { at, ..from });
    let made = made.map_err(|error| run_error(&error))?;
    Ok(PyLiveSession::over(
        made, cid_prefix, strategy, seed, record,
    ))
}
