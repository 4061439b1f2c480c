//! `StreamMerger`: catalog streams to chunks.

// Frozen classes own their state behind a lock: calls from several Python threads take turns.
#![allow(clippy::disallowed_types)]

use crate::chunk::EventChunk;
use crate::error::chunk_error;
use mmbot_run::{BookBatch, StreamMerger, TradeBatch, Wants};
use numpy::PyReadonlyArray1;
use pyo3::prelude::*;
use std::sync::{Mutex, PoisonError};

/// Merges the book and trade streams of the catalog into chunks, in bounded memory.
#[pyclass(name = "StreamMerger", module = "mmbot._core", frozen)]
pub(crate) struct PyStreamMerger {
    inner: Mutex<StreamMerger>,
}

impl PyStreamMerger {
    fn with<T>(&self, use_it: impl FnOnce(&mut StreamMerger) -> T) -> T {
        use_it(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

type Column<'py, T> = PyReadonlyArray1<'py, T>;

#[pymethods]
impl PyStreamMerger {
    #[new]
    fn new() -> Self {
        Self {
            inner: Mutex::new(StreamMerger::new()),
        }
    }

    fn push_book(
        &self,
        ts_ns: Column<'_, i64>,
        recv_ns: Column<'_, i64>,
        update_id: Column<'_, i64>,
        kind: Column<'_, u8>,
        side: Column<'_, u8>,
        px: Column<'_, i64>,
        qty: Column<'_, i64>,
    ) -> PyResult<()> {
        let batch = BookBatch {
            ts_ns: ts_ns.as_slice()?,
            recv_ns: recv_ns.as_slice()?,
            update_id: update_id.as_slice()?,
            kind: kind.as_slice()?,
            side: side.as_slice()?,
            px: px.as_slice()?,
            qty: qty.as_slice()?,
        };
        self.with(|merger| merger.push_book(batch))
            .map_err(chunk_error)
    }

    fn push_trades(
        &self,
        ts_ns: Column<'_, i64>,
        recv_ns: Column<'_, i64>,
        side: Column<'_, u8>,
        px: Column<'_, i64>,
        qty: Column<'_, i64>,
    ) -> PyResult<()> {
        let batch = TradeBatch {
            ts_ns: ts_ns.as_slice()?,
            recv_ns: recv_ns.as_slice()?,
            side: side.as_slice()?,
            px: px.as_slice()?,
            qty: qty.as_slice()?,
        };
        self.with(|merger| merger.push_trades(batch))
            .map_err(chunk_error)
    }

    fn end_book(&self) {
        self.with(StreamMerger::end_book);
    }

    fn end_trades(&self) {
        self.with(StreamMerger::end_trades);
    }

    #[getter]
    fn wants(&self) -> &'static str {
        match self.with(|merger| merger.wants()) {
            Wants::Book => "book",
            Wants::Trades => "trades",
            Wants::Nothing => "",
        }
    }

    fn take(&self, py: Python<'_>) -> Option<EventChunk> {
        py.detach(|| self.with(StreamMerger::take))
            .map(EventChunk::new)
    }
}
