//! What a run found.

use super::kind::Fault;
use crate::invariant::{Invariant, Violation};

/// What a run found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Seed.
    pub seed: u64,
    /// Instruments.
    pub symbols: usize,
    /// Rules that did not hold: the first times of each.
    pub violations: Vec<Violation>,
    /// All times, by rule.
    pub broken: [u64; Invariant::COUNT],
    /// Judgements by rule, in the order of [`Invariant::ALL`].
    pub judged: [u64; Invariant::COUNT],
    /// Faults that happened, in the order of [`Fault::ALL`].
    pub happened: [u64; Fault::COUNT],
    /// Venue time, ns.
    pub venue_ns: i64,
    /// Market rows and messages.
    pub events: u64,
    /// Requests sent, and fills.
    pub requests: u64,
    /// See `requests`.
    pub fills: u64,
    /// Symbols that quoted at the end of the healed phase.
    pub resumed: usize,
    /// Symbols that a guard held then.
    pub held: usize,
    /// The session was stopped or killed for good.
    pub dead: bool,
    /// Reports that found no order, over all symbols.
    pub orphans: u64,
    /// Equal runs, equal hashes.
    pub state_hash: u64,
}
