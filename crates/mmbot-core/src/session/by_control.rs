//! A control as a journal has it, done to a session: the one way for operators, for other parts of
//! the program and for replays, so that all of them mean the same.

use super::session::Session;
use super::snapshot::SnapshotError;
use mmbot_types::TsNs;
use mmbot_types::journal::{CalibrationOf, Control};
use thiserror::Error;

/// Why a control was refused; nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ControlError {
    /// Request windows that are none.
    #[error("{0}")]
    Throttle(#[from] SnapshotError),
    /// Calibration of a symbol that the session does not have.
    #[error("calibration of an instrument that the session does not have")]
    UnknownInstrument,
    /// What is about orders is the traders' own.
    #[error("{0} is nothing that a session does by itself")]
    NotOfSession(&'static str),
}

impl Session {
    /// Does what a control says; true if it changed the level of autopolicy. Traders are not
    /// reached from here: a stop is theirs, a resume is theirs, too.
    ///
    /// # Errors
    /// [`ControlError`]; nothing has changed then.
    pub fn control(&mut self, control: &Control, now: TsNs) -> Result<bool, ControlError> {
        match control {
            Control::Stop | Control::KeepOrders | Control::LiftStop => {
                return Err(ControlError::NotOfSession(control.name()));
            }
            Control::Resume => self.resume(now),
            Control::Kill { cause, .. } => self.kill(*cause, now),
            Control::LiftKill => self.lift_kill(now),
            Control::Grade(grade) => self.set_floor(*grade, now),
            Control::ManualPause(paused) => self.set_manual_pause(*paused, now),
            Control::GuardDryRun(on) => self.set_dry_run(*on),
            Control::Leader(leads) => self.set_leader(*leads),
            Control::AutopolicyLevel(level) => return Ok(self.set_autopolicy_level(*level, now)),
            Control::AutopolicyReset => return Ok(self.reset_autopolicy(now)),
            Control::AutopolicyEnabled(on) => self.set_autopolicy_enabled(*on),
            Control::ThrottleLoad(snapshot) => self.load_throttle(snapshot, now)?,
            Control::ThrottleClear => self.clear_throttle(),
            Control::ThrottleReset => self.requests_mut().reset(),
            Control::BackoffMaxSeed(ms) => self.requests_mut().seed_backoff_max(*ms),
            Control::HighWaterMark(usd) => {
                let allocator = self.capital_mut().allocator_mut();
                allocator.restore_hwm_usd(*usd);
            }
            Control::CostCalibration(symbols) => self.take_calibration(symbols)?,
            Control::DayTotals(totals) => self.restore_day(totals),
            Control::StorageHold(held) => self.set_storage_hold(*held, now),
        }
        Ok(false)
    }

    fn take_calibration(&mut self, symbols: &[CalibrationOf]) -> Result<(), ControlError> {
        let count = self.symbols().len();
        if symbols
            .iter()
            .any(|one| usize::from(one.instrument.0) >= count)
        {
            return Err(ControlError::UnknownInstrument);
        }
        let allocator = self.capital_mut().allocator_mut();
        for one in symbols {
            allocator.restore_calibration(one.instrument, one.state);
            allocator.set_slippage(one.instrument, one.set);
        }
        Ok(())
    }
}
