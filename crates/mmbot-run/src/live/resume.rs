//! A live session goes on behind its journal.
//!
//! The state is what the journal says. Rows that were not written are lost, so that every book is
//! out of step until its next snapshot. A request whose record is not there never left, but the
//! core has made it: its record is written now, behind what led to it, and it is not given out.
//! Every request without an answer may have arrived or not: its order is unknown and counts as
//! live until a report resolves it; that nobody was there to hear the answer is no failure of the
//! venue. A session that was stopped, or that left its orders in the market, quotes again. All that
//! is written down, so that the whole journal replays.

use super::LiveSession;
use crate::checkpoint::At;
use crate::error::RunError;
use crate::replay::{Recovered, RecoveryError, Replay};
use crate::tap::{Going, Tap};
use crate::world::instrument_idx;
use mmbot_core::{Event, Market, Trader};
use mmbot_types::journal::Control;
use mmbot_types::{Cid, ExecPrice, InstrumentIdx, QtyLot, TsNs};

/// Where and how a journal goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resumption {
    /// Local time.
    pub now: TsNs,
    /// Where the next record will be.
    pub at: At,
    /// Market time between two hashes of the state, ns.
    pub hash_every_ns: i64,
    /// Number of the next checkpoint; `None` if none are to be taken.
    pub next_checkpoint: Option<u64>,
}

impl LiveSession {
    /// The session of a journal that was replayed to its end; the same journal gives the same
    /// session however often.
    ///
    /// # Errors
    /// [`RunError::Recovery`] for a journal that does not replay.
    pub fn resume(replay: Replay, from: Resumption) -> Result<Self, RunError> {
        let Recovered { engine, unwritten } = replay.recover()?;
        let now = engine.now().max(from.now);
        let next_sync = engine.session().next_sync().get();
        let tap = Tap::going_on(Going {
            at: from.at,
            hash_every_ns: from.hash_every_ns,
            next_checkpoint: from.next_checkpoint,
        });
        let mut session = Self::over(engine, tap, now)?;
        session.next_sync_ns = next_sync;
        for at in 0..session.started.len() {
            let trader = session.engine.trader(instrument_idx(at));
            session.started[at] = trader.is_some_and(|one| one.timer_due() != TsNs::NEVER);
        }
        if session.next_sync_ns == i64::MAX && session.started.contains(&true) {
            // killed between the first market data and the first synchronisation
            session.next_sync_ns = now.get();
        }
        for (ts, request) in unwritten {
            session.asked.clear();
            session.asked.push(request);
            session.write_intents(ts);
        }
        session.requests.clear();
        session.tap.note_text(now, "resumed");
        if session.traders().any(Trader::is_stopped) {
            session.control(now, Control::LiftStop)?;
        }
        session.open_desks();
        for at in 0..session.started.len() {
            session.forget(instrument_idx(at), now);
        }
        match session.failed.take() {
            Some(error) => Err(error),
            None => Ok(session),
        }
    }

    fn traders(&self) -> impl Iterator<Item = &Trader> {
        let indices = (0..self.started.len()).map(instrument_idx);
        indices.filter_map(|at| self.engine.trader(at))
    }

    /// Closed trades count from here on: what is held counts as bought at the last mid.
    fn open_desks(&mut self) {
        for at in 0..self.started.len() {
            let market = self.engine.market(instrument_idx(at));
            let mid = market.and_then(Market::last_mid);
            let trader = self.engine.trader(instrument_idx(at));
            if let (Some(trader), Some(mid)) = (trader, mid) {
                self.desks[at].adopt(trader.position(), mid.to_exec());
            }
        }
    }

    /// Book and answers of an instrument are lost.
    fn forget(&mut self, instrument: InstrumentIdx, now: TsNs) {
        self.read(instrument, &[super::plan::gap(now)]);
        let trader = self.engine.trader(instrument);
        let open = trader.map(|trader| trader.open_orders().collect::<Vec<_>>());
        for order in open.unwrap_or_default() {
            if order.waits {
                self.tap.interrupted(instrument, now, order.cid);
                let done = self.enter(now, &Event::Interrupted(instrument, order.cid));
                self.keep(done);
            }
        }
    }

    /// The last request about an order may have reached the venue or not (a time-out, a lost
    /// connection, an answer that says nothing): the order is unknown until a report resolves it.
    ///
    /// # Errors
    /// [`RunError::Lanes`] for an unknown instrument.
    pub fn on_unanswered(&mut self, symbol: usize, now: TsNs, cid: Cid) -> Result<(), RunError> {
        let instrument = self.known(symbol)?;
        let now = self.clock(now);
        self.tap.unanswered(instrument, now, cid);
        let done = self.enter(now, &Event::Unanswered(instrument, cid));
        self.keep(done);
        self.answer().map(|_| ())
    }

    /// Takes over the venue's position because it is not the sum of the known fills. The
    /// difference is booked at `px`, by default the last mid.
    ///
    /// # Errors
    /// [`RunError::Lanes`] for an unknown instrument, [`RunError::NoPrice`] without a price to book
    /// it at.
    pub fn adopt(
        &mut self,
        symbol: usize,
        now: TsNs,
        position: QtyLot,
        px: Option<ExecPrice>,
    ) -> Result<(), RunError> {
        let instrument = self.known(symbol)?;
        let market = self.engine.market(instrument);
        let mid = market.and_then(|market| market.last_mid());
        let px = px.or_else(|| mid.map(|mid| mid.to_exec()));
        let px = px.ok_or(RunError::NoPrice)?;
        let now = self.clock(now);
        let trader = self.engine.trader(instrument);
        let before = trader.map_or(QtyLot::ZERO, Trader::position);
        self.desks[symbol].adopt(QtyLot::new(position.get().saturating_sub(before.get())), px);
        self.tap.adopt(instrument, now, position, px);
        self.enter(now, &Event::Adopt(instrument, position, px))
    }

    /// An instrument quotes nothing from now on, or may quote again. Its orders are cancelled at
    /// once. Returns the number of requests that wait.
    ///
    /// # Errors
    /// [`RunError::Lanes`] for an unknown instrument, a strategy's failure.
    pub fn hold(
        &mut self,
        symbol: usize,
        now: TsNs,
        on: bool,
        external: &mut impl crate::world::External,
    ) -> Result<usize, RunError> {
        let instrument = self.known(symbol)?;
        let now = self.clock(now);
        self.advance(now, external);
        self.tap.hold(instrument, now, on);
        let done = self.enter(now, &Event::Hold(instrument, on));
        self.keep(done);
        if on && self.started[symbol] {
            self.decide(instrument, now, external);
        }
        self.answer()
    }
}

impl From<RecoveryError> for RunError {
    fn from(error: RecoveryError) -> Self {
        RunError::Recovery(error)
    }
}
