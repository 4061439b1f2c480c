//! What a journal says: everything that entered a session, and everything that it asked for.

use super::control::Control;
use super::facts::InstrumentFacts;
use crate::action::Action;
use crate::block::Cause;
use crate::columns::EventRow;
use crate::instrument::InstrumentIdx;
use crate::quote::Quote;
use crate::report::ExecReport;
use crate::units::{Cid, ExecPrice, QtyLot, TsNs};

/// Version of the records below; a reader refuses any other.
pub const FORMAT_VERSION: u16 = 1;

/// Most market rows of one record. At 41 bytes for the worst row a record still fits into a frame.
pub const ROWS_MAX: usize = 65_536;

/// Where the actions of a session go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// To the simulated exchange, with live or recorded data.
    Paper,
    /// Nowhere; they are compared with what the market did.
    Shadow,
    /// To the venue.
    Live,
    /// To the simulated exchange, on a generated market.
    Sim,
}

impl Mode {
    /// Name in options, journals and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Mode::Paper => "paper",
            Mode::Shadow => "shadow",
            Mode::Live => "live",
            Mode::Sim => "sim",
        }
    }
}

/// The first record of a journal: what a session was before anything happened to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// Version of the format, [`FORMAT_VERSION`].
    pub format: u16,
    /// The session.
    pub session_id: String,
    /// Where its actions go.
    pub mode: Mode,
    /// When it began.
    pub created: TsNs,
    /// Seed of all its draws.
    pub seed: u64,
    /// What every client order id of it begins with; the full id follows in base 36.
    pub cid_prefix: String,
    /// What it trades.
    pub instruments: Vec<InstrumentFacts>,
    /// Configuration that holds for the whole session, canonical JSON.
    pub config: Vec<u8>,
}

/// One record. All `ts` are local times.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// A journal begins.
    Header(Box<Header>),
    /// Parameters of an instrument, from now on.
    Params {
        /// Which instrument.
        instrument: InstrumentIdx,
        /// When they took effect.
        ts: TsNs,
        /// Flat configuration, canonical JSON.
        config: Vec<u8>,
    },
    /// Parameters that hold for all instruments together, from now on.
    SessionParams {
        /// When they took effect.
        ts: TsNs,
        /// Flat configuration, canonical JSON.
        config: Vec<u8>,
    },
    /// The first market data of an instrument are there: its decisions are planned from here on.
    Start {
        /// Which instrument.
        instrument: InstrumentIdx,
        /// Receive time of its first row.
        ts: TsNs,
    },
    /// Market rows as received, at most [`ROWS_MAX`].
    MarketRows {
        /// Which instrument.
        instrument: InstrumentIdx,
        /// The rows in the order of reception.
        rows: Vec<EventRow>,
    },
    /// An execution report, before it changes state.
    Report {
        /// Which instrument.
        instrument: InstrumentIdx,
        /// When it was received.
        ts: TsNs,
        /// What it says.
        report: ExecReport,
    },
    /// A decision of an instrument runs. One that follows from a fill at once is made with the
    /// fill's report, one of a strategy outside the core with its [`Record::Quotes`].
    Decide {
        /// Which instrument.
        instrument: InstrumentIdx,
        /// When.
        ts: TsNs,
    },
    /// The instruments of the session are synchronised.
    Sync {
        /// When.
        ts: TsNs,
    },
    /// Shares of the budget.
    Weights {
        /// When they took effect.
        ts: TsNs,
        /// Share of each instrument, 0..1, by index.
        weights: Vec<f64>,
        /// What the next fee tier saves if it is near enough to raise all targets for it, bps; 0
        /// if it is not.
        fee_tilt: f64,
    },
    /// What a strategy outside the core answered.
    Quotes {
        /// Which instrument.
        instrument: InstrumentIdx,
        /// When.
        ts: TsNs,
        /// Its targets.
        quotes: Vec<Quote>,
    },
    /// How a call to the venue ended.
    CallResult {
        /// Which instrument.
        instrument: InstrumentIdx,
        /// When.
        ts: TsNs,
        /// Code of the outcome, given by its owner.
        outcome: u8,
    },
    /// An order of the operator.
    Control {
        /// When.
        ts: TsNs,
        /// What.
        control: Control,
    },
    /// An order request, before it leaves.
    Intent {
        /// Which instrument.
        instrument: InstrumentIdx,
        /// When it was decided.
        ts: TsNs,
        /// What is asked.
        action: Action,
        /// Why.
        cause: Cause,
        /// Number of the order in the session: the part of its client order id behind the prefix.
        full_cid: u64,
    },
    /// Hash of the whole state, to compare a replay with.
    StateHash {
        /// When.
        ts: TsNs,
        /// The hash.
        hash: u64,
    },
    /// Something to know: a change of a risk state with its cause, a mark of recovery.
    Note {
        /// When.
        ts: TsNs,
        /// What.
        text: String,
    },
    /// The last request about an order may have reached the venue or not: its state is unknown
    /// until a report resolves it.
    Unanswered {
        /// Which instrument.
        instrument: InstrumentIdx,
        /// When that was found out.
        ts: TsNs,
        /// The order.
        cid: Cid,
    },
    /// The process that had asked ended before the answer came: the order is as after
    /// [`Record::Unanswered`], but that says nothing about the venue.
    Interrupted {
        /// Which instrument.
        instrument: InstrumentIdx,
        /// When the session went on.
        ts: TsNs,
        /// The order.
        cid: Cid,
    },
    /// The venue's position is taken over, because it is not the sum of the known fills.
    Adopt {
        /// Which instrument.
        instrument: InstrumentIdx,
        /// When.
        ts: TsNs,
        /// Position from now on.
        position: QtyLot,
        /// Price at which the difference is booked.
        px: ExecPrice,
    },
    /// An instrument quotes nothing, or may quote again.
    Hold {
        /// Which instrument.
        instrument: InstrumentIdx,
        /// When.
        ts: TsNs,
        /// It quotes nothing from now on.
        on: bool,
    },
    /// The session ended in order.
    SessionEnd {
        /// When.
        ts: TsNs,
        /// Why.
        reason: String,
    },
}

/// Kind of a [`Record`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)] // the variants are those of `Record`
pub enum RecordKind {
    Header,
    Params,
    SessionParams,
    MarketRows,
    Report,
    Decide,
    Sync,
    Weights,
    Quotes,
    CallResult,
    Control,
    Intent,
    StateHash,
    Note,
    SessionEnd,
    Start,
    Unanswered,
    Interrupted,
    Adopt,
    Hold,
}

impl RecordKind {
    /// Name in tools and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            RecordKind::Header => "header",
            RecordKind::Params => "params",
            RecordKind::SessionParams => "session_params",
            RecordKind::MarketRows => "market_rows",
            RecordKind::Report => "report",
            RecordKind::Decide => "decide",
            RecordKind::Sync => "sync",
            RecordKind::Weights => "weights",
            RecordKind::Quotes => "quotes",
            RecordKind::CallResult => "call_result",
            RecordKind::Control => "control",
            RecordKind::Intent => "intent",
            RecordKind::StateHash => "state_hash",
            RecordKind::Note => "note",
            RecordKind::SessionEnd => "session_end",
            RecordKind::Start => "start",
            RecordKind::Unanswered => "unanswered",
            RecordKind::Interrupted => "interrupted",
            RecordKind::Adopt => "adopt",
            RecordKind::Hold => "hold",
        }
    }
}

impl Record {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> RecordKind {
        match self {
            Record::Header(_) => RecordKind::Header,
            Record::Params { .. } => RecordKind::Params,
            Record::SessionParams { .. } => RecordKind::SessionParams,
            Record::MarketRows { .. } => RecordKind::MarketRows,
            Record::Report { .. } => RecordKind::Report,
            Record::Decide { .. } => RecordKind::Decide,
            Record::Sync { .. } => RecordKind::Sync,
            Record::Weights { .. } => RecordKind::Weights,
            Record::Quotes { .. } => RecordKind::Quotes,
            Record::CallResult { .. } => RecordKind::CallResult,
            Record::Control { .. } => RecordKind::Control,
            Record::Intent { .. } => RecordKind::Intent,
            Record::StateHash { .. } => RecordKind::StateHash,
            Record::Note { .. } => RecordKind::Note,
            Record::SessionEnd { .. } => RecordKind::SessionEnd,
            Record::Start { .. } => RecordKind::Start,
            Record::Unanswered { .. } => RecordKind::Unanswered,
            Record::Interrupted { .. } => RecordKind::Interrupted,
            Record::Adopt { .. } => RecordKind::Adopt,
            Record::Hold { .. } => RecordKind::Hold,
        }
    }

    /// Local time of the record; of the first row for market rows, `None` without rows.
    #[must_use]
    pub fn ts(&self) -> Option<TsNs> {
        match self {
            Record::Header(header) => Some(header.created),
            Record::MarketRows { rows, .. } => rows.first().map(|row| row.ts_local),
            Record::Params { ts, .. }
            | Record::SessionParams { ts, .. }
            | Record::Start { ts, .. }
            | Record::Report { ts, .. }
            | Record::Decide { ts, .. }
            | Record::Sync { ts }
            | Record::Weights { ts, .. }
            | Record::Quotes { ts, .. }
            | Record::CallResult { ts, .. }
            | Record::Unanswered { ts, .. }
            | Record::Interrupted { ts, .. }
            | Record::Adopt { ts, .. }
            | Record::Hold { ts, .. }
            | Record::Control { ts, .. }
            | Record::Intent { ts, .. }
            | Record::StateHash { ts, .. }
            | Record::Note { ts, .. }
            | Record::SessionEnd { ts, .. } => Some(*ts),
        }
    }

    /// The instrument that it is about; `None` if it is about the session.
    #[must_use]
    pub const fn instrument(&self) -> Option<InstrumentIdx> {
        match self {
            Record::Params { instrument, .. }
            | Record::Start { instrument, .. }
            | Record::MarketRows { instrument, .. }
            | Record::Report { instrument, .. }
            | Record::Decide { instrument, .. }
            | Record::Quotes { instrument, .. }
            | Record::CallResult { instrument, .. }
            | Record::Unanswered { instrument, .. }
            | Record::Interrupted { instrument, .. }
            | Record::Adopt { instrument, .. }
            | Record::Hold { instrument, .. }
            | Record::Intent { instrument, .. } => Some(*instrument),
            _ => None,
        }
    }
}
