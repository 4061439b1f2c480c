//! When a live session decides and synchronises.

use super::LiveSession;
use crate::error::RunError;
use crate::world::{External, instrument_idx};
use mmbot_core::Event;
use mmbot_core::session::SYNC_NS;
use mmbot_types::{EventRow, ExecReport, InstrumentIdx, PriceTick, QtyLot, RowKind, Side, TsNs};

/// What is later than this is not made up for one by one: the process slept, and what it would have
/// decided meanwhile is of no use.
const LATE_NS: i64 = 1_000_000_000;

impl LiveSession {
    /// Makes synchronisations up to `now` and decisions whose time lies before it.
    #[inline]
    pub(super) fn advance(&mut self, now: TsNs, external: &mut impl External) {
        while self.next_sync_ns <= now.get() {
            let mut sync = TsNs::new(self.next_sync_ns);
            if now.since_ns(sync) > LATE_NS {
                sync = TsNs::new(now.get() - now.get().rem_euclid(SYNC_NS));
            }
            self.decide_before(sync, external);
            self.synchronise(sync, external);
        }
        self.decide_before(now, external);
    }

    #[inline]
    fn decide_before(&mut self, until: TsNs, external: &mut impl External) {
        for at in 0..self.started.len() {
            let instrument = instrument_idx(at);
            loop {
                let due = self.timer_due(instrument);
                if due >= until {
                    break;
                }
                let late = until.since_ns(due) > LATE_NS;
                self.decide(instrument, if late { until } else { due }, external);
            }
        }
    }

    #[inline]
    pub(super) fn timer_due(&self, instrument: InstrumentIdx) -> TsNs {
        let trader = self.engine.trader(instrument);
        let timer = trader.map_or(TsNs::NEVER, |trader| trader.timer_due());
        timer.min(self.stale_due(instrument))
    }

    /// When quotes are pulled because the book has become stale; once for each such book.
    #[inline]
    fn stale_due(&self, instrument: InstrumentIdx) -> TsNs {
        let market = self.engine.market(instrument);
        let from = market.map_or(TsNs::NEVER, |market| market.stale_from());
        let seen = self.stale.get(usize::from(instrument.0)) == Some(&from);
        if seen { TsNs::NEVER } else { from }
    }

    /// The instruments are coupled; one whose permit became tighter decides at once.
    fn synchronise(&mut self, now: TsNs, external: &mut impl External) {
        self.tap.sync(now);
        let done = self.enter(now, &Event::Sync);
        self.keep(done);
        self.next_sync_ns = self.engine.session().next_sync().get();
        for at in 0..self.started.len() {
            let instrument = instrument_idx(at);
            if self.engine.tightened().any(|one| one == instrument) {
                self.decide(instrument, now, external);
            }
        }
        if self.tap.hash_is_due(now) {
            self.write_state(now);
        }
    }

    /// The hash of the state, after the checkpoint that it is the hash of.
    pub(super) fn write_state(&mut self, now: TsNs) {
        let (at, engine) = (self.tap.next_at(), &self.engine);
        if let Some(checkpoints) = self.tap.checkpoints_mut() {
            let seats = (0..self.started.len()).map(instrument_idx);
            let seats = seats.filter_map(|one| Some((engine.market(one)?, engine.trader(one)?)));
            checkpoints.take(at, now, engine.session(), seats);
        }
        self.tap.hash(now, engine.state_hash());
    }

    /// A decision of an instrument, whose strategy may be outside.
    pub(super) fn decide(
        &mut self,
        instrument: InstrumentIdx,
        now: TsNs,
        external: &mut impl External,
    ) {
        let stale = self.stale_due(instrument);
        if stale <= now {
            self.stale[usize::from(instrument.0)] = stale;
        }
        let trader = self.engine.trader(instrument);
        let event = if trader.is_some_and(|trader| trader.wants_external()) {
            let quotes = self.ask(instrument, now, external);
            let quotes = quotes.unwrap_or_else(|error| {
                // without targets everything is cancelled: nothing stands in the market that
                // nobody looks after
                self.failed.get_or_insert(error);
                Vec::new()
            });
            self.tap.quotes(instrument, now, &quotes);
            Event::Quotes(instrument, quotes)
        } else {
            self.tap.decide(instrument, now);
            Event::Decide(instrument)
        };
        let done = self.enter(now, &event);
        self.keep(done);
    }

    fn ask(
        &mut self,
        instrument: InstrumentIdx,
        now: TsNs,
        external: &mut impl External,
    ) -> Result<Vec<mmbot_core::Quote>, RunError> {
        let view = self.engine.view_at(instrument, now)?;
        external.quotes(usize::from(instrument.0), 0, &view)
    }

    /// Rows of one moment, and the decision that they make due.
    #[inline]
    pub(super) fn on_packet(
        &mut self,
        instrument: InstrumentIdx,
        rows: &[EventRow],
        now: TsNs,
        external: &mut impl External,
    ) {
        let Some(last) = rows.last() else {
            return;
        };
        self.begin(instrument, now);
        self.advance(now, external);
        self.read(instrument, rows);
        if self.is_crossed(instrument) {
            self.feeds.lose(instrument, now);
            return self.on_break(instrument, now, external);
        }
        if rows.iter().any(|row| row.kind == RowKind::Gap) {
            self.decide(instrument, now, external);
        }
        self.settle(instrument, now, last.last, external);
    }

    /// A crossed book is wrong: something was lost on the way, whatever the numbers say.
    #[inline]
    fn is_crossed(&self, instrument: InstrumentIdx) -> bool {
        let market = self.engine.market(instrument);
        market.is_some_and(|market| market.is_synced() && market.book().is_crossed())
    }

    /// The book is unusable from now on; quotes are pulled.
    pub(super) fn on_break(
        &mut self,
        instrument: InstrumentIdx,
        now: TsNs,
        external: &mut impl External,
    ) {
        self.advance(now, external);
        self.read(instrument, &[gap(now)]);
        if self.started[usize::from(instrument.0)] {
            self.decide(instrument, now, external);
        }
    }

    /// The first market data of an instrument: its decisions are planned from here on.
    #[inline]
    fn begin(&mut self, instrument: InstrumentIdx, now: TsNs) {
        let started = &mut self.started[usize::from(instrument.0)];
        if *started {
            return;
        }
        *started = true;
        self.tap.start(instrument, now);
        let done = self.enter(now, &Event::Start(instrument));
        self.keep(done);
        if self.next_sync_ns == i64::MAX {
            self.next_sync_ns = now.get();
        }
    }

    #[inline]
    pub(super) fn read(&mut self, instrument: InstrumentIdx, rows: &[EventRow]) {
        self.tap.rows_to_read(instrument, rows);
        self.spans[usize::from(instrument.0)].add_rows(rows);
        let done = self.engine.on_rows(instrument, rows);
        self.keep(done.map_err(RunError::from));
    }

    pub(super) fn take_report(
        &mut self,
        instrument: InstrumentIdx,
        report: &ExecReport,
        now: TsNs,
        external: &mut impl External,
    ) {
        self.tap.report(instrument, now, report);
        let (side, before) = (self.side_of(instrument, report), self.fills(instrument));
        let done = self.enter(now, &Event::Report(instrument, *report));
        self.keep(done);
        if let Some(side) = side.filter(|_| self.fills(instrument) > before) {
            self.desks[usize::from(instrument.0)].note(side, report);
        }
        let asks = self.engine.asking().any(|one| one == instrument);
        if asks || self.is_left_in_the_market(instrument) {
            self.decide(instrument, now, external);
        }
    }

    /// Side of the order of a report, which may be forgotten once the report is taken in.
    fn side_of(&self, instrument: InstrumentIdx, report: &ExecReport) -> Option<Side> {
        self.engine.trader(instrument)?.side_of(report.cid)
    }

    fn fills(&self, instrument: InstrumentIdx) -> u64 {
        let trader = self.engine.trader(instrument);
        trader.map_or(0, |trader| trader.telemetry().fills())
    }

    /// An order rests that could not be cancelled when the book became unusable.
    fn is_left_in_the_market(&self, instrument: InstrumentIdx) -> bool {
        let (market, trader) = (
            self.engine.market(instrument),
            self.engine.trader(instrument),
        );
        let usable = market.is_none_or(|market| market.is_synced() || market.in_snapshot());
        !usable && trader.is_some_and(|one| one.open_orders().any(|order| order.rests))
    }

    /// The decision of an instrument that is due at `now`; `ended` after the end of a packet.
    #[inline]
    pub(super) fn settle(
        &mut self,
        instrument: InstrumentIdx,
        now: TsNs,
        ended: bool,
        external: &mut impl External,
    ) {
        let Some(trader) = self.engine.trader(instrument) else {
            return;
        };
        let due = self.timer_due(instrument) <= now;
        if due || (ended && trader.due() <= now) {
            self.decide(instrument, now, external);
        }
    }

    /// Remembers the first failure of the running input.
    #[inline]
    pub(super) fn keep(&mut self, done: Result<(), RunError>) {
        if let Err(error) = done {
            self.failed.get_or_insert(error);
        }
    }
}

/// Data are missing from here on.
pub(super) const fn gap(now: TsNs) -> EventRow {
    EventRow {
        kind: RowKind::Gap,
        side: Side::Buy,
        last: true,
        px: PriceTick::ZERO,
        qty: QtyLot::ZERO,
        ts_exch: now,
        ts_local: now,
    }
}
