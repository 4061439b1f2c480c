//! The last checks before a request leaves: circuit breaker, request windows, back-off, replace
//! throttle. What was lent by the session is used up here.

use super::Trader;
use crate::guard::refusal;
use crate::order::{IdempotencyKey, OrderEvent, OrderState};
use crate::session::Circuit;
use crate::trace::{Steps, Value, count, number};
use mmbot_types::{BlockDetail, Cause, TsNs};

impl Trader {
    /// Whether a new order may be sent.
    pub(super) fn may_create(&mut self, now: TsNs) -> Result<(), BlockDetail> {
        self.circuit()?;
        self.window("creates", self.permit.lent.creates)?;
        self.backing_off(now)
    }

    /// Whether an order may be replaced: by an amend, or by a cancel with the new order to come.
    pub(super) fn may_replace(&mut self, now: TsNs, by_amend: bool) -> Result<(), BlockDetail> {
        self.circuit()?;
        if by_amend {
            self.window("amends", self.permit.lent.amends)?;
        } else {
            self.window("cancels", self.permit.lent.cancels)?;
        }
        self.backing_off(now)?;
        let judged = self.throttle.check(&self.params.replace, now);
        if self.trace.is_some() {
            self.trace_throttle(now, judged);
        }
        judged
    }

    /// Whether requests of a kind are left until the next synchronisation.
    fn window(&mut self, kind: &'static str, left: u32) -> Result<(), BlockDetail> {
        let judged = if left == 0 {
            Err(BlockDetail::ThrottleBlock)
        } else {
            Ok(())
        };
        self.trace.note("window", (None, None), || {
            [
                ("requests", Value::Name(kind)),
                ("left", count(left)),
                ("refused", refusal(judged)),
            ]
        });
        judged
    }

    /// A request like one that was sent a moment ago and not answered is not sent again; else it is
    /// remembered. Its answer makes it forgotten: then the same wish is a new one.
    pub(super) fn is_repetition(&mut self, now: TsNs, slot: usize, event: OrderEvent) -> bool {
        let Some(key) = self.key_of(slot, event) else {
            return false;
        };
        self.idempotency.is_repetition(&key, now)
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

    fn circuit(&mut self) -> Result<(), BlockDetail> {
        let circuit = self.permit.circuit;
        let judged = match circuit {
            Circuit::Closed | Circuit::Probe => Ok(()),
            Circuit::Open => Err(BlockDetail::CircuitOpen),
        };
        self.trace.note("circuit", (None, None), || {
            [
                ("circuit", Value::Name(circuit.name())),
                ("refused", refusal(judged)),
            ]
        });
        judged
    }

    fn use_probe(&mut self, slot: usize) {
        if self.permit.circuit == Circuit::Probe {
            self.permit.circuit = Circuit::Open;
            self.probe = Some(self.orders.get(slot).cid);
        }
    }

    fn backing_off(&mut self, now: TsNs) -> Result<(), BlockDetail> {
        let until = self.permit.backoff_until;
        let judged = if self.limited || now < until {
            Err(BlockDetail::Backoff)
        } else {
            Ok(())
        };
        self.trace.note("backoff", (None, None), || {
            [
                ("left_ms", number(until.since_ns(now).max(0) as f64 / 1e6)),
                ("venue_says_too_often", Value::Flag(self.limited)),
                ("refused", refusal(judged)),
            ]
        });
        judged
    }
}
