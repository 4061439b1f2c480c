//! A trader that decides nothing: it is told which requests left and what was answered, and knows
//! the state of every order from that alone. How the requests came about does not matter to it, so
//! it can follow a journal that another build wrote.

use super::{OrderEventKind, SeatPlace, Trader};
use crate::market::Market;
use crate::order::{Order, OrderState, Terms};
use mmbot_types::{
    Action, ActionBuf, Cadence, Cause, Cid, Instrument, MidTick, ParamError, Params, PriceTick,
    QtyLot, TsNs,
};

/// A trader without an own cadence decides on no fill; it is never asked to decide either.
const NO_CADENCE: Cadence = Cadence::FixedGrid { interval_ms: 1_000 };

impl Trader {
    /// A trader that follows another one at `place` of its session. Order events are kept.
    ///
    /// # Errors
    /// A parameter outside its range.
    pub fn following(instrument: Instrument, place: SeatPlace) -> Result<Self, ParamError> {
        let mut params = Params::default();
        params.quote.cadence = NO_CADENCE;
        let mut trader = Self::new(instrument, params)?;
        trader.orders.keep_past();
        trader.seat = place;
        trader.witnessed = true;
        trader.log = Some(Vec::new());
        Ok(trader)
    }

    /// A request left at `now`, while the mid was `mid`. False if no order is in a state from which
    /// it could have been sent; nothing has changed then.
    pub fn on_request(&mut self, now: TsNs, action: &Action, cause: Cause, mid: MidTick) -> bool {
        let known = match *action {
            Action::Place(new) => {
                let terms = terms(new.px, new.qty, mid);
                let Some(slot) = self.orders.claim(new.cid) else {
                    return false;
                };
                let gone = self.orders.vacate(slot);
                self.early.forget(gone);
                let color = self.next_color();
                self.orders.insert(slot, new.side, 0, color, terms, now);
                self.expect_answer(now);
                self.log_intent(now, slot, OrderEventKind::IntentPlace, cause);
                true
            }
            Action::Amend { cid, px, total_qty } => self.orders.find(cid).is_some_and(|slot| {
                let to = terms(px, total_qty, mid);
                self.amend(now, slot, to, cause);
                self.orders.get(slot).state == OrderState::PendingAmend { to }
            }),
            Action::Cancel { cid } => self
                .orders
                .find(cid)
                .is_some_and(|slot| self.ask_cancel(now, slot, cause)),
        };
        // it has left already
        self.flush(&mut ActionBuf::new());
        known
    }

    /// Time has come to `now`: requests without an answer for too long leave their orders unknown.
    pub fn pass_time(&mut self, now: TsNs, market: &Market) {
        self.begin(now, market);
    }

    /// An order that is still known, over or not.
    #[must_use]
    pub fn known_order(&mut self, cid: Cid) -> Option<Order> {
        match self.orders.find(cid) {
            Some(slot) => Some(*self.orders.get(slot)),
            None => self.orders.find_past(cid).copied(),
        }
    }
}

const fn terms(px: PriceTick, total: QtyLot, mid: MidTick) -> Terms {
    Terms {
        px,
        total,
        decision_mid: mid,
        opposite: px,
    }
}
