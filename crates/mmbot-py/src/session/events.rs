//! What happened, as plain records.

use super::dict;
use mmbot_core::Session;
use mmbot_core::portfolio::SmoothingStep;
use mmbot_core::session::{
    CapsEvent, CircuitState, GuardChange, SessionEvent, SessionRecord, SkewScope,
};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

/// Records from the `seen`-th on: ts_ns, symbol (None: the session), name, event, value, cause.
pub(super) fn since<'py>(
    py: Python<'py>,
    session: &Session,
    seen: u64,
) -> PyResult<Bound<'py, PyList>> {
    let out = PyList::empty(py);
    for entry in session.events().since(seen) {
        out.append(one(py, session, entry)?)?;
    }
    Ok(out)
}

/// The common shape of all records.
struct Shape<'a> {
    name: &'static str,
    event: &'a str,
    value: f64,
    cause: Option<String>,
}

fn one<'py>(
    py: Python<'py>,
    session: &Session,
    entry: &SessionRecord,
) -> PyResult<Bound<'py, PyDict>> {
    let shape = shape(session, &entry.event);
    let symbol = entry
        .symbol
        .and_then(|at| session.symbols().get(usize::from(at.0)));
    let out = dict!(py, {
        "ts_ns": entry.ts.get(),
        "symbol": symbol,
        "name": shape.name,
        "event": shape.event,
        "value": shape.value,
        "cause": shape.cause,
    });
    match &entry.event {
        SessionEvent::Alloc(step) => move_of(&out, step)?,
        SessionEvent::Mux(regime) => weights_of(&out, session, *regime)?,
        _ => {}
    }
    Ok(out)
}

#[allow(clippy::cast_precision_loss)] // small numbers
fn shape<'a>(session: &'a Session, event: &SessionEvent) -> Shape<'a> {
    let of = |name, event, value, cause| Shape {
        name,
        event,
        value,
        cause,
    };
    match event {
        SessionEvent::Risk(change) => {
            let cause = change.cause.name().to_owned();
            of(
                "risk",
                change.to.name(),
                change.to as u8 as f64,
                Some(cause),
            )
        }
        SessionEvent::Skew(skew) => {
            let cause = match skew.scope {
                SkewScope::Symbol(_) => "symbol".to_owned(),
                SkewScope::Color(color) => color.name().to_owned(),
            };
            of("pos_skew", skew.change.name(), skew.value, Some(cause))
        }
        SessionEvent::Caps { event, value } => {
            let cause = match event {
                CapsEvent::Block(cap) => Some(cap.name().to_owned()),
                CapsEvent::Resume => None,
            };
            of("intraday_caps", event.name(), *value, cause)
        }
        SessionEvent::Runtime(GuardChange::Paused(reasons)) => {
            of("runtime_guard", "paused", f64::from(reasons.bits()), None)
        }
        SessionEvent::Runtime(GuardChange::Resumed) => of("runtime_guard", "resumed", 0.0, None),
        SessionEvent::Mux(regime) => {
            let band = session.params().mux.bands.get(*regime);
            of(
                "mux",
                band.map_or("", |band| &band.name),
                *regime as f64,
                None,
            )
        }
        SessionEvent::Alloc(step) => of("alloc", "move", step.delta_capped_usd, None),
        SessionEvent::Autopolicy(level) => of("autopolicy", "level", f64::from(*level), None),
        SessionEvent::Circuit(state) => {
            let name = CircuitState::NAMES.get(*state).copied().unwrap_or("");
            of("circuit", name, *state as f64, None)
        }
        SessionEvent::Shadow(summary) => {
            let means = format!(
                "avg_price_diff_bps={} avg_size_diff_pct={}",
                summary.avg_price_diff_bps, summary.avg_size_diff_pct
            );
            of("shadow", "beyond", summary.count as f64, Some(means))
        }
    }
}

fn move_of(out: &Bound<'_, PyDict>, step: &SmoothingStep) -> PyResult<()> {
    out.set_item("backoff_level", step.backoff_level)?;
    out.set_item("cap_usd", step.cap_usd)?;
    out.set_item("delta_capped_usd", step.delta_capped_usd)?;
    out.set_item("delta_raw_usd", step.delta_raw_usd)?;
    out.set_item("next_usd", step.next_usd)
}

fn weights_of(out: &Bound<'_, PyDict>, session: &Session, regime: usize) -> PyResult<()> {
    let weights = PyDict::new(out.py());
    if let Some(regime) = session.mux_table().regimes().get(regime) {
        for (strategy, weight) in session.params().mux.strategies.iter().zip(&regime.weights) {
            weights.set_item(&strategy.name, weight)?;
        }
    }
    out.set_item("weights", weights)
}
