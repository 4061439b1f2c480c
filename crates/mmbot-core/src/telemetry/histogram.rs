//! Counts of integers in log-linear buckets: flat memory, percentiles within 0.2% of the value.
//!
//! Values below 512 have a bucket each; above, every power of two is cut into 256 buckets, so that
//! a bucket's middle is at most 1/512 of the value away.

mod parts;

use std::borrow::Cow;

/// Buckets per power of two.
const SUB: u64 = 256;
const SUB_BITS: u32 = 8;
const VALUE_BITS: u32 = 46;
/// Larger values are counted as this one (2^46 ns are 19 hours).
const VALUE_MAX: u64 = (1 << VALUE_BITS) - 1;
const BUCKETS: usize = bucket(VALUE_MAX) + 1;
/// Runs that wait to be counted. Buckets are far apart and, with many traders, seldom in a cache:
/// a list is written one line after the other, and all of it is counted in one go.
const RUNS: usize = 4096;
/// Longest run of one entry: its length stands above the value.
const RUN_MAX: u32 = (1 << (64 - VALUE_BITS)) - 1;

/// See the module. Negative values count as 0.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "parts::HistogramParts")]
#[repr(C)] // what a value touches first
pub struct Histogram {
    /// The latest value and how often it came in a row, not yet counted: latencies repeat.
    last: u64,
    run: u32,
    /// Runs before it, not yet counted either: length above value.
    runs: Vec<u64>,
    /// Of the runs that are counted.
    n: u64,
    min: u64,
    max: u64,
    sum: u64,
    counts: Vec<u32>,
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

impl Histogram {
    /// An empty histogram.
    #[must_use]
    pub fn new() -> Self {
        Self {
            last: 0,
            run: 0,
            runs: Vec::new(),
            counts: vec![0; BUCKETS],
            n: 0,
            min: u64::MAX,
            max: 0,
            sum: 0,
        }
    }

    /// Counts `value`.
    #[inline]
    #[allow(clippy::cast_sign_loss)] // floored at 0
    pub fn record(&mut self, value: i64) {
        let value = (value.max(0) as u64).min(VALUE_MAX);
        if value != self.last || self.run == RUN_MAX {
            self.end_run();
            self.last = value;
        }
        self.run += 1;
    }

    /// The run that grows joins those that wait.
    #[inline]
    fn end_run(&mut self) {
        let run = std::mem::take(&mut self.run);
        if run == 0 {
            return;
        }
        self.runs.push(u64::from(run) << VALUE_BITS | self.last);
        if self.runs.len() >= RUNS {
            self.settle();
        }
    }

    /// Counts the runs that wait.
    #[inline(never)]
    #[allow(clippy::cast_possible_truncation)] // a run is shorter than 2^18
    fn settle(&mut self) {
        for entry in self.runs.drain(..) {
            let (value, run) = (entry & VALUE_MAX, entry >> VALUE_BITS);
            self.n += run;
            self.sum = self.sum.saturating_add(value.saturating_mul(run));
            self.min = self.min.min(value);
            self.max = self.max.max(value);
            if let Some(count) = self.counts.get_mut(bucket(value)) {
                *count = count.saturating_add(run as u32);
            }
        }
    }

    /// With all values counted.
    fn settled(&self) -> Cow<'_, Self> {
        if self.run == 0 && self.runs.is_empty() {
            return Cow::Borrowed(self);
        }
        let mut copy = self.clone();
        copy.end_run();
        copy.settle();
        Cow::Owned(copy)
    }

    /// Number of values.
    #[must_use]
    pub fn count(&self) -> u64 {
        let waiting: u64 = self.runs.iter().map(|entry| entry >> VALUE_BITS).sum();
        self.n + waiting + u64::from(self.run)
    }

    /// Mean; `None` without values.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn mean(&self) -> Option<f64> {
        let all = self.settled();
        (all.n > 0).then(|| all.sum as f64 / all.n as f64)
    }

    /// Largest value; `None` without values.
    #[must_use]
    pub fn max(&self) -> Option<i64> {
        let all = self.settled();
        (all.n > 0).then(|| signed(all.max))
    }

    /// Nearest-rank percentile, `permille` in 0..=1000; `None` without values.
    #[must_use]
    pub fn percentile(&self, permille: u64) -> Option<i64> {
        match self.count() {
            0 => None,
            n => self.at_rank(rank(n, permille)),
        }
    }

    /// Values in buckets: (middle of the bucket, count), ascending.
    #[must_use]
    pub fn buckets(&self) -> Vec<(i64, u32)> {
        let all = self.settled();
        let used = all
            .counts
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0);
        used.map(|(at, count)| (signed(middle(at).clamp(all.min, all.max)), *count))
            .collect()
    }

    fn at_rank(&self, rank: u64) -> Option<i64> {
        if rank >= self.count() {
            return self.max();
        }
        let mut seen = 0;
        for (value, count) in self.buckets() {
            seen += u64::from(count);
            if seen >= rank {
                return Some(value);
            }
        }
        self.max()
    }
}

/// A histogram of signed values: magnitudes below and above zero apart.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct SignedHistogram {
    below: Histogram,
    rest: Histogram,
}

impl SignedHistogram {
    /// Counts `value`.
    #[inline]
    pub fn record(&mut self, value: i64) {
        if value < 0 {
            self.below.record(value.saturating_neg());
        } else {
            self.rest.record(value);
        }
    }

    /// Number of values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.below.count() + self.rest.count()
    }

    /// Nearest-rank percentile, `permille` in 0..=1000; `None` without values.
    #[must_use]
    pub fn percentile(&self, permille: u64) -> Option<i64> {
        let (n, negative) = (self.count(), self.below.count());
        if n == 0 {
            return None;
        }
        let rank = rank(n, permille);
        if rank > negative {
            self.rest.at_rank(rank - negative)
        } else {
            // the k-th smallest of the negatives is the k-th largest magnitude
            self.below.at_rank(negative - rank + 1).map(|x| -x)
        }
    }
}

fn rank(n: u64, permille: u64) -> u64 {
    (n.saturating_mul(permille).div_ceil(1000)).clamp(1, n)
}

#[inline]
#[allow(clippy::cast_possible_truncation)] // below 2^16 for values up to VALUE_MAX
const fn bucket(value: u64) -> usize {
    let octave = 63 - (value | 1).leading_zeros();
    let shift = octave.saturating_sub(SUB_BITS);
    (shift as u64 * SUB + (value >> shift)) as usize
}

const fn middle(at: usize) -> u64 {
    let at = at as u64;
    if at < 2 * SUB {
        return at;
    }
    let shift = at / SUB - 1;
    let low = (at - shift * SUB) << shift;
    low + (1 << shift) / 2
}

#[allow(clippy::cast_possible_wrap)] // below 2^46
const fn signed(value: u64) -> i64 {
    value as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_value_is_exact() {
        let mut h = Histogram::new();
        assert_eq!((h.percentile(500), h.mean(), h.max()), (None, None, None));
        h.record(123_456_789);
        h.record(123_456_789);
        assert_eq!(h.percentile(990), Some(123_456_789));
        assert_eq!(h.mean(), Some(123_456_789.0));
    }

    #[test]
    fn extremes_are_clamped_and_counted() {
        let mut h = Histogram::new();
        h.record(i64::MAX);
        h.record(-5);
        assert_eq!(h.count(), 2);
        assert_eq!(h.percentile(0), Some(0));
        assert_eq!(h.percentile(1000), Some((1 << 46) - 1));
    }

    #[test]
    fn long_runs_and_many_runs_are_counted() {
        let mut h = Histogram::new();
        for _ in 0..RUN_MAX + 3 {
            h.record(7);
        }
        for value in 0..3 * RUNS as i64 {
            h.record(value);
        }
        let all: u64 = h.buckets().iter().map(|(_, count)| u64::from(*count)).sum();
        assert_eq!(all, u64::from(RUN_MAX) + 3 + 3 * RUNS as u64);
        assert_eq!(h.count(), all);
        assert!(h.buckets().contains(&(7, RUN_MAX + 4)));
    }

    proptest! {
        /// spec: 02-7.3
        #[test]
        fn percentiles_are_those_of_the_sorted_values(
            mut values in prop::collection::vec(-1_000_000_000_000i64..1_000_000_000_000, 1..200),
            permille in 0u64..=1000,
        ) {
            let mut h = SignedHistogram::default();
            for v in &values {
                h.record(*v);
            }
            values.sort_unstable();
            let n = values.len() as u64;
            let at = (n * permille).div_ceil(1000).clamp(1, n) as usize - 1;
            let (exact, got) = (values[at], h.percentile(permille).unwrap());
            let error = (exact - got).abs() as f64;
            prop_assert!(error <= exact.abs() as f64 * 0.002, "{exact} {got}");
        }

        #[test]
        fn a_histogram_that_was_written_and_read_is_the_same(
            values in prop::collection::vec(0i64..1_000_000_000_000, 0..200),
        ) {
            let mut h = Histogram::new();
            values.iter().for_each(|value| h.record(*value));
            let bytes = postcard::to_allocvec(&h).unwrap();
            let read: Histogram = postcard::from_bytes(&bytes).unwrap();
            prop_assert_eq!(read.settled(), h.settled());
            prop_assert_eq!(postcard::to_allocvec(&read).unwrap(), &bytes[..]);
            prop_assert!(bytes.len() < 60 + 8 * values.len(), "{} bytes", bytes.len());
        }

        #[test]
        fn buckets_are_in_order_and_hold_their_middle(value in 0u64..(1 << 46)) {
            let at = bucket(value);
            prop_assert_eq!(bucket(middle(at)), at);
            prop_assert!(value == 0 || bucket(value - 1) <= at);
        }
    }
}
