//! What the venue says about our orders.

use super::Trader;
use crate::edge::{Fill, FillRecord};
use crate::market::Market;
use crate::order::{Booking, Order, OrderEvent, OrderState, Terms};
use mmbot_types::{
    ActionBuf, Cadence, Cause, ExecPrice, ExecReport, Liquidity, Money, PRICE_SCALE, PriceTick,
    QtyLot, QuoterKind, RejectReason, ReportKind, TsNs,
};

/// Larger numbers in a report are not believed: with these, no sum can overflow.
const QTY_MAX: i64 = 1 << 40;
const PX_MAX: i64 = 1 << 40;
const FEE_MAX: i128 = 1 << 100;
/// A fill's venue time is at most so far ahead of our clock; fills of a venue from the future would
/// wait for their mids for ever, and those behind them, too.
const AHEAD_MS_MAX: i64 = 3_600_000;

/// A fill as reported.
#[derive(Debug, Clone, Copy)]
struct ReportedFill {
    px: ExecPrice,
    qty: QtyLot,
    cum_qty: QtyLot,
    liquidity: Liquidity,
    fee: Money,
}

impl ReportedFill {
    fn is_credible(&self) -> bool {
        (1..=PX_MAX * PRICE_SCALE).contains(&self.px.get())
            && (1..=QTY_MAX).contains(&self.qty.get())
            && (1..=QTY_MAX).contains(&self.cum_qty.get())
            && (-FEE_MAX..=FEE_MAX).contains(&self.fee.get())
    }
}

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
            self.telemetry.orphan_reports += 1;
            return false;
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
            | ReportKind::CancelRejected(_) => self.on_refused(now, slot, report.kind),
        }
        let mut asks = false;
        if self.stopped {
            self.cancel_all(now, Cause::Kill);
        } else if filled {
            asks = self.decide_on_fill(now, market, out);
        }
        self.flush(out);
        asks
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
        }
        match &mut order.rests_from {
            None => {
                order.rests_from = Some(ts_exch);
                order.queued_from = ts_exch;
                order.since = now;
                self.telemetry.accepted += 1;
            }
            // a fill was faster than the acknowledgement
            Some(from) if ts_exch < *from && order.queued_from == *from => {
                *from = ts_exch;
                order.queued_from = ts_exch;
            }
            Some(_) => {}
        }
        self.apply(slot, OrderEvent::Accepted);
    }

    #[inline]
    fn on_cancelled(&mut self, now: TsNs, slot: usize, ts_exch: TsNs) {
        self.acknowledged(now, slot);
        self.record_age(slot, ts_exch);
        self.apply(slot, OrderEvent::Cancelled);
    }

    fn on_amended(&mut self, now: TsNs, slot: usize, ts_exch: TsNs, px: PriceTick, open: QtyLot) {
        let order = self.orders.get(slot);
        let asked = order.state.asked().filter(|asked| asked.px == px);
        let older = order
            .rests_from
            .is_some_and(|from| ts_exch < from || (asked.is_none() && ts_exch == from));
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
        self.acknowledged(now, slot);
        self.record_age(slot, ts_exch);
        if !self.apply(slot, OrderEvent::Amended) {
            return;
        }
        let order = self.orders.get_mut(slot);
        order.set_terms(asked.unwrap_or(adopted), ts_exch);
        order.since = now;
        order.rests_from = Some(ts_exch);
        order.refreshing = false;
        if order.open().is_zero() {
            // what is left was filled before the smaller size was confirmed
            self.apply(slot, OrderEvent::Completed);
        }
    }

    #[cold]
    fn on_refused(&mut self, now: TsNs, slot: usize, kind: ReportKind) {
        let gone = |reason| reason == RejectReason::UnknownOrder;
        let event = match kind {
            ReportKind::Rejected(_) => {
                self.telemetry.rejected += 1;
                OrderEvent::Rejected
            }
            ReportKind::AmendRejected(reason) => {
                self.telemetry.amend_rejects += 1;
                self.orders.get_mut(slot).not_amendable |= reason == RejectReason::Filter;
                if gone(reason) {
                    OrderEvent::AmendGone
                } else {
                    OrderEvent::AmendRejected
                }
            }
            ReportKind::CancelRejected(reason) => {
                self.telemetry.cancel_rejects += 1;
                if gone(reason) {
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
        self.acknowledged(now, slot);
        let order = self.orders.get_mut(slot);
        let refreshing = std::mem::take(&mut order.refreshing);
        // a change to a larger size came too late for an order that was filled
        let filled_up = order.open().is_zero();
        let left = matches!(event, OrderEvent::AmendGone | OrderEvent::CancelGone);
        self.apply(
            slot,
            if left && filled_up {
                OrderEvent::Completed
            } else {
                event
            },
        );
        if refreshing && event == OrderEvent::AmendRejected {
            self.telemetry.drift_cancels += 1;
            self.cancel(now, slot, Cause::PriceDrift);
        }
    }

    /// Books a fill; false if it was booked before.
    fn on_fill(&mut self, now: TsNs, slot: usize, ts_exch: TsNs, fill: &ReportedFill) -> bool {
        let order = self.orders.get_mut(slot);
        let first = order.filled.is_zero();
        let booking = if fill.is_credible() {
            self.early.book(order, fill.qty, fill.cum_qty)
        } else {
            Booking::Conflict
        };
        match booking {
            Booking::New => {}
            Booking::Duplicate => {
                self.telemetry.duplicate_fills += 1;
                return false;
            }
            Booking::Conflict => {
                self.contradicted(slot, "Filled");
                return false;
            }
        }
        if order.rests_from.is_none() {
            order.rests_from = Some(ts_exch);
            order.queued_from = ts_exch;
            order.since = now;
            self.telemetry.accepted += 1;
        }
        let order = *order;
        self.telemetry.orders_with_fill += u64::from(first);
        self.book_money(now, ts_exch, &order, fill);
        if order.open_at_most().is_zero() {
            self.record_age(slot, ts_exch);
            self.answered(slot);
            self.apply(slot, OrderEvent::Completed);
        } else {
            self.apply(slot, OrderEvent::PartFilled);
        }
        true
    }

    fn book_money(&mut self, now: TsNs, ts_exch: TsNs, order: &Order, fill: &ReportedFill) {
        let (side, notional) = (order.side, Money::notional(fill.px, fill.qty));
        let signed = QtyLot::new(side.sign() * fill.qty.get());
        let before = self.position;
        self.position += signed;
        self.cash -= Money::notional(fill.px, signed);
        self.fees += fill.fee;
        self.refresh_skew();
        let maker = fill.liquidity == Liquidity::Maker;
        let telemetry = &mut self.telemetry;
        telemetry.turnover += notional;
        telemetry.position.change(before, self.position, now);
        let queue_wait_ns = ts_exch.since_ns(order.queued_from).max(0);
        if maker {
            telemetry.maker_fills += 1;
            telemetry.queue_wait_ns.record(queue_wait_ns);
        } else {
            telemetry.taker_fills += 1;
            telemetry.taker_turnover += notional;
        }
        if self.params.quote.slippage_penalty_coef > 0.0 {
            let taken_at = (!maker).then_some(fill.px);
            self.slippage.on_fill(ts_exch, side, taken_at);
        }
        let terms = order.terms;
        let reference_px = if maker { terms.px } else { terms.opposite };
        let booked = Fill {
            ts: ts_exch.min(now.plus_ms(AHEAD_MS_MAX)),
            side,
            qty: fill.qty,
            px: fill.px,
            decision_mid: terms.decision_mid.to_exec(),
            reference: reference_px.to_exec(),
        };
        let from = order.rests_from.unwrap_or(ts_exch);
        self.edge.on_fill(booked, || FillRecord {
            ts_exch,
            ts_local: now,
            cid: order.cid,
            side,
            px: fill.px,
            qty: fill.qty,
            fee: fill.fee,
            maker,
            decision_mid: terms.decision_mid,
            reference_px,
            mid_before: None,
            mid_after: None,
            queue_wait_ns,
            order_age_ns: ts_exch.since_ns(from).max(0),
            level: order.level,
        });
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
    fn contradicted(&mut self, slot: usize, event: &'static str) {
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

    /// The venue answered the last request about an order.
    #[inline]
    fn acknowledged(&mut self, now: TsNs, slot: usize) {
        let order = self.orders.get(slot);
        let waited = match order.state {
            OrderState::PendingNew
            | OrderState::PendingAmend { .. }
            | OrderState::PendingCancel { .. } => Some(now.since_ns(order.sent)),
            OrderState::Live | OrderState::Unknown { .. } | OrderState::Done(_) => None,
        };
        if let Some(waited) = waited {
            self.telemetry.ack_latency_ns.record(waited);
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
    fn record_age(&mut self, slot: usize, ts_exch: TsNs) {
        let order = self.orders.get(slot);
        if let Some(from) = order.rests_from
            && !order.state.is_done()
        {
            self.telemetry.order_age_ns.record(ts_exch.since_ns(from));
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
