//! Our resting orders of all lanes, found by price.
//!
//! An order is in a slab slot. Per side, a ring of 4096 buckets addressed by the low bits of the
//! price heads a list of its orders in acceptance order; a bitmap says which buckets are in use, so
//! that a market event at a price without own orders costs one bit test. Prices 4096 ticks apart
//! share a bucket: the list is filtered by price.

use crate::queue::QueuePosition;
use mmbot_types::{Cid, NewOrder, PriceTick, QtyLot, Side};
use smallvec::SmallVec;

/// Slab index of an order.
pub(crate) type Handle = u32;
/// "No order": end of a list.
pub(crate) const NONE: Handle = u32::MAX;

const BUCKETS: usize = 4096;
/// Orders of a lane that need no memory of their own: two sides, each with one that goes and one
/// that comes.
const LANE_ORDERS: usize = 4;

/// One resting order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Resting {
    pub cid: Cid,
    pub lane: u32,
    pub side: Side,
    pub px: PriceTick,
    /// What is left to fill.
    pub open: QtyLot,
    /// What has filled.
    pub cum: QtyLot,
    pub queue: QueuePosition,
}

/// Neighbours in the list of a bucket. They stand beside the orders, not in them: those of all
/// lanes together fit where the orders of a few do, and changing one touches no other lane's order.
#[derive(Debug, Clone, Copy)]
struct Link {
    prev: Handle,
    next: Handle,
}

const UNLINKED: Link = Link {
    prev: NONE,
    next: NONE,
};

impl Resting {
    /// An order that has not traded and rests nowhere yet.
    pub(crate) const fn incoming(lane: u32, order: &NewOrder) -> Self {
        Self {
            cid: order.cid,
            lane,
            side: order.side,
            px: order.px,
            open: order.qty,
            ..VACANT
        }
    }
}

const VACANT: Resting = Resting {
    cid: Cid::new(0),
    lane: 0,
    side: Side::Buy,
    px: PriceTick::ZERO,
    open: QtyLot::ZERO,
    cum: QtyLot::ZERO,
    queue: QueuePosition::FRONT,
};

#[derive(Debug, Clone)]
struct SideIndex {
    heads: Box<[Handle; BUCKETS]>,
    tails: Box<[Handle; BUCKETS]>,
    bits: [u64; BUCKETS / 64],
    /// No order of this side has a greater key (price for bids, minus price for asks). May be too
    /// great after a removal; tightened when a market event meets it in vain.
    bound: i64,
    count: usize,
}

impl SideIndex {
    fn new() -> Self {
        Self {
            heads: Box::new([NONE; BUCKETS]),
            tails: Box::new([NONE; BUCKETS]),
            bits: [0; BUCKETS / 64],
            bound: i64::MIN,
            count: 0,
        }
    }
}

/// All resting orders.
#[derive(Debug, Clone)]
pub(crate) struct OrderStore {
    slots: Vec<Resting>,
    /// As many as `slots`.
    links: Vec<Link>,
    free: Vec<Handle>,
    sides: [SideIndex; 2],
    /// Per lane: id and slot of its orders, oldest first. The ids stand here again so that looking
    /// for one touches no order.
    by_lane: Vec<SmallVec<[(Cid, Handle); LANE_ORDERS]>>,
}

impl OrderStore {
    pub(crate) fn new(lanes: usize) -> Self {
        Self {
            slots: Vec::new(),
            links: Vec::new(),
            free: Vec::new(),
            sides: [SideIndex::new(), SideIndex::new()],
            by_lane: vec![SmallVec::new(); lanes],
        }
    }

    /// True if an own order of `side` may rest at `px` (or 4096 ticks from it).
    #[inline(always)]
    pub(crate) fn may_rest_at(&self, side: Side, px: PriceTick) -> bool {
        let at = bucket(px);
        self.sides[side.index()].bits[at >> 6] >> (at & 63) & 1 != 0
    }

    /// True if an own order of `side` may rest at `px` or at a better price.
    #[inline(always)]
    pub(crate) fn may_reach(&self, side: Side, px: PriceTick) -> bool {
        self.sides[side.index()].bound >= key(side, px)
    }

    #[inline]
    pub(crate) fn get(&self, handle: Handle) -> &Resting {
        &self.slots[handle as usize]
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, handle: Handle) -> &mut Resting {
        &mut self.slots[handle as usize]
    }

    pub(crate) fn of_lane(&self, lane: u32) -> impl ExactSizeIterator<Item = Handle> + '_ {
        self.by_lane[lane as usize].iter().map(|entry| entry.1)
    }

    #[inline]
    pub(crate) fn find(&self, lane: u32, cid: Cid) -> Option<Handle> {
        let mine = &self.by_lane[lane as usize];
        mine.iter()
            .find(|entry| entry.0 == cid)
            .map(|entry| entry.1)
    }

    /// Takes in an order that stands at `queue`, with `cum` filled.
    // always: an order that is put together elsewhere and copied waits for its own stores
    #[inline(always)]
    pub(crate) fn insert(
        &mut self,
        lane: u32,
        order: &NewOrder,
        cum: QtyLot,
        queue: QueuePosition,
    ) {
        let open = order.qty - cum;
        let handle = self.free.pop().unwrap_or_else(|| self.grow());
        let slot = &mut self.slots[handle as usize];
        (slot.cid, slot.lane, slot.side) = (order.cid, lane, order.side);
        (slot.px, slot.open, slot.cum) = (order.px, open, cum);
        slot.queue = queue;
        self.by_lane[lane as usize].push((order.cid, handle));
        self.link(handle, order.side, order.px);
    }

    /// A new slot, at the end.
    #[cold]
    fn grow(&mut self) -> Handle {
        self.slots.push(VACANT);
        self.links.push(UNLINKED);
        // lanes x open orders; four thousand million of them do not fit into memory
        u32::try_from(self.slots.len() - 1).unwrap_or(NONE)
    }

    pub(crate) fn remove(&mut self, handle: Handle) {
        let order = &self.slots[handle as usize];
        let (lane, cid) = (order.lane, order.cid);
        self.remove_of(lane, cid);
    }

    /// Removes order `cid` of a lane; false if it does not rest.
    #[inline]
    pub(crate) fn remove_of(&mut self, lane: u32, cid: Cid) -> bool {
        let mine = &mut self.by_lane[lane as usize];
        let Some(at) = mine.iter().position(|entry| entry.0 == cid) else {
            return false;
        };
        let handle = mine[at].1;
        // a lane's orders are few: moving them one by one beats a call that moves a block
        for next in at + 1..mine.len() {
            mine[next - 1] = mine[next];
        }
        mine.pop();
        self.unlink(handle);
        self.free.push(handle);
        true
    }

    /// Moves an order to the back of the queue at another (or the same) price.
    pub(crate) fn requeue(&mut self, handle: Handle, px: PriceTick) {
        self.unlink(handle);
        let order = &mut self.slots[handle as usize];
        order.px = px;
        let side = order.side;
        self.link(handle, side, px);
    }

    #[inline]
    fn link(&mut self, handle: Handle, side: Side, px: PriceTick) {
        let (index, at) = (&mut self.sides[side.index()], bucket(px));
        let tail = index.tails[at];
        if tail == NONE {
            index.heads[at] = handle;
            index.bits[at >> 6] |= 1 << (at & 63);
        } else {
            self.links[tail as usize].next = handle;
        }
        index.tails[at] = handle;
        index.bound = index.bound.max(key(side, px));
        index.count += 1;
        self.links[handle as usize] = Link {
            prev: tail,
            next: NONE,
        };
    }

    fn unlink(&mut self, handle: Handle) {
        let Resting { side, px, .. } = self.slots[handle as usize];
        let Link { prev, next } = self.links[handle as usize];
        let (index, at) = (&mut self.sides[side.index()], bucket(px));
        if prev == NONE {
            index.heads[at] = next;
        } else {
            self.links[prev as usize].next = next;
        }
        if next == NONE {
            index.tails[at] = prev;
        } else {
            self.links[next as usize].prev = prev;
        }
        if index.heads[at] == NONE {
            index.bits[at >> 6] &= !(1 << (at & 63));
        }
        index.count -= 1;
        if index.count == 0 {
            index.bound = i64::MIN;
        }
    }

    /// Calls `visit` for the orders of `side` at exactly `px`, oldest first.
    #[inline]
    pub(crate) fn each_at(
        &mut self,
        side: Side,
        px: PriceTick,
        mut visit: impl FnMut(&mut Resting),
    ) {
        let mut at = self.sides[side.index()].heads[bucket(px)];
        while let Some(order) = self.slots.get_mut(at as usize) {
            if order.px == px {
                visit(order);
            }
            at = self.links[at as usize].next;
        }
    }

    /// Appends the orders of `side` at exactly `px`, oldest first.
    pub(crate) fn collect_at(&self, side: Side, px: PriceTick, out: &mut Vec<Handle>) {
        let mut at = self.sides[side.index()].heads[bucket(px)];
        while at != NONE {
            let order = &self.slots[at as usize];
            if order.px == px {
                out.push(at);
            }
            at = self.links[at as usize].next;
        }
    }

    /// Appends the orders of `side` at `px` or better: best price first, oldest first at a price.
    /// Tightens the bound if nothing is as good as it claims.
    pub(crate) fn collect_reached(&mut self, side: Side, px: PriceTick, out: &mut Vec<Handle>) {
        let start = out.len();
        let (from, to) = (self.sides[side.index()].bound, key(side, px));
        if from.saturating_sub(to) < BUCKETS as i64 {
            let mut level = from;
            while level >= to {
                let px = PriceTick::new(level * side.sign());
                if self.may_rest_at(side, px) {
                    self.collect_at(side, px, out);
                }
                level -= 1;
            }
        } else {
            self.collect_far(side, to, out);
        }
        let best = out
            .get(start)
            .map(|h| key(side, self.slots[*h as usize].px));
        if best != Some(from) {
            self.sides[side.index()].bound = best.unwrap_or_else(|| self.true_bound(side));
        }
    }

    #[cold]
    fn collect_far(&self, side: Side, to: i64, out: &mut Vec<Handle>) {
        let mut prices: Vec<i64> = self.keys(side).filter(|key| *key >= to).collect();
        prices.sort_unstable_by(|a, b| b.cmp(a));
        prices.dedup();
        for level in prices {
            self.collect_at(side, PriceTick::new(level * side.sign()), out);
        }
    }

    fn true_bound(&self, side: Side) -> i64 {
        self.keys(side).max().unwrap_or(i64::MIN)
    }

    fn keys(&self, side: Side) -> impl Iterator<Item = i64> + '_ {
        let of_side = move |entry: &(Cid, Handle)| {
            let order = &self.slots[entry.1 as usize];
            (order.side == side).then(|| key(side, order.px))
        };
        self.by_lane.iter().flatten().filter_map(of_side)
    }
}

#[inline(always)]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // masked to 12 bits
const fn bucket(px: PriceTick) -> usize {
    (px.get() & (BUCKETS as i64 - 1)) as usize
}

#[inline(always)]
const fn key(side: Side, px: PriceTick) -> i64 {
    px.get() * side.sign()
}
