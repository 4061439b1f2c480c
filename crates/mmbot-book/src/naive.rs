//! The obviously right book: two sorted maps. Tests hold the fast one against it.

use crate::BookRead;
use mmbot_types::{PriceTick, QtyLot, Side};
use std::collections::BTreeMap;

/// L2 book in two sorted maps.
#[derive(Debug, Clone, Default)]
pub struct NaiveBook {
    sides: [BTreeMap<i64, i64>; 2],
}

impl NaiveBook {
    /// An empty book.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Empties both sides.
    pub fn clear(&mut self) {
        self.sides = Default::default();
    }

    /// Sets the size of a level (0 deletes it) and returns the size before.
    pub fn set(&mut self, side: Side, px: PriceTick, qty: QtyLot) -> QtyLot {
        let levels = &mut self.sides[side.index()];
        let before = if qty.get() > 0 {
            levels.insert(px.get(), qty.get())
        } else {
            levels.remove(&px.get())
        };
        QtyLot::new(before.unwrap_or(0))
    }
}

impl BookRead for NaiveBook {
    fn best_of(&self, side: Side) -> Option<PriceTick> {
        self.all_levels(side).first().map(|(px, _)| *px)
    }
    fn size_at(&self, side: Side, px: PriceTick) -> QtyLot {
        QtyLot::new(
            self.sides[side.index()]
                .get(&px.get())
                .copied()
                .unwrap_or(0),
        )
    }
    fn all_levels(&self, side: Side) -> Vec<(PriceTick, QtyLot)> {
        let level = |(px, qty): (&i64, &i64)| (PriceTick::new(*px), QtyLot::new(*qty));
        match side {
            Side::Buy => self.sides[0].iter().rev().map(level).collect(),
            Side::Sell => self.sides[1].iter().map(level).collect(),
        }
    }
}
