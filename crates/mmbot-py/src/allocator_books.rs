//! What the allocator remembers of one symbol: costs, fill rate, turnover, calibration.

use crate::error::core_error;
use crate::portfolio_keys::read_portfolio;
use crate::records::{Shown, record};
use mmbot_core::portfolio::{
    Calibrated, CostObservation, FillRate, OrderEnd, SlippageOverride, SymbolCalibration, Turnover,
    calibration, cost, flow,
};
use mmbot_types::{CostParams, InstrumentIdx, PortfolioParams, TsNs};
use pyo3::prelude::*;
use pyo3::types::PyDict;

const NS_PER_SEC: f64 = 1e9;
/// Seconds beyond this do not fit into nanoseconds.
const SEC_MAX: f64 = 9e9;

/// A time in UTC seconds.
#[allow(clippy::cast_possible_truncation)] // within +-SEC_MAX
pub(crate) fn time(sec: f64) -> PyResult<TsNs> {
    if sec.abs() <= SEC_MAX {
        Ok(TsNs::new((sec * NS_PER_SEC).round() as i64))
    } else {
        Err(core_error(
            "E_ALLOC_INPUT",
            "now_sec",
            "must be a time in UTC seconds",
        ))
    }
}

#[allow(clippy::cast_precision_loss)] // to a fraction of a microsecond
fn seconds(ts: TsNs) -> f64 {
    ts.get() as f64 / NS_PER_SEC
}

/// Parameters of the allocator for a list of symbols.
#[pyclass(name = "PortfolioParams", module = "mmbot._core", frozen)]
pub(crate) struct PyPortfolioParams {
    pub(crate) inner: PortfolioParams,
    pub(crate) symbols: Vec<String>,
}

#[pymethods]
impl PyPortfolioParams {
    #[new]
    fn new(values: &Bound<'_, PyAny>, symbols: Vec<String>) -> PyResult<Self> {
        let inner = read_portfolio(values, &symbols)?;
        Ok(Self { inner, symbols })
    }

    fn cost_of(&self, symbol: &str) -> PyResult<PyCostParams> {
        let at = self.symbols.iter().position(|one| one == symbol);
        let at = at.and_then(|at| u16::try_from(at).ok());
        let at = at.ok_or_else(|| core_error("E_ALLOC_INPUT", symbol, "is not allocated to"))?;
        Ok(PyCostParams(*self.inner.cost_of(InstrumentIdx(at))))
    }

    fn max_levels(&self, weight: f64) -> u32 {
        mmbot_core::portfolio::max_levels(&self.inner, weight, self.symbols.len())
    }
}

record! {
    /// Cost of one target.
    PyCost as "Cost" from cost::Cost { slippage_bps: f64, cost_bps: f64, attenuation: f64 }
}

#[pymethods]
impl PyCost {
    fn __repr__(&self) -> String {
        self.shown()
    }
}

record! {
    /// Slope and cap of slippage in place of those of the configuration.
    PySlippageOverride as "SlippageOverride" from SlippageOverride {
        k_eff: Option<f64>,
        cap_eff_bps: Option<f64>,
    }
}

#[pymethods]
impl PySlippageOverride {
    #[new]
    #[pyo3(signature = (k_eff = None, cap_eff_bps = None))]
    fn new(k_eff: Option<f64>, cap_eff_bps: Option<f64>) -> Self {
        Self { k_eff, cap_eff_bps }
    }

    fn __repr__(&self) -> String {
        self.shown()
    }
}

impl PySlippageOverride {
    fn core(self) -> SlippageOverride {
        SlippageOverride {
            k_eff: self.k_eff,
            cap_eff_bps: self.cap_eff_bps,
        }
    }
}

/// `portfolio.cost` as it holds for one symbol.
#[pyclass(name = "CostParams", module = "mmbot._core", frozen, eq)]
#[derive(PartialEq)]
pub(crate) struct PyCostParams(CostParams);

#[pymethods]
impl PyCostParams {
    /// All values by key.
    fn values<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (out, p) = (PyDict::new(py), &self.0);
        for (key, value) in [
            ("fee_bps", p.fee_bps),
            ("slippage_bps_base", p.slippage_bps_base),
            ("slippage_k_bps_per_kusd", p.slippage_k_bps_per_kusd),
            ("cost_sensitivity", p.cost_sensitivity),
            ("min_volume_usd", p.min_volume_usd),
            ("max_slippage_bps_cap", p.max_slippage_bps_cap),
            ("fill_rate_half_life_sec", p.fill_rate_half_life_sec),
            ("fill_rate_floor", p.fill_rate_floor),
            ("fill_rate_sensitivity", p.fill_rate_sensitivity),
            ("liquidity_depth_usd_target", p.liquidity_depth_usd_target),
            ("liquidity_sensitivity", p.liquidity_sensitivity),
            ("liquidity_min_floor", p.liquidity_min_floor),
            ("turnover_half_life_sec", p.turnover_half_life_sec),
            ("turnover_sensitivity", p.turnover_sensitivity),
            ("turnover_floor", p.turnover_floor),
        ] {
            out.set_item(key, value)?;
        }
        out.set_item("use_shadow_spread", p.use_shadow_spread)?;
        out.set_item("use_shadow_volume", p.use_shadow_volume)?;
        out.set_item("calib_min_samples", p.calib_min_samples)?;
        Ok(out)
    }

    #[pyo3(signature = (target_usd, *, spread_bps, volume_usd, slippage = None))]
    fn cost_of(
        &self,
        target_usd: f64,
        spread_bps: Option<f64>,
        volume_usd: Option<f64>,
        slippage: Option<&PySlippageOverride>,
    ) -> PyCost {
        let set = slippage.map_or_else(SlippageOverride::default, |set| set.core());
        cost::cost_of(target_usd, &self.0, spread_bps, volume_usd, set).into()
    }

    fn fill_attenuation(&self, rate: f64) -> f64 {
        flow::fill_attenuation(rate, &self.0)
    }

    fn liquidity_factor(&self, depth_usd: f64) -> f64 {
        flow::liquidity_factor(depth_usd, &self.0)
    }

    fn liquidity_attenuation(&self, depth_usd: f64) -> f64 {
        flow::liquidity_attenuation(depth_usd, &self.0)
    }

    fn turnover_factor(&self, turnover_usd: f64, budget_usd: f64) -> f64 {
        flow::turnover_factor(turnover_usd, budget_usd, &self.0)
    }
}

/// Share of orders that get filled, decayed.
#[pyclass(name = "FillRate", module = "mmbot._core", frozen, eq)]
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct PyFillRate(FillRate);

#[pymethods]
impl PyFillRate {
    #[new]
    fn new() -> Self {
        Self(FillRate::default())
    }

    #[getter]
    fn rate(&self) -> f64 {
        self.0.rate
    }

    #[getter]
    fn ts_sec(&self) -> f64 {
        seconds(self.0.ts)
    }

    #[getter]
    fn samples(&self) -> u64 {
        self.0.samples
    }

    fn after(&self, sample: i64, now_sec: f64, params: &PyCostParams) -> PyResult<Self> {
        let half_life_sec = params.0.fill_rate_half_life_sec;
        Ok(Self(self.0.after(
            sample != 0,
            time(now_sec)?,
            half_life_sec,
        )))
    }

    fn __repr__(&self) -> String {
        let (rate, samples) = (self.0.rate, self.0.samples);
        format!(
            "FillRate(rate={rate:?}, ts_sec={:?}, samples={samples})",
            self.ts_sec()
        )
    }
}

/// Traded notional, an exponentially decayed sum.
#[pyclass(name = "Turnover", module = "mmbot._core", frozen, eq)]
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct PyTurnover(Turnover);

#[pymethods]
impl PyTurnover {
    #[new]
    fn new() -> Self {
        Self(Turnover::default())
    }

    #[getter]
    fn usd(&self) -> f64 {
        self.0.usd
    }

    #[getter]
    fn ts_sec(&self) -> f64 {
        seconds(self.0.ts)
    }

    fn at(&self, now_sec: f64, params: &PyCostParams) -> PyResult<f64> {
        Ok(self.0.at(time(now_sec)?, params.0.turnover_half_life_sec))
    }

    fn after(&self, usd: f64, now_sec: f64, params: &PyCostParams) -> PyResult<Option<Self>> {
        let half_life_sec = params.0.turnover_half_life_sec;
        Ok(self.0.after(usd, time(now_sec)?, half_life_sec).map(Self))
    }

    fn __repr__(&self) -> String {
        format!("Turnover(usd={:?}, ts_sec={:?})", self.0.usd, self.ts_sec())
    }
}

record! {
    /// Means of what fills of one symbol cost.
    PySymbolCalibration as "SymbolCalibration" from SymbolCalibration {
        samples: u64,
        spread_bps: f64,
        volume_usd: f64,
        slip_bps: f64,
        slip_sq: f64,
        excess_bps: f64,
        size_kusd: f64,
    }
}

#[pymethods]
impl PySymbolCalibration {
    #[new]
    #[pyo3(signature = (
        *, samples = 0, spread_bps = 0.0, volume_usd = 0.0, slip_bps = 0.0, slip_sq = 0.0,
        excess_bps = 0.0, size_kusd = 0.0
    ))]
    fn new(
        samples: u64,
        spread_bps: f64,
        volume_usd: f64,
        slip_bps: f64,
        slip_sq: f64,
        excess_bps: f64,
        size_kusd: f64,
    ) -> Self {
        Self {
            samples,
            spread_bps,
            volume_usd,
            slip_bps,
            slip_sq,
            excess_bps,
            size_kusd,
        }
    }

    #[pyo3(signature = (*, spread_bps, volume_usd, slippage_bps, notional_usd, params))]
    fn after(
        &self,
        spread_bps: f64,
        volume_usd: f64,
        slippage_bps: f64,
        notional_usd: f64,
        params: &PyCostParams,
    ) -> Option<Self> {
        let seen = CostObservation {
            spread_bps,
            volume_usd,
            slippage_bps,
            notional_usd,
        };
        self.core().after(&seen, &params.0).map(Self::from)
    }

    fn in_force(&self, set: &PySlippageOverride, params: &PyCostParams) -> PySlippageOverride {
        self.core().in_force(set.core(), &params.0).into()
    }

    fn slippage_ewma_bps(&self, params: &PyCostParams) -> f64 {
        self.core().slippage_ewma_bps(&params.0)
    }

    fn values<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let out = PyDict::new(py);
        out.set_item("samples", self.samples)?;
        for (key, value) in [
            ("spread_bps", self.spread_bps),
            ("volume_usd", self.volume_usd),
            ("slip_bps", self.slip_bps),
            ("slip_sq", self.slip_sq),
            ("excess_bps", self.excess_bps),
            ("size_kusd", self.size_kusd),
        ] {
            out.set_item(key, value)?;
        }
        Ok(out)
    }

    fn __repr__(&self) -> String {
        self.shown()
    }
}

impl PySymbolCalibration {
    fn core(self) -> SymbolCalibration {
        SymbolCalibration {
            samples: self.samples,
            spread_bps: self.spread_bps,
            volume_usd: self.volume_usd,
            slip_bps: self.slip_bps,
            slip_sq: self.slip_sq,
            excess_bps: self.excess_bps,
            size_kusd: self.size_kusd,
        }
    }
}

/// The sample that an order's end gives to the fill rate.
#[pyfunction]
#[pyo3(signature = (*, filled, rested_ms, min_time_in_book_ms, rejected))]
fn fill_sample(
    filled: bool,
    rested_ms: f64,
    min_time_in_book_ms: f64,
    rejected: bool,
) -> Option<u8> {
    let end = OrderEnd {
        filled,
        rested_ms,
        rejected,
    };
    flow::fill_sample(end, min_time_in_book_ms).map(u8::from)
}

pub(crate) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add("CALIBRATION_K_MAX", calibration::K_MAX)?;
    m.add("CALIBRATION_CAP_MAX_BPS", calibration::CAP_MAX_BPS)?;
    m.add_class::<PyPortfolioParams>()?;
    m.add_class::<PyCostParams>()?;
    m.add_class::<PyCost>()?;
    m.add_class::<PySlippageOverride>()?;
    m.add_class::<PyFillRate>()?;
    m.add_class::<PyTurnover>()?;
    m.add_class::<PySymbolCalibration>()?;
    m.add_function(wrap_pyfunction!(fill_sample, m)?)
}
