//! Fill rate, liquidity and turnover: states that decay, and the factors that they leave.

use mmbot_types::{CostParams, TsNs};

const NS_PER_SEC: f64 = 1e9;
const LEAST_STEP_SEC: f64 = 1.0;

#[allow(clippy::cast_precision_loss)] // a time span; nanoseconds beyond 2^53 do not matter
fn seconds(from: TsNs, to: TsNs) -> f64 {
    to.since_ns(from) as f64 / NS_PER_SEC
}

/// Share of orders that get filled, decayed.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct FillRate {
    /// 0..1; 1 at the start.
    pub rate: f64,
    /// Latest order end.
    pub ts: TsNs,
    /// Order ends that gave a sample.
    pub samples: u64,
}

impl Default for FillRate {
    fn default() -> Self {
        Self {
            rate: 1.0,
            ts: TsNs::ZERO,
            samples: 0,
        }
    }
}

impl FillRate {
    /// With one more order end. Two samples are at least 1 s apart, the first counts as 1 s.
    #[must_use]
    pub fn after(self, filled: bool, now: TsNs, half_life_sec: f64) -> Self {
        let elapsed = if self.samples == 0 {
            0.0
        } else {
            seconds(self.ts, now)
        };
        let decay = libm::exp2(-elapsed.max(LEAST_STEP_SEC) / half_life_sec);
        let sample = f64::from(u8::from(filled));
        Self {
            rate: (decay * self.rate + (1.0 - decay) * sample).clamp(0.0, 1.0),
            ts: now,
            samples: self.samples + 1,
        }
    }
}

/// Traded notional, an exponentially decayed sum.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct Turnover {
    /// Decayed to `ts`, USD.
    pub usd: f64,
    /// Latest fill.
    pub ts: TsNs,
}

impl Turnover {
    /// Decayed to `now`, USD.
    #[must_use]
    pub fn at(self, now: TsNs, half_life_sec: f64) -> f64 {
        self.usd * libm::exp2(-seconds(self.ts, now).max(0.0) / half_life_sec)
    }

    /// With one more fill; `None` where the notional is negative or not finite.
    #[must_use]
    pub fn after(self, usd: f64, now: TsNs, half_life_sec: f64) -> Option<Self> {
        (usd.is_finite() && usd >= 0.0).then(|| Self {
            usd: self.at(now, half_life_sec) + usd,
            ts: now.max(self.ts),
        })
    }
}

/// How an order ended.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct OrderEnd {
    /// Any quantity was filled.
    pub filled: bool,
    /// Time in the book, ms.
    pub rested_ms: f64,
    /// The venue rejected it.
    pub rejected: bool,
}

/// Filled or not, as a sample of the fill rate. Orders that were requoted before
/// `min_time_in_book_ms` give none: normal requoting would look like a poor fill rate.
#[must_use]
pub fn fill_sample(end: OrderEnd, min_time_in_book_ms: f64) -> Option<bool> {
    if end.filled {
        Some(true)
    } else {
        (end.rejected || end.rested_ms >= min_time_in_book_ms).then_some(false)
    }
}

/// Factor of a fill rate.
#[must_use]
pub fn fill_attenuation(rate: f64, params: &CostParams) -> f64 {
    let lack = (params.fill_rate_floor - rate).max(0.0);
    (1.0 - params.fill_rate_sensitivity * lack).clamp(0.0, 1.0)
}

/// Depth over its target, in [floor, 1]; 1 without a target.
#[must_use]
pub fn liquidity_factor(depth_usd: f64, params: &CostParams) -> f64 {
    let target = params.liquidity_depth_usd_target;
    let raw = if target == 0.0 {
        1.0
    } else {
        (depth_usd / target).min(1.0)
    };
    raw.max(params.liquidity_min_floor)
}

/// Factor of the depth.
#[must_use]
pub fn liquidity_attenuation(depth_usd: f64, params: &CostParams) -> f64 {
    1.0 - params.liquidity_sensitivity * (1.0 - liquidity_factor(depth_usd, params))
}

/// Factor of turnover against the symbol's own budget, in [floor, 1].
#[must_use]
pub fn turnover_factor(turnover_usd: f64, budget_usd: f64, params: &CostParams) -> f64 {
    let raw = (1.0 - turnover_usd / budget_usd.max(1.0)).clamp(0.0, 1.0);
    (1.0 - params.turnover_sensitivity * (1.0 - raw)).max(params.turnover_floor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(sec: i64) -> TsNs {
        TsNs::ZERO.plus_ms(1_000 * sec)
    }

    /// spec: 03-5.4, 03-D10
    #[test]
    fn orders_requoted_early_give_no_fill_sample() {
        let end = |filled, rested_ms, rejected| {
            let end = OrderEnd {
                filled,
                rested_ms,
                rejected,
            };
            fill_sample(end, 500.0)
        };
        assert_eq!(end(false, 499.0, false), None);
        assert_eq!(end(false, 500.0, false), Some(false));
        assert_eq!(end(false, 0.0, true), Some(false));
        assert_eq!(end(true, 0.0, false), Some(true));
        let rate = FillRate::default().after(false, at(5), 10.0);
        assert!((rate.rate - libm::exp2(-0.1)).abs() < 1e-12);
        let rate = rate.after(false, at(15), 10.0);
        assert!((rate.rate - libm::exp2(-1.1)).abs() < 1e-12);
        // two in one second count as a second apart
        let rate = rate.after(true, at(15), 10.0);
        let decay = libm::exp2(-0.1);
        assert!((rate.rate - (decay * libm::exp2(-1.1) + 1.0 - decay)).abs() < 1e-12);
    }

    /// spec: 03-5.6, 03-D9
    #[test]
    fn turnover_is_a_decayed_sum() {
        let sum = Turnover::default()
            .after(400.0, at(0), 100.0)
            .and_then(|sum| sum.after(400.0, at(100), 100.0))
            .unwrap();
        assert!((sum.at(at(200), 100.0) - 300.0).abs() < 1e-9);
        // a late fill neither grows the sum by decaying backwards nor moves its time back
        let late = sum.after(1.0, at(50), 100.0).unwrap();
        assert_eq!((late.usd, late.ts), (601.0, at(100)));
        for bad in [-1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(sum.after(bad, at(100), 100.0), None);
        }
        let params = CostParams {
            turnover_sensitivity: 0.5,
            turnover_floor: 0.6,
            ..CostParams::default()
        };
        let factors = [0.0, 500.0, 5_000.0].map(|usd| turnover_factor(usd, 1_000.0, &params));
        assert_eq!(factors, [1.0, 0.75, 0.6]);
    }

    /// spec: 03-5.5, 03-D17
    #[test]
    fn the_liquidity_factor_stays_above_its_floor() {
        let params = CostParams {
            liquidity_depth_usd_target: 1_000.0,
            liquidity_sensitivity: 0.5,
            liquidity_min_floor: 0.2,
            ..CostParams::default()
        };
        let factors = [0.0, 500.0, 2_000.0].map(|depth| liquidity_factor(depth, &params));
        assert_eq!(factors, [0.2, 0.5, 1.0]);
        assert_eq!(liquidity_attenuation(500.0, &params), 0.75);
    }
}
