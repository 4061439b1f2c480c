//! `JournalFollow`: blocks of a journal in, what happened to orders and accounts out.

use super::damage;
use super::held::Held;
use super::to_dict::entry_dict;
use crate::error::core_error;
use crate::session_keys::read_session;
use mmbot_run::ReplayError;
use mmbot_run::follow::{Follow, MarkoutTold, OrderTold, Told};
use mmbot_types::journal::{Entry, JournalError, Record, Tail};
use mmbot_types::{ExecPrice, Instrument, RolloutParams};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Follows a journal; decides nothing.
#[pyclass(name = "JournalFollow", module = "mmbot._core", frozen)]
pub(super) struct PyJournalFollow {
    inner: Mutex<Running>,
}

struct Running {
    held: Held,
    follow: Follow,
    out: VecDeque<Out>,
}

/// What is handed over: things told, and the records that say what a session is.
enum Out {
    Entry(Box<Entry>),
    Told(Told),
}

enum Stopped {
    Damage(JournalError),
    Foreign(ReplayError),
}

fn rollout_of(config: &[u8], instruments: &[Instrument]) -> Option<RolloutParams> {
    Python::attach(|py| {
        let loads = py.import("json").ok()?.getattr("loads").ok()?;
        let given = loads.call1((config,)).ok()?;
        Some(read_session(&given, instruments).ok()?.rollout)
    })
}

impl Running {
    /// Reads whole frames as long as fewer than `max` things wait. An error comes when what was
    /// before it has been handed over.
    fn run(&mut self, max: usize) -> Result<(), Stopped> {
        let mut reader = self.held.reader();
        let mut told = Vec::new();
        let begun = reader.offset();
        let read = loop {
            let before = (reader.offset(), reader.next_seq());
            if self.out.len() >= max {
                break Ok(before);
            }
            let entry = match reader.next_entry() {
                Ok(Some(entry)) => entry,
                Ok(None) => break Ok(before),
                Err(_) if before.0 > begun => break Ok(before),
                Err(error) => break Err(Stopped::Damage(error)),
            };
            let done = self.follow.on_entry(&entry, &mut rollout_of, &mut told);
            match done {
                Ok(()) => {}
                Err(_) if before.0 > begun => break Ok(before),
                Err(error) => break Err(Stopped::Foreign(error)),
            }
            if is_told_as_it_is(&entry.record) {
                self.out.push_back(Out::Entry(Box::new(entry)));
            }
            self.out.extend(told.drain(..).map(Out::Told));
        };
        let (offset, next_seq) = read?;
        self.held.pass_to(offset, next_seq);
        Ok(())
    }
}

const fn is_told_as_it_is(record: &Record) -> bool {
    matches!(
        record,
        Record::Header(_)
            | Record::Params { .. }
            | Record::Start { .. }
            | Record::Note { .. }
            | Record::SessionEnd { .. }
    )
}

impl PyJournalFollow {
    fn inner(&self) -> MutexGuard<'_, Running> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl PyJournalFollow {
    #[new]
    #[pyo3(signature = (*, mark_every_ns))]
    fn new(mark_every_ns: i64) -> PyResult<Self> {
        if mark_every_ns <= 0 {
            return Err(core_error(
                "E_CFG_RANGE",
                "mark_every_ns",
                "must be above 0",
            ));
        }
        Ok(Self {
            inner: Mutex::new(Running {
                held: Held::new(Some(0)),
                follow: Follow::new(mark_every_ns),
                out: VecDeque::new(),
            }),
        })
    }

    /// Takes the next bytes; what they tell waits for `take`.
    fn feed(&self, py: Python<'_>, data: &[u8]) {
        py.detach(|| self.inner().held.feed(data));
    }

    /// What was told since the last call, about `max` things at most; fewer if more input is
    /// needed.
    fn take<'py>(&self, py: Python<'py>, max: usize) -> PyResult<Bound<'py, PyList>> {
        let run = || {
            let mut running = self.inner();
            running.run(max)?;
            Ok(std::mem::take(&mut running.out))
        };
        let told = py.detach(run).map_err(|stopped| match stopped {
            Stopped::Damage(error) => damage(error),
            Stopped::Foreign(error) => {
                let key = format!("seq={}", error.seq);
                core_error("E_STORE_JOURNAL", &key, &error.what.to_string())
            }
        })?;
        let out = PyList::empty(py);
        for one in told {
            out.append(match one {
                Out::Entry(entry) => entry_dict(py, &entry, false)?,
                Out::Told(told) => told_dict(py, &told)?,
            })?;
        }
        Ok(out)
    }

    /// Ends a segment: the offset of a torn tail, or None.
    fn end_segment(&self) -> PyResult<Option<u64>> {
        let mut running = self.inner();
        let tail = running.held.reader().tail().map_err(damage)?;
        running.held.next_segment();
        match tail {
            Tail::Clean => Ok(None),
            Tail::Torn { at } => Ok(Some(at)),
        }
    }

    /// The record that must come next.
    #[getter]
    fn next_seq(&self) -> u64 {
        self.inner().held.next_seq().unwrap_or_default()
    }
}

fn told_dict<'py>(py: Python<'py>, told: &Told) -> PyResult<Bound<'py, PyDict>> {
    match told {
        Told::Order(order) => order_dict(py, order),
        Told::Markout(markout) => markout_dict(py, markout),
        Told::Mark { seq, ts, mids } => {
            let out = PyDict::new(py);
            out.set_item("kind", "mark")?;
            out.set_item("seq", seq)?;
            out.set_item("ts_ns", ts.get())?;
            let mids: Vec<Option<i64>> = mids.iter().map(|mid| mid.map(ExecPrice::get)).collect();
            out.set_item("mids", mids)?;
            Ok(out)
        }
    }
}

fn markout_dict<'py>(py: Python<'py>, told: &MarkoutTold) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("kind", "markout")?;
    out.set_item("seq", told.seq)?;
    out.set_item("instrument", told.instrument.0)?;
    out.set_item("number", told.number)?;
    out.set_item("cum_qty", told.cum_qty.get())?;
    out.set_item("horizon_ms", told.horizon_ms)?;
    out.set_item("mid", told.mid.get())?;
    out.set_item("bps_e4", told.bps_e4)?;
    Ok(out)
}

fn order_dict<'py>(py: Python<'py>, told: &OrderTold) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("kind", "order")?;
    out.set_item("seq", told.seq)?;
    out.set_item("ts_ns", told.ts.get())?;
    out.set_item("instrument", told.instrument.0)?;
    out.set_item("number", told.number)?;
    out.set_item("event", told.kind)?;
    out.set_item("px", told.px.map(|px| px.get()))?;
    out.set_item("qty", told.qty.map(|qty| qty.get()))?;
    out.set_item("cause", told.cause)?;
    out.set_item("latency_ns", told.latency_ns)?;
    if let Some(order) = &told.order {
        let now = PyDict::new(py);
        now.set_item("side", order.side.name())?;
        now.set_item("color", order.color.name())?;
        now.set_item("px", order.px.get())?;
        now.set_item("total", order.total.get())?;
        now.set_item("post_only", order.post_only)?;
        now.set_item("state", order.state)?;
        now.set_item("filled", order.filled.get())?;
        now.set_item("notional", order.notional.get())?;
        now.set_item("created_ns", order.created.get())?;
        now.set_item("done_ns", order.done.map(|done| done.0.get()))?;
        now.set_item("done_reason", order.done.map(|done| done.1))?;
        out.set_item("order", now)?;
    }
    if let Some(fill) = &told.fill {
        let made = PyDict::new(py);
        made.set_item("px", fill.px.get())?;
        made.set_item("qty", fill.qty.get())?;
        made.set_item("cum_qty", fill.cum_qty.get())?;
        made.set_item("maker", fill.maker)?;
        made.set_item("fee", fill.fee.get())?;
        made.set_item("ts_exch_ns", fill.ts_exch.get())?;
        made.set_item("mid", fill.mid.map(ExecPrice::get))?;
        out.set_item("fill", made)?;
    }
    Ok(out)
}
