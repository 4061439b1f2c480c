//! Edge accounting in exact integers.

mod record;

pub use record::FillRecord;

use mmbot_types::{MidTick, Money};
use thiserror::Error;

/// Components of the edge, exact; costs are positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EdgeTotals {
    /// Quoted edge against the mid of the decision.
    pub gross: Money,
    /// Drift while the quote was out, plus price concession.
    pub slippage: Money,
    /// Price impact after the fill.
    pub adverse: Money,
    /// Holding result of what was left.
    pub inventory: Money,
    /// Fees paid minus rebates.
    pub fees: Money,
    /// gross - fees - slippage - adverse - inventory.
    pub net: Money,
    /// Notional of all fills.
    pub turnover: Money,
    /// Mid at the end; `None` if there never was one.
    pub last_mid: Option<MidTick>,
}

/// The components do not add up to the ledger: a defect of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("edge components add up to {edge}, the ledger has {ledger} (quanta)")]
pub struct IdentityError {
    /// Sum of the components, quanta.
    pub edge: i128,
    /// Cash plus marked position minus fees, quanta.
    pub ledger: i128,
}
