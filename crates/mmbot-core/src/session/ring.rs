//! Events of the last seconds, counted by whole seconds: constant memory, no sorting.
//!
//! `ring[idx]` is the cell of the current second and `base_ts + idx` is that second; the cells
//! before it, going round, are the seconds before. A second that is not later than the current one
//! counts as the current one, so that a clock that steps back never empties or refills a window.

pub use mmbot_types::RingParts;
use mmbot_types::TsNs;
use thiserror::Error;

/// Longest window, seconds: the largest `window_sec` of any section of the configuration.
pub const WINDOW_SEC_MAX: u32 = 3600;

const SECOND_NS: i64 = 1_000_000_000;

/// Whole seconds since the epoch, rounded down.
#[inline]
#[must_use]
pub const fn second_of(ts: TsNs) -> i64 {
    ts.get().div_euclid(SECOND_NS)
}

/// See the module. A new ring stands at second 0.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SecondRing {
    ring: Box<[u32]>,
    idx: usize,
    base_ts: i64,
    /// Sum of the cells.
    total: u64,
}

/// Why parts are not a ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RingError {
    /// Not between one cell and [`WINDOW_SEC_MAX`].
    #[error("ring: number of cells not in [1,{WINDOW_SEC_MAX}]")]
    Size,
    /// `idx` is not a cell.
    #[error("idx: not a cell of the ring")]
    Index,
    /// The current second is before the epoch or beyond what a time can name.
    #[error("base_ts: not a time")]
    BaseTs,
}

impl SecondRing {
    /// A ring over `window_sec` seconds (the current one included), at least one, at most
    /// [`WINDOW_SEC_MAX`].
    #[must_use]
    pub fn new(window_sec: u32) -> Self {
        Self {
            ring: vec![0; cells(window_sec)].into_boxed_slice(),
            idx: 0,
            base_ts: 0,
            total: 0,
        }
    }

    /// Length of the window, seconds.
    #[inline]
    #[must_use]
    pub fn size(&self) -> usize {
        self.ring.len()
    }

    /// The current second.
    #[inline]
    #[must_use]
    pub fn current_sec(&self) -> i64 {
        self.base_ts.saturating_add_unsigned(self.idx as u64)
    }

    /// Makes `now_sec` the current second; earlier or equal: nothing. Amortised O(1): a second is
    /// stepped over once, and never more of them than there are cells.
    #[inline]
    pub fn advance(&mut self, now_sec: i64) {
        if now_sec > self.current_sec() {
            self.step_to(now_sec);
        }
    }

    #[inline(never)]
    fn step_to(&mut self, now_sec: i64) {
        let gap = now_sec.saturating_sub(self.current_sec());
        if gap.unsigned_abs() >= self.ring.len() as u64 {
            self.ring.fill(0);
            self.total = 0;
        } else {
            for _ in 0..gap {
                self.idx = if self.idx + 1 == self.ring.len() {
                    0
                } else {
                    self.idx + 1
                };
                self.total -= u64::from(self.ring[self.idx]);
                self.ring[self.idx] = 0;
            }
        }
        self.base_ts = now_sec.saturating_sub_unsigned(self.idx as u64);
    }

    /// Counts `n` events in `now_sec`. A cell holds at most `u32::MAX`.
    #[inline]
    pub fn add(&mut self, now_sec: i64, n: u32) {
        self.advance(now_sec);
        let cell = &mut self.ring[self.idx];
        let added = n.min(u32::MAX - *cell);
        *cell += added;
        self.total += u64::from(added);
    }

    /// Events of the window that ends with `now_sec`.
    #[inline]
    pub fn total(&mut self, now_sec: i64) -> u64 {
        self.advance(now_sec);
        self.total
    }

    /// True if there were events in the window that ended with the current second.
    #[inline]
    #[must_use]
    pub const fn has_any(&self) -> bool {
        self.total > 0
    }

    /// Makes the window `window_sec` long; the newest seconds are kept.
    #[inline]
    pub fn resize(&mut self, window_sec: u32) {
        let size = cells(window_sec);
        if size != self.ring.len() {
            self.rebuild(size);
        }
    }

    #[cold]
    fn rebuild(&mut self, size: usize) {
        let current = self.current_sec();
        let kept = size.min(self.ring.len());
        let mut ring = vec![0; size].into_boxed_slice();
        for age in 0..kept {
            let from = (self.idx + self.ring.len() - age) % self.ring.len();
            ring[kept - 1 - age] = self.ring[from];
        }
        self.total = ring.iter().map(|n| u64::from(*n)).sum();
        self.ring = ring;
        self.idx = kept - 1;
        self.base_ts = current.saturating_sub_unsigned(self.idx as u64);
    }

    /// Forgets all events; the current second stays.
    pub fn clear(&mut self) {
        self.ring.fill(0);
        self.total = 0;
    }

    /// Makes `now_sec` the current second even if that is a step back: for a ring that another
    /// process wrote by another clock, which would stand still until ours has caught up.
    pub fn rebase(&mut self, now_sec: i64) {
        self.advance(now_sec);
        self.base_ts = now_sec.saturating_sub_unsigned(self.idx as u64);
    }

    /// The ring as plain data.
    #[must_use]
    pub fn parts(&self) -> RingParts {
        RingParts {
            base_ts: self.base_ts,
            idx: self.idx,
            ring: self.ring.to_vec(),
        }
    }

    /// The ring that `parts` describe.
    ///
    /// # Errors
    /// The first rule that they break.
    pub fn from_parts(parts: &RingParts) -> Result<Self, RingError> {
        if parts.ring.is_empty() || parts.ring.len() > WINDOW_SEC_MAX as usize {
            return Err(RingError::Size);
        }
        if parts.idx >= parts.ring.len() {
            return Err(RingError::Index);
        }
        let current = parts.base_ts.checked_add_unsigned(parts.idx as u64);
        if !current.is_some_and(|second| (0..=second_of(TsNs::NEVER)).contains(&second)) {
            return Err(RingError::BaseTs);
        }
        Ok(Self {
            ring: parts.ring.clone().into_boxed_slice(),
            idx: parts.idx,
            base_ts: parts.base_ts,
            total: parts.ring.iter().map(|n| u64::from(*n)).sum(),
        })
    }
}

fn cells(window_sec: u32) -> usize {
    window_sec.clamp(1, WINDOW_SEC_MAX) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The obvious window: a list of (second, events).
    #[derive(Default)]
    struct List {
        events: Vec<(i64, u64)>,
        now: i64,
    }

    impl List {
        fn at(&mut self, second: i64) -> i64 {
            self.now = self.now.max(second);
            self.now
        }

        fn total(&mut self, second: i64, size: i64) -> u64 {
            let now = self.at(second);
            let in_window = self.events.iter().filter(|(at, _)| *at > now - size);
            in_window.map(|(_, n)| n).sum()
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Add(i64, u32),
        Total(i64),
        Resize(u32),
        Snapshot,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let gap = prop_oneof![8 => -3i64..4, 1 => 0i64..40];
        let step = prop_oneof![
            6 => (gap.clone(), 0u32..5).prop_map(|(gap, n)| Step::Add(gap, n)),
            3 => gap.prop_map(Step::Total),
            1 => (0u32..14).prop_map(Step::Resize),
            1 => Just(Step::Snapshot),
        ];
        prop::collection::vec(step, 1..120)
    }

    proptest! {
        /// spec: 02-8.1
        /// spec: 01-5
        #[test]
        fn the_ring_equals_a_list_of_times(
            start in 0i64..2_000_000_000,
            size in 0u32..12,
            steps in steps(),
        ) {
            let mut ring = SecondRing::new(size);
            let mut list = List::default();
            let (mut now, mut size) = (start, i64::from(size.max(1)));
            for step in steps {
                match step {
                    Step::Add(gap, n) => {
                        now = (now + gap).max(0);
                        let second = list.at(now);
                        list.events.push((second, u64::from(n)));
                        ring.add(now, n);
                    }
                    Step::Total(gap) => {
                        now = (now + gap).max(0);
                        prop_assert_eq!(ring.total(now), list.total(now, size));
                    }
                    Step::Resize(new_size) => {
                        let new_size = i64::from(new_size.max(1));
                        // what left the old window does not come back with a longer one
                        let oldest = list.now - size.min(new_size);
                        list.events.retain(|(at, _)| *at > oldest);
                        size = new_size;
                        ring.resize(new_size as u32);
                        prop_assert_eq!(ring.size() as i64, size);
                    }
                    Step::Snapshot => {
                        let again = SecondRing::from_parts(&ring.parts()).unwrap();
                        prop_assert_eq!(&again, &ring);
                        ring = again;
                    }
                }
                prop_assert_eq!(ring.current_sec(), list.now);
                prop_assert_eq!(ring.total(list.now), list.total(list.now, size));
            }
        }
    }

    /// spec: 02-8.1
    /// spec: 02-D7
    #[test]
    fn the_current_second_is_base_plus_index_after_every_advance() {
        let mut ring = SecondRing::new(3);
        for (now, idx) in [(0, 0), (1, 1), (2, 2), (3, 0), (4, 1), (100, 1), (102, 0)] {
            ring.add(now, 1);
            let parts = ring.parts();
            assert_eq!((parts.idx, parts.base_ts), (idx, now - idx as i64), "{now}");
        }
        assert_eq!(ring.parts().ring, [1, 1, 0]);
    }

    /// spec: 02-8.1
    #[test]
    fn a_gap_as_long_as_the_ring_empties_it() {
        for (gap, left) in [(2, 5), (3, 0), (4, 0), (i64::MAX - 10, 0)] {
            let mut ring = SecondRing::new(3);
            ring.add(10, 5);
            assert_eq!(ring.total(10i64.saturating_add(gap)), left, "{gap}");
        }
    }

    /// spec: 02-8.1
    #[test]
    fn an_earlier_second_changes_nothing() {
        let mut ring = SecondRing::new(3);
        ring.add(10, 5);
        let before = ring.clone();
        ring.advance(9);
        ring.advance(i64::MIN);
        assert_eq!(ring, before);
        ring.add(1, 1);
        assert_eq!((ring.current_sec(), ring.total(10)), (10, 6));
    }

    /// spec: 01-5
    #[test]
    fn a_shorter_ring_keeps_the_newest_seconds() {
        let mut ring = SecondRing::new(4);
        for second in 1..=6 {
            ring.add(second, second as u32);
        }
        ring.resize(2);
        assert_eq!(ring.parts().ring, [5, 6]);
        ring.resize(3);
        assert_eq!((ring.total(6), ring.current_sec()), (11, 6));
        assert_eq!(ring.total(8), 6);
    }

    #[test]
    fn the_size_has_bounds() {
        assert_eq!(SecondRing::new(0).size(), 1);
        assert_eq!(SecondRing::new(u32::MAX).size(), WINDOW_SEC_MAX as usize);
    }

    #[test]
    fn a_cell_does_not_overflow() {
        let mut ring = SecondRing::new(2);
        ring.add(1, u32::MAX);
        ring.add(1, 7);
        ring.add(2, 1);
        assert_eq!(ring.total(2), u64::from(u32::MAX) + 1);
        assert_eq!(ring.total(3), 1);
    }

    #[test]
    fn a_ring_from_a_clock_ahead_of_ours_is_moved_to_our_time() {
        let mut ring = SecondRing::new(3);
        ring.add(1000, 4);
        ring.rebase(10);
        assert_eq!((ring.current_sec(), ring.total(10)), (10, 4));
        assert_eq!(ring.total(13), 0);
        ring.add(13, 2);
        ring.rebase(14);
        assert_eq!((ring.current_sec(), ring.total(14)), (14, 2));
    }

    /// spec: 02-8.4
    #[test]
    fn parts_that_are_no_ring_are_refused() {
        let good = RingParts {
            base_ts: 5,
            idx: 1,
            ring: vec![0, 2],
        };
        assert_eq!(SecondRing::from_parts(&good).unwrap().total(6), 2);
        let with = |edit: fn(&mut RingParts)| {
            let mut parts = good.clone();
            edit(&mut parts);
            SecondRing::from_parts(&parts).unwrap_err()
        };
        assert_eq!(with(|p| p.ring.clear()), RingError::Size);
        assert_eq!(with(|p| p.ring = vec![0; 3601]), RingError::Size);
        assert_eq!(with(|p| p.idx = 2), RingError::Index);
        assert_eq!(with(|p| p.base_ts = -2), RingError::BaseTs);
        assert_eq!(with(|p| p.base_ts = i64::MAX), RingError::BaseTs);
        assert_eq!(with(|p| p.base_ts = i64::MAX - 1), RingError::BaseTs);
    }

    #[test]
    fn seconds_are_rounded_down() {
        for (ns, second) in [(0, 0), (999_999_999, 0), (1_000_000_000, 1), (-1, -1)] {
            assert_eq!(second_of(TsNs::new(ns)), second);
        }
    }
}
