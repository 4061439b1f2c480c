//! What can go wrong in a run; each has the code under which the user sees it.

use crate::replay::RecoveryError;
use mmbot_core::session::ControlError;
use mmbot_core::{EngineError, IdentityError};
use mmbot_sim::SimConfigError;
use mmbot_types::journal::JournalError;
use mmbot_types::{ChunkError, ParamError};
use thiserror::Error;

/// Why a run was refused or stopped.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum RunError {
    /// A lane's parameter is out of range.
    #[error("{0}")]
    Param(#[from] ParamError),
    /// A simulation parameter is out of range.
    #[error("{0}")]
    Sim(#[from] SimConfigError),
    /// A chunk breaks the rules of its columns.
    #[error("{0}")]
    Chunk(#[from] ChunkError),
    /// A chunk does not follow the one before it in time.
    #[error("chunk starts at {at_ns} ns, before the data already seen ({seen_ns} ns)")]
    ChunkOrder {
        /// First time of the chunk.
        at_ns: i64,
        /// Last time seen.
        seen_ns: i64,
    },
    /// No lanes, or not one simulation per lane.
    #[error("a run needs at least one lane and one simulation per lane")]
    Lanes,
    /// Money does not add up: a defect of ours.
    #[error("lane {lane}: {source}")]
    Identity {
        /// Which lane.
        lane: usize,
        /// What differs.
        source: IdentityError,
    },
    /// Engine and exchange disagree at the end of a run: a defect of ours.
    #[error("lane {lane}: {what}: engine {engine}, exchange {exchange}")]
    Conservation {
        /// Which lane.
        lane: usize,
        /// What differs.
        what: &'static str,
        /// The engine's value.
        engine: i128,
        /// The exchange's value.
        exchange: i128,
    },
    /// A strategy from outside failed; its own message.
    #[error("strategy failed: {0}")]
    Strategy(String),
    /// A record of the session's journal does not fit into a frame.
    #[error("{0}")]
    Journal(#[from] JournalError),
    /// A journal is asked of a run that has none, or that cannot have one: it takes one lane with
    /// a session, from before its first event.
    #[error("a journal is written of one lane with a session, from its beginning")]
    NoJournal,
    /// A journal does not bring its session back.
    #[error("journal {0}")]
    Recovery(RecoveryError),
    /// A position cannot be taken over before there is a price to book it at.
    #[error("no price is known to book the position at")]
    NoPrice,
    /// A control that does not fit the session.
    #[error("{0}")]
    Control(#[from] ControlError),
    /// The run is over, or about to be.
    #[error("the run is finished")]
    Finished,
}

impl From<EngineError> for RunError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Param(error) => RunError::Param(error),
            EngineError::UnknownInstrument(_) | EngineError::NotDriven => RunError::Lanes,
            EngineError::Control(error) => RunError::Control(error),
            EngineError::Weights(error) => RunError::Strategy(error.to_string()),
            EngineError::Identity(source) => RunError::Identity { lane: 0, source },
        }
    }
}

impl RunError {
    /// Registered error code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            RunError::Param(_) => "E_CFG_RANGE",
            RunError::Sim(_) => "E_CALIB_RANGE",
            RunError::Chunk(_) | RunError::ChunkOrder { .. } => "E_MD_FRAME",
            RunError::Lanes | RunError::Finished | RunError::NoJournal | RunError::NoPrice => {
                "E_BT_ARGS"
            }
            RunError::Journal(_) | RunError::Recovery(_) => "E_STORE_JOURNAL",
            RunError::Control(_) => "E_STORE_TYPE:invalid_payload",
            RunError::Identity { .. } | RunError::Conservation { .. } => "E_SIM_IDENTITY",
            RunError::Strategy(_) => "E_EXEC_STRATEGY",
        }
    }
}
