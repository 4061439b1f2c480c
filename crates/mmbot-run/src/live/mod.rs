//! Live trading in pure form: raw frames, reports and time in; order requests and journal bytes
//! out. No clock, no socket, no file.
//!
//! A session owns a driven [`Engine`], as a replay does, and plans its decisions as a
//! [`Fleet`](crate::fleet::Fleet) would. Every record is written down before the engine sees it, so
//! that a replay of the journal makes the same requests by construction. What stands in
//! [`LiveSession::take_journal`] has to be on the disk before what stands in
//! [`LiveSession::take_requests`] leaves.
//!
//! Order of what happens at one moment: synchronisations up to it and decisions that were due
//! before it; the input; the decisions that it makes due. Time that goes back counts as standing
//! still.
//!
//! In one thing a live session is stricter than a run over recorded data: an instrument whose book
//! became unusable decides at once (a gap, a stream that was lost, `market.stale_after_ms` without
//! a packet), and again whenever a report leaves an order of it in the market, so that its quotes
//! are pulled without waiting for the next packet.

mod chunks;
mod control;
mod feed;
mod plan;
mod request;
mod resume;

pub use chunks::FrameChunks;
pub use feed::{Fault, FeedCounts, FrameReject};
pub use request::LiveRequest;
pub use resume::Resumption;

use crate::checkpoint::Checkpoint;
use crate::desk::Desk;
use crate::error::RunError;
use crate::span::Span;
use crate::taking::Taking;
use crate::tap::{JournalStart, Tap};
use crate::world::{External, instrument_idx};
use feed::{Feeds, Read};
use mmbot_core::{Engine, Event, Request, StateError};
use mmbot_types::{EventRow, ExecReport, Instrument, InstrumentIdx, Params, SessionParams, TsNs};

/// See the module.
#[derive(Debug)]
pub struct LiveSession {
    engine: Engine,
    tap: Tap,
    feeds: Feeds,
    /// Instruments whose first market data are there.
    started: Vec<bool>,
    /// By instrument: the stale book that was decided on, by the time from which it was stale.
    stale: Vec<TsNs>,
    /// `i64::MAX` before the first market data of any.
    next_sync_ns: i64,
    now: TsNs,
    /// What one event of the engine asks for.
    asked: Vec<Request>,
    desks: Vec<Desk>,
    spans: Vec<Span>,
    requests: Vec<LiveRequest>,
    /// A strategy's failure during the running input.
    failed: Option<RunError>,
}

impl LiveSession {
    /// A session that nothing has happened to.
    ///
    /// # Errors
    /// The first parameter outside its range; [`RunError::Journal`] for a configuration that does
    /// not fit into a record.
    pub fn new(
        instruments: Vec<(Instrument, Params)>,
        session: SessionParams,
        journal: JournalStart,
    ) -> Result<Self, RunError> {
        let now = journal.header.created;
        let engine = Engine::driven(instruments, session)?;
        Self::over(engine, Tap::new(journal)?, now)
    }

    fn over(engine: Engine, tap: Tap, now: TsNs) -> Result<Self, RunError> {
        let count = engine.session().symbols().len();
        let indices = (0..count).map(instrument_idx);
        let markets = indices.filter_map(|at| engine.market(at));
        let feeds = Feeds::new(markets.map(|market| market.instrument()))?;
        Ok(Self {
            engine,
            tap,
            feeds,
            started: vec![false; count],
            stale: vec![TsNs::NEVER; count],
            next_sync_ns: i64::MAX,
            now,
            asked: Vec::new(),
            desks: vec![Desk::default(); count],
            spans: vec![Span::default(); count],
            requests: Vec::new(),
            failed: None,
        })
    }

    /// Takes in a raw public frame, received at `recv`. Frames of other symbols and topics change
    /// nothing; a malformed one is counted and kept for [`Self::take_rejects`], and if it belongs
    /// to a book, that book is unusable until its next snapshot. Returns the number of requests
    /// that wait.
    ///
    /// # Errors
    /// A strategy's failure: its quotes were taken to be none.
    pub fn on_frame(
        &mut self,
        frame: &[u8],
        recv: TsNs,
        external: &mut impl External,
    ) -> Result<usize, RunError> {
        let now = self.clock(recv);
        match self.feeds.read(frame, now) {
            Read::Nothing => self.advance(now, external),
            Read::Rows(instrument) => {
                let rows = self.feeds.lend_rows();
                self.on_packet(instrument, &rows, now, external);
                self.feeds.take_back(rows);
            }
            Read::Broken(instrument) => self.on_break(instrument, now, external),
        }
        self.answer()
    }

    /// Takes in rows that were decoded elsewhere, in the order of their reception; those of one
    /// receive time are one moment.
    ///
    /// # Errors
    /// [`RunError::Lanes`] for an unknown instrument, a strategy's failure.
    pub fn on_rows(
        &mut self,
        symbol: usize,
        rows: &mut [EventRow],
        external: &mut impl External,
    ) -> Result<usize, RunError> {
        let instrument = self.known(symbol)?;
        for moment in rows.chunk_by_mut(|one, next| one.ts_local == next.ts_local) {
            let Some(first) = moment.first() else {
                continue;
            };
            let now = self.clock(first.ts_local);
            moment.iter_mut().for_each(|row| row.ts_local = now);
            self.on_packet(instrument, moment, now, external);
        }
        self.answer()
    }

    /// The stream of an instrument was lost or went stale: its book is unusable until a snapshot,
    /// and its quotes are pulled now.
    ///
    /// # Errors
    /// As [`Self::on_rows`].
    pub fn on_gap(
        &mut self,
        symbol: usize,
        recv: TsNs,
        external: &mut impl External,
    ) -> Result<usize, RunError> {
        let instrument = self.known(symbol)?;
        let now = self.clock(recv);
        self.feeds.lose(instrument, now);
        self.on_break(instrument, now, external);
        self.answer()
    }

    /// Takes in what the venue says about an order.
    ///
    /// # Errors
    /// As [`Self::on_rows`].
    pub fn on_report(
        &mut self,
        symbol: usize,
        recv: TsNs,
        report: &ExecReport,
        external: &mut impl External,
    ) -> Result<usize, RunError> {
        let instrument = self.known(symbol)?;
        let now = self.clock(recv);
        self.advance(now, external);
        self.take_report(instrument, report, now, external);
        self.settle(instrument, now, false, external);
        self.answer()
    }

    /// Time passed: makes what is due up to `now`.
    ///
    /// # Errors
    /// A strategy's failure.
    pub fn on_timer(&mut self, now: TsNs, external: &mut impl External) -> Result<usize, RunError> {
        let now = self.clock(now);
        self.advance(now, external);
        for at in 0..self.started.len() {
            self.settle(instrument_idx(at), now, false, external);
        }
        self.answer()
    }

    /// When [`Self::on_timer`] has something to do; [`TsNs::NEVER`] before the first market data.
    #[must_use]
    pub fn next_due(&self) -> TsNs {
        let started = (0..self.started.len()).filter(|at| self.started[*at]);
        let timers = started.map(|at| self.timer_due(instrument_idx(at)));
        timers
            .min()
            .unwrap_or(TsNs::NEVER)
            .min(TsNs::new(self.next_sync_ns))
    }

    /// Latest time seen.
    #[must_use]
    pub const fn now(&self) -> TsNs {
        self.now
    }

    /// Requests since the last call, in sending order. They leave once the journal is on the disk.
    pub fn take_requests(&mut self) -> std::vec::Drain<'_, LiveRequest> {
        self.requests.drain(..)
    }

    /// Requests that nobody has taken yet.
    #[must_use]
    pub fn requests(&self) -> &[LiveRequest] {
        &self.requests
    }

    /// Hands over the framed records since the last call.
    ///
    /// # Errors
    /// [`RunError::Journal`] if a record was lost: the session has to end.
    pub fn take_journal<T>(&mut self, read: impl FnOnce(&[u8]) -> T) -> Result<T, RunError> {
        let taken = read(self.tap.pending()?);
        self.tap.clear();
        Ok(taken)
    }

    /// Hands over the checkpoints since the last call, oldest first.
    ///
    /// # Errors
    /// [`StateError`]: a defect of ours; the session may go on.
    pub fn take_checkpoints(&mut self) -> Result<Vec<Checkpoint>, StateError> {
        let checkpoints = self.tap.checkpoints_mut();
        checkpoints.map_or_else(|| Ok(Vec::new()), Taking::hand_over)
    }

    /// Instruments whose stream has to be subscribed anew, so that a snapshot comes; each once per
    /// break, and again while none comes.
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

    /// Closed trades and last fills of an instrument since this process began.
    #[must_use]
    pub fn desk(&self, symbol: usize) -> Option<&Desk> {
        self.desks.get(symbol)
    }

    /// Market data of an instrument since this process began.
    #[must_use]
    pub fn span(&self, symbol: usize) -> Option<&Span> {
        self.spans.get(symbol)
    }

    /// The session is over: fills that wait for their horizon are completed with the last known
    /// mids, and the edge is compared with the ledger. What follows from it is in no journal, so
    /// that nothing may come after it.
    ///
    /// # Errors
    /// [`RunError::Identity`]: a defect of ours.
    pub fn finish(&mut self) -> Result<(), RunError> {
        for (at, span) in self.spans.iter_mut().enumerate() {
            span.end();
            self.engine.finish(instrument_idx(at))?;
        }
        Ok(())
    }

    /// The core.
    #[must_use]
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The core, to take records of its traders.
    pub const fn engine_mut(&mut self) -> &mut Engine {
        &mut self.engine
    }

    fn known(&self, symbol: usize) -> Result<InstrumentIdx, RunError> {
        let known = symbol < self.started.len();
        known.then(|| instrument_idx(symbol)).ok_or(RunError::Lanes)
    }

    fn clock(&mut self, now: TsNs) -> TsNs {
        self.now = self.now.max(now);
        self.now
    }

    /// What every input ends with.
    fn answer(&mut self) -> Result<usize, RunError> {
        match self.failed.take() {
            Some(error) => Err(error),
            None => Ok(self.requests.len()),
        }
    }

    /// The engine takes in what was just written down; what it asks for is written down.
    #[inline]
    fn enter(&mut self, now: TsNs, event: &Event) -> Result<(), RunError> {
        self.asked.clear();
        self.engine.on_event(now, event, &mut self.asked)?;
        if !self.asked.is_empty() {
            self.write_intents(now);
        }
        Ok(())
    }
}
