//! `Backtest`.

// Frozen classes own their state behind a lock: calls from several Python threads take turns.
#![allow(clippy::disallowed_types)]

use crate::chunk::EventChunk;
use crate::error::{core_error, done, run_error};
use crate::instrument::PyInstrument;
use crate::journal::{PyCheckpoint, config_bytes, journal_start};
use crate::lane_keys::read_params;
use crate::order_events;
use crate::result;
use crate::session::PySessionControl;
use crate::session_keys::read_session;
use crate::sim_keys::read_sim;
use crate::snapshot;
use crate::strategy::PythonStrategy;
use mmbot_run::{Backtest, LaneSpec, RunError, Sampling, SessionLane};
use mmbot_types::{ExecPrice, Instrument, QtyLot, SessionParams};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// K parameter sets (lanes) over one pass of the data of one or more instruments against the
/// simulated exchange.
#[pyclass(name = "Backtest", module = "mmbot._core", frozen)]
pub(crate) struct PyBacktest {
    inner: Arc<Mutex<Backtest>>,
    instruments: Arc<[Instrument]>,
    strategy: Option<Py<PyAny>>,
    allocate: Option<Py<PyAny>>,
    seed: u64,
}

impl PyBacktest {
    fn lock(&self) -> MutexGuard<'_, Backtest> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs with the GIL released; a strategy takes it for each of its decisions.
    fn run<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut Backtest, &mut PythonStrategy<'_>) -> Result<T, RunError> + Send,
    ) -> PyResult<T> {
        py.detach(|| {
            let mut strategy = PythonStrategy {
                call: self.strategy.as_ref(),
                allocate: self.allocate.as_ref(),
                instruments: &self.instruments,
                failure: None,
            };
            let done = work(&mut self.lock(), &mut strategy);
            done.map_err(|error| strategy.failure.take().unwrap_or_else(|| run_error(&error)))
        })
    }
}

fn no_lane(lane: usize) -> PyErr {
    core_error("E_BT_ARGS", "lane", &format!("{lane} does not exist"))
}

fn no_symbol(symbol: usize) -> PyErr {
    core_error("E_BT_ARGS", "symbol", &format!("{symbol} does not exist"))
}

/// One mapping for all lanes, one per lane, or none.
fn per_lane<'py>(
    given: Option<&Bound<'py, PyAny>>,
    lanes: usize,
) -> PyResult<Vec<Option<Bound<'py, PyAny>>>> {
    let Some(given) = given else {
        return Ok(vec![None; lanes]);
    };
    let Ok(list) = given.cast::<PyList>() else {
        return Ok(vec![Some(given.clone()); lanes]);
    };
    if list.len() != lanes {
        return Err(run_error(&RunError::Lanes));
    }
    Ok(list.iter().map(Some).collect())
}

/// One instrument, or a list of them.
fn instruments_of(given: &Bound<'_, PyAny>) -> PyResult<Vec<Instrument>> {
    if let Ok(single) = given.cast::<PyInstrument>() {
        return Ok(vec![single.get().inner.clone()]);
    }
    let list: Vec<Bound<'_, PyInstrument>> = given.extract()?;
    Ok(list.iter().map(|one| one.get().inner.clone()).collect())
}

/// The mappings of one lane.
fn mappings_of<'py>(lane: &Bound<'py, PyAny>) -> Vec<Bound<'py, PyAny>> {
    match lane.cast::<PyList>() {
        Ok(list) => list.iter().collect(),
        Err(_) => vec![lane.clone()],
    }
}

/// The parameters of one lane: a mapping for the only instrument, or a list of one per instrument.
fn specs_of(
    lane: &Bound<'_, PyAny>,
    sim: Option<&Bound<'_, PyAny>>,
    symbols: usize,
    seed: u64,
) -> PyResult<Vec<LaneSpec>> {
    let mappings = mappings_of(lane);
    if mappings.len() != symbols {
        return Err(run_error(&RunError::Lanes));
    }
    let spec = |mapping: &Bound<'_, PyAny>| {
        let params = read_params(mapping, seed)?;
        let mut sim = read_sim(sim, seed)?;
        (sim.maker_fee, sim.taker_fee) = (params.edge.maker_fee, params.edge.taker_fee);
        Ok(LaneSpec { params, sim })
    };
    mappings.iter().map(spec).collect()
}

#[pymethods]
impl PyBacktest {
    #[new]
    #[pyo3(signature = (
        instruments, lanes, *, sim = None, session = None, seed = 42, threads = 1,
        bar_ns = 3_600_000_000_000, record = false, curve_ns = 1_000_000_000, strategy = None,
        allocate = None, journal = None
    ))]
    fn new(
        instruments: &Bound<'_, PyAny>,
        lanes: Vec<Bound<'_, PyAny>>,
        sim: Option<&Bound<'_, PyAny>>,
        session: Option<&Bound<'_, PyAny>>,
        seed: u64,
        threads: usize,
        bar_ns: i64,
        record: bool,
        curve_ns: i64,
        strategy: Option<Py<PyAny>>,
        allocate: Option<Py<PyAny>>,
        journal: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        for (key, value) in [("bar_ns", bar_ns), ("curve_ns", curve_ns)] {
            if value < 1_000_000 {
                return Err(core_error("E_CFG_RANGE", key, "must be >= 1000000"));
            }
        }
        let instruments = instruments_of(instruments)?;
        let sims = per_lane(sim, lanes.len())?;
        let sessions = per_lane(session, lanes.len())?;
        let mut specs = Vec::with_capacity(lanes.len());
        for ((lane, sim), session) in lanes.iter().zip(&sims).zip(&sessions) {
            let session = session.as_ref().filter(|given| !given.is_none());
            specs.push(SessionLane {
                symbols: specs_of(lane, sim.as_ref(), instruments.len(), seed)?,
                session: session
                    .map(|given| read_session(given, &instruments))
                    .transpose()?,
            });
        }
        let sampling = Sampling {
            bar_ns,
            curve_ns: record.then_some(curve_ns),
        };
        let mut inner = done(Backtest::over(&instruments, &specs, sampling, threads))?;
        if let (Some(header), [lane]) = (journal, lanes.as_slice()) {
            let [Some(session)] = sessions.as_slice() else {
                return Err(run_error(&RunError::NoJournal));
            };
            let mappings = mappings_of(lane);
            let params = mappings.iter().map(config_bytes).collect::<PyResult<_>>()?;
            let start = journal_start(header, &instruments, params, config_bytes(session)?)?;
            done(inner.begin_journal(start))?;
        } else if journal.is_some() {
            return Err(run_error(&RunError::NoJournal));
        }
        Ok(Self {
            inner: Arc::new(Mutex::new(inner)),
            instruments: instruments.into(),
            strategy,
            allocate,
            seed,
        })
    }

    #[pyo3(signature = (chunk, symbol = 0))]
    fn feed(&self, py: Python<'_>, chunk: &EventChunk, symbol: usize) -> PyResult<()> {
        let columns = Arc::clone(&chunk.columns);
        let external = self.strategy.is_some() || self.allocate.is_some();
        self.run(py, move |backtest, strategy| {
            if external {
                backtest.feed_with(symbol, columns, strategy)
            } else {
                backtest.feed(symbol, columns)
            }
        })
    }

    #[pyo3(signature = (chunk, until_local_ns, symbol = 0))]
    fn advance(
        &self,
        py: Python<'_>,
        chunk: Option<&EventChunk>,
        until_local_ns: i64,
        symbol: usize,
    ) -> PyResult<bool> {
        let given = chunk.map(|chunk| (Arc::clone(&chunk.columns), chunk.known_ns));
        self.run(py, move |backtest, strategy| {
            if let Some((columns, known_ns)) = given {
                backtest.push(symbol, columns)?;
                backtest.know(symbol, known_ns.unwrap_or(i64::MIN));
            }
            backtest.advance(until_local_ns, strategy)
        })
    }

    fn end(&self, symbol: usize) {
        self.lock().end(symbol);
    }

    fn watch_books(&self) {
        self.lock().watch_books();
    }

    fn hungriest(&self) -> Option<usize> {
        self.lock().hungriest()
    }

    fn stop(&self) {
        let mut backtest = self.lock();
        let now = backtest.now_ns();
        backtest.stop(now);
    }

    fn hold(&self, symbol: usize, on: bool) -> PyResult<()> {
        done(self.lock().hold(symbol, 0, on))
    }

    fn adopt_position(&self, symbol: usize, lots: i64, exec_px: i64) -> PyResult<()> {
        let (lots, px) = (QtyLot::new(lots), ExecPrice::new(exec_px));
        done(self.lock().adopt(symbol, 0, lots, px))
    }

    #[pyo3(signature = (reason = "data_end"))]
    fn finish(&self, py: Python<'_>, reason: &str) -> PyResult<()> {
        self.run(py, |backtest, strategy| {
            backtest.finish_because(reason, strategy)
        })
    }

    fn take_journal<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        done(self.lock().take_journal(|bytes| PyBytes::new(py, bytes)))
    }

    fn take_checkpoints(&self) -> PyResult<Vec<PyCheckpoint>> {
        let taken = self.lock().take_checkpoints();
        let taken = taken
            .map_err(|error| core_error("E_STORE_JOURNAL", "checkpoint", &error.to_string()))?;
        Ok(taken.into_iter().map(PyCheckpoint::new).collect())
    }

    #[pyo3(signature = (lane, params, symbol = 0))]
    fn apply_params(&self, lane: usize, params: &Bound<'_, PyAny>, symbol: usize) -> PyResult<()> {
        let config = config_bytes(params)?;
        let params = read_params(params, self.seed)?;
        let mut backtest = self.lock();
        let now = backtest.now_ns();
        done(backtest.apply_params(symbol, lane, params, now))?;
        backtest.write_params(symbol, config, now);
        Ok(())
    }

    fn apply_session(&self, lane: usize, session: &Bound<'_, PyAny>) -> PyResult<()> {
        let params: SessionParams = read_session(session, &self.instruments)?;
        let config = config_bytes(session)?;
        let mut backtest = self.lock();
        let now = backtest.now_ns();
        done(backtest.apply_session(lane, params))?;
        backtest.write_session(config, now);
        Ok(())
    }

    #[pyo3(signature = (lane = 0))]
    fn session(&self, lane: usize) -> PyResult<PySessionControl> {
        PySessionControl::of(self.inner.clone(), &self.instruments, lane)
    }

    #[pyo3(signature = (lane = 0, symbol = 0))]
    fn check_stale<'py>(
        &self,
        py: Python<'py>,
        lane: usize,
        symbol: usize,
    ) -> PyResult<Bound<'py, PyList>> {
        let notes = self.run(py, |backtest, strategy| {
            backtest.check_stale(symbol, lane, strategy)
        })?;
        order_events::stale_notes(py, &self.lock(), (symbol, lane), &notes)
    }

    #[getter]
    fn lane_count(&self) -> usize {
        self.lock().lane_count()
    }

    #[getter]
    fn symbol_count(&self) -> usize {
        self.instruments.len()
    }

    #[pyo3(signature = (lane = 0, symbol = 0))]
    fn result<'py>(
        &self,
        py: Python<'py>,
        lane: usize,
        symbol: usize,
    ) -> PyResult<Bound<'py, PyDict>> {
        let backtest = self.lock();
        let instrument = self.instrument(symbol)?;
        let traded = result::Traded::of_lane(&backtest, symbol, lane);
        result::result_dict(py, &traded.ok_or_else(|| no_lane(lane))?, instrument)
    }

    #[pyo3(signature = (lane = 0, symbol = 0))]
    fn snapshot<'py>(
        &self,
        py: Python<'py>,
        lane: usize,
        symbol: usize,
    ) -> PyResult<Bound<'py, PyDict>> {
        let backtest = self.lock();
        let instrument = self.instrument(symbol)?;
        snapshot::snapshot(py, &*backtest, (symbol, lane), instrument)?.ok_or_else(|| no_lane(lane))
    }

    #[pyo3(signature = (lane = 0, symbol = 0))]
    fn take_fills<'py>(
        &self,
        py: Python<'py>,
        lane: usize,
        symbol: usize,
    ) -> PyResult<Bound<'py, PyDict>> {
        let mut backtest = self.lock();
        let instrument = self.instrument(symbol)?;
        let place = backtest.world_mut(symbol, lane);
        let (world, at) = place.ok_or_else(|| no_lane(lane))?;
        let lane = world.lane_mut(at).ok_or_else(|| no_lane(at))?;
        result::fill_columns(py, &lane.take_fills(), instrument)
    }

    #[pyo3(signature = (lane = 0, symbol = 0))]
    fn take_order_events<'py>(
        &self,
        py: Python<'py>,
        lane: usize,
        symbol: usize,
    ) -> PyResult<Bound<'py, PyDict>> {
        let mut backtest = self.lock();
        let instrument = self.instrument(symbol)?;
        let place = backtest.world_mut(symbol, lane);
        let (world, at) = place.ok_or_else(|| no_lane(lane))?;
        let lane = world.lane_mut(at).ok_or_else(|| no_lane(at))?;
        order_events::order_event_columns(py, &lane.take_order_events(), instrument)
    }

    #[pyo3(signature = (lane = 0, symbol = 0))]
    fn take_curve<'py>(
        &self,
        py: Python<'py>,
        lane: usize,
        symbol: usize,
    ) -> PyResult<Bound<'py, PyDict>> {
        let mut backtest = self.lock();
        let instrument = self.instrument(symbol)?;
        let place = backtest.world_mut(symbol, lane);
        let (world, at) = place.ok_or_else(|| no_lane(lane))?;
        let lane = world.lane_mut(at).ok_or_else(|| no_lane(at))?;
        result::curve_columns(py, &lane.take_curve(), instrument)
    }

    #[pyo3(signature = (lane = 0, symbol = 0))]
    fn state_hash(&self, lane: usize, symbol: usize) -> PyResult<String> {
        let backtest = self.lock();
        let (world, entry) = backtest.lane(symbol, lane).ok_or_else(|| no_lane(lane))?;
        let session = backtest.session(lane);
        let hash = result::state_hash(world, entry, session);
        Ok(format!("{hash:016x}"))
    }
}

impl PyBacktest {
    fn instrument(&self, symbol: usize) -> PyResult<&Instrument> {
        let found = self.instruments.get(symbol);
        found.ok_or_else(|| no_symbol(symbol))
    }
}
