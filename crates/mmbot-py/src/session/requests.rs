//! Requests of the session: windows, back-off, breaker, autopolicy.

use super::dict;
use mmbot_core::Session;
use mmbot_core::session::CircuitState;
use mmbot_types::TsNs;
use pyo3::prelude::*;
use pyo3::types::PyDict;

pub(super) fn parts(out: &Bound<'_, PyDict>, session: &mut Session, now: TsNs) -> PyResult<()> {
    let py = out.py();
    out.set_item("throttle", throttle(py, session, now)?)?;
    out.set_item("circuit", circuit(py, session, now)?)?;
    out.set_item("autopolicy", autopolicy(py, session)?)
}

fn throttle<'py>(
    py: Python<'py>,
    session: &mut Session,
    now: TsNs,
) -> PyResult<Bound<'py, PyDict>> {
    let window_sec = session.params().throttle.window_sec;
    let cancel_latency = session.losses_figures().cancel_latency_p95_ms(now);
    let requests = session.requests_mut();
    let backoffs: u64 = requests.backoffs().iter().map(|one| one.count()).sum();
    Ok(dict!(py, {
        "window_sec": window_sec,
        "events_in_window_total": requests.events_in_window(now),
        "backoff_ms_max": requests.backoff_ms_max(now),
        "backoff_ms_max_observed": requests.backoff_ms_max_observed(),
        "backoffs_total": backoffs,
        "rest_error_rate": requests.rest_error_rate(now),
        "order_reject_rate": requests.order_reject_rate(now),
        "cancels_per_sec": requests.cancels_per_sec(now),
        "cancel_latency_p95_ms": cancel_latency,
    }))
}

fn circuit<'py>(py: Python<'py>, session: &mut Session, now: TsNs) -> PyResult<Bound<'py, PyDict>> {
    let params = session.params().clone();
    let state = session.requests_mut().circuit_at(&params, now);
    let entered = PyDict::new(py);
    let counts = session.requests().breaker().transitions();
    for (name, count) in CircuitState::NAMES.into_iter().zip(counts) {
        entered.set_item(name, count)?;
    }
    Ok(dict!(py, {
        "state": state.name(),
        "numeric": state.numeric(),
        "transitions_total": entered,
    }))
}

fn autopolicy<'py>(py: Python<'py>, session: &Session) -> PyResult<Bound<'py, PyDict>> {
    let (params, policy) = (session.params(), session.requests().autopolicy());
    let seats = session.seats().iter();
    // all symbols have the bases of the configuration
    let effective = seats
        .map(|seat| session.requests().effective_quoting(params, seat))
        .next();
    Ok(dict!(py, {
        "level": policy.level(),
        "active": policy.active(),
        "enabled": params.autopolicy.enabled,
        "is_reset": policy.is_reset(),
        "last_change_ns": policy.last_change().map(TsNs::get),
        "steps_total": policy.steps(),
        "min_time_in_book_ms_eff": effective.map_or(0, |eff| eff.min_time_in_book_ms),
        "replace_threshold_bps_eff": effective.map_or(0.0, |eff| eff.replace_threshold_bps),
        "levels_per_side_max_eff": effective.map_or(0, |eff| eff.levels_per_side_max),
    }))
}
