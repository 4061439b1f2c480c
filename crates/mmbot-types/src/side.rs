//! The side of an order, a level or an aggressor. Two-sided logic is written once over `Side`.

use crate::units::PriceTick;

/// Buy (bid) or sell (ask). The discriminants are the wire values of the catalog (0 bid, 1 ask).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[repr(u8)]
pub enum Side {
    /// Bid side, or a buying aggressor.
    Buy = 0,
    /// Ask side, or a selling aggressor.
    Sell = 1,
}

impl Side {
    /// Both sides, bid first.
    pub const BOTH: [Side; 2] = [Side::Buy, Side::Sell];

    /// +1 for a buy, -1 for a sell: the sign of the position change.
    #[inline]
    #[must_use]
    pub const fn sign(self) -> i64 {
        match self {
            Side::Buy => 1,
            Side::Sell => -1,
        }
    }

    /// Name in journals and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Side::Buy => "buy",
            Side::Sell => "sell",
        }
    }

    /// The other side.
    #[inline]
    #[must_use]
    pub const fn opposite(self) -> Side {
        match self {
            Side::Buy => Side::Sell,
            Side::Sell => Side::Buy,
        }
    }

    /// 0 for a buy, 1 for a sell: an array index.
    #[inline]
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Side of the wire bit: 0 is the bid side, anything else the ask side.
    #[inline]
    #[must_use]
    pub const fn from_bit(bit: u8) -> Side {
        if bit == 0 { Side::Buy } else { Side::Sell }
    }

    /// True if `a` is strictly nearer to (or further across) the market than `b` for this side:
    /// a higher bid, a lower ask.
    #[inline]
    #[must_use]
    pub fn better(self, a: PriceTick, b: PriceTick) -> bool {
        match self {
            Side::Buy => a > b,
            Side::Sell => a < b,
        }
    }

    /// True if an order of this side at `px` trades against a standing opposite order at
    /// `opposite`.
    #[inline]
    #[must_use]
    pub fn crosses(self, px: PriceTick, opposite: PriceTick) -> bool {
        match self {
            Side::Buy => px >= opposite,
            Side::Sell => px <= opposite,
        }
    }

    /// `px` moved `ticks` away from the market: down for a bid, up for an ask.
    #[inline]
    #[must_use]
    pub fn outward(self, px: PriceTick, ticks: i64) -> PriceTick {
        px.offset(-self.sign() * ticks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buy_and_a_sell_mirror_each_other() {
        let (lo, hi) = (PriceTick::new(10), PriceTick::new(11));
        assert!(Side::Buy.better(hi, lo) && Side::Sell.better(lo, hi));
        assert!(!Side::Buy.better(lo, lo) && !Side::Sell.better(hi, hi));
        assert!(Side::Buy.crosses(hi, hi) && Side::Sell.crosses(lo, lo));
        assert_eq!(Side::Buy.outward(hi, 1), lo);
        assert_eq!(Side::Sell.outward(lo, 1), hi);
        assert_eq!(Side::Buy.opposite().sign(), -1);
    }
}
