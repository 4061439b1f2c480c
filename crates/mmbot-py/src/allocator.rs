//! One allocator tick for Python: the pure function of the core, with every stage kept.

use crate::allocator_books::{PyCost, PyPortfolioParams, time};
use crate::error::core_error;
use crate::records::{Shown, record};
use mmbot_core::portfolio::{
    AccountInputs, Allocation, AllocatorState, Backoff, FeeTilt, Observation, PortfolioTarget,
    SlippageOverride, SmoothingStep, Stage, SymbolFigures, SymbolInputs, SymbolState, Weights,
    lexicographic, tick,
};
use mmbot_types::InstrumentIdx;
use pyo3::prelude::*;

record! {
    /// What one symbol may quote.
    PyPortfolioTarget as "PortfolioTarget" from PortfolioTarget {
        target_usd: f64,
        max_levels: u32,
        bid_mult: f64,
        ask_mult: f64,
    }
}

#[pymethods]
impl PyPortfolioTarget {
    fn __repr__(&self) -> String {
        self.shown()
    }
}

record! {
    /// Backoff of one symbol.
    PyBackoff as "Backoff" from Backoff { level: u32, clean_ticks: u32 }
}

#[pymethods]
impl PyBackoff {
    #[new]
    #[pyo3(signature = (level = 0, clean_ticks = 0))]
    fn new(level: u32, clean_ticks: u32) -> Self {
        Self { level, clean_ticks }
    }

    fn __repr__(&self) -> String {
        self.shown()
    }
}

record! {
    /// One symbol's move in stage 10.
    PySmoothingStep as "SmoothingStep" from SmoothingStep {
        current_usd: f64,
        desired_usd: f64,
        delta_raw_usd: f64,
        bias_usd: f64,
        cap_usd: Option<f64>,
        backoff_level: u32,
        delta_capped_usd: f64,
        next_usd: f64,
        bound: bool,
        level_changed: bool,
    }
}

#[pymethods]
impl PySmoothingStep {
    fn __repr__(&self) -> String {
        self.shown()
    }
}

record! {
    /// How a symbol's target came about.
    PySymbolFigures as "SymbolFigures" from SymbolFigures {
        cost: PyCost,
        fill_attenuation: f64,
        liquidity_factor: f64,
        turnover_factor: f64,
        step: PySmoothingStep,
    }
}

#[pymethods]
impl PySymbolFigures {
    fn __repr__(&self) -> String {
        self.shown()
    }
}

/// The result of a tick; lists are in the order of the symbols of the parameters.
#[pyclass(name = "AllocatorTick", module = "mmbot._core", frozen, get_all)]
pub(crate) struct PyAllocatorTick {
    /// Empty after a breach of the caps of the day.
    targets: Vec<PyPortfolioTarget>,
    figures: Vec<PySymbolFigures>,
    stages: Vec<Vec<f64>>,
    current_usd: Vec<f64>,
    backoff: Vec<PyBackoff>,
    hwm_equity_usd: f64,
    budget_available_usd: f64,
    limit_usd: f64,
    drawdown: f64,
    soft_permille: u32,
    tilt: f64,
}

/// `mmbot.portfolio.Observation`.
#[derive(FromPyObject)]
struct Seen {
    value: f64,
    ts_sec: f64,
}

impl Seen {
    fn core(seen: Option<&Self>) -> PyResult<Option<Observation>> {
        seen.map(|seen| {
            let ts = time(seen.ts_sec)?;
            Ok(Observation {
                value: seen.value,
                ts,
            })
        })
        .transpose()
    }
}

/// `mmbot.portfolio.SymbolInputs`.
#[derive(FromPyObject)]
struct SeenSymbol {
    spread_bps: Option<Seen>,
    volume_usd: Option<Seen>,
    depth_usd: Option<Seen>,
    k_eff: Option<f64>,
    cap_eff_bps: Option<f64>,
    fill_rate: f64,
    turnover_usd: f64,
    position_usd: f64,
    skew_frozen: bool,
    color_breach: bool,
    mid_usd: f64,
    imbalance: f64,
    micro_tilt: f64,
    sigma: Option<f64>,
}

impl SeenSymbol {
    fn core(&self) -> PyResult<SymbolInputs> {
        Ok(SymbolInputs {
            spread_bps: Seen::core(self.spread_bps.as_ref())?,
            volume_usd: Seen::core(self.volume_usd.as_ref())?,
            depth_usd: Seen::core(self.depth_usd.as_ref())?,
            slippage: SlippageOverride {
                k_eff: self.k_eff,
                cap_eff_bps: self.cap_eff_bps,
            },
            fill_rate: self.fill_rate,
            turnover_usd: self.turnover_usd,
            position_usd: self.position_usd,
            skew_frozen: self.skew_frozen,
            color_breach: self.color_breach,
            mid_usd: self.mid_usd,
            imbalance: self.imbalance,
            micro_tilt: self.micro_tilt,
            sigma: self.sigma,
        })
    }
}

/// `mmbot.portfolio.AllocatorInputs`, as far as it is about the account.
#[derive(FromPyObject)]
struct SeenAccount {
    now_sec: f64,
    equity_usd: Option<f64>,
    foreign_margin_usd: f64,
    flow_usd: f64,
    intraday_breached: bool,
    tilt_blocked: bool,
}

impl SeenAccount {
    fn core(&self) -> PyResult<AccountInputs> {
        Ok(AccountInputs {
            now: time(self.now_sec)?,
            equity_usd: self.equity_usd,
            foreign_margin_usd: self.foreign_margin_usd,
            flow_usd: self.flow_usd,
            intraday_breached: self.intraday_breached,
            tilt_blocked: self.tilt_blocked,
        })
    }
}

/// Runs the twelve stages once.
#[pyfunction]
#[pyo3(signature = (
    params, account, symbols, *, weights, current_usd, backoff, hwm_equity_usd,
    improvement_bps = None
))]
fn allocator_tick(
    params: &PyPortfolioParams,
    account: SeenAccount,
    symbols: Vec<SeenSymbol>,
    weights: Vec<f64>,
    current_usd: Vec<f64>,
    backoff: Vec<PyRef<'_, PyBackoff>>,
    hwm_equity_usd: f64,
    improvement_bps: Option<f64>,
) -> PyResult<PyAllocatorTick> {
    let count = params.symbols.len();
    let counts = [
        symbols.len(),
        weights.len(),
        current_usd.len(),
        backoff.len(),
    ];
    if counts != [count; 4] {
        let rule = "must have one entry per symbol";
        return Err(core_error("E_ALLOC_INPUT", "symbols", rule));
    }
    let seen: Vec<SymbolInputs> = symbols
        .iter()
        .map(SeenSymbol::core)
        .collect::<PyResult<_>>()?;
    let mut state = AllocatorState {
        hwm_equity_usd,
        symbols: states(&current_usd, &backoff),
    };
    let order = lexicographic(&params.symbols);
    let given = Weights {
        weights: &weights,
        order: &order,
        fee_tilt: improvement_bps.map_or(FeeTilt::Off, FeeTilt::Worth),
    };
    let mut out = Allocation::default();
    let mut table: Vec<(Stage, Vec<f64>)> = Vec::new();
    let account = account.core()?;
    tick(
        &params.inner,
        given,
        &mut state,
        &account,
        &seen,
        &mut out,
        &mut table,
    );
    let stages = table
        .iter()
        .map(|(_, ranked)| by_symbol(ranked, &order))
        .collect();
    Ok(PyAllocatorTick::new(&out, &state, stages))
}

fn states(current_usd: &[f64], backoff: &[PyRef<'_, PyBackoff>]) -> Vec<SymbolState> {
    let state = |(usd, backoff): (&f64, &PyRef<'_, PyBackoff>)| SymbolState {
        current_usd: *usd,
        backoff: Backoff {
            level: backoff.level,
            clean_ticks: backoff.clean_ticks,
        },
    };
    current_usd.iter().zip(backoff).map(state).collect()
}

/// From lexicographic order to that of the parameters.
fn by_symbol(ranked: &[f64], order: &[InstrumentIdx]) -> Vec<f64> {
    let mut targets = vec![0.0; order.len()];
    for (at, target) in order.iter().zip(ranked) {
        targets[usize::from(at.0)] = *target;
    }
    targets
}

impl PyAllocatorTick {
    fn new(out: &Allocation, state: &AllocatorState, stages: Vec<Vec<f64>>) -> Self {
        let symbols = &state.symbols;
        Self {
            targets: out.targets.iter().map(|target| (*target).into()).collect(),
            figures: out
                .figures
                .iter()
                .map(|figures| (*figures).into())
                .collect(),
            stages,
            current_usd: symbols.iter().map(|symbol| symbol.current_usd).collect(),
            backoff: symbols.iter().map(|symbol| symbol.backoff.into()).collect(),
            hwm_equity_usd: state.hwm_equity_usd,
            budget_available_usd: out.budget_available_usd,
            limit_usd: out.limit_usd,
            drawdown: out.drawdown,
            soft_permille: out.soft_permille,
            tilt: out.tilt,
        }
    }
}

pub(crate) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<PyPortfolioTarget>()?;
    m.add_class::<PyBackoff>()?;
    m.add_class::<PySmoothingStep>()?;
    m.add_class::<PySymbolFigures>()?;
    m.add_class::<PyAllocatorTick>()?;
    m.add_function(wrap_pyfunction!(allocator_tick, m)?)
}
