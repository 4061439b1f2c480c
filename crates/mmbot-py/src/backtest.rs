//! `Backtest`.

// Frozen classes own their state behind a lock: calls from several Python threads take turns.
#![allow(clippy::disallowed_types)]

use crate::chunk::EventChunk;
use crate::error::{core_error, run_error};
use crate::instrument::PyInstrument;
use crate::lane_keys::read_params;
use crate::result;
use crate::sim_keys::read_sim;
use crate::snapshot;
use crate::strategy::PythonStrategy;
use mmbot_run::{Backtest, LaneSpec, RunError, Sampling};
use mmbot_types::Instrument;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// K parameter sets (lanes) over one pass of one instrument's data against the simulated exchange.
#[pyclass(name = "Backtest", module = "mmbot._core", frozen)]
pub(crate) struct PyBacktest {
    inner: Mutex<Backtest>,
    instrument: Instrument,
    strategy: Option<Py<PyAny>>,
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
                instrument: &self.instrument,
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

/// One simulation mapping for all lanes, or one per lane.
fn sims_of<'py>(
    sim: Option<&Bound<'py, PyAny>>,
    lanes: usize,
) -> PyResult<Vec<Option<Bound<'py, PyAny>>>> {
    let Some(sim) = sim else {
        return Ok(vec![None; lanes]);
    };
    let Ok(list) = sim.cast::<PyList>() else {
        return Ok(vec![Some(sim.clone()); lanes]);
    };
    if list.len() != lanes {
        return Err(run_error(&RunError::Lanes));
    }
    Ok(list.iter().map(Some).collect())
}

#[pymethods]
impl PyBacktest {
    #[new]
    #[pyo3(signature = (
        instrument, lanes, *, sim = None, seed = 42, threads = 1, bar_ns = 3_600_000_000_000,
        record = false, curve_ns = 1_000_000_000, strategy = None
    ))]
    fn new(
        instrument: &PyInstrument,
        lanes: Vec<Bound<'_, PyAny>>,
        sim: Option<&Bound<'_, PyAny>>,
        seed: u64,
        threads: usize,
        bar_ns: i64,
        record: bool,
        curve_ns: i64,
        strategy: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        for (key, value) in [("bar_ns", bar_ns), ("curve_ns", curve_ns)] {
            if value < 1_000_000 {
                return Err(core_error("E_CFG_RANGE", key, "must be >= 1000000"));
            }
        }
        let sims = sims_of(sim, lanes.len())?;
        let mut specs = Vec::with_capacity(lanes.len());
        for (lane, sim) in lanes.iter().zip(&sims) {
            let params = read_params(lane, seed)?;
            let mut sim = read_sim(sim.as_ref(), seed)?;
            (sim.maker_fee, sim.taker_fee) = (params.edge.maker_fee, params.edge.taker_fee);
            specs.push(LaneSpec { params, sim });
        }
        let sampling = Sampling {
            bar_ns,
            curve_ns: record.then_some(curve_ns),
        };
        let inner = Backtest::new(&instrument.inner, &specs, sampling, threads)
            .map_err(|error| run_error(&error))?;
        let instrument = instrument.inner.clone();
        Ok(Self {
            inner: Mutex::new(inner),
            instrument,
            strategy,
            seed,
        })
    }

    fn feed(&self, py: Python<'_>, chunk: &EventChunk) -> PyResult<()> {
        let columns = Arc::clone(&chunk.columns);
        let external = self.strategy.is_some();
        self.run(py, move |backtest, strategy| {
            if external {
                backtest.feed_with(columns, strategy)
            } else {
                backtest.feed(columns)
            }
        })
    }

    #[pyo3(signature = (chunk, until_local_ns))]
    fn advance(
        &self,
        py: Python<'_>,
        chunk: Option<&EventChunk>,
        until_local_ns: i64,
    ) -> PyResult<bool> {
        let columns = chunk.map(|chunk| Arc::clone(&chunk.columns));
        self.run(py, move |backtest, strategy| {
            if let Some(columns) = columns {
                backtest.push(columns)?;
            }
            backtest.advance(until_local_ns, strategy)
        })
    }

    fn stop(&self) {
        let mut backtest = self.lock();
        let now = backtest.now_ns();
        backtest.stop(now);
    }

    fn finish(&self, py: Python<'_>) -> PyResult<()> {
        self.run(py, |backtest, strategy| backtest.finish(strategy))
    }

    fn apply_params(&self, lane: usize, params: &Bound<'_, PyAny>) -> PyResult<()> {
        let params = read_params(params, self.seed)?;
        let mut backtest = self.lock();
        let now = backtest.now_ns();
        backtest
            .apply_params(lane, params, now)
            .map_err(|error| run_error(&error))
    }

    #[getter]
    fn lane_count(&self) -> usize {
        self.lock().lane_count()
    }

    #[pyo3(signature = (lane = 0))]
    fn result<'py>(&self, py: Python<'py>, lane: usize) -> PyResult<Bound<'py, PyDict>> {
        let mut backtest = self.lock();
        result::lane_result(py, &mut backtest, lane, &self.instrument)?.ok_or_else(|| no_lane(lane))
    }

    #[pyo3(signature = (lane = 0))]
    fn snapshot<'py>(&self, py: Python<'py>, lane: usize) -> PyResult<Bound<'py, PyDict>> {
        let mut backtest = self.lock();
        snapshot::lane_snapshot(py, &mut backtest, lane, &self.instrument)?
            .ok_or_else(|| no_lane(lane))
    }

    #[pyo3(signature = (lane = 0))]
    fn take_fills<'py>(&self, py: Python<'py>, lane: usize) -> PyResult<Bound<'py, PyDict>> {
        let mut backtest = self.lock();
        let (world, at) = backtest.world_mut(lane).ok_or_else(|| no_lane(lane))?;
        let lane = world.lane_mut(at).ok_or_else(|| no_lane(at))?;
        result::fill_columns(py, &lane.take_fills(), &self.instrument)
    }

    #[pyo3(signature = (lane = 0))]
    fn take_curve<'py>(&self, py: Python<'py>, lane: usize) -> PyResult<Bound<'py, PyDict>> {
        let mut backtest = self.lock();
        let (world, at) = backtest.world_mut(lane).ok_or_else(|| no_lane(lane))?;
        let lane = world.lane_mut(at).ok_or_else(|| no_lane(at))?;
        result::curve_columns(py, &lane.take_curve(), &self.instrument)
    }

    #[pyo3(signature = (lane = 0))]
    fn state_hash(&self, lane: usize) -> PyResult<String> {
        let backtest = self.lock();
        let (world, entry) = backtest.lane(lane).ok_or_else(|| no_lane(lane))?;
        Ok(format!("{:016x}", result::state_hash(world, entry)))
    }
}
