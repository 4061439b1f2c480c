//! What a replay finds.

use mmbot_core::EngineError;
use mmbot_types::{Action, InstrumentError, ParamError};
use thiserror::Error;

/// How a replay went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Input events: market rows one by one, reports, decisions, everything else that enters.
    pub events: u64,
    /// Requests that were as journalled.
    pub actions: u64,
    /// Hash of the state at the end.
    pub hash: u64,
    /// The first difference; `None` if there is none.
    pub difference: Option<Difference>,
}

/// Where replay and journal part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// Another request, one too many or one too few.
    Request {
        /// Record at which it shows.
        seq: u64,
        /// What the core asks for now; `None` for nothing.
        replayed: Option<Action>,
        /// What the journal has; `None` for nothing.
        journalled: Option<Action>,
    },
    /// Another state.
    Hash {
        /// Record at which it shows.
        seq: u64,
        /// Hash now.
        replayed: u64,
        /// Hash of the journal.
        journalled: u64,
    },
}

impl Difference {
    /// Number of the record at which it shows.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        match self {
            Difference::Request { seq, .. } | Difference::Hash { seq, .. } => *seq,
        }
    }
}

/// A journal that no session has written.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("seq={seq} {what}")]
pub struct ReplayError {
    /// The offending record.
    pub seq: u64,
    /// What is wrong with it.
    pub what: What,
}

/// What is wrong with a record.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum What {
    /// Something comes before the header.
    #[error("does not begin with a header")]
    NoHeader,
    /// A journal has one header.
    #[error("is a second header")]
    SecondHeader,
    /// Something happens before the parameters of every instrument and of the session are there.
    #[error("comes before all parameters")]
    NoParams,
    /// No such instrument.
    #[error("is about an instrument that the header does not name")]
    UnknownInstrument,
    /// An instrument that cannot be.
    #[error("{0}")]
    Instrument(#[from] InstrumentError),
    /// A configuration that cannot be read, with its reader's message.
    #[error("{0}")]
    Config(String),
    /// A parameter out of range.
    #[error("{0}")]
    Param(#[from] ParamError),
    /// The core refuses it.
    #[error("{0}")]
    Engine(#[from] EngineError),
    /// Nothing that this version can replay.
    #[error("is nothing that this version replays")]
    Unsupported,
}
