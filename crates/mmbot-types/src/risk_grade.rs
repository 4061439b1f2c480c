//! How much trading risk management allows, in grades.

use crate::intent::Intent;

/// How careful the session is, the mildest first.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    serde::Serialize,
    serde::Deserialize,
)]
#[repr(u8)]
pub enum RiskGrade {
    /// Quotes as parameters say.
    #[default]
    Normal = 0,
    /// Quotes with a wider spread.
    Wide = 1,
    /// Only orders that reduce the position; others are cancelled.
    ReduceOnly = 2,
    /// No orders; own ones are cancelled.
    Flat = 3,
    /// As [`RiskGrade::Flat`], until somebody resumes by hand.
    Halted = 4,
}

impl RiskGrade {
    /// All grades, the mildest first.
    pub const ALL: [RiskGrade; 5] = [
        RiskGrade::Normal,
        RiskGrade::Wide,
        RiskGrade::ReduceOnly,
        RiskGrade::Flat,
        RiskGrade::Halted,
    ];

    /// Name in metrics, journals and the admin interface.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            RiskGrade::Normal => "NORMAL",
            RiskGrade::Wide => "WIDE",
            RiskGrade::ReduceOnly => "REDUCE_ONLY",
            RiskGrade::Flat => "FLAT",
            RiskGrade::Halted => "HALTED",
        }
    }

    /// The grade of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grade| grade.name() == name)
    }

    /// Whether a request may be sent. A live order whose intent is not allowed is cancelled.
    #[must_use]
    pub const fn allows(self, intent: Intent) -> bool {
        match (self, intent) {
            (_, Intent::Cancel) | (RiskGrade::Normal | RiskGrade::Wide, _) => true,
            (RiskGrade::ReduceOnly, Intent::Reduce) => true,
            (RiskGrade::ReduceOnly, Intent::Expand) => false,
            (RiskGrade::Flat | RiskGrade::Halted, Intent::Reduce | Intent::Expand) => false,
        }
    }
}
