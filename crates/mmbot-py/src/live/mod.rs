//! `LiveSession`: frames, reports and time in; requests and journal bytes out.

// Frozen classes own their state behind a lock: calls from several Python threads take turns.
#![allow(clippy::disallowed_types)]

mod calls;
mod chunks;
mod make;
mod request;

pub(crate) use request::PyOrderRequest;

use crate::chunk::EventChunk;
use crate::error::{core_error, run_error};
use crate::instrument::PyInstrument;
use crate::journal::{PyCheckpoint, PyJournalReplay, config_bytes, control_of, report_of};
use crate::lane_keys::read_params;
use crate::order_events::order_event_columns;
use crate::result::{fill_columns, result_dict};
use crate::session::PySessionControl;
use crate::session_keys::read_session;
use crate::snapshot::snapshot;
use crate::strategy::PythonStrategy;
use calls::{fee_tilt_of, rows_of};
use make::Given;
use mmbot_core::Trader;
use mmbot_run::checkpoint::At;
use mmbot_run::{LiveSession, Resumption, RunError};
use mmbot_types::{Cid, ExecPrice, Instrument, InstrumentIdx, QtyLot, TsNs};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The live driver; see its stub.
#[pyclass(name = "LiveSession", module = "mmbot._core", frozen)]
pub(crate) struct PyLiveSession {
    inner: Arc<Mutex<LiveSession>>,
    instruments: Arc<[Instrument]>,
    traded: Vec<Arc<Instrument>>,
    cid_prefix: Arc<str>,
    strategy: Option<Py<PyAny>>,
    seed: u64,
}

impl PyLiveSession {
    fn over(
        mut inner: LiveSession,
        cid_prefix: &str,
        strategy: Option<Py<PyAny>>,
        seed: u64,
        record: bool,
    ) -> Self {
        if record {
            inner.keep_records();
        }
        let indices = (0u16..).map(InstrumentIdx);
        let markets = indices.map_while(|at| inner.engine().market(at));
        let instruments: Vec<_> = markets.map(|market| market.instrument().clone()).collect();
        Self {
            inner: Arc::new(Mutex::new(inner)),
            traded: instruments.iter().cloned().map(Arc::new).collect(),
            instruments: instruments.into(),
            cid_prefix: cid_prefix.into(),
            strategy,
            seed,
        }
    }

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
        let mut all = self.instruments.iter();
        all.position(|one| one.symbol() == symbol)
            .ok_or_else(|| no_symbol(symbol))
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
        let given = Given {
            instruments: &instruments,
            params: &params,
            session,
            journal,
        };
        make::new_session(&given, seed, strategy, record)
    }

    #[staticmethod]
    #[pyo3(signature = (
        replay, *, now_ns, offset, cid_prefix, hash_every_ns, next_checkpoint = None,
        strategy = None, record = false
    ))]
    fn resume(
        replay: &PyJournalReplay,
        now_ns: i64,
        offset: u64,
        cid_prefix: &str,
        hash_every_ns: i64,
        next_checkpoint: Option<u64>,
        strategy: Option<Py<PyAny>>,
        record: bool,
    ) -> PyResult<Self> {
        let resumption = Resumption {
            now: TsNs::new(now_ns),
            at: At { seq: 0, offset },
            hash_every_ns,
            next_checkpoint,
        };
        make::resumed(replay, resumption, cid_prefix, strategy, record)
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
        let given = calls::copied(py, fields)?;
        given.set_item("cid", cid)?;
        given.set_item("report", report)?;
        given.set_item("ts_exch_ns", ts_exch_ns)?;
        let (report, recv) = (report_of(&given)?, TsNs::new(recv_ns));
        self.run(|session, strategy| session.on_report(at, recv, &report, strategy))
    }

    fn on_unanswered(&self, symbol: &str, now_ns: i64, cid: u64) -> PyResult<()> {
        let at = self.index_of(symbol)?;
        let done = self
            .lock()
            .on_unanswered(at, TsNs::new(now_ns), Cid::new(cid));
        done.map_err(|error| run_error(&error))
    }

    #[pyo3(signature = (symbol, now_ns, position_lots, exec_px = None))]
    fn adopt_position(
        &self,
        symbol: &str,
        now_ns: i64,
        position_lots: i64,
        exec_px: Option<i64>,
    ) -> PyResult<()> {
        let (at, now) = (self.index_of(symbol)?, TsNs::new(now_ns));
        let px = exec_px.map(ExecPrice::new);
        let done = self.lock().adopt(at, now, QtyLot::new(position_lots), px);
        done.map_err(|error| run_error(&error))
    }

    fn hold(&self, symbol: &str, now_ns: i64, on: bool) -> PyResult<usize> {
        let (at, now) = (self.index_of(symbol)?, TsNs::new(now_ns));
        self.run(|session, strategy| session.hold(at, now, on, strategy))
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
        let made = session.take_requests().filter_map(|request| {
            Some(PyOrderRequest {
                request,
                instrument: Arc::clone(self.traded.get(usize::from(request.instrument.0))?),
                cid_prefix: Arc::clone(&self.cid_prefix),
            })
        });
        made.collect()
    }

    fn take_journal<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let taken = self.lock().take_journal(|bytes| PyBytes::new(py, bytes));
        taken.map_err(|error| run_error(&error))
    }

    fn take_checkpoints(&self) -> PyResult<Vec<PyCheckpoint>> {
        let taken = self
            .lock()
            .take_checkpoints()
            .map_err(|error| damaged(&error))?;
        Ok(taken.into_iter().map(PyCheckpoint::new).collect())
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
        calls::weight_request(py, &self.lock())
    }

    #[pyo3(signature = (now_ns, control, grade = None, **fields))]
    fn control(
        &self,
        py: Python<'_>,
        now_ns: i64,
        control: &str,
        grade: Option<&str>,
        fields: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<usize> {
        let given = calls::copied(py, fields)?;
        given.set_item("control", control)?;
        given.set_item("grade", grade)?;
        let control = control_of(&given)?;
        let done = self.lock().control(TsNs::new(now_ns), control);
        done.map_err(|error| run_error(&error))
    }

    fn note(&self, now_ns: i64, text: &str) {
        self.lock().note(TsNs::new(now_ns), text);
    }

    fn end(&self, now_ns: i64, reason: &str) {
        self.lock().end(TsNs::new(now_ns), reason);
    }

    fn session(&self) -> PyResult<PySessionControl> {
        PySessionControl::of(self.inner.clone(), &self.instruments, 0)
    }

    fn snapshot<'py>(&self, py: Python<'py>, symbol: &str) -> PyResult<Bound<'py, PyDict>> {
        let at = self.index_of(symbol)?;
        let made = snapshot(py, &*self.lock(), (at, 0), &self.instruments[at])?;
        made.ok_or_else(|| no_symbol(symbol))
    }

    #[pyo3(signature = (symbol, *, since_ns = None))]
    fn result<'py>(
        &self,
        py: Python<'py>,
        symbol: &str,
        since_ns: Option<i64>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let at = self.index_of(symbol)?;
        let session = self.lock();
        let traded = calls::traded(&session, at, since_ns).ok_or_else(|| no_symbol(symbol))?;
        result_dict(py, &traded, &self.instruments[at])
    }

    fn finish(&self) -> PyResult<()> {
        self.lock().finish().map_err(|error| run_error(&error))
    }

    fn orders<'py>(&self, py: Python<'py>, symbol: &str) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let at = self.index_of(symbol)?;
        let session = self.lock();
        let trader = calls::trader_of(&session, at).ok_or_else(|| no_symbol(symbol))?;
        calls::order_dicts(py, trader, &self.cid_prefix)
    }

    fn position_lots(&self, symbol: &str) -> PyResult<i64> {
        let session = self.lock();
        let trader = calls::trader_of(&session, self.index_of(symbol)?);
        let trader = trader.ok_or_else(|| no_symbol(symbol))?;
        Ok(trader.position().get())
    }

    fn take_fills<'py>(&self, py: Python<'py>, symbol: &str) -> PyResult<Bound<'py, PyDict>> {
        let at = self.index_of(symbol)?;
        let mut session = self.lock();
        let trader = session.engine_mut().trader_mut(calls::instrument_idx(at));
        let fills = trader.map(Trader::take_fills).unwrap_or_default();
        fill_columns(py, &fills, &self.instruments[at])
    }

    fn take_order_events<'py>(
        &self,
        py: Python<'py>,
        symbol: &str,
    ) -> PyResult<Bound<'py, PyDict>> {
        let at = self.index_of(symbol)?;
        let mut session = self.lock();
        let trader = session.engine_mut().trader_mut(calls::instrument_idx(at));
        let rows = trader.map(Trader::take_order_events).unwrap_or_default();
        order_event_columns(py, &rows, &self.instruments[at])
    }

    fn state_hash(&self) -> String {
        format!("{:016x}", self.lock().engine().state_hash())
    }
}

fn no_symbol(symbol: &str) -> PyErr {
    core_error("E_BT_ARGS", symbol, "is not traded by this session")
}

fn damaged(error: &dyn std::fmt::Display) -> PyErr {
    core_error("E_STORE_JOURNAL", "checkpoint", &error.to_string())
}

pub(crate) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(request::bybit_order_frame, m)?)?;
    m.add_class::<PyOrderRequest>()?;
    m.add_class::<chunks::PyFrameChunks>()?;
    m.add_class::<PyLiveSession>()
}
