//! Mids of the recent past by venue time: what a fill is measured against.
//!
//! A ring of changes, so that a quiet market costs nothing. It keeps what is younger than its span
//! and grows (by doubling, up to a bound) only while changes come faster than it can hold. A
//! stretch without a valid mid is one entry of its own.

mod parts;

use mmbot_types::{MidTick, TsNs};

/// Entries at the start: 16 KB, ten seconds of 100 changes a second.
const CAPACITY_START: usize = 1 << 10;
/// Never more entries than this (16 MB): a minute of 17,000 changes a second.
const CAPACITY_MAX: usize = 1 << 20;
/// A mid that was not confirmed for so long is no longer valid (markouts skip it), ns.
const FRESH_NS: i64 = 1_000_000_000;
/// Marks a stretch without a valid mid.
const NO_MID: MidTick = MidTick::new(i64::MIN);

/// See the module.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(try_from = "parts::MidParts")]
pub struct MidHistory {
    ring: Box<[(TsNs, MidTick)]>,
    /// Changes ever written; entry `k` is at `k & (len - 1)`.
    written: usize,
    /// First entry that may still be read.
    oldest: usize,
    span_ns: i64,
    /// Latest confirmation of the newest mid.
    confirmed: TsNs,
    newest: MidTick,
    last_valid: Option<MidTick>,
}

impl MidHistory {
    /// A history that reaches back at least `span_ms`.
    #[must_use]
    pub fn new(span_ms: i64) -> Self {
        Self {
            ring: vec![(TsNs::ZERO, NO_MID); CAPACITY_START].into_boxed_slice(),
            written: 0,
            oldest: 0,
            span_ns: span_ms.saturating_mul(1_000_000),
            confirmed: TsNs::ZERO,
            newest: NO_MID,
            last_valid: None,
        }
    }

    /// Makes the history reach back at least `span_ms` from now on.
    pub fn extend_span(&mut self, span_ms: i64) {
        self.span_ns = self.span_ns.max(span_ms.saturating_mul(1_000_000));
    }

    /// The mid is `mid` at venue time `ts`.
    #[inline]
    pub fn confirm(&mut self, mid: MidTick, ts: TsNs) {
        if ts.since_ns(self.confirmed) > FRESH_NS && self.newest != NO_MID {
            self.lapse();
        }
        if mid != self.newest {
            self.write(mid, ts);
            self.last_valid = Some(mid);
        }
        if ts > self.confirmed {
            self.confirmed = ts;
        }
    }

    /// There is no valid mid from the last confirmation on (gap, crossed book).
    pub fn invalidate(&mut self) {
        if self.newest != NO_MID {
            self.write(NO_MID, self.confirmed.plus_ns(1));
        }
    }

    /// Latest valid mid.
    #[inline]
    #[must_use]
    pub const fn last(&self) -> Option<MidTick> {
        self.last_valid
    }

    /// Last valid mid strictly before `ts`.
    #[inline]
    #[must_use]
    pub fn before(&self, ts: TsNs) -> Option<MidTick> {
        self.valid_from(self.position_before(ts)?)
    }

    /// Last valid mid at or before `ts`.
    #[inline]
    #[must_use]
    pub fn at(&self, ts: TsNs) -> Option<MidTick> {
        self.before(ts.plus_ns(1))
    }

    /// Mid at `ts` if it was confirmed within the last second before `ts` and the book was usable.
    #[must_use]
    pub fn fresh_at(&self, ts: TsNs) -> Option<MidTick> {
        let at = self.position_before(ts.plus_ns(1))?;
        let mid = self.entry(at).1;
        let newest = at + 1 == self.written;
        let silent = newest && ts.since_ns(self.confirmed) > FRESH_NS;
        (mid != NO_MID && !silent).then_some(mid)
    }

    /// Mid after its `n`-th change that follows `ts`; `None` until there were so many. What changes
    /// within one instant of venue time is one change, and a mid that comes back unchanged after a
    /// stretch without one is none.
    #[must_use]
    pub fn after_changes(&self, ts: TsNs, n: u32) -> Option<MidTick> {
        let from = self.position_before(ts.plus_ns(1));
        let mut held = from.and_then(|at| self.valid_from(at));
        let mut left = n;
        for at in from.map_or(self.oldest, |at| at + 1)..self.written {
            let mid = self.entry(at).1;
            if mid == NO_MID || held == Some(mid) {
                continue;
            }
            // the first mid ever is no change
            left -= u32::from(held.is_some() && left > 0);
            held = Some(mid);
            if left == 0 {
                return held;
            }
        }
        None
    }

    fn entry(&self, at: usize) -> (TsNs, MidTick) {
        self.ring[at & (self.ring.len() - 1)]
    }

    /// The entry at `at`, or the one before it where that marks a stretch without a mid: two such
    /// entries never follow each other.
    fn valid_from(&self, at: usize) -> Option<MidTick> {
        let mid = self.entry(at).1;
        if mid != NO_MID {
            return Some(mid);
        }
        (at > self.oldest).then(|| self.entry(at - 1).1)
    }

    /// Latest entry strictly before `ts`: gallops back from the newest, because what is asked for
    /// is mostly young, then halves.
    #[inline]
    fn position_before(&self, ts: TsNs) -> Option<usize> {
        let (mut step, mut high) = (1, self.written);
        // invariant: entries at or after `high` are not before `ts`
        let mut low = loop {
            let low = high.saturating_sub(step).max(self.oldest);
            if low >= high {
                return None;
            }
            if self.entry(low).0 < ts {
                break low;
            }
            high = low;
            step *= 2;
        };
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.entry(middle).0 < ts {
                low = middle;
            } else {
                high = middle;
            }
        }
        Some(low)
    }

    #[cold]
    fn lapse(&mut self) {
        self.write(NO_MID, self.confirmed.plus_ns(FRESH_NS + 1));
    }

    #[inline]
    fn write(&mut self, mid: MidTick, ts: TsNs) {
        self.newest = mid;
        let mut ts = ts;
        if self.written > self.oldest {
            let last = (self.written - 1) & (self.ring.len() - 1);
            let entry = &mut self.ring[last];
            // venue time that goes back or stands still: the newer word holds for that moment
            if ts <= entry.0 {
                ts = entry.0;
                if mid != NO_MID {
                    entry.1 = mid;
                    return;
                }
            }
        }
        if self.written - self.oldest == self.ring.len() {
            self.make_room(ts);
        }
        let at = self.written & (self.ring.len() - 1);
        self.ring[at] = (ts, mid);
        self.written += 1;
    }

    /// Drops the oldest entry, or doubles the ring if that entry is still wanted.
    fn make_room(&mut self, now: TsNs) {
        // the entry after the oldest must be old enough: the oldest is in force until then
        let wanted = now.since_ns(self.entry(self.oldest + 1).0) <= self.span_ns;
        if !wanted || self.ring.len() >= CAPACITY_MAX {
            self.oldest += 1;
            return;
        }
        let mut grown = vec![(TsNs::ZERO, NO_MID); self.ring.len() * 2].into_boxed_slice();
        for at in self.oldest..self.written {
            grown[at & (grown.len() - 1)] = self.entry(at);
        }
        self.ring = grown;
    }
}
