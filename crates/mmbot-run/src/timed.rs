//! Messages on a wire, taken out in time order.

use std::collections::VecDeque;

/// Messages of lanes in time order; equal times keep the order in which they came. Entries come
/// nearly sorted (latency varies little), so insertion from the back is cheap and nothing is
/// allocated after warm-up. Times, lanes and messages are kept apart: a message is copied once,
/// from its maker's memory into its place.
#[derive(Debug, Clone)]
pub struct TimedQueue<T> {
    times: VecDeque<i64>,
    lanes: VecDeque<u32>,
    items: VecDeque<T>,
}

impl<T> Default for TimedQueue<T> {
    fn default() -> Self {
        Self {
            times: VecDeque::with_capacity(256),
            lanes: VecDeque::with_capacity(256),
            items: VecDeque::with_capacity(256),
        }
    }
}

impl<T: Copy> TimedQueue<T> {
    /// Inserts lane `lane`'s `item` behind everything at or before `at_ns`.
    #[inline]
    pub fn push(&mut self, at_ns: i64, lane: u32, item: &T) {
        if self.times.back().is_none_or(|last| *last <= at_ns) {
            self.times.push_back(at_ns);
            self.lanes.push_back(lane);
            self.items.push_back(*item);
            return;
        }
        let place = self.times.partition_point(|at| *at <= at_ns);
        self.times.insert(place, at_ns);
        self.lanes.insert(place, lane);
        self.items.insert(place, *item);
    }

    /// Time of the first entry; `i64::MAX` if there is none.
    #[inline]
    #[must_use]
    pub fn next_ns(&self) -> i64 {
        self.times.front().copied().unwrap_or(i64::MAX)
    }

    /// The first entry, lane and message, if its time is at or before `now_ns`; it stays until
    /// [`Self::drop_first`].
    #[inline]
    #[must_use]
    pub fn first_until(&self, now_ns: i64) -> Option<(u32, &T)> {
        if self.next_ns() > now_ns {
            return None;
        }
        Some((*self.lanes.front()?, self.items.front()?))
    }

    /// Drops the first entry.
    #[inline]
    pub fn drop_first(&mut self) {
        self.times.pop_front();
        self.lanes.pop_front();
        self.items.pop_front();
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// True without entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_a_stable_sort(times in prop::collection::vec(0i64..50, 0..200)) {
            let mut queue = TimedQueue::default();
            for (i, at) in times.iter().enumerate() {
                queue.push(*at, 7, &i);
            }
            let mut expected: Vec<(i64, usize)> =
                times.iter().copied().enumerate().map(|(i, at)| (at, i)).collect();
            expected.sort();
            for (at, i) in expected {
                prop_assert_eq!(queue.next_ns(), at);
                prop_assert_eq!(queue.first_until(at - 1), None);
                prop_assert_eq!(queue.first_until(at), Some((7, &i)));
                queue.drop_first();
            }
            prop_assert!(queue.is_empty());
        }
    }
}
