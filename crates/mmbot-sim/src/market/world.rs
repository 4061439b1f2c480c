//! Book, feed and probes together: the four things that can happen to an order-by-order market.

use super::lob::{Class, Lob, NIL};
use super::probe::Probes;
use super::publish::{Print, Publisher};
use mmbot_types::Side;

/// The market's physical state.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub lob: Lob,
    pub feed: Publisher,
    pub probes: Option<Probes>,
}

impl World {
    /// Rests an order. A price that would cross the book is moved behind the opposite best.
    pub(super) fn place(&mut self, side: Side, class: Class, px: i32, qty: i64) {
        let px = self.uncrossed(side, px).max(1);
        self.make_room(px);
        let was_best = self.best_or(side, px);
        if self.lob.add(side, class, px, qty) {
            self.feed.opened(&self.lob, side, px);
            if super::lob::nearer(side, px, was_best) {
                self.announce_best(side);
            }
        } else {
            self.feed.changed(side, px);
        }
    }

    /// Cancels an order, unless its side needs its level.
    pub(super) fn cancel(&mut self, id: u32) -> bool {
        let order = *self.lob.order(id);
        if self.lob.level(order.px).orders == 1 && !self.lob.may_empty(order.side) {
            return false;
        }
        self.drop_order(id);
        true
    }

    /// A market order: takes up to `qty` lots at prices no worse than `limit`, in price-time order,
    /// and leaves the last levels of a side alone. It stops before a level that the feed has not
    /// shown yet, so that every print is at a displayed price; the caller publishes and goes on.
    /// Returns what it took.
    pub(super) fn take(&mut self, aggressor: Side, qty: i64, limit: i32) -> i64 {
        let side = aggressor.opposite();
        let mut left = qty;
        while left > 0 {
            let px = self.lob.best(side);
            if super::lob::nearer(side, limit, px) || self.lob.level(px).shown == 0 {
                break;
            }
            let id = self.lob.level(px).head;
            let order = *self.lob.order(id);
            let last = self.lob.level(px).orders == 1 && !self.lob.may_empty(side);
            // the last order of a protected level keeps one lot
            let open = if last { order.qty - 1 } else { order.qty };
            let matched = open.min(left);
            if matched == 0 {
                break;
            }
            left -= matched;
            self.match_order(id, matched, matched == order.qty);
            if last {
                break;
            }
        }
        qty - left
    }

    fn match_order(&mut self, id: u32, qty: i64, whole: bool) {
        let order = *self.lob.order(id);
        if let Some(probes) = &mut self.probes {
            probes.traded(order.side, order.px, order.seq, qty);
        }
        self.feed.printed(Print {
            aggressor: order.side.opposite(),
            px: order.px,
            qty,
        });
        if whole && self.lob.remove(id) {
            self.feed.closed(&self.lob, order.side, order.px);
            return;
        }
        if !whole {
            self.lob.reduce(id, qty);
        }
        self.feed.changed(order.side, order.px);
    }

    fn drop_order(&mut self, id: u32) {
        let order = *self.lob.order(id);
        if let Some(probes) = &mut self.probes {
            probes.cancelled(order.side, order.px, order.seq, order.qty);
        }
        if self.lob.remove(id) {
            self.feed.closed(&self.lob, order.side, order.px);
        } else {
            self.feed.changed(order.side, order.px);
        }
    }

    fn announce_best(&mut self, side: Side) {
        if let Some(probes) = &mut self.probes {
            probes.reached(side, self.lob.best(side));
        }
    }

    fn best_or(&self, side: Side, px: i32) -> i32 {
        if self.lob.count(side) == 0 {
            return px;
        }
        self.lob.best(side)
    }

    fn uncrossed(&self, side: Side, px: i32) -> i32 {
        if self.lob.count(side.opposite()) == 0 {
            return px;
        }
        let opposite = self.lob.best(side.opposite());
        match side {
            Side::Buy => px.min(opposite - 1),
            Side::Sell => px.max(opposite + 1),
        }
    }

    /// All prices must lie within one ring: the farthest orders make room for a price beyond it.
    fn make_room(&mut self, px: i32) {
        for side in Side::BOTH {
            while self.lob.count(side) > 0
                && px.abs_diff(self.lob.outer(side)) >= self.lob.capacity().unsigned_abs()
            {
                let id = self.lob.level(self.lob.outer(side)).head;
                if id == NIL {
                    break;
                }
                self.drop_order(id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::publish::Stamp;
    use mmbot_types::{EventColumns, RowKind};

    fn world(levels: u32) -> World {
        let mut world = World {
            lob: Lob::new(256),
            feed: Publisher::new(levels),
            probes: None,
        };
        for i in 0..4 {
            world.place(Side::Buy, Class::Maker, 99 - i, 10);
            world.place(Side::Sell, Class::Maker, 101 + i, 10);
        }
        let mut sink = EventColumns::default();
        world.feed.snapshot(&mut world.lob, STAMP, &mut sink);
        world
    }

    const STAMP: Stamp = Stamp { exch: 1, local: 2 };

    fn rows(world: &mut World) -> Vec<(RowKind, Side, i64, i64)> {
        let mut out = EventColumns::default();
        world.feed.flush(&mut world.lob, STAMP, &mut out);
        let short = |i| {
            let row = out.row(i);
            (row.kind, row.side, row.px.get(), row.qty.get())
        };
        (0..out.len()).map(short).collect()
    }

    #[test]
    fn a_sweep_prints_each_match_then_shows_what_is_left_and_what_moved_up() {
        let mut world = world(2);
        assert_eq!(world.take(Side::Buy, 15, 200), 15);
        use RowKind::{Depth, Trade};
        let expected = vec![
            (Trade, Side::Buy, 101, 10),
            (Trade, Side::Buy, 102, 5),
            (Depth, Side::Sell, 101, 0),
            (Depth, Side::Sell, 103, 10),
            (Depth, Side::Sell, 102, 5),
        ];
        assert_eq!(rows(&mut world), expected);
    }

    #[test]
    fn a_better_level_pushes_the_last_one_out_of_the_feed() {
        let mut world = world(2);
        world.place(Side::Buy, Class::Patient, 500, 7);
        let expected = vec![
            (RowKind::Depth, Side::Buy, 100, 7),
            (RowKind::Depth, Side::Buy, 98, 0),
        ];
        assert_eq!(rows(&mut world), expected);
    }

    #[test]
    fn no_side_is_ever_emptied() {
        let mut world = world(10);
        assert_eq!(world.take(Side::Sell, 1_000, 0), 19);
        assert_eq!(world.lob.count(Side::Buy), 3);
        let head = world.lob.level(world.lob.best(Side::Buy)).head;
        assert!(!world.cancel(head));
    }

    #[test]
    fn far_orders_make_room_when_the_price_leaves() {
        let mut world = world(10);
        world.place(Side::Sell, Class::Patient, 340, 5);
        world.place(Side::Sell, Class::Patient, 352, 5);
        assert_eq!(world.lob.outer(Side::Sell), 352);
        assert_eq!(world.lob.outer(Side::Buy), 97);
    }
}
