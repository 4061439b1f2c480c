//! Two prices behind the book: what the asset is worth, and what the makers believe.
//!
//! The efficient price moves by news: a self-exciting jump process with heavy-tailed sizes whose
//! scale is a slow stochastic volatility (so that absolute returns are autocorrelated), plus the
//! regime's shocks and drift. Informed takers see it at once. Makers see it with a lag and add an
//! inference from the order flow (each market order moves their view in its direction; the part
//! that was no news decays), so that uninformed flow has transient impact and informed flow picks
//! off stale quotes.

use super::draws::NormalTable;
use super::regime::Scales;
use mmbot_types::StreamRng;

/// Base rate of ordinary news per second, its self-excitation and how long it lasts.
const NEWS_PER_S: f64 = 2.0;
const NEWS_BRANCHING: f64 = 0.45;
const NEWS_DECAY_S: f64 = 0.8;
/// Spread of the logarithm of a news item's scale (heavy tails).
const NEWS_TAIL: f64 = 0.75;
/// Slow volatility: spread of its logarithm and relaxation time.
const VOL_SIGMA: f64 = 0.45;
const VOL_RELAX_S: f64 = 45.0;
const VOL_STEP_S: f64 = 0.1;
/// How far makers are behind the news.
const MAKER_LAG_S: f64 = 0.012;
/// Decay of the two parts of transient impact.
const IMPACT_FAST_S: f64 = 1.5;
const IMPACT_SLOW_S: f64 = 25.0;
/// Push of a market order of a tenth of the usual queue on either part, bps.
const PUSH_FAST_BPS: f64 = 0.05;
const PUSH_SLOW_BPS: f64 = 0.05;
/// The part that stays: flow that carries information which arrives in no other way.
const PUSH_KEPT_BPS: f64 = 0.07;
/// The efficient price stays within this factor of its start.
const RANGE: f64 = 6.0;

/// The efficient price and the makers' view of it, in ticks.
#[derive(Debug, Clone)]
pub(super) struct Fair {
    price: f64,
    seen: f64,
    fast: f64,
    slow: f64,
    heat: f64,
    vol_log: f64,
    vol_wait_s: f64,
    vol: f64,
    start: f64,
}

impl Fair {
    pub(super) fn new(start: f64) -> Self {
        Self {
            price: start,
            seen: start,
            fast: 0.0,
            slow: 0.0,
            heat: 0.0,
            vol_log: 0.0,
            vol_wait_s: 0.0,
            vol: 1.0,
            start,
        }
    }

    /// The efficient price, ticks.
    #[inline]
    pub(super) const fn price(&self) -> f64 {
        self.price
    }

    /// What makers will quote around once they have seen today's news: what informed takers compare
    /// quotes with, ticks.
    #[inline]
    pub(super) fn informed_view(&self) -> f64 {
        self.price + self.fast + self.slow
    }

    /// What makers quote around, ticks.
    #[inline]
    pub(super) fn view(&self) -> f64 {
        self.seen + self.fast + self.slow
    }

    /// Ticks of `bps` basis points at this price.
    #[inline]
    pub(super) fn ticks(&self, bps: f64) -> f64 {
        self.price * 1e-4 * bps
    }

    /// Slow volatility factor around 1.
    #[inline]
    pub(super) const fn vol(&self) -> f64 {
        self.vol
    }

    /// Rate of ordinary news, per second.
    #[inline]
    pub(super) fn news_rate(&self) -> f64 {
        NEWS_PER_S * (1.0 + self.heat)
    }

    /// Lets `dt_s` seconds pass (at most a few milliseconds: decays are implicit Euler steps).
    #[inline]
    pub(super) fn advance(
        &mut self,
        dt_s: f64,
        scales: &Scales,
        table: &NormalTable,
        rng: &mut StreamRng,
    ) {
        let lag = MAKER_LAG_S / scales.speed.max(0.5);
        self.seen += (self.price - self.seen) * (dt_s / (lag + dt_s));
        self.fast *= IMPACT_FAST_S / (IMPACT_FAST_S + dt_s);
        self.slow *= IMPACT_SLOW_S / (IMPACT_SLOW_S + dt_s);
        self.heat *= NEWS_DECAY_S / (NEWS_DECAY_S + dt_s);
        self.shift(self.ticks(scales.drift_bps) * dt_s);
        self.vol_wait_s += dt_s;
        if self.vol_wait_s >= VOL_STEP_S {
            let step = self.vol_wait_s / VOL_RELAX_S;
            let noise = VOL_SIGMA * libm::sqrt(2.0 * step);
            self.vol_log += noise * table.normal(rng) - step * self.vol_log;
            self.vol = libm::exp(self.vol_log - 0.5 * VOL_SIGMA * VOL_SIGMA);
            self.vol_wait_s = 0.0;
        }
    }

    /// Ordinary news.
    pub(super) fn news(&mut self, scales: &Scales, table: &NormalTable, rng: &mut StreamRng) {
        self.heat += NEWS_BRANCHING / (NEWS_PER_S * NEWS_DECAY_S);
        let rate = NEWS_PER_S / (1.0 - NEWS_BRANCHING);
        let tail_variance = libm::exp(2.0 * NEWS_TAIL * NEWS_TAIL);
        let unit = scales.sigma_bps * self.vol / libm::sqrt(rate * tail_variance);
        let size = table.lognormal(rng, unit, NEWS_TAIL) * table.normal(rng);
        self.shift(self.ticks(size));
    }

    /// A shock of the regime.
    pub(super) fn shock(&mut self, scales: &Scales, rng: &mut StreamRng) {
        // an exponential is cut at 5 means: one shock stays far below the price range of the book
        let size = scales.shock_bps * rng.exponential().min(5.0);
        let up = rng.uniform() < 0.5;
        self.shift(self.ticks(if up { size } else { -size }));
    }

    /// Makers infer from a market order of `qty` lots with the usual queue `touch_lots`;
    /// `signed_impact` is the regime's scale of impact, positive for a buy.
    #[inline]
    pub(super) fn infer(&mut self, signed_impact: f64, qty: f64, touch_lots: f64) {
        let weight = self.vol * signed_impact * libm::sqrt(qty / (0.1 * touch_lots)).min(3.0);
        self.fast += weight * self.ticks(PUSH_FAST_BPS);
        self.slow += weight * self.ticks(PUSH_SLOW_BPS);
        self.shift(weight * self.ticks(PUSH_KEPT_BPS));
    }

    /// Moves the efficient price; beyond its range the move is turned back.
    fn shift(&mut self, ticks: f64) {
        let moved = self.price + ticks;
        let inside = moved > self.start / RANGE && moved < self.start * RANGE;
        self.price = if inside { moved } else { self.price - ticks };
    }
}
