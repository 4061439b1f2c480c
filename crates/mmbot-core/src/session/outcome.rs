//! How calls to the venue end, and counts of it.

use super::ring::{SecondRing, WINDOW_SEC_MAX};

/// How a create, amend or cancel call ended.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[repr(u8)]
pub enum CallOutcome {
    /// Accepted.
    Ok = 0,
    /// The venue refused the order for a reason of the order: the call itself went well.
    BusinessReject,
    /// HTTP 429 or a rate-limit code of the venue.
    RateLimited,
    /// HTTP 5xx.
    Server,
    /// No answer in time.
    Timeout,
    /// Any other failure.
    OtherError,
}

impl CallOutcome {
    /// Number of outcomes.
    pub const COUNT: usize = 6;

    /// All outcomes in the order of their index.
    pub const ALL: [CallOutcome; Self::COUNT] = [
        CallOutcome::Ok,
        CallOutcome::BusinessReject,
        CallOutcome::RateLimited,
        CallOutcome::Server,
        CallOutcome::Timeout,
        CallOutcome::OtherError,
    ];

    /// An array index.
    #[inline]
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Name in reports and in the documentation.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            CallOutcome::Ok => "ok",
            CallOutcome::BusinessReject => "business_reject",
            CallOutcome::RateLimited => "rate_limited",
            CallOutcome::Server => "server",
            CallOutcome::Timeout => "timeout",
            CallOutcome::OtherError => "other_error",
        }
    }

    /// True if the call failed.
    #[inline]
    #[must_use]
    pub const fn failed(self) -> bool {
        !matches!(self, CallOutcome::Ok | CallOutcome::BusinessReject)
    }

    /// True if the failure says that the venue is not well: 429, 5xx or a timeout.
    #[inline]
    #[must_use]
    pub const fn is_outage(self) -> bool {
        matches!(
            self,
            CallOutcome::RateLimited | CallOutcome::Server | CallOutcome::Timeout
        )
    }
}

/// Calls per outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct OutcomeCounts([u32; CallOutcome::COUNT]);

impl OutcomeCounts {
    /// A single call.
    #[must_use]
    pub fn one(outcome: CallOutcome) -> Self {
        let mut counts = Self::default();
        counts.add(outcome, 1);
        counts
    }

    /// Counts `n` calls more.
    #[inline]
    pub const fn add(&mut self, outcome: CallOutcome, n: u32) {
        let count = &mut self.0[outcome.index()];
        *count = count.saturating_add(n);
    }

    /// Counts one call less.
    pub const fn take_one(&mut self, outcome: CallOutcome) {
        let count = &mut self.0[outcome.index()];
        *count = count.saturating_sub(1);
    }

    /// Calls, if none of them failed; `None` otherwise.
    #[inline]
    #[must_use]
    pub fn unfailed(&self) -> Option<u32> {
        let mut failed = 0;
        for outcome in CallOutcome::ALL {
            if outcome.failed() {
                failed |= self.get(outcome);
            }
        }
        let rest = self
            .get(CallOutcome::Ok)
            .saturating_add(self.get(CallOutcome::BusinessReject));
        (failed == 0).then_some(rest)
    }

    /// Counts the calls of `other` too.
    #[inline]
    pub fn merge(&mut self, other: &Self) {
        for (count, other) in self.0.iter_mut().zip(other.0) {
            // counts of a window lie far below where this would go round
            *count = count.wrapping_add(other);
        }
    }

    /// Calls that ended so.
    #[inline]
    #[must_use]
    pub const fn get(&self, outcome: CallOutcome) -> u32 {
        self.0[outcome.index()]
    }

    /// True without a call.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The shares that judgements are about.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let mut tally = Tally {
            server: u64::from(self.get(CallOutcome::Server)),
            rate_limited: u64::from(self.get(CallOutcome::RateLimited)),
            ..Tally::default()
        };
        for outcome in CallOutcome::ALL {
            let n = u64::from(self.get(outcome));
            tally.all += n;
            tally.failed += if outcome.failed() { n } else { 0 };
        }
        tally
    }
}

/// Calls, and how many of them failed in the ways that count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// All calls.
    pub all: u64,
    /// Failed ones, the next two among them.
    pub failed: u64,
    /// HTTP 5xx.
    pub server: u64,
    /// HTTP 429 and rate-limit codes.
    pub rate_limited: u64,
}

/// The tally of the last seconds.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct TallyWindow {
    all: SecondRing,
    failed: SecondRing,
    server: SecondRing,
    rate_limited: SecondRing,
}

impl TallyWindow {
    pub(super) fn new(window_sec: u32) -> Self {
        let ring = SecondRing::new(window_sec);
        Self {
            all: ring.clone(),
            failed: ring.clone(),
            server: ring.clone(),
            rate_limited: ring,
        }
    }

    pub(super) fn add(&mut self, second: i64, counts: &OutcomeCounts) {
        let tally = counts.tally();
        for (ring, n) in [
            (&mut self.all, tally.all),
            (&mut self.failed, tally.failed),
            (&mut self.server, tally.server),
            (&mut self.rate_limited, tally.rate_limited),
        ] {
            if n > 0 {
                ring.add(second, u32::try_from(n).unwrap_or(u32::MAX));
            }
        }
    }

    /// Adds calls of which none failed.
    pub(super) fn add_unfailed(&mut self, second: i64, n: u32) {
        self.all.add(second, n);
    }

    /// False only if no call of the window failed.
    #[inline]
    pub(super) const fn may_have_failed(&self) -> bool {
        self.failed.has_any()
    }

    pub(super) fn tally(&mut self, second: i64) -> Tally {
        Tally {
            all: self.all.total(second),
            failed: self.failed.total(second),
            server: self.server.total(second),
            rate_limited: self.rate_limited.total(second),
        }
    }

    #[inline]
    pub(super) fn resize(&mut self, window_sec: u32) {
        for ring in self.rings() {
            ring.resize(window_sec);
        }
    }

    pub(super) fn clear(&mut self) {
        for ring in self.rings() {
            ring.clear();
        }
    }

    fn rings(&mut self) -> [&mut SecondRing; 4] {
        [
            &mut self.all,
            &mut self.failed,
            &mut self.server,
            &mut self.rate_limited,
        ]
    }
}

/// Whole seconds that cover `window_sec`.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a float cast saturates
pub(super) fn whole_seconds(window_sec: f64) -> u32 {
    (window_sec.ceil() as u32).clamp(1, WINDOW_SEC_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// spec: 02-10.1
    #[test]
    fn outcomes_are_classed_as_the_breaker_judges_them() {
        let rows = [
            ("ok", false, false),
            ("business_reject", false, false),
            ("rate_limited", true, true),
            ("server", true, true),
            ("timeout", true, true),
            ("other_error", true, false),
        ];
        for (at, (outcome, row)) in CallOutcome::ALL.into_iter().zip(rows).enumerate() {
            assert_eq!(outcome.index(), at);
            assert_eq!((outcome.name(), outcome.failed(), outcome.is_outage()), row);
        }
    }

    #[test]
    fn a_tally_sums_what_it_names() {
        let mut counts = OutcomeCounts::default();
        for (n, outcome) in CallOutcome::ALL.into_iter().enumerate() {
            counts.add(outcome, 1 << n);
        }
        counts.merge(&OutcomeCounts::one(CallOutcome::Server));
        let tally = counts.tally();
        assert_eq!((tally.all, tally.failed), (64, 4 + 9 + 16 + 32));
        assert_eq!((tally.server, tally.rate_limited), (9, 4));
        counts.add(CallOutcome::Ok, u32::MAX);
        assert_eq!(counts.get(CallOutcome::Ok), u32::MAX, "saturates");
    }

    #[test]
    fn windows_are_covered_by_whole_seconds() {
        for (window_sec, cells) in [(1.0, 1), (1.5, 2), (60.0, 60), (0.0, 1), (1e9, 3600)] {
            assert_eq!(whole_seconds(window_sec), cells);
        }
    }
}
