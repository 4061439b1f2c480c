//! Regimes: which states a market visits, and the numbers of each state.
//!
//! A state is a set of scales; a regime is a Markov chain over states with exponential dwell times.
//! The numbers are calibrated to recorded markets (docs/synthetic-market.md), not to any strategy.

use mmbot_types::StreamRng;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// Kind of market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Regime {
    /// A quiet hour.
    Calm,
    /// A busy hour.
    Volatile,
    /// Quiet, with bursts of large jumps.
    Spike,
    /// Quiet, with crashes of 1 to 2 percent that recover.
    FlashCrash,
    /// Quiet, with spells in which makers withdraw.
    LiquidityGap,
    /// Switches between all of them.
    Mixed,
}

/// A regime's name that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown regime {0:?}; one of calm, volatile, spike, flash_crash, liquidity_gap, mixed")]
pub struct UnknownRegime(pub String);

impl Regime {
    /// All regimes.
    pub const ALL: [Regime; 6] = [
        Regime::Calm,
        Regime::Volatile,
        Regime::Spike,
        Regime::FlashCrash,
        Regime::LiquidityGap,
        Regime::Mixed,
    ];

    /// Name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Regime::Calm => "calm",
            Regime::Volatile => "volatile",
            Regime::Spike => "spike",
            Regime::FlashCrash => "flash_crash",
            Regime::LiquidityGap => "liquidity_gap",
            Regime::Mixed => "mixed",
        }
    }

    const fn first(self) -> State {
        match self {
            Regime::Volatile => State::Volatile,
            _ => State::Calm,
        }
    }

    /// Where a state leads, with weights.
    const fn exits(self, from: State) -> &'static [(State, f64)] {
        match (self, from) {
            (Regime::Calm | Regime::Volatile, _) => &[],
            (_, State::Crash) => &[(State::Rebound, 1.0)],
            (Regime::Spike, State::Calm) => &[(State::Spike, 1.0)],
            (Regime::FlashCrash, State::Calm) => &[(State::Crash, 1.0)],
            (Regime::LiquidityGap, State::Calm) => &[(State::Gap, 1.0)],
            (Regime::Mixed, State::Calm) => &[
                (State::Volatile, 0.63),
                (State::Spike, 0.17),
                (State::Gap, 0.18),
                (State::Crash, 0.02),
            ],
            (Regime::Mixed, State::Rebound) => &[(State::Volatile, 1.0)],
            _ => &[(State::Calm, 1.0)],
        }
    }
}

impl fmt::Display for Regime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Regime {
    type Err = UnknownRegime;
    fn from_str(name: &str) -> Result<Self, UnknownRegime> {
        let found = Self::ALL.iter().find(|regime| regime.name() == name);
        found.copied().ok_or_else(|| UnknownRegime(name.to_owned()))
    }
}

/// State of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Quiet.
    Calm,
    /// Busy.
    Volatile,
    /// Large jumps.
    Spike,
    /// Free fall: forced selling into withdrawn liquidity.
    Crash,
    /// Recovery after a crash.
    Rebound,
    /// Makers withdraw.
    Gap,
}

/// Numbers of a state.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scales {
    /// Mean stay, seconds.
    pub dwell_s: f64,
    /// Volatility of the efficient price from ordinary news, bps per square root of a second.
    pub sigma_bps: f64,
    /// Large jumps of the efficient price: rate per second and mean size in bps.
    pub shock_per_s: f64,
    /// Mean size of a large jump, bps.
    pub shock_bps: f64,
    /// Drift of the efficient price, bps per second.
    pub drift_bps: f64,
    /// Rate of market orders without self-excitation, per second (long-run rate is about 3.3
    /// times).
    pub takers_per_s: f64,
    /// Probability that an uninformed market order follows its metaorder's sign; the rest sells.
    pub forced_sell: f64,
    /// Scale of what makers infer from a market order.
    pub impact: f64,
    /// Scale of the queues.
    pub depth: f64,
    /// Scale of the makers' speed: improving the touch, joining it, reacting to news.
    pub speed: f64,
}

/// Numbers of a quiet market; other states say what differs.
const CALM: Scales = Scales {
    dwell_s: 150.0,
    sigma_bps: 0.27,
    shock_per_s: 0.004,
    shock_bps: 2.0,
    drift_bps: 0.0,
    takers_per_s: 1.5,
    forced_sell: 0.0,
    impact: 0.42,
    depth: 1.0,
    speed: 1.0,
};

impl State {
    /// Name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            State::Calm => "calm",
            State::Volatile => "volatile",
            State::Spike => "spike",
            State::Crash => "crash",
            State::Rebound => "rebound",
            State::Gap => "gap",
        }
    }

    pub(super) const fn scales(self) -> Scales {
        match self {
            State::Calm => CALM,
            State::Volatile => Scales {
                dwell_s: 60.0,
                sigma_bps: 0.65,
                shock_per_s: 0.02,
                shock_bps: 3.0,
                takers_per_s: 3.0,
                impact: 0.65,
                depth: 0.9,
                speed: 1.3,
                ..CALM
            },
            State::Spike => Scales {
                dwell_s: 12.0,
                sigma_bps: 1.6,
                shock_per_s: 0.35,
                shock_bps: 10.0,
                takers_per_s: 6.0,
                impact: 1.0,
                depth: 0.5,
                ..CALM
            },
            State::Crash => Scales {
                dwell_s: 9.0,
                sigma_bps: 3.0,
                shock_per_s: 0.5,
                shock_bps: 8.0,
                drift_bps: -13.0,
                takers_per_s: 10.0,
                forced_sell: 0.75,
                impact: 1.5,
                depth: 0.25,
                speed: 0.7,
            },
            State::Rebound => Scales {
                dwell_s: 25.0,
                sigma_bps: 1.8,
                shock_per_s: 0.1,
                shock_bps: 6.0,
                drift_bps: 4.7,
                takers_per_s: 5.0,
                impact: 1.0,
                depth: 0.5,
                ..CALM
            },
            State::Gap => Scales {
                dwell_s: 15.0,
                sigma_bps: 0.9,
                shock_per_s: 0.02,
                shock_bps: 4.0,
                takers_per_s: 1.5,
                impact: 1.5,
                depth: 0.12,
                speed: 0.04,
                ..CALM
            },
        }
    }
}

/// The chain at work.
#[derive(Debug, Clone)]
pub(super) struct RegimeChain {
    regime: Regime,
    state: State,
    left_s: f64,
    scales: Scales,
}

impl RegimeChain {
    pub(super) fn new(regime: Regime, rng: &mut StreamRng) -> Self {
        let mut chain = Self {
            regime,
            state: regime.first(),
            left_s: 0.0,
            scales: regime.first().scales(),
        };
        chain.enter(regime.first(), rng);
        chain
    }

    pub(super) const fn state(&self) -> State {
        self.state
    }

    pub(super) const fn scales(&self) -> &Scales {
        &self.scales
    }

    /// Lets `dt_s` seconds pass.
    #[inline]
    pub(super) fn advance(&mut self, dt_s: f64, rng: &mut StreamRng) {
        self.left_s -= dt_s;
        if self.left_s <= 0.0 {
            self.leave(rng);
        }
    }

    fn leave(&mut self, rng: &mut StreamRng) {
        let exits = self.regime.exits(self.state);
        let mut u = rng.uniform();
        let mut next = self.state;
        for &(state, weight) in exits {
            next = state;
            u -= weight;
            if u < 0.0 {
                break;
            }
        }
        self.enter(next, rng);
    }

    fn enter(&mut self, state: State, rng: &mut StreamRng) {
        self.state = state;
        self.scales = state.scales();
        // half of the stay is certain, so that no spell is too short to matter
        self.left_s = self.scales.dwell_s * (0.5 + 0.5 * rng.exponential());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_back() {
        for regime in Regime::ALL {
            assert_eq!(regime.name().parse(), Ok(regime));
        }
        assert!("quiet".parse::<Regime>().is_err());
    }

    #[test]
    fn a_mixed_chain_visits_every_state_and_a_pure_one_stays() {
        let mut rng = StreamRng::new(1, "chain");
        let mut mixed = RegimeChain::new(Regime::Mixed, &mut rng);
        let mut seen = Vec::new();
        for _ in 0..200_000 {
            mixed.advance(1.0, &mut rng);
            if !seen.contains(&mixed.state()) {
                seen.push(mixed.state());
            }
        }
        assert_eq!(seen.len(), 6);
        let mut calm = RegimeChain::new(Regime::Calm, &mut rng);
        assert!((0..10_000).all(|_| {
            calm.advance(1.0, &mut rng);
            calm.state() == State::Calm
        }));
    }
}
