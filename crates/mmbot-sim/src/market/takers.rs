//! Who takes liquidity, when, and which side.
//!
//! Uninformed market orders arrive by a Hawkes process with two exponential kernels (E. Bacry, I.
//! Mastromatteo, J.-F. Muzy, "Hawkes processes in finance", 2015). Their signs come from a few
//! large hidden orders that are worked in pieces; lengths have a power-law tail, which makes the
//! signs' autocorrelation decay as a power law (F. Lillo, S. Mike, J. D. Farmer, "Theory for long
//! memory in supply and demand", 2005).

use super::draws::NormalTable;
use mmbot_types::{Side, StreamRng};

/// Kernels: share of direct offspring and mean delay. The sum of shares (0.75) is the branching
/// ratio.
const FAST_SHARE: f64 = 0.35;
const FAST_S: f64 = 0.025;
const SLOW_SHARE: f64 = 0.40;
const SLOW_S: f64 = 0.8;
/// Hidden orders that are worked at the same time.
const HIDDEN: usize = 4;
/// Tail exponent of their lengths: the autocorrelation of signs decays with exponent 0.4.
const LENGTH_TAIL: f64 = 1.4;
const LENGTH_MAX: f64 = 3_000.0;
/// Spread of the logarithm of participation rates.
const RATE_SIGMA: f64 = 0.8;
/// Market order size over the usual queue at the touch: median and spread of the logarithm.
const SIZE_MEDIAN: f64 = 0.005;
const SIZE_SIGMA: f64 = 2.45;
/// Share of orders that take no more than the best level shows.
const SELECTIVE: f64 = 0.4;
/// The same for informed orders.
const INFORMED_MEDIAN: f64 = 0.05;
const INFORMED_SIGMA: f64 = 1.5;

#[derive(Debug, Clone, Copy)]
struct Hidden {
    side: Side,
    left: u32,
    weight: f64,
}

/// State of the takers.
#[derive(Debug, Clone)]
pub(super) struct Takers {
    fast: f64,
    slow: f64,
    hidden: [Hidden; HIDDEN],
    touch_lots: f64,
}

impl Takers {
    pub(super) fn new(touch_lots: f64, table: &NormalTable, rng: &mut StreamRng) -> Self {
        Self {
            fast: 0.0,
            slow: 0.0,
            hidden: std::array::from_fn(|_| fresh(table, rng)),
            touch_lots,
        }
    }

    /// Rate of uninformed market orders per second, given the rate without self-excitation.
    #[inline]
    pub(super) fn rate(&self, base: f64) -> f64 {
        base + self.fast + self.slow
    }

    /// Lets time pass.
    #[inline]
    pub(super) fn advance(&mut self, dt_s: f64) {
        self.fast *= FAST_S / (FAST_S + dt_s);
        self.slow *= SLOW_S / (SLOW_S + dt_s);
    }

    /// A market order happened.
    #[inline]
    pub(super) fn excite(&mut self) {
        self.fast += FAST_SHARE / FAST_S;
        self.slow += SLOW_SHARE / SLOW_S;
    }

    /// Side of the next uninformed order: one of the hidden orders works.
    pub(super) fn side(&mut self, table: &NormalTable, rng: &mut StreamRng) -> Side {
        let total: f64 = self.hidden.iter().map(|hidden| hidden.weight).sum();
        let mut u = rng.uniform() * total;
        let mut chosen = 0;
        for (i, hidden) in self.hidden.iter().enumerate() {
            chosen = i;
            u -= hidden.weight;
            if u < 0.0 {
                break;
            }
        }
        let hidden = &mut self.hidden[chosen];
        let side = hidden.side;
        hidden.left -= 1;
        if hidden.left == 0 {
            *hidden = fresh(table, rng);
        }
        side
    }

    /// Size of an uninformed order in lots, given what the best level shows.
    pub(super) fn size(&self, best_lots: i64, table: &NormalTable, rng: &mut StreamRng) -> i64 {
        let lots = table.lognormal(rng, SIZE_MEDIAN * self.touch_lots, SIZE_SIGMA);
        let lots = whole(lots.min(8.0 * self.touch_lots));
        if rng.uniform() < SELECTIVE {
            return lots.min(best_lots.max(1));
        }
        lots
    }

    /// Size of an informed order in lots.
    pub(super) fn informed_size(&self, table: &NormalTable, rng: &mut StreamRng) -> i64 {
        let lots = table.lognormal(rng, INFORMED_MEDIAN * self.touch_lots, INFORMED_SIGMA);
        whole(lots.min(8.0 * self.touch_lots))
    }
}

/// A new hidden order: random side, power-law number of pieces, random participation.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between 1 and LENGTH_MAX
fn fresh(table: &NormalTable, rng: &mut StreamRng) -> Hidden {
    let side = Side::from_bit((rng.bits() >> 63) as u8);
    let length = libm::pow(1.0 - rng.uniform(), -1.0 / LENGTH_TAIL).min(LENGTH_MAX);
    Hidden {
        side,
        left: length as u32,
        weight: table.lognormal(rng, 1.0, RATE_SIGMA),
    }
}

/// Whole lots, at least one.
#[inline]
#[allow(clippy::cast_possible_truncation)] // callers cap at a multiple of the queue
pub(super) fn whole(lots: f64) -> i64 {
    (lots as i64).max(1)
}
