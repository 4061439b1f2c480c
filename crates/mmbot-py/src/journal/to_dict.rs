//! Records as dictionaries. `from_dict` is the inverse: the keys are the same.

use super::control_dict::set_control;
use mmbot_types::journal::{Entry, Header, Record};
use mmbot_types::{Action, EventColumns, EventRow, ExecReport, ReportKind, RowKind};
use numpy::IntoPyArray;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

pub(super) fn entry_dict<'py>(
    py: Python<'py>,
    entry: &Entry,
    rows: bool,
) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    let record = &entry.record;
    out.set_item("seq", entry.seq)?;
    out.set_item("kind", record.kind().name())?;
    out.set_item("ts_ns", record.ts().map(|ts| ts.get()))?;
    if let Some(instrument) = record.instrument() {
        out.set_item("instrument", instrument.0)?;
    }
    set_fields(&out, record, rows)?;
    Ok(out)
}

fn set_fields(out: &Bound<'_, PyDict>, record: &Record, rows: bool) -> PyResult<()> {
    let py = out.py();
    match record {
        Record::Header(header) => set_header(out, header),
        Record::Params { config, .. } | Record::SessionParams { config, .. } => {
            out.set_item("config", PyBytes::new(py, config))
        }
        Record::MarketRows { rows: market, .. } => set_rows(out, market, rows),
        Record::Report { report, .. } => set_report(out, report),
        Record::Weights {
            weights, fee_tilt, ..
        } => {
            out.set_item("weights", weights)?;
            out.set_item("fee_tilt", fee_tilt)
        }
        Record::Quotes { quotes, .. } => {
            let list = PyList::empty(py);
            for quote in quotes {
                let entry = PyDict::new(py);
                entry.set_item("side", quote.side.name())?;
                entry.set_item("px", quote.px.get())?;
                entry.set_item("qty", quote.qty.get())?;
                list.append(entry)?;
            }
            out.set_item("quotes", list)
        }
        Record::CallResult { outcome, .. } => out.set_item("outcome", outcome),
        Record::Unanswered { cid, .. } | Record::Interrupted { cid, .. } => {
            out.set_item("cid", cid.get())
        }
        Record::Adopt { position, px, .. } => {
            out.set_item("position", position.get())?;
            out.set_item("exec_px", px.get())
        }
        Record::Hold { on, .. } => out.set_item("on", on),
        Record::Control { control, .. } => set_control(out, control),
        Record::Intent {
            action,
            cause,
            full_cid,
            ..
        } => {
            set_action(out, action)?;
            out.set_item("cause", cause.name())?;
            out.set_item("full_cid", full_cid)
        }
        Record::StateHash { hash, .. } => out.set_item("hash", hash),
        Record::Note { text, .. } => out.set_item("text", text),
        Record::SessionEnd { reason, .. } => out.set_item("reason", reason),
        Record::Start { .. } | Record::Decide { .. } | Record::Sync { .. } => Ok(()),
    }
}

fn set_header(out: &Bound<'_, PyDict>, header: &Header) -> PyResult<()> {
    let py = out.py();
    let instruments = PyList::empty(py);
    for facts in &header.instruments {
        let entry = PyDict::new(py);
        entry.set_item("symbol", &facts.symbol)?;
        entry.set_item("tick_size", &facts.tick_size)?;
        entry.set_item("lot_size", &facts.lot_size)?;
        entry.set_item("min_qty", &facts.min_qty)?;
        entry.set_item("min_notional_usd", facts.min_notional_usd)?;
        entry.set_item("quote_usd", facts.quote_usd)?;
        instruments.append(entry)?;
    }
    out.set_item("format", header.format)?;
    out.set_item("session_id", &header.session_id)?;
    out.set_item("mode", header.mode.name())?;
    out.set_item("seed", header.seed)?;
    out.set_item("cid_prefix", &header.cid_prefix)?;
    out.set_item("instruments", instruments)?;
    out.set_item("config", PyBytes::new(py, &header.config))
}

/// Counts and span; the rows themselves as columns only where they are asked for.
fn set_rows(out: &Bound<'_, PyDict>, rows: &[EventRow], columns: bool) -> PyResult<()> {
    let trades = rows.iter().filter(|row| row.kind == RowKind::Trade).count();
    out.set_item("rows", rows.len())?;
    out.set_item("trades", trades)?;
    out.set_item("last_ts_ns", rows.last().map(|row| row.ts_local.get()))?;
    if !columns {
        return Ok(());
    }
    let py = out.py();
    let column = |pick: fn(&EventRow) -> i64| -> Vec<i64> { rows.iter().map(pick).collect() };
    let flags: Vec<u8> = rows
        .iter()
        .map(|row| EventColumns::flags_of(row.kind, row.side, row.last))
        .collect();
    let all = PyDict::new(py);
    all.set_item("flags", flags.into_pyarray(py))?;
    all.set_item("px", column(|row| row.px.get()).into_pyarray(py))?;
    all.set_item("qty", column(|row| row.qty.get()).into_pyarray(py))?;
    all.set_item("ts_exch", column(|row| row.ts_exch.get()).into_pyarray(py))?;
    all.set_item(
        "ts_local",
        column(|row| row.ts_local.get()).into_pyarray(py),
    )?;
    out.set_item("columns", all)
}

fn set_report(out: &Bound<'_, PyDict>, report: &ExecReport) -> PyResult<()> {
    let (name, reason) = match report.kind {
        ReportKind::Accepted => ("accepted", None),
        ReportKind::Rejected(reason) => ("rejected", Some(reason)),
        ReportKind::Amended { .. } => ("amended", None),
        ReportKind::AmendRejected(reason) => ("amend_rejected", Some(reason)),
        ReportKind::Cancelled => ("cancelled", None),
        ReportKind::CancelRejected(reason) => ("cancel_rejected", Some(reason)),
        ReportKind::Filled { .. } => ("filled", None),
    };
    out.set_item("report", name)?;
    out.set_item("cid", report.cid.get())?;
    out.set_item("ts_exch_ns", report.ts_exch.get())?;
    if let Some(reason) = reason {
        out.set_item("reason", reason.name())?;
    }
    match report.kind {
        ReportKind::Amended { px, open_qty } => {
            out.set_item("px", px.get())?;
            out.set_item("open_qty", open_qty.get())
        }
        ReportKind::Filled {
            px,
            qty,
            cum_qty,
            liquidity,
            fee,
        } => {
            out.set_item("exec_px", px.get())?;
            out.set_item("qty", qty.get())?;
            out.set_item("cum_qty", cum_qty.get())?;
            out.set_item("liquidity", liquidity.name())?;
            out.set_item("fee", fee.get())
        }
        _ => Ok(()),
    }
}

fn set_action(out: &Bound<'_, PyDict>, action: &Action) -> PyResult<()> {
    let name = match action {
        Action::Place(_) => "place",
        Action::Amend { .. } => "amend",
        Action::Cancel { .. } => "cancel",
    };
    out.set_item("action", name)?;
    out.set_item("cid", action.cid().get())?;
    match action {
        Action::Place(order) => {
            out.set_item("side", order.side.name())?;
            out.set_item("px", order.px.get())?;
            out.set_item("qty", order.qty.get())?;
            out.set_item("tif", order.tif.name())
        }
        Action::Amend { px, total_qty, .. } => {
            out.set_item("px", px.get())?;
            out.set_item("total_qty", total_qty.get())
        }
        Action::Cancel { .. } => Ok(()),
    }
}
