//! Traded notional of the last hour, in cells of a second: a print adds to one number, what leaves
//! the hour is taken off a cell at a time. Sums are integers, so that nothing drifts.

use mmbot_types::{PriceTick, QtyLot, TsNs};

const SECOND_NS: i64 = 1_000_000_000;
/// Seconds, and cells.
const WINDOW_SEC: usize = 3600;

/// See the module. Notionals are in ticks times lots.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct TradedVolume {
    /// First instant after the current second.
    cell_end: TsNs,
    current: i64,
    /// Sum of the cells.
    earlier: i128,
    /// By second modulo their number; that of the current second is empty.
    cells: Box<[i64]>,
    second: i64,
}

impl Default for TradedVolume {
    fn default() -> Self {
        Self {
            cell_end: TsNs::new(i64::MIN),
            current: 0,
            earlier: 0,
            cells: vec![0; WINDOW_SEC].into_boxed_slice(),
            second: i64::MIN,
        }
    }
}

impl TradedVolume {
    /// A print. Time that goes back counts as the current second.
    #[inline]
    pub fn trade(&mut self, px: PriceTick, qty: QtyLot, ts: TsNs) {
        if ts >= self.cell_end {
            self.advance(ts);
        }
        let notional = px.get().saturating_mul(qty.get());
        self.current = self.current.saturating_add(notional);
    }

    /// Notional of the seconds up to that of `now`, 3600 of them.
    pub fn of_last_hour(&mut self, now: TsNs) -> i128 {
        if now >= self.cell_end {
            self.advance(now);
        }
        self.earlier + i128::from(self.current)
    }

    #[cold]
    fn advance(&mut self, ts: TsNs) {
        let second = ts.get().div_euclid(SECOND_NS);
        let passed = second.saturating_sub(self.second);
        if passed >= WINDOW_SEC as i64 {
            self.cells.fill(0);
            self.earlier = 0;
        } else {
            self.earlier += i128::from(self.current);
            self.cells[cell(self.second)] = self.current;
            for second in self.second + 1..=second {
                let leaving = std::mem::take(&mut self.cells[cell(second)]);
                self.earlier -= i128::from(leaving);
            }
        }
        self.current = 0;
        self.second = second;
        self.cell_end = TsNs::new(second * SECOND_NS).plus_ns(SECOND_NS);
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // below the number of cells
const fn cell(second: i64) -> usize {
    second.rem_euclid(WINDOW_SEC as i64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn trade(volume: &mut TradedVolume, notional: i64, ts_ms: i64) {
        let ts = TsNs::ZERO.plus_ms(ts_ms);
        volume.trade(PriceTick::new(notional), QtyLot::new(1), ts);
    }

    /// spec: 01-8.2
    #[test]
    fn a_print_counts_for_an_hour() {
        let mut volume = TradedVolume::default();
        assert_eq!(volume.of_last_hour(TsNs::new(5)), 0);
        trade(&mut volume, 7, 10_999);
        let mut at = |ts_ms| volume.of_last_hour(TsNs::ZERO.plus_ms(ts_ms));
        assert_eq!(at(10_999), 7);
        assert_eq!(at(3_609_999), 7);
        assert_eq!(at(3_610_000), 0);
    }

    #[test]
    fn the_largest_prints_saturate() {
        let mut volume = TradedVolume::default();
        for second in 0..3 {
            let ts = TsNs::new(second * SECOND_NS);
            volume.trade(PriceTick::new(i64::MAX), QtyLot::new(2), ts);
            volume.trade(PriceTick::new(i64::MAX), QtyLot::new(2), ts);
        }
        assert_eq!(volume.of_last_hour(TsNs::ZERO), 3 * i128::from(i64::MAX));
    }

    proptest! {
        /// spec: 01-8.2
        #[test]
        fn it_is_the_sum_over_a_list_of_prints(
            steps in prop::collection::vec(
                (prop_oneof![6 => -500i64..3_000, 2 => 0i64..900_000, 1 => 0i64..9_000_000],
                    0i64..1_000_000),
                1..120,
            ),
        ) {
            let (mut volume, mut list) = (TradedVolume::default(), Vec::new());
            let (mut now_ms, mut latest_ms) = (0i64, 0i64);
            for (wait_ms, notional) in steps {
                now_ms = (now_ms + wait_ms).max(0);
                latest_ms = latest_ms.max(now_ms);
                trade(&mut volume, notional, now_ms);
                list.push((latest_ms / 1_000, notional));
                let recent = list.iter().filter(|p| latest_ms / 1_000 - p.0 < 3_600);
                let sum: i128 = recent.map(|p| i128::from(p.1)).sum();
                prop_assert_eq!(volume.of_last_hour(TsNs::ZERO.plus_ms(now_ms)), sum);
            }
        }
    }
}
