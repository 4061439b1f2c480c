//! Latencies of the recent past with their exact 95th percentile. Whether the percentile exceeds a
//! limit is a matter of two counts, so that a guard may ask every second.

use super::calendar::{SECOND_NS, seconds_ns};
use mmbot_types::TsNs;
use std::collections::VecDeque;

/// Never more samples than this (384 KB); the oldest go first. 54 answers a second over the default
/// window of 300 s, twice what the default limit of cancels can bring.
pub const LATENCY_SAMPLES_MAX: usize = 1 << 14;

/// Equal samples in a row: simulated latencies repeat.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
struct Run {
    at: TsNs,
    latency_ns: i64,
    times: usize,
}

/// See the module.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct LatencyWindow {
    window_ns: i64,
    /// Oldest first.
    runs: VecDeque<Run>,
    /// Samples in all runs.
    samples: usize,
    limit_ns: i64,
    /// Samples above the limit.
    over: usize,
    now: TsNs,
    /// Room to select in.
    scratch: Vec<(i64, usize)>,
}

impl LatencyWindow {
    /// An empty window of `window_sec` seconds.
    #[must_use]
    pub fn new(window_sec: u32) -> Self {
        Self {
            window_ns: i64::from(window_sec) * SECOND_NS,
            runs: VecDeque::new(),
            samples: 0,
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
            let latency_ns = (*latency_ns).max(0);
            if self.samples >= LATENCY_SAMPLES_MAX {
                self.drop_oldest(1);
            }
            self.samples += 1;
            self.over += usize::from(latency_ns > self.limit_ns);
            match self.runs.back_mut() {
                Some(run) if run.latency_ns == latency_ns && run.at == self.now => run.times += 1,
                _ => self.runs.push_back(Run {
                    at: self.now,
                    latency_ns,
                    times: 1,
                }),
            }
        }
    }

    /// Whether the 95th percentile is above `limit_ms`; false without samples. Cheap as long as the
    /// limit stays the same.
    pub fn exceeds(&mut self, limit_ms: f64, now: TsNs) -> bool {
        self.expire(now);
        let limit_ns = seconds_ns(limit_ms * 1e-3);
        if limit_ns != self.limit_ns {
            self.limit_ns = limit_ns;
            let over = self.runs.iter().filter(|run| run.latency_ns > limit_ns);
            self.over = over.map(|run| run.times).sum();
        }
        // the nearest rank is above the limit if fewer samples than it lie within
        let within = self.samples - self.over;
        within < rank_p95(self.samples)
    }

    /// 95th percentile by nearest rank, ms; `None` without samples. Looks at every sample.
    pub fn p95_ms(&mut self, now: TsNs) -> Option<f64> {
        self.percentile_ms(95, now)
    }

    /// As [`Self::p95_ms`] for another percentile in 1..=100.
    #[allow(clippy::cast_precision_loss)] // latencies are below 2^53 ns
    pub fn percentile_ms(&mut self, percent: usize, now: TsNs) -> Option<f64> {
        self.expire(now);
        let rank = nearest_rank(self.samples, percent);
        self.scratch.clear();
        let runs = self.runs.iter().map(|run| (run.latency_ns, run.times));
        self.scratch.extend(runs);
        self.scratch.sort_unstable();
        let mut within = 0;
        let found = self.scratch.iter().find(|(_, times)| {
            within += times;
            within >= rank
        });
        found.map(|(latency_ns, _)| *latency_ns as f64 * 1e-6)
    }

    /// Samples in the window.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.samples
    }

    /// True without samples.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.samples == 0
    }

    fn expire(&mut self, now: TsNs) {
        self.now = self.now.max(now);
        let (now, window_ns) = (self.now, self.window_ns);
        while let Some(oldest) = self.runs.front()
            && now.since_ns(oldest.at) >= window_ns
        {
            self.drop_oldest(oldest.times);
        }
    }

    /// Drops samples of the oldest run, all that it has at most.
    fn drop_oldest(&mut self, count: usize) {
        let Some(run) = self.runs.front_mut() else {
            return;
        };
        let gone = count.min(run.times);
        self.samples -= gone;
        if run.latency_ns > self.limit_ns {
            self.over -= gone;
        }
        run.times -= gone;
        if run.times == 0 {
            self.runs.pop_front();
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
