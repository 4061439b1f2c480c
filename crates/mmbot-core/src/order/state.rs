//! What an order is, and what it can be.

use mmbot_types::{Cid, Color, MidTick, PriceTick, QtyLot, Side, TsNs};

/// Price, size and the market of the decision that asked for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Terms {
    /// Limit price.
    pub px: PriceTick,
    /// Total quantity, the filled part included.
    pub total: QtyLot,
    /// Mid at the decision that asked for this price.
    pub decision_mid: MidTick,
    /// Best opposite price at that decision.
    pub opposite: PriceTick,
}

/// How an order ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum DoneReason {
    /// Filled completely.
    Filled,
    /// Cancelled, by us or by the venue.
    Cancelled,
    /// Refused; it never rested.
    Rejected,
}

/// State of an order, with the data that exists in it. What may follow is in
/// [`crate::order::transition`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum OrderState {
    /// Sent; the venue has not answered.
    PendingNew,
    /// Rests; nothing is asked of the venue.
    Live,
    /// Rests; a change is on its way.
    PendingAmend {
        /// What was asked for.
        to: Terms,
    },
    /// A cancel is on its way.
    PendingCancel {
        /// A change that was on its way before, and may still take effect.
        amend: Option<Terms>,
    },
    /// Its state at the venue is not known; it counts as live exposure until a report resolves it.
    Unknown {
        /// A change whose fate is not known either.
        amend: Option<Terms>,
    },
    /// Over.
    Done(DoneReason),
}

impl OrderState {
    /// Name in reports and in the documentation.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            OrderState::PendingNew => "PendingNew",
            OrderState::Live => "Live",
            OrderState::PendingAmend { .. } => "PendingAmend",
            OrderState::PendingCancel { .. } => "PendingCancel",
            OrderState::Unknown { .. } => "Unknown",
            OrderState::Done(DoneReason::Filled) => "Done(Filled)",
            OrderState::Done(DoneReason::Cancelled) => "Done(Cancelled)",
            OrderState::Done(DoneReason::Rejected) => "Done(Rejected)",
        }
    }

    /// True once the order is over.
    #[inline]
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self, OrderState::Done(_))
    }

    /// True while a request about the order is on its way.
    #[inline]
    #[must_use]
    pub const fn waits(&self) -> bool {
        match self {
            OrderState::PendingNew
            | OrderState::PendingAmend { .. }
            | OrderState::PendingCancel { .. } => true,
            OrderState::Live | OrderState::Unknown { .. } | OrderState::Done(_) => false,
        }
    }

    /// A change that may take effect.
    #[inline]
    #[must_use]
    pub const fn asked(&self) -> Option<Terms> {
        match self {
            OrderState::PendingAmend { to } => Some(*to),
            OrderState::PendingCancel { amend } | OrderState::Unknown { amend } => *amend,
            OrderState::PendingNew | OrderState::Live | OrderState::Done(_) => None,
        }
    }
}

/// One of our orders. Fields stand in the order of their use: an answer looks at the first of three
/// cache lines, a decision at the second too, a fill at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[repr(C, align(64))]
pub struct Order {
    /// Client order id.
    pub cid: Cid,
    /// Local time of the last request about the order.
    pub sent: TsNs,
    /// Venue time of acceptance or the last accepted amend; `None` before.
    pub rests_from: Option<TsNs>,
    /// Venue time at which it joined its queue.
    pub queued_from: TsNs,
    /// Local time at which the last place or amend was acknowledged.
    pub since: TsNs,
    /// Side.
    pub side: Side,
    /// Level at placement, 0 is the innermost.
    pub level: u8,
    /// Colour, decided at placement.
    pub color: Color,
    /// A replace that counts as in flight is about this order.
    pub replacing: bool,
    /// The venue refused to amend it: changes are made by cancel and create.
    pub not_amendable: bool,
    /// The amend on its way is a drift refresh: a refusal leads to a cancel.
    pub refreshing: bool,
    /// A fill was the first sign that it rests; the venue has not said since when.
    pub unsaid: bool,
    /// State; what a change on its way asks for lies on the second line.
    pub state: OrderState,
    /// Terms in force (asked for, while the order is new).
    pub terms: Terms,
    /// Quantity of all distinct fills.
    pub filled: QtyLot,
    /// Fills are known without a hole up to this cumulative quantity.
    pub filled_prefix: QtyLot,
    /// Venue time of the latest fill, and quantity of all fills since `rests_from`: those that may
    /// have overtaken the answer to a change.
    pub last_fill: TsNs,
    /// See `last_fill`.
    pub filled_since: QtyLot,
    /// Mid at the last place or amend: price drift is measured from it.
    pub drift_mid: MidTick,
}

impl Order {
    /// Open quantity of the terms in force.
    #[inline]
    #[must_use]
    pub fn open(&self) -> QtyLot {
        QtyLot::new((self.terms.total.get() - self.filled.get()).max(0))
    }

    /// Largest quantity that may still fill, whatever becomes of requests on their way.
    #[inline]
    #[must_use]
    pub fn open_at_most(&self) -> QtyLot {
        let asked = self.state.asked().map_or(0, |terms| terms.total.get());
        let total = self.terms.total.get().max(asked);
        QtyLot::new((total - self.filled.get()).max(0))
    }

    /// A fill of `qty` was made at venue time `ts_exch`.
    #[inline]
    pub fn note_fill(&mut self, ts_exch: TsNs, qty: QtyLot) {
        if self.rests_from.is_none_or(|from| from <= ts_exch) {
            self.last_fill = self.last_fill.max(ts_exch);
            self.filled_since += qty;
        }
    }

    /// Quantity that may have filled after venue time `ts_exch`, as far as is known.
    #[inline]
    #[must_use]
    pub fn filled_after(&self, ts_exch: TsNs) -> QtyLot {
        if self.last_fill >= ts_exch {
            self.filled_since
        } else {
            QtyLot::ZERO
        }
    }

    /// The price that it has or, with a change on its way, will have.
    #[inline]
    #[must_use]
    pub const fn working_px(&self) -> PriceTick {
        match self.state {
            OrderState::PendingAmend { to } => to.px,
            _ => self.terms.px,
        }
    }

    /// Highest of its prices, for exposure.
    #[inline]
    #[must_use]
    pub fn dearest_px(&self) -> PriceTick {
        match self.state.asked() {
            Some(asked) if asked.px > self.terms.px => asked.px,
            _ => self.terms.px,
        }
    }

    /// Puts new terms in force from venue time `ts_exch` on. At the same price the decision that
    /// set the price stays, and with a smaller size the place in the queue, too.
    pub fn set_terms(&mut self, to: Terms, ts_exch: TsNs) {
        let before = self.terms;
        self.terms = to;
        self.filled_since = self.filled_after(ts_exch);
        if to.px == before.px {
            self.terms.decision_mid = before.decision_mid;
            self.terms.opposite = before.opposite;
        }
        if to.px != before.px || to.total > before.total {
            self.queued_from = ts_exch;
        }
    }

    /// Nanoseconds since the last acknowledged place or amend.
    #[inline]
    #[must_use]
    pub const fn age_ns(&self, now: TsNs) -> i64 {
        now.since_ns(self.since)
    }
}

/// An order for the live view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenOrder {
    /// Client order id.
    pub cid: Cid,
    /// Side.
    pub side: Side,
    /// Price in force.
    pub px: PriceTick,
    /// Open quantity.
    pub open_qty: QtyLot,
    /// Filled so far.
    pub filled_qty: QtyLot,
    /// Name of the state.
    pub state: &'static str,
    /// It rests and nothing is asked of the venue.
    pub rests: bool,
    /// A request about it is on its way.
    pub waits: bool,
    /// Local time of the last acknowledged place or amend (of sending, before the first).
    pub since: TsNs,
}

impl From<&Order> for OpenOrder {
    fn from(order: &Order) -> Self {
        Self {
            cid: order.cid,
            side: order.side,
            px: order.terms.px,
            open_qty: order.open(),
            filled_qty: order.filled,
            state: order.state.name(),
            rests: order.state == OrderState::Live,
            waits: order.state.waits(),
            since: order.since,
        }
    }
}
