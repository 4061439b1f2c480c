//! The trader's end of a synchronisation with its session.

use super::{Since, Trader};
use crate::order::color::{color_of_all, color_of_seq};
use crate::order::{IdempotencyFilter, OrderTable};
use crate::session::Permit;
use crate::strategy::Target;
use mmbot_types::{Cid, Color, MidTick, Money, QtyLot, RolloutParams, Side, TsNs};
use std::sync::Arc;

/// A symbol's place among those of its session: numbers of orders are unique over all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SeatPlace {
    /// Index of the symbol.
    pub index: u64,
    /// Number of symbols.
    pub count: u64,
}

impl SeatPlace {
    /// The only symbol.
    pub const ALONE: SeatPlace = SeatPlace { index: 0, count: 1 };

    /// Number within the session of the symbol's order number `seq`.
    #[inline]
    #[must_use]
    pub const fn session_seq(self, seq: u64) -> u64 {
        seq * self.count + self.index
    }
}

impl Trader {
    /// Makes the trader part of a session: it may do nothing before its first permit.
    pub fn join_session(&mut self, place: SeatPlace) {
        (self.in_session, self.witnessed) = (true, true);
        self.orders.keep_past();
        self.seat = place;
        self.permit.budget = None;
        self.refresh_holds();
    }

    /// Colours of orders from now on; live orders keep theirs.
    pub fn set_rollout(&mut self, rollout: &Arc<RolloutParams>) {
        if !Arc::ptr_eq(&self.rollout, rollout) {
            self.rollout = Arc::clone(rollout);
            self.color_of_all = color_of_all(rollout);
        }
    }

    /// Requests just sent, of which none is sent twice.
    #[must_use]
    pub const fn idempotency(&self) -> &IdempotencyFilter {
        &self.idempotency
    }

    /// Number within the session of the order in a client order id.
    #[must_use]
    pub const fn session_seq(&self, cid: Cid) -> u64 {
        self.seat.session_seq(OrderTable::seq_of(cid))
    }

    /// Number that the next order gets, among the trader's own.
    #[must_use]
    pub const fn next_order_seq(&self) -> u64 {
        self.orders.next_seq()
    }

    /// Colour of the next order.
    #[inline]
    pub(super) fn next_color(&self) -> Color {
        self.color_of_all.unwrap_or_else(|| {
            color_of_seq(&self.rollout, self.seat.session_seq(self.orders.next_seq()))
        })
    }

    /// A target's quantity for an order of a colour.
    #[inline]
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // lots of an order
    pub(super) fn colored(&self, target: Target, color: Color, side: Side) -> Target {
        let factor = self.permit.color_size(color, side);
        if factor == 1.0 {
            return target;
        }
        // a bias that is a whole number of lots up to float noise stays that number
        let lots = (target.qty.get() as f64 * factor + 1e-9) as i64;
        Target {
            qty: QtyLot::new(lots),
            ..target
        }
    }

    /// True if its permits come from a session.
    #[inline]
    #[must_use]
    pub const fn is_in_session(&self) -> bool {
        self.in_session
    }

    /// What happened since the last synchronisation; the session clears it when it has read it.
    pub const fn since_mut(&mut self) -> &mut Since {
        &mut self.since
    }

    /// Takes a new permit. True if it forbids what the last one allowed, so that a decision should
    /// run at once.
    #[inline]
    pub fn set_permit(&mut self, permit: &Permit) -> bool {
        let held = &self.permit;
        let other_holds = permit.holds != held.holds;
        let tighter = other_holds || (permit.budget.is_none() && held.budget.is_some());
        let other_size = permit.budget != held.budget || permit.size_mult != held.size_mult;
        self.limited = false;
        self.permit = *permit;
        self.witnessed = true;
        if other_holds || other_size {
            self.refresh_holds();
        }
        tighter
    }

    /// A probe of the circuit breaker is on its way.
    #[must_use]
    pub const fn is_probing(&self) -> bool {
        self.probe.is_some()
    }

    /// Position by the colour of the orders that made it.
    #[must_use]
    pub const fn position_by_color(&self) -> [QtyLot; 2] {
        self.position_by_color
    }

    /// Net result marked at `mid`, USD.
    #[must_use]
    pub fn net_usd(&self, mid: MidTick) -> f64 {
        self.instrument.money_to_f64(self.net(mid))
    }

    /// Value of `position` at `mid`, USD.
    #[must_use]
    pub fn marked_usd(&self, position: QtyLot, mid: MidTick) -> f64 {
        let marked = Money::notional(mid.to_exec(), position);
        self.instrument.money_to_f64(marked)
    }

    /// Time at which a decision should run because the session wants one.
    pub const fn decide_at(&mut self, now: TsNs) {
        self.due = now;
        self.timer_due = now;
    }
}
