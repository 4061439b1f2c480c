//! What an operator does to a running session. It acts at the next synchronisation.

use super::caps::DayTotals;
use super::event_log::SessionEvent;
use super::ring::WINDOW_SEC_MAX;
use super::risk_grade::{KillCause, RiskGrade};
use super::session::Session;
use super::snapshot::{SESSION_SYMBOL, SnapshotError, ThrottleSnapshot, load_windows, snapshot_of};
use super::windows::OpWindows;
use mmbot_types::TsNs;
use std::fmt::{self, Write as _};
use std::sync::Arc;

impl Session {
    /// Halts, until somebody resumes.
    pub fn kill(&mut self, cause: KillCause, now: TsNs) {
        self.losses_mut().kill(cause, now);
        self.note_risk();
    }

    /// Lifts a kill and nothing else: pauses, floor and the high water of the day stay.
    pub fn lift_kill(&mut self, now: TsNs) {
        self.losses_mut().lift_kill(now);
        self.note_risk();
    }

    /// Sets the mildest grade that is allowed, or lifts that.
    pub fn set_floor(&mut self, floor: Option<RiskGrade>, now: TsNs) {
        self.losses_mut().set_floor(floor, now);
        self.note_risk();
    }

    /// Holds the session flat while what happens to it cannot be written down, or ends that.
    pub fn set_storage_hold(&mut self, held: bool, now: TsNs) {
        self.losses_mut().set_storage_hold(held, now);
        self.note_risk();
    }

    /// Lifts manual pause, guard pause, drawdown pause and kill.
    pub fn resume(&mut self, now: TsNs) {
        self.by_hand.set_manual_pause(&mut self.params, false);
        self.losses_mut().resume(now);
        self.note_risk();
    }

    /// Whether this instance leads; one that does not sends nothing but cancels.
    pub const fn set_leader(&mut self, leads: bool) {
        self.calm = None;
        self.not_leader = !leads;
    }

    /// False if this instance does not lead.
    #[must_use]
    pub const fn leads(&self) -> bool {
        !self.not_leader
    }

    /// Pauses quoting by hand, or ends such a pause.
    pub fn set_manual_pause(&mut self, paused: bool, now: TsNs) {
        self.by_hand.set_manual_pause(&mut self.params, paused);
        self.losses_mut().guard_mut().set_manual(paused, now);
    }

    /// Whether a pause of the runtime guard only counts.
    pub const fn set_dry_run(&mut self, on: bool) {
        self.calm = None;
        self.by_hand.set_dry_run(&mut self.params, on);
    }

    /// Autopolicy's level by hand, at most its `level_max`; it stays for the cooldown. True if it
    /// changed.
    pub fn set_autopolicy_level(&mut self, level: u32, now: TsNs) -> bool {
        let autopolicy = self.requests.autopolicy_mut();
        let changed = autopolicy.set_level(&self.params.autopolicy, level, now);
        self.note_autopolicy(changed, now);
        changed
    }

    /// Autopolicy's level and streaks to 0. True if the level changed.
    pub fn reset_autopolicy(&mut self, now: TsNs) -> bool {
        let changed = self.requests.autopolicy_mut().reset(now);
        self.note_autopolicy(changed, now);
        changed
    }

    /// Whether autopolicy works; without it its level falls to 0 within a second.
    pub const fn set_autopolicy_enabled(&mut self, on: bool) {
        self.by_hand.set_autopolicy(&mut self.params, on);
    }

    /// What a restart needs of the request windows.
    #[must_use]
    pub fn throttle_snapshot(&self) -> ThrottleSnapshot {
        let (session, symbols) = self.requests.settled_windows();
        let names = self.symbols.iter().map(String::as_str).zip(&symbols);
        let all = std::iter::once((SESSION_SYMBOL, &session)).chain(names);
        snapshot_of(
            self.params.throttle.window_sec.clamp(1, WINDOW_SEC_MAX),
            all,
        )
    }

    /// Replaces the request windows; a symbol that the snapshot does not have starts empty.
    ///
    /// # Errors
    /// [`SnapshotError`]; nothing has changed then.
    pub fn load_throttle(
        &mut self,
        snapshot: &ThrottleSnapshot,
        now: TsNs,
    ) -> Result<(), SnapshotError> {
        let window_sec = self.params.throttle.window_sec;
        let mut loaded = load_windows(snapshot, window_sec, now)?;
        let mut take = |name: &str| {
            let found = loaded.remove(name);
            found.unwrap_or_else(|| OpWindows::new(window_sec))
        };
        let session = take(SESSION_SYMBOL);
        let symbols = self.symbols.iter().map(|name| take(name)).collect();
        self.requests.restore(session, symbols);
        Ok(())
    }

    /// Empties the request windows.
    pub fn clear_throttle(&mut self) {
        let window_sec = self.params.throttle.window_sec;
        let empty = || OpWindows::new(window_sec);
        let symbols = self.symbols.iter().map(|_| empty()).collect();
        self.requests.restore(empty(), symbols);
    }

    /// Takes over what the day brought before the session began.
    pub fn restore_day(&mut self, totals: &DayTotals) {
        self.losses_mut().caps_mut().restore(totals);
    }

    /// Hash of everything that the session knows and has in force (FNV-1a over the text of its
    /// fields, so that no field can be forgotten): equal states, equal hashes, in every process.
    /// What order ids begin with is left out: it is a session's name, and no two have the same.
    #[must_use]
    pub fn state_hash(&self) -> u64 {
        let mut nameless = self.clone();
        nameless.params.rollout.cid_prefix.clear();
        nameless.rollout = Arc::new(nameless.params.rollout.clone());
        let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
        // writing into a number cannot fail
        let _ = write!(hash, "{nameless:?}");
        hash.0
    }

    /// Writes down changes of the risk grade since the last call.
    pub(super) fn note_risk(&mut self) {
        let risk = self.losses.risk();
        if risk.changes_total() == self.risk_seen {
            return;
        }
        for change in risk.changes_since(self.risk_seen) {
            self.events
                .note(change.ts, None, SessionEvent::Risk(*change));
        }
        self.risk_seen = risk.changes_total();
    }

    fn note_autopolicy(&mut self, changed: bool, now: TsNs) {
        if changed {
            let level = self.requests.autopolicy().level();
            self.events.note(now, None, SessionEvent::Autopolicy(level));
        }
    }
}

struct Fnv(u64);

impl fmt::Write for Fnv {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Ok(())
    }
}
