//! Messages on a wire, taken out in time order.

/// Messages of lanes in time order; equal times keep the order in which they came. Entries come
/// nearly sorted (latency varies little), so insertion from the back is cheap and nothing is
/// allocated after warm-up. Stamps and messages are kept apart: a message is copied once, from its
/// maker's memory into its place. What was taken stays in front until the queue runs empty
/// or it is the larger part.
#[derive(Debug, Clone)]
pub struct TimedQueue<T> {
    stamps: Vec<Stamp>,
    items: Vec<T>,
    /// Entries before this one are taken.
    head: usize,
}

/// When a message is due, and whose it is.
#[derive(Debug, Clone, Copy)]
struct Stamp {
    at_ns: i64,
    lane: u32,
}

/// Taken entries that are worth moving the rest for.
const COMPACT_AT: usize = 1024;

impl<T> Default for TimedQueue<T> {
    fn default() -> Self {
        Self {
            stamps: Vec::with_capacity(2 * COMPACT_AT),
            items: Vec::with_capacity(2 * COMPACT_AT),
            head: 0,
        }
    }
}

impl<T: Copy> TimedQueue<T> {
    /// Inserts lane `lane`'s `item` behind everything at or before `at_ns`.
    #[inline]
    pub fn push(&mut self, at_ns: i64, lane: u32, item: &T) {
        let stamp = Stamp { at_ns, lane };
        if self.stamps.last().is_some_and(|last| last.at_ns > at_ns) {
            return self.insert(stamp, item);
        }
        self.stamps.push(stamp);
        self.items.push(*item);
    }

    /// Puts a message behind those that are due no later.
    #[cold]
    fn insert(&mut self, stamp: Stamp, item: &T) {
        let waiting = &self.stamps[self.head..];
        let place = self.head + waiting.partition_point(|other| other.at_ns <= stamp.at_ns);
        self.stamps.insert(place, stamp);
        self.items.insert(place, *item);
    }

    /// Time of the first entry; `i64::MAX` if there is none.
    #[inline]
    #[must_use]
    pub fn next_ns(&self) -> i64 {
        self.stamps
            .get(self.head)
            .map_or(i64::MAX, |stamp| stamp.at_ns)
    }

    /// The first entry, lane and message, if its time is at or before `now_ns`; it stays until
    /// [`Self::drop_first`].
    #[inline]
    #[must_use]
    pub fn first_until(&self, now_ns: i64) -> Option<(u32, &T)> {
        let stamp = self.stamps.get(self.head)?;
        if stamp.at_ns > now_ns {
            return None;
        }
        Some((stamp.lane, self.items.get(self.head)?))
    }

    /// Drops the first entry.
    #[inline]
    pub fn drop_first(&mut self) {
        self.head += 1;
        if self.head >= self.stamps.len() {
            self.stamps.clear();
            self.items.clear();
            self.head = 0;
        } else if self.head >= COMPACT_AT && 2 * self.head > self.stamps.len() {
            self.compact();
        }
    }

    #[cold]
    fn compact(&mut self) {
        self.stamps.drain(..self.head);
        self.items.drain(..self.head);
        self.head = 0;
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.stamps.len() - self.head
    }

    /// True without entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_a_stable_sort(times in prop::collection::vec(0i64..50, 0..3000)) {
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
