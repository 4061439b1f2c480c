//! The last checks before a request leaves: circuit breaker, request windows, back-off, replace
//! throttle. What was lent by the session is used up here.

use super::Trader;
use crate::order::{IdempotencyKey, OrderEvent, OrderState};
use crate::session::Circuit;
use mmbot_types::{BlockDetail, Cause, TsNs};

impl Trader {
    /// Whether a new order may be sent.
    pub(super) fn may_create(&self, now: TsNs) -> Result<(), BlockDetail> {
        self.circuit()?;
        if self.permit.lent.creates == 0 {
            return Err(BlockDetail::ThrottleBlock);
        }
        self.backing_off(now)
    }

    /// Whether an order may be replaced: by an amend, or by a cancel with the new order to come.
    pub(super) fn may_replace(&mut self, now: TsNs, by_amend: bool) -> Result<(), BlockDetail> {
        self.circuit()?;
        let lent = &self.permit.lent;
        if (by_amend && lent.amends == 0) || (!by_amend && lent.cancels == 0) {
            return Err(BlockDetail::ThrottleBlock);
        }
        self.backing_off(now)?;
        self.throttle.check(&self.params.replace, now)
    }

    /// A request like one that was sent a moment ago and not answered is not sent again; else it is
    /// remembered. Its answer makes it forgotten: then the same wish is a new one.
    pub(super) fn is_repetition(&mut self, now: TsNs, slot: usize, event: OrderEvent) -> bool {
        let Some(key) = self.key_of(slot, event) else {
            return false;
        };
        if self.idempotency.seen(&key, now) {
            return true;
        }
        self.idempotency.remember(&key, now);
        false
    }

    /// The last request about an order was answered.
    pub(super) fn forget_request(&mut self, slot: usize) {
        let order = self.orders.get(slot);
        let event = match order.state {
            OrderState::PendingAmend { to } => OrderEvent::AmendSent(to),
            OrderState::PendingCancel { .. } => OrderEvent::CancelSent,
            OrderState::PendingNew
            | OrderState::Live
            | OrderState::Unknown { .. }
            | OrderState::Done(_) => return,
        };
        if let Some(key) = self.key_of(slot, event) {
            self.idempotency.forget(&key);
        }
    }

    fn key_of(&self, slot: usize, event: OrderEvent) -> Option<IdempotencyKey> {
        let cid = self.orders.get(slot).cid;
        match event {
            OrderEvent::AmendSent(to) => Some(IdempotencyKey::Replace {
                cid,
                px: to.px,
                qty: to.total,
            }),
            OrderEvent::CancelSent => Some(IdempotencyKey::Cancel { cid }),
            _ => None,
        }
    }

    /// A cancel of the quoting kind: it waits while the cancel window is full. Cancels of guards,
    /// stop and kill do not come this way.
    pub(super) fn cancel_quote(&mut self, now: TsNs, slot: usize, cause: Cause) {
        if self.permit.lent.cancels == 0 {
            self.block(BlockDetail::ThrottleBlock);
        } else {
            self.cancel(now, slot, cause);
        }
    }

    pub(super) fn sent_create(&mut self, slot: usize) {
        let lent = &mut self.permit.lent.creates;
        *lent = lent.saturating_sub(u32::from(*lent != u32::MAX));
        self.use_probe(slot);
    }

    pub(super) fn sent_amend(&mut self, slot: usize) {
        let lent = &mut self.permit.lent.amends;
        *lent = lent.saturating_sub(u32::from(*lent != u32::MAX));
        self.use_probe(slot);
    }

    pub(super) fn sent_cancel(&mut self) {
        let lent = &mut self.permit.lent.cancels;
        *lent = lent.saturating_sub(u32::from(*lent != u32::MAX));
    }

    /// `strategy.min_time_in_book_ms` as autopolicy has it.
    pub(super) fn min_time_in_book_ms(&self) -> i64 {
        let base = self.params.replace.min_time_in_book_ms;
        self.permit
            .calmer
            .map_or(base, |calmer| calmer.min_time_in_book_ms)
    }

    /// `strategy.replace_threshold_bps` as autopolicy has it.
    pub(super) fn replace_threshold_bps(&self) -> f64 {
        let base = self.params.replace.replace_threshold_bps;
        self.permit
            .calmer
            .map_or(base, |calmer| calmer.replace_threshold_bps)
    }

    fn circuit(&self) -> Result<(), BlockDetail> {
        match self.permit.circuit {
            Circuit::Closed | Circuit::Probe => Ok(()),
            Circuit::Open => Err(BlockDetail::CircuitOpen),
        }
    }

    fn use_probe(&mut self, slot: usize) {
        if self.permit.circuit == Circuit::Probe {
            self.permit.circuit = Circuit::Open;
            self.probe = Some(self.orders.get(slot).cid);
        }
    }

    fn backing_off(&self, now: TsNs) -> Result<(), BlockDetail> {
        if self.limited || now < self.permit.backoff_until {
            Err(BlockDetail::Backoff)
        } else {
            Ok(())
        }
    }
}
