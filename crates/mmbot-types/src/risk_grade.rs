//! How much trading risk management allows, in grades.

/// A grade, from free to stopped. The order of the variants is the order of severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum RiskGrade {
    /// No restriction.
    #[default]
    Normal = 0,
    /// Quotes are wider.
    Wide,
    /// Only orders that reduce the position.
    ReduceOnly,
    /// The position is closed.
    Flat,
    /// Nothing is sent but cancels.
    Halted,
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

    /// Name in journals, metrics and reports.
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
}
