//! What to generate: instrument, regime, seed, depth, probes.

use super::probe::ProbeConfig;
use super::regime::Regime;
use mmbot_types::{Decimal, TsNs};
use thiserror::Error;

/// Largest share of ticks a price may have: prices must fit the `i32` column with room to move.
const START_TICK_MAX: f64 = 200_000_000.0;
/// Below this many ticks a tick is more than 1% of the price, and the model's scales mean nothing.
const START_TICK_MIN: f64 = 100.0;
/// Levels a side that can be published.
const LEVELS_MAX: usize = 1_000;
/// Quote currency that the touch queue of a liquid perpetual holds on average; measured on BTCUSDT
/// and ETHUSDT perpetuals (docs/synthetic-market.md): 220,000 and 50,000.
const TOUCH_USD: f64 = 200_000.0;

/// Why a market can not be made.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum MarketError {
    /// A field is out of its range.
    #[error("{key} must be {rule}")]
    Config {
        /// Field.
        key: &'static str,
        /// Range in words.
        rule: &'static str,
    },
}

/// Grids and scales of the generated instrument.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InstrumentPreset {
    /// Price at the start, quote currency.
    pub start_price: f64,
    /// Price grid, quote currency.
    pub tick_size: f64,
    /// Quantity grid, base currency.
    pub lot_size: f64,
    /// Average value of the queue at the best price, quote currency.
    pub touch_usd: f64,
}

impl InstrumentPreset {
    /// A linear perpetual like BTCUSDT: tick 0.1, lot 0.001, start price 50,000.
    #[must_use]
    pub const fn btcusdt() -> Self {
        Self {
            start_price: 50_000.0,
            tick_size: 0.1,
            lot_size: 0.001,
            touch_usd: TOUCH_USD,
        }
    }

    /// An instrument of the given grids with the depth of the default preset.
    #[must_use]
    pub fn with_grid(start_price: f64, tick_size: Decimal, lot_size: Decimal) -> Self {
        Self {
            start_price,
            tick_size: tick_size.to_f64(),
            lot_size: lot_size.to_f64(),
            touch_usd: TOUCH_USD,
        }
    }

    /// Start price in ticks.
    pub(super) fn start_ticks(&self) -> f64 {
        libm::round(self.start_price / self.tick_size)
    }

    /// Average queue at the best price in lots, at least 20.
    pub(super) fn touch_lots(&self) -> f64 {
        (self.touch_usd / (self.start_price * self.lot_size)).clamp(20.0, 1e12)
    }

    fn check(&self) -> Result<(), MarketError> {
        let positive = |key, value: f64| {
            if value.is_finite() && value > 0.0 {
                return Ok(());
            }
            let rule = "a positive finite number";
            Err(MarketError::Config { key, rule })
        };
        positive("start_price", self.start_price)?;
        positive("tick_size", self.tick_size)?;
        positive("lot_size", self.lot_size)?;
        positive("touch_usd", self.touch_usd)?;
        let ticks = self.start_ticks();
        if !(START_TICK_MIN..=START_TICK_MAX).contains(&ticks) {
            return Err(MarketError::Config {
                key: "start_price",
                rule: "between 100 and 200,000,000 ticks",
            });
        }
        Ok(())
    }
}

/// A market to generate. Equal configurations give equal bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct MarketConfig {
    /// Seed of everything random.
    pub seed: u64,
    /// What kind of market.
    pub regime: Regime,
    /// Grids and scales.
    pub instrument: InstrumentPreset,
    /// Venue time of the opening snapshot.
    pub start_ts: TsNs,
    /// Published levels a side (1..=1000).
    pub levels: usize,
    /// Probes whose true queue place is logged; they do not change the market.
    pub probes: Option<ProbeConfig>,
}

impl MarketConfig {
    /// 50 published levels of a BTCUSDT-like perpetual, no probes, starting at the epoch.
    #[must_use]
    pub const fn new(seed: u64, regime: Regime) -> Self {
        Self {
            seed,
            regime,
            instrument: InstrumentPreset::btcusdt(),
            start_ts: TsNs::ZERO,
            levels: 50,
            probes: None,
        }
    }

    pub(super) fn check(&self) -> Result<(), MarketError> {
        self.instrument.check()?;
        if self.levels == 0 || self.levels > LEVELS_MAX {
            return Err(MarketError::Config {
                key: "levels",
                rule: "between 1 and 1000",
            });
        }
        // 100 years keep every time of a run far from the end of the i64 range
        if self.start_ts.get() < 0 || self.start_ts.get() > i64::MAX - 100 * 31_557_600_000_000_000
        {
            return Err(MarketError::Config {
                key: "start_ts",
                rule: "a time since the epoch that leaves room for 100 years",
            });
        }
        self.probes.map_or(Ok(()), |probes| probes.check())
    }
}
