//! A history of mids as plain data: entries within its span, as steps from one to the next, which
//! take a third of the bytes. How large the ring has grown is not part of it.

use super::{CAPACITY_MAX, CAPACITY_START, MidHistory, NO_MID};
use mmbot_types::{MidTick, TsNs};
use serde::{Deserialize, Serialize, Serializer};

/// See the module.
#[derive(Serialize, Deserialize)]
pub(super) struct MidParts {
    oldest: usize,
    /// Time and mid, each minus that of the entry before.
    steps: Vec<(i64, i64)>,
    span_ns: i64,
    confirmed: TsNs,
    newest: MidTick,
    last_valid: Option<MidTick>,
}

impl Serialize for MidHistory {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let oldest = self.oldest_wanted();
        let mut before = (0i64, 0i64);
        let steps = (oldest..self.written).map(|at| {
            let (ts, mid) = self.entry(at);
            let entry = (ts.get(), mid.get());
            let step = (
                entry.0.wrapping_sub(before.0),
                entry.1.wrapping_sub(before.1),
            );
            before = entry;
            step
        });
        let parts = MidParts {
            oldest,
            steps: steps.collect(),
            span_ns: self.span_ns,
            confirmed: self.confirmed,
            newest: self.newest,
            last_valid: self.last_valid,
        };
        parts.serialize(to)
    }
}

impl MidHistory {
    /// The entry in force at the beginning of the span, and the one before it, which holds the mid
    /// if that one has none.
    fn oldest_wanted(&self) -> usize {
        if self.written == self.oldest {
            return self.oldest;
        }
        let newest = self.entry(self.written - 1).0;
        let in_force = self.position_before(newest.plus_ns(-self.span_ns));
        in_force.map_or(self.oldest, |at| at.saturating_sub(1).max(self.oldest))
    }
}

impl TryFrom<MidParts> for MidHistory {
    type Error = &'static str;

    fn try_from(parts: MidParts) -> Result<Self, Self::Error> {
        let written = parts.oldest.checked_add(parts.steps.len());
        if parts.steps.len() > CAPACITY_MAX {
            return Err("is no history of mids");
        }
        let capacity = parts.steps.len().next_power_of_two().max(CAPACITY_START);
        let mut ring = vec![(TsNs::ZERO, NO_MID); capacity].into_boxed_slice();
        let mut entry = (0i64, 0i64);
        for (at, step) in (parts.oldest..).zip(&parts.steps) {
            entry = (entry.0.wrapping_add(step.0), entry.1.wrapping_add(step.1));
            ring[at & (capacity - 1)] = (TsNs::new(entry.0), MidTick::new(entry.1));
        }
        Ok(Self {
            ring,
            written: written.ok_or("is no history of mids")?,
            oldest: parts.oldest,
            span_ns: parts.span_ns,
            confirmed: parts.confirmed,
            newest: parts.newest,
            last_valid: parts.last_valid,
        })
    }
}
