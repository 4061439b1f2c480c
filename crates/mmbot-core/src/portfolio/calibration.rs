//! Online calibration of slippage from fills.
//!
//! Observations are signed, so that noise around 0 stays 0; the slope is a ratio of means, so that
//! tiny fills do not decide it. Priority per value: override at run time, then calibrated, then
//! configured.

use super::cost::{SlippageOverride, volume_factor};
use mmbot_types::CostParams;
pub use mmbot_types::SymbolCalibration;

/// Weight of the newest observation.
const ALPHA: f64 = 0.1;
/// Largest slope, bps per kUSD.
pub const K_MAX: f64 = 1_000.0;
/// Largest cap of an override, bps.
pub const CAP_MAX_BPS: f64 = 10_000.0;
const TINY: f64 = 1e-9;

/// What one fill cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CostObservation {
    /// Spread at the fill, bps.
    pub spread_bps: f64,
    /// Traded notional of the last hour, USD.
    pub volume_usd: f64,
    /// Slippage, positive where it cost, bps.
    pub slippage_bps: f64,
    /// Notional of the fill, USD.
    pub notional_usd: f64,
}

impl CostObservation {
    fn is_usable(&self) -> bool {
        let sizes = [self.spread_bps, self.volume_usd, self.notional_usd];
        let sane = sizes.iter().all(|size| size.is_finite() && *size >= 0.0);
        sane && self.notional_usd > 0.0 && self.slippage_bps.is_finite()
    }
}

/// What the means of a symbol say.
pub trait Calibrated: Sized {
    /// With one more fill; `None` where a value is negative or not finite, or the notional is 0.
    #[must_use]
    fn after(self, seen: &CostObservation, params: &CostParams) -> Option<Self>;

    /// Slope beyond the half-spread, bps per kUSD.
    #[must_use]
    fn k_eff(&self) -> f64;

    /// Mean plus two standard deviations, at least the half-spread, at most `max_cap_bps`.
    #[must_use]
    fn cap_eff_bps(&self, max_cap_bps: f64) -> f64;

    /// Mean slippage as published and used, bps; 0 before there are enough observations.
    #[must_use]
    fn slippage_ewma_bps(&self, params: &CostParams) -> f64;

    /// Whether there are enough observations.
    #[must_use]
    fn is_ready(&self, params: &CostParams) -> bool;

    /// Slope and cap that hold; `None` where the configuration governs.
    #[must_use]
    fn in_force(&self, set: SlippageOverride, params: &CostParams) -> SlippageOverride;
}

impl Calibrated for SymbolCalibration {
    fn after(self, seen: &CostObservation, params: &CostParams) -> Option<Self> {
        if !seen.is_usable() {
            return None;
        }
        let slip = seen.slippage_bps;
        let excess = slip - params.slippage_bps_base.max(seen.spread_bps / 2.0);
        let factor = volume_factor(params, Some(seen.volume_usd));
        let kusd = factor * seen.notional_usd / 1_000.0;
        let first = self.samples == 0;
        let mix = |x: f64, old: f64| {
            if first {
                x
            } else {
                ALPHA * x + (1.0 - ALPHA) * old
            }
        };
        Some(Self {
            samples: self.samples + 1,
            spread_bps: mix(seen.spread_bps, self.spread_bps),
            volume_usd: mix(seen.volume_usd, self.volume_usd),
            slip_bps: mix(slip, self.slip_bps),
            slip_sq: mix(slip * slip, self.slip_sq),
            excess_bps: mix(excess, self.excess_bps),
            size_kusd: mix(kusd, self.size_kusd),
        })
    }

    fn k_eff(&self) -> f64 {
        (self.excess_bps / self.size_kusd.max(TINY)).clamp(0.0, K_MAX)
    }

    fn cap_eff_bps(&self, max_cap_bps: f64) -> f64 {
        let variance = self.slip_sq - self.slip_bps * self.slip_bps;
        let high = self.slip_bps + 2.0 * variance.max(0.0).sqrt();
        high.max(self.spread_bps / 2.0).max(0.0).min(max_cap_bps)
    }

    fn slippage_ewma_bps(&self, params: &CostParams) -> f64 {
        if self.is_ready(params) {
            self.slip_bps.max(0.0)
        } else {
            0.0
        }
    }

    fn is_ready(&self, params: &CostParams) -> bool {
        self.samples >= u64::from(params.calib_min_samples)
    }

    fn in_force(&self, set: SlippageOverride, params: &CostParams) -> SlippageOverride {
        if !self.is_ready(params) {
            return set;
        }
        let cap = || self.cap_eff_bps(params.max_slippage_bps_cap);
        SlippageOverride {
            k_eff: Some(set.k_eff.unwrap_or_else(|| self.k_eff())),
            cap_eff_bps: Some(set.cap_eff_bps.unwrap_or_else(cap)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(slippage_bps: f64, notional_usd: f64) -> CostObservation {
        CostObservation {
            spread_bps: 2.0,
            volume_usd: 1e6,
            slippage_bps,
            notional_usd,
        }
    }

    /// spec: 03-5.3, 03-D7, 03-D8
    #[test]
    fn means_are_signed_take_a_tenth_and_the_slope_is_a_ratio_of_means() {
        let params = CostParams {
            calib_min_samples: 2,
            ..CostParams::default()
        };
        let none = SlippageOverride::default();
        let one = SymbolCalibration::default()
            .after(&fill(5.0, 1_000.0), &params)
            .unwrap();
        assert_eq!(
            (one.in_force(none, &params), one.slippage_ewma_bps(&params)),
            (none, 0.0)
        );
        let two = one.after(&fill(-3.0, 1_000.0), &params).unwrap();
        assert!((two.slip_bps - 4.2).abs() < 1e-12);
        assert!((two.excess_bps - (0.9 * 4.0 - 0.4)).abs() < 1e-12);
        let force = two.in_force(none, &params);
        assert!((force.k_eff.unwrap() - 3.2).abs() < 1e-12);
        let cap = 4.2 + 2.0 * (0.1f64 * 9.0 + 0.9 * 25.0 - 4.2 * 4.2).sqrt();
        assert!((force.cap_eff_bps.unwrap() - cap).abs() < 1e-9);
        let set = SlippageOverride {
            k_eff: Some(7.0),
            cap_eff_bps: None,
        };
        assert_eq!(two.in_force(set, &params).k_eff, Some(7.0));
        assert_eq!(two.slippage_ewma_bps(&params), two.slip_bps);
    }

    /// spec: 03-5.3
    #[test]
    fn an_unusable_observation_changes_nothing() {
        let params = CostParams::default();
        for bad in [
            fill(f64::NAN, 1.0),
            fill(1.0, -1.0),
            fill(1.0, 0.0),
            fill(1.0, f64::INFINITY),
            CostObservation {
                spread_bps: -0.1,
                ..fill(1.0, 1.0)
            },
            CostObservation {
                volume_usd: f64::NAN,
                ..fill(1.0, 1.0)
            },
        ] {
            assert_eq!(SymbolCalibration::default().after(&bad, &params), None);
        }
    }

    /// spec: 03-5.3
    #[test]
    fn a_thin_market_counts_twice_the_size() {
        let params = CostParams::default();
        let thin = CostObservation {
            volume_usd: 999.0,
            ..fill(3.0, 1_000.0)
        };
        let state = SymbolCalibration::default().after(&thin, &params).unwrap();
        assert_eq!((state.size_kusd, state.k_eff()), (2.0, 1.0));
    }
}
