//! Checkpoints for Python: `Checkpoint` (one that a session has just taken), `CheckpointHead` (what
//! is known of one), `CheckpointIndex` (all heads of a session, and which of them to begin with).

use crate::error::core_error;
use mmbot_core::STATE_BUILD;
use mmbot_run::Checkpoint;
use mmbot_run::checkpoint::{At, Head, Index};
use mmbot_types::TsNs;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// A checkpoint to be written.
#[pyclass(name = "Checkpoint", module = "mmbot._core", frozen)]
pub(crate) struct PyCheckpoint {
    inner: Checkpoint,
}

impl PyCheckpoint {
    pub(crate) const fn new(inner: Checkpoint) -> Self {
        Self { inner }
    }
}

#[pymethods]
impl PyCheckpoint {
    /// Market time.
    #[getter]
    fn ts_ns(&self) -> i64 {
        self.inner.head.ts.get()
    }

    /// The state, as it is to be written.
    #[getter]
    fn state<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.inner.state)
    }

    /// The frame of its head, once the state is at `offset` of a file.
    #[pyo3(signature = (*, file, offset))]
    fn head<'py>(&self, py: Python<'py>, file: u32, offset: u64) -> PyResult<Bound<'py, PyBytes>> {
        let mut head = self.inner.head.clone();
        (head.state.file, head.state.offset) = (file, offset);
        let framed = head.framed().map_err(|error| {
            let key = format!("checkpoint={}", head.number);
            core_error("E_STORE_JOURNAL", &key, &error.to_string())
        })?;
        Ok(PyBytes::new(py, &framed))
    }
}

/// A head that was read.
#[pyclass(name = "CheckpointHead", module = "mmbot._core", frozen)]
pub(crate) struct PyCheckpointHead {
    pub(super) head: Head,
}

#[pymethods]
impl PyCheckpointHead {
    /// Checkpoints of the session before it.
    #[getter]
    fn number(&self) -> u64 {
        self.head.number
    }

    /// Its state can be read.
    #[getter]
    fn is_of_this_build(&self) -> bool {
        self.head.build == STATE_BUILD
    }

    /// The record of the hash of its state, and where it begins, counted over all segments.
    #[getter]
    fn at(&self) -> (u64, u64) {
        place(&self.head.at)
    }

    /// Market time.
    #[getter]
    fn ts_ns(&self) -> i64 {
        self.head.ts.get()
    }

    /// Hash of its state.
    #[getter]
    fn hash(&self) -> u64 {
        self.head.hash
    }

    /// File, offset and length of its state.
    #[getter]
    fn state(&self) -> (u32, u64, u64) {
        let state = self.head.state;
        (state.file, state.offset, state.bytes)
    }
}

/// All heads of a session.
#[pyclass(name = "CheckpointIndex", module = "mmbot._core", frozen)]
pub(super) struct PyCheckpointIndex {
    index: Index,
}

#[pymethods]
impl PyCheckpointIndex {
    /// The heads of a file, as far as they are whole.
    #[new]
    fn new(data: &[u8]) -> Self {
        Self {
            index: Index::read(data),
        }
    }

    fn __len__(&self) -> usize {
        self.index.heads().len()
    }

    /// The head of a checkpoint.
    fn head(&self, at: usize) -> PyResult<PyCheckpointHead> {
        match self.index.heads().get(at) {
            Some(head) => Ok(PyCheckpointHead { head: head.clone() }),
            None => Err(core_error("E_STORE_TYPE", "at", "there is no such head")),
        }
    }

    /// How many of the first heads are of use of a journal of this length, and where the last of
    /// them ends in `data`.
    fn kept(&self, journal_bytes: u64) -> (usize, usize) {
        let kept = self.index.kept(journal_bytes);
        (kept.heads, kept.bytes)
    }

    /// The last one before a record.
    fn before(&self, seq: u64) -> Option<usize> {
        self.index.before(seq)
    }

    /// The last one at or before a market time.
    fn at(&self, ts_ns: i64) -> Option<usize> {
        self.index.at(TsNs::new(ts_ns))
    }

    /// Those between which all requests about an order are.
    fn of_order(&self, number: u64) -> (Option<usize>, Option<usize>) {
        let window = self.index.of_order(number);
        (window.from, window.until)
    }

    /// Numbers and places of the records of parameters before one; None if they are not known.
    fn params_before(&self, at: usize) -> Option<Vec<(u64, u64)>> {
        let places = self.index.params_before(at)?;
        Some(places.iter().map(place).collect())
    }
}

fn place(at: &At) -> (u64, u64) {
    (at.seq, at.offset)
}
