//! An operator's hand on a session.

use crate::backtest::Backtest;
use crate::error::RunError;
use crate::world::{External, instrument_idx};
use mmbot_core::StaleNote;
use mmbot_types::journal::Control;
use mmbot_types::{ExecPrice, QtyLot, TsNs};

impl Backtest {
    /// Does something to the session of a lane, and writes it down; the session acts on it at its
    /// next synchronisation. True if it changed the level of autopolicy. A stop is [`Self::stop`],
    /// which is about all lanes.
    ///
    /// # Errors
    /// [`RunError::Lanes`] for a lane without a session, [`RunError::Control`] for a control that
    /// does not fit it, [`RunError::Finished`] for a resume after a stop: nothing has changed then.
    pub fn control(&mut self, lane: usize, control: Control) -> Result<bool, RunError> {
        let now = TsNs::new(self.now_ns());
        if control == Control::Resume && self.is_stopped() {
            return Err(RunError::Finished);
        }
        let session = self.session_mut(lane).ok_or(RunError::Lanes)?;
        let changed = session.control(&control, now)?;
        if let Some(tap) = self.tap_mut() {
            tap.control(now, control);
        }
        Ok(changed)
    }

    /// An instrument of a lane quotes nothing from its next decision on, or may quote again, and it
    /// is written down.
    ///
    /// # Errors
    /// [`RunError::Lanes`] for an unknown lane or instrument.
    pub fn hold(&mut self, symbol: usize, lane: usize, on: bool) -> Result<(), RunError> {
        let now = TsNs::new(self.now_ns());
        let (world, at) = self.world_mut(symbol, lane).ok_or(RunError::Lanes)?;
        let held = world.lane_mut(at).ok_or(RunError::Lanes)?;
        held.trader.hold(on);
        if let Some(tap) = self.tap_mut() {
            tap.hold(instrument_idx(symbol), now, on);
        }
        Ok(())
    }

    /// An instrument of a lane has `lots` more (negative: fewer) that it did not trade for, booked
    /// at `px` without a fee, and it is written down.
    ///
    /// # Errors
    /// [`RunError::Lanes`] for an unknown lane or instrument.
    pub fn adopt(
        &mut self,
        symbol: usize,
        lane: usize,
        lots: QtyLot,
        px: ExecPrice,
    ) -> Result<(), RunError> {
        let now = TsNs::new(self.now_ns());
        let (world, at) = self.world_mut(symbol, lane).ok_or(RunError::Lanes)?;
        let position = world.adopt(at, now, lots, px).ok_or(RunError::Lanes)?;
        if let Some(tap) = self.tap_mut() {
            tap.adopt(instrument_idx(symbol), now, position, px);
        }
        Ok(())
    }

    /// Says when the first data come, ns: what is done before them is done then.
    pub const fn begin_at(&mut self, ts_ns: i64) {
        self.begins_ns = ts_ns;
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
