//! Edge accounting in exact integers.
//!
//! For a fill on side d (+1 buy, -1 sell) of quantity q at price p, with M the mid at the decision
//! that set the order's price, R its reference price, m the mid before the fill, m' the mid one
//! horizon later and m_T the mid at the end:
//!
//! ```text
//! gross = d (M - R) q     slippage = d ((M - m) + (p - R)) q     adverse = d (m - m') q
//! inventory = d (m' - m_T) q     net = gross - fees - slippage - adverse - inventory
//! ```
//!
//! The sum telescopes to d (m_T - p) q, the ledger's result, without a rounding error. Realised and
//! effective spread after R. Huang and H. Stoll (1996), slippage after A. Perold (1988). A fill
//! waits until the venue's clock has passed it (for m) and its horizon (for m').

mod adverse_rate;
mod book;
mod color_markout;
mod markout;
mod record;

pub use adverse_rate::{ADVERSE_PENDING_MAX, AdverseRate};
pub use book::{EdgeBook, Fill};
pub use color_markout::{COLOR_MARKOUT_MS, ColorMarkouts};
pub use markout::{MARKOUT_MS, Markout, Markouts};
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
    /// gross - slippage - adverse - inventory of the fills that took.
    pub taken: Money,
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

#[cfg(test)]
mod tests;
