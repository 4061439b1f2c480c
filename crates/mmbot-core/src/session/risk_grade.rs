//! Grades of risk, what each allows, what demands them and how they follow each other. A severer
//! grade is entered at once; a milder one after the minimum stay in the present one; nothing but a
//! resume by hand leaves `HALTED`.

pub use mmbot_types::{KillCause, RiskGrade};

/// Why the grade is what it is: in order of precedence where several demand the same grade.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum RiskCause {
    /// Killed.
    Kill(KillCause),
    /// Drawdown of the day.
    Drawdown,
    /// The runtime guard pauses.
    RuntimeGuard,
    /// Outside the trading windows.
    Schedule,
    /// What happens cannot be written down.
    Storage,
    /// A cap of the day is breached.
    IntradayCaps,
    /// Set by hand as a floor.
    Override,
    /// What was demanded is not any more, and the minimum stay is over.
    Recovered,
    /// Resumed by hand.
    Resumed,
}

impl RiskCause {
    /// All causes in their order.
    pub const ALL: [RiskCause; 11] = [
        RiskCause::Kill(KillCause::Operator),
        RiskCause::Kill(KillCause::Invariant),
        RiskCause::Kill(KillCause::Venue),
        RiskCause::Drawdown,
        RiskCause::RuntimeGuard,
        RiskCause::Schedule,
        RiskCause::Storage,
        RiskCause::IntradayCaps,
        RiskCause::Override,
        RiskCause::Recovered,
        RiskCause::Resumed,
    ];

    /// Name in journals and audit records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            RiskCause::Kill(KillCause::Operator) => "kill_operator",
            RiskCause::Kill(KillCause::Invariant) => "kill_invariant",
            RiskCause::Kill(KillCause::Venue) => "kill_venue",
            RiskCause::Drawdown => "drawdown",
            RiskCause::RuntimeGuard => "runtime_guard",
            RiskCause::Schedule => "schedule",
            RiskCause::Storage => "storage",
            RiskCause::IntradayCaps => "intraday_caps",
            RiskCause::Override => "override",
            RiskCause::Recovered => "recovered",
            RiskCause::Resumed => "resumed",
        }
    }
}

/// What moves the grade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RiskInput {
    /// All causes together demand a grade.
    Demand {
        /// The severest that is demanded.
        grade: RiskGrade,
        /// The minimum stay in the present grade is over.
        stayed: bool,
    },
    /// Somebody resumes by hand, which lifts kill, pause and floor.
    Resume {
        /// The severest grade that the other causes still demand.
        grade: RiskGrade,
    },
}

/// The next grade.
#[must_use]
pub fn transition(grade: RiskGrade, input: RiskInput) -> RiskGrade {
    match (grade, input) {
        (_, RiskInput::Resume { grade: demanded }) => demanded,
        (RiskGrade::Halted, RiskInput::Demand { .. }) => RiskGrade::Halted,
        (
            RiskGrade::Normal | RiskGrade::Wide | RiskGrade::ReduceOnly | RiskGrade::Flat,
            RiskInput::Demand {
                grade: demanded,
                stayed,
            },
        ) => {
            if stayed {
                demanded
            } else {
                grade.max(demanded)
            }
        }
    }
}
