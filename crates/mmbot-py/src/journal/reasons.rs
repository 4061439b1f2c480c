//! Steps of a decision as dictionaries: prices and quantities in the instrument's currencies.

use mmbot_core::trace::{Step, Trace, Value};
use mmbot_types::Instrument;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

pub(super) fn trace_dict<'py>(
    py: Python<'py>,
    trace: &Trace,
    instrument: &Instrument,
) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("ts_ns", trace.at.map(|at| at.get()))?;
    let steps = PyList::empty(py);
    for step in &trace.steps {
        steps.append(step_dict(py, step, instrument)?)?;
    }
    out.set_item("steps", steps)?;
    Ok(out)
}

fn step_dict<'py>(
    py: Python<'py>,
    step: &Step,
    instrument: &Instrument,
) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("step", step.name)?;
    out.set_item("side", step.side.map(|side| side.name()))?;
    out.set_item("level", step.level)?;
    let fields = PyDict::new(py);
    for (name, value) in &step.fields {
        set(&fields, name, value, instrument)?;
    }
    out.set_item("fields", fields)?;
    Ok(out)
}

fn set(
    fields: &Bound<'_, PyDict>,
    name: &str,
    value: &Value,
    instrument: &Instrument,
) -> PyResult<()> {
    match value {
        Value::Number(number) => fields.set_item(name, number),
        Value::Count(count) => fields.set_item(name, count),
        Value::Px(px) => fields.set_item(name, instrument.price_f64(*px)),
        Value::RawPx(ticks) => fields.set_item(name, ticks * instrument.tick_f64()),
        Value::Qty(qty) => fields.set_item(name, instrument.qty_f64(*qty)),
        Value::Order(number) => fields.set_item(name, number),
        Value::Name(text) => fields.set_item(name, text),
        Value::Names(texts) => fields.set_item(name, texts),
        Value::Flag(flag) => fields.set_item(name, flag),
        Value::Absent => fields.set_item(name, fields.py().None()),
    }
}
