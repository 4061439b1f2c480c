//! Guards of loss and position: grade, runtime guard, skew, caps, windows.

use super::dict;
use crate::session::payloads::day_totals;
use mmbot_core::Session;
use mmbot_types::{Color, InstrumentIdx, TsNs};
use pyo3::prelude::*;
use pyo3::types::PyDict;

pub(super) fn parts(out: &Bound<'_, PyDict>, session: &mut Session) -> PyResult<()> {
    let py = out.py();
    out.set_item("risk", risk(py, session)?)?;
    out.set_item("guard", guard(py, session)?)?;
    out.set_item("pos_skew", skew(py, session)?)?;
    out.set_item("intraday_caps", caps(py, session)?)?;
    out.set_item("scheduler_open", session.losses().is_open())
}

/// `None` for something that never happened.
fn ns(ts: Option<TsNs>) -> Option<i64> {
    ts.map(TsNs::get)
}

fn risk<'py>(py: Python<'py>, session: &Session) -> PyResult<Bound<'py, PyDict>> {
    let (risk, gauges) = (session.losses().risk(), session.losses().risk().gauges());
    Ok(dict!(py, {
        "grade": gauges.grade.name(),
        "since_ns": risk.entered_at().get(),
        "floor": risk.floor().map(mmbot_types::RiskGrade::name),
        "risk_paused": gauges.risk_paused,
        "drawdown_day": gauges.drawdown_day,
        "drawdown_day_largest": gauges.drawdown_largest,
        "kills_total": gauges.kills_total,
        "kill_orders_total": risk.kill_orders(),
        "changes_total": risk.changes_total(),
    }))
}

fn guard<'py>(py: Python<'py>, session: &Session) -> PyResult<Bound<'py, PyDict>> {
    let gauges = session
        .losses()
        .guard()
        .gauges(&session.params().runtime_guard);
    Ok(dict!(py, {
        "paused": gauges.paused,
        "paused_effective": gauges.paused_effective,
        "dry_run": gauges.dry_run,
        "manual_override": gauges.manual_override,
        "breach_streak": gauges.breach_streak,
        "last_reason_bits": gauges.last_reason.bits(),
        "last_change_ns": ns(gauges.last_change),
        "pauses_total": gauges.pauses_total,
        "cancels_total": gauges.cancels_total,
    }))
}

fn skew<'py>(py: Python<'py>, session: &mut Session) -> PyResult<Bound<'py, PyDict>> {
    let params = session.params().pos_skew;
    let gauges = session.losses_figures().skew_mut().gauges(&params);
    let skew = session.losses().skew();
    let frozen: Vec<&str> = (0u16..)
        .zip(session.symbols())
        .filter(|(at, _)| skew.is_frozen(InstrumentIdx(*at)))
        .map(|(_, symbol)| symbol.as_str())
        .collect();
    let bias = PyDict::new(py);
    for color in Color::BOTH {
        bias.set_item(color.name(), skew.bias(color))?;
    }
    Ok(dict!(py, {
        "breach_total": gauges.breach_total,
        "symbol_breach_count": gauges.symbol_breach_count,
        "color_breach": gauges.color_breach,
        "last_change_ns": ns(gauges.last_change),
        "abs_p95": gauges.abs_p95,
        "frozen": frozen,
        "color_bias": bias,
    }))
}

fn caps<'py>(py: Python<'py>, session: &Session) -> PyResult<Bound<'py, PyDict>> {
    let gauges = session.losses().caps().gauges();
    Ok(dict!(py, {
        "pnl_usd": gauges.pnl_usd,
        "turnover_usd": gauges.turnover_usd,
        "vol_pct": gauges.vol_pct,
        "breached": gauges.breached,
        "breach_total": gauges.breach_total,
        "latched_at": day_totals::latches(py, gauges.latched_at)?,
    }))
}
