//! `LiveSession`: frames, reports and time in; requests and journal bytes out.

// Frozen classes own their state behind a lock: calls from several Python threads take turns.
#![allow(clippy::disallowed_types)]

mod calls;
mod request;

pub(crate) use request::PyOrderRequest;

use crate::chunk::EventChunk;
use crate::error::{core_error, run_error};
use crate::instrument::PyInstrument;
use crate::journal::{PyCheckpoint, config_bytes, journal_start, report_of};
use crate::lane_keys::read_params;
use crate::session_keys::read_session;
use crate::strategy::PythonStrategy;
use calls::{control_of, fee_tilt_of, rows_of};
use mmbot_run::{LiveSession, RunError};
use mmbot_types::{Instrument, TsNs};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use request::request_of;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The live driver; see its stub.
#[pyclass(name = "LiveSession", module = "mmbot._core", frozen)]
pub(crate) struct PyLiveSession {
    inner: Mutex<LiveSession>,
    instruments: Vec<Instrument>,
    cid_prefix: String,
    strategy: Option<Py<PyAny>>,
    seed: u64,
}

impl PyLiveSession {
    fn lock(&self) -> MutexGuard<'_, LiveSession> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs with the GIL held: an input is shorter than giving it away and taking it back.
    fn run<T>(
        &self,
        work: impl FnOnce(&mut LiveSession, &mut PythonStrategy<'_>) -> Result<T, RunError>,
    ) -> PyResult<T> {
        let mut strategy = PythonStrategy {
            call: self.strategy.as_ref(),
            allocate: None,
            instruments: &self.instruments,
            failure: None,
        };
        let done = work(&mut self.lock(), &mut strategy);
        done.map_err(|error| strategy.failure.take().unwrap_or_else(|| run_error(&error)))
    }

    fn index_of(&self, symbol: &str) -> PyResult<usize> {
        let found = self
            .instruments
            .iter()
            .position(|one| one.symbol() == symbol);
        found.ok_or_else(|| core_error("E_BT_ARGS", symbol, "is not traded by this session"))
    }
}

#[pymethods]
impl PyLiveSession {
    #[new]
    #[pyo3(signature = (
        instruments, params, session, *, journal, seed = 42, strategy = None, record = false
    ))]
    fn new(
        instruments: Vec<Bound<'_, PyInstrument>>,
        params: Vec<Bound<'_, PyAny>>,
        session: &Bound<'_, PyAny>,
        journal: &Bound<'_, PyDict>,
        seed: u64,
        strategy: Option<Py<PyAny>>,
        record: bool,
    ) -> PyResult<Self> {
        let instruments: Vec<_> = instruments
            .iter()
            .map(|one| one.get().inner.clone())
            .collect();
        if params.len() != instruments.len() || instruments.is_empty() {
            return Err(run_error(&RunError::Lanes));
        }
        let read = params.iter().map(|mapping| read_params(mapping, seed));
        let read = read.collect::<PyResult<Vec<_>>>()?;
        let configs = params.iter().map(config_bytes).collect::<PyResult<_>>()?;
        let journal = journal.copy()?;
        journal.set_item("seed", seed)?;
        let start = journal_start(&journal, &instruments, configs, config_bytes(session)?)?;
        let cid_prefix = start.header.cid_prefix.clone();
        let both = instruments.iter().cloned().zip(read).collect();
        let inner = LiveSession::new(both, read_session(session, &instruments)?, start);
        let mut inner = inner.map_err(|error| run_error(&error))?;
        if record {
            inner.keep_records();
        }
        Ok(Self {
            inner: Mutex::new(inner),
            instruments,
            cid_prefix,
            strategy,
            seed,
        })
    }

    fn on_frame(&self, frame: &[u8], recv_ns: i64) -> PyResult<usize> {
        let recv = TsNs::new(recv_ns);
        self.run(|session, strategy| session.on_frame(frame, recv, strategy))
    }

    fn on_events(&self, symbol: &str, chunk: &EventChunk) -> PyResult<usize> {
        let at = self.index_of(symbol)?;
        let mut rows = rows_of(&chunk.columns);
        self.run(|session, strategy| session.on_rows(at, &mut rows, strategy))
    }

    fn on_gap(&self, symbol: &str, recv_ns: i64) -> PyResult<usize> {
        let at = self.index_of(symbol)?;
        let recv = TsNs::new(recv_ns);
        self.run(|session, strategy| session.on_gap(at, recv, strategy))
    }

    #[pyo3(signature = (symbol, recv_ns, cid, report, *, ts_exch_ns, **fields))]
    fn on_report(
        &self,
        py: Python<'_>,
        symbol: &str,
        recv_ns: i64,
        cid: u64,
        report: &str,
        ts_exch_ns: i64,
        fields: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<usize> {
        let at = self.index_of(symbol)?;
        let given = match fields {
            Some(fields) => fields.copy()?,
            None => PyDict::new(py),
        };
        given.set_item("cid", cid)?;
        given.set_item("report", report)?;
        given.set_item("ts_exch_ns", ts_exch_ns)?;
        let (report, recv) = (report_of(&given)?, TsNs::new(recv_ns));
        self.run(|session, strategy| session.on_report(at, recv, &report, strategy))
    }

    fn on_timer(&self, now_ns: i64) -> PyResult<usize> {
        let now = TsNs::new(now_ns);
        self.run(|session, strategy| session.on_timer(now, strategy))
    }

    fn next_due_ns(&self) -> i64 {
        self.lock().next_due().get()
    }

    #[getter]
    fn now_ns(&self) -> i64 {
        self.lock().now().get()
    }

    #[getter]
    fn symbols(&self) -> Vec<&str> {
        self.instruments.iter().map(Instrument::symbol).collect()
    }

    fn take_requests(&self) -> Vec<PyOrderRequest> {
        let mut session = self.lock();
        let taken = session.take_requests();
        let made = taken.filter_map(|request| {
            let instrument = self.instruments.get(usize::from(request.instrument.0))?;
            Some(request_of(&request, instrument, &self.cid_prefix))
        });
        made.collect()
    }

    fn take_journal<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let taken = self.lock().take_journal(|bytes| PyBytes::new(py, bytes));
        taken.map_err(|error| run_error(&error))
    }

    fn take_checkpoints(&self) -> PyResult<Vec<PyCheckpoint>> {
        let taken = self.lock().take_checkpoints();
        let taken = taken
            .map_err(|error| core_error("E_STORE_JOURNAL", "checkpoint", &error.to_string()))?;
        Ok(taken.into_iter().map(PyCheckpoint::new).collect())
    }

    fn take_resubscribes(&self) -> Vec<&str> {
        let asked = self.lock().take_resubscribes();
        let symbol = |at: &mmbot_types::InstrumentIdx| self.instruments.get(usize::from(at.0));
        asked
            .iter()
            .filter_map(symbol)
            .map(Instrument::symbol)
            .collect()
    }

    fn take_rejects<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let rejects = self.lock().take_rejects();
        let made = rejects
            .iter()
            .map(|one| calls::reject_dict(py, one, &self.instruments));
        made.collect()
    }

    fn feed_counts<'py>(&self, py: Python<'py>, symbol: &str) -> PyResult<Bound<'py, PyDict>> {
        let counts = self.lock().feed_counts(self.index_of(symbol)?);
        calls::counts_dict(py, &counts.unwrap_or_default())
    }

    fn set_params(&self, symbol: &str, now_ns: i64, params: &Bound<'_, PyAny>) -> PyResult<()> {
        let at = self.index_of(symbol)?;
        let (config, read) = (config_bytes(params)?, read_params(params, self.seed)?);
        let done = self.lock().set_params(at, TsNs::new(now_ns), read, config);
        done.map_err(|error| run_error(&error))
    }

    fn set_session(&self, now_ns: i64, session: &Bound<'_, PyAny>) -> PyResult<()> {
        let read = read_session(session, &self.instruments)?;
        let config = config_bytes(session)?;
        let done = self.lock().set_session(TsNs::new(now_ns), read, config);
        done.map_err(|error| run_error(&error))
    }

    #[pyo3(signature = (now_ns, weights, fee_tilt_bps = None))]
    fn set_weights(
        &self,
        now_ns: i64,
        weights: Vec<f64>,
        fee_tilt_bps: Option<f64>,
    ) -> PyResult<()> {
        let tilt = fee_tilt_of(fee_tilt_bps);
        let done = self.lock().set_weights(TsNs::new(now_ns), &weights, tilt);
        done.map_err(|error| run_error(&error))
    }

    fn weight_request<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let session = self.lock();
        if !session.weights_are_due() {
            return Ok(None);
        }
        let (volas, turnover_usd) = session.weight_inputs();
        let out = PyDict::new(py);
        out.set_item("ts_ns", session.now().get())?;
        out.set_item("volas", volas)?;
        out.set_item("turnover_usd", turnover_usd)?;
        Ok(Some(out))
    }

    #[pyo3(signature = (now_ns, control, grade = None))]
    fn control(&self, now_ns: i64, control: &str, grade: Option<&str>) -> PyResult<usize> {
        let control = control_of(control, grade)?;
        let done = self.lock().control(TsNs::new(now_ns), control);
        done.map_err(|error| run_error(&error))
    }

    fn note(&self, now_ns: i64, text: &str) {
        self.lock().note(TsNs::new(now_ns), text);
    }

    fn end(&self, now_ns: i64, reason: &str) {
        self.lock().end(TsNs::new(now_ns), reason);
    }

    fn state_hash(&self) -> String {
        format!("{:016x}", self.lock().engine().state_hash())
    }
}

pub(crate) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<PyOrderRequest>()?;
    m.add_class::<PyLiveSession>()
}
