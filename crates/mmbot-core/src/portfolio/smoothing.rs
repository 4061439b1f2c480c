//! The move of a target per tick: the bias of micro signals, the clamp, backoff after breaches.

use super::models::SymbolInputs;
use mmbot_types::{BiasParams, SmoothingParams};

const CLEAN_TICKS: u32 = 10;

/// Backoff of one symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Backoff {
    /// Index into `backoff_steps`.
    pub level: u32,
    /// Ticks since the last breach or step down.
    pub clean_ticks: u32,
}

impl Backoff {
    /// One level up per tick with a breach; one down after each 10 clean ticks.
    #[must_use]
    pub fn after(self, breached: bool, params: &SmoothingParams) -> Self {
        let top = u32::try_from(params.backoff_steps.len().saturating_sub(1)).unwrap_or(u32::MAX);
        let level = self.level.min(top);
        if breached {
            let level = (level + 1).min(top);
            return Self {
                level,
                clean_ticks: 0,
            };
        }
        if level == 0 {
            return Self::default();
        }
        let clean_ticks = self.clean_ticks + 1;
        if clean_ticks >= CLEAN_TICKS {
            let level = level - 1;
            return Self {
                level,
                clean_ticks: 0,
            };
        }
        Self { level, clean_ticks }
    }
}

/// One symbol's move, USD.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct SmoothingStep {
    /// Published target before, without fee tilt.
    pub current_usd: f64,
    /// Target after the attenuations.
    pub desired_usd: f64,
    /// Desired minus current.
    pub delta_raw_usd: f64,
    /// What micro signals add to the desired target.
    pub bias_usd: f64,
    /// Largest move; `None` at a cold start, where there is no clamp.
    pub cap_usd: Option<f64>,
    /// Backoff level of this tick.
    pub backoff_level: u32,
    /// The move that is made.
    pub delta_capped_usd: f64,
    /// Target after the move.
    pub next_usd: f64,
    /// The cap bound.
    pub bound: bool,
    /// The backoff level is another one than in the tick before.
    pub level_changed: bool,
}

/// Parameters of a move.
#[derive(Debug, Clone, Copy)]
pub struct MoveRules<'a> {
    /// Clamp and backoff.
    pub smoothing: &'a SmoothingParams,
    /// Micro signals.
    pub bias: &'a BiasParams,
}

/// The next target of one symbol and how it came about; `was_level` is the backoff level before.
#[must_use]
pub fn smooth(
    desired_usd: f64,
    current_usd: f64,
    seen: &SymbolInputs,
    (backoff, was_level): (Backoff, u32),
    rules: MoveRules<'_>,
) -> SmoothingStep {
    let delta_raw = desired_usd - current_usd;
    let bend = delta_raw.abs() * rules.bias.impact_cap_ratio;
    let bias_usd = (bias_of(seen, rules.bias) * delta_raw.abs())
        .max(-bend)
        .min(bend);
    let moved = desired_usd + bias_usd - current_usd;
    let cap = cap_usd(current_usd, seen.mid_usd, backoff.level, rules.smoothing);
    let capped = cap.map_or(moved, |cap| moved.max(-cap).min(cap));
    SmoothingStep {
        current_usd,
        desired_usd,
        delta_raw_usd: delta_raw,
        bias_usd,
        cap_usd: cap,
        backoff_level: backoff.level,
        delta_capped_usd: capped,
        next_usd: (current_usd + capped).max(0.0),
        bound: capped != moved,
        level_changed: backoff.level != was_level,
    }
}

/// Largest move, USD; a cold start has none, otherwise a target would stay 0 for ever.
fn cap_usd(current_usd: f64, mid_usd: f64, level: u32, params: &SmoothingParams) -> Option<f64> {
    if current_usd == 0.0 && params.max_delta_abs_base_units == 0.0 {
        return None;
    }
    let absolute = params.max_delta_abs_base_units * finite(mid_usd);
    let widest = (current_usd.abs() * params.max_delta_ratio).max(absolute);
    let step = params.backoff_steps.get(level as usize).copied();
    Some(widest * step.unwrap_or(1.0))
}

/// Combined signal in [-1, 1]; a signal that is unknown or not finite counts as 0.
#[must_use]
pub fn bias_of(seen: &SymbolInputs, params: &BiasParams) -> f64 {
    let bias = params.w_imbalance * finite(seen.imbalance)
        + params.w_micro_tilt * finite(seen.micro_tilt)
        + params.w_sigma_regime * regime_bias(seen.sigma, params);
    bias.clamp(-1.0, 1.0)
}

fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { 0.0 }
}

fn regime_bias(sigma: Option<f64>, params: &BiasParams) -> f64 {
    let Some(sigma) = sigma.filter(|sigma| sigma.is_finite()) else {
        return 0.0;
    };
    let found = params.bands.iter().find(|band| sigma < band.upper);
    // the last band holds everything above it
    found.or(params.bands.last()).map_or(0.0, |band| band.bias)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(desired: f64, current: f64, change: impl Fn(&mut SmoothingParams)) -> SmoothingStep {
        let seen = SymbolInputs {
            mid_usd: 100.0,
            ..SymbolInputs::default()
        };
        let mut smoothing = SmoothingParams::default();
        change(&mut smoothing);
        let rules = MoveRules {
            smoothing: &smoothing,
            bias: &BiasParams::default(),
        };
        smooth(desired, current, &seen, (Backoff::default(), 0), rules)
    }

    /// spec: 03-6, 03-D12
    #[test]
    fn the_absolute_cap_is_in_base_units_and_a_cold_start_is_not_clamped() {
        let same = |_: &mut SmoothingParams| {};
        assert_eq!(step(1_000.0, 0.0, same).next_usd, 1_000.0);
        let absolute = |p: &mut SmoothingParams| p.max_delta_abs_base_units = 2.0;
        assert_eq!(step(1_000.0, 0.0, absolute).next_usd, 200.0);
        assert_eq!(step(1_000.0, 100.0, same).next_usd, 115.0);
        assert_eq!(step(0.0, 100.0, same).next_usd, 85.0);
        assert!(!step(101.0, 100.0, same).bound);
        assert!(step(1_000.0, 100.0, same).bound);
    }

    /// spec: 03-6
    #[test]
    fn backoff_rises_per_breach_and_falls_on_the_tenth_clean_tick() {
        let params = SmoothingParams::default();
        let mut backoff = Backoff::default();
        for level in [1, 2, 2, 2] {
            backoff = backoff.after(true, &params);
            assert_eq!(
                backoff,
                Backoff {
                    level,
                    clean_ticks: 0
                }
            );
        }
        for left in [1, 0] {
            for _ in 0..9 {
                backoff = backoff.after(false, &params);
                assert_eq!(backoff.level, left + 1);
            }
            backoff = backoff.after(false, &params);
            assert_eq!(
                backoff,
                Backoff {
                    level: left,
                    clean_ticks: 0
                }
            );
        }
    }

    /// spec: 01-8.4
    #[test]
    fn signals_bend_the_move_by_a_bounded_share_and_non_finite_ones_count_as_zero() {
        let moved = |imbalance, micro_tilt, sigma| {
            let seen = SymbolInputs {
                imbalance,
                micro_tilt,
                sigma,
                ..SymbolInputs::default()
            };
            let rules = MoveRules {
                smoothing: &SmoothingParams::default(),
                bias: &BiasParams::default(),
            };
            smooth(100.0, 0.0, &seen, (Backoff::default(), 0), rules).next_usd
        };
        assert_eq!(moved(1.0, 1.0, None), 110.0);
        assert_eq!(moved(-0.1, 0.0, None), 95.0);
        assert_eq!(moved(f64::NAN, f64::INFINITY, Some(f64::NAN)), 100.0);
        assert_eq!(moved(0.0, 0.0, Some(0.79)), 110.0);
        assert_eq!(moved(0.0, 0.0, Some(0.8)), 100.0);
        assert_eq!(moved(0.0, 0.0, Some(50.0)), 90.0);
    }
}
