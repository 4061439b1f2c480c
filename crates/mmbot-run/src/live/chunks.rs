//! Raw frames of many symbols to chunks, for a run that follows a market while it happens.
//!
//! Rows come in the order of their reception, which is the order of the exchange, too: a row whose
//! venue time lies before that of an earlier one of its symbol counts as of that time, and so does
//! one from before the time up to which everything was said to be known ([`FrameChunks::take`]).
//! Books and trades come by different ways, which differ by milliseconds. What makes a live
//! session give a book up makes a gap here: lost streams and frames, and crossed books.

use super::feed::{FeedCounts, Feeds, FrameReject, Read};
use super::plan::gap;
use crate::error::RunError;
use mmbot_book::Ladder;
use mmbot_types::{EventColumns, EventRow, Instrument, InstrumentIdx, RowKind, TsNs};

/// See the module.
#[derive(Debug)]
pub struct FrameChunks {
    feeds: Feeds,
    pending: Vec<Pending>,
    now: TsNs,
}

/// Rows of an instrument that nobody has taken yet.
#[derive(Debug, Default)]
struct Pending {
    rows: EventColumns,
    book: Ladder,
    /// Venue and receive time that no row to come may lie before.
    floor: (TsNs, TsNs),
}

impl FrameChunks {
    /// No frame of `instruments` has come.
    ///
    /// # Errors
    /// [`RunError::Lanes`] for a grid that no frame can be read by.
    pub fn new<'a>(instruments: impl Iterator<Item = &'a Instrument>) -> Result<Self, RunError> {
        let instruments: Vec<_> = instruments.collect();
        let pending = instruments.iter().map(|_| Pending::default()).collect();
        Ok(Self {
            feeds: Feeds::new(instruments.into_iter())?,
            pending,
            now: TsNs::ZERO,
        })
    }

    /// Takes in a frame; one that cannot be read is counted and kept.
    pub fn on_frame(&mut self, frame: &[u8], recv: TsNs) {
        self.now = self.now.max(recv);
        match self.feeds.read(frame, self.now) {
            Read::Nothing => {}
            Read::Broken(instrument) => self.break_off(instrument),
            Read::Rows(instrument) => {
                let rows = self.feeds.lend_rows();
                let pending = self.pending.get_mut(usize::from(instrument.0));
                let is_good = pending.is_none_or(|pending| pending.add(&rows));
                self.feeds.take_back(rows);
                if !is_good {
                    self.lose(instrument);
                }
            }
        }
    }

    /// The stream of an instrument was lost: its book is unusable until a snapshot.
    ///
    /// # Errors
    /// [`RunError::Lanes`] for an unknown instrument.
    pub fn on_gap(&mut self, symbol: usize, recv: TsNs) -> Result<(), RunError> {
        self.now = self.now.max(recv);
        let instrument = u16::try_from(symbol)
            .ok()
            .filter(|_| symbol < self.pending.len());
        self.lose(InstrumentIdx(instrument.ok_or(RunError::Lanes)?));
        Ok(())
    }

    /// Rows of an instrument since the last call. None that comes later lies before `known` in
    /// either order.
    pub fn take(&mut self, symbol: usize, known: TsNs) -> EventColumns {
        let Some(pending) = self.pending.get_mut(symbol) else {
            return EventColumns::default();
        };
        let (exch, local) = pending.floor;
        pending.floor = (exch.max(known), local.max(known));
        std::mem::take(&mut pending.rows)
    }

    /// See [`LiveSession::take_resubscribes`](super::LiveSession::take_resubscribes).
    pub fn take_resubscribes(&mut self) -> Vec<InstrumentIdx> {
        self.feeds.take_resubscribes()
    }

    /// Frames refused since the last call, the newest if there were very many.
    pub fn take_rejects(&mut self) -> Vec<FrameReject> {
        self.feeds.take_rejects()
    }

    /// What happened to the frames of an instrument so far.
    #[must_use]
    pub fn feed_counts(&self, symbol: usize) -> Option<FeedCounts> {
        self.feeds.counts(symbol)
    }

    fn lose(&mut self, instrument: InstrumentIdx) {
        self.feeds.lose(instrument, self.now);
        self.break_off(instrument);
    }

    fn break_off(&mut self, instrument: InstrumentIdx) {
        if let Some(pending) = self.pending.get_mut(usize::from(instrument.0)) {
            pending.add(&[gap(self.now)]);
        }
    }
}

impl Pending {
    /// Appends rows; none of them, and false, if they leave a crossed book or do not fit.
    fn add(&mut self, rows: &[EventRow]) -> bool {
        for row in rows {
            match row.kind {
                RowKind::Depth => {
                    self.book.set(row.side, row.px, row.qty);
                }
                RowKind::Reset | RowKind::Gap => self.book.clear(),
                RowKind::Trade => {}
            }
        }
        let fits = rows.iter().all(|row| i32::try_from(row.px.get()).is_ok());
        if !fits || self.book.is_crossed() {
            return false;
        }
        rows.iter().all(|row| {
            let mut row = *row;
            row.ts_exch = row.ts_exch.max(self.floor.0);
            row.ts_local = row.ts_local.max(self.floor.1);
            self.floor = (row.ts_exch, row.ts_local);
            self.rows.push(row).is_ok()
        })
    }
}
