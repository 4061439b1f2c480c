//! A book that may not be quoted on any more is decided on at once, as in a live session, and not
//! with the next packet: for runs that follow a market while it happens.

use super::World;
use mmbot_types::{EventColumns, RowKind};
use std::collections::VecDeque;

/// When received books become unusable.
#[derive(Debug, Clone, Default)]
pub(super) struct Watch {
    /// By market: the time from which the book was stale that was decided on last.
    seen: Vec<i64>,
    /// Receive times of the gaps to come.
    gaps: VecDeque<i64>,
}

impl Watch {
    /// Takes note of the gaps in a chunk, whose rows are in receive order.
    pub(super) fn push(&mut self, chunk: &EventColumns) {
        let rows = chunk.flags.iter().zip(&chunk.ts_local);
        let gaps = rows.filter(|(flags, _)| RowKind::from_flags(**flags) == RowKind::Gap);
        self.gaps.extend(gaps.map(|(_, at)| *at));
    }
}

impl World {
    /// From now on every lane decides as soon as its book becomes unusable or stale.
    pub(crate) fn watch_books(&mut self) {
        self.watch = Some(Box::new(Watch {
            seen: vec![i64::MAX; self.markets.len()],
            gaps: VecDeque::new(),
        }));
    }

    /// When the next book becomes unusable, as far as the rows read so far tell; `i64::MAX` if
    /// nobody wants to know.
    #[inline]
    pub(super) fn next_unusable_ns(&self) -> i64 {
        let Some(watch) = &self.watch else {
            return i64::MAX;
        };
        let stale = self.markets.iter().zip(&watch.seen);
        let stale = stale.map(|((_, market), seen)| (market.stale_from().get(), *seen));
        let unseen = stale
            .filter(|(from, seen)| from != seen)
            .map(|(from, _)| from);
        let gap = watch.gaps.front().copied();
        unseen.chain(gap).min().unwrap_or(i64::MAX)
    }

    /// True if a book has become unusable by `stop`, once for each time.
    #[inline]
    pub(super) fn take_unusable(&mut self, stop: i64) -> bool {
        let Some(watch) = &mut self.watch else {
            return false;
        };
        let mut found = false;
        for ((_, market), seen) in self.markets.iter().zip(&mut watch.seen) {
            let from = market.stale_from().get();
            if from <= stop && from != *seen {
                (found, *seen) = (true, from);
            }
        }
        while watch.gaps.front().is_some_and(|at| *at <= stop) {
            watch.gaps.pop_front();
            found = true;
        }
        found
    }
}
