//! `SessionControl`: the running session of a lane, to be looked at and to be steered.
//!
//! Looking changes nothing: what has to be computed is computed on a copy. Whatever is set is
//! written into the session's journal, and acts at its next synchronisation, at most a tenth of a
//! second of market time later.

// Frozen classes own their state behind a lock: calls from several Python threads take turns.
#![allow(clippy::disallowed_types)]

mod account;
mod capital;
mod events;
mod guards;
mod host;
pub(crate) mod payloads;
mod requests;
mod symbol;

use crate::error::core_error;
use crate::journal::control_of;
use mmbot_core::Session;
use mmbot_core::session::{KillCause, RiskGrade};
use mmbot_run::RunError;
use mmbot_types::Instrument;
use mmbot_types::journal::Control;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) use host::{Host, Seen};

/// A dict of named values.
macro_rules! dict {
    ($py:expr, { $($key:literal: $value:expr),* $(,)? }) => {{
        let out = pyo3::types::PyDict::new($py);
        $(out.set_item($key, $value)?;)*
        out
    }};
}
pub(crate) use dict;

/// The session of one lane.
#[pyclass(name = "SessionControl", module = "mmbot._core", frozen)]
pub(crate) struct PySessionControl {
    host: Arc<Mutex<dyn Host>>,
    instruments: Arc<[Instrument]>,
    lane: usize,
    /// Events that `take_events` has given out.
    seen: Mutex<u64>,
}

impl PySessionControl {
    /// The session of `lane`.
    ///
    /// # Errors
    /// `E_BT_ARGS` for a lane that has none.
    pub(crate) fn of(
        host: Arc<Mutex<dyn Host>>,
        instruments: &Arc<[Instrument]>,
        lane: usize,
    ) -> PyResult<Self> {
        let control = Self {
            host,
            instruments: Arc::clone(instruments),
            lane,
            seen: Mutex::new(0),
        };
        control.read(|_, _| Ok(()))?;
        Ok(control)
    }

    fn lock(&self) -> MutexGuard<'_, dyn Host + 'static> {
        self.host.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, read: impl FnOnce(&dyn Host, &Session) -> PyResult<T>) -> PyResult<T> {
        let host = self.lock();
        let session = host.session_of(self.lane);
        read(&*host, session.ok_or_else(|| no_session(self.lane))?)
    }

    /// Does it and writes it down; true if it changed the level of autopolicy.
    fn control(&self, control: Control) -> PyResult<bool> {
        let key = control.name();
        let done = self.lock().control(self.lane, control);
        done.map_err(|error| match error {
            RunError::Lanes => no_session(self.lane),
            error => core_error(error.code(), key, &error.to_string()),
        })
    }

    fn set(&self, control: Control) -> PyResult<()> {
        self.control(control).map(|_| ())
    }

    fn symbols(&self) -> PyResult<Vec<String>> {
        self.read(|_, session| Ok(session.symbols().to_vec()))
    }
}

fn no_session(lane: usize) -> PyErr {
    core_error("E_BT_ARGS", "lane", &format!("{lane} has no session"))
}

#[pymethods]
impl PySessionControl {
    fn state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.read(|host, session| {
            let now = host.now();
            // windows move on when they are asked
            let mut session = session.clone();
            let out = dict!(py, {
                "ts_ns": now.get(),
                "symbols": session.symbols(),
                "leader": session.leads(),
            });
            guards::parts(&out, &mut session)?;
            requests::parts(&out, &mut session, now)?;
            capital::parts(&out, &session)?;
            account::parts(&out, &mut session, host, self.lane, now)?;
            let by_symbol = PyDict::new(py);
            for (at, instrument) in self.instruments.iter().enumerate() {
                let place = (at, self.lane);
                let part = symbol::part(py, &mut session, host, place, instrument, now)?;
                by_symbol.set_item(instrument.symbol(), part)?;
            }
            out.set_item("by_symbol", by_symbol)?;
            Ok(out)
        })
    }

    fn take_events<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        self.read(|_, session| {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            let taken = events::since(py, session, *seen)?;
            *seen = session.events().total();
            Ok(taken)
        })
    }

    fn begin_at(&self, ts_ns: i64) {
        self.lock().begin_at(ts_ns);
    }

    #[getter]
    fn state_hash(&self) -> PyResult<String> {
        self.read(|_, session| Ok(format!("{:016x}", session.state_hash())))
    }

    fn apply(&self, record: &Bound<'_, PyDict>) -> PyResult<bool> {
        self.control(control_of(record)?)
    }

    #[pyo3(signature = (cause = "operator", *, reason = ""))]
    fn kill(&self, cause: &str, reason: &str) -> PyResult<()> {
        let cause = KillCause::ALL.into_iter().find(|one| one.name() == cause);
        let cause = cause.ok_or_else(|| {
            let rule = "must be operator, invariant or venue";
            core_error("E_CFG_RANGE", "cause", rule)
        })?;
        let reason = reason.to_owned();
        self.set(Control::Kill { cause, reason })
    }

    fn resume(&self) -> PyResult<()> {
        self.set(Control::Resume)
    }

    fn lift_kill(&self) -> PyResult<()> {
        self.set(Control::LiftKill)
    }

    fn set_risk_floor(&self, grade: Option<&str>) -> PyResult<()> {
        let unknown = || {
            let rule = "must be NORMAL, WIDE, REDUCE_ONLY, FLAT or HALTED";
            core_error("E_CFG_RANGE", "grade", rule)
        };
        let floor = grade
            .map(|name| RiskGrade::from_name(name).ok_or_else(unknown))
            .transpose()?;
        self.set(Control::Grade(floor))
    }

    fn set_storage_hold(&self, held: bool) -> PyResult<()> {
        self.set(Control::StorageHold(held))
    }

    fn set_manual_pause(&self, paused: bool) -> PyResult<()> {
        self.set(Control::ManualPause(paused))
    }

    fn set_guard_dry_run(&self, on: bool) -> PyResult<()> {
        self.set(Control::GuardDryRun(on))
    }

    fn set_leader(&self, leads: bool) -> PyResult<()> {
        self.set(Control::Leader(leads))
    }

    fn set_autopolicy_level(&self, level: u32) -> PyResult<bool> {
        self.control(Control::AutopolicyLevel(level))
    }

    fn reset_autopolicy(&self) -> PyResult<bool> {
        self.control(Control::AutopolicyReset)
    }

    fn set_autopolicy_enabled(&self, on: bool) -> PyResult<()> {
        self.set(Control::AutopolicyEnabled(on))
    }

    fn throttle_snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.read(|_, session| payloads::throttle_dict(py, &session.throttle_snapshot()))
    }

    fn load_throttle(&self, payload: &Bound<'_, PyAny>) -> PyResult<()> {
        let snapshot = payloads::throttle_of(payload)?;
        self.set(Control::ThrottleLoad(Box::new(snapshot)))
    }

    fn clear_throttle(&self) -> PyResult<()> {
        self.set(Control::ThrottleClear)
    }

    fn reset_throttle(&self) -> PyResult<()> {
        self.set(Control::ThrottleReset)
    }

    fn seed_backoff_max_ms(&self, backoff_ms: f64) -> PyResult<()> {
        if !backoff_ms.is_finite() || backoff_ms < 0.0 {
            return Err(payloads::invalid("backoff_ms", "must be >= 0"));
        }
        self.set(Control::BackoffMaxSeed(backoff_ms))
    }

    fn allocator_snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.read(|_, session| {
            let hwm_usd = session.capital().allocator().state().hwm_equity_usd;
            Ok(dict!(py, { "hwm_equity_usd": hwm_usd, "version": 1 }))
        })
    }

    fn load_allocator(&self, hwm_equity_usd: f64) -> PyResult<()> {
        if !hwm_equity_usd.is_finite() || hwm_equity_usd < 0.0 {
            return Err(payloads::invalid("hwm_equity_usd", "must be >= 0"));
        }
        self.set(Control::HighWaterMark(hwm_equity_usd))
    }

    fn cost_calibration<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.read(|_, session| payloads::calibration_dict(py, session))
    }

    fn load_cost_calibration(&self, payload: &Bound<'_, PyAny>) -> PyResult<()> {
        let symbols = payloads::calibration_of(&self.symbols()?, payload)?;
        self.set(Control::CostCalibration(symbols))
    }

    fn day_totals<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.read(|host, session| payloads::day_dict(py, session, host.now()))
    }

    fn restore_day(&self, totals: &Bound<'_, PyAny>) -> PyResult<()> {
        let totals = payloads::day_of(&self.symbols()?, totals)?;
        self.set(Control::DayTotals(Box::new(totals)))
    }
}

pub(crate) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<PySessionControl>()
}
