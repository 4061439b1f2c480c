//! What a world writes down of its session.

use super::World;
use crate::tap::Tap;
use mmbot_core::Trader;
use mmbot_types::{ActionBuf, EventRow, ExecReport, InstrumentIdx, Quote, TsNs};

/// Writes down what the trader of a world sees, and what it wants, while it is that world's turn.
/// A run that is written down has one lane.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pen {
    instrument: InstrumentIdx,
    /// The session's writer; `None` if it is not this world's turn, or nothing is written down.
    pub(crate) tap: Option<Box<Tap>>,
    /// Rows of the engine's view that are not written down yet.
    unwritten: Vec<EventRow>,
    /// Actions of the buffer that are written down.
    written: usize,
}

impl Pen {
    /// A pen of the instrument with index `symbol`.
    pub(super) fn of(symbol: usize) -> Self {
        Self {
            instrument: instrument_idx(symbol),
            ..Self::default()
        }
    }

    /// True while something is written down.
    #[inline]
    pub(super) const fn writes(&self) -> bool {
        self.tap.is_some()
    }

    /// Rows received; they are written down before what happens next.
    #[inline]
    pub(super) fn note_rows(&mut self, rows: impl Iterator<Item = EventRow>) {
        if self.tap.is_some() {
            self.unwritten.extend(rows);
        }
    }

    /// A report reaches the trader.
    #[inline]
    pub(super) fn report(&mut self, now: i64, report: &ExecReport) {
        if let Some(tap) = &mut self.tap {
            tap.rows(self.instrument, &mut self.unwritten);
            tap.report(self.instrument, TsNs::new(now), report);
        }
    }

    /// The trader decides.
    #[inline]
    pub(super) fn decide(&mut self, now: i64) {
        if let Some(tap) = &mut self.tap {
            tap.rows(self.instrument, &mut self.unwritten);
            tap.decide(self.instrument, TsNs::new(now));
        }
    }

    /// The trader decides with targets from outside.
    pub(super) fn quotes(&mut self, now: i64, quotes: &[Quote]) {
        if let Some(tap) = &mut self.tap {
            tap.rows(self.instrument, &mut self.unwritten);
            tap.quotes(self.instrument, TsNs::new(now), quotes);
        }
    }

    /// Actions of `trader` that came since the last call.
    #[inline]
    pub(super) fn intents(&mut self, now: i64, trader: &Trader, actions: &ActionBuf) {
        if self.tap.is_some() {
            self.write_intents(now, trader, actions);
        }
    }

    #[cold]
    fn write_intents(&mut self, now: i64, trader: &Trader, actions: &ActionBuf) {
        let Some(tap) = &mut self.tap else {
            return;
        };
        let actions = actions.as_slice();
        for (action, cause) in actions.iter().skip(self.written) {
            tap.intent(
                self.instrument,
                TsNs::new(now),
                (*action, *cause),
                trader.session_seq(action.cid()),
            );
        }
        self.written = actions.len();
    }

    /// Rows that are not written down yet never will be.
    pub(super) fn forget_rows(&mut self) {
        self.unwritten.clear();
    }

    /// The buffer of actions is empty again.
    #[inline]
    pub(super) const fn forget_actions(&mut self) {
        self.written = 0;
    }
}

impl World {
    /// Writes down that the decisions of the instrument begin, if it has data.
    pub(crate) fn write_start(&mut self) {
        let first = self.first_local_ns();
        let pen = &mut self.pen;
        if let (Some(tap), Some(first)) = (&mut pen.tap, first) {
            tap.start(pen.instrument, TsNs::new(first));
        }
    }

    /// Writes down the market rows read so far.
    pub(crate) fn write_rows(&mut self) {
        let pen = &mut self.pen;
        if let Some(tap) = &mut pen.tap {
            tap.rows(pen.instrument, &mut pen.unwritten);
        }
    }
}

/// Index of an instrument in its session; configurations hold far fewer than fit.
pub(crate) fn instrument_idx(symbol: usize) -> InstrumentIdx {
    InstrumentIdx(u16::try_from(symbol).unwrap_or(u16::MAX))
}
