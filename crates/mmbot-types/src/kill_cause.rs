//! Who kills a session.

/// Who kills a session.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum KillCause {
    /// An operator.
    Operator,
    /// An invariant of ours does not hold.
    Invariant,
    /// The venue refuses the session (keys, ban, clock).
    Venue,
}

impl KillCause {
    /// All causes.
    pub const ALL: [KillCause; 3] = [KillCause::Operator, KillCause::Invariant, KillCause::Venue];

    /// Name in journals and the admin interface.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            KillCause::Operator => "operator",
            KillCause::Invariant => "invariant",
            KillCause::Venue => "venue",
        }
    }
}
