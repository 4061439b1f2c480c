//! Targets of both sides, from the touch outward.

use mmbot_types::{PriceTick, QtyLot, Side};

/// Levels per side at most (`strategy.levels_per_side`).
pub const LEVELS_MAX: usize = 10;

/// Price and size of a wanted order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Target {
    /// Limit price.
    pub px: PriceTick,
    /// Open quantity.
    pub qty: QtyLot,
}

/// Wanted orders of one side; prices go strictly outward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SideTargets {
    items: [Target; LEVELS_MAX],
    len: usize,
}

impl SideTargets {
    /// The targets, innermost first.
    #[must_use]
    pub fn as_slice(&self) -> &[Target] {
        &self.items[..self.len]
    }

    /// Adds a target at its place; one beyond [`LEVELS_MAX`] falls off the outer end. Equal prices
    /// keep the order in which they came.
    #[inline]
    pub fn insert(&mut self, side: Side, target: Target) {
        let last = self.as_slice().last();
        let outside = last.is_none_or(|last| !side.better(target.px, last.px));
        match self.items.get_mut(self.len) {
            Some(free) if outside => {
                *free = target;
                self.len += 1;
            }
            _ => self.insert_within(side, target),
        }
    }

    fn insert_within(&mut self, side: Side, target: Target) {
        let mut at = self.len;
        while at > 0 && side.better(target.px, self.items[at - 1].px) {
            at -= 1;
        }
        if at >= LEVELS_MAX {
            return;
        }
        self.len = (self.len + 1).min(LEVELS_MAX);
        self.items.copy_within(at..self.len - 1, at + 1);
        self.items[at] = target;
    }

    /// Gives each target, innermost first, the quantity that `resize` returns, or drops it; true if
    /// anything changed.
    pub fn shrink(&mut self, mut resize: impl FnMut(&Target) -> Option<QtyLot>) -> bool {
        let (mut kept, mut changed) = (0, false);
        for at in 0..self.len {
            let mut target = self.items[at];
            let Some(qty) = resize(&target) else {
                changed = true;
                continue;
            };
            changed |= qty != target.qty;
            target.qty = qty;
            self.items[kept] = target;
            kept += 1;
        }
        self.len = kept;
        changed
    }

    /// Moves targets outward so that none is nearer than `innermost` and no two prices are equal;
    /// those without a positive price are dropped.
    pub fn bound(&mut self, side: Side, innermost: Option<PriceTick>) {
        let mut limit = innermost;
        let mut kept = 0;
        for at in 0..self.len {
            let mut target = self.items[at];
            if let Some(limit) = limit
                && side.better(target.px, limit)
            {
                target.px = limit;
            }
            if target.px.get() <= 0 {
                continue;
            }
            limit = Some(side.outward(target.px, 1));
            self.items[kept] = target;
            kept += 1;
        }
        self.len = kept;
    }
}

/// Wanted orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Targets {
    sides: [SideTargets; 2],
}

impl Targets {
    /// Targets of a side.
    #[must_use]
    pub const fn of(&self, side: Side) -> &SideTargets {
        &self.sides[side.index()]
    }

    /// Targets of a side, to be changed.
    pub const fn of_mut(&mut self, side: Side) -> &mut SideTargets {
        &mut self.sides[side.index()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(side: Side, prices: &[i64]) -> SideTargets {
        let mut targets = SideTargets::default();
        for (i, px) in prices.iter().enumerate() {
            let target = Target {
                px: PriceTick::new(*px),
                qty: QtyLot::new(i as i64),
            };
            targets.insert(side, target);
        }
        targets
    }

    fn prices(targets: &SideTargets) -> Vec<i64> {
        targets.as_slice().iter().map(|t| t.px.get()).collect()
    }

    /// spec: 02-5.2
    #[test]
    fn targets_are_sorted_from_the_touch_outward() {
        assert_eq!(prices(&side(Side::Buy, &[5, 9, 7])), [9, 7, 5]);
        assert_eq!(prices(&side(Side::Sell, &[5, 9, 7])), [5, 7, 9]);
        let many: Vec<i64> = (1..=12).collect();
        assert_eq!(
            prices(&side(Side::Sell, &many)),
            (1..=10).collect::<Vec<_>>()
        );
        assert_eq!(
            prices(&side(Side::Buy, &many)),
            (3..=12).rev().collect::<Vec<_>>()
        );
    }

    /// spec: 02-2/1
    #[test]
    fn equal_prices_move_outward_one_by_one() {
        let mut bids = side(Side::Buy, &[9, 9, 8, 1]);
        bids.bound(Side::Buy, Some(PriceTick::new(8)));
        assert_eq!(prices(&bids), [8, 7, 6, 1]);
        let mut asks = side(Side::Sell, &[9, 9, 10]);
        asks.bound(Side::Sell, Some(PriceTick::new(10)));
        assert_eq!(prices(&asks), [10, 11, 12]);
        let mut low = side(Side::Buy, &[2, 2, 2]);
        low.bound(Side::Buy, None);
        assert_eq!(prices(&low), [2, 1]);
    }
}
