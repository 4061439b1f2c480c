//! A newtype per unit and identifier. Raw integers live only in this file and at the wire.

use std::fmt;
use std::ops::{Add, AddAssign, Sub, SubAssign};

/// Steps of an execution price in one tick: execution prices, money and mids share this grid.
pub const PRICE_SCALE: i64 = 10_000;

macro_rules! integer_unit {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        #[derive(serde::Serialize, serde::Deserialize)]
        #[repr(transparent)]
        pub struct $name(i64);

        impl $name {
            /// Zero of the unit.
            pub const ZERO: $name = $name(0);

            /// Wraps a raw number of this unit.
            #[inline]
            #[must_use]
            pub const fn new(raw: i64) -> Self {
                Self(raw)
            }

            /// The raw number.
            #[inline]
            #[must_use]
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

macro_rules! additive {
    ($name:ident) => {
        impl Add for $name {
            type Output = Self;
            #[inline]
            fn add(self, o: Self) -> Self {
                Self(self.0 + o.0)
            }
        }
        impl Sub for $name {
            type Output = Self;
            #[inline]
            fn sub(self, o: Self) -> Self {
                Self(self.0 - o.0)
            }
        }
        impl AddAssign for $name {
            #[inline]
            fn add_assign(&mut self, o: Self) {
                self.0 += o.0;
            }
        }
        impl SubAssign for $name {
            #[inline]
            fn sub_assign(&mut self, o: Self) {
                self.0 -= o.0;
            }
        }
    };
}

integer_unit!(
    /// A price as a whole number of ticks.
    PriceTick
);
integer_unit!(
    /// A quantity as a whole number of lots; signed where it is a position.
    QtyLot
);
integer_unit!(
    /// A time in nanoseconds since the epoch, UTC.
    TsNs
);
integer_unit!(
    /// Twice the mid price in ticks (bid + ask), so that the mid is exact.
    MidTick
);
integer_unit!(
    /// An execution price in 1/10,000 tick ([`PRICE_SCALE`]).
    ExecPrice
);
additive!(QtyLot);

impl PriceTick {
    /// This price moved by `ticks` (signed).
    #[inline]
    #[must_use]
    pub const fn offset(self, ticks: i64) -> Self {
        Self(self.0 + ticks)
    }

    /// Signed number of ticks from `other` up to this price.
    #[inline]
    #[must_use]
    pub const fn ticks_from(self, other: Self) -> i64 {
        self.0 - other.0
    }

    /// This price on the execution grid.
    #[inline]
    #[must_use]
    pub const fn to_exec(self) -> ExecPrice {
        ExecPrice(self.0 * PRICE_SCALE)
    }
}

impl QtyLot {
    /// Magnitude of a signed quantity.
    #[inline]
    #[must_use]
    pub const fn abs(self) -> Self {
        Self(self.0.abs())
    }

    /// The smaller of two quantities.
    #[inline]
    #[must_use]
    pub fn min(self, o: Self) -> Self {
        Self(self.0.min(o.0))
    }

    /// True for an exact zero.
    #[inline]
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl TsNs {
    /// A time later than every real one: "never".
    pub const NEVER: TsNs = TsNs(i64::MAX);

    /// This time plus `ns`; saturates, so that "never" stays never.
    #[inline]
    #[must_use]
    pub const fn plus_ns(self, ns: i64) -> Self {
        Self(self.0.saturating_add(ns))
    }

    /// This time plus `ms` milliseconds; saturates.
    #[inline]
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms.saturating_mul(1_000_000)))
    }

    /// Nanoseconds from `earlier` to this time (negative if it is not earlier).
    #[inline]
    #[must_use]
    pub const fn since_ns(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl MidTick {
    /// Mid of a touch.
    #[inline]
    #[must_use]
    pub const fn of(bid: PriceTick, ask: PriceTick) -> Self {
        Self(bid.0 + ask.0)
    }

    /// The mid in ticks; exact, because it is a multiple of one half.
    #[inline]
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn ticks_f64(self) -> f64 {
        self.0 as f64 * 0.5
    }

    /// The mid on the execution grid; exact.
    #[inline]
    #[must_use]
    pub const fn to_exec(self) -> ExecPrice {
        ExecPrice(self.0 * (PRICE_SCALE / 2))
    }
}

/// Client order id inside the core: unique per trader, never reused. The text form that a venue
/// sees is made at the rim.
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
#[repr(transparent)]
pub struct Cid(u64);

impl Cid {
    /// Wraps a raw id.
    #[inline]
    #[must_use]
    pub const fn new(raw: u64) -> Self {
        Self(raw)
    }

    /// The raw id.
    #[inline]
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mids_and_ticks_meet_on_the_execution_grid() {
        let (bid, ask) = (PriceTick::new(100), PriceTick::new(101));
        let mid = MidTick::of(bid, ask);
        assert_eq!(mid.to_exec().get() - bid.to_exec().get(), PRICE_SCALE / 2);
        assert!((mid.ticks_f64() - 100.5).abs() < 1e-12);
    }

    #[test]
    fn never_stays_never() {
        assert_eq!(TsNs::NEVER.plus_ms(5), TsNs::NEVER);
        assert_eq!(TsNs::new(7).plus_ms(2).since_ns(TsNs::new(7)), 2_000_000);
    }
}
