//! What enters and leaves an engine.

use crate::edge::IdentityError;
use crate::portfolio::{FeeTilt, WeightError};
use crate::session::ControlError;
use crate::strategy::Quote;
use mmbot_types::journal::Control;
use mmbot_types::{
    Action, Cause, Cid, EventRow, ExecPrice, ExecReport, InstrumentIdx, ParamError, Params, QtyLot,
    SessionParams,
};
use thiserror::Error;

/// What can happen.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A market row.
    Market(InstrumentIdx, EventRow),
    /// An execution report.
    Report(InstrumentIdx, ExecReport),
    /// Time passed.
    Timer,
    /// New parameters of an instrument.
    Params(InstrumentIdx, Box<Params>),
    /// New parameters of the session.
    Session(Box<SessionParams>),
    /// Targets of a strategy outside the core.
    Quotes(InstrumentIdx, Vec<Quote>),
    /// What an operator or another part of the program orders.
    Control(Control),
    /// Shares of the budget from now on, and whether a better fee tier is worth a tilt.
    Weights(Vec<f64>, FeeTilt),
    /// The last request about an order may have arrived or not.
    Unanswered(InstrumentIdx, Cid),
    /// The process that had asked ended before the answer came.
    Interrupted(InstrumentIdx, Cid),
    /// The venue's position of an instrument is taken over, the difference booked at a price.
    Adopt(InstrumentIdx, QtyLot, ExecPrice),
    /// An instrument quotes nothing, or may quote again.
    Hold(InstrumentIdx, bool),
    /// Driven only: decisions of an instrument are planned from here on.
    Start(InstrumentIdx),
    /// Driven only: an instrument decides.
    Decide(InstrumentIdx),
    /// Driven only: the instruments are synchronised.
    Sync,
}

/// A request with the instrument that it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Which instrument.
    pub instrument: InstrumentIdx,
    /// What is asked.
    pub action: Action,
    /// Why.
    pub cause: Cause,
}

/// Why an event was refused; nothing has changed then.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum EngineError {
    /// No such instrument.
    #[error("no instrument {0:?} in this session")]
    UnknownInstrument(InstrumentIdx),
    /// A parameter out of range.
    #[error("{0}")]
    Param(#[from] ParamError),
    /// Weights that are none.
    #[error("{0}")]
    Weights(#[from] WeightError),
    /// A control that does not fit the session.
    #[error("{0}")]
    Control(#[from] ControlError),
    /// Money does not add up: a defect of ours.
    #[error("{0}")]
    Identity(#[from] IdentityError),
    /// Decisions and synchronisations are this engine's own to plan.
    #[error("this engine is not driven")]
    NotDriven,
}
