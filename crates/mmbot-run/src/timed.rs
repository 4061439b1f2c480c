//! Messages on a wire, taken out in time order.

/// Messages of lanes in time order; equal times keep the order in which they came. Entries come
/// nearly sorted (latency varies little), so insertion from the back is cheap and nothing is
/// allocated after warm-up. What was taken stays in front until the queue runs empty or it is the
/// larger part.
#[derive(Debug, Clone)]
pub struct TimedQueue<T> {
    entries: Vec<Timed<T>>,
    /// Entries before this one are taken.
    head: usize,
}

/// A message, when it is due and whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timed<T> {
    /// When it is due, ns.
    pub at_ns: i64,
    /// The lane.
    pub lane: u32,
    /// The message.
    pub item: T,
}

/// Taken entries that are worth moving the rest for.
const COMPACT_AT: usize = 1024;

impl<T> Default for TimedQueue<T> {
    fn default() -> Self {
        Self {
            entries: Vec::with_capacity(2 * COMPACT_AT),
            head: 0,
        }
    }
}

impl<T: Copy> TimedQueue<T> {
    /// Inserts lane `lane`'s `item` behind everything at or before `at_ns`.
    #[inline(always)]
    pub fn push(&mut self, at_ns: i64, lane: u32, item: T) {
        let early = self.entries.last().is_some_and(|last| last.at_ns > at_ns);
        // written field by field to where it stays: a message put together elsewhere and copied
        // waits for its own stores
        self.entries.push(Timed { at_ns, lane, item });
        if early {
            self.move_last();
        }
    }

    /// Puts the last message behind those that are due no later.
    #[cold]
    fn move_last(&mut self) {
        if let Some(entry) = self.entries.pop() {
            let waiting = &self.entries[self.head..];
            let place = self.head + waiting.partition_point(|other| other.at_ns <= entry.at_ns);
            self.entries.insert(place, entry);
        }
    }

    /// Time of the first entry; `i64::MAX` if there is none.
    #[inline]
    #[must_use]
    pub fn next_ns(&self) -> i64 {
        self.entries
            .get(self.head)
            .map_or(i64::MAX, |entry| entry.at_ns)
    }

    /// The entries whose time is at or before `now_ns`, the first one first; they stay until
    /// [`Self::drop_first`].
    #[inline]
    #[must_use]
    pub fn until(&self, now_ns: i64) -> &[Timed<T>] {
        let waiting = self.entries.get(self.head..).unwrap_or_default();
        let due = waiting.iter().take_while(|entry| entry.at_ns <= now_ns);
        &waiting[..due.count()]
    }

    /// Drops the first `count` entries.
    #[inline]
    pub fn drop_first(&mut self, count: usize) {
        self.head += count;
        if self.head >= self.entries.len() {
            self.entries.clear();
            self.head = 0;
        } else if self.head >= COMPACT_AT && 2 * self.head > self.entries.len() {
            self.compact();
        }
    }

    #[cold]
    fn compact(&mut self) {
        self.entries.drain(..self.head);
        self.head = 0;
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len() - self.head
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
                queue.push(*at, 7, i);
            }
            let mut expected: Vec<(i64, usize)> =
                times.iter().copied().enumerate().map(|(i, at)| (at, i)).collect();
            expected.sort();
            for group in expected.chunk_by(|a, b| a.0 == b.0) {
                let at_ns = group[0].0;
                prop_assert_eq!(queue.next_ns(), at_ns);
                prop_assert!(queue.until(at_ns - 1).is_empty());
                let due: Vec<_> =
                    group.iter().map(|(_, item)| Timed { at_ns, lane: 7, item: *item }).collect();
                prop_assert_eq!(queue.until(at_ns), &due[..]);
                queue.drop_first(1);
                prop_assert_eq!(queue.until(at_ns).len(), due.len() - 1);
                queue.drop_first(due.len() - 1);
            }
            prop_assert!(queue.is_empty());
        }
    }
}
