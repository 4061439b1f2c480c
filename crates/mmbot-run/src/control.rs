//! An operator's hand on a session, as far as its journal knows it.

use crate::backtest::Backtest;
use crate::error::RunError;
use crate::world::External;
use mmbot_core::StaleNote;
use mmbot_core::session::{KillCause, RiskGrade};
use mmbot_types::TsNs;
use mmbot_types::journal::Control;

/// What an operator may set of a session and a journal knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionSwitch {
    /// Halt until a resume.
    Kill(KillCause),
    /// The mildest risk grade that is allowed; `None` lifts that.
    Floor(Option<RiskGrade>),
    /// Lift pauses, floor and kill.
    Resume,
}

impl Backtest {
    /// An operator's hand on the session of a lane, written down and acted on at its next
    /// synchronisation. A stop is [`Self::stop`], which is about all lanes.
    ///
    /// # Errors
    /// [`RunError::Lanes`] for a lane without a session.
    pub fn control(&mut self, lane: usize, control: SessionSwitch) -> Result<(), RunError> {
        let now = TsNs::new(self.now_ns());
        let session = self.session_mut(lane).ok_or(RunError::Lanes)?;
        let written = match control {
            SessionSwitch::Kill(cause) => {
                session.kill(cause, now);
                Control::Kill
            }
            SessionSwitch::Floor(grade) => {
                session.set_floor(grade, now);
                Control::Grade(grade)
            }
            SessionSwitch::Resume => {
                session.resume(now);
                Control::Resume
            }
        };
        if let Some(tap) = self.tap_mut() {
            tap.control(now, written);
        }
        Ok(())
    }

    /// Makes a lane decide on an instrument now; what its anti-stale guard did in it.
    ///
    /// # Errors
    /// [`RunError::Lanes`] for an unknown lane or instrument; a strategy's failure.
    pub fn check_stale(
        &mut self,
        symbol: usize,
        lane: usize,
        external: &mut impl External,
    ) -> Result<Vec<StaleNote>, RunError> {
        let now = self.now_ns();
        let (fleet, at) = self.fleet_of(lane).ok_or(RunError::Lanes)?;
        fleet.check_stale(symbol, at, now, external)
    }
}
