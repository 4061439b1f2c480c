//! What a venue says about our orders.

use crate::money::Money;
use crate::units::{Cid, ExecPrice, PriceTick, QtyLot, TsNs};

/// Which side of the trade we were on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Liquidity {
    /// Our order was resting.
    Maker,
    /// Our order took.
    Taker,
}

impl Liquidity {
    /// Name in journals and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Liquidity::Maker => "maker",
            Liquidity::Taker => "taker",
        }
    }
}

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum RejectReason {
    /// A post-only order would have traded.
    PostOnlyWouldCross,
    /// The order is unknown or already done.
    UnknownOrder,
    /// Quantity or price filter.
    Filter,
    /// Venue rate limit.
    RateLimit,
    /// The venue's book is not usable now (gap, maintenance).
    MarketUnavailable,
    /// Injected by a fault scenario.
    Injected,
    /// The session kept it back itself: nothing was sent, and it says nothing about the venue.
    NotSent,
}

impl RejectReason {
    /// Name in journals, records and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            RejectReason::PostOnlyWouldCross => "post_only_would_cross",
            RejectReason::UnknownOrder => "unknown_order",
            RejectReason::Filter => "filter",
            RejectReason::RateLimit => "rate_limit",
            RejectReason::MarketUnavailable => "market_unavailable",
            RejectReason::Injected => "injected",
            RejectReason::NotSent => "not_sent",
        }
    }
}

/// One execution report of one order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExecReport {
    /// The order.
    pub cid: Cid,
    /// Venue time of what happened.
    pub ts_exch: TsNs,
    /// What happened.
    pub kind: ReportKind,
}

/// What happened to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportKind {
    /// The order rests (or will trade at once; fills follow).
    Accepted,
    /// A new order was refused; it never rested.
    Rejected(RejectReason),
    /// An amend took effect.
    Amended {
        /// Price now in force.
        px: PriceTick,
        /// Open quantity now in force.
        open_qty: QtyLot,
    },
    /// An amend was refused; the order rests unchanged if it is still open.
    AmendRejected(RejectReason),
    /// The order is out, by request or (IOC remainder) by rule.
    Cancelled,
    /// A cancel was refused, usually because the order is already done.
    CancelRejected(RejectReason),
    /// The order traded.
    Filled {
        /// Execution price (includes modelled slippage).
        px: ExecPrice,
        /// Quantity of this fill.
        qty: QtyLot,
        /// Filled so far, this fill included: the idempotency key of a fill.
        cum_qty: QtyLot,
        /// Maker or taker.
        liquidity: Liquidity,
        /// Fee paid; negative is a rebate.
        fee: Money,
    },
}
