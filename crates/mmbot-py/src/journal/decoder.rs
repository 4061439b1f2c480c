//! `JournalDecoder`: blocks of any size in, records out, one frame of memory between.

use super::held::Held;
use super::to_dict::entry_dict;
use super::{Counts, counts_dict, damage, kind_of, pass};
use mmbot_types::journal::{Coded, Entry, JournalError, Reader, RecordKind, Tail, decode};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Decodes one segment.
#[pyclass(name = "JournalDecoder", module = "mmbot._core", frozen)]
pub(super) struct PyJournalDecoder {
    inner: Mutex<Feed>,
}

/// What was fed, and what was found in it.
struct Feed {
    held: Held,
    counts: Counts,
}

/// Which records are wanted.
struct Wanted {
    kinds: Option<Vec<RecordKind>>,
    from_seq: u64,
    max: usize,
}

impl Feed {
    fn skip(&mut self) -> Result<(), JournalError> {
        let mut counts = std::mem::take(&mut self.counts);
        let mut reader = self.held.reader();
        let done = loop {
            let before = (reader.offset(), reader.next_seq());
            match pass(&mut reader, &mut counts) {
                Ok(true) => {}
                Ok(false) => break (before, Ok(())),
                Err(error) => break (before, Err(error)),
            }
        };
        self.counts = counts;
        let ((offset, next_seq), result) = done;
        self.held.pass_to(offset, next_seq);
        result
    }

    /// Wanted entries; an error comes when the entries before it have been taken.
    fn take(&mut self, wanted: &Wanted) -> Result<Vec<Entry>, JournalError> {
        let mut counts = std::mem::take(&mut self.counts);
        let mut reader = self.held.reader();
        let mut entries = Vec::new();
        let mut read = (reader.offset(), reader.next_seq());
        let mut failed = None;
        while entries.len() < wanted.max {
            match next_wanted(&mut reader, wanted) {
                Ok(None) => break,
                Ok(Some((kind, entry))) => {
                    entries.extend(entry);
                    *counts.entry(kind).or_default() += 1;
                    read = (reader.offset(), reader.next_seq());
                }
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        self.counts = counts;
        self.held.pass_to(read.0, read.1);
        match failed {
            Some(error) if entries.is_empty() => Err(error),
            _ => Ok(entries),
        }
    }
}

/// The next frame's kind, and its entry if that is wanted.
fn next_wanted(
    reader: &mut Reader<'_>,
    wanted: &Wanted,
) -> Result<Option<(RecordKind, Option<Entry>)>, JournalError> {
    let Some(frame) = reader.next_frame()? else {
        return Ok(None);
    };
    let kind = kind_of(&frame)?;
    let is_wanted = frame.seq >= wanted.from_seq
        && wanted
            .kinds
            .as_ref()
            .is_none_or(|kinds| kinds.contains(&kind));
    if !is_wanted {
        return Ok(Some((kind, None)));
    }
    let record = decode(frame.body).map_err(|error| JournalError {
        offset: frame.body_offset() + error.offset,
        what: error.what,
    })?;
    let seq = frame.seq;
    Ok(Some((kind, Some(Entry { seq, record }))))
}

impl PyJournalDecoder {
    fn inner(&self) -> MutexGuard<'_, Feed> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl PyJournalDecoder {
    #[new]
    #[pyo3(signature = (next_seq=None, offset=0))]
    fn new(next_seq: Option<u64>, offset: u64) -> Self {
        let feed = Feed {
            held: Held::from(next_seq, offset),
            counts: Counts::new(),
        };
        Self {
            inner: Mutex::new(feed),
        }
    }

    fn feed(&self, py: Python<'_>, data: &[u8]) {
        py.detach(|| self.inner().held.feed(data));
    }

    fn skip(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.inner().skip()).map_err(damage)
    }

    #[pyo3(signature = (max_records, *, kinds=None, from_seq=0, rows=false))]
    fn take<'py>(
        &self,
        py: Python<'py>,
        max_records: usize,
        kinds: Option<Vec<String>>,
        from_seq: u64,
        rows: bool,
    ) -> PyResult<Bound<'py, PyList>> {
        let wanted = Wanted {
            kinds: kinds.map(|names| kinds_of(&names)).transpose()?,
            from_seq,
            max: max_records,
        };
        let entries = py.detach(|| self.inner().take(&wanted)).map_err(damage)?;
        let out = PyList::empty(py);
        for entry in &entries {
            out.append(entry_dict(py, entry, rows)?)?;
        }
        Ok(out)
    }

    fn finish(&self, py: Python<'_>) -> PyResult<Option<u64>> {
        let tail = py.detach(|| self.inner().held.reader().tail());
        match tail.map_err(damage)? {
            Tail::Clean => Ok(None),
            Tail::Torn { at } => Ok(Some(at)),
        }
    }

    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        counts_dict(py, &self.inner().counts)
    }

    #[getter]
    fn offset(&self) -> u64 {
        self.inner().held.offset()
    }

    #[getter]
    fn next_seq(&self) -> Option<u64> {
        self.inner().held.next_seq()
    }
}

fn kinds_of(names: &[String]) -> PyResult<Vec<RecordKind>> {
    let kind = |name: &String| {
        RecordKind::of_label(name).ok_or_else(|| {
            crate::error::core_error("E_STORE_TYPE", name, "is not a kind of record")
        })
    };
    names.iter().map(kind).collect()
}
