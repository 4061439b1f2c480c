//! `JournalSearch`: blocks of a journal in, where the answer to a question stands.

use super::damage;
use super::held::Held;
use mmbot_run::{Question, Search, Sent};
use mmbot_types::journal::{JournalError, Tail};
use mmbot_types::{Action, InstrumentIdx, TsNs};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Looks for an order, or for the last decision before a moment.
#[pyclass(name = "JournalSearch", module = "mmbot._core", frozen)]
pub(super) struct PyJournalSearch {
    inner: Mutex<Running>,
}

struct Running {
    held: Held,
    search: Search,
    /// The last record that is looked at.
    until_seq: u64,
    done: bool,
}

impl Running {
    fn run(&mut self) -> Result<(), JournalError> {
        let mut reader = self.held.reader();
        while let Some(frame) = reader.next_frame()? {
            if frame.seq > self.until_seq {
                self.done = true;
                break;
            }
            self.search.on_frame(&frame)?;
        }
        let (offset, next_seq) = (reader.offset(), reader.next_seq());
        self.held.pass_to(offset, next_seq);
        Ok(())
    }
}

impl PyJournalSearch {
    fn inner(&self) -> MutexGuard<'_, Running> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn asking(question: Question, start: Option<(u64, u64)>, until_seq: Option<u64>) -> Self {
        let (seq, offset) = start.unwrap_or_default();
        Self {
            inner: Mutex::new(Running {
                held: Held::from(Some(seq), offset),
                search: Search::new(question),
                until_seq: until_seq.unwrap_or(u64::MAX),
                done: false,
            }),
        }
    }
}

#[pymethods]
impl PyJournalSearch {
    /// Why the order with this number in the session? `start` is the first record that is looked
    /// at, with its offset in its segment, `until_seq` the last one.
    #[staticmethod]
    #[pyo3(signature = (number, *, start=None, until_seq=None))]
    fn order(number: u64, start: Option<(u64, u64)>, until_seq: Option<u64>) -> Self {
        Self::asking(Question::Order(number), start, until_seq)
    }

    /// Why did an instrument do at `ts_ns` what it did?
    #[staticmethod]
    #[pyo3(signature = (instrument, ts_ns, *, start=None, until_seq=None))]
    fn at(instrument: u16, ts_ns: i64, start: Option<(u64, u64)>, until_seq: Option<u64>) -> Self {
        let question = Question::At(InstrumentIdx(instrument), TsNs::new(ts_ns));
        Self::asking(question, start, until_seq)
    }

    /// Takes a block; true if more are wanted.
    fn feed(&self, py: Python<'_>, data: &[u8]) -> PyResult<bool> {
        let run = || {
            let mut running = self.inner();
            running.held.feed(data);
            running.run().map(|()| !running.done)
        };
        py.detach(run).map_err(damage)
    }

    /// Ends a segment: the offset of a torn tail, or None.
    fn end_segment(&self) -> PyResult<Option<u64>> {
        let mut running = self.inner();
        if running.done {
            return Ok(None);
        }
        let tail = running.held.reader().tail().map_err(damage)?;
        running.held.next_segment();
        match tail {
            Tail::Clean => Ok(None),
            Tail::Torn { at } => Ok(Some(at)),
        }
    }

    /// Instrument, first and last record of the decisions that answer; None without an answer.
    fn place(&self) -> Option<(u16, u64, u64)> {
        let place = self.inner().search.place()?;
        Some((place.instrument.0, place.from_seq, place.to_seq))
    }

    /// True if a decision is known that all that follows up to the answer is traced from.
    fn is_complete(&self) -> bool {
        self.inner().search.is_complete()
    }

    /// All requests about the order, in their order.
    fn requests<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let out = PyList::empty(py);
        for sent in self.inner().search.sent() {
            out.append(sent_dict(py, sent)?)?;
        }
        Ok(out)
    }
}

fn sent_dict<'py>(py: Python<'py>, sent: &Sent) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("seq", sent.seq)?;
    out.set_item("cause_seq", sent.cause_seq)?;
    out.set_item("trigger", sent.cause_kind.name())?;
    out.set_item("instrument", sent.instrument.0)?;
    out.set_item("ts_ns", sent.ts.get())?;
    out.set_item("cause", sent.cause.name())?;
    out.set_item("full_cid", sent.full_cid)?;
    let (name, side, px, qty) = match sent.action {
        Action::Place(new) => ("place", Some(new.side), Some(new.px), Some(new.qty)),
        Action::Amend { px, total_qty, .. } => ("amend", None, Some(px), Some(total_qty)),
        Action::Cancel { .. } => ("cancel", None, None, None),
    };
    out.set_item("action", name)?;
    out.set_item("side", side.map(|side| side.name()))?;
    out.set_item("px_ticks", px.map(|px| px.get()))?;
    out.set_item("qty_lots", qty.map(|qty| qty.get()))?;
    Ok(out)
}
