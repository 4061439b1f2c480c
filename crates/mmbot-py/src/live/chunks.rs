//! `FrameChunks`: frames in as they come, chunks for a backtest that follows the market out.

// Frozen classes own their state behind a lock: one thread reads sockets, another one trades.
#![allow(clippy::disallowed_types)]

use super::{calls, no_symbol};
use crate::chunk::EventChunk;
use crate::error::run_error;
use crate::instrument::PyInstrument;
use mmbot_run::FrameChunks;
use mmbot_types::{Instrument, TsNs};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// See its stub.
#[pyclass(name = "FrameChunks", module = "mmbot._core", frozen)]
pub(super) struct PyFrameChunks {
    inner: Mutex<FrameChunks>,
    instruments: Vec<Instrument>,
}

impl PyFrameChunks {
    fn lock(&self) -> MutexGuard<'_, FrameChunks> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn index_of(&self, symbol: &str) -> PyResult<usize> {
        let found = self
            .instruments
            .iter()
            .position(|one| one.symbol() == symbol);
        found.ok_or_else(|| no_symbol(symbol))
    }
}

#[pymethods]
impl PyFrameChunks {
    #[new]
    fn new(instruments: Vec<Bound<'_, PyInstrument>>) -> PyResult<Self> {
        let instruments: Vec<_> = instruments
            .iter()
            .map(|one| one.get().inner.clone())
            .collect();
        let inner = FrameChunks::new(instruments.iter()).map_err(|error| run_error(&error))?;
        Ok(Self {
            inner: Mutex::new(inner),
            instruments,
        })
    }

    fn on_frame(&self, frame: &[u8], recv_ns: i64) {
        self.lock().on_frame(frame, TsNs::new(recv_ns));
    }

    fn on_gap(&self, symbol: &str, recv_ns: i64) -> PyResult<()> {
        let at = self.index_of(symbol)?;
        let done = self.lock().on_gap(at, TsNs::new(recv_ns));
        done.map_err(|error| run_error(&error))
    }

    fn take(&self, symbol: &str, known_ns: i64) -> PyResult<EventChunk> {
        let at = self.index_of(symbol)?;
        let columns = self.lock().take(at, TsNs::new(known_ns));
        Ok(EventChunk::reaching(columns, known_ns))
    }

    fn take_resubscribes(&self) -> Vec<&str> {
        calls::symbols_of(&self.lock().take_resubscribes(), &self.instruments)
    }

    fn take_rejects<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        calls::reject_dicts(py, &self.lock().take_rejects(), &self.instruments)
    }

    fn feed_counts<'py>(&self, py: Python<'py>, symbol: &str) -> PyResult<Bound<'py, PyDict>> {
        let counts = self.lock().feed_counts(self.index_of(symbol)?);
        calls::counts_dict(py, &counts.unwrap_or_default())
    }
}
