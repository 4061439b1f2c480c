//! Requests that were just sent are not sent again: a filter over their exact content, per symbol.
//!
//! Two tables of equal age span: keys go into the newer; when it is as old as the time for which
//! keys are remembered, the older one is emptied and becomes the newer. So forgetting costs nothing
//! per key, and memory is bounded: where keys come faster than [`KEYS_MAX`] per span, the older
//! table goes early and its keys are counted as dropped. The key of an answered request leaves its
//! table, which so holds what is on its way. Tables are open-addressed with a fixed
//! hash (linear probing, at most half full) and grow by doubling to what the pace needs.

use mmbot_types::{Cid, Op, PriceTick, QtyLot, Side, TsNs};
use std::fmt;

/// `ha_failover.idempotency_ttl_ms` unless configured, ms.
pub const IDEMPOTENCY_TTL_MS: i64 = 5000;
/// Keys of a table at most: 800 requests a second of one symbol over the default time.
pub const KEYS_MAX: usize = 4096;
/// Slots of a table at the start; a power of two.
const SLOTS_START: usize = 64;

/// What makes two requests of a symbol the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum IdempotencyKey {
    /// A new order.
    Place {
        /// Side.
        side: Side,
        /// Limit price.
        px: PriceTick,
        /// Quantity.
        qty: QtyLot,
        /// Client order id.
        cid: Cid,
    },
    /// A change of an order.
    Replace {
        /// Client order id.
        cid: Cid,
        /// New limit price.
        px: PriceTick,
        /// New quantity.
        qty: QtyLot,
    },
    /// The end of an order.
    Cancel {
        /// Client order id.
        cid: Cid,
    },
}

impl IdempotencyKey {
    /// The operation that the key is about.
    #[inline]
    #[must_use]
    pub const fn op(&self) -> Op {
        match self {
            IdempotencyKey::Place { .. } => Op::Create,
            IdempotencyKey::Replace { .. } => Op::Amend,
            IdempotencyKey::Cancel { .. } => Op::Cancel,
        }
    }

    /// Name of an operation in the counter of hits.
    #[must_use]
    pub const fn op_name(op: Op) -> &'static str {
        match op {
            Op::Create => "place",
            Op::Amend => "replace",
            Op::Cancel => "cancel",
        }
    }

    /// The key as it is shared between instances:
    /// `pl:{symbol}:{side}:{price_ticks}:{qty_lots}:{cid}`, `rp:{cid}:{price_ticks}:{qty_lots}` or
    /// `cl:{cid}`; `cid` is the text form of the key's id.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_text(
        &self,
        out: &mut impl fmt::Write,
        symbol: &str,
        cid: impl fmt::Display,
    ) -> fmt::Result {
        match self {
            IdempotencyKey::Place { side, px, qty, .. } => {
                let side = match side {
                    Side::Buy => "buy",
                    Side::Sell => "sell",
                };
                write!(out, "pl:{symbol}:{side}:{px}:{qty}:{cid}")
            }
            IdempotencyKey::Replace { px, qty, .. } => write!(out, "rp:{cid}:{px}:{qty}"),
            IdempotencyKey::Cancel { .. } => write!(out, "cl:{cid}"),
        }
    }

    /// 64 bits of the content, the same in every process: the fields times odd numbers, through the
    /// finaliser of SplitMix64 (Steele, Lea, Flood 2014).
    #[inline]
    #[allow(clippy::cast_sign_loss)] // the bits are wanted
    const fn hash(&self) -> u64 {
        let (tag, cid, px, qty) = match self {
            IdempotencyKey::Place { side, px, qty, cid } => (*side as u64, *cid, *px, *qty),
            IdempotencyKey::Replace { cid, px, qty } => (2, *cid, *px, *qty),
            IdempotencyKey::Cancel { cid } => (3, *cid, PriceTick::ZERO, QtyLot::ZERO),
        };
        let px = (px.get() as u64).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        let qty = (qty.get() as u64).wrapping_mul(0xA076_1D64_78BD_642F);
        let tag = tag.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        mix(cid.get() ^ tag ^ px ^ qty)
    }
}

const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// See the module.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct IdempotencyFilter {
    ttl_ns: i64,
    newer: Table,
    older: Table,
    /// When the newer table was begun.
    begun: TsNs,
    latest: TsNs,
    hits: [u64; Op::COUNT],
    dropped: u64,
}

impl IdempotencyFilter {
    /// An empty filter that remembers keys for `ttl_ms`.
    #[must_use]
    pub fn new(ttl_ms: i64) -> Self {
        let mut filter = Self {
            ttl_ns: 0,
            newer: Table::new(),
            older: Table::new(),
            begun: TsNs::ZERO,
            latest: TsNs::ZERO,
            hits: [0; Op::COUNT],
            dropped: 0,
        };
        filter.set_ttl_ms(ttl_ms);
        filter
    }

    /// Remembers keys for `ttl_ms` from now on, those that it still has too.
    pub const fn set_ttl_ms(&mut self, ttl_ms: i64) {
        self.ttl_ns = ttl_ms.saturating_mul(1_000_000);
    }

    /// True if the key is remembered: its request must not be sent. Counted as a hit.
    #[inline]
    pub fn seen(&mut self, key: &IdempotencyKey, now: TsNs) -> bool {
        self.pass(now);
        let hash = key.hash();
        let slot = self.newer.slot(key, hash);
        self.is_hit(key, hash, slot)
    }

    /// A request is being sent: its key is remembered from `now` on.
    #[inline]
    pub fn remember(&mut self, key: &IdempotencyKey, now: TsNs) {
        self.pass(now);
        let hash = key.hash();
        let slot = self.newer.slot(key, hash);
        self.put(key, hash, slot);
    }

    /// [`Self::seen`] and, where it is not, [`Self::remember`], at the price of one of them.
    #[inline]
    pub fn is_repetition(&mut self, key: &IdempotencyKey, now: TsNs) -> bool {
        self.pass(now);
        let hash = key.hash();
        let slot = self.newer.slot(key, hash);
        let seen = self.is_hit(key, hash, slot);
        if !seen {
            self.put(key, hash, slot);
        }
        seen
    }

    /// The request has definitely failed and may be sent again.
    pub fn forget(&mut self, key: &IdempotencyKey) {
        let hash = key.hash();
        self.newer.forget(key, hash);
        self.older.forget(key, hash);
    }

    /// Forgets all keys; what was counted stays counted.
    pub fn clear(&mut self) {
        self.newer.clear();
        self.older.clear();
    }

    /// Requests of an operation that were held back.
    #[must_use]
    pub const fn hits(&self, op: Op) -> u64 {
        self.hits[op.index()]
    }

    /// Keys that had to be forgotten before their time.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Lets the time pass; a clock that steps back stands still.
    #[inline]
    fn pass(&mut self, now: TsNs) {
        self.latest = self.latest.max(now);
        if self.latest.since_ns(self.begun) >= self.ttl_ns {
            self.turn();
        }
    }

    /// Begins a new table in place of the older one. Everything in that was remembered before the
    /// newer one was begun, at least a time to live ago.
    fn turn(&mut self) {
        self.older.clear();
        std::mem::swap(&mut self.newer, &mut self.older);
        self.begun = self.latest;
    }

    /// Whether a key whose place in the newer table is `slot` is remembered; counted.
    #[inline]
    fn is_hit(&mut self, key: &IdempotencyKey, hash: u64, slot: usize) -> bool {
        let seen =
            self.is_young(self.newer.time_at(slot)) || self.is_young(self.older.find(key, hash));
        self.hits[key.op().index()] += u64::from(seen);
        seen
    }

    /// Remembers a key whose place in the newer table is `slot`.
    #[inline]
    fn put(&mut self, key: &IdempotencyKey, hash: u64, slot: usize) {
        if !self.newer.insert_at(slot, key, hash, self.latest) {
            self.dropped += self.older.young(self.latest, self.ttl_ns);
            self.turn();
            let slot = self.newer.slot(key, hash);
            self.newer.insert_at(slot, key, hash, self.latest);
        }
    }

    #[inline]
    fn is_young(&self, at: Option<TsNs>) -> bool {
        at.is_some_and(|at| self.latest.since_ns(at) < self.ttl_ns)
    }
}

/// A key and when it was remembered.
type Entry = (IdempotencyKey, TsNs);

/// Keys with the time when they were remembered.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
struct Table {
    slots: Vec<Option<Entry>>,
    used: usize,
}

impl Table {
    fn new() -> Self {
        Self {
            slots: vec![None; SLOTS_START],
            used: 0,
        }
    }

    /// The slot of a key, or the free one where it would go. There always is a free one.
    #[inline]
    #[allow(clippy::cast_possible_truncation)] // the low bits are wanted
    fn slot(&self, key: &IdempotencyKey, hash: u64) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        while let Some((other, _)) = &self.slots[at]
            && other != key
        {
            at = (at + 1) & mask;
        }
        at
    }

    #[inline]
    fn time_at(&self, slot: usize) -> Option<TsNs> {
        self.slots[slot].as_ref().map(|(_, at)| *at)
    }

    #[inline]
    fn find(&self, key: &IdempotencyKey, hash: u64) -> Option<TsNs> {
        if self.used == 0 {
            return None;
        }
        self.time_at(self.slot(key, hash))
    }

    /// Puts a key into its slot; false if the table is full and does not know it.
    #[inline]
    fn insert_at(&mut self, mut slot: usize, key: &IdempotencyKey, hash: u64, now: TsNs) -> bool {
        if self.slots[slot].is_none() {
            if self.used == KEYS_MAX {
                return false;
            }
            if 2 * (self.used + 1) > self.slots.len() {
                self.grow();
                slot = self.slot(key, hash);
            }
            self.used += 1;
        }
        self.slots[slot] = Some((*key, now));
        true
    }

    /// Takes a key out, so that the table holds little more than what was not answered yet. Those
    /// behind it that went past its slot move up (Knuth, The Art of Computer Programming 3, 6.4,
    /// algorithm R): a search ends at the first free slot.
    #[allow(clippy::cast_possible_truncation)] // the low bits are wanted
    fn forget(&mut self, key: &IdempotencyKey, hash: u64) {
        if self.used == 0 {
            return;
        }
        let mask = self.slots.len() - 1;
        let mut hole = self.slot(key, hash);
        if self.slots[hole].is_none() {
            return;
        }
        self.used -= 1;
        let mut at = (hole + 1) & mask;
        while let Some((other, _)) = &self.slots[at] {
            let home = other.hash() as usize & mask;
            if at.wrapping_sub(home) & mask >= at.wrapping_sub(hole) & mask {
                self.slots[hole] = self.slots[at];
                hole = at;
            }
            at = (at + 1) & mask;
        }
        self.slots[hole] = None;
    }

    fn clear(&mut self) {
        if self.used > 0 {
            self.slots.fill(None);
            self.used = 0;
        }
    }

    /// Keys that are still remembered.
    fn young(&self, now: TsNs, ttl_ns: i64) -> u64 {
        let times = self.slots.iter().flatten().map(|(_, at)| *at);
        times.filter(|at| now.since_ns(*at) < ttl_ns).count() as u64
    }

    #[cold]
    fn grow(&mut self) {
        let doubled = vec![None; self.slots.len() * 2];
        let old = std::mem::replace(&mut self.slots, doubled);
        for entry in old.into_iter().flatten() {
            let slot = self.slot(&entry.0, entry.0.hash());
            self.slots[slot] = Some(entry);
        }
    }
}
