//! Arguments and answers of a live session.

use crate::result::Traded;
use mmbot_core::order::SeqText;
use mmbot_core::portfolio::FeeTilt;
use mmbot_core::{OpenOrder, Trader};
use mmbot_run::live::{Fault, FeedCounts, FrameReject};
use mmbot_run::{Bars, LiveSession};
use mmbot_types::{EventColumns, EventRow, Instrument, InstrumentIdx};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Rows in the order of their reception.
pub(super) fn rows_of(columns: &EventColumns) -> Vec<EventRow> {
    match &columns.local_order {
        None => (0..columns.len()).map(|at| columns.row(at)).collect(),
        Some(order) => order.iter().map(|at| columns.row(*at as usize)).collect(),
    }
}

pub(super) fn fee_tilt_of(improvement_bps: Option<f64>) -> FeeTilt {
    improvement_bps.map_or(FeeTilt::Off, FeeTilt::Worth)
}

/// Symbols by their numbers.
pub(super) fn symbols_of<'a>(
    asked: &[InstrumentIdx],
    instruments: &'a [Instrument],
) -> Vec<&'a str> {
    let known = asked
        .iter()
        .filter_map(|at| instruments.get(usize::from(at.0)));
    known.map(Instrument::symbol).collect()
}

pub(super) fn reject_dicts<'py>(
    py: Python<'py>,
    rejects: &[FrameReject],
    instruments: &[Instrument],
) -> PyResult<Vec<Bound<'py, PyDict>>> {
    let made = rejects.iter().map(|one| reject_dict(py, one, instruments));
    made.collect()
}

fn reject_dict<'py>(
    py: Python<'py>,
    reject: &FrameReject,
    instruments: &[Instrument],
) -> PyResult<Bound<'py, PyDict>> {
    let symbol = reject
        .instrument
        .and_then(|at| instruments.get(usize::from(at.0)));
    let (offset, reason) = match reject.fault {
        Fault::Frame(error) => (Some(error.offset), error.kind.to_string()),
        Fault::Price => (None, "price out of range".to_owned()),
    };
    let out = PyDict::new(py);
    out.set_item("symbol", symbol.map(Instrument::symbol))?;
    out.set_item("recv_ns", reject.recv.get())?;
    out.set_item("code", mmbot_feed::FrameError::CODE)?;
    out.set_item("offset", offset)?;
    out.set_item("reason", reason)?;
    Ok(out)
}

pub(super) fn counts_dict<'py>(
    py: Python<'py>,
    counts: &FeedCounts,
) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    for (name, count) in [
        ("frames", counts.frames),
        ("snapshots", counts.snapshots),
        ("gaps", counts.gaps),
        ("duplicates", counts.duplicates),
        ("waiting", counts.waiting),
        ("lost", counts.lost),
        ("rejected", counts.rejected),
        ("others", counts.others),
    ] {
        out.set_item(name, count)?;
    }
    Ok(out)
}

static NO_BARS: Bars = Bars {
    ts_ns: Vec::new(),
    net: Vec::new(),
};

/// An instrument as results are made of it; `since_ns` is when the session began, if that was not
/// in this process.
pub(super) fn traded(
    session: &LiveSession,
    at: usize,
    since_ns: Option<i64>,
) -> Option<Traded<'_>> {
    let index = InstrumentIdx(u16::try_from(at).ok()?);
    let (trader, market) = (
        session.engine().trader(index)?,
        session.engine().market(index)?,
    );
    let mut span = session.span(at)?.clone();
    span.first_exch_ns = since_ns.or(span.first_exch_ns);
    span.last_exch_ns = span.last_exch_ns.max(since_ns.unwrap_or_default());
    Some(Traded {
        span,
        trader,
        desk: session.desk(at)?,
        edge: trader.edge(market),
        ws_lag: Some(market.ws_lag()),
        toxic_sweeps: 0,
        bars: &NO_BARS,
        hash: session.engine().state_hash(),
    })
}

/// Orders that are not over.
pub(super) fn order_dicts<'py>(
    py: Python<'py>,
    trader: &Trader,
    cid_prefix: &str,
) -> PyResult<Vec<Bound<'py, PyDict>>> {
    let made = trader
        .open_orders()
        .map(|order| order_dict(py, trader, &order, cid_prefix));
    made.collect()
}

/// An order that is not over, in ticks and lots.
fn order_dict<'py>(
    py: Python<'py>,
    trader: &Trader,
    order: &OpenOrder,
    cid_prefix: &str,
) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    let seq = SeqText::new(trader.session_seq(order.cid));
    out.set_item("cid", order.cid.get())?;
    out.set_item("client_order_id", format!("{cid_prefix}{seq}"))?;
    out.set_item("side", order.side.name())?;
    out.set_item("price_ticks", order.px.get())?;
    out.set_item("open_lots", order.open_qty.get())?;
    out.set_item("filled_lots", order.filled_qty.get())?;
    out.set_item("state", order.state)?;
    out.set_item("since_ns", order.since.get())?;
    Ok(out)
}

/// Keyword arguments, to be added to.
pub(super) fn copied<'py>(
    py: Python<'py>,
    fields: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    fields.map_or_else(|| Ok(PyDict::new(py)), |fields| fields.copy())
}

/// What weights are computed from, if they are due.
pub(super) fn weight_request<'py>(
    py: Python<'py>,
    session: &LiveSession,
) -> PyResult<Option<Bound<'py, PyDict>>> {
    if !session.weights_are_due() {
        return Ok(None);
    }
    let (volas, turnover_usd) = session.weight_inputs();
    let out = PyDict::new(py);
    out.set_item("ts_ns", session.now().get())?;
    out.set_item("volas", volas)?;
    out.set_item("turnover_usd", turnover_usd)?;
    Ok(Some(out))
}

pub(super) fn instrument_idx(at: usize) -> InstrumentIdx {
    InstrumentIdx(u16::try_from(at).unwrap_or(u16::MAX))
}

pub(super) fn trader_of(session: &LiveSession, at: usize) -> Option<&Trader> {
    session.engine().trader(instrument_idx(at))
}
