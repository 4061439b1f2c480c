//! What a session allows one of its symbols until the next synchronisation.
//!
//! Symbols run on their own between two synchronisations. What is limited for all of them together
//! (requests of the session, gross exposure) is lent out at each: a symbol may use its share and
//! no more, so that no sum can exceed its limit however the symbols are interleaved.

use mmbot_types::{BlockDetail, Cause, Color, Side, TsNs};

/// Guards that hold a symbol back, one bit each, in the order of the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Holds(u16);

impl Holds {
    /// Nothing holds back.
    pub const NONE: Holds = Holds(0);
    /// Kill: of the session, or a halted risk state.
    pub const KILL: Holds = Holds(1);
    /// Another instance leads.
    pub const NOT_LEADER: Holds = Holds(1 << 1);
    /// Drawdown pause.
    pub const RISK_PAUSED: Holds = Holds(1 << 2);
    /// Runtime guard pause, of the session or of the symbol.
    pub const GUARD_PAUSED: Holds = Holds(1 << 3);
    /// Outside all trading windows.
    pub const SCHEDULER_CLOSED: Holds = Holds(1 << 4);
    /// A cap of the day is reached.
    pub const INTRADAY_CAPS: Holds = Holds(1 << 5);
    /// The symbol's position is frozen.
    pub const POS_SKEW: Holds = Holds(1 << 6);
    /// Graded risk state: only reducing orders.
    pub const REDUCE_ONLY: Holds = Holds(1 << 7);

    /// Those that stop all quoting, with what is counted and why orders are cancelled.
    const STOPS: [(Holds, BlockDetail, Cause); 5] = [
        (Self::KILL, BlockDetail::Kill, Cause::Kill),
        (Self::NOT_LEADER, BlockDetail::NotLeader, Cause::Kill),
        (Self::RISK_PAUSED, BlockDetail::RiskPaused, Cause::RiskPause),
        (
            Self::GUARD_PAUSED,
            BlockDetail::GuardPaused,
            Cause::GuardPause,
        ),
        (
            Self::SCHEDULER_CLOSED,
            BlockDetail::SchedulerClosed,
            Cause::ScheduleClosed,
        ),
    ];
    /// Those that let reducing orders pass.
    const REDUCING: [(Holds, BlockDetail); 3] = [
        (Self::INTRADAY_CAPS, BlockDetail::IntradayCaps),
        (Self::POS_SKEW, BlockDetail::PosSkew),
        (Self::REDUCE_ONLY, BlockDetail::ReduceOnly),
    ];

    /// Names of those that hold, in the order of the checks.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        let stops = Self::STOPS.iter().map(|hit| (hit.0, hit.1));
        let all = stops.chain(Self::REDUCING);
        all.filter(|(hold, _)| self.has(*hold))
            .map(|(_, detail)| detail.name())
            .collect()
    }

    /// Adds `hold` if `on`.
    pub const fn set(&mut self, hold: Holds, on: bool) {
        if on {
            self.0 |= hold.0;
        }
    }

    /// True if `hold` is among them.
    #[inline]
    #[must_use]
    pub const fn has(self, hold: Holds) -> bool {
        self.0 & hold.0 != 0
    }

    /// The first guard that stops all quoting.
    #[inline]
    #[must_use]
    pub fn stop(self) -> Option<(BlockDetail, Cause)> {
        if self.0 == 0 {
            return None;
        }
        let hit = Self::STOPS.iter().find(|(hold, ..)| self.has(*hold))?;
        Some((hit.1, hit.2))
    }

    /// The first guard that lets only reducing orders pass.
    #[inline]
    #[must_use]
    pub fn reduce_only(self) -> Option<BlockDetail> {
        if self.0 == 0 {
            return None;
        }
        let hit = Self::REDUCING.iter().find(|(hold, _)| self.has(*hold))?;
        Some(hit.1)
    }
}

/// What the circuit breaker lets through; cancels always pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum Circuit {
    /// Everything.
    #[default]
    Closed,
    /// One create or amend, whose result is a probe.
    Probe,
    /// Nothing.
    Open,
}

impl Circuit {
    /// Name in explanations.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Circuit::Closed => "closed",
            Circuit::Probe => "probe",
            Circuit::Open => "open",
        }
    }
}

/// Requests that may still be sent before the next synchronisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Lent {
    /// New orders.
    pub creates: u32,
    /// Amends.
    pub amends: u32,
    /// Cancels of the quoting kind; those of guards, stop and kill need none.
    pub cancels: u32,
}

impl Lent {
    /// As many as wanted.
    pub const UNLIMITED: Lent = Lent {
        creates: u32::MAX,
        amends: u32::MAX,
        cancels: u32::MAX,
    };
}

/// What the symbol may quote, from the allocator.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct QuoteBudget {
    /// Notional per side, USD.
    pub target_usd: f64,
    /// Open orders per side at most.
    pub levels_max: u32,
    /// Factor of the notional per side: bids, asks.
    pub side_mult: [f64; 2],
}

/// Autopolicy's calmer values.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Calmer {
    /// In place of `strategy.min_time_in_book_ms`.
    pub min_time_in_book_ms: i64,
    /// In place of `strategy.replace_threshold_bps`.
    pub replace_threshold_bps: f64,
    /// Levels per side at most.
    pub levels_max: u32,
}

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Permit {
    /// Guards that hold back.
    pub holds: Holds,
    /// What may be quoted; `None` while the allocator has no target for the symbol.
    pub budget: Option<QuoteBudget>,
    /// Expected slippage of fills, bps; 0 where nothing is known.
    pub slippage_bps: f64,
    /// Factor of the spread: mux times graded risk.
    pub spread_mult: f64,
    /// Factor of the size, at most 1.
    pub size_mult: f64,
    /// Factor of an order's quantity by colour and side.
    pub color_mult: [[f64; 2]; 2],
    /// Gross exposure that the symbol may reach, USD; infinite without a limit.
    pub gross_cap_usd: f64,
    /// Requests that may be sent.
    pub lent: Lent,
    /// Creates and amends wait until then.
    pub backoff_until: TsNs,
    /// Circuit breaker.
    pub circuit: Circuit,
    /// Autopolicy's values, if its level is above 0.
    pub calmer: Option<Calmer>,
    /// A symbol's decisions are at least so far apart, ms.
    pub refresh_ms_min: i64,
    /// Equity of the session at the synchronisation, USD, and this symbol's part of its PnL then.
    pub equity_usd: f64,
    /// See `equity_usd`.
    pub own_net_usd: f64,
    /// New orders are compared with the displayed best level.
    pub shadows: bool,
}

impl Permit {
    /// What a trader without a session may do: quote `target_usd` per side.
    #[must_use]
    pub const fn alone(target_usd: f64, gross_cap_usd: f64, equity_usd: f64) -> Self {
        Self {
            holds: Holds::NONE,
            budget: Some(QuoteBudget {
                target_usd,
                levels_max: u32::MAX,
                side_mult: [1.0; 2],
            }),
            slippage_bps: 0.0,
            spread_mult: 1.0,
            size_mult: 1.0,
            color_mult: [[1.0; 2]; 2],
            gross_cap_usd,
            lent: Lent::UNLIMITED,
            backoff_until: TsNs::ZERO,
            circuit: Circuit::Closed,
            calmer: None,
            refresh_ms_min: 0,
            equity_usd,
            own_net_usd: 0.0,
            shadows: false,
        }
    }

    /// Notional that a side may quote, USD.
    #[inline]
    #[must_use]
    pub fn side_usd(&self, side: Side) -> f64 {
        self.budget.map_or(0.0, |budget| {
            budget.target_usd * budget.side_mult[side.index()]
        })
    }

    /// Factor of the quantity of an order.
    #[inline]
    #[must_use]
    pub const fn color_size(&self, color: Color, side: Side) -> f64 {
        self.color_mult[color.index()][side.index()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// spec: 02-5.3/1 02-5.3/2 02-5.3/3 02-5.3/4 02-5.3/5
    #[test]
    fn guards_refuse_in_the_order_of_the_checks() {
        let mut holds = Holds::NONE;
        assert_eq!((holds.stop(), holds.reduce_only()), (None, None));
        let mut expected = Vec::new();
        for (hold, detail, _) in Holds::STOPS.iter().rev() {
            holds.set(*hold, true);
            expected.push(*detail);
            assert_eq!(holds.stop().map(|hit| hit.0), Some(*detail));
        }
        assert!(
            expected.is_sorted_by(|a, b| a > b),
            "details have the order of the checks"
        );
        for (hold, detail) in Holds::REDUCING.iter().rev() {
            holds.set(*hold, true);
            assert_eq!(holds.reduce_only(), Some(*detail));
        }
        holds.set(Holds::KILL, false);
        assert!(
            holds.has(Holds::KILL),
            "a guard that does not hold does not lift another"
        );
    }
}
