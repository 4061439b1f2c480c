//! Updates that came before the REST snapshot they belong to, kept until it arrives.

use crate::decoded::{Level, UpdateIds};

/// Most levels kept; ten minutes of the busiest stream seen. Beyond it the oldest frames are given
/// up.
const MAX_LEVELS: usize = 1 << 20;

/// One frame that waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    pub ids: UpdateIds,
    pub ts_ns: i64,
    pub recv_ns: i64,
    start: usize,
    end: usize,
}

/// Frames that wait, oldest first, their levels in one array.
#[derive(Debug, Default)]
pub(super) struct Pending {
    frames: Vec<Held>,
    levels: Vec<Level>,
}

impl Pending {
    /// Keeps a frame; returns how many older frames had to be given up for it.
    pub fn hold(&mut self, ids: UpdateIds, ts_ns: i64, recv_ns: i64, levels: &[Level]) -> u64 {
        let given_up = if self.levels.len() + levels.len() > MAX_LEVELS {
            self.clear()
        } else {
            0
        };
        let start = self.levels.len();
        self.levels.extend_from_slice(levels);
        self.frames.push(Held {
            ids,
            ts_ns,
            recv_ns,
            start,
            end: self.levels.len(),
        });
        given_up
    }

    /// Forgets all frames and returns how many there were.
    pub fn clear(&mut self) -> u64 {
        let count = self.frames.len();
        self.frames.clear();
        self.levels.clear();
        u64::try_from(count).unwrap_or(u64::MAX)
    }

    pub fn frames(&self) -> &[Held] {
        &self.frames
    }

    pub fn levels(&self, frame: &Held) -> &[Level] {
        self.levels.get(frame.start..frame.end).unwrap_or_default()
    }

    /// Venue time at which the book stood at update `id`: that of the last frame not after it, or
    /// of the first frame.
    pub fn time_of(&self, id: i64) -> Option<i64> {
        let before = self
            .frames
            .iter()
            .rev()
            .find(|f| f.ids.last.is_some_and(|last| last <= id));
        before.or(self.frames.first()).map(|frame| frame.ts_ns)
    }
}
