//! Raw frames of many symbols to rows: each symbol has its own sequence, and a break of one leaves
//! the others alone.

use crate::error::RunError;
use crate::world::instrument_idx;
use mmbot_feed::{
    BookState, Decoded, FrameError, FrameKind, Grid, Rule, Sequence, Target, Verdict,
    append_events, bybit,
};
use mmbot_types::{EventRow, Instrument, InstrumentIdx, TsNs};

/// Refused frames kept for whoever takes them.
const REJECTS_MAX: usize = 256;
/// So long a new snapshot may take before it is asked for again.
const SNAPSHOT_WAIT_NS: i64 = 5_000_000_000;

/// What happened to the frames of an instrument so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FeedCounts {
    /// Frames of the instrument.
    pub frames: u64,
    /// Snapshots taken.
    pub snapshots: u64,
    /// Gaps met in the numbers.
    pub gaps: u64,
    /// Old frames dropped.
    pub duplicates: u64,
    /// Frames dropped because no snapshot had come.
    pub waiting: u64,
    /// Books that turned out crossed, and streams reported lost.
    pub lost: u64,
    /// Frames refused as malformed.
    pub rejected: u64,
    /// Book frames of another depth than the first.
    pub others: u64,
}

/// What is wrong with a refused frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It cannot be read.
    Frame(FrameError),
    /// A price beyond what rows hold.
    Price,
}

/// A refused frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameReject {
    /// Whose it was; `None` if it does not say.
    pub instrument: Option<InstrumentIdx>,
    /// When it was received.
    pub recv: TsNs,
    /// What is wrong.
    pub fault: Fault,
}

/// What a frame means for the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    /// Nothing.
    Nothing,
    /// Rows are there.
    Rows(InstrumentIdx),
    /// The book is unusable from now on.
    Broken(InstrumentIdx),
}

/// The streams of one symbol.
#[derive(Debug)]
struct Feed {
    grid: Grid,
    /// The first book depth seen; other depths are left alone.
    depth: Option<u16>,
    sequence: Sequence,
    /// Venue times never go back in the rows of a stream.
    book_ts: TsNs,
    trade_ts: TsNs,
    counts: FeedCounts,
    /// A snapshot has to be asked for.
    wants_snapshot: bool,
    asked_at: TsNs,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Feeds {
    /// By symbol, sorted.
    symbols: Vec<(Box<[u8]>, InstrumentIdx)>,
    feeds: Vec<Feed>,
    decoded: Decoded,
    rows: Vec<EventRow>,
    rejects: Vec<FrameReject>,
}

impl Feeds {
    pub fn new<'a>(instruments: impl Iterator<Item = &'a Instrument>) -> Result<Self, RunError> {
        let (mut symbols, mut feeds) = (Vec::new(), Vec::new());
        for (at, instrument) in instruments.enumerate() {
            let grid = Grid::new(instrument.tick_size(), instrument.lot_size());
            let grid = grid.map_err(|_| RunError::Lanes)?;
            let name = instrument.symbol().as_bytes();
            symbols.push((name.into(), instrument_idx(at)));
            feeds.push(Feed::new(grid));
        }
        symbols.sort();
        Ok(Self {
            symbols,
            feeds,
            decoded: Decoded::default(),
            rows: Vec::new(),
            rejects: Vec::new(),
        })
    }

    /// Reads a frame; its rows are in [`Self::lend_rows`].
    #[inline]
    pub fn read(&mut self, frame: &[u8], now: TsNs) -> Read {
        self.rows.clear();
        let symbol = match bybit::symbol_of(frame) {
            Ok(Some(symbol)) => symbol,
            Ok(None) => return Read::Nothing,
            Err(error) => return self.refuse(None, now, Fault::Frame(error)),
        };
        let found = self
            .symbols
            .binary_search_by(|(name, _)| (**name).cmp(symbol));
        let Some((_, instrument)) = found.ok().and_then(|at| self.symbols.get(at)) else {
            return Read::Nothing;
        };
        let instrument = *instrument;
        let Some(feed) = self.feeds.get_mut(usize::from(instrument.0)) else {
            return Read::Nothing;
        };
        feed.counts.frames += 1;
        let target = Target {
            symbol: None,
            grid: &feed.grid,
        };
        if let Err(error) = bybit::decode(frame, &target, &mut self.decoded) {
            return self.refuse(Some(instrument), now, Fault::Frame(error));
        }
        match feed.take(&self.decoded, now, &mut self.rows) {
            Ok(true) => Read::Broken(instrument),
            Ok(false) if self.rows.is_empty() => Read::Nothing,
            Ok(false) => Read::Rows(instrument),
            Err(()) => self.refuse(Some(instrument), now, Fault::Price),
        }
    }

    #[cold]
    fn refuse(&mut self, instrument: Option<InstrumentIdx>, recv: TsNs, fault: Fault) -> Read {
        self.rows.clear();
        if self.rejects.len() == REJECTS_MAX {
            self.rejects.remove(0);
        }
        self.rejects.push(FrameReject {
            instrument,
            recv,
            fault,
        });
        let feed = instrument.and_then(|at| Some((at, self.feeds.get_mut(usize::from(at.0))?)));
        let Some((instrument, feed)) = feed else {
            return Read::Nothing;
        };
        feed.counts.rejected += 1;
        let of_book = self.decoded.kind == FrameKind::Book && feed.is_own(self.decoded.stream);
        // what cannot be read may have changed the book
        if of_book && feed.break_off(recv) {
            Read::Broken(instrument)
        } else {
            Read::Nothing
        }
    }

    /// The rows of the last frame; to be given back.
    #[inline]
    pub fn lend_rows(&mut self) -> Vec<EventRow> {
        std::mem::take(&mut self.rows)
    }

    #[inline]
    pub fn take_back(&mut self, rows: Vec<EventRow>) {
        self.rows = rows;
    }

    /// The stream of an instrument is known to be broken.
    pub fn lose(&mut self, instrument: InstrumentIdx, now: TsNs) {
        if let Some(feed) = self.feeds.get_mut(usize::from(instrument.0)) {
            feed.counts.lost += 1;
            feed.break_off(now);
            feed.ask(now);
        }
    }

    pub fn take_resubscribes(&mut self) -> Vec<InstrumentIdx> {
        let asked = (0..self.feeds.len()).filter(|at| self.feeds[*at].wants_snapshot);
        let asked = asked.map(instrument_idx).collect();
        for feed in &mut self.feeds {
            feed.wants_snapshot = false;
        }
        asked
    }

    pub fn take_rejects(&mut self) -> Vec<FrameReject> {
        std::mem::take(&mut self.rejects)
    }

    pub fn counts(&self, symbol: usize) -> Option<FeedCounts> {
        Some(self.feeds.get(symbol)?.counts)
    }
}

impl Feed {
    fn new(grid: Grid) -> Self {
        Self {
            grid,
            depth: None,
            sequence: Sequence::new(Rule::Bybit),
            book_ts: TsNs::ZERO,
            trade_ts: TsNs::ZERO,
            counts: FeedCounts::default(),
            wants_snapshot: false,
            asked_at: TsNs::ZERO,
        }
    }

    #[inline]
    fn is_own(&self, depth: u16) -> bool {
        self.depth.is_none_or(|own| own == depth)
    }

    /// Appends the rows of a frame; true if the book is unusable from here on.
    #[inline]
    fn take(&mut self, frame: &Decoded, now: TsNs, rows: &mut Vec<EventRow>) -> Result<bool, ()> {
        match frame.kind {
            FrameKind::Trades => {
                let ts = self.trade_ts;
                append_events(frame, Verdict::Apply, ts, now, rows).map_err(|_| ())?;
                self.trade_ts = rows.last().map_or(ts, |row| row.ts_exch);
                Ok(false)
            }
            FrameKind::Book if self.is_own(frame.stream) => self.take_book(frame, now, rows),
            FrameKind::Book => {
                self.counts.others += 1;
                Ok(false)
            }
            FrameKind::Other | FrameKind::Foreign | FrameKind::Quote => Ok(false),
        }
    }

    #[inline]
    fn take_book(
        &mut self,
        frame: &Decoded,
        now: TsNs,
        rows: &mut Vec<EventRow>,
    ) -> Result<bool, ()> {
        self.depth = Some(frame.stream);
        let verdict = self.sequence.on(&frame.ids, frame.is_snapshot);
        match verdict {
            Verdict::Apply => {}
            Verdict::Reset => {
                self.counts.snapshots += 1;
                self.wants_snapshot = false;
            }
            Verdict::Duplicate => {
                self.counts.duplicates += 1;
                return Ok(false);
            }
            Verdict::Gap => {
                self.counts.gaps += 1;
                self.ask(now);
                return Ok(true);
            }
            Verdict::NeedSnapshot => {
                self.counts.waiting += 1;
                if now.since_ns(self.asked_at) > SNAPSHOT_WAIT_NS {
                    self.ask(now);
                }
                return Ok(false);
            }
        }
        self.book_ts = self.book_ts.max(frame.ts_exch.unwrap_or(now));
        append_events(frame, verdict, self.book_ts, now, rows).map_err(|_| ())?;
        Ok(false)
    }

    /// True if the book was usable until now.
    fn break_off(&mut self, now: TsNs) -> bool {
        let was = self.sequence.state() == BookState::Synced;
        if self.sequence.desync() {
            self.ask(now);
        }
        was
    }

    fn ask(&mut self, now: TsNs) {
        self.wants_snapshot = true;
        self.asked_at = now;
    }
}
