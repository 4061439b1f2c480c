//! The market maker that backtest comparisons use: one bid and one ask a fixed number of ticks off
//! a fair price that leans against the inventory; an order at another price is cancelled and a new
//! one sent at once. It knows no throttle and no limit but its own, and takes the short path:
//! nothing here but what those rules need.

use super::Trader;
use crate::market::Market;
use crate::order::{OrderState, Terms};
use crate::strategy::tick_outward;
use mmbot_book::Touch;
use mmbot_types::{Action, ActionBuf, BlockDetail, Cause, PriceTick, QtyLot, Side, TsNs};

impl Trader {
    #[inline]
    pub(super) fn decide_reference(&mut self, now: TsNs, market: &Market, out: &mut ActionBuf) {
        self.begin(now, market);
        match market.quotable(now) {
            Some(touch) if self.unheld => self.quote_reference(now, &touch, out),
            touch => self.hold_back(now, touch.is_some(), out),
        }
        self.schedule(now);
    }

    #[cold]
    fn hold_back(&mut self, now: TsNs, synced: bool, out: &mut ActionBuf) {
        if let Some((detail, cause)) = self.halted(synced) {
            self.block(detail);
            self.cancel_all(now, cause);
        }
        self.flush(out);
    }

    #[inline]
    fn quote_reference(&mut self, now: TsNs, touch: &Touch, out: &mut ActionBuf) {
        let before = out.as_slice().len();
        let half = self.params.quote.reference_half_ticks;
        let fair = touch.mid().ticks_f64() - self.skew_ticks;
        let bid = tick_outward(Side::Buy, fair - half).min(touch.bid);
        let ask = tick_outward(Side::Sell, fair + half).max(touch.ask);
        let qty = QtyLot::new(self.params.quote.reference_qty_lots);
        let bid_slot = self.quote_side(now, Side::Buy, (bid, qty), touch, out);
        let ask_slot = self.quote_side(now, Side::Sell, (ask, qty), touch, out);
        if let Some(slot) = bid_slot {
            out.push(self.place_request(slot, Side::Buy, bid, qty), Cause::Quote);
        }
        if let Some(slot) = ask_slot {
            out.push(self.place_request(slot, Side::Sell, ask, qty), Cause::Quote);
        }
        if self.trace.is_some() {
            self.trace_requests(&out.as_slice()[before..]);
        }
    }

    /// Sends the cancels of a side. Its new order, in the slot returned, follows those of both.
    #[inline(always)]
    fn quote_side(
        &mut self,
        now: TsNs,
        side: Side,
        (px, qty): (PriceTick, QtyLot),
        touch: &Touch,
        out: &mut ActionBuf,
    ) -> Option<usize> {
        let room = side.sign() * self.position.get() < self.params.quote.reference_max_lots;
        let mut have = false;
        for slot in self.orders.open(side) {
            let order = self.orders.get(slot);
            if room && order.terms.px == px {
                have = true;
            } else if order.state == OrderState::Live {
                let cause = if room {
                    Cause::Replace
                } else {
                    Cause::NoTarget
                };
                let cid = order.cid;
                if self.ask_cancel(now, slot, cause) {
                    out.push(Action::Cancel { cid }, cause);
                }
            }
        }
        if !room {
            self.block(BlockDetail::LimitPosition);
            None
        } else if have {
            None
        } else {
            let terms = Terms {
                px,
                total: qty,
                decision_mid: touch.mid(),
                opposite: touch.px(side.opposite()),
            };
            let slot = self.place(now, side, 0, terms);
            if slot.is_none() {
                self.block(BlockDetail::LimitActiveOrders);
            }
            slot
        }
    }
}
