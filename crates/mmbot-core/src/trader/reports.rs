//! What the venue says about our orders.

use super::booking::ReportedFill;
use super::since::outcome_of;
use super::{OrderEventKind, Trader};
use crate::market::Market;
use crate::order::{OrderEvent, OrderState, Terms};
use crate::session::CallOutcome;
use mmbot_types::{
    ActionBuf, Cadence, Cause, ExecReport, PriceTick, QtyLot, QuoterKind, RejectReason, ReportKind,
    TsNs,
};

/// Larger numbers in a report are not believed: with these, no sum can overflow.
pub(super) const QTY_MAX: i64 = 1 << 40;
/// See [`QTY_MAX`].
pub(super) const PX_MAX: i64 = 1 << 40;

impl Trader {
    /// Takes in a report. With [`Cadence::OnBook`] a fill leads to a decision at once: here, or,
    /// where the strategy is outside, in the driver, which is asked for it by the answer true.
    #[inline]
    pub fn on_report(
        &mut self,
        now: TsNs,
        report: &ExecReport,
        market: &mut Market,
        out: &mut ActionBuf,
    ) -> bool {
        let Some(slot) = self.orders.find(report.cid) else {
            let filled = self.on_past_fill(now, report);
            return self.after_report(now, filled, market, out);
        };
        let mut filled = false;
        match report.kind {
            ReportKind::Accepted => self.on_accepted(now, slot, report.ts_exch),
            ReportKind::Cancelled => self.on_cancelled(now, slot, report.ts_exch),
            ReportKind::Filled {
                px,
                qty,
                cum_qty,
                liquidity,
                fee,
            } => {
                let fill = ReportedFill {
                    px,
                    qty,
                    cum_qty,
                    liquidity,
                    fee,
                };
                filled = self.on_fill(now, slot, report.ts_exch, &fill);
            }
            ReportKind::Amended { px, open_qty } => {
                self.on_amended(now, slot, report.ts_exch, px, open_qty);
            }
            ReportKind::Rejected(_)
            | ReportKind::AmendRejected(_)
            | ReportKind::CancelRejected(_) => {
                self.on_refused(now, slot, report.kind);
                self.flush(out);
            }
        }
        self.after_report(now, filled, market, out)
    }

    /// What a report leads to; true if a decision is somebody else's to make, now.
    #[inline]
    fn after_report(
        &mut self,
        now: TsNs,
        filled: bool,
        market: &mut Market,
        out: &mut ActionBuf,
    ) -> bool {
        if self.stopped {
            self.cancel_all(now, Cause::Kill);
            self.flush(out);
        } else if filled {
            return self.decide_on_fill(now, market, out);
        }
        false
    }

    /// True if the decision is somebody else's to make, now.
    fn decide_on_fill(&mut self, now: TsNs, market: &mut Market, out: &mut ActionBuf) -> bool {
        if matches!(self.params.quote.cadence, Cadence::FixedGrid { .. }) {
            return false;
        }
        let outside = self.params.quote.kind == QuoterKind::External;
        if outside {
            // the strategy is asked by the driver, at once
            (self.due, self.timer_due) = (now, now);
        } else {
            self.decide(now, market, out);
        }
        outside
    }

    #[inline]
    fn on_accepted(&mut self, now: TsNs, slot: usize, ts_exch: TsNs) {
        let order = self.orders.get_mut(slot);
        if matches!(order.state, OrderState::PendingNew) {
            let latency = now.since_ns(order.sent);
            self.telemetry.ack_latency_ns.record(latency);
            if self.in_session {
                self.note_result(now, slot, CallOutcome::Ok);
            }
        }
        let order = self.orders.get_mut(slot);
        let unsaid = std::mem::take(&mut order.unsaid);
        match &mut order.rests_from {
            None => {
                order.rests_from = Some(ts_exch);
                order.queued_from = ts_exch;
                order.since = now;
                self.telemetry.accepted += 1;
                if self.witnessed {
                    self.log_event(now, slot, OrderEventKind::Ack, "");
                }
            }
            // a fill was faster than the acknowledgement; a repeated one takes nothing back
            Some(from) if ts_exch < *from && unsaid => {
                *from = ts_exch;
                order.queued_from = ts_exch;
            }
            Some(_) => {}
        }
        self.apply(slot, OrderEvent::Accepted);
    }

    #[inline]
    fn on_cancelled(&mut self, now: TsNs, slot: usize, ts_exch: TsNs) {
        let order = self.orders.get(slot);
        let ended = !order.state.is_done();
        if ended && let Some(from) = order.rests_from {
            self.telemetry.order_age_ns.record(ts_exch.since_ns(from));
        }
        self.acknowledged(now, slot, Some(CallOutcome::Ok));
        self.apply(slot, OrderEvent::Cancelled);
        if ended && self.witnessed {
            self.note_end(now, slot);
            self.log_event(now, slot, OrderEventKind::Canceled, "");
        }
    }

    fn on_amended(&mut self, now: TsNs, slot: usize, ts_exch: TsNs, px: PriceTick, open: QtyLot) {
        let order = self.orders.get(slot);
        // fills on their way make what is open less than what was asked, those that have overtaken
        // the answer make it more, nothing else does
        let left = |asked: &Terms| asked.total.get() - order.filled.get();
        let later = order.filled_after(ts_exch).get();
        let asked = order.state.asked();
        let asked = asked.filter(|asked| asked.px == px && open.get() <= left(asked) + later);
        // at the time of the last change: the answer to the next one only if it says what was asked
        let answers = asked.is_some_and(|asked| open.get() >= left(&asked));
        let older = order
            .rests_from
            .is_some_and(|from| ts_exch < from || (!answers && ts_exch == from));
        if order.state.is_done() || older {
            // the answer to a change that something later has overtaken, or a repetition
            return;
        }
        if !(1..=PX_MAX).contains(&px.get()) || !(0..=QTY_MAX).contains(&open.get()) {
            return self.contradicted(slot, "Amended");
        }
        let adopted = Terms {
            px,
            total: order.filled + open,
            ..order.terms
        };
        self.acknowledged(now, slot, Some(CallOutcome::Ok));
        self.record_age(slot, ts_exch);
        if !self.apply(slot, OrderEvent::Amended) {
            return;
        }
        let order = self.orders.get_mut(slot);
        order.set_terms(asked.unwrap_or(adopted), ts_exch);
        order.since = now;
        order.rests_from = Some(ts_exch);
        (order.refreshing, order.unsaid) = (false, false);
        self.telemetry.amended_of[order.side.index()] += 1;
        let filled_up = order.open().is_zero();
        self.log_event(now, slot, OrderEventKind::Amended, "");
        if filled_up {
            // what is left was filled before the smaller size was confirmed
            self.apply(slot, OrderEvent::Completed);
        }
    }

    #[cold]
    fn on_refused(&mut self, now: TsNs, slot: usize, kind: ReportKind) {
        let (ReportKind::Rejected(reason)
        | ReportKind::AmendRejected(reason)
        | ReportKind::CancelRejected(reason)) = kind
        else {
            return;
        };
        // a venue that is too busy to cancel an order of which we never heard does not say that it
        // rests
        let unheard = self.orders.get(slot).rests_from.is_none();
        let gone = reason == RejectReason::UnknownOrder;
        let event = match kind {
            ReportKind::Rejected(_) => {
                self.telemetry.rejected += 1;
                OrderEvent::Rejected
            }
            ReportKind::AmendRejected(_) => {
                self.telemetry.amend_rejects += 1;
                self.orders.get_mut(slot).not_amendable |= reason == RejectReason::Filter;
                if gone {
                    OrderEvent::AmendGone
                } else {
                    OrderEvent::AmendRejected
                }
            }
            ReportKind::CancelRejected(_) => {
                self.telemetry.cancel_rejects += 1;
                if gone || unheard {
                    OrderEvent::CancelGone
                } else {
                    OrderEvent::CancelRejected
                }
            }
            ReportKind::Accepted
            | ReportKind::Amended { .. }
            | ReportKind::Cancelled
            | ReportKind::Filled { .. } => return,
        };
        let ended = !self.orders.get(slot).state.is_done();
        self.acknowledged(now, slot, outcome_of(reason));
        self.log_refusal(now, slot, reason);
        let order = self.orders.get_mut(slot);
        let refreshing = std::mem::take(&mut order.refreshing);
        // a change to a larger size came too late for an order that was filled; whether it did
        // is not known where a cancel finds nothing
        let filled_up = match event {
            OrderEvent::CancelGone => order.open_at_most().is_zero(),
            _ => order.open().is_zero(),
        };
        let left = matches!(event, OrderEvent::AmendGone | OrderEvent::CancelGone);
        self.apply(
            slot,
            if left && filled_up {
                OrderEvent::Completed
            } else {
                event
            },
        );
        if ended {
            self.note_end(now, slot);
        }
        if refreshing && event == OrderEvent::AmendRejected {
            self.telemetry.drift_cancels += 1;
            self.cancel(now, slot, Cause::PriceDrift);
        }
    }

    /// Moves an order by an event; one that its state does not allow is counted and leaves it
    /// unknown: false.
    #[inline(always)]
    pub(super) fn apply(&mut self, slot: usize, event: OrderEvent) -> bool {
        let moved = self.orders.advance(slot, event);
        if let Err(illegal) = &moved {
            self.contradicted(slot, illegal.event);
        }
        moved.is_ok()
    }

    #[cold]
    pub(super) fn contradicted(&mut self, slot: usize, event: &'static str) {
        let state = self.orders.get(slot).state;
        self.telemetry.illegal_transitions += 1;
        self.last_illegal = Some(crate::order::IllegalTransition {
            state: state.name(),
            event,
        });
        self.answered(slot);
        let amend = state.asked();
        self.orders.set_state(slot, OrderState::Unknown { amend });
    }

    /// The venue answered the last request about an order, or, without an outcome, never saw it.
    #[inline]
    fn acknowledged(&mut self, now: TsNs, slot: usize, outcome: Option<CallOutcome>) {
        let order = self.orders.get(slot);
        let waited = match order.state {
            OrderState::PendingNew
            | OrderState::PendingAmend { .. }
            | OrderState::PendingCancel { .. } => Some(now.since_ns(order.sent)),
            OrderState::Live | OrderState::Unknown { .. } | OrderState::Done(_) => None,
        };
        if let Some(waited) = waited {
            match outcome {
                Some(outcome) => {
                    self.telemetry.ack_latency_ns.record(waited);
                    self.note_result(now, slot, outcome);
                }
                None => self.note_unsent(slot),
            }
            if self.in_session {
                self.forget_request(slot);
            }
        }
        self.answered(slot);
    }

    /// A replace is no longer in flight.
    #[inline]
    pub(super) fn answered(&mut self, slot: usize) {
        if std::mem::take(&mut self.orders.get_mut(slot).replacing) {
            self.throttle.on_answered();
        }
    }

    /// The order's time at its price ends.
    #[inline]
    pub(super) fn record_age(&mut self, slot: usize, ts_exch: TsNs) {
        let order = self.orders.get(slot);
        if let Some(from) = order.rests_from
            && !order.state.is_done()
        {
            let age_ns = ts_exch.since_ns(from);
            self.telemetry.order_age_ns.record(age_ns);
            self.note_age(age_ns);
        }
    }

    /// Reference strategy: the inventory's weight on the fair price.
    #[inline]
    #[allow(clippy::cast_precision_loss)] // lots held are below 2^53
    pub(super) fn refresh_skew(&mut self) {
        let quote = &self.params.quote;
        let held = self.position.get() as f64 / quote.reference_qty_lots as f64;
        self.skew_ticks = quote.reference_skew_ticks * held;
    }
}
