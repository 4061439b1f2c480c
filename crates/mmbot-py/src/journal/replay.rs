//! `JournalReplay`: blocks of a journal in, what the core makes of them now.

use super::checkpoint::PyCheckpointHead;
use super::damage;
use super::held::Held;
use super::reasons::trace_dict;
use crate::error::core_error;
use crate::lane_keys::read_params;
use crate::session_keys::read_session;
use mmbot_run::{Configs, Difference, Place, Replay, ReplayError};
use mmbot_types::journal::{JournalError, Record, Tail};
use mmbot_types::{Action, Instrument, InstrumentIdx, Params, SessionParams};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Feeds a journal to a new core and compares what it asks for.
#[pyclass(name = "JournalReplay", module = "mmbot._core", frozen)]
pub(crate) struct PyJournalReplay {
    inner: Mutex<Running>,
}

struct Running {
    held: Held,
    replay: Replay,
    until_seq: u64,
    /// Everything asked for has been seen: nothing more is read.
    done: bool,
}

/// What ends a replay early.
enum Stopped {
    Damage(JournalError),
    Foreign(ReplayError),
}

/// Flat JSON, read as configurations of `Backtest` are.
struct Json;

fn mapping<'py>(py: Python<'py>, config: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    py.import("json")?.getattr("loads")?.call1((config,))
}

impl Configs for Json {
    fn params(&mut self, config: &[u8], seed: u64) -> Result<Params, String> {
        Python::attach(|py| {
            let read = mapping(py, config).and_then(|given| read_params(&given, seed));
            read.map_err(|error| error.value(py).to_string())
        })
    }

    fn session(
        &mut self,
        config: &[u8],
        instruments: &[Instrument],
    ) -> Result<SessionParams, String> {
        Python::attach(|py| {
            let read = mapping(py, config).and_then(|given| read_session(&given, instruments));
            read.map_err(|error| error.value(py).to_string())
        })
    }
}

impl Running {
    /// Reads all whole frames that are held.
    fn run(&mut self) -> Result<(), Stopped> {
        let mut reader = self.held.reader();
        let read = loop {
            let before = (reader.offset(), reader.next_seq());
            if self.done {
                break Ok(before);
            }
            let entry = match reader.next_entry() {
                Ok(Some(entry)) => entry,
                Ok(None) => break Ok(before),
                Err(error) => break Err(Stopped::Damage(error)),
            };
            let is_request = matches!(entry.record, Record::Intent { .. });
            if entry.seq > self.until_seq && !is_request {
                self.done = true;
            } else if let Err(error) = self.replay.on_entry(&entry, &mut Json) {
                break Err(Stopped::Foreign(error));
            }
            self.done |= self.replay.outcome_is_settled();
        };
        let (offset, next_seq) = read?;
        self.held.pass_to(offset, next_seq);
        Ok(())
    }
}

fn places_of(places: &[(u16, u64, u64)]) -> Vec<Place> {
    let place = |&(instrument, from_seq, to_seq): &(u16, u64, u64)| Place {
        instrument: InstrumentIdx(instrument),
        from_seq,
        to_seq,
    };
    places.iter().map(place).collect()
}

impl PyJournalReplay {
    fn over(held: Held, replay: Replay, until_seq: Option<u64>) -> Self {
        Self {
            inner: Mutex::new(Running {
                held,
                replay,
                until_seq: until_seq.unwrap_or(u64::MAX),
                done: false,
            }),
        }
    }

    /// The replay and the number of the record after its last; nothing is left here.
    pub(crate) fn take(&self) -> (Replay, Option<u64>) {
        let mut running = self.inner();
        running.done = true;
        let next_seq = running.held.next_seq();
        (std::mem::take(&mut running.replay), next_seq)
    }

    fn inner(&self) -> MutexGuard<'_, Running> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl PyJournalReplay {
    /// `until_seq` is the last record that counts, with the requests that it led to; `places` are
    /// decisions to trace: instrument, first and last record; `record` keeps fills and order events
    /// for a session that goes on from it.
    #[new]
    #[pyo3(signature = (*, until_seq=None, places=Vec::new(), record=false))]
    fn new(until_seq: Option<u64>, places: Vec<(u16, u64, u64)>, record: bool) -> Self {
        let replay = Replay::explaining(places_of(&places));
        let replay = if record {
            replay.keeping_records()
        } else {
            replay
        };
        Self::over(Held::new(Some(0)), replay, until_seq)
    }

    /// A replay that goes on from a checkpoint; its record stands at `offset` of the segment that
    /// is fed first.
    #[staticmethod]
    #[pyo3(signature = (head, state, *, offset, until_seq=None, places=Vec::new()))]
    fn resumed(
        py: Python<'_>,
        head: &PyCheckpointHead,
        state: &[u8],
        offset: u64,
        until_seq: Option<u64>,
        places: Vec<(u16, u64, u64)>,
    ) -> PyResult<Self> {
        let engine = py.detach(|| head.head.restore(state)).map_err(|error| {
            let key = format!("checkpoint={}", head.head.number);
            core_error("E_STORE_JOURNAL", &key, &error.to_string())
        })?;
        let replay = Replay::resumed(engine, places_of(&places));
        let held = Held::from(Some(head.head.at.seq), offset);
        Ok(Self::over(held, replay, until_seq))
    }

    /// Takes a block; true if more are wanted.
    fn feed(&self, py: Python<'_>, data: &[u8]) -> PyResult<bool> {
        let run = || {
            let mut running = self.inner();
            running.held.feed(data);
            running.run().map(|()| !running.done)
        };
        py.detach(run).map_err(|stopped| match stopped {
            Stopped::Damage(error) => damage(error),
            Stopped::Foreign(error) => {
                let key = format!("seq={}", error.seq);
                core_error("E_STORE_JOURNAL", &key, &error.what.to_string())
            }
        })
    }

    /// Ends a segment: the offset of a torn tail, or None.
    fn end_segment(&self, py: Python<'_>) -> PyResult<Option<u64>> {
        let tail = py.detach(|| {
            let mut running = self.inner();
            if running.done {
                return Ok(Tail::Clean);
            }
            let tail = running.held.reader().tail();
            running.held.next_segment();
            tail
        });
        match tail.map_err(damage)? {
            Tail::Clean => Ok(None),
            Tail::Torn { at } => Ok(Some(at)),
        }
    }

    /// Events, actions, hash, and where the first difference is.
    fn outcome<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let outcome = self.inner().replay.outcome();
        let out = PyDict::new(py);
        out.set_item("events", outcome.events)?;
        out.set_item("actions", outcome.actions)?;
        out.set_item("hash", format!("{:016x}", outcome.hash))?;
        out.set_item("diff_seq", outcome.difference.map(|found| found.seq()))?;
        let found = outcome.difference.map(|found| match found {
            Difference::Request {
                replayed,
                journalled,
                ..
            } => (shown(replayed), shown(journalled)),
            Difference::Hash {
                replayed,
                journalled,
                ..
            } => (
                format!("state hash {replayed:016x}"),
                format!("state hash {journalled:016x}"),
            ),
        });
        out.set_item("replayed", found.as_ref().map(|found| &found.0))?;
        out.set_item("journalled", found.as_ref().map(|found| &found.1))?;
        Ok(out)
    }

    /// Traces of the places passed, in their order; None where nothing was decided.
    fn explanations<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let running = self.inner();
        let out = PyList::empty(py);
        let instruments = running.replay.instruments();
        for (place, trace) in running.replay.explanations() {
            let instrument = instruments.get(usize::from(place.instrument.0));
            match (trace, instrument) {
                (Some(trace), Some(instrument)) => {
                    out.append(trace_dict(py, trace, instrument)?)?
                }
                _ => out.append(py.None())?,
            }
        }
        Ok(out)
    }

    /// True when all blocks that matter have been read.
    #[getter]
    fn done(&self) -> bool {
        self.inner().done
    }
}

fn shown(action: Option<Action>) -> String {
    match action {
        None => "nothing".to_owned(),
        Some(Action::Place(new)) => format!(
            "place {} {} lots at {} ticks",
            new.side.name(),
            new.qty.get(),
            new.px.get()
        ),
        Some(Action::Amend { px, total_qty, .. }) => {
            format!("amend to {} lots at {} ticks", total_qty.get(), px.get())
        }
        Some(Action::Cancel { .. }) => "cancel".to_owned(),
    }
}
