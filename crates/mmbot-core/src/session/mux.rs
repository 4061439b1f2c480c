//! Strategies by volatility regime: every regime is a mixture of strategies, and what it does to a
//! quote is two numbers, worked out once. A symbol changes its regime with its volatility, but not
//! more often than the hysteresis allows.

use super::calendar::seconds_ns;
use mmbot_types::{MuxParams, TsNs};

/// Regime in force while no volatility is known.
const NEUTRAL_REGIME: &str = "mid";

/// What a regime does.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct MuxRegime {
    /// Weight per strategy, in the order of the parameters; they sum to 1.
    pub weights: Box<[f64]>,
    /// Factor of the spread.
    pub spread_mult: f64,
    /// Factor of the target size, at most 1.
    pub size_mult: f64,
}

/// Everything about the parameters that does not depend on the market.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct MuxTable {
    enabled: bool,
    hysteresis_ns: i64,
    /// Lower edge of each band but the first.
    edges: Box<[f64]>,
    regimes: Box<[MuxRegime]>,
    neutral: usize,
}

/// The mux at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MuxView {
    /// Regime in force, index into the bands.
    pub regime: usize,
    /// Factor of the spread; 1 while the mux is off.
    pub spread_mult: f64,
    /// Factor of the target size, at most 1; 1 while the mux is off.
    pub size_mult: f64,
    /// This update changed the regime. The first regime is no change.
    pub switched: bool,
}

/// Regime of one symbol.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Mux {
    regime: Option<usize>,
    /// When the regime was taken.
    since: TsNs,
    now: TsNs,
    switches: u64,
}

impl MuxTable {
    /// The table of valid parameters.
    #[must_use]
    pub fn new(params: &MuxParams) -> Self {
        let caps: Vec<_> = params
            .strategies
            .iter()
            .map(|strategy| strategy.weight_cap.unwrap_or(f64::INFINITY))
            .collect();
        let regime = |weights: &[f64]| {
            let weights = within_caps(weights, &caps);
            let mix = |factor: fn(&mmbot_types::MuxStrategy) -> f64| -> f64 {
                let factors = params.strategies.iter().map(factor);
                factors.zip(&weights).map(|(f, w)| f * w).sum()
            };
            let (spread_mult, size_mult) = (mix(|s| s.spread_mult), mix(|s| s.size_mult));
            MuxRegime {
                weights: weights.into_boxed_slice(),
                spread_mult,
                size_mult: size_mult.min(1.0),
            }
        };
        let bands = &params.bands;
        let named = bands.iter().position(|band| band.name == NEUTRAL_REGIME);
        Self {
            enabled: params.enabled,
            hysteresis_ns: seconds_ns(params.hysteresis_s),
            edges: bands.iter().skip(1).map(|band| band.lower).collect(),
            regimes: bands.iter().map(|band| regime(&band.weights)).collect(),
            neutral: named.unwrap_or(0),
        }
    }

    /// Regimes in the order of the bands.
    #[must_use]
    pub fn regimes(&self) -> &[MuxRegime] {
        &self.regimes
    }

    /// The regime in force of a symbol.
    #[must_use]
    pub fn regime_of(&self, mux: &Mux) -> &MuxRegime {
        let held = mux.regime.and_then(|at| self.regimes.get(at));
        held.unwrap_or(&self.regimes[self.neutral])
    }

    /// What the mux of a symbol does now.
    #[must_use]
    pub fn view_of(&self, mux: &Mux) -> MuxView {
        self.view(mux.regime.unwrap_or(self.neutral), false)
    }

    /// Band of a finite `sigma`: lower edges belong to it, the last band has no end, and what is
    /// below all bands counts as the first.
    fn band(&self, sigma: f64) -> usize {
        self.edges.iter().take_while(|edge| sigma >= **edge).count()
    }

    fn view(&self, regime: usize, switched: bool) -> MuxView {
        let found = self.regimes.get(regime).filter(|_| self.enabled);
        MuxView {
            regime,
            spread_mult: found.map_or(1.0, |regime| regime.spread_mult),
            size_mult: found.map_or(1.0, |regime| regime.size_mult),
            switched,
        }
    }
}

impl Mux {
    /// The regime at `now` with the symbol's volatility `sigma`, relative to its baseline; absent
    /// or not finite keeps the regime.
    pub fn update(&mut self, table: &MuxTable, sigma: Option<f64>, now: TsNs) -> MuxView {
        self.now = self.now.max(now);
        // other parameters may have fewer bands
        let held = self.regime.filter(|at| *at < table.regimes.len());
        let sigma = sigma.filter(|sigma| sigma.is_finite() && table.enabled);
        let mut switched = false;
        match (held, sigma.map(|sigma| table.band(sigma))) {
            (None, Some(first)) => (self.regime, self.since) = (Some(first), self.now),
            (Some(held), Some(wanted)) if wanted != held => {
                switched = self.now.since_ns(self.since) >= table.hysteresis_ns;
                if switched {
                    (self.regime, self.since) = (Some(wanted), self.now);
                    self.switches += 1;
                }
            }
            _ => self.regime = held,
        }
        table.view(self.regime.unwrap_or(table.neutral), switched)
    }

    /// Regime taken; `None` until a volatility was known.
    #[must_use]
    pub const fn regime(&self) -> Option<usize> {
        self.regime
    }

    /// Changes of the regime so far.
    #[must_use]
    pub const fn switches(&self) -> u64 {
        self.switches
    }
}

/// `weights` scaled to a sum of 1 with none above its cap: what is cut off goes to the others in
/// proportion to their weights (in equal parts where those are all zero), until nothing is above
/// its cap. Caps that sum below 1 cannot hold; then the caps themselves are scaled.
fn within_caps(weights: &[f64], caps: &[f64]) -> Vec<f64> {
    let caps_sum: f64 = caps.iter().sum();
    if caps_sum < 1.0 {
        let equal = 1.0 / caps.len().max(1) as f64;
        let scaled = |cap: &f64| {
            if caps_sum > 0.0 {
                cap / caps_sum
            } else {
                equal
            }
        };
        return caps.iter().map(scaled).collect();
    }
    let mut at_cap = vec![false; weights.len()];
    loop {
        let (mut taken, mut free, mut free_count) = (0.0, 0.0, 0.0);
        for ((weight, cap), at_cap) in weights.iter().zip(caps).zip(&at_cap) {
            if *at_cap {
                taken += cap;
            } else {
                free += weight;
                free_count += 1.0;
            }
        }
        let left = f64::max(1.0 - taken, 0.0);
        let share = |at: usize| match at_cap[at] {
            true => caps[at],
            false if free > 0.0 => weights[at] / free * left,
            false => left / free_count,
        };
        let shares: Vec<_> = (0..weights.len()).map(share).collect();
        let mut stable = true;
        for (at, share) in shares.iter().enumerate() {
            if *share > caps[at] {
                (at_cap[at], stable) = (true, false);
            }
        }
        if stable {
            return shares;
        }
    }
}
