//! How the simulated exchange treats one lane: fill rules, latency, fees, faults.

use crate::queue::QueueModel;
use mmbot_types::{Action, CounterRng, FeeRate};
use thiserror::Error;

/// When a resting order fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FillMode {
    /// Only when a print goes through its price or the opposite quote reaches it.
    Conservative,
    /// Also by queue position at its own price.
    QueueAware,
}

/// How long a report takes to reach the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseLatency {
    /// As long as the market data of that moment took (receive minus exchange time).
    OfFeed,
    /// Constant.
    ConstantNs(i64),
}

/// Simulation parameters of one lane; keys as in a calibration file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SimConfig {
    /// Fill rule.
    pub mode: FillMode,
    /// Queue model of `QueueAware`.
    pub queue: QueueModel,
    /// Orders fill piece by piece, each print and quote up to its size. Without this an order that
    /// is reached fills whole, however small the print: not real, but what some simulators do, and
    /// comparing with them needs it.
    pub partial_fills: bool,
    /// `latency_ms_mean`: mean latency of new orders.
    pub latency_ms_mean: f64,
    /// `latency_ms_std`: its standard deviation; draws below zero count as zero.
    pub latency_ms_std: f64,
    /// `amend_latency_ms`.
    pub amend_latency_ms: f64,
    /// `cancel_latency_ms`.
    pub cancel_latency_ms: f64,
    /// Latency of reports.
    pub response: ResponseLatency,
    /// `toxic_sweep_prob`: a fill takes the whole rest of the order, as taker.
    pub toxic_sweep_prob: f64,
    /// `extra_slippage_bps`: every execution price moved against us.
    pub extra_slippage_bps: f64,
    /// Share of new orders that are refused.
    pub reject_prob: f64,
    /// Requests (of any kind but cancels) accepted per second; 0 is no limit.
    pub max_requests_per_sec: u32,
    /// Maker fee.
    pub maker_fee: FeeRate,
    /// Taker fee.
    pub taker_fee: FeeRate,
    /// Seed of latency and fault draws.
    pub seed: u64,
}

/// A simulation parameter outside its range.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
#[error("{key} must be in [{lo},{hi}]")]
pub struct SimConfigError {
    /// Which key.
    pub key: &'static str,
    /// Lower bound.
    pub lo: f64,
    /// Upper bound.
    pub hi: f64,
}

impl Default for SimConfig {
    fn default() -> Self {
        Self {
            mode: FillMode::QueueAware,
            queue: QueueModel::Power { n: 2.0 },
            partial_fills: true,
            latency_ms_mean: 0.0,
            latency_ms_std: 0.0,
            amend_latency_ms: 0.0,
            cancel_latency_ms: 0.0,
            response: ResponseLatency::OfFeed,
            toxic_sweep_prob: 0.0,
            extra_slippage_bps: 0.0,
            reject_prob: 0.0,
            max_requests_per_sec: 0,
            maker_fee: FeeRate::default(),
            taker_fee: FeeRate::default(),
            seed: 42,
        }
    }
}

impl SimConfig {
    /// Checks every range of the calibration file.
    ///
    /// # Errors
    /// The first key outside its range.
    pub fn validate(&self) -> Result<(), SimConfigError> {
        let power = match self.queue {
            QueueModel::Power { n } | QueueModel::Calibrated { n } => n,
            QueueModel::Conservative | QueueModel::Log => 2.0,
        };
        let ranges = [
            ("latency_ms_mean", self.latency_ms_mean, 0.0, 10_000.0),
            ("latency_ms_std", self.latency_ms_std, 0.0, 10_000.0),
            ("amend_latency_ms", self.amend_latency_ms, 0.0, 10_000.0),
            ("cancel_latency_ms", self.cancel_latency_ms, 0.0, 10_000.0),
            ("toxic_sweep_prob", self.toxic_sweep_prob, 0.0, 1.0),
            ("extra_slippage_bps", self.extra_slippage_bps, 0.0, 1000.0),
            ("reject_prob", self.reject_prob, 0.0, 1.0),
            ("queue_power_n", power, 0.1, 10.0),
        ];
        for (key, value, lo, hi) in ranges {
            if !(lo..=hi).contains(&value) {
                return Err(SimConfigError { key, lo, hi });
            }
        }
        Ok(())
    }
}

/// Request latency of a lane: one draw per order, so that lanes with other parameters see the same
/// luck (common random numbers).
#[derive(Debug, Clone, Copy)]
pub struct RequestLatency {
    mean_ns: f64,
    std_ns: f64,
    /// Of a new order where nothing is drawn.
    place_ns: i64,
    amend_ns: i64,
    cancel_ns: i64,
    rng: CounterRng,
}

impl RequestLatency {
    /// Latency as `config` says.
    #[must_use]
    pub fn new(config: &SimConfig) -> Self {
        Self {
            mean_ns: config.latency_ms_mean * 1e6,
            std_ns: config.latency_ms_std * 1e6,
            place_ns: ms_to_ns(config.latency_ms_mean),
            amend_ns: ms_to_ns(config.amend_latency_ms),
            cancel_ns: ms_to_ns(config.cancel_latency_ms),
            rng: CounterRng::new(config.seed, "entry_latency"),
        }
    }

    /// Nanoseconds from sending `action` to its effect at the exchange. `draw` numbers the lane's
    /// new orders.
    #[inline]
    #[must_use]
    #[allow(clippy::cast_possible_truncation)] // bounded by the validated range
    pub fn of(&self, action: &Action, draw: u64) -> i64 {
        match action {
            Action::Place(_) if self.std_ns > 0.0 => {
                (self.mean_ns + self.std_ns * self.rng.normal(draw)).max(0.0) as i64
            }
            Action::Place(_) => self.place_ns,
            Action::Amend { .. } => self.amend_ns,
            Action::Cancel { .. } => self.cancel_ns,
        }
    }
}

#[allow(clippy::cast_possible_truncation)] // bounded by the validated range
fn ms_to_ns(ms: f64) -> i64 {
    (ms * 1e6) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use mmbot_types::{Cid, NewOrder, PriceTick, QtyLot, Side, TimeInForce};

    #[test]
    fn ranges_are_those_of_the_calibration_file() {
        assert_eq!(SimConfig::default().validate(), Ok(()));
        let bad = SimConfig {
            toxic_sweep_prob: 1.5,
            ..SimConfig::default()
        };
        assert_eq!(bad.validate().unwrap_err().key, "toxic_sweep_prob");
        let bad = SimConfig {
            latency_ms_mean: f64::NAN,
            ..SimConfig::default()
        };
        assert_eq!(bad.validate().unwrap_err().key, "latency_ms_mean");
        let bad = SimConfig {
            queue: QueueModel::Power { n: 0.0 },
            ..SimConfig::default()
        };
        assert_eq!(bad.validate().unwrap_err().key, "queue_power_n");
    }

    #[test]
    fn latency_is_drawn_per_order_and_never_negative() {
        let config = SimConfig {
            latency_ms_mean: 1.0,
            latency_ms_std: 2.0,
            ..SimConfig::default()
        };
        let latency = RequestLatency::new(&config);
        let place = Action::Place(NewOrder {
            cid: Cid::new(1),
            side: Side::Buy,
            px: PriceTick::new(1),
            qty: QtyLot::new(1),
            tif: TimeInForce::PostOnly,
        });
        let draws: Vec<i64> = (0..500).map(|i| latency.of(&place, i)).collect();
        assert!(draws.iter().all(|ns| *ns >= 0) && draws.contains(&0));
        let mean = draws.iter().sum::<i64>() / 500;
        assert!((1_000_000..1_900_000).contains(&mean), "{mean}");
        assert_eq!(latency.of(&place, 7), draws[7]);
    }
}
