//! Why the engine did not act, and why it did: closed enums, ordered by precedence.

/// The four reasons of the block accounting (edge report, soak, applied profile).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum BlockReason {
    /// A limit, guard, pause or unusable book forbids it.
    Risk = 0,
    /// A rate limit, back-off or open circuit forbids it now.
    Throttle = 1,
    /// Too many replaces are in flight.
    Concurrency = 2,
    /// Too soon after the last replace, or the order is too young.
    MinInterval = 3,
}

impl BlockReason {
    /// All reasons in precedence order.
    pub const ALL: [BlockReason; 4] = [
        BlockReason::Risk,
        BlockReason::Throttle,
        BlockReason::Concurrency,
        BlockReason::MinInterval,
    ];

    /// Name used in reports and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            BlockReason::Risk => "risk",
            BlockReason::Throttle => "throttle",
            BlockReason::Concurrency => "concurrency",
            BlockReason::MinInterval => "min_interval",
        }
    }
}

/// The check that refused, in the order in which checks run; each belongs to one [`BlockReason`].
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[repr(u8)]
pub enum BlockDetail {
    /// Book unsynced, stale, or an input is not finite.
    StaleBook = 0,
    /// Adverse guard: the book leans against this side.
    Adverse,
    /// Stopped or killed.
    Kill,
    /// Another instance leads.
    NotLeader,
    /// Drawdown pause.
    RiskPaused,
    /// Runtime guard pause.
    GuardPaused,
    /// Outside all trading windows.
    SchedulerClosed,
    /// A cap of the day is reached: only reducing orders.
    IntradayCaps,
    /// Position skew freeze: only reducing orders.
    PosSkew,
    /// Graded risk state: only reducing orders.
    ReduceOnly,
    /// Position limit.
    LimitPosition,
    /// Gross exposure limit.
    LimitGrossExposure,
    /// Single order notional limit.
    LimitOrderNotional,
    /// Active orders per side limit.
    LimitActiveOrders,
    /// Levels of the target are used up.
    PortfolioLevels,
    /// Budget of the target is used up.
    PortfolioBudget,
    /// Circuit breaker is open.
    CircuitOpen,
    /// Request window is full.
    ThrottleBlock,
    /// Backing off after errors or lag.
    Backoff,
    /// More replaces in flight than allowed.
    InFlight,
    /// Less than `min_interval_ms` since the last replace.
    Interval,
    /// `replace_rate_per_min` reached.
    RatePerMin,
    /// Order younger than `min_time_in_book_ms`.
    TimeInBook,
}

impl BlockDetail {
    /// Number of details.
    pub const COUNT: usize = 23;

    /// All details in check order.
    pub const ALL: [BlockDetail; Self::COUNT] = [
        BlockDetail::StaleBook,
        BlockDetail::Adverse,
        BlockDetail::Kill,
        BlockDetail::NotLeader,
        BlockDetail::RiskPaused,
        BlockDetail::GuardPaused,
        BlockDetail::SchedulerClosed,
        BlockDetail::IntradayCaps,
        BlockDetail::PosSkew,
        BlockDetail::ReduceOnly,
        BlockDetail::LimitPosition,
        BlockDetail::LimitGrossExposure,
        BlockDetail::LimitOrderNotional,
        BlockDetail::LimitActiveOrders,
        BlockDetail::PortfolioLevels,
        BlockDetail::PortfolioBudget,
        BlockDetail::CircuitOpen,
        BlockDetail::ThrottleBlock,
        BlockDetail::Backoff,
        BlockDetail::InFlight,
        BlockDetail::Interval,
        BlockDetail::RatePerMin,
        BlockDetail::TimeInBook,
    ];

    /// The accounting reason of this check.
    #[must_use]
    pub const fn reason(self) -> BlockReason {
        match self {
            BlockDetail::StaleBook
            | BlockDetail::Adverse
            | BlockDetail::Kill
            | BlockDetail::NotLeader
            | BlockDetail::RiskPaused
            | BlockDetail::GuardPaused
            | BlockDetail::SchedulerClosed
            | BlockDetail::IntradayCaps
            | BlockDetail::PosSkew
            | BlockDetail::ReduceOnly
            | BlockDetail::LimitPosition
            | BlockDetail::LimitGrossExposure
            | BlockDetail::LimitOrderNotional
            | BlockDetail::LimitActiveOrders
            | BlockDetail::PortfolioLevels
            | BlockDetail::PortfolioBudget => BlockReason::Risk,
            BlockDetail::CircuitOpen
            | BlockDetail::ThrottleBlock
            | BlockDetail::Backoff
            | BlockDetail::RatePerMin => BlockReason::Throttle,
            BlockDetail::InFlight => BlockReason::Concurrency,
            BlockDetail::Interval | BlockDetail::TimeInBook => BlockReason::MinInterval,
        }
    }

    /// Name used in reports and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            BlockDetail::StaleBook => "stale_book",
            BlockDetail::Adverse => "adverse",
            BlockDetail::Kill => "kill",
            BlockDetail::NotLeader => "not_leader",
            BlockDetail::RiskPaused => "risk_paused",
            BlockDetail::GuardPaused => "guard_paused",
            BlockDetail::SchedulerClosed => "scheduler_closed",
            BlockDetail::IntradayCaps => "intraday_caps",
            BlockDetail::PosSkew => "pos_skew",
            BlockDetail::ReduceOnly => "reduce_only",
            BlockDetail::LimitPosition => "limit_position",
            BlockDetail::LimitGrossExposure => "limit_gross_exposure",
            BlockDetail::LimitOrderNotional => "limit_order_notional",
            BlockDetail::LimitActiveOrders => "limit_active_orders",
            BlockDetail::PortfolioLevels => "portfolio_levels",
            BlockDetail::PortfolioBudget => "portfolio_budget",
            BlockDetail::CircuitOpen => "circuit_open",
            BlockDetail::ThrottleBlock => "throttle_block",
            BlockDetail::Backoff => "backoff",
            BlockDetail::InFlight => "inflight",
            BlockDetail::Interval => "interval",
            BlockDetail::RatePerMin => "rate_per_min",
            BlockDetail::TimeInBook => "time_in_book",
        }
    }
}

/// Why an order request was made.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[repr(u8)]
pub enum Cause {
    /// Stop or kill: everything goes.
    Kill = 0,
    /// Drawdown pause or limit breach.
    RiskPause,
    /// Runtime guard pause.
    GuardPause,
    /// Outside all trading windows.
    ScheduleClosed,
    /// An order that would expand the position while only reducing is allowed.
    ReduceOnly,
    /// The book became unusable.
    StaleBook,
    /// Adverse guard.
    Adverse,
    /// Order older than `order_ttl_ms`.
    TtlExpired,
    /// Mid moved more than `price_drift_bps` since the order was placed.
    PriceDrift,
    /// Tail-age batch cancel.
    TailAge,
    /// No target at this level any more.
    NoTarget,
    /// Target moved: replace.
    Replace,
    /// New target without an order.
    Quote,
}

impl Cause {
    /// Name used in journals and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Cause::Kill => "kill",
            Cause::RiskPause => "risk_pause",
            Cause::GuardPause => "guard_pause",
            Cause::ScheduleClosed => "schedule_closed",
            Cause::ReduceOnly => "reduce_only",
            Cause::StaleBook => "stale_book",
            Cause::Adverse => "adverse",
            Cause::TtlExpired => "ttl_expired",
            Cause::PriceDrift => "price_drift",
            Cause::TailAge => "tail_age",
            Cause::NoTarget => "no_target",
            Cause::Replace => "replace",
            Cause::Quote => "quote",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_listed_once_in_check_order() {
        for (i, detail) in BlockDetail::ALL.iter().enumerate() {
            assert_eq!(*detail as usize, i);
        }
        for (i, reason) in BlockReason::ALL.iter().enumerate() {
            assert_eq!(*reason as usize, i);
        }
    }
}
