//! Exact money. One unit is tick size x lot size / 10,000 of the instrument, so that price times
//! quantity is an integer and sums over any number of fills have no rounding error.

use crate::side::Side;
use crate::units::{ExecPrice, QtyLot};
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

/// An exact amount in quanta of one instrument (see [`crate::Instrument::money_to_f64`]).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    serde::Serialize,
    serde::Deserialize,
)]
pub struct Money(i128);

impl Money {
    /// Nothing.
    pub const ZERO: Money = Money(0);

    /// Wraps a raw number of quanta.
    #[inline]
    #[must_use]
    pub const fn new(raw: i128) -> Self {
        Self(raw)
    }

    /// The raw number of quanta.
    #[inline]
    #[must_use]
    pub const fn get(self) -> i128 {
        self.0
    }

    /// Notional of `qty` at `px`; negative for a negative quantity.
    #[inline]
    #[must_use]
    pub const fn notional(px: ExecPrice, qty: QtyLot) -> Self {
        Self(px.get() as i128 * qty.get() as i128)
    }

    /// `side.sign() * (from - to) * qty`: what a fill gains when the reference falls from `from`
    /// to `to` for a sell, and the reverse for a buy. The building block of edge components.
    #[inline]
    #[must_use]
    pub const fn signed_move(side: Side, from: ExecPrice, to: ExecPrice, qty: QtyLot) -> Self {
        Self((from.get() - to.get()) as i128 * (side.sign() * qty.get()) as i128)
    }
}

impl Add for Money {
    type Output = Self;
    #[inline]
    fn add(self, o: Self) -> Self {
        Self(self.0 + o.0)
    }
}
impl Sub for Money {
    type Output = Self;
    #[inline]
    fn sub(self, o: Self) -> Self {
        Self(self.0 - o.0)
    }
}
impl Neg for Money {
    type Output = Self;
    #[inline]
    fn neg(self) -> Self {
        Self(-self.0)
    }
}
impl AddAssign for Money {
    #[inline]
    fn add_assign(&mut self, o: Self) {
        self.0 += o.0;
    }
}
impl SubAssign for Money {
    #[inline]
    fn sub_assign(&mut self, o: Self) {
        self.0 -= o.0;
    }
}

/// A fee rate in millionths of a basis point; negative is a rebate.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    serde::Serialize,
    serde::Deserialize,
)]
pub struct FeeRate(i64);

impl FeeRate {
    /// Rate of `bps` basis points, rounded to a millionth; non-finite input gives `None`.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn from_bps(bps: f64) -> Option<Self> {
        (bps.is_finite() && bps.abs() <= 10_000.0).then(|| Self((bps * 1e6).round() as i64))
    }

    /// The rate in basis points.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn bps(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// Fee on a notional, rounded half away from zero: positive is paid, negative a rebate.
    #[inline]
    #[must_use]
    pub const fn fee_on(self, notional: Money) -> Money {
        const DENOMINATOR: i128 = 10_000 * 1_000_000;
        let product = notional.0.saturating_mul(self.0 as i128);
        let half = if product < 0 {
            -DENOMINATOR / 2
        } else {
            DENOMINATOR / 2
        };
        Money((product + half) / DENOMINATOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{MidTick, PriceTick};

    #[test]
    fn a_fee_is_rounded_half_away_from_zero_and_a_rebate_mirrors_it() {
        let notional = Money::new(1_000_000);
        let paid = FeeRate::from_bps(1.0).unwrap().fee_on(notional);
        assert_eq!(paid, Money::new(100));
        assert_eq!(FeeRate::from_bps(-1.0).unwrap().fee_on(notional), -paid);
        assert!(FeeRate::from_bps(f64::NAN).is_none());
    }

    #[test]
    fn edge_components_telescope_to_mark_to_market() {
        let qty = QtyLot::new(3);
        let mid = |b: i64, a: i64| MidTick::of(PriceTick::new(b), PriceTick::new(a)).to_exec();
        let (decision, before, after, end) = (mid(99, 101), mid(98, 101), mid(97, 99), mid(95, 96));
        let price = PriceTick::new(98).to_exec();
        let side = Side::Buy;
        let gross = Money::signed_move(side, decision, price, qty);
        let slippage = Money::signed_move(side, decision, before, qty);
        let adverse = Money::signed_move(side, before, after, qty);
        let inventory = Money::signed_move(side, after, end, qty);
        let pnl = Money::signed_move(side, end, price, qty);
        assert_eq!(gross - slippage - adverse - inventory, pnl);
    }
}
