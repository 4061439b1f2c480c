//! How often each thing happens: the queue-reactive part of the model.
//!
//! After W. Huang, C.-A. Lehalle, M. Rosenbaum, "Simulating and analyzing order book data: the
//! queue-reactive model" (2015): intensities of limit orders, cancellations and market orders
//! depend on the state of the queues (here: size of the best queue, number of orders, distance from
//! the touch, spread) and on where the makers' view of the price stands against the touch. They are
//! constant between two candidate events, which are at most [`STEP_MAX_S`] apart.

use super::fair::Fair;
use super::lob::{Class, Lob};
use super::regime::Scales;
use super::takers::Takers;
use mmbot_types::{Side, StreamRng};

/// Intensities are refreshed at least this often.
pub(super) const STEP_MAX_S: f64 = 0.005;

/// Something that can happen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    News,
    Shock,
    Uninformed,
    Refill,
    Informed(Side),
    Stale(Side),
    Touch(Side),
    Deep(Side),
    MakerCancel(Side),
    PatientCancel(Side),
}

/// Number of kinds, sides counted apart.
const KINDS: usize = 16;

use Kind::{
    Deep, Informed, MakerCancel, News, PatientCancel, Refill, Shock, Stale, Touch, Uninformed,
};
const ORDER: [Kind; KINDS] = [
    MakerCancel(Side::Buy),
    MakerCancel(Side::Sell),
    PatientCancel(Side::Buy),
    PatientCancel(Side::Sell),
    Deep(Side::Buy),
    Deep(Side::Sell),
    Touch(Side::Buy),
    Touch(Side::Sell),
    Uninformed,
    News,
    Informed(Side::Buy),
    Informed(Side::Sell),
    Stale(Side::Buy),
    Stale(Side::Sell),
    Refill,
    Shock,
];

/// Candidate cancellations per second of a maker; at the best price most candidates are refused.
pub(super) const MAKER_CANCEL_PER_S: f64 = 20.0;
/// The share that is not refused at the best price.
pub(super) const MAKER_CANCEL_AT_TOUCH: f64 = 0.035;
/// Cancellations per second of a patient order.
const PATIENT_CANCEL_PER_S: f64 = 0.9;
/// Patient orders per second and side.
const DEEP_PER_S: f64 = 80.0;
/// New makers per second and side at the best price when the queue has its usual size.
const TOUCH_PER_S: f64 = 40.0;
/// Improvements per second while the spread is wider than a tick.
const REFILL_PER_S: f64 = 900.0;
/// Withdrawals per second (of a share of the queue) while the best price is stale by two
/// tolerances.
const STALE_PER_S: f64 = 400.0;
/// Market orders per second of informed takers while a price is off by [`INFORMED_SCALE_BPS`].
const INFORMED_PER_S: f64 = 40.0;
const INFORMED_SCALE_BPS: f64 = 0.5;
/// What informed takers leave alone (their costs).
pub(super) const INFORMED_COST_BPS: f64 = 0.2;
/// By how much the view must be beyond a quote before makers leave it.
const TOLERANCE_BPS: f64 = 0.25;
/// The tolerance in ticks is at least this, for instruments with large ticks.
const TOLERANCE_TICKS: f64 = 0.6;

/// Intensities of one moment, per second.
#[derive(Debug, Clone, Copy)]
pub(super) struct Intensity {
    rates: [f64; KINDS],
    total: f64,
}

impl Intensity {
    /// Intensities of this state.
    pub(super) fn of(
        lob: &Lob,
        fair: &Fair,
        takers: &Takers,
        scales: &Scales,
        touch_lots: f64,
    ) -> Self {
        let (bid, ask) = (lob.best(Side::Buy), lob.best(Side::Sell));
        let view = fair.view();
        let tolerance = fair.ticks(TOLERANCE_BPS).max(TOLERANCE_TICKS);
        let lean = ((view - 0.5 * (f64::from(bid) + f64::from(ask))) / tolerance).clamp(-1.0, 1.0);
        let vol = fair.vol();
        let mut rates = [0.0; KINDS];
        for (at, kind) in ORDER.iter().enumerate() {
            rates[at] = match *kind {
                MakerCancel(side) => MAKER_CANCEL_PER_S * count(lob, side, Class::Maker),
                PatientCancel(side) => {
                    PATIENT_CANCEL_PER_S / scales.depth * count(lob, side, Class::Patient)
                }
                Deep(_) => DEEP_PER_S,
                Touch(side) => {
                    let queue = queue_lots(lob, side) / (scales.depth * touch_lots);
                    let wish = (2.5 - 1.5 * queue).max(0.1);
                    TOUCH_PER_S * scales.speed * wish * (1.0 + 0.7 * signed(side, lean))
                }
                Uninformed => takers.rate(scales.takers_per_s * vol),
                News => fair.news_rate(),
                Informed(side) => {
                    let cost = fair.ticks(INFORMED_COST_BPS).max(TOLERANCE_TICKS);
                    let gap = beyond(side.opposite(), lob, fair.informed_view()) - cost;
                    let scale = fair.ticks(INFORMED_SCALE_BPS).max(1.0);
                    INFORMED_PER_S * (gap / scale).clamp(0.0, 2.0)
                }
                Stale(side) => {
                    let gap = beyond(side, lob, view) / tolerance - 1.0;
                    STALE_PER_S * scales.speed * gap.clamp(0.0, 6.0)
                }
                Refill if ask - bid > 1 => REFILL_PER_S * scales.speed,
                Refill => 0.0,
                Shock => scales.shock_per_s,
            };
        }
        let total = rates.iter().sum();
        Self { rates, total }
    }

    /// Sum of all rates.
    #[inline]
    pub(super) const fn total(&self) -> f64 {
        self.total
    }

    /// Which kind the next event is.
    #[inline]
    pub(super) fn draw(&self, rng: &mut StreamRng) -> Kind {
        let mut u = rng.uniform() * self.total;
        for (at, rate) in self.rates.iter().enumerate() {
            u -= rate;
            if u < 0.0 {
                return ORDER[at];
            }
        }
        Kind::News
    }
}

/// Ticks by which `price` is beyond the best price of `side` (above an ask, below a bid).
#[inline]
fn beyond(side: Side, lob: &Lob, price: f64) -> f64 {
    let best = f64::from(lob.best(side));
    match side {
        Side::Buy => best - price,
        Side::Sell => price - best,
    }
}

#[inline]
const fn signed(side: Side, x: f64) -> f64 {
    match side {
        Side::Buy => x,
        Side::Sell => -x,
    }
}

#[inline]
#[allow(clippy::cast_precision_loss)] // far below 2^53
fn count(lob: &Lob, side: Side, class: Class) -> f64 {
    lob.list(side, class).len() as f64
}

#[inline]
#[allow(clippy::cast_precision_loss)] // far below 2^53
pub(super) fn queue_lots(lob: &Lob, side: Side) -> f64 {
    lob.level(lob.best(side)).qty as f64
}
