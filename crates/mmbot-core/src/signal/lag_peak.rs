//! Largest feed lag of the last second. A packet costs one comparison; the second is kept in cells
//! of a tenth, closed by whoever asks.

use mmbot_types::TsNs;

const CELLS: usize = 10;
/// Length of a cell, ns.
const CELL_NS: i64 = 100_000_000;
/// Length of the memory, ns.
const WINDOW_NS: i64 = CELLS as i64 * CELL_NS;
/// No packet.
const NONE: i64 = i64::MIN;

/// See the module.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct LagPeak {
    /// Largest lag since somebody asked, ns.
    open: i64,
    /// When a cell was closed, and its largest lag.
    cells: [(TsNs, i64); CELLS],
    newest: usize,
}

impl Default for LagPeak {
    fn default() -> Self {
        Self {
            open: NONE,
            cells: [(TsNs::ZERO, NONE); CELLS],
            newest: 0,
        }
    }
}

impl LagPeak {
    /// A packet was received `lag_ns` after the venue sent it; a negative lag counts as 0.
    #[inline]
    pub fn see(&mut self, lag_ns: i64) {
        self.open = self.open.max(lag_ns.max(0));
    }

    /// Largest lag of the last second before `now`, ns; `None` if nothing was received in it. What
    /// came since the last question belongs to `now`, so that it should be asked once a second or
    /// more often.
    pub fn of_last_second(&mut self, now: TsNs) -> Option<i64> {
        let open = std::mem::replace(&mut self.open, NONE);
        let newest = self.cells[self.newest].0;
        if now.since_ns(newest) >= CELL_NS {
            self.newest = (self.newest + 1) % CELLS;
            self.cells[self.newest] = (now, open);
        } else {
            let peak = &mut self.cells[self.newest].1;
            *peak = open.max(*peak);
        }
        let now = now.max(newest);
        let from = now.plus_ns(-WINDOW_NS);
        let recent = |cell: &(TsNs, i64)| if cell.0 > from { cell.1 } else { NONE };
        let peak = self.cells.iter().map(recent).fold(NONE, i64::max);
        (peak != NONE).then_some(peak)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(ms: i64) -> TsNs {
        TsNs::ZERO.plus_ms(ms)
    }

    /// spec: 01-8.2
    #[test]
    fn a_lag_is_remembered_for_a_second_and_is_never_negative() {
        let mut peak = LagPeak::default();
        assert_eq!(peak.of_last_second(at(1_000)), None);
        peak.see(-5);
        assert_eq!(peak.of_last_second(at(1_100)), Some(0));
        peak.see(70);
        peak.see(90);
        peak.see(80);
        for ms in (1_200..2_200).step_by(100) {
            assert_eq!(peak.of_last_second(at(ms)), Some(90), "{ms}");
        }
        assert_eq!(peak.of_last_second(at(2_200)), None);
    }

    #[test]
    fn questions_in_quick_succession_lose_nothing() {
        let mut peak = LagPeak::default();
        for ms in 5_000..5_950 {
            peak.see(i64::from(ms == 5_003) * 40);
            let known = if ms >= 5_003 { 40 } else { 0 };
            assert_eq!(peak.of_last_second(at(ms)), Some(known), "{ms}");
        }
        assert_eq!(
            peak.of_last_second(at(4_000)),
            Some(40),
            "time stands still"
        );
    }

    proptest! {
        /// spec: 01-8.2
        #[test]
        fn asked_ten_times_a_second_it_is_the_largest_of_a_list(
            lags in prop::collection::vec(prop::collection::vec(-50i64..1_000, 0..3), 1..100),
        ) {
            let (mut peak, mut list) = (LagPeak::default(), Vec::new());
            for (tick, lags) in (100i64..).zip(lags) {
                for lag in lags {
                    peak.see(lag);
                    list.push((tick, lag.max(0)));
                }
                let recent = list.iter().filter(|seen| tick - seen.0 < 10);
                let largest = recent.map(|seen| seen.1).max();
                prop_assert_eq!(peak.of_last_second(at(tick * 100)), largest);
            }
        }
    }
}
