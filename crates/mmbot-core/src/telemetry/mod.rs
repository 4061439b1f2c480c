//! What a trader did, as numbers; plain data that reports and metrics are made of.

pub mod blocks;
pub mod histogram;

pub use blocks::Blocks;
pub use histogram::{Histogram, SignedHistogram};

use mmbot_types::{BlockDetail, Money, QtyLot, TsNs};

/// Names of the buckets of the age of orders found stale, upper bounds included.
pub const STALE_AGE_BUCKETS: [&str; 5] = [
    "0-100ms",
    "100-500ms",
    "500-1000ms",
    "1000-5000ms",
    "5000ms+",
];

/// Counters and distributions of one trader since its start; those of every order first.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[repr(C)]
pub struct Telemetry {
    // what one request counts does not stand side by side: counted in one step of two lanes, it
    // would wait for the single store before it
    /// Order actions wanted, allowed or refused.
    pub attempts: u64,
    /// New orders accepted by the venue.
    pub accepted: u64,
    /// New orders sent.
    pub places: u64,
    /// Orders with at least one fill.
    pub orders_with_fill: u64,
    /// Cancels sent.
    pub cancels: u64,
    /// Fills of resting orders.
    pub maker_fills: u64,
    /// Cancels because the runtime guard pauses.
    pub guard_cancels: u64,
    /// Replaces sent: an amend, or a cancel for a new price, counted once.
    pub replaces: u64,
    /// Refusals and decisions.
    pub blocks: Blocks,
    /// Time from decision to the answer of the venue, ns.
    pub ack_latency_ns: Histogram,
    /// Resting time of orders at one price, ns.
    pub order_age_ns: Histogram,
    /// Time from joining a queue to a fill there, ns.
    pub queue_wait_ns: Histogram,
    /// Notional of all fills.
    pub turnover: Money,
    /// Position over time.
    pub position: PositionStats,
    /// Slippage per fill, 1e-4 bps.
    pub slippage_bps_e4: SignedHistogram,
    /// Adverse move per fill, 1e-4 bps.
    pub adverse_bps_e4: SignedHistogram,
    /// Replacements refused, by [`BlockDetail`]; each is one of `blocks`, too.
    pub replace_denials: [u64; BlockDetail::COUNT],
    /// Amends sent.
    pub amends: u64,
    /// New orders refused by the venue.
    pub rejected: u64,
    /// Amends refused by the venue.
    pub amend_rejects: u64,
    /// Cancels refused by the venue.
    pub cancel_rejects: u64,
    /// Fills that took.
    pub taker_fills: u64,
    /// Notional of fills that took.
    pub taker_turnover: Money,
    /// Reports that no state of their order allows.
    pub illegal_transitions: u64,
    /// Reports about orders that are not (or no longer) known.
    pub orphan_reports: u64,
    /// Fills that were reported before.
    pub duplicate_fills: u64,
    /// Requests without an answer for three seconds.
    pub timeouts: u64,
    /// Passes of the tail cancel that took something out.
    pub batch_cancels: u64,
    /// Orders taken out for age off their target.
    pub tail_cancels: u64,
    /// Orders taken out for age alone.
    pub ttl_cancels: u64,
    /// Orders taken out because the mid moved away.
    pub drift_cancels: u64,
    /// Orders moved because the mid moved away.
    pub drift_refreshes: u64,
    /// Orders found stale by age, see [`STALE_AGE_BUCKETS`].
    pub stale_ages: [u64; STALE_AGE_BUCKETS.len()],
    /// Amends sent, and those that took effect, by side.
    pub amends_of: [u64; 2],
    /// See `amends_of`.
    pub amended_of: [u64; 2],
}

impl Telemetry {
    /// Fills.
    #[must_use]
    pub const fn fills(&self) -> u64 {
        self.maker_fills + self.taker_fills
    }

    /// An order of this age was found stale.
    pub const fn found_stale(&mut self, age_ns: i64) {
        let bucket = match age_ns {
            ..=100_000_000 => 0,
            100_000_001..=500_000_000 => 1,
            500_000_001..=1_000_000_000 => 2,
            1_000_000_001..=5_000_000_000 => 3,
            _ => 4,
        };
        self.stale_ages[bucket] += 1;
    }
}

/// Largest and average position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct PositionStats {
    max_abs: QtyLot,
    /// Lots times nanoseconds.
    area: i128,
    from: Option<TsNs>,
    since: TsNs,
}

impl PositionStats {
    /// The position was `before` until `now` and is `after` from now on.
    #[inline]
    pub fn change(&mut self, before: QtyLot, after: QtyLot, now: TsNs) {
        self.pass(before, now);
        if after.abs() > self.max_abs {
            self.max_abs = after.abs();
        }
    }

    /// The position was `held` until `now`.
    #[inline]
    pub fn pass(&mut self, held: QtyLot, now: TsNs) {
        if self.from.is_none() {
            (self.from, self.since) = (Some(now), now);
        }
        let passed = now.since_ns(self.since).max(0);
        self.area += i128::from(held.abs().get()) * i128::from(passed);
        if now > self.since {
            self.since = now;
        }
    }

    /// Largest magnitude.
    #[must_use]
    pub const fn max_abs(&self) -> QtyLot {
        self.max_abs
    }

    /// Time-weighted mean magnitude, lots.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn avg_abs_lots(&self) -> f64 {
        let span = self.from.map_or(0, |from| self.since.since_ns(from));
        if span > 0 {
            self.area as f64 / span as f64
        } else {
            0.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// spec: 02-9
    #[test]
    fn buckets_of_stale_ages_include_their_upper_bounds() {
        let mut t = Telemetry::default();
        for ms in [
            0,
            100,
            101,
            500,
            501,
            1000,
            1001,
            5000,
            5001,
            i64::MAX / 1_000_000,
        ] {
            t.found_stale(ms * 1_000_000);
        }
        assert_eq!(t.stale_ages, [2; 5]);
    }

    #[test]
    fn the_average_position_is_weighted_by_time() {
        let mut stats = PositionStats::default();
        let (zero, short) = (QtyLot::ZERO, QtyLot::new(-4));
        assert_eq!(stats.avg_abs_lots(), 0.0);
        stats.pass(zero, TsNs::new(100));
        stats.change(zero, short, TsNs::new(130));
        stats.pass(short, TsNs::new(140));
        assert_eq!(stats.avg_abs_lots(), 1.0);
        assert_eq!(stats.max_abs(), QtyLot::new(4));
    }
}
