//! What is found out about the venue outside its reports: requests without an answer, positions
//! that are not the sum of the known fills, and the hold that such a finding leads to.

use super::{OrderEventKind, Trader};
use crate::order::{OrderEvent, OrderState};
use crate::session::CallOutcome;
use mmbot_types::{Cid, Color, ExecPrice, Money, QtyLot, TsNs};

impl Trader {
    /// The last request about an order may have arrived or not: the order is unknown, and counts as
    /// live, until a report resolves it. Nothing changes if no request is on its way.
    pub fn on_unanswered(&mut self, now: TsNs, cid: Cid) {
        let Some(slot) = self.orders.find(cid) else {
            return;
        };
        if self.orders.get(slot).state.waits() {
            self.lose_answer(now, slot, "unanswered");
        }
    }

    /// The process that had asked ended before the answer came. Its order is unknown, but the venue
    /// has not failed. Only a probe counts: it has to end, and without an answer it failed.
    pub fn on_interrupted(&mut self, now: TsNs, cid: Cid) {
        let Some(slot) = self.orders.find(cid) else {
            return;
        };
        if self.orders.get(slot).state.waits() {
            let probed = self.is_probe(cid).then_some(CallOutcome::Timeout);
            self.make_unknown(now, slot, probed, "interrupted");
        }
    }

    /// The order in `slot`, whose request was not answered in time, becomes unknown.
    pub(super) fn lose_answer(&mut self, now: TsNs, slot: usize, why: &'static str) {
        self.telemetry.timeouts += 1;
        self.make_unknown(now, slot, Some(CallOutcome::Timeout), why);
    }

    fn make_unknown(
        &mut self,
        now: TsNs,
        slot: usize,
        outcome: Option<CallOutcome>,
        why: &'static str,
    ) {
        let state = self.orders.get(slot).state;
        if self.in_session && matches!(state, OrderState::PendingCancel { .. }) {
            // a cancel may be sent twice: what must go is asked for again
            self.forget_request(slot);
        }
        if let Some(outcome) = outcome {
            self.note_result(now, slot, outcome);
        }
        self.apply(slot, OrderEvent::TimedOut);
        self.log_event(now, slot, OrderEventKind::Unknown, why);
        self.answered(slot);
    }

    /// Takes over the venue's position. The difference is booked at `px`, without a fee, as if it
    /// had been held from then on: it is no fill and no turnover.
    pub fn adopt(&mut self, now: TsNs, position: QtyLot, px: ExecPrice) {
        let before = self.position;
        let difference = QtyLot::new(position.get().saturating_sub(before.get()));
        self.position = position;
        self.cash -= Money::notional(px, difference);
        self.edge.adopt(px, difference);
        self.telemetry.position.change(before, position, now);
        if self.in_session {
            // nobody knows the colour of what made it
            self.position_by_color[Color::BOTH[0].index()] += difference;
        }
        self.refresh_skew();
    }

    /// Quotes nothing from now on, until that is lifted; its orders are cancelled at the next
    /// decision.
    pub fn hold(&mut self, on: bool) {
        self.held = on;
        self.refresh_holds();
    }

    /// True while it is held.
    #[must_use]
    pub const fn is_held(&self) -> bool {
        self.held
    }
}
