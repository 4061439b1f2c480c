//! Ended orders whose slot was taken again. A fill that was lost and is told much later, by a
//! reconciliation, still has to be booked: it changed the position when it was made.

use super::state::Order;
use mmbot_types::Cid;

/// Orders kept: at four new orders a second this is a minute, twice as long as two looks of a
/// reconciliation are apart.
const PAST_MAX: usize = 256;

/// See the module: a ring, the oldest goes first.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct PastOrders {
    orders: Vec<Order>,
    oldest: usize,
}

impl Default for PastOrders {
    fn default() -> Self {
        Self {
            orders: Vec::with_capacity(PAST_MAX),
            oldest: 0,
        }
    }
}

impl PastOrders {
    /// Keeps an order; returns the one that is forgotten for it.
    pub fn push(&mut self, order: &Order) -> Option<Cid> {
        if self.orders.len() < PAST_MAX {
            self.orders.push(*order);
            return None;
        }
        let oldest = self.oldest % PAST_MAX;
        let forgotten = std::mem::replace(&mut self.orders[oldest], *order);
        self.oldest = oldest + 1;
        Some(forgotten.cid)
    }

    /// An order that is kept.
    pub fn find_mut(&mut self, cid: Cid) -> Option<&mut Order> {
        self.orders.iter_mut().rev().find(|order| order.cid == cid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::OrderTable;
    use mmbot_types::QtyLot;

    #[test]
    fn the_last_orders_are_found_and_the_oldest_go_first() {
        let like = *OrderTable::new().get(0);
        let order = |cid| Order {
            cid: Cid::new(cid),
            ..like
        };
        let mut past = PastOrders::default();
        let mut forgotten = Vec::new();
        for cid in 1..=300 {
            forgotten.extend(past.push(&order(cid)));
        }
        assert_eq!(forgotten, (1..=44).map(Cid::new).collect::<Vec<_>>());
        for cid in 1..=300 {
            let found = past.find_mut(Cid::new(cid));
            assert_eq!(found.is_some(), cid > 44, "{cid}");
        }
        past.find_mut(Cid::new(300)).unwrap().filled = QtyLot::new(2);
        assert_eq!(past.find_mut(Cid::new(300)).unwrap().filled, QtyLot::new(2));
    }
}
