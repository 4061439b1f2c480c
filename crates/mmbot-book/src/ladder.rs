//! The fast book: a dense ladder around the touch with a bitmap to find the next level, and an
//! ordered map for what lies far away. An update near the touch is one store and a few bit
//! operations; nothing is hashed and, near the touch, nothing is allocated.

use crate::BookRead;
use crate::half::{HalfBook, NO_KEY};
use mmbot_types::{MidTick, PriceTick, QtyLot, Side};

/// Best prices and sizes of a book that has two sides and is not crossed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Touch {
    /// Best bid.
    pub bid: PriceTick,
    /// Best ask, above the best bid.
    pub ask: PriceTick,
    /// Size at the best bid.
    pub bid_qty: QtyLot,
    /// Size at the best ask.
    pub ask_qty: QtyLot,
}

impl Touch {
    /// The mid.
    #[inline]
    #[must_use]
    pub const fn mid(&self) -> MidTick {
        MidTick::of(self.bid, self.ask)
    }

    /// Best price of a side.
    #[inline]
    #[must_use]
    pub const fn px(&self, side: Side) -> PriceTick {
        match side {
            Side::Buy => self.bid,
            Side::Sell => self.ask,
        }
    }
}

/// L2 book of one instrument: price levels in ticks, sizes in lots.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Ladder {
    halves: [HalfBook; 2],
}

impl Default for Ladder {
    fn default() -> Self {
        Self::new()
    }
}

impl Ladder {
    /// An empty book.
    #[must_use]
    pub fn new() -> Self {
        Self {
            halves: [HalfBook::new(), HalfBook::new()],
        }
    }

    /// Empties both sides, keeps the memory.
    pub fn clear(&mut self) {
        for half in &mut self.halves {
            half.clear();
        }
    }

    /// Sets the size of a level (0 deletes it) and returns the size before. Negative sizes count as
    /// 0; decoders refuse them before they come here.
    #[inline(always)]
    pub fn set(&mut self, side: Side, px: PriceTick, qty: QtyLot) -> QtyLot {
        QtyLot::new(self.halves[side.index()].set(key(side, px), qty.get().max(0)))
    }

    /// Best price of a side.
    #[inline]
    #[must_use]
    pub fn best(&self, side: Side) -> Option<PriceTick> {
        match self.halves[side.index()].best() {
            NO_KEY => None,
            best => Some(PriceTick::new(best * side.sign())),
        }
    }

    /// Size at a price, zero where there is no level.
    #[inline(always)]
    #[must_use]
    pub fn qty_at(&self, side: Side, px: PriceTick) -> QtyLot {
        QtyLot::new(self.halves[side.index()].get(key(side, px)))
    }

    /// Mid of an uncrossed two-sided book; `None` otherwise. Cheaper than [`Self::touch`].
    #[inline(always)]
    #[must_use]
    pub fn mid(&self) -> Option<MidTick> {
        let (bid, ask) = (self.halves[0].best(), self.halves[1].best());
        // ask is kept negated: crossed or locked when bid + (-ask) >= 0
        (bid != NO_KEY && ask != NO_KEY && bid + ask < 0).then(|| MidTick::new(bid - ask))
    }

    /// Best prices and sizes; `None` if a side is empty or the book is crossed or locked.
    #[inline]
    #[must_use]
    pub fn touch(&self) -> Option<Touch> {
        self.mid()?;
        let (bid, ask) = (self.halves[0].best(), self.halves[1].best());
        Some(Touch {
            bid: PriceTick::new(bid),
            ask: PriceTick::new(-ask),
            bid_qty: QtyLot::new(self.halves[0].get(bid)),
            ask_qty: QtyLot::new(self.halves[1].get(ask)),
        })
    }

    /// True if both sides have levels and the best bid is at or above the best ask.
    #[must_use]
    pub fn is_crossed(&self) -> bool {
        let (bid, ask) = (self.halves[0].best(), self.halves[1].best());
        bid != NO_KEY && ask != NO_KEY && bid + ask >= 0
    }

    /// Levels of a side from the touch outward.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = (PriceTick, QtyLot)> + '_ {
        let sign = side.sign();
        self.halves[side.index()]
            .iter()
            .map(move |(key, size)| (PriceTick::new(key * sign), QtyLot::new(size)))
    }

    /// Shows the levels of a side from the touch outward to `limit`, included: cheaper than
    /// [`Self::levels`] where there are many.
    #[inline]
    pub fn each_within(
        &self,
        side: Side,
        limit: PriceTick,
        mut visit: impl FnMut(PriceTick, QtyLot),
    ) {
        let sign = side.sign();
        self.halves[side.index()].each_down_to(key(side, limit), |key, size| {
            visit(PriceTick::new(key * sign), QtyLot::new(size));
        });
    }

    /// Total size of the best `levels` levels of a side.
    #[must_use]
    pub fn depth(&self, side: Side, levels: usize) -> QtyLot {
        let mut total = 0i64;
        for (_, size) in self.halves[side.index()].iter().take(levels) {
            total = total.saturating_add(size);
        }
        QtyLot::new(total)
    }
}

impl BookRead for Ladder {
    fn best_of(&self, side: Side) -> Option<PriceTick> {
        self.best(side)
    }
    fn size_at(&self, side: Side, px: PriceTick) -> QtyLot {
        self.qty_at(side, px)
    }
    fn all_levels(&self, side: Side) -> Vec<(PriceTick, QtyLot)> {
        self.levels(side).collect()
    }
}

/// Bids by price, asks by minus price: the best key of either half is its greatest.
#[inline(always)]
const fn key(side: Side, px: PriceTick) -> i64 {
    px.get() * side.sign()
}
