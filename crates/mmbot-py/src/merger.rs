//! `StreamMerger`: catalog streams to chunks.

// Frozen classes own their state behind a lock: calls from several Python threads take turns.
#![allow(clippy::disallowed_types)]

use crate::chunk::EventChunk;
use crate::columns::{PyColumnReader, Values, page_error};
use crate::error::{chunk_error, core_error};
use mmbot_run::{BookBatch, StreamMerger, TradeBatch, Wants};
use mmbot_types::{ChunkError, EventColumns};
use numpy::PyReadonlyArray1;
use pyo3::prelude::*;
use std::sync::{Arc, Mutex, PoisonError};

/// Chunks under way at once: two in a run, one between, one made ahead, and one to spare.
const KEPT: usize = 5;

/// Merges the book and trade streams of the catalog into chunks, in bounded memory.
#[pyclass(name = "StreamMerger", module = "mmbot._core", frozen)]
pub(crate) struct PyStreamMerger {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    merger: StreamMerger,
    /// Chunks handed out: one that nobody holds any more gives its memory to the next. Fresh memory
    /// would cost more than filling it.
    made: Vec<Arc<EventColumns>>,
}

impl Inner {
    fn take(&mut self) -> Option<Arc<EventColumns>> {
        let free = |chunk: &Arc<EventColumns>| Arc::strong_count(chunk) == 1;
        let mut chunk = match self.made.iter().position(free) {
            Some(at) => self.made.swap_remove(at),
            None => Arc::default(),
        };
        let taken = self.merger.take_into(Arc::get_mut(&mut chunk)?);
        if self.made.len() < KEPT {
            self.made.push(Arc::clone(&chunk));
        }
        taken.then_some(chunk)
    }
}

impl PyStreamMerger {
    fn with<T>(&self, use_it: impl FnOnce(&mut Inner) -> T) -> T {
        use_it(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

type Column<'py, T> = PyReadonlyArray1<'py, T>;

/// Rows decoded and merged at a time: a fifth of a megabyte, which stays in the cache between.
const STEP_ROWS: usize = 4_096;

/// Moves `rows` rows from `reader` to `push`, some at a time.
fn pull(
    py: Python<'_>,
    reader: &PyColumnReader,
    rows: usize,
    mut push: impl FnMut(&[Values<'_>]) -> Option<Result<(), ChunkError>> + Send,
) -> PyResult<()> {
    py.detach(|| {
        let mut done = 0;
        while done < rows {
            let step = STEP_ROWS.min(rows - done);
            match reader.decode(step, &mut push).map_err(page_error)? {
                Some(Ok(())) => done += step,
                Some(Err(error)) => return Err(chunk_error(error.moved(done))),
                None => {
                    let message = "are not those of the stream";
                    return Err(core_error("E_MD_FRAME", "columns", message));
                }
            }
        }
        Ok(())
    })
}

#[pymethods]
impl PyStreamMerger {
    #[new]
    fn new() -> Self {
        Self {
            inner: Mutex::default(),
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
        self.with(|inner| inner.merger.push_book(batch))
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
        self.with(|inner| inner.merger.push_trades(batch))
            .map_err(chunk_error)
    }

    fn pull_book(&self, py: Python<'_>, reader: &PyColumnReader, rows: usize) -> PyResult<()> {
        pull(py, reader, rows, |columns| {
            use Values::{Byte, Long};
            let &[
                Long(ts_ns),
                Long(recv_ns),
                Long(update_id),
                Byte(kind),
                Byte(side),
                Long(px),
                Long(qty),
            ] = columns
            else {
                return None;
            };
            let batch = BookBatch {
                ts_ns,
                recv_ns,
                update_id,
                kind,
                side,
                px,
                qty,
            };
            Some(self.with(|inner| inner.merger.push_book(batch)))
        })
    }

    fn pull_trades(&self, py: Python<'_>, reader: &PyColumnReader, rows: usize) -> PyResult<()> {
        pull(py, reader, rows, |columns| {
            use Values::{Byte, Long};
            let &[Long(ts_ns), Long(recv_ns), Byte(side), Long(px), Long(qty)] = columns else {
                return None;
            };
            let batch = TradeBatch {
                ts_ns,
                recv_ns,
                side,
                px,
                qty,
            };
            Some(self.with(|inner| inner.merger.push_trades(batch)))
        })
    }

    fn end_book(&self) {
        self.with(|inner| inner.merger.end_book());
    }

    fn end_trades(&self) {
        self.with(|inner| inner.merger.end_trades());
    }

    #[getter]
    fn wants(&self) -> &'static str {
        match self.with(|inner| inner.merger.wants()) {
            Wants::Book => "book",
            Wants::Trades => "trades",
            Wants::Nothing => "",
        }
    }

    fn take(&self, py: Python<'_>) -> Option<EventChunk> {
        let columns = py.detach(|| self.with(Inner::take))?;
        Some(EventChunk {
            columns,
            known_ns: None,
        })
    }
}
