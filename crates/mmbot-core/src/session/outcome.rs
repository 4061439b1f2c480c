//! How a request to the venue ended.

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum CallOutcome {
    /// Done.
    Ok = 0,
    /// Refused for a reason that says nothing about the venue's health.
    BusinessReject,
    /// Too many requests (HTTP 429 or the venue's code for it).
    RateLimited,
    /// The venue failed (HTTP 5xx).
    Server,
    /// No answer in time.
    Timeout,
    /// Anything else that failed.
    OtherError,
}

impl CallOutcome {
    /// Number of outcomes.
    pub const COUNT: usize = 6;

    /// All outcomes in the order of their numbers.
    pub const ALL: [CallOutcome; Self::COUNT] = [
        CallOutcome::Ok,
        CallOutcome::BusinessReject,
        CallOutcome::RateLimited,
        CallOutcome::Server,
        CallOutcome::Timeout,
        CallOutcome::OtherError,
    ];
}
