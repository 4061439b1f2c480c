//! Which checkpoint answers a question, from all heads of a session.

use super::head::{At, Head};
use mmbot_types::TsNs;

/// Heads of a session in their order.
#[derive(Debug, Clone, Default)]
pub struct Index {
    heads: Vec<Head>,
    /// Where each of them ends in the bytes that were read.
    ends: Vec<usize>,
}

/// Heads of a journal that goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// How many of the first heads.
    pub heads: usize,
    /// Where the last of them ends in the bytes that were read; what stands behind it is to go.
    pub bytes: usize,
}

/// Part of a journal, between two checkpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The checkpoint that it begins with; `None` for the beginning of the journal.
    pub from: Option<usize>,
    /// The one that it ends with; `None` for the end of the journal.
    pub until: Option<usize>,
}

impl Index {
    /// The heads of a file, as far as they are whole; one that does not follow those before it ends
    /// them, too.
    #[must_use]
    pub fn read(mut bytes: &[u8]) -> Self {
        let (mut heads, mut ends): (Vec<Head>, _) = (Vec::new(), Vec::new());
        let whole = bytes.len();
        while let Some(head) = Head::next(&mut bytes) {
            if heads.last().is_some_and(|last| !follows(last, &head)) {
                break;
            }
            heads.push(head);
            ends.push(whole - bytes.len());
        }
        Self { heads, ends }
    }

    /// What is of use of a journal of this length: a crash may have cut what heads stand for.
    #[must_use]
    pub fn kept(&self, journal_bytes: u64) -> Kept {
        let heads = self
            .heads
            .partition_point(|head| head.at.offset < journal_bytes);
        let last = heads.checked_sub(1).and_then(|at| self.ends.get(at));
        Kept {
            heads,
            bytes: last.copied().unwrap_or_default(),
        }
    }

    /// All heads.
    #[must_use]
    pub fn heads(&self) -> &[Head] {
        &self.heads
    }

    /// The last checkpoint before record `seq`.
    #[must_use]
    pub fn before(&self, seq: u64) -> Option<usize> {
        self.heads
            .partition_point(|head| head.at.seq < seq)
            .checked_sub(1)
    }

    /// The last checkpoint at or before a market time.
    #[must_use]
    pub fn at(&self, ts: TsNs) -> Option<usize> {
        self.heads
            .partition_point(|head| head.ts <= ts)
            .checked_sub(1)
    }

    /// What holds all requests about the session's order of this number, if there is such an order.
    #[must_use]
    pub fn of_order(&self, number: u64) -> Window {
        let count = self
            .heads
            .first()
            .map_or(1, |head| head.orders.len().max(1)) as u64;
        let (seq, instrument) = (number / count, number % count);
        let known = |head: &Head| {
            let at = usize::try_from(instrument).ok()?;
            let orders = head.orders.get(at)?;
            Some((orders.next_seq > seq, orders.open.contains(&seq)))
        };
        let born = |head: &Head| known(head).is_some_and(|(born, _)| born);
        let first = self.heads.partition_point(|head| !born(head));
        let is_over = |head: &Head| known(head).is_some_and(|(_, open)| !open);
        let over = self.heads[first..].iter().position(is_over);
        Window {
            from: first.checked_sub(1),
            until: over.map(|after| first + after),
        }
    }

    /// Records of parameters before a checkpoint; `None` where heads in between are missing.
    #[must_use]
    pub fn params_before(&self, checkpoint: usize) -> Option<Vec<At>> {
        let heads = self.heads.get(..=checkpoint)?;
        let is_complete = heads.iter().zip(0..).all(|(head, n)| head.number == n);
        is_complete.then(|| {
            let places = heads.iter().flat_map(|head| &head.params);
            places.copied().collect()
        })
    }
}

fn follows(last: &Head, next: &Head) -> bool {
    next.number > last.number
        && next.at.seq > last.at.seq
        && next.at.offset > last.at.offset
        && next.ts >= last.ts
        && next.orders.len() == last.orders.len()
}
