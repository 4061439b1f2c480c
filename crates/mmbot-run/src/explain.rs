//! Where in a journal the answer to "why" stands.
//!
//! An order is explained by the decision that sent it: the last record before its intent that is no
//! intent itself. A moment is explained by the last decision of an instrument at or before it,
//! which may have been made with the report of a fill.

use mmbot_types::journal::{Coded, Entry, Frame, JournalError, Record, RecordKind, decode};
use mmbot_types::{Action, Cause, InstrumentIdx, ReportKind, TsNs};

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Why the session's order of this number.
    Order(u64),
    /// Why an instrument did at this time what it did.
    At(InstrumentIdx, TsNs),
}

/// A request in a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Number of its intent.
    pub seq: u64,
    /// Number of the record that led to it.
    pub cause_seq: u64,
    /// Kind of that record.
    pub cause_kind: RecordKind,
    /// Instrument.
    pub instrument: InstrumentIdx,
    /// Time.
    pub ts: TsNs,
    /// What was asked.
    pub action: Action,
    /// Why.
    pub cause: Cause,
    /// Number of the order in the session.
    pub full_cid: u64,
}

/// Decisions of an instrument between two records; the last of them is the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The instrument.
    pub instrument: InstrumentIdx,
    /// Trace from this record on,
    pub from_seq: u64,
    /// to this one.
    pub to_seq: u64,
}

/// Looks for the answer; feed it all frames in their order.
#[derive(Debug, Clone)]
pub struct Search {
    question: Question,
    /// The last record that is no intent.
    input: Option<(u64, RecordKind)>,
    decided: Option<u64>,
    touched: Option<u64>,
    sent: Vec<Sent>,
}

impl Search {
    /// A search that has seen nothing.
    #[must_use]
    pub const fn new(question: Question) -> Self {
        Self {
            question,
            input: None,
            decided: None,
            touched: None,
            sent: Vec::new(),
        }
    }

    /// Takes in the next frame.
    ///
    /// # Errors
    /// A record that cannot be read.
    pub fn on_frame(&mut self, frame: &Frame<'_>) -> Result<(), JournalError> {
        let code = frame.body.first().copied().unwrap_or_default();
        let Some(kind) = RecordKind::of_code(code) else {
            // whoever replays says what is wrong with it
            return Ok(());
        };
        if self.wants(kind) {
            let record = decode(frame.body).map_err(|error| JournalError {
                offset: frame.body_offset() + error.offset,
                what: error.what,
            })?;
            let seq = frame.seq;
            self.on_entry(&Entry { seq, record });
        }
        if kind != RecordKind::Intent {
            self.input = Some((frame.seq, kind));
        }
        Ok(())
    }

    /// Where the answer is; `None` if the journal does not hold it.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        match self.question {
            Question::Order(_) => self.sent.first().map(|sent| sent.place()),
            Question::At(instrument, _) => Some(Place {
                instrument,
                from_seq: self.decided.or(self.touched)?,
                to_seq: self.touched?,
            }),
        }
    }

    /// True if what came before the first record cannot change the answer: a moment is explained
    /// from a decision on.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        match self.question {
            Question::Order(_) => !self.sent.is_empty(),
            Question::At(..) => self.decided.is_some(),
        }
    }

    /// All requests about the order, in their order; none for a moment.
    #[must_use]
    pub fn sent(&self) -> &[Sent] {
        &self.sent
    }

    const fn wants(&self, kind: RecordKind) -> bool {
        match self.question {
            Question::Order(_) => matches!(kind, RecordKind::Intent),
            Question::At(..) => matches!(
                kind,
                RecordKind::Decide | RecordKind::Quotes | RecordKind::Report
            ),
        }
    }

    fn on_entry(&mut self, entry: &Entry) {
        match (&entry.record, self.question) {
            (
                Record::Intent {
                    instrument,
                    ts,
                    action,
                    cause,
                    full_cid,
                },
                Question::Order(asked),
            ) if *full_cid == asked => {
                let (cause_seq, cause_kind) = self.input.unwrap_or((0, RecordKind::Header));
                self.sent.push(Sent {
                    seq: entry.seq,
                    cause_seq,
                    cause_kind,
                    instrument: *instrument,
                    ts: *ts,
                    action: *action,
                    cause: *cause,
                    full_cid: *full_cid,
                });
            }
            (record, Question::At(instrument, until)) => {
                let of_it = record.instrument() == Some(instrument);
                if of_it && record.ts().is_some_and(|ts| ts <= until) {
                    self.on_record_of_instrument(entry.seq, record);
                }
            }
            _ => {}
        }
    }

    fn on_record_of_instrument(&mut self, seq: u64, record: &Record) {
        match record {
            Record::Decide { .. } | Record::Quotes { .. } => {
                (self.decided, self.touched) = (Some(seq), Some(seq));
            }
            Record::Report { report, .. } if matches!(report.kind, ReportKind::Filled { .. }) => {
                self.touched = Some(seq);
            }
            _ => {}
        }
    }
}

impl Sent {
    /// The decision that sent it.
    #[must_use]
    pub const fn place(&self) -> Place {
        Place {
            instrument: self.instrument,
            from_seq: self.cause_seq,
            to_seq: self.cause_seq,
        }
    }
}
