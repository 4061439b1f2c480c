//! A session writes itself down while it runs: journal records in exactly the order in which its
//! traders see things, each before what it leads to.
//!
//! A [`Fleet`](crate::fleet::Fleet) with one lane has one tap, which the worlds hold in turn.
//! Market rows are kept until something else happens to their instrument, so that a record holds
//! many of them and cuts of the data do not show. Everything is bytes in memory; who runs the
//! session puts them on a disk before the session goes on.

use crate::checkpoint::At;
use crate::error::RunError;
use crate::taking::Taking;
use mmbot_types::journal::{Control, Header, JournalError, Record, Writer};
use mmbot_types::{
    Action, Cause, Cid, EventRow, ExecPrice, ExecReport, InstrumentIdx, QtyLot, Quote, TsNs,
};

/// What a journal begins with.
#[derive(Debug, Clone, PartialEq)]
pub struct JournalStart {
    /// The first record.
    pub header: Header,
    /// Flat configuration of each instrument, canonical JSON.
    pub params: Vec<Vec<u8>>,
    /// Flat configuration of the session, canonical JSON.
    pub session: Vec<u8>,
    /// Market time between two hashes of the state (`journal.snapshot_interval_s`), ns.
    pub hash_every_ns: i64,
    /// With each of these hashes the state itself, for whoever takes it.
    pub checkpoints: bool,
}

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct Tap {
    writer: Writer,
    /// Bytes of records that were taken.
    taken: u64,
    checkpoints: Option<Taking>,
    /// A record that did not fit: the journal has a hole and ends here.
    failed: Option<JournalError>,
    hash_every_ns: i64,
    next_hash_ns: i64,
}

/// A journal that goes on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Going {
    /// Where the next record will be.
    pub at: At,
    /// See [`JournalStart::hash_every_ns`].
    pub hash_every_ns: i64,
    /// Number of the next checkpoint; `None` if none are to be taken.
    pub next_checkpoint: Option<u64>,
}

impl Tap {
    pub(crate) fn going_on(from: Going) -> Self {
        Self {
            writer: Writer::new(from.at.seq),
            taken: from.at.offset,
            checkpoints: from.next_checkpoint.map(Taking::from_number),
            failed: None,
            hash_every_ns: from.hash_every_ns,
            next_hash_ns: i64::MIN,
        }
    }

    pub(crate) fn new(start: JournalStart) -> Result<Self, RunError> {
        let mut tap = Self {
            writer: Writer::new(0),
            taken: 0,
            checkpoints: start.checkpoints.then(Taking::default),
            failed: None,
            hash_every_ns: start.hash_every_ns,
            next_hash_ns: i64::MIN,
        };
        let ts = start.header.created;
        tap.put(&Record::Header(Box::new(start.header)));
        for (at, config) in (0u16..).zip(start.params) {
            tap.params(InstrumentIdx(at), ts, config);
        }
        tap.session_params(ts, start.session);
        tap.check()?;
        Ok(tap)
    }

    /// Framed records that nobody has taken yet.
    pub(crate) fn pending(&self) -> Result<&[u8], RunError> {
        self.check()?;
        Ok(self.writer.pending())
    }

    pub(crate) fn clear(&mut self) {
        self.taken += self.writer.pending().len() as u64;
        self.writer.clear();
    }

    pub(crate) fn params(&mut self, instrument: InstrumentIdx, ts: TsNs, config: Vec<u8>) {
        self.note_params();
        self.put(&Record::Params {
            instrument,
            ts,
            config,
        });
    }

    pub(crate) fn session_params(&mut self, ts: TsNs, config: Vec<u8>) {
        self.note_params();
        self.put(&Record::SessionParams { ts, config });
    }

    pub(crate) fn start(&mut self, instrument: InstrumentIdx, ts: TsNs) {
        self.put(&Record::Start { instrument, ts });
    }

    /// Rows received since the last record of their instrument; `rows` is empty afterwards.
    pub(crate) fn rows(&mut self, instrument: InstrumentIdx, rows: &mut Vec<EventRow>) {
        if !rows.is_empty() {
            let put = self.writer.append_rows(instrument, rows);
            self.note(put);
            rows.clear();
        }
    }

    /// Rows that are about to be read.
    pub(crate) fn rows_to_read(&mut self, instrument: InstrumentIdx, rows: &[EventRow]) {
        let put = self.writer.append_rows(instrument, rows);
        self.note(put);
    }

    pub(crate) fn report(&mut self, instrument: InstrumentIdx, ts: TsNs, report: &ExecReport) {
        let report = *report;
        self.put(&Record::Report {
            instrument,
            ts,
            report,
        });
    }

    pub(crate) fn decide(&mut self, instrument: InstrumentIdx, ts: TsNs) {
        self.put(&Record::Decide { instrument, ts });
    }

    pub(crate) fn quotes(&mut self, instrument: InstrumentIdx, ts: TsNs, quotes: &[Quote]) {
        let quotes = quotes.to_vec();
        self.put(&Record::Quotes {
            instrument,
            ts,
            quotes,
        });
    }

    pub(crate) fn weights(&mut self, ts: TsNs, weights: &[f64], fee_tilt: f64) {
        let weights = weights.to_vec();
        self.put(&Record::Weights {
            ts,
            weights,
            fee_tilt,
        });
    }

    pub(crate) fn unanswered(&mut self, instrument: InstrumentIdx, ts: TsNs, cid: Cid) {
        self.put(&Record::Unanswered {
            instrument,
            ts,
            cid,
        });
    }

    pub(crate) fn interrupted(&mut self, instrument: InstrumentIdx, ts: TsNs, cid: Cid) {
        self.put(&Record::Interrupted {
            instrument,
            ts,
            cid,
        });
    }

    pub(crate) fn adopt(
        &mut self,
        instrument: InstrumentIdx,
        ts: TsNs,
        position: QtyLot,
        px: ExecPrice,
    ) {
        self.put(&Record::Adopt {
            instrument,
            ts,
            position,
            px,
        });
    }

    pub(crate) fn hold(&mut self, instrument: InstrumentIdx, ts: TsNs, on: bool) {
        self.put(&Record::Hold { instrument, ts, on });
    }

    pub(crate) fn sync(&mut self, ts: TsNs) {
        self.put(&Record::Sync { ts });
    }

    pub(crate) fn control(&mut self, ts: TsNs, control: Control) {
        self.put(&Record::Control { ts, control });
    }

    pub(crate) fn intent(
        &mut self,
        instrument: InstrumentIdx,
        ts: TsNs,
        (action, cause): (Action, Cause),
        full_cid: u64,
    ) {
        self.put(&Record::Intent {
            instrument,
            ts,
            action,
            cause,
            full_cid,
        });
    }

    /// True once per [`JournalStart::hash_every_ns`].
    pub(crate) fn hash_is_due(&mut self, ts: TsNs) -> bool {
        let is_due = ts.get() >= self.next_hash_ns;
        if is_due {
            self.next_hash_ns = ts.get().saturating_add(self.hash_every_ns);
        }
        is_due
    }

    pub(crate) fn hash(&mut self, ts: TsNs, hash: u64) {
        self.put(&Record::StateHash { ts, hash });
    }

    /// Where the next record will be.
    pub(crate) fn next_at(&self) -> At {
        At {
            seq: self.writer.next_seq(),
            offset: self.taken + self.writer.pending().len() as u64,
        }
    }

    /// Checkpoints that nobody has taken yet; `None` if there are to be none.
    pub(crate) const fn checkpoints_mut(&mut self) -> Option<&mut Taking> {
        self.checkpoints.as_mut()
    }

    fn note_params(&mut self) {
        let at = self.next_at();
        if let Some(checkpoints) = &mut self.checkpoints {
            checkpoints.note_params(at);
        }
    }

    pub(crate) fn note_text(&mut self, ts: TsNs, text: &str) {
        let text = text.to_owned();
        self.put(&Record::Note { ts, text });
    }

    pub(crate) fn end(&mut self, ts: TsNs, reason: &str) {
        let reason = reason.to_owned();
        self.put(&Record::SessionEnd { ts, reason });
    }

    fn put(&mut self, record: &Record) {
        let put = self.writer.append(record).map(|_| ());
        self.note(put);
    }

    fn note(&mut self, put: Result<(), JournalError>) {
        if let Err(error) = put {
            self.failed.get_or_insert(error);
        }
    }

    fn check(&self) -> Result<(), RunError> {
        self.failed
            .map_or(Ok(()), |error| Err(RunError::Journal(error)))
    }
}
