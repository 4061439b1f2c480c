//! `SessionControl`: the running session of a lane, to be looked at and to be steered.
//!
//! Looking changes nothing: what has to be computed is computed on a copy. Whatever is set acts at
//! the session's next synchronisation, at most a tenth of a second of market time later.

// Frozen classes own their state behind a lock: calls from several Python threads take turns.
#![allow(clippy::disallowed_types)]

mod account;
mod capital;
mod events;
mod guards;
mod host;
mod payloads;
mod requests;
mod symbol;

use crate::error::core_error;
use mmbot_core::Session;
use mmbot_core::session::{KillCause, RiskGrade};
use mmbot_run::SessionSwitch;
use mmbot_types::{Instrument, TsNs};
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

    /// What a journal knows is written down, too.
    fn switch(&self, switch: SessionSwitch) -> PyResult<()> {
        let done = self.lock().switch(self.lane, switch);
        done.map_err(|_| no_session(self.lane))
    }

    fn change<T>(&self, change: impl FnOnce(&mut Session, TsNs) -> PyResult<T>) -> PyResult<T> {
        let mut host = self.lock();
        let now = host.now();
        let session = host.session_unwritten(self.lane);
        change(session.ok_or_else(|| no_session(self.lane))?, now)
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

    #[getter]
    fn state_hash(&self) -> PyResult<String> {
        self.read(|_, session| Ok(format!("{:016x}", session.state_hash())))
    }

    #[pyo3(signature = (cause = "operator"))]
    fn kill(&self, cause: &str) -> PyResult<()> {
        let cause = match cause {
            "operator" => KillCause::Operator,
            "invariant" => KillCause::Invariant,
            "venue" => KillCause::Venue,
            _ => {
                let rule = "must be operator, invariant or venue";
                return Err(core_error("E_CFG_RANGE", "cause", rule));
            }
        };
        self.switch(SessionSwitch::Kill(cause))
    }

    fn resume(&self) -> PyResult<()> {
        self.switch(SessionSwitch::Resume)
    }

    fn set_risk_floor(&self, grade: Option<&str>) -> PyResult<()> {
        let unknown = || {
            let rule = "must be NORMAL, WIDE, REDUCE_ONLY, FLAT or HALTED";
            core_error("E_CFG_RANGE", "grade", rule)
        };
        let floor = grade
            .map(|name| RiskGrade::from_name(name).ok_or_else(unknown))
            .transpose()?;
        self.switch(SessionSwitch::Floor(floor))
    }

    fn set_manual_pause(&self, paused: bool) -> PyResult<()> {
        self.change(|session, now| {
            session.set_manual_pause(paused, now);
            Ok(())
        })
    }

    fn set_guard_dry_run(&self, on: bool) -> PyResult<()> {
        self.change(|session, _| {
            session.set_dry_run(on);
            Ok(())
        })
    }

    fn set_leader(&self, leads: bool) -> PyResult<()> {
        self.change(|session, _| {
            session.set_leader(leads);
            Ok(())
        })
    }

    fn set_autopolicy_level(&self, level: u32) -> PyResult<bool> {
        self.change(|session, now| Ok(session.set_autopolicy_level(level, now)))
    }

    fn reset_autopolicy(&self) -> PyResult<bool> {
        self.change(|session, now| Ok(session.reset_autopolicy(now)))
    }

    fn set_autopolicy_enabled(&self, on: bool) -> PyResult<()> {
        self.change(|session, _| {
            session.set_autopolicy_enabled(on);
            Ok(())
        })
    }

    fn throttle_snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.read(|_, session| payloads::throttle_dict(py, &session.throttle_snapshot()))
    }

    fn load_throttle(&self, payload: &Bound<'_, PyAny>) -> PyResult<()> {
        let snapshot = payloads::throttle_of(payload)?;
        self.change(|session, now| {
            let loaded = session.load_throttle(&snapshot, now);
            loaded.map_err(|error| payloads::invalid("throttle", &error.to_string()))
        })
    }

    fn clear_throttle(&self) -> PyResult<()> {
        self.change(|session, _| {
            session.clear_throttle();
            Ok(())
        })
    }

    fn reset_throttle(&self) -> PyResult<()> {
        self.change(|session, _| {
            session.requests_mut().reset();
            Ok(())
        })
    }

    fn seed_backoff_max_ms(&self, backoff_ms: f64) -> PyResult<()> {
        if !backoff_ms.is_finite() || backoff_ms < 0.0 {
            return Err(payloads::invalid("backoff_ms", "must be >= 0"));
        }
        self.change(|session, _| {
            session.requests_mut().seed_backoff_max(backoff_ms);
            Ok(())
        })
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
        self.change(|session, _| {
            let allocator = session.capital_mut().allocator_mut();
            allocator.restore_hwm_usd(hwm_equity_usd);
            Ok(())
        })
    }

    fn cost_calibration<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.read(|_, session| payloads::calibration_dict(py, session))
    }

    fn load_cost_calibration(&self, payload: &Bound<'_, PyAny>) -> PyResult<()> {
        self.change(|session, _| payloads::load_calibration(session, payload))
    }

    fn day_totals<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.read(|host, session| payloads::day_dict(py, session, host.now()))
    }

    fn restore_day(&self, totals: &Bound<'_, PyAny>) -> PyResult<()> {
        self.change(|session, _| payloads::restore_day(session, totals))
    }
}

pub(crate) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<PySessionControl>()
}
