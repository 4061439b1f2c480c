//! `fault_catalog`, `fault_run`, `kill_drill`: the fault world.

use crate::error::{core_error, run_error};
use mmbot_run::fault::{Canary, Drill, Fault, FaultPlan, Outcome, Ratio, drill, minimise, run};
use mmbot_run::invariant::{Invariant, Violation};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use std::collections::BTreeMap;

/// Longest phase with faults: a day.
const SAFETY_MS_MAX: i64 = 86_400_000;
/// Instruments of a session at most.
const SYMBOLS_MAX: usize = 4;

/// Ratio and longest duration in ms of a fault, by its name.
type FaultChoice = BTreeMap<String, (String, Option<i64>)>;

/// Adds the functions of this file to the module.
pub(crate) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(fault_catalog, m)?)?;
    m.add_function(wrap_pyfunction!(fault_run, m)?)?;
    m.add_function(wrap_pyfunction!(kill_drill, m)?)
}

/// What can go wrong, which defects can be planted, and the rules that are judged.
#[pyfunction]
fn fault_catalog(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let faults = PyList::empty(py);
    for fault in Fault::ALL {
        let row = PyDict::new(py);
        row.set_item("name", fault.name())?;
        row.set_item("per", fault.per().name())?;
        row.set_item("ratio", fault.default_ratio().to_string())?;
        row.set_item("max_ms", fault.default_max_ms())?;
        faults.append(row)?;
    }
    let out = PyDict::new(py);
    out.set_item("faults", faults)?;
    out.set_item("canaries", Canary::ALL.map(Canary::name).to_vec())?;
    out.set_item("rules", Invariant::ALL.map(Invariant::name).to_vec())?;
    Ok(out)
}

#[pyfunction]
#[pyo3(signature = (
    seed,
    *,
    safety_ms = 60_000,
    symbols = None,
    faults = None,
    canary = None,
    shrink = false
))]
fn fault_run<'py>(
    py: Python<'py>,
    seed: u64,
    safety_ms: i64,
    symbols: Option<usize>,
    faults: Option<FaultChoice>,
    canary: Option<&str>,
    shrink: bool,
) -> PyResult<Bound<'py, PyDict>> {
    let plan = plan_of(seed, safety_ms, symbols, faults, canary)?;
    let result = py.detach(|| -> Result<_, mmbot_run::RunError> {
        let outcome = run(&plan)?;
        let small = match outcome.violations.first() {
            Some(violation) if shrink => Some(minimise(&plan, violation.invariant)?),
            _ => None,
        };
        Ok((outcome, small))
    });
    let (outcome, small) = result.map_err(|error| run_error(&error))?;
    let out = outcome_dict(py, &outcome)?;
    out.set_item("faults", options_dict(py, &plan)?)?;
    out.set_item("canary", plan.canary.map(Canary::name))?;
    out.set_item("safety_ms", plan.safety_ms)?;
    let left = small
        .map(|small| options_dict(py, &small.plan))
        .transpose()?;
    out.set_item("minimised", left)?;
    Ok(out)
}

#[pyfunction]
#[pyo3(signature = (seed, *, symbols = 1))]
fn kill_drill(py: Python<'_>, seed: u64, symbols: usize) -> PyResult<Bound<'_, PyDict>> {
    check_symbols(symbols)?;
    let found = py.detach(|| drill(seed, symbols));
    drill_dict(py, &found.map_err(|error| run_error(&error))?)
}

fn plan_of(
    seed: u64,
    safety_ms: i64,
    symbols: Option<usize>,
    faults: Option<FaultChoice>,
    canary: Option<&str>,
) -> PyResult<FaultPlan> {
    if !(1_000..=SAFETY_MS_MAX).contains(&safety_ms) {
        let rule = "must be in [1000,86400000]";
        return Err(core_error("E_CFG_RANGE", "safety_ms", rule));
    }
    let canary = match canary {
        None => None,
        Some(name) => Some(
            Canary::from_name(name)
                .ok_or_else(|| core_error("E_CFG_RANGE", "canary", "is not known"))?,
        ),
    };
    let mut plan = match canary {
        Some(canary) => FaultPlan::planted(seed, safety_ms, canary),
        None => FaultPlan::drawn(seed, safety_ms),
    };
    if let Some(symbols) = symbols {
        check_symbols(symbols)?;
        plan.symbols = symbols;
    }
    let Some(faults) = faults else {
        return Ok(plan);
    };
    plan = plan.with_only(&[]);
    for (name, (ratio, max_ms)) in &faults {
        let fault = Fault::from_name(name)
            .ok_or_else(|| core_error("E_CFG_UNKNOWN_KEY", name, "is not a fault"))?;
        let ratio: Ratio = ratio
            .parse()
            .map_err(|error| core_error("E_CFG_TYPE", name, &format!("must be {error}")))?;
        let max_ms = max_ms.unwrap_or(fault.default_max_ms());
        if !(0..=60_000).contains(&max_ms) {
            return Err(core_error(
                "E_CFG_RANGE",
                name,
                "max_ms must be in [0,60000]",
            ));
        }
        plan.enable(fault, ratio, max_ms);
    }
    Ok(plan)
}

fn check_symbols(symbols: usize) -> PyResult<()> {
    if (1..=SYMBOLS_MAX).contains(&symbols) {
        return Ok(());
    }
    Err(core_error("E_CFG_RANGE", "symbols", "must be in [1,4]"))
}

/// Faults that are on, with ratio and longest duration.
fn options_dict<'py>(py: Python<'py>, plan: &FaultPlan) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    for fault in plan.enabled() {
        let option = plan.option(fault);
        out.set_item(fault.name(), (option.ratio.to_string(), option.max_ms))?;
    }
    Ok(out)
}

fn outcome_dict<'py>(py: Python<'py>, outcome: &Outcome) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("seed", outcome.seed)?;
    out.set_item("symbols", outcome.symbols)?;
    out.set_item("violations", violations(py, &outcome.violations)?)?;
    out.set_item("broken", by_rule(py, &outcome.broken)?)?;
    out.set_item("judged", by_rule(py, &outcome.judged)?)?;
    out.set_item("happened", by_fault(py, &outcome.happened)?)?;
    out.set_item("venue_ms", outcome.venue_ns / 1_000_000)?;
    out.set_item("events", outcome.events)?;
    out.set_item("requests", outcome.requests)?;
    out.set_item("fills", outcome.fills)?;
    out.set_item("resumed", outcome.resumed)?;
    out.set_item("held", outcome.held)?;
    out.set_item("dead", outcome.dead)?;
    out.set_item("orphans", outcome.orphans)?;
    out.set_item("state_hash", format!("{:016x}", outcome.state_hash))?;
    Ok(out)
}

fn drill_dict<'py>(py: Python<'py>, drill: &Drill) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("seed", drill.seed)?;
    out.set_item("symbols", drill.symbols)?;
    out.set_item("passed", drill.passed())?;
    out.set_item("kill_at_ms", drill.kill_at_ms)?;
    out.set_item("requests_before", drill.requests_before)?;
    out.set_item("resting_at_kill", drill.resting_at_kill)?;
    out.set_item("under_way_at_kill", drill.under_way_at_kill)?;
    out.set_item("gate_closed_ms", drill.gate_closed_ms)?;
    out.set_item("cancels", drill.cancels)?;
    out.set_item("last_cancel_ms", drill.last_cancel_ms)?;
    out.set_item("placed_after", drill.placed_after)?;
    out.set_item("healed_ms", drill.healed_ms)?;
    out.set_item("gone_ms", drill.gone_ms)?;
    out.set_item("confirmed_ms", drill.confirmed_ms)?;
    out.set_item("resting_at_end", drill.resting_at_end)?;
    out.set_item("happened", by_fault(py, &drill.happened)?)?;
    out.set_item("violations", violations(py, &drill.violations)?)?;
    Ok(out)
}

fn violations<'py>(py: Python<'py>, found: &[Violation]) -> PyResult<Bound<'py, PyList>> {
    let out = PyList::empty(py);
    for violation in found {
        let row = PyDict::new(py);
        row.set_item("rule", violation.invariant.name())?;
        row.set_item("ts_ms", violation.ts_ns / 1_000_000)?;
        row.set_item("symbol", violation.symbol)?;
        row.set_item("detail", &violation.detail)?;
        out.append(row)?;
    }
    Ok(out)
}

fn by_rule<'py>(py: Python<'py>, counts: &[u64; Invariant::COUNT]) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    for rule in Invariant::ALL {
        out.set_item(rule.name(), counts[rule as usize])?;
    }
    Ok(out)
}

fn by_fault<'py>(py: Python<'py>, counts: &[u64; Fault::COUNT]) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    for fault in Fault::ALL {
        out.set_item(fault.name(), counts[fault.index()])?;
    }
    Ok(out)
}
