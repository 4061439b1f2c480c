//! What a session takes over from an earlier one, as plain data: request windows, slippage
//! calibration, totals of the day. Snapshots and journals hold these; what they mean is the core's.

use crate::op::Op;
use std::collections::BTreeMap;

/// A ring of counts per second.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RingParts {
    /// The current second minus `idx`, seconds since the epoch.
    pub base_ts: i64,
    /// Cell of the current second.
    pub idx: usize,
    /// Counts per second.
    pub ring: Vec<u32>,
}

/// Request windows of a session: payload version 2 of a throttle snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ThrottleSnapshot {
    /// Cells of every ring, seconds.
    pub window_sec: u32,
    /// Symbol (`*` for the session) to one ring per operation, by its index.
    pub symbols: BTreeMap<String, [RingParts; Op::COUNT]>,
}

/// Means of the fills of one symbol.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct SymbolCalibration {
    /// Observations so far.
    pub samples: u64,
    /// Spread, bps.
    pub spread_bps: f64,
    /// Volume, USD.
    pub volume_usd: f64,
    /// Slippage, signed, bps.
    pub slip_bps: f64,
    /// Squared slippage.
    pub slip_sq: f64,
    /// Slippage beyond the half-spread that the cost model charges anyway, signed, bps.
    pub excess_bps: f64,
    /// Size, kUSD, doubled in a thin market.
    pub size_kusd: f64,
}

/// Slope and cap of slippage where they are not those of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct SlippageOverride {
    /// Slope, bps per kUSD; `None` is not set.
    pub k_eff: Option<f64>,
    /// Cap, bps; `None` is not set.
    pub cap_eff_bps: Option<f64>,
}

/// What is known of a day when a session starts in the middle of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DayTotals {
    /// The UTC day, days since 1970.
    pub utc_day: i64,
    /// Net result of the day so far, USD.
    pub pnl_usd: f64,
    /// Sum of fill notionals of the day so far, USD.
    pub turnover_usd: f64,
    /// Sum of squared 1-minute log returns of the day so far, by instrument index.
    pub sum_sq_returns: Vec<f64>,
    /// Limits of result, turnover and volatility (in this order) whose breach is still latched:
    /// without them a restart would lift a stop.
    pub latched_at: [Option<f64>; 3],
}
