//! The faults, each a named option.

use super::ratio::Ratio;

/// Something that goes wrong. Order and names are part of scenario files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Fault {
    /// A request never reaches the exchange.
    RequestLost = 0,
    /// A request takes longer.
    RequestDelayed,
    /// A request is carried out after its trader gave it up.
    RequestLate,
    /// A report never arrives; a reconciliation finds what it said.
    ReportLost,
    /// A report takes longer.
    ReportDelayed,
    /// A report is lost and sent again much later.
    ReportResent,
    /// A report of the order stream arrives twice.
    ReportDuplicated,
    /// A report is overtaken by those right behind it.
    ReportReordered,
    /// The venue refuses a new order or a change for a business reason.
    BusinessReject,
    /// A change is refused as not possible.
    AmendRefused,
    /// The venue asks for fewer requests for a while.
    RateLimitBurst,
    /// The venue answers requests with server errors for a while.
    ServerFailureBurst,
    /// The venue is down: requests vanish or fail.
    Outage,
    /// The venue cancels a resting order by itself.
    SpontaneousCancel,
    /// Market data are missing for a while; a snapshot follows.
    FeedGap,
    /// Market data stand still for a while and then come all at once.
    FeedStale,
    /// A packet shows a crossed book; a snapshot follows.
    FeedCrossed,
    /// A change of a level is applied again, late.
    DeltaDuplicated,
    /// Two changes arrive in the wrong order.
    DeltaSwapped,
    /// The local clock jumps forward.
    ClockForward,
    /// The local clock jumps back: time stands still until it has caught up.
    ClockBack,
    /// The operator stops quoting; perhaps it resumes.
    OperatorStop,
    /// The operator kills the session; perhaps it resumes.
    OperatorKill,
    /// The operator sets a floor of the risk grade for a while.
    OperatorFloor,
    /// New parameters of a symbol.
    ParamsReload,
    /// New parameters of the session.
    SessionReload,
    /// The process crashes; a new one goes on from its journal.
    ProcessCrash,
    /// At a crash the disk has the beginning of one more record.
    JournalTorn,
    /// At a crash there is no checkpoint any more: the session is recovered from its journal alone.
    CheckpointLost,
    /// At a crash the disk has the beginning of the newest checkpoint only.
    CheckpointTorn,
}

/// What a ratio is a share of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Per {
    /// Requests sent.
    Request,
    /// Reports made.
    Report,
    /// Resting orders, looked at once a second.
    OrderSecond,
    /// Seconds of venue time.
    Second,
    /// Market packets.
    Packet,
    /// Crashes of the process.
    Crash,
}

impl Per {
    /// Name in the documentation.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Per::Request => "request",
            Per::Report => "report",
            Per::OrderSecond => "order and second",
            Per::Second => "second",
            Per::Packet => "packet",
            Per::Crash => "crash",
        }
    }
}

/// Name, unit of the ratio, default ratio, default longest duration in ms (0: has none).
type Row = (&'static str, Per, Ratio, i64);

/// A create or amend whose answer is late is unknown after three seconds; venues refuse requests
/// that are older than their receive window (5 s by default at Bybit), so that nothing is carried
/// out later than this.
pub const RECEIVE_WINDOW_MS: i64 = 5000;

const fn ratio(num: u32, den: u32) -> Ratio {
    Ratio { num, den }
}

const ROWS: [Row; Fault::COUNT] = [
    ("request_lost", Per::Request, ratio(1, 60), 0),
    ("request_delayed", Per::Request, ratio(1, 12), 800),
    (
        "request_late",
        Per::Request,
        ratio(1, 120),
        RECEIVE_WINDOW_MS,
    ),
    ("report_lost", Per::Report, ratio(1, 50), 0),
    ("report_delayed", Per::Report, ratio(1, 10), 1500),
    ("report_resent", Per::Report, ratio(1, 80), 6000),
    ("report_duplicated", Per::Report, ratio(1, 15), 4000),
    ("report_reordered", Per::Report, ratio(1, 8), 40),
    ("business_reject", Per::Request, ratio(1, 25), 0),
    ("amend_refused", Per::Request, ratio(1, 30), 0),
    ("rate_limit_burst", Per::Second, ratio(1, 25), 1500),
    ("server_failure_burst", Per::Second, ratio(1, 30), 1500),
    ("outage", Per::Second, ratio(1, 40), 4000),
    ("spontaneous_cancel", Per::OrderSecond, ratio(1, 20), 0),
    ("feed_gap", Per::Second, ratio(1, 15), 2500),
    ("feed_stale", Per::Second, ratio(1, 20), 4000),
    ("feed_crossed", Per::Second, ratio(1, 12), 600),
    ("delta_duplicated", Per::Packet, ratio(1, 400), 1000),
    ("delta_swapped", Per::Packet, ratio(1, 400), 1000),
    ("clock_forward", Per::Second, ratio(1, 30), 4000),
    ("clock_back", Per::Second, ratio(1, 30), 2000),
    ("operator_stop", Per::Second, ratio(1, 60), 4000),
    ("operator_kill", Per::Second, ratio(1, 60), 4000),
    ("operator_floor", Per::Second, ratio(1, 20), 5000),
    ("params_reload", Per::Second, ratio(1, 8), 0),
    ("session_reload", Per::Second, ratio(1, 10), 0),
    ("process_crash", Per::Second, ratio(1, 20), 0),
    ("journal_torn", Per::Crash, ratio(1, 2), 0),
    ("checkpoint_lost", Per::Crash, ratio(1, 3), 0),
    ("checkpoint_torn", Per::Crash, ratio(1, 3), 0),
];

impl Fault {
    /// Number of faults.
    pub const COUNT: usize = 30;

    /// All faults in the order of their index.
    pub const ALL: [Fault; Self::COUNT] = [
        Fault::RequestLost,
        Fault::RequestDelayed,
        Fault::RequestLate,
        Fault::ReportLost,
        Fault::ReportDelayed,
        Fault::ReportResent,
        Fault::ReportDuplicated,
        Fault::ReportReordered,
        Fault::BusinessReject,
        Fault::AmendRefused,
        Fault::RateLimitBurst,
        Fault::ServerFailureBurst,
        Fault::Outage,
        Fault::SpontaneousCancel,
        Fault::FeedGap,
        Fault::FeedStale,
        Fault::FeedCrossed,
        Fault::DeltaDuplicated,
        Fault::DeltaSwapped,
        Fault::ClockForward,
        Fault::ClockBack,
        Fault::OperatorStop,
        Fault::OperatorKill,
        Fault::OperatorFloor,
        Fault::ParamsReload,
        Fault::SessionReload,
        Fault::ProcessCrash,
        Fault::JournalTorn,
        Fault::CheckpointLost,
        Fault::CheckpointTorn,
    ];

    /// An array index.
    #[inline]
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Name in scenario files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        ROWS[self.index()].0
    }

    /// What its ratio is a share of.
    #[must_use]
    pub const fn per(self) -> Per {
        ROWS[self.index()].1
    }

    /// Ratio unless a scenario names one.
    #[must_use]
    pub const fn default_ratio(self) -> Ratio {
        ROWS[self.index()].2
    }

    /// Longest duration or delay unless a scenario names one, ms; 0 for faults of a moment.
    #[must_use]
    pub const fn default_max_ms(self) -> i64 {
        ROWS[self.index()].3
    }

    /// The fault of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_listed_once_and_found_by_their_names() {
        for (at, fault) in Fault::ALL.into_iter().enumerate() {
            assert_eq!(fault.index(), at);
            assert_eq!(Fault::from_name(fault.name()), Some(fault));
            assert!(fault.default_ratio().num > 0, "{}", fault.name());
        }
        assert_eq!(Fault::from_name("sunshine"), None);
    }
}
