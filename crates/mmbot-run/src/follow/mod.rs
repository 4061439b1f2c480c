//! Follows a journal without deciding anything: the state of every order after every record, fills
//! with their mids, markouts, and moments at which to mark the accounts. Requests and reports are
//! taken from the journal, states come from the core's order machine; nothing depends on how a
//! request was decided, so that journals of other builds are followed like one's own.
//!
//! What is told is a function of the records alone, however they are cut into calls.

mod seat;
mod told;

pub use told::{FillTold, MarkoutTold, OrderNow, OrderTold, Told};

use crate::replay::{ReplayError, What};
use mmbot_core::Trader;
use mmbot_types::journal::{Entry, Header, Record};
use mmbot_types::{Instrument, InstrumentIdx, RolloutParams, TsNs};
use seat::Seat;
use std::sync::Arc;

/// Reads the colours of new orders out of the parameters of a session; `None` if it cannot, which
/// leaves them as they are.
pub type ReadRollout<'a> = dyn FnMut(&[u8], &[Instrument]) -> Option<RolloutParams> + 'a;

/// See the module. Feed it entries in their order.
#[derive(Debug, Clone)]
pub struct Follow {
    mark_every_ns: i64,
    next_mark_ns: Option<i64>,
    instruments: Vec<Instrument>,
    seats: Vec<Seat>,
    has_begun: bool,
}

impl Follow {
    /// Accounts are marked once in every `mark_every_ns` of market time, and at the end.
    #[must_use]
    pub const fn new(mark_every_ns: i64) -> Self {
        Self {
            mark_every_ns,
            next_mark_ns: None,
            instruments: Vec::new(),
            seats: Vec::new(),
            has_begun: false,
        }
    }

    /// What is known of an instrument's orders and accounts.
    #[must_use]
    pub fn trader(&self, instrument: InstrumentIdx) -> Option<&Trader> {
        let seat = self.seats.get(usize::from(instrument.0));
        seat.map(Seat::trader)
    }

    /// Takes in the next entry and appends what follows from it.
    ///
    /// # Errors
    /// [`ReplayError`]: a journal that no session has written.
    pub fn on_entry(
        &mut self,
        entry: &Entry,
        rollout: &mut ReadRollout<'_>,
        out: &mut Vec<Told>,
    ) -> Result<(), ReplayError> {
        self.take(entry, rollout, out).map_err(|what| ReplayError {
            seq: entry.seq,
            what,
        })
    }

    fn take(
        &mut self,
        entry: &Entry,
        rollout: &mut ReadRollout<'_>,
        out: &mut Vec<Told>,
    ) -> Result<(), What> {
        let record = &entry.record;
        if let Record::Header(header) = record {
            return self.begin(header);
        }
        if !self.has_begun {
            return Err(What::NoHeader);
        }
        if self.is_meeting(record)
            && let Some(ts) = record.ts()
        {
            self.mark_if_due(entry.seq, ts, out);
        }
        let at = (entry.seq, record.ts().unwrap_or_default());
        match record {
            Record::MarketRows { instrument, rows } => self.seat(*instrument)?.rows(rows),
            Record::Intent {
                instrument,
                action,
                cause,
                ..
            } => self.seat(*instrument)?.request(at, (action, *cause), out),
            Record::Report {
                instrument, report, ..
            } => {
                let seat = self.seat(*instrument)?;
                seat.report(at, report, out);
                seat.pass(at, out);
            }
            Record::Decide { instrument, .. } | Record::Quotes { instrument, .. } => {
                self.seat(*instrument)?.pass(at, out);
            }
            Record::Unanswered {
                instrument, cid, ..
            } => self.seat(*instrument)?.unanswered(at, *cid, out),
            Record::Interrupted {
                instrument, cid, ..
            } => self.seat(*instrument)?.interrupted(at, *cid, out),
            Record::Adopt {
                instrument,
                ts,
                position,
                px,
            } => self.seat(*instrument)?.adopt(*ts, *position, *px),
            Record::SessionParams { config, .. } => self.set_rollout(rollout, config),
            Record::SessionEnd { ts, .. } => self.mark(entry.seq, *ts, out),
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, header: &Header) -> Result<(), What> {
        if self.has_begun {
            return Err(What::SecondHeader);
        }
        let made = header.instruments.iter().map(|facts| facts.instrument());
        self.instruments = made.collect::<Result<_, _>>()?;
        let count = self.instruments.len();
        for (at, instrument) in (0u16..).zip(&self.instruments) {
            self.seats.push(Seat::new(at, instrument, count)?);
        }
        self.has_begun = true;
        Ok(())
    }

    fn seat(&mut self, instrument: InstrumentIdx) -> Result<&mut Seat, What> {
        let seat = self.seats.get_mut(usize::from(instrument.0));
        seat.ok_or(What::UnknownInstrument)
    }

    /// All instruments are at the time of the record: none has an earlier record behind it.
    fn is_meeting(&self, record: &Record) -> bool {
        match record {
            Record::Sync { .. } => true,
            Record::Decide { .. } => self.seats.len() == 1,
            _ => false,
        }
    }

    fn mark_if_due(&mut self, seq: u64, ts: TsNs, out: &mut Vec<Told>) {
        match self.next_mark_ns {
            Some(due_ns) if ts.get() < due_ns => {}
            Some(_) => self.mark(seq, ts, out),
            None => self.plan_mark(ts),
        }
    }

    fn mark(&mut self, seq: u64, ts: TsNs, out: &mut Vec<Told>) {
        self.plan_mark(ts);
        let mids = self.seats.iter().map(Seat::mid).collect();
        out.push(Told::Mark { seq, ts, mids });
    }

    /// At the next multiple of the interval.
    const fn plan_mark(&mut self, ts: TsNs) {
        let passed = ts.get().div_euclid(self.mark_every_ns);
        let next_ns = passed.saturating_add(1).saturating_mul(self.mark_every_ns);
        self.next_mark_ns = Some(next_ns);
    }

    fn set_rollout(&mut self, rollout: &mut ReadRollout<'_>, config: &[u8]) {
        if let Some(rollout) = rollout(config, &self.instruments) {
            let rollout = Arc::new(rollout);
            for seat in &mut self.seats {
                seat.set_rollout(&rollout);
            }
        }
    }
}
