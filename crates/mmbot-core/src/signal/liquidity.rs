//! Displayed depth near the mid, smoothed. The levels are walked when somebody asks, and not more
//! than every five seconds: against a half-life of a minute that is often enough.

use super::decay::forgotten;
use mmbot_book::{Ladder, Touch};
use mmbot_types::{PriceTick, Side, TsNs};

/// Levels farther from the mid than 1/1000 of it (10 bps) do not count.
const MID_SHARE: i64 = 1_000;
/// Half-life, ns.
const HALF_LIFE_NS: f64 = 60e9;
/// Shortest time between two samples, ns.
const SAMPLE_NS: i64 = 5_000_000_000;

/// Smoothed smaller side of the depth.
#[derive(Debug, Clone, Copy, Default, serde::Serialize, serde::Deserialize)]
pub struct Liquidity {
    /// USD and the time of the latest sample.
    smoothed: Option<(f64, TsNs)>,
}

impl Liquidity {
    /// Looks at the book, if it is time to.
    #[allow(clippy::cast_precision_loss)] // nanoseconds between samples
    pub fn sample(&mut self, book: &Ladder, touch: &Touch, tick_lot_usd: f64, now: TsNs) {
        let Some((usd, ts)) = self.smoothed else {
            self.smoothed = Some((depth_usd(book, touch, tick_lot_usd), now));
            return;
        };
        let dt_ns = now.since_ns(ts);
        if dt_ns < SAMPLE_NS {
            return;
        }
        let moved = depth_usd(book, touch, tick_lot_usd) - usd;
        let usd = usd + forgotten(dt_ns as f64 / HALF_LIFE_NS) * moved;
        self.smoothed = Some((usd, now));
    }

    /// Smoothed depth, USD; `None` until the book was seen.
    #[must_use]
    pub const fn usd(&self) -> Option<f64> {
        match self.smoothed {
            Some((usd, _)) => Some(usd),
            None => None,
        }
    }
}

/// Notional within 10 bps of the mid, of the side that has less, USD.
#[must_use]
#[allow(clippy::cast_precision_loss)] // rounded once
pub fn depth_usd(book: &Ladder, touch: &Touch, tick_lot_usd: f64) -> f64 {
    // twice the mid, so that the limits are exact
    let mid2 = touch.mid().get();
    let reach2 = mid2.div_euclid(MID_SHARE);
    let of = |side: Side| -> i128 {
        let limit = match side {
            Side::Buy => -(reach2 - mid2).div_euclid(2),
            Side::Sell => (mid2 + reach2).div_euclid(2),
        };
        let mut notional = 0;
        book.each_within(side, PriceTick::new(limit), |px, qty| {
            notional += i128::from(px.get()) * i128::from(qty.get());
        });
        notional
    };
    of(Side::Buy).min(of(Side::Sell)) as f64 * tick_lot_usd
}

#[cfg(test)]
mod tests {
    use super::*;
    use mmbot_types::QtyLot;
    use proptest::prelude::*;

    fn book(rows: &[(Side, i64, i64)]) -> Ladder {
        let mut book = Ladder::new();
        for &(side, px, qty) in rows {
            book.set(side, PriceTick::new(px), QtyLot::new(qty));
        }
        book
    }

    /// spec: 01-8.2
    #[test]
    fn the_side_with_less_counts_and_only_within_ten_basis_points() {
        let book = book(&[
            (Side::Buy, 99_990, 5),
            (Side::Buy, 99_900, 7),
            (Side::Buy, 99_899, 1_000),
            (Side::Sell, 100_010, 50),
            (Side::Sell, 100_100, 50),
            (Side::Sell, 100_101, 1_000),
        ]);
        let usd = depth_usd(&book, &book.touch().unwrap(), 0.5);
        assert_eq!(usd, (99_990.0 * 5.0 + 99_900.0 * 7.0) * 0.5);
    }

    /// spec: 01-8.2
    #[test]
    fn a_wide_market_has_no_depth() {
        let book = book(&[(Side::Buy, 990, 5), (Side::Sell, 1_010, 5)]);
        assert_eq!(depth_usd(&book, &book.touch().unwrap(), 1.0), 0.0);
    }

    /// spec: 01-8.2
    #[test]
    fn a_change_counts_half_after_a_half_life() {
        let at = |sec: i64| TsNs::new(sec * 1_000_000_000);
        let (thin, thick) = (
            book(&[(Side::Buy, 9_999, 1), (Side::Sell, 10_001, 1)]),
            book(&[(Side::Buy, 9_999, 3), (Side::Sell, 10_001, 3)]),
        );
        let mut liquidity = Liquidity::default();
        assert_eq!(liquidity.usd(), None);
        let mut sample = |book: &Ladder, now| {
            liquidity.sample(book, &book.touch().unwrap(), 1.0, now);
            liquidity.usd().unwrap()
        };
        assert_eq!(sample(&thin, at(10)), 9_999.0);
        assert_eq!(
            sample(&thick, at(15).plus_ns(-1)),
            9_999.0,
            "not yet five seconds"
        );
        assert_eq!(sample(&thick, at(5)), 9_999.0, "time does not go back");
        assert!((sample(&thick, at(70)) - 2.0 * 9_999.0).abs() < 1e-9);
    }

    proptest! {
        /// spec: 01-8.2
        #[test]
        fn samples_of_one_book_leave_its_depth_and_any_path_stays_between_the_extremes(
            steps in prop::collection::vec((0i64..200_000, 1i64..1_000), 1..40),
        ) {
            let (mut liquidity, mut now_ms) = (Liquidity::default(), 0);
            let mut depths = Vec::new();
            for (wait_ms, qty) in steps {
                now_ms += wait_ms;
                let book = book(&[(Side::Buy, 9_999, qty), (Side::Sell, 10_001, 2_000)]);
                let touch = book.touch().unwrap();
                depths.push(depth_usd(&book, &touch, 1.0));
                liquidity.sample(&book, &touch, 1.0, TsNs::ZERO.plus_ms(now_ms));
                let usd = liquidity.usd().unwrap();
                let low = depths.iter().copied().fold(f64::INFINITY, f64::min);
                let high = depths.iter().copied().fold(0.0, f64::max);
                prop_assert!((low - 1e-6..=high + 1e-6).contains(&usd));
            }
        }
    }
}
