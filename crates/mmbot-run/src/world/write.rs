//! What a world writes down of its session.

use super::World;
use mmbot_types::{InstrumentIdx, TsNs};

impl World {
    /// Writes down that the decisions of the instrument begin, if it has data.
    pub(crate) fn write_start(&mut self) {
        let first = self.first_local_ns();
        if let (Some(tap), Some(first)) = (&mut self.tap, first) {
            tap.start(instrument_idx(self.symbol), TsNs::new(first));
        }
    }

    /// Writes down the market rows read so far.
    pub(crate) fn write_rows(&mut self) {
        if let Some(tap) = &mut self.tap {
            tap.rows(instrument_idx(self.symbol), &mut self.unwritten);
        }
    }

    /// Writes down the actions that came since the last call.
    #[inline]
    pub(super) fn write_intents(&mut self, now: i64) {
        let Some(tap) = &mut self.tap else {
            return;
        };
        // a run that is written down has one lane
        let Some(lane) = self.lanes.first() else {
            return;
        };
        let actions = self.actions.as_slice();
        for (action, cause) in actions.iter().skip(self.written) {
            tap.intent(
                instrument_idx(self.symbol),
                TsNs::new(now),
                (*action, *cause),
                lane.trader.session_seq(action.cid()),
            );
        }
        self.written = actions.len();
    }
}

/// Index of an instrument in its session; configurations hold far fewer than fit.
pub(crate) fn instrument_idx(symbol: usize) -> InstrumentIdx {
    InstrumentIdx(u16::try_from(symbol).unwrap_or(u16::MAX))
}
