//! Controls as fields of a record's dictionary, and back.

use super::from_dict::{Fields, refused};
use crate::session::dict;
use crate::session::payloads::day_totals::{latches, latches_of};
use crate::session::payloads::{
    calibration_entry, override_of, state_of, throttle_dict, throttle_of,
};
use mmbot_types::journal::{CalibrationOf, Coded, Control};
use mmbot_types::{DayTotals, InstrumentIdx, KillCause};
use pyo3::prelude::*;
use pyo3::types::{PyAny, PyDict, PyList};

pub(super) fn set_control(out: &Bound<'_, PyDict>, control: &Control) -> PyResult<()> {
    let py = out.py();
    out.set_item("control", control.name())?;
    match control {
        Control::Kill { cause, reason } => {
            out.set_item("cause", cause.name())?;
            out.set_item("reason", reason)
        }
        Control::Grade(grade) => out.set_item("grade", grade.map(|grade| grade.name())),
        Control::ManualPause(on)
        | Control::GuardDryRun(on)
        | Control::Leader(on)
        | Control::AutopolicyEnabled(on)
        | Control::StorageHold(on) => out.set_item("on", on),
        Control::AutopolicyLevel(level) => out.set_item("level", level),
        Control::ThrottleLoad(snapshot) => out.set_item("throttle", throttle_dict(py, snapshot)?),
        Control::BackoffMaxSeed(ms) => out.set_item("backoff_ms", ms),
        Control::HighWaterMark(usd) => out.set_item("hwm_equity_usd", usd),
        Control::CostCalibration(symbols) => {
            let list = PyList::empty(py);
            for one in symbols {
                let entry = calibration_entry(py, &one.state, &one.set)?;
                entry.set_item("instrument", one.instrument.0)?;
                list.append(entry)?;
            }
            out.set_item("symbols", list)
        }
        Control::DayTotals(totals) => out.set_item("day", day_dict(py, totals)?),
        Control::Stop
        | Control::KeepOrders
        | Control::Resume
        | Control::LiftKill
        | Control::LiftStop
        | Control::AutopolicyReset
        | Control::ThrottleClear
        | Control::ThrottleReset => Ok(()),
    }
}

pub(super) fn control_of(fields: &Fields<'_, '_>) -> PyResult<Control> {
    let name: String = fields.get("control")?;
    Ok(match name.as_str() {
        "stop" => Control::Stop,
        "keep_orders" => Control::KeepOrders,
        "resume" => Control::Resume,
        "kill" => kill_of(fields)?,
        "lift_kill" => Control::LiftKill,
        "lift_stop" => Control::LiftStop,
        "grade" => {
            let grade: Option<String> = fields.get("grade")?;
            Control::Grade(match grade {
                None => None,
                Some(_) => Some(fields.coded("grade")?),
            })
        }
        "manual_pause" => Control::ManualPause(fields.get("on")?),
        "guard_dry_run" => Control::GuardDryRun(fields.get("on")?),
        "leader" => Control::Leader(fields.get("on")?),
        "autopolicy_level" => Control::AutopolicyLevel(fields.get("level")?),
        "autopolicy_reset" => Control::AutopolicyReset,
        "autopolicy_enabled" => Control::AutopolicyEnabled(fields.get("on")?),
        "throttle_load" => {
            let payload: Bound<'_, PyAny> = fields.get("throttle")?;
            Control::ThrottleLoad(Box::new(throttle_of(&payload)?))
        }
        "throttle_clear" => Control::ThrottleClear,
        "throttle_reset" => Control::ThrottleReset,
        "backoff_max_seed" => Control::BackoffMaxSeed(fields.get("backoff_ms")?),
        "high_water_mark" => Control::HighWaterMark(fields.get("hwm_equity_usd")?),
        "cost_calibration" => {
            let given: Vec<Bound<'_, PyDict>> = fields.get("symbols")?;
            let symbols = given.iter().map(calibration_of);
            Control::CostCalibration(symbols.collect::<PyResult<_>>()?)
        }
        "day_totals" => {
            let given: Bound<'_, PyDict> = fields.get("day")?;
            Control::DayTotals(Box::new(day_of(&given)?))
        }
        "storage_hold" => Control::StorageHold(fields.get("on")?),
        other => return Err(refused("control", &format!("has no value {other:?}"))),
    })
}

/// Without cause and reason: by an operator who gives none.
fn kill_of(fields: &Fields<'_, '_>) -> PyResult<Control> {
    let cause: Option<String> = fields.find("cause")?;
    let reason: Option<String> = fields.find("reason")?;
    let cause = match cause {
        Some(label) => KillCause::of_label(&label)
            .ok_or_else(|| refused("cause", &format!("has no value {label:?}")))?,
        None => KillCause::Operator,
    };
    let reason = reason.unwrap_or_default();
    Ok(Control::Kill { cause, reason })
}

fn calibration_of(entry: &Bound<'_, PyDict>) -> PyResult<CalibrationOf> {
    Ok(CalibrationOf {
        instrument: InstrumentIdx(Fields(entry).get("instrument")?),
        state: state_of(entry)?,
        set: override_of(entry)?,
    })
}

fn day_dict<'py>(py: Python<'py>, totals: &DayTotals) -> PyResult<Bound<'py, PyDict>> {
    Ok(dict!(py, {
        "utc_day": totals.utc_day,
        "pnl_usd": totals.pnl_usd,
        "turnover_usd": totals.turnover_usd,
        "sum_sq_returns": &totals.sum_sq_returns,
        "latched_at": latches(py, totals.latched_at)?,
    }))
}

fn day_of(given: &Bound<'_, PyDict>) -> PyResult<DayTotals> {
    let fields = Fields(given);
    Ok(DayTotals {
        utc_day: fields.get("utc_day")?,
        pnl_usd: fields.get("pnl_usd")?,
        turnover_usd: fields.get("turnover_usd")?,
        sum_sq_returns: fields.get("sum_sq_returns")?,
        latched_at: latches_of(given)?,
    })
}
