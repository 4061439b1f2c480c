//! What the engine asks of a venue.

use crate::block::Cause;
use crate::side::Side;
use crate::units::{Cid, PriceTick, QtyLot};

/// How long an order may rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeInForce {
    /// Rests until cancelled.
    GoodTilCancel,
    /// Rests, but is rejected at acceptance if it would trade at once (post-only).
    PostOnly,
    /// Trades what it can at acceptance, the rest is cancelled.
    ImmediateOrCancel,
}

impl TimeInForce {
    /// Name in journals and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            TimeInForce::GoodTilCancel => "gtc",
            TimeInForce::PostOnly => "post_only",
            TimeInForce::ImmediateOrCancel => "ioc",
        }
    }
}

/// A limit order on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewOrder {
    /// Client order id, fresh.
    pub cid: Cid,
    /// Side.
    pub side: Side,
    /// Limit price.
    pub px: PriceTick,
    /// Quantity, positive.
    pub qty: QtyLot,
    /// Time in force.
    pub tif: TimeInForce,
}

/// One order request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Send a new order.
    Place(NewOrder),
    /// Change price and/or quantity of a resting order.
    Amend {
        /// Which order.
        cid: Cid,
        /// New limit price.
        px: PriceTick,
        /// New total quantity, the filled part included, as venues define it: what fills while the
        /// request travels counts against it, so that an amend can never buy more than was meant.
        total_qty: QtyLot,
    },
    /// Take an order out.
    Cancel {
        /// Which order.
        cid: Cid,
    },
}

impl Action {
    /// The order that the request is about.
    #[must_use]
    pub const fn cid(&self) -> Cid {
        match self {
            Action::Place(order) => order.cid,
            Action::Amend { cid, .. } | Action::Cancel { cid } => *cid,
        }
    }
}

/// Requests of one engine call in sending order (cancels, amends, places), each with its cause.
/// Reused between calls, so that the hot path allocates nothing after warm-up.
#[derive(Debug, Clone, Default)]
pub struct ActionBuf {
    items: Vec<(Action, Cause)>,
}

impl ActionBuf {
    /// An empty buffer.
    #[must_use]
    pub const fn new() -> Self {
        Self { items: Vec::new() }
    }

    /// Appends a request.
    #[inline]
    pub fn push(&mut self, action: Action, cause: Cause) {
        self.items.push((action, cause));
    }

    /// Forgets all requests, keeps the memory.
    #[inline]
    pub fn clear(&mut self) {
        self.items.clear();
    }

    /// The requests in sending order.
    #[inline]
    #[must_use]
    pub fn as_slice(&self) -> &[(Action, Cause)] {
        &self.items
    }

    /// True if nothing is asked.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}
