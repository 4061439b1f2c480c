//! Latencies of the recent past with their exact 95th percentile. Whether the percentile exceeds a
//! limit is a matter of two counts, so that a guard may ask every second.

use super::calendar::{SECOND_NS, seconds_ns};
use mmbot_types::TsNs;
use std::collections::VecDeque;

/// Never more samples than this (256 KB); the oldest go first. 54 answers a second over the default
/// window of 300 s, twice what the default limit of cancels can bring.
pub const LATENCY_SAMPLES_MAX: usize = 1 << 14;

/// See the module.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct LatencyWindow {
    window_ns: i64,
    /// Time and latency, ns, oldest first.
    samples: VecDeque<(TsNs, i64)>,
    limit_ns: i64,
    /// Samples above the limit.
    over: usize,
    now: TsNs,
    /// Room to select in.
    scratch: Vec<i64>,
}

impl LatencyWindow {
    /// An empty window of `window_sec` seconds.
    #[must_use]
    pub fn new(window_sec: u32) -> Self {
        Self {
            window_ns: i64::from(window_sec) * SECOND_NS,
            samples: VecDeque::new(),
            limit_ns: i64::MAX,
            over: 0,
            now: TsNs::ZERO,
            scratch: Vec::new(),
        }
    }

    /// Another length; what is young enough stays.
    pub fn set_window_sec(&mut self, window_sec: u32) {
        self.window_ns = i64::from(window_sec) * SECOND_NS;
        self.expire(self.now);
    }

    /// A request was answered after `latency_ns` (negative counts as 0).
    pub fn record(&mut self, latency_ns: i64, now: TsNs) {
        self.record_all(&[latency_ns], now);
    }

    /// Requests were answered after `latencies_ns`.
    #[inline]
    pub fn record_all(&mut self, latencies_ns: &[i64], now: TsNs) {
        if latencies_ns.is_empty() {
            return;
        }
        self.expire(now);
        for latency_ns in latencies_ns {
            if self.samples.len() >= LATENCY_SAMPLES_MAX {
                self.drop_oldest();
            }
            let latency_ns = (*latency_ns).max(0);
            self.over += usize::from(latency_ns > self.limit_ns);
            self.samples.push_back((self.now, latency_ns));
        }
    }

    /// Whether the 95th percentile is above `limit_ms`; false without samples. Cheap as long as the
    /// limit stays the same.
    pub fn exceeds(&mut self, limit_ms: f64, now: TsNs) -> bool {
        self.expire(now);
        let limit_ns = seconds_ns(limit_ms * 1e-3);
        if limit_ns != self.limit_ns {
            self.limit_ns = limit_ns;
            let over = self.samples.iter().filter(|sample| sample.1 > limit_ns);
            self.over = over.count();
        }
        // the nearest rank is above the limit if fewer samples than it lie within
        let within = self.samples.len() - self.over;
        within < rank_p95(self.samples.len())
    }

    /// 95th percentile by nearest rank, ms; `None` without samples. Looks at every sample.
    pub fn p95_ms(&mut self, now: TsNs) -> Option<f64> {
        self.percentile_ms(95, now)
    }

    /// As [`Self::p95_ms`] for another percentile in 1..=100.
    #[allow(clippy::cast_precision_loss)] // latencies are below 2^53 ns
    pub fn percentile_ms(&mut self, percent: usize, now: TsNs) -> Option<f64> {
        self.expire(now);
        let rank = nearest_rank(self.samples.len(), percent);
        self.scratch.clear();
        let latencies = self.samples.iter().map(|sample| sample.1);
        self.scratch.extend(latencies);
        let at = rank.checked_sub(1)?;
        let (_, found, _) = self.scratch.select_nth_unstable(at);
        Some(*found as f64 * 1e-6)
    }

    /// Samples in the window.
    #[must_use]
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// True without samples.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    fn expire(&mut self, now: TsNs) {
        self.now = self.now.max(now);
        let (now, window_ns) = (self.now, self.window_ns);
        let old = |sample: &(TsNs, i64)| now.since_ns(sample.0) >= window_ns;
        while self.samples.front().is_some_and(old) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some((_, latency_ns)) = self.samples.pop_front() {
            self.over -= usize::from(latency_ns > self.limit_ns);
        }
    }
}

/// Nearest rank of the 95th percentile of `n` values, counted from 1; 0 without values.
#[must_use]
pub const fn rank_p95(n: usize) -> usize {
    nearest_rank(n, 95)
}

const fn nearest_rank(n: usize, percent: usize) -> usize {
    (n * percent).div_ceil(100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// spec: 02-11.2
    #[test]
    fn the_rank_is_the_smallest_that_covers_95_percent() {
        assert_eq!(rank_p95(0), 0);
        for n in 1..2_000usize {
            let rank = rank_p95(n);
            assert!(rank * 100 >= n * 95 && (rank - 1) * 100 < n * 95, "{n}");
        }
    }

    #[test]
    fn without_samples_there_is_no_percentile_and_nothing_is_exceeded() {
        let mut window = LatencyWindow::new(10);
        assert_eq!(window.p95_ms(TsNs::new(5)), None);
        assert!(!window.exceeds(0.0, TsNs::new(5)));
        window.record(1, TsNs::new(5));
        assert!(!window.exceeds(f64::INFINITY, TsNs::new(5)), "off");
        assert!(window.exceeds(0.0, TsNs::new(5)));
        window.set_window_sec(0);
        assert!(window.is_empty());
    }

    #[test]
    fn the_oldest_samples_go_when_there_are_too_many() {
        let mut window = LatencyWindow::new(10);
        for at in 0..LATENCY_SAMPLES_MAX {
            window.record(i64::from(at == 0) * 5_000_000, TsNs::new(7));
        }
        assert!(!window.exceeds(1.0, TsNs::new(7)));
        assert_eq!(window.over, 1);
        window.record(0, TsNs::new(7));
        assert_eq!((window.len(), window.over), (LATENCY_SAMPLES_MAX, 0));
    }

    proptest! {
        /// spec: 02-11.2
        #[test]
        fn it_answers_as_a_sorted_list(
            steps in prop::collection::vec((-200i64..2_000, 0i64..40, 0u8..4), 1..200),
            window_sec in 1u32..20,
        ) {
            let mut window = LatencyWindow::new(window_sec);
            let (mut now_ms, mut latest_ms, mut list) = (10_000i64, 0i64, Vec::new());
            for (wait_ms, latency_ms, limit) in steps {
                now_ms += wait_ms;
                latest_ms = latest_ms.max(now_ms);
                let now = TsNs::ZERO.plus_ms(now_ms);
                window.record(latency_ms * 1_000_000, now);
                list.push((latest_ms, latency_ms));
                list.retain(|s| latest_ms - s.0 < i64::from(window_sec) * 1_000);
                let mut sorted: Vec<_> = list.iter().map(|s| s.1).collect();
                sorted.sort_unstable();
                let p95 = sorted[(sorted.len() * 95).div_ceil(100) - 1] as f64;
                let got = window.p95_ms(now).unwrap();
                prop_assert!((got - p95).abs() < 1e-9);
                let limit_ms = f64::from(limit) * 10.0;
                prop_assert_eq!(window.exceeds(limit_ms, now), p95 > limit_ms);
            }
        }
    }
}
