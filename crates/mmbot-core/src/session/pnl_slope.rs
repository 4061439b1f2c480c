//! Least-squares slope of the result over the recent past, one sample a second. Sums are integers
//! (microdollars and seconds), so that a sample that leaves takes exactly away what it brought:
//! after a year of updates the slope is that of its window and of nothing else.

use super::calendar::utc_second;
use mmbot_types::TsNs;
use std::collections::VecDeque;

/// Larger results count as this: 1e11 USD. With seconds below 2^34 and at most 86,400 samples every
/// product below stays under 2^127.
const PNL_MICRO_USD_MAX: f64 = 1e17;

/// See the module.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct PnlSlope {
    window_sec: i64,
    /// Second and result in microdollars, oldest first.
    samples: VecDeque<(i64, i64)>,
    sum_t: i128,
    sum_tt: i128,
    sum_y: i128,
    sum_ty: i128,
}

impl PnlSlope {
    /// An empty window of `window_sec` seconds.
    #[must_use]
    pub fn new(window_sec: u32) -> Self {
        Self {
            window_sec: i64::from(window_sec),
            samples: VecDeque::with_capacity(window_sec as usize + 1),
            sum_t: 0,
            sum_tt: 0,
            sum_y: 0,
            sum_ty: 0,
        }
    }

    /// Another length; what is young enough stays.
    pub fn set_window_sec(&mut self, window_sec: u32) {
        self.window_sec = i64::from(window_sec);
        if let Some(newest) = self.samples.back() {
            self.expire(newest.0);
        }
    }

    /// The result since the session began is `pnl_usd` at `now`. The second call within a second,
    /// time that goes back and a result that is not finite are ignored.
    #[allow(clippy::cast_possible_truncation)] // clamped
    pub fn record(&mut self, pnl_usd: f64, now: TsNs) {
        let second = utc_second(now);
        let late = self.samples.back().is_some_and(|newest| newest.0 >= second);
        if late || !pnl_usd.is_finite() {
            return;
        }
        let scaled = (pnl_usd * 1e6).clamp(-PNL_MICRO_USD_MAX, PNL_MICRO_USD_MAX);
        let sample = (second, scaled.round() as i64);
        self.add(sample, 1);
        self.samples.push_back(sample);
        self.expire(second);
    }

    /// Slope in USD per minute; `None` until the samples span half of the window: a line through
    /// the first fills of a session says nothing.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // rounded once, at the end
    pub fn usd_per_min(&self) -> Option<f64> {
        let (oldest, newest) = (self.samples.front()?, self.samples.back()?);
        let span_sec = newest.0 - oldest.0;
        let n = i128::try_from(self.samples.len()).unwrap_or(0);
        let spread = n * self.sum_tt - self.sum_t * self.sum_t;
        if span_sec * 2 < self.window_sec || spread <= 0 {
            return None;
        }
        let covariance = n * self.sum_ty - self.sum_t * self.sum_y;
        Some(covariance as f64 / spread as f64 * (60.0 / 1e6))
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.samples.clear();
        (self.sum_t, self.sum_tt, self.sum_y, self.sum_ty) = (0, 0, 0, 0);
    }

    fn expire(&mut self, second: i64) {
        while let Some(oldest) = self.samples.front().copied() {
            if second - oldest.0 < self.window_sec {
                break;
            }
            self.samples.pop_front();
            self.add(oldest, -1);
        }
    }

    fn add(&mut self, (t, y): (i64, i64), sign: i128) {
        let (t, y) = (i128::from(t), i128::from(y));
        self.sum_t += sign * t;
        self.sum_tt += sign * t * t;
        self.sum_y += sign * y;
        self.sum_ty += sign * t * y;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::calendar::SECOND_NS;
    use proptest::prelude::*;

    fn at(second: i64) -> TsNs {
        TsNs::new(second * SECOND_NS)
    }

    /// spec: 02-11.2
    #[test]
    fn a_steady_loss_is_its_rate_per_minute() {
        let mut slope = PnlSlope::new(300);
        for second in 0..1_000 {
            slope.record(50.0 - 0.1 * second as f64, at(1_700_000_000 + second));
            let got = slope.usd_per_min();
            assert_eq!(got.is_some(), second >= 150, "{second}");
            assert!(got.is_none_or(|got| (got + 6.0).abs() < 1e-9));
        }
        slope.clear();
        assert_eq!(slope.usd_per_min(), None);
    }

    #[test]
    fn one_sample_a_second_and_no_nonsense() {
        let mut slope = PnlSlope::new(4);
        slope.record(0.0, at(10));
        slope.record(99.0, at(10).plus_ms(500));
        slope.record(99.0, at(9));
        slope.record(f64::NAN, at(11));
        slope.record(1.0, at(12));
        assert_eq!(slope.usd_per_min(), Some(30.0));
        slope.set_window_sec(1);
        assert_eq!(slope.usd_per_min(), None, "a point is no line");
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        let mut slope = PnlSlope::new(86_400);
        let last = i64::MAX / SECOND_NS;
        for second in (last - 86_399)..=last {
            let pnl = if second % 2 == 0 { f64::MAX } else { -f64::MAX };
            slope.record(pnl, at(second));
        }
        assert!(slope.usd_per_min().is_some_and(f64::is_finite));
    }

    /// Textbook formula with centred sums over the samples of the window.
    fn naive(list: &[(i64, f64)], newest: i64, window_sec: i64) -> Option<f64> {
        let kept: Vec<_> = list.iter().filter(|s| newest - s.0 < window_sec).collect();
        let n = kept.len() as f64;
        let (first, last) = (kept.first()?.0, kept.last()?.0);
        let mean_t = kept.iter().map(|s| (s.0 - first) as f64).sum::<f64>() / n;
        let mean_y = kept.iter().map(|s| s.1).sum::<f64>() / n;
        let (mut tt, mut ty) = (0.0, 0.0);
        for s in &kept {
            let t = (s.0 - first) as f64 - mean_t;
            tt += t * t;
            ty += t * (s.1 - mean_y);
        }
        (tt > 0.0 && (last - first) * 2 >= window_sec).then(|| ty / tt * 60.0)
    }

    proptest! {
        /// spec: 02-11.2
        #[test]
        fn it_is_the_line_through_the_samples_of_the_window(
            steps in prop::collection::vec((1i64..4, -100_000i64..100_000), 1..150),
            window_sec in 1u32..60,
        ) {
            let mut slope = PnlSlope::new(window_sec);
            let (mut second, mut list) = (1_700_000_000i64, Vec::new());
            for (wait, cents) in steps {
                second += wait;
                let pnl = cents as f64 / 100.0;
                slope.record(pnl, at(second));
                list.push((second, pnl));
                let expected = naive(&list, second, i64::from(window_sec));
                match (slope.usd_per_min(), expected) {
                    (Some(a), Some(b)) => prop_assert!((a - b).abs() < 1e-6 * b.abs().max(1.0)),
                    (a, b) => prop_assert_eq!(a.is_some(), b.is_some()),
                }
            }
        }
    }
}
