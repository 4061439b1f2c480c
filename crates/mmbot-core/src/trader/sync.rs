//! The trader's end of a synchronisation with its session.

use super::{Since, Trader};
use crate::session::Permit;
use mmbot_types::{MidTick, Money, QtyLot, TsNs};

impl Trader {
    /// Makes the trader part of a session: it may do nothing before its first permit.
    pub fn join_session(&mut self) {
        self.in_session = true;
        self.permit.budget = None;
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
    pub fn set_permit(&mut self, permit: Permit) -> bool {
        let tighter = permit.holds != self.permit.holds
            || (permit.budget.is_none() && self.permit.budget.is_some());
        self.limited = false;
        self.permit = permit;
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
