//! Messages on a wire, taken out in time order.

use std::collections::VecDeque;

/// A queue in time order; equal times keep the order in which they came. Entries come nearly sorted
/// (latency varies little), so insertion from the back is cheap and nothing is allocated after
/// warm-up.
#[derive(Debug, Clone)]
pub struct TimedQueue<T> {
    items: VecDeque<(i64, T)>,
}

impl<T> Default for TimedQueue<T> {
    fn default() -> Self {
        Self {
            items: VecDeque::with_capacity(256),
        }
    }
}

impl<T> TimedQueue<T> {
    /// Inserts `item` behind everything at or before `at_ns`.
    #[inline]
    pub fn push(&mut self, at_ns: i64, item: T) {
        if self.items.back().is_none_or(|last| last.0 <= at_ns) {
            self.items.push_back((at_ns, item));
            return;
        }
        let place = self.items.partition_point(|entry| entry.0 <= at_ns);
        self.items.insert(place, (at_ns, item));
    }

    /// Time of the first entry; `i64::MAX` if there is none.
    #[inline]
    #[must_use]
    pub fn next_ns(&self) -> i64 {
        self.items.front().map_or(i64::MAX, |entry| entry.0)
    }

    /// Takes the first entry if its time is at or before `now_ns`.
    #[inline]
    pub fn pop_until(&mut self, now_ns: i64) -> Option<T> {
        if self.next_ns() > now_ns {
            return None;
        }
        self.items.pop_front().map(|entry| entry.1)
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// True without entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
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
                queue.push(*at, i);
            }
            let mut expected: Vec<(i64, usize)> =
                times.iter().copied().enumerate().map(|(i, at)| (at, i)).collect();
            expected.sort();
            for (at, i) in expected {
                prop_assert_eq!(queue.next_ns(), at);
                prop_assert_eq!(queue.pop_until(at - 1), None);
                prop_assert_eq!(queue.pop_until(at), Some(i));
            }
            prop_assert!(queue.is_empty());
        }
    }
}
