//! Fills: booked once, into position, cash, fees and the edge.

use super::reports::{PX_MAX, QTY_MAX};
use super::since::FillNote;
use super::{OrderEventKind, Trader};
use crate::edge::{Fill, FillRecord};
use crate::order::{Booking, Order, OrderEvent, OrderTable};
use mmbot_types::{ExecPrice, ExecReport, Liquidity, Money, PRICE_SCALE, QtyLot, ReportKind, TsNs};

/// Largest believed fee, quanta.
const FEE_MAX: i128 = 1 << 100;
/// A fill's venue time is at most so far ahead of our clock; fills of a venue from the future would
/// wait for their mids for ever, and those behind them, too.
const AHEAD_MS_MAX: i64 = 3_600_000;

/// A fill as reported.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReportedFill {
    pub px: ExecPrice,
    pub qty: QtyLot,
    pub cum_qty: QtyLot,
    pub liquidity: Liquidity,
    pub fee: Money,
}

impl ReportedFill {
    fn is_credible(&self) -> bool {
        (1..=PX_MAX * PRICE_SCALE).contains(&self.px.get())
            && (1..=QTY_MAX).contains(&self.qty.get())
            && (1..=QTY_MAX).contains(&self.cum_qty.get())
            && (-FEE_MAX..=FEE_MAX).contains(&self.fee.get())
    }
}

/// Where the order of a fill is.
#[derive(Debug, Clone, Copy)]
enum Whose<'a> {
    InSlot(usize),
    /// No longer in one.
    Past(&'a Order),
}

impl<'a> Whose<'a> {
    #[inline(always)]
    const fn order(self, orders: &'a OrderTable) -> &'a Order {
        match self {
            Whose::InSlot(slot) => orders.get(slot),
            Whose::Past(order) => order,
        }
    }
}

impl Trader {
    /// Books a fill; false if it was booked before.
    pub(super) fn on_fill(
        &mut self,
        now: TsNs,
        slot: usize,
        ts_exch: TsNs,
        fill: &ReportedFill,
    ) -> bool {
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
        order.note_fill(ts_exch, fill.qty);
        if order.rests_from.is_none() {
            order.rests_from = Some(ts_exch);
            order.queued_from = ts_exch;
            order.unsaid = true;
            order.since = now;
            self.telemetry.accepted += 1;
            self.log_event(now, slot, OrderEventKind::Ack, "");
        }
        if first {
            self.telemetry.orders_with_fill += 1;
        }
        self.book_money(now, ts_exch, Whose::InSlot(slot), fill);
        if self.orders.get(slot).open_at_most().is_zero() {
            self.record_age(slot, ts_exch);
            self.answered(slot);
            self.apply(slot, OrderEvent::Completed);
            self.note_end(now, slot);
        } else {
            self.apply(slot, OrderEvent::PartFilled);
        }
        true
    }

    /// Books a fill of an order that is no longer in a slot: true if it is one, and new.
    #[cold]
    pub(super) fn on_past_fill(&mut self, now: TsNs, report: &ExecReport) -> bool {
        let ReportKind::Filled {
            px,
            qty,
            cum_qty,
            liquidity,
            fee,
        } = report.kind
        else {
            self.telemetry.orphan_reports += 1;
            return false;
        };
        let fill = ReportedFill {
            px,
            qty,
            cum_qty,
            liquidity,
            fee,
        };
        let past = self.orders.find_past(report.cid);
        let Some(order) = past.filter(|_| fill.is_credible()) else {
            self.telemetry.orphan_reports += 1;
            return false;
        };
        let first = order.filled.is_zero();
        let booking = self.early.book(order, qty, cum_qty);
        let order = *order;
        match booking {
            Booking::New => {
                self.telemetry.orders_with_fill += u64::from(first);
                self.book_money(now, report.ts_exch, Whose::Past(&order), &fill);
            }
            Booking::Duplicate => self.telemetry.duplicate_fills += 1,
            Booking::Conflict => self.telemetry.illegal_transitions += 1,
        }
        booking == Booking::New
    }

    #[inline(always)]
    fn book_money(&mut self, now: TsNs, ts_exch: TsNs, whose: Whose<'_>, fill: &ReportedFill) {
        let order = whose.order(&self.orders);
        let (side, notional) = (order.side, Money::notional(fill.px, fill.qty));
        let signed = QtyLot::new(side.sign() * fill.qty.get());
        let before = self.position;
        self.position += signed;
        self.cash -= Money::notional(fill.px, signed);
        self.fees += fill.fee;
        self.refresh_skew();
        let order = whose.order(&self.orders);
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
        if self.in_session {
            self.position_by_color[order.color.index()] += signed;
            let ts = ts_exch.min(now.plus_ms(AHEAD_MS_MAX));
            self.quality.on_fill(ts, order.color, side, fill.px);
            self.note_fill(FillNote {
                ts: now,
                ts_exch: ts_exch.min(now.plus_ms(AHEAD_MS_MAX)),
                side,
                notional_usd: self.instrument.money_to_f64(notional),
                taken_at: (!maker).then_some(fill.px),
            });
        }
        let order = whose.order(&self.orders);
        let terms = order.terms;
        let reference_px = if maker { terms.px } else { terms.opposite };
        let booked = Fill {
            ts: ts_exch.min(now.plus_ms(AHEAD_MS_MAX)),
            side,
            qty: fill.qty,
            px: fill.px,
            decision_mid: terms.decision_mid.to_exec(),
            reference: reference_px.to_exec(),
            taken: !maker,
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
}
