//! The order-by-order book: a FIFO queue of orders per price.
//!
//! Levels live in a ring of price slots (price modulo capacity), found through a bitmap; orders
//! live in a slab as a doubly linked list per level. Each side keeps its orders by class in flat
//! lists, so that a random order of a class is one draw. Everything is O(1) but the search for the
//! next level, which reads one word per 64 ticks.
//!
//! Invariants: all prices of both sides lie within one ring length; the best bid is below the best
//! ask; a side never loses its last [`LEVELS_MIN`] levels (callers ask [`Lob::may_empty`] first).

use mmbot_types::Side;

/// "No order" in links.
pub(super) const NIL: u32 = u32::MAX;
/// Levels that stay on each side whatever happens.
pub(super) const LEVELS_MIN: u32 = 3;

/// Why an order rests, which decides how it is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Class {
    /// A liquidity provider that wants to be at the best price and follows it.
    Maker = 0,
    /// An order placed away from the market on purpose.
    Patient = 1,
}

/// A resting order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order {
    pub qty: i64,
    /// Arrival number: smaller is nearer the front of its level.
    pub seq: u64,
    pub px: i32,
    next: u32,
    prev: u32,
    /// Place in the class list.
    slot: u32,
    pub side: Side,
    pub class: Class,
}

/// A price level.
#[derive(Debug, Clone, Copy)]
pub(super) struct Level {
    pub qty: i64,
    /// What the feed shows; kept here so that a published row is always a change.
    pub shown: i64,
    pub head: u32,
    tail: u32,
    pub orders: u32,
}

const EMPTY: Level = Level {
    qty: 0,
    shown: 0,
    head: NIL,
    tail: NIL,
    orders: 0,
};

/// The book.
#[derive(Debug, Clone)]
pub(super) struct Lob {
    levels: Vec<Level>,
    bits: Vec<u64>,
    mask: usize,
    orders: Vec<Order>,
    free: Vec<u32>,
    lists: [[Vec<u32>; 2]; 2],
    best: [i32; 2],
    outer: [i32; 2],
    count: [u32; 2],
    next_seq: u64,
}

impl Lob {
    /// An empty book whose prices may span `capacity` ticks (a power of two, at least 64).
    pub(super) fn new(capacity: usize) -> Self {
        let capacity = capacity.next_power_of_two().max(64);
        Self {
            levels: vec![EMPTY; capacity],
            bits: vec![0; capacity / 64],
            mask: capacity - 1,
            orders: Vec::with_capacity(4096),
            free: Vec::with_capacity(4096),
            lists: Default::default(),
            best: [0; 2],
            outer: [0; 2],
            count: [0; 2],
            next_seq: 0,
        }
    }

    #[inline]
    #[allow(clippy::cast_sign_loss)] // prices are positive; the mask makes any slot valid
    fn slot(&self, px: i32) -> usize {
        px as usize & self.mask
    }

    /// Best price of a side that has levels.
    #[inline]
    pub(super) const fn best(&self, side: Side) -> i32 {
        self.best[side.index()]
    }

    /// Farthest price of a side that has levels.
    #[inline]
    pub(super) const fn outer(&self, side: Side) -> i32 {
        self.outer[side.index()]
    }

    /// Number of levels of a side.
    #[inline]
    pub(super) const fn count(&self, side: Side) -> u32 {
        self.count[side.index()]
    }

    /// Span of prices that the ring holds.
    #[inline]
    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)] // at most 2^20
    pub(super) const fn capacity(&self) -> i32 {
        (self.mask + 1) as i32
    }

    /// Level at a price, whatever side it belongs to.
    #[inline]
    pub(super) fn level(&self, px: i32) -> &Level {
        &self.levels[self.slot(px)]
    }

    /// Remembers what the feed shows at a price.
    #[inline]
    pub(super) fn set_shown(&mut self, px: i32, qty: i64) {
        let slot = self.slot(px);
        self.levels[slot].shown = qty;
    }

    #[inline]
    pub(super) fn order(&self, id: u32) -> &Order {
        &self.orders[id as usize]
    }

    /// The next order behind `id` in its level.
    #[inline]
    pub(super) fn behind(&self, id: u32) -> u32 {
        self.orders[id as usize].next
    }

    /// Place of an order between the first (0) and the last (1) of its level, by arrival.
    #[inline]
    #[allow(clippy::cast_precision_loss)] // a share
    pub(super) fn rank(&self, id: u32) -> f64 {
        let order = self.order(id);
        let level = self.level(order.px);
        let first = self.order(level.head).seq;
        let span = self.order(level.tail).seq - first;
        (order.seq - first) as f64 / span.max(1) as f64
    }

    /// Orders of a class on a side.
    #[inline]
    pub(super) fn list(&self, side: Side, class: Class) -> &[u32] {
        &self.lists[side.index()][class as usize]
    }

    /// Arrival number of the next order.
    #[inline]
    pub(super) const fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// True if the side survives losing the level of `px`.
    #[inline]
    pub(super) fn may_empty(&self, side: Side) -> bool {
        self.count[side.index()] > LEVELS_MIN
    }

    /// Appends an order at the back of its level. The caller keeps prices within the ring and the
    /// book uncrossed. Returns true if the level is new.
    pub(super) fn add(&mut self, side: Side, class: Class, px: i32, qty: i64) -> bool {
        let slot = self.slot(px);
        let tail = self.levels[slot].tail;
        let list = &mut self.lists[side.index()][class as usize];
        let place = u32::try_from(list.len()).unwrap_or(NIL);
        let order = Order {
            qty,
            seq: self.next_seq,
            px,
            next: NIL,
            prev: tail,
            slot: place,
            side,
            class,
        };
        self.next_seq += 1;
        let id = match self.free.pop() {
            Some(id) => {
                self.orders[id as usize] = order;
                id
            }
            None => {
                self.orders.push(order);
                u32::try_from(self.orders.len() - 1).unwrap_or(NIL)
            }
        };
        list.push(id);
        if tail == NIL {
            self.levels[slot].head = id;
        } else {
            self.orders[tail as usize].next = id;
        }
        let level = &mut self.levels[slot];
        level.tail = id;
        level.qty += qty;
        level.orders += 1;
        let fresh = level.orders == 1;
        if fresh {
            self.open_level(side, px);
        }
        fresh
    }

    /// Takes an order out. Returns true if its level is gone with it.
    pub(super) fn remove(&mut self, id: u32) -> bool {
        let order = self.orders[id as usize];
        let slot = self.slot(order.px);
        if order.prev == NIL {
            self.levels[slot].head = order.next;
        } else {
            self.orders[order.prev as usize].next = order.next;
        }
        if order.next == NIL {
            self.levels[slot].tail = order.prev;
        } else {
            self.orders[order.next as usize].prev = order.prev;
        }
        let level = &mut self.levels[slot];
        level.qty -= order.qty;
        level.orders -= 1;
        let gone = level.orders == 0;
        let list = &mut self.lists[order.side.index()][order.class as usize];
        list.swap_remove(order.slot as usize);
        if let Some(&moved) = list.get(order.slot as usize) {
            self.orders[moved as usize].slot = order.slot;
        }
        self.free.push(id);
        if gone {
            self.close_level(order.side, order.px);
        }
        gone
    }

    /// Takes `qty`, less than its size, off an order that keeps its place.
    pub(super) fn reduce(&mut self, id: u32, qty: i64) {
        let order = &mut self.orders[id as usize];
        order.qty -= qty;
        let slot = self.slot(self.orders[id as usize].px);
        self.levels[slot].qty -= qty;
    }

    fn open_level(&mut self, side: Side, px: i32) {
        let slot = self.slot(px);
        self.bits[slot / 64] |= 1 << (slot % 64);
        let i = side.index();
        self.count[i] += 1;
        if self.count[i] == 1 {
            self.best[i] = px;
            self.outer[i] = px;
        } else if nearer(side, px, self.best[i]) {
            self.best[i] = px;
        } else if nearer(side, self.outer[i], px) {
            self.outer[i] = px;
        }
    }

    fn close_level(&mut self, side: Side, px: i32) {
        let slot = self.slot(px);
        self.bits[slot / 64] &= !(1 << (slot % 64));
        let i = side.index();
        self.count[i] -= 1;
        if self.count[i] == 0 {
            return;
        }
        if px == self.best[i] {
            self.best[i] = self.next_outward(side, px).unwrap_or(self.outer[i]);
        } else if px == self.outer[i] {
            self.outer[i] = self.next_inward(side, px).unwrap_or(self.best[i]);
        }
    }

    /// The next level of the side strictly farther from the market than `px`.
    #[inline]
    pub(super) fn next_outward(&self, side: Side, px: i32) -> Option<i32> {
        let last = self.outer[side.index()];
        match side {
            Side::Buy => self.scan_down(px - 1, last),
            Side::Sell => self.scan_up(px + 1, last),
        }
    }

    /// The next level of the side strictly nearer to the market than `px`.
    #[inline]
    pub(super) fn next_inward(&self, side: Side, px: i32) -> Option<i32> {
        let best = self.best[side.index()];
        match side {
            Side::Buy => self.scan_up(px + 1, best),
            Side::Sell => self.scan_down(px - 1, best),
        }
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)] // bit numbers
    fn scan_up(&self, from: i32, to: i32) -> Option<i32> {
        let mut px = from;
        while px <= to {
            let slot = self.slot(px);
            let word = self.bits[slot / 64] >> (slot % 64);
            if word != 0 {
                let found = px + word.trailing_zeros() as i32;
                return (found <= to).then_some(found);
            }
            px += 64 - (slot % 64) as i32;
        }
        None
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)] // bit numbers
    fn scan_down(&self, from: i32, to: i32) -> Option<i32> {
        let mut px = from;
        while px >= to {
            let slot = self.slot(px);
            let word = self.bits[slot / 64] << (63 - slot % 64);
            if word != 0 {
                let found = px - word.leading_zeros() as i32;
                return (found >= to).then_some(found);
            }
            px -= (slot % 64) as i32 + 1;
        }
        None
    }
}

/// True if `a` is strictly nearer to the market than `b`.
#[inline]
pub(super) const fn nearer(side: Side, a: i32, b: i32) -> bool {
    match side {
        Side::Buy => a > b,
        Side::Sell => a < b,
    }
}

#[cfg(test)]
mod tests;
