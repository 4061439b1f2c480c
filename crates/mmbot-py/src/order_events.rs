//! Order events of a lane as columns, and what its anti-stale guard did.

use mmbot_core::order::SeqText;
use mmbot_core::{OrderEventRow, StaleNote};
use mmbot_run::Backtest;
use mmbot_types::{Instrument, Side};
use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

/// Prices and quantities in ticks and lots, times in ns; `queue_ahead` in lots, negative where it
/// is not known; `mid` in quote currency, NaN where there was none.
pub(crate) fn order_event_columns<'py>(
    py: Python<'py>,
    rows: &[OrderEventRow],
    i: &Instrument,
) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    let ints = |name: &str, of: &dyn Fn(&OrderEventRow) -> i64| {
        out.set_item(name, PyArray1::from_iter(py, rows.iter().map(of)))
    };
    ints("ts_ns", &|row| row.ts.get())?;
    ints("side", &|row| i64::from(row.side == Side::Sell))?;
    ints("px", &|row| row.px.get())?;
    ints("qty", &|row| row.qty.get())?;
    ints("level", &|row| i64::from(row.level))?;
    let cids = rows.iter().map(|row| row.cid.get());
    out.set_item("cid", PyArray1::from_iter(py, cids))?;
    let mid = |row: &OrderEventRow| match row.mid.get() {
        0 => f64::NAN,
        _ => i.exec_price_f64(row.mid.to_exec()),
    };
    out.set_item("mid", PyArray1::from_iter(py, rows.iter().map(mid)))?;
    let ahead = rows.iter().map(|row| row.queue_ahead);
    out.set_item("queue_ahead", PyArray1::from_iter(py, ahead))?;
    let texts = |of: &dyn Fn(&OrderEventRow) -> &'static str| PyList::new(py, rows.iter().map(of));
    out.set_item("event", texts(&|row| row.kind.name())?)?;
    out.set_item("color", texts(&|row| row.color.name())?)?;
    out.set_item("reason", texts(&|row| row.reason)?)?;
    Ok(out)
}

/// What the anti-stale guard of the lane at `place` (symbol, lane) did, as dicts.
pub(crate) fn stale_notes<'py>(
    py: Python<'py>,
    backtest: &Backtest,
    place: (usize, usize),
    notes: &[StaleNote],
) -> PyResult<Bound<'py, PyList>> {
    let out = PyList::empty(py);
    let Some((_, lane)) = backtest.lane(place.0, place.1) else {
        return Ok(out);
    };
    let session = backtest.session(place.1);
    let prefix = session.map_or("", |session| &session.params().rollout.cid_prefix);
    for note in notes {
        let seq = SeqText::new(lane.trader().session_seq(note.cid));
        let entry = PyDict::new(py);
        entry.set_item("client_order_id", format!("{prefix}{seq}"))?;
        entry.set_item("drift_bps", note.drift_bps)?;
        let reason = match note.by_age {
            true => "ttl_expired",
            false => "price_drift",
        };
        entry.set_item("reason", reason)?;
        entry.set_item("success", note.sent)?;
        out.append(entry)?;
    }
    Ok(out)
}
