//! Requests on their way out. The order's state changes here, at once; the request goes into the
//! decision's plan, which leaves in the order cancels, amends, places.

use super::{OrderEventKind, Trader};
use crate::order::{ANSWER_TIMEOUT_NS, OrderEvent, OrderState, Terms};
use crate::trace::{Steps, Value};
use mmbot_types::{
    Action, ActionBuf, BlockDetail, Cause, NewOrder, PriceTick, QtyLot, Side, TimeInForce, TsNs,
};

impl Trader {
    /// Sends a new order; `None` if no slot is free. Returns its slot.
    // always: terms that are passed in memory are read back before they are there
    #[inline(always)]
    pub(super) fn place(
        &mut self,
        now: TsNs,
        side: Side,
        level: u8,
        terms: Terms,
    ) -> Option<usize> {
        let color = self.next_color();
        let slot = self.orders.next_slot()?;
        if self.orders.keeps_past() || !self.early.is_empty() {
            let gone = self.orders.vacate(slot);
            self.early.forget(gone);
        }
        self.orders.insert(slot, side, level, color, terms, now);
        self.telemetry.places += 1;
        self.telemetry.attempts += 1;
        if self.witnessed {
            self.sent_create(slot);
            self.log_intent(now, slot, OrderEventKind::IntentPlace, Cause::Quote);
        }
        self.expect_answer(now);
        Some(slot)
    }

    /// Asks for a change of a live order.
    pub(super) fn amend(&mut self, now: TsNs, slot: usize, to: Terms, cause: Cause) {
        if !self.request(now, slot, OrderEvent::AmendSent(to)) {
            return;
        }
        self.orders.get_mut(slot).drift_mid = to.decision_mid;
        self.count_replace(now, slot);
        self.telemetry.amends += 1;
        let side = self.orders.get(slot).side;
        self.telemetry.amends_of[side.index()] += 1;
        self.sent_amend(slot);
        self.log_intent(now, slot, OrderEventKind::IntentAmend, cause);
        self.scratch.amends.push((slot, cause));
    }

    /// Asks for the end of an order; nothing happens if its state does not allow that.
    #[inline]
    pub(super) fn cancel(&mut self, now: TsNs, slot: usize, cause: Cause) {
        if self.ask_cancel(now, slot, cause) {
            self.scratch.cancels.push((slot, cause));
        }
    }

    /// As [`Self::cancel`], but the request is the caller's to put into a plan: true if there is
    /// one.
    #[inline]
    pub(super) fn ask_cancel(&mut self, now: TsNs, slot: usize, cause: Cause) -> bool {
        if !self.request(now, slot, OrderEvent::CancelSent) {
            return false;
        }
        self.telemetry.cancels += 1;
        self.telemetry.guard_cancels += u64::from(cause == Cause::GuardPause);
        if self.witnessed {
            self.sent_cancel();
            self.log_intent(now, slot, OrderEventKind::IntentCancel, cause);
        }
        true
    }

    /// The request for a new order of `side` in `slot`; the terms are given because those in the
    /// slot were written a moment ago.
    #[inline]
    pub(super) fn place_request(
        &self,
        slot: usize,
        side: Side,
        px: PriceTick,
        qty: QtyLot,
    ) -> Action {
        Action::Place(NewOrder {
            cid: self.orders.get(slot).cid,
            side,
            px,
            qty,
            tif: if self.params.quote.post_only {
                TimeInForce::PostOnly
            } else {
                TimeInForce::GoodTilCancel
            },
        })
    }

    /// A cancel that makes room for a replacement.
    pub(super) fn cancel_to_replace(&mut self, now: TsNs, slot: usize, cause: Cause) {
        self.cancel(now, slot, cause);
        self.count_replace(now, slot);
    }

    /// Cancels everything that can be cancelled. An order whose state is unknown is asked for again
    /// only after the time of an answer.
    #[cold]
    pub(super) fn cancel_all(&mut self, now: TsNs, cause: Cause) {
        if self.keeps_orders {
            return;
        }
        for slot in self.orders.all_open() {
            let order = self.orders.get(slot);
            let may = match order.state {
                OrderState::Live | OrderState::PendingAmend { .. } => true,
                OrderState::Unknown { .. } => now.since_ns(order.sent) >= ANSWER_TIMEOUT_NS,
                OrderState::PendingNew | OrderState::PendingCancel { .. } | OrderState::Done(_) => {
                    false
                }
            };
            if may {
                self.cancel(now, slot, cause);
            }
        }
    }

    /// Moves the plan into `out`.
    #[inline]
    pub(super) fn flush(&mut self, out: &mut ActionBuf) {
        let plan = &self.scratch;
        if !(plan.cancels.is_empty() && plan.amends.is_empty() && plan.places.is_empty()) {
            self.flush_plan(out);
        }
    }

    fn flush_plan(&mut self, out: &mut ActionBuf) {
        let before = out.as_slice().len();
        let plan = &self.scratch;
        for &(slot, cause) in &plan.cancels {
            let cid = self.orders.get(slot).cid;
            out.push(Action::Cancel { cid }, cause);
        }
        for &(slot, cause) in &plan.amends {
            let order = self.orders.get(slot);
            if let Some(to) = order.state.asked() {
                let (cid, px, total_qty) = (order.cid, to.px, to.total);
                out.push(Action::Amend { cid, px, total_qty }, cause);
            }
        }
        for &(slot, cause) in &plan.places {
            let order = self.orders.get(slot);
            let (px, qty) = (order.terms.px, order.terms.total);
            out.push(self.place_request(slot, order.side, px, qty), cause);
        }
        if self.trace.is_some() {
            self.trace_requests(&out.as_slice()[before..]);
        }
        let plan = &mut self.scratch;
        plan.cancels.clear();
        plan.amends.clear();
        plan.places.clear();
    }

    /// Counts a refusal.
    #[inline]
    pub(super) fn block(&mut self, detail: BlockDetail) {
        self.trace.note("blocked", (None, None), || {
            [
                ("detail", Value::Name(detail.name())),
                ("reason", Value::Name(detail.reason().name())),
            ]
        });
        self.telemetry.attempts += 1;
        self.telemetry.blocks.block(detail);
    }

    /// Counts a refusal of a replacement.
    #[inline]
    pub(super) fn deny_replace(&mut self, detail: BlockDetail) {
        self.block(detail);
        self.telemetry.replace_denials[detail as usize] += 1;
    }

    /// Requests without an answer for too long leave their orders unknown.
    #[cold]
    pub(super) fn time_out(&mut self, now: TsNs) {
        self.timeout_at = TsNs::NEVER;
        for slot in self.orders.all_open() {
            let order = self.orders.get(slot);
            let waits = order.state.waits();
            if waits && now.since_ns(order.sent) >= ANSWER_TIMEOUT_NS {
                self.lose_answer(now, slot, "timed_out");
            } else if waits {
                let sent = order.sent;
                self.expect_answer(sent);
            }
        }
    }

    #[inline]
    pub(super) fn expect_answer(&mut self, sent: TsNs) {
        let until = sent.plus_ns(ANSWER_TIMEOUT_NS);
        if until < self.timeout_at {
            self.timeout_at = until;
        }
    }

    fn count_replace(&mut self, now: TsNs, slot: usize) {
        self.answered(slot);
        self.orders.get_mut(slot).replacing = true;
        self.throttle.on_sent(now);
        self.telemetry.replaces += 1;
    }

    #[inline]
    fn request(&mut self, now: TsNs, slot: usize, event: OrderEvent) -> bool {
        if self.in_session && self.is_repetition(now, slot, event) {
            return false;
        }
        if self.orders.advance(slot, event).is_err() {
            return false;
        }
        self.orders.get_mut(slot).sent = now;
        self.telemetry.attempts += 1;
        self.expect_answer(now);
        true
    }
}
