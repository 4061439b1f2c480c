//! The orders of one trader in a fixed number of slots. The slot is part of the client order id, so
//! a report finds its order by index; the rest of the id tells whether the slot still holds that
//! order.

use super::past::PastOrders;
use super::state::{DoneReason, Order, OrderState, Terms};
use super::transition::{IllegalTransition, OrderEvent, advance};
use mmbot_types::{Cid, Color, MidTick, PriceTick, QtyLot, Side, TsNs};

/// Orders of one trader at a time, those that ended a moment ago included. Ten levels on two sides,
/// each with its predecessor on the way out, and room for late fills.
pub const SLOTS: usize = 64;
/// Ended orders are kept so long that this many others have ended since: reports that come late
/// still find them.
const COOLING: usize = 16;
const SLOT_BITS: u32 = 8;

/// See the module.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[repr(C)] // the numbers first, together
pub struct OrderTable {
    #[serde(with = "mmbot_types::boxed_array")]
    orders: Box<[Order; SLOTS]>,
    /// Slots in use by orders that are not over, per side, one bit each.
    open: [u64; 2],
    free: u64,
    next_seq: u64,
    cooling_head: usize,
    cooling_len: usize,
    /// Slots of ended orders, longest ended first.
    #[serde(with = "mmbot_types::long_array")]
    cooling: [u8; SLOTS],
    /// Ended orders whose slot was taken again; kept in sessions.
    past: Option<Box<PastOrders>>,
}

const VACANT: Order = Order {
    cid: Cid::new(0),
    state: OrderState::Done(DoneReason::Rejected),
    terms: Terms {
        px: PriceTick::ZERO,
        total: QtyLot::ZERO,
        decision_mid: MidTick::ZERO,
        opposite: PriceTick::ZERO,
    },
    filled: QtyLot::ZERO,
    filled_prefix: QtyLot::ZERO,
    sent: TsNs::ZERO,
    since: TsNs::ZERO,
    rests_from: None,
    last_fill: TsNs::ZERO,
    filled_since: QtyLot::ZERO,
    queued_from: TsNs::ZERO,
    drift_mid: MidTick::ZERO,
    side: Side::Buy,
    level: 0,
    color: Color::Blue,
    replacing: false,
    not_amendable: false,
    refreshing: false,
    unsaid: false,
};

impl Default for OrderTable {
    fn default() -> Self {
        Self::new()
    }
}

impl OrderTable {
    /// A table without orders.
    #[must_use]
    pub fn new() -> Self {
        Self {
            orders: Box::new([VACANT; SLOTS]),
            open: [0; 2],
            free: u64::MAX,
            cooling: [0; SLOTS],
            cooling_head: 0,
            cooling_len: 0,
            next_seq: 1,
            past: None,
        }
    }

    /// Keeps ended orders from now on, beyond their time in a slot.
    pub fn keep_past(&mut self) {
        self.past.get_or_insert_default();
    }

    /// An order that is no longer in a slot.
    #[cold]
    pub fn find_past(&mut self, cid: Cid) -> Option<&mut Order> {
        self.past.as_mut()?.find_mut(cid)
    }

    /// Whether ended orders are kept beyond their time in a slot.
    #[inline]
    #[must_use]
    pub const fn keeps_past(&self) -> bool {
        self.past.is_some()
    }

    /// Empties a slot for the next order; returns the one that is forgotten for it, or id zero.
    pub fn vacate(&mut self, slot: usize) -> Cid {
        match &mut self.past {
            None => self.orders[slot].cid,
            Some(past) => past.push(&self.orders[slot]).unwrap_or(VACANT.cid),
        }
    }

    /// The slot of the next new order; what it still holds is for [`Self::vacate`]. `None` if
    /// all slots hold orders that are not over.
    #[inline]
    pub fn next_slot(&mut self) -> Option<usize> {
        if self.free == 0 {
            self.cool_one()?;
        }
        Some(self.free.trailing_zeros() as usize)
    }

    /// Puts a new order into `slot`, which is that of [`Self::next_slot`].
    #[inline]
    pub fn insert(
        &mut self,
        slot: usize,
        side: Side,
        level: u8,
        color: Color,
        terms: Terms,
        now: TsNs,
    ) {
        self.free &= !(1 << slot);
        self.open[side.index()] |= 1 << slot;
        // field by field: a whole order built elsewhere and copied costs more than all the rest
        let order = &mut self.orders[slot & (SLOTS - 1)];
        order.cid = Cid::new(self.next_seq << SLOT_BITS | slot as u64);
        order.state = OrderState::PendingNew;
        order.terms = terms;
        (order.filled, order.filled_prefix) = (QtyLot::ZERO, QtyLot::ZERO);
        (order.sent, order.since) = (now, now);
        (order.rests_from, order.queued_from, order.unsaid) = (None, TsNs::ZERO, false);
        (order.last_fill, order.filled_since) = (TsNs::ZERO, QtyLot::ZERO);
        order.drift_mid = terms.decision_mid;
        (order.side, order.level, order.color) = (side, level, color);
        (order.replacing, order.not_amendable, order.refreshing) = (false, false, false);
        self.next_seq += 1;
    }

    /// Readies the slot of an order that was numbered elsewhere, so that [`Self::insert`] gives it
    /// the id `cid`; `None` if the slot holds an order that is not over, or for no order's id.
    pub fn claim(&mut self, cid: Cid) -> Option<usize> {
        let slot = (cid.get() & ((1 << SLOT_BITS) - 1)) as usize;
        let is_over = self.orders.get(slot)?.state.is_done();
        if !is_over || Self::seq_of(cid) == 0 {
            return None;
        }
        self.keep_warm(slot);
        self.next_seq = Self::seq_of(cid);
        Some(slot)
    }

    /// Number that the next order gets.
    #[inline]
    #[must_use]
    pub const fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Slot of an order that is still known.
    #[inline]
    #[must_use]
    pub fn find(&self, cid: Cid) -> Option<usize> {
        let slot = (cid.get() & ((1 << SLOT_BITS) - 1)) as usize;
        (self.orders.get(slot)?.cid == cid && cid.get() != 0).then_some(slot)
    }

    /// Number of the order in a client order id.
    #[inline]
    #[must_use]
    pub const fn seq_of(cid: Cid) -> u64 {
        cid.get() >> SLOT_BITS
    }

    /// The order in `slot`.
    #[inline]
    #[must_use]
    pub const fn get(&self, slot: usize) -> &Order {
        &self.orders[slot & (SLOTS - 1)]
    }

    /// The order in `slot`; its state is changed through [`Self::set_state`] only.
    #[inline]
    pub const fn get_mut(&mut self, slot: usize) -> &mut Order {
        &mut self.orders[slot & (SLOTS - 1)]
    }

    /// Moves an order by `event` and keeps the sets of open and ended orders.
    ///
    /// # Errors
    /// [`IllegalTransition`] if its state does not allow the event; nothing changes then.
    #[inline(always)]
    pub fn advance(&mut self, slot: usize, event: OrderEvent) -> Result<(), IllegalTransition> {
        let order = self.get_mut(slot);
        let was_done = order.state.is_done();
        advance(&mut order.state, event)?;
        self.moved(slot, was_done);
        Ok(())
    }

    /// Moves an order to `state`, whatever its state allows.
    pub fn set_state(&mut self, slot: usize, state: OrderState) {
        let order = self.get_mut(slot);
        let was_done = std::mem::replace(&mut order.state, state).is_done();
        self.moved(slot, was_done);
    }

    #[inline]
    fn moved(&mut self, slot: usize, was_done: bool) {
        let order = self.get(slot);
        let (is_done, side) = (order.state.is_done(), order.side);
        match (was_done, is_done) {
            (false, true) => self.retire(slot, side),
            (true, false) => self.revive(slot, side),
            (false, false) | (true, true) => {}
        }
    }

    /// Slots of orders of a side that are not over, lowest slot first.
    #[inline]
    #[must_use]
    pub const fn open(&self, side: Side) -> Slots {
        Slots(self.open[side.index()])
    }

    /// Slots of all orders that are not over, lowest slot first.
    #[inline]
    #[must_use]
    pub const fn all_open(&self) -> Slots {
        Slots(self.open[0] | self.open[1])
    }

    fn retire(&mut self, slot: usize, side: Side) {
        self.open[side.index()] &= !(1 << slot);
        let at = (self.cooling_head + self.cooling_len) % SLOTS;
        // slots are below 64
        self.cooling[at] = u8::try_from(slot).unwrap_or(0);
        self.cooling_len += 1;
        if self.cooling_len > COOLING {
            self.cool_one();
        }
    }

    /// Frees the slot of the longest ended order.
    fn cool_one(&mut self) -> Option<()> {
        self.cooling_len = self.cooling_len.checked_sub(1)?;
        self.free |= 1 << self.cooling[self.cooling_head];
        self.cooling_head = (self.cooling_head + 1) % SLOTS;
        Some(())
    }

    /// An order that was thought to be over is not.
    #[cold]
    fn revive(&mut self, slot: usize, side: Side) {
        self.open[side.index()] |= 1 << slot;
        self.keep_warm(slot);
    }

    /// A slot neither cools nor is free.
    #[cold]
    fn keep_warm(&mut self, slot: usize) {
        self.free &= !(1 << slot);
        let kept: Vec<u8> = (0..self.cooling_len)
            .map(|i| self.cooling[(self.cooling_head + i) % SLOTS])
            .filter(|cooled| usize::from(*cooled) != slot)
            .collect();
        self.cooling_head = 0;
        self.cooling_len = kept.len();
        self.cooling[..kept.len()].copy_from_slice(&kept);
    }
}

/// A set of slots, iterated lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slots(u64);

impl Slots {
    /// Number of slots.
    #[inline]
    #[must_use]
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// True without slots.
    #[inline]
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl Iterator for Slots {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let slot = self.0.trailing_zeros() as usize;
        self.0 &= self.0 - 1;
        Some(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms() -> Terms {
        Terms {
            px: PriceTick::new(5),
            total: QtyLot::new(1),
            ..VACANT.terms
        }
    }

    fn insert(table: &mut OrderTable) -> Option<usize> {
        let slot = table.next_slot()?;
        table.insert(slot, Side::Buy, 0, Color::Blue, terms(), TsNs::ZERO);
        Some(slot)
    }

    #[test]
    fn an_ended_order_is_found_until_its_slot_is_taken_again() {
        let mut table = OrderTable::new();
        let slot = insert(&mut table).unwrap();
        let cid = table.get(slot).cid;
        table.set_state(slot, OrderState::Done(DoneReason::Cancelled));
        for _ in 0..COOLING {
            assert_eq!(table.find(cid), Some(slot));
            let next = insert(&mut table).unwrap();
            table.set_state(next, OrderState::Done(DoneReason::Filled));
        }
        assert_eq!(insert(&mut table), Some(slot));
        assert_eq!(table.find(cid), None);
        assert_eq!(table.find(Cid::new(0)), None);
        assert_eq!(table.find(Cid::new(u64::MAX)), None);
    }

    #[test]
    fn a_full_table_takes_the_longest_ended_order_first_and_no_live_one() {
        let mut table = OrderTable::new();
        for _ in 0..SLOTS {
            assert!(insert(&mut table).is_some());
        }
        assert_eq!(insert(&mut table), None);
        table.set_state(9, OrderState::Done(DoneReason::Filled));
        table.set_state(4, OrderState::Done(DoneReason::Filled));
        assert_eq!(insert(&mut table), Some(9));
        assert_eq!(insert(&mut table), Some(4));
        assert_eq!(insert(&mut table), None);
        assert_eq!(table.open(Side::Buy).len(), 64);
        assert!(table.open(Side::Sell).is_empty());
    }

    #[test]
    fn an_order_that_was_numbered_elsewhere_gets_its_own_id_where_its_slot_is_over() {
        let mut table = OrderTable::new();
        let slot = insert(&mut table).unwrap();
        let live = table.get(slot).cid;
        assert_eq!(table.claim(live), None, "still open");
        for none in [Cid::new(7), Cid::new(9 << SLOT_BITS | 64)] {
            assert_eq!(table.claim(none), None, "{none:?}");
        }
        table.set_state(slot, OrderState::Done(DoneReason::Filled));
        let cid = Cid::new(500 << SLOT_BITS | slot as u64);
        assert_eq!(table.claim(cid), Some(slot));
        table.insert(slot, Side::Sell, 0, Color::Blue, terms(), TsNs::ZERO);
        assert_eq!((table.find(cid), table.find(live)), (Some(slot), None));
        assert_eq!(table.open(Side::Sell).len(), 1);
        for _ in 1..SLOTS {
            assert_ne!(insert(&mut table), Some(slot));
        }
        assert_eq!(insert(&mut table), None);
    }

    #[test]
    fn a_revived_order_keeps_its_slot() {
        let mut table = OrderTable::new();
        let slot = insert(&mut table).unwrap();
        table.set_state(slot, OrderState::Done(DoneReason::Rejected));
        table.set_state(slot, OrderState::Unknown { amend: None });
        for _ in 1..SLOTS {
            assert_ne!(insert(&mut table), Some(slot));
        }
        assert_eq!(insert(&mut table), None);
    }
}
