//! Arguments and answers of a live session.

use crate::error::core_error;
use mmbot_core::portfolio::FeeTilt;
use mmbot_run::LiveControl;
use mmbot_run::live::{Fault, FeedCounts, FrameReject};
use mmbot_types::{EventColumns, EventRow, Instrument, RiskGrade};
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

/// What an operator orders, by its name in the journal.
pub(super) fn control_of(control: &str, grade: Option<&str>) -> PyResult<LiveControl> {
    let unknown = || {
        let rule = "must be NORMAL, WIDE, REDUCE_ONLY, FLAT or HALTED";
        core_error("E_CFG_RANGE", "grade", rule)
    };
    match control {
        "stop" => Ok(LiveControl::Stop),
        "resume" => Ok(LiveControl::Resume),
        "kill" => Ok(LiveControl::Kill),
        "grade" => {
            let floor = grade.map(|name| RiskGrade::from_name(name).ok_or_else(unknown));
            Ok(LiveControl::Floor(floor.transpose()?))
        }
        _ => {
            let rule = "must be stop, resume, kill or grade";
            Err(core_error("E_CFG_RANGE", "control", rule))
        }
    }
}

pub(super) fn reject_dict<'py>(
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
