//! The rules, by name.

/// A rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Invariant {
    /// Never two orders with one client order id, over all symbols of a session.
    OneOrderPerCid = 0,
    /// The engine's position is the sum of the fills that it was told.
    PositionIsSumOfFills,
    /// What may still trade at the exchange counts as open at the engine: unknown orders and
    /// requests under way among them.
    ExposureIsCounted,
    /// No order is sent that could bring the position beyond its limit.
    PositionLimit,
    /// No order beyond the notional of one order is sent.
    OrderNotional,
    /// No order is sent beyond the number of orders per side.
    ActiveOrders,
    /// No order is sent beyond the symbol's share of gross exposure.
    GrossShare,
    /// No order is sent beyond the levels of its target.
    PortfolioLevels,
    /// No order is sent beyond the budget of its side.
    PortfolioBudget,
    /// No window of a symbol or of the session holds more requests than allowed.
    RequestWindows,
    /// No more requests are sent between two synchronisations than were lent.
    LentRequests,
    /// Circuit breaker and back-off are obeyed.
    CircuitAndBackoff,
    /// Replaces keep concurrency, interval and rate.
    ReplaceThrottle,
    /// Nothing is placed or changed while a guard holds the symbol.
    HeldSymbol,
    /// Only reducing orders while only these are allowed.
    ReduceOnly,
    /// Nothing is placed or changed after a stop or a kill.
    SilentAfterStop,
    /// What is lent is not more than what was left.
    LendingAddsUp,
    /// Attempts are requests and refusals.
    BlocksAddUp,
    /// Every report is possible in the state of its order, however late, doubled or reordered.
    NoIllegalTransition,
    /// After a crash the journal brings back the very state that there was.
    RecoveryIsExact,
    /// Money, fees and position agree with the exchange's at the end, to the last unit.
    Conservation,
    /// Once faults are healed, no order stays unknown.
    UnknownsAreResolved,
    /// Once faults are healed, quoting resumes where nothing holds it.
    QuotingResumes,
    /// Once faults are healed, no order of a stopped or killed session rests.
    NothingRestsAfterStop,
}

impl Invariant {
    /// Number of rules.
    pub const COUNT: usize = 24;

    /// All rules in the order of their index.
    pub const ALL: [Invariant; Self::COUNT] = [
        Invariant::OneOrderPerCid,
        Invariant::PositionIsSumOfFills,
        Invariant::ExposureIsCounted,
        Invariant::PositionLimit,
        Invariant::OrderNotional,
        Invariant::ActiveOrders,
        Invariant::GrossShare,
        Invariant::PortfolioLevels,
        Invariant::PortfolioBudget,
        Invariant::RequestWindows,
        Invariant::LentRequests,
        Invariant::CircuitAndBackoff,
        Invariant::ReplaceThrottle,
        Invariant::HeldSymbol,
        Invariant::ReduceOnly,
        Invariant::SilentAfterStop,
        Invariant::LendingAddsUp,
        Invariant::BlocksAddUp,
        Invariant::NoIllegalTransition,
        Invariant::RecoveryIsExact,
        Invariant::Conservation,
        Invariant::UnknownsAreResolved,
        Invariant::QuotingResumes,
        Invariant::NothingRestsAfterStop,
    ];

    /// Name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Invariant::OneOrderPerCid => "one_order_per_cid",
            Invariant::PositionIsSumOfFills => "position_is_sum_of_fills",
            Invariant::ExposureIsCounted => "exposure_is_counted",
            Invariant::PositionLimit => "position_limit",
            Invariant::OrderNotional => "order_notional",
            Invariant::ActiveOrders => "active_orders",
            Invariant::GrossShare => "gross_share",
            Invariant::PortfolioLevels => "portfolio_levels",
            Invariant::PortfolioBudget => "portfolio_budget",
            Invariant::RequestWindows => "request_windows",
            Invariant::LentRequests => "lent_requests",
            Invariant::CircuitAndBackoff => "circuit_and_backoff",
            Invariant::ReplaceThrottle => "replace_throttle",
            Invariant::HeldSymbol => "held_symbol",
            Invariant::ReduceOnly => "reduce_only",
            Invariant::SilentAfterStop => "silent_after_stop",
            Invariant::LendingAddsUp => "lending_adds_up",
            Invariant::BlocksAddUp => "blocks_add_up",
            Invariant::NoIllegalTransition => "no_illegal_transition",
            Invariant::RecoveryIsExact => "recovery_is_exact",
            Invariant::Conservation => "conservation",
            Invariant::UnknownsAreResolved => "unknowns_are_resolved",
            Invariant::QuotingResumes => "quoting_resumes",
            Invariant::NothingRestsAfterStop => "nothing_rests_after_stop",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_listed_once() {
        for (at, rule) in Invariant::ALL.into_iter().enumerate() {
            assert_eq!(rule as usize, at);
        }
    }
}
