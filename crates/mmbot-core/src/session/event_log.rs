//! What happened to a session, for journal, audit and alerts: one list in the order in which it
//! happened. A reader keeps its own place in it, so that several may read.

use super::caps::CapsEvent;
use super::risk_state::RiskChange;
use super::runtime_guard::GuardChange;
use super::shadow_stats::ShadowSummary;
use super::skew::SkewEvent;
use crate::portfolio::SmoothingStep;
use mmbot_types::{InstrumentIdx, TsNs};
use std::collections::VecDeque;

/// Entries kept. A reader looks every second, in which fifty symbols make at most about fifty.
pub const EVENTS_MAX: usize = 4096;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SessionEvent {
    /// The risk grade changed.
    Risk(RiskChange),
    /// Position skew of a symbol or colour.
    Skew(SkewEvent),
    /// Caps of the day; `value` is the largest figure of the day over its limit.
    Caps {
        /// Which way.
        event: CapsEvent,
        /// See above.
        value: f64,
    },
    /// Runtime guard, of the session or of one symbol.
    Runtime(GuardChange),
    /// A symbol's regime changed; index into the bands.
    Mux(usize),
    /// A target's move was capped, or its back-off level changed.
    Alloc(SmoothingStep),
    /// Autopolicy's level changed to this.
    Autopolicy(u32),
    /// The circuit breaker entered this state ([`super::CircuitState::numeric`]).
    Circuit(usize),
    /// Virtual orders are too far from the displayed best level.
    Shadow(ShadowSummary),
}

/// One entry.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SessionRecord {
    /// When.
    pub ts: TsNs,
    /// Which symbol; `None` for the session.
    pub symbol: Option<InstrumentIdx>,
    /// What.
    pub event: SessionEvent,
}

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct EventLog {
    records: VecDeque<SessionRecord>,
    total: u64,
}

impl EventLog {
    /// Something happened; beyond [`EVENTS_MAX`] the oldest goes.
    #[cold]
    pub fn note(&mut self, ts: TsNs, symbol: Option<InstrumentIdx>, event: SessionEvent) {
        if self.records.len() >= EVENTS_MAX {
            self.records.pop_front();
        }
        self.records.push_back(SessionRecord { ts, symbol, event });
        self.total += 1;
    }

    /// Entries from the `seen`-th on, oldest first; those no longer kept are missing.
    pub fn since(&self, seen: u64) -> impl Iterator<Item = &SessionRecord> {
        let kept = self.records.len() as u64;
        let forgotten = self.total - kept;
        let skip = seen.saturating_sub(forgotten).min(kept);
        self.records
            .iter()
            .skip(usize::try_from(skip).unwrap_or(usize::MAX))
    }

    /// Entries so far: the place of a reader that has read them all.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_gets_what_it_has_not_seen_as_far_as_it_is_kept() {
        let mut log = EventLog::default();
        let levels = |log: &EventLog, seen| -> Vec<SessionEvent> {
            log.since(seen).map(|record| record.event).collect()
        };
        assert!(levels(&log, 0).is_empty());
        for level in 0..3 {
            log.note(TsNs::ZERO, None, SessionEvent::Autopolicy(level));
        }
        assert_eq!(levels(&log, 2), [SessionEvent::Autopolicy(2)]);
        assert_eq!(levels(&log, 9), []);
        for level in 3..=EVENTS_MAX as u32 {
            log.note(TsNs::ZERO, None, SessionEvent::Autopolicy(level));
        }
        assert_eq!(log.total(), EVENTS_MAX as u64 + 1);
        assert_eq!(levels(&log, 0).len(), EVENTS_MAX);
        assert_eq!(levels(&log, 0)[0], SessionEvent::Autopolicy(1));
    }
}
