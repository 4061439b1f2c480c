//! `MarketGenerator`, `TapeReader` and `score_queue_models`: synthetic markets and what is measured
//! on them.

// Frozen classes own their state behind a lock: calls from several Python threads take turns.
#![allow(clippy::disallowed_types)]

use crate::chunk::EventChunk;
use crate::error::core_error;
use crate::queue_score::truth_dict;
use mmbot_sim::QueueModel;
use mmbot_sim::market::{
    DEPTH_BPS, InstrumentPreset, Market, MarketConfig, MarketError, ProbeConfig, Regime, Tape,
    TapeReader,
};
use mmbot_sim::truth::{TruthConfig, score_queue_models as score};
use mmbot_types::{Decimal, TsNs};
use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::sync::{Mutex, PoisonError};

/// Adds the classes and functions of this file to the module.
pub(crate) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<MarketGenerator>()?;
    m.add_class::<PyTapeReader>()?;
    m.add_function(wrap_pyfunction!(score_queue_models, m)?)
}

/// A seeded order-by-order market that publishes L2 rows and prints.
#[pyclass(module = "mmbot._core", frozen)]
struct MarketGenerator {
    inner: Mutex<Market>,
}

#[pymethods]
impl MarketGenerator {
    #[new]
    #[pyo3(signature = (
        seed,
        regime = "mixed",
        start_price = 50_000.0,
        tick_size = "0.1",
        lot_size = "0.001",
        start_ts_ns = 0,
        levels = 50
    ))]
    fn new(
        seed: u64,
        regime: &str,
        start_price: f64,
        tick_size: &str,
        lot_size: &str,
        start_ts_ns: i64,
        levels: usize,
    ) -> PyResult<Self> {
        let mut config = market_config(seed, regime, start_price, tick_size, lot_size)?;
        config.start_ts = TsNs::new(start_ts_ns);
        config.levels = levels;
        let inner = Market::new(&config).map_err(market_error)?;
        Ok(Self {
            inner: Mutex::new(inner),
        })
    }

    #[pyo3(signature = (max_rows, until_ns = None))]
    fn next_chunk(&self, py: Python<'_>, max_rows: usize, until_ns: Option<i64>) -> EventChunk {
        let columns = py.detach(|| {
            let mut market = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            market.next_chunk(max_rows, until_ns.map(TsNs::new))
        });
        EventChunk::new(columns)
    }

    #[getter]
    fn state(&self) -> &'static str {
        let market = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        market.state().name()
    }
}

/// Collects touch changes, prints and a depth profile from chunks of any origin.
#[pyclass(name = "TapeReader", module = "mmbot._core", frozen)]
struct PyTapeReader {
    inner: Mutex<TapeReader>,
}

#[pymethods]
impl PyTapeReader {
    #[new]
    #[pyo3(signature = (sample_ms = 1_000, profile_ticks = 200))]
    fn new(sample_ms: i64, profile_ticks: usize) -> PyResult<Self> {
        if sample_ms < 1 || profile_ticks == 0 || profile_ticks > 100_000 {
            let rule = "must be at least 1, profile_ticks at most 100000";
            return Err(core_error("E_CFG_RANGE", "sample_ms, profile_ticks", rule));
        }
        Ok(Self {
            inner: Mutex::new(TapeReader::new(sample_ms, profile_ticks)),
        })
    }

    fn push(&self, py: Python<'_>, chunk: &EventChunk) {
        let columns = &chunk.columns;
        py.detach(|| {
            let mut reader = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            reader.push(columns);
        });
    }

    fn to_arrays<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let reader = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        tape_dict(py, reader.tape())
    }
}

fn tape_dict<'py>(py: Python<'py>, tape: &Tape) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    for (name, column) in [
        ("touch_ts", &tape.touch_ts),
        ("bid", &tape.bid),
        ("ask", &tape.ask),
        ("bid_qty", &tape.bid_qty),
        ("ask_qty", &tape.ask_qty),
        ("trade_ts", &tape.trade_ts),
        ("trade_px", &tape.trade_px),
        ("trade_qty", &tape.trade_qty),
        ("trade_sign", &tape.trade_sign),
        ("trade_touch", &tape.trade_touch),
    ] {
        out.set_item(name, PyArray1::from_slice(py, column))?;
    }
    out.set_item("profile_lots", PyArray1::from_slice(py, &tape.profile_lots))?;
    out.set_item("profile_hits", PyArray1::from_slice(py, &tape.profile_hits))?;
    out.set_item("depth_bps", PyArray1::from_slice(py, &DEPTH_BPS))?;
    out.set_item("depth_lots", PyArray1::from_slice(py, &tape.depth_lots))?;
    out.set_item("level_sum", tape.level_sum)?;
    out.set_item("samples", tape.samples)?;
    out.set_item("depth_rows", tape.counts.depth_rows)?;
    out.set_item("prints", tape.counts.prints)?;
    out.set_item("packets", tape.counts.packets)?;
    out.set_item("unusable_packets", tape.counts.unusable_packets)?;
    out.set_item("gaps", tape.counts.gaps)?;
    Ok(out)
}

/// Scores queue models on a generated market.
#[pyfunction]
#[pyo3(signature = (
    seed,
    models,
    *,
    regime = "mixed",
    start_price = 50_000.0,
    tick_size = "0.1",
    lot_size = "0.001",
    duration_ms = 3_600_000,
    checkpoint_ms = 500,
    horizon_ms = 5_000,
    interval_ms = 200
))]
fn score_queue_models<'py>(
    py: Python<'py>,
    seed: u64,
    models: Vec<(String, f64)>,
    regime: &str,
    start_price: f64,
    tick_size: &str,
    lot_size: &str,
    duration_ms: i64,
    checkpoint_ms: i64,
    horizon_ms: i64,
    interval_ms: i64,
) -> PyResult<Bound<'py, PyDict>> {
    let mut config = market_config(seed, regime, start_price, tick_size, lot_size)?;
    config.probes = Some(ProbeConfig {
        interval_ms,
        ..ProbeConfig::default()
    });
    let truth = TruthConfig {
        duration_ms,
        checkpoint_ms,
        horizon_ms,
        models: models.iter().map(queue_model).collect::<PyResult<_>>()?,
    };
    let scores = py.detach(|| score(&config, &truth)).map_err(market_error)?;
    truth_dict(py, &scores)
}

fn queue_model((name, n): &(String, f64)) -> PyResult<QueueModel> {
    if !n.is_finite() || *n < 0.1 || *n > 10.0 {
        return Err(core_error(
            "E_CFG_RANGE",
            "queue_power_n",
            "must be in [0.1,10]",
        ));
    }
    match name.as_str() {
        "conservative" => Ok(QueueModel::Conservative),
        "power" => Ok(QueueModel::Power { n: *n }),
        "log" => Ok(QueueModel::Log),
        "calibrated" => Ok(QueueModel::Calibrated { n: *n }),
        _ => {
            let rule = "must be conservative, power, log or calibrated";
            Err(core_error("E_CFG_TYPE", "models", rule))
        }
    }
}

fn market_config(
    seed: u64,
    regime: &str,
    start_price: f64,
    tick_size: &str,
    lot_size: &str,
) -> PyResult<MarketConfig> {
    let regime: Regime = regime
        .parse()
        .map_err(|e| core_error("E_CFG_RANGE", "regime", &format!("is wrong: {e}")))?;
    let mut config = MarketConfig::new(seed, regime);
    config.instrument = InstrumentPreset::with_grid(
        start_price,
        decimal("tick_size", tick_size)?,
        decimal("lot_size", lot_size)?,
    );
    Ok(config)
}

fn decimal(key: &str, text: &str) -> PyResult<Decimal> {
    Decimal::parse(text.as_bytes()).map_err(|e| core_error("E_CFG_TYPE", key, &e.to_string()))
}

fn market_error(error: MarketError) -> PyErr {
    match error {
        MarketError::Config { key, rule } => {
            core_error("E_CFG_RANGE", key, &format!("must be {rule}"))
        }
    }
}
