//! The market maker that backtest comparisons use: one bid and one ask a fixed number of ticks off
//! a fair price that leans against the inventory; an order at another price is cancelled and a new
//! one sent at once. It knows no throttle and no limit but its own, and takes the short path:
//! nothing here but what those rules need.

use super::Trader;
use crate::market::Market;
use crate::order::{OrderState, Terms};
use crate::strategy::tick_outward;
use mmbot_book::Touch;
use mmbot_types::{ActionBuf, BlockDetail, Cause, PriceTick, QtyLot, Side, TsNs};

impl Trader {
    #[inline]
    pub(super) fn decide_reference(&mut self, now: TsNs, market: &Market, out: &mut ActionBuf) {
        self.begin(now, market);
        let touch = market.quotable(now);
        match (self.halted(touch.is_some()), touch) {
            (None, Some(touch)) => self.quote_reference(now, &touch),
            (Some((detail, cause)), _) => {
                self.block(detail);
                self.cancel_all(now, cause);
            }
            // without a touch the trader is halted
            (None, None) => {}
        }
        self.flush(out);
        self.schedule(now);
    }

    #[inline]
    fn quote_reference(&mut self, now: TsNs, touch: &Touch) {
        let half = self.params.quote.reference_half_ticks;
        let fair = touch.mid().ticks_f64() - self.skew_ticks;
        let bid = tick_outward(Side::Buy, fair - half).min(touch.bid);
        let ask = tick_outward(Side::Sell, fair + half).max(touch.ask);
        self.quote_side(now, Side::Buy, bid, touch);
        self.quote_side(now, Side::Sell, ask, touch);
    }

    #[inline]
    fn quote_side(&mut self, now: TsNs, side: Side, px: PriceTick, touch: &Touch) {
        let quote = &self.params.quote;
        let qty = QtyLot::new(quote.reference_qty_lots);
        let room = side.sign() * self.position.get() < quote.reference_max_lots;
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
                self.cancel(now, slot, cause);
            }
        }
        if !room {
            self.block(BlockDetail::LimitPosition);
        } else if !have {
            let terms = Terms {
                px,
                total: qty,
                decision_mid: touch.mid(),
                opposite: touch.px(side.opposite()),
            };
            match self.place(now, side, 0, terms) {
                Some(slot) => self.scratch.places.push((slot, Cause::Quote)),
                None => self.block(BlockDetail::LimitActiveOrders),
            }
        }
    }
}
