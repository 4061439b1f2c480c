//! Fills are booked by the interval of cumulative quantity that they cover, `(cum - qty, cum]`, so
//! that a fill counts once however often, late or out of order it is reported.

use super::state::Order;
use mmbot_types::{Cid, QtyLot};

/// Out-of-order fills remembered over all orders of a trader; more than this at once is treated as
/// a conflict. A venue that reorders at all has a handful of reports on the wire.
const EARLY_MAX: usize = 256;

/// What a reported fill means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Booking {
    /// Not seen before: book it.
    New,
    /// Booked before.
    Duplicate,
    /// Covers booked and new quantity at once, or makes no sense: the venue contradicts itself.
    Conflict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Interval {
    cid: Cid,
    from: i64,
    to: i64,
}

/// Fills that came before an earlier one of their order.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct EarlyFills {
    intervals: Vec<Interval>,
}

impl EarlyFills {
    /// Books a fill of `qty` that brings the order to `cum` into `order`'s quantities.
    #[inline]
    pub fn book(&mut self, order: &mut Order, qty: QtyLot, cum: QtyLot) -> Booking {
        let (from, to) = (cum.get().wrapping_sub(qty.get()), cum.get());
        let prefix = order.filled_prefix.get();
        if qty.get() <= 0 || from < 0 {
            return Booking::Conflict;
        }
        if to <= prefix {
            return Booking::Duplicate;
        }
        if from == prefix && self.intervals.is_empty() {
            order.filled_prefix = cum;
            order.filled += qty;
            return Booking::New;
        }
        self.book_out_of_order(order, from, to)
    }

    /// Forgets an order.
    pub fn forget(&mut self, cid: Cid) {
        if !self.intervals.is_empty() {
            self.intervals.retain(|interval| interval.cid != cid);
        }
    }

    #[cold]
    fn book_out_of_order(&mut self, order: &mut Order, from: i64, to: i64) -> Booking {
        let cid = order.cid;
        let mut of_order = self.intervals.iter().filter(|i| i.cid == cid);
        if of_order.clone().any(|i| i.from == from && i.to == to) {
            return Booking::Duplicate;
        }
        let overlaps = of_order.any(|i| from < i.to && i.from < to);
        if from < order.filled_prefix.get() || overlaps || self.intervals.len() >= EARLY_MAX {
            return Booking::Conflict;
        }
        self.intervals.push(Interval { cid, from, to });
        order.filled += QtyLot::new(to - from);
        self.advance_prefix(order);
        Booking::New
    }

    fn advance_prefix(&mut self, order: &mut Order) {
        let next =
            |i: &Interval, order: &Order| i.cid == order.cid && i.from == order.filled_prefix.get();
        while let Some(at) = self.intervals.iter().position(|i| next(i, order)) {
            order.filled_prefix = QtyLot::new(self.intervals[at].to);
            self.intervals.swap_remove(at);
        }
    }
}
