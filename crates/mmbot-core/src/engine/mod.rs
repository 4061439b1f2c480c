//! One entry point for everything that can happen.

use mmbot_types::{EventRow, ExecReport, InstrumentIdx, Params};

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event {
    /// A market row.
    Market(InstrumentIdx, EventRow),
    /// An execution report.
    Report(InstrumentIdx, ExecReport),
    /// Time passed.
    Timer,
    /// New parameters.
    Params(InstrumentIdx, Params),
    /// Cancel everything and quote no more.
    Stop,
}

/// Markets and traders of a session.
#[derive(Debug, Clone, Default)]
pub struct Engine {}
