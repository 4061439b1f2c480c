//! Volatility of the mid: an exponentially weighted mean of squared log returns per second.
//!
//! Per valid tick (mid known, venue time strictly later than the last one), with half-life `h`:
//!
//! ```text
//! r = ln(mid / mid_prev);  dt = max(ts - ts_prev, 0.001) s;  d = 2^(-dt / h)
//! S = d S + (1 - d) r^2 / dt;  W = d W + (1 - d);  variance per second = S / W
//! ```
//!
//! Ticks that leave the mid where it was have `r = 0`, so that they only multiply `S` and `1 - W` by
//! their `d`, and such factors compose: `2^-a 2^-b = 2^-(a+b)`. Their seconds (each at least a
//! millisecond) are therefore summed as an integer and applied when the mid changes or is read.

use super::decay::{forgotten, log_return};
use mmbot_types::{MidTick, TsNs};

/// Shortest time between two ticks, ns.
const DT_FLOOR_NS: i64 = 1_000_000;
const NS: f64 = 1e-9;

/// Weighted mean of one half-life.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Ewma {
    half_lives_per_ns: f64,
    /// Weighted sum of squared returns per second.
    sum: f64,
    /// `1 - W`: the weight of what was before the first tick.
    unknown: f64,
}

impl Ewma {
    fn new(half_life_sec: f64) -> Self {
        Self {
            half_lives_per_ns: NS / half_life_sec,
            sum: 0.0,
            unknown: 1.0,
        }
    }

    /// Adds a tick of `dt_ns` with `rate` = r^2/dt after quiet ticks of `quiet_ns` in all.
    #[inline]
    fn add(&mut self, quiet_ns: f64, dt_ns: f64, rate: f64) {
        let gone = forgotten((quiet_ns + dt_ns) * self.half_lives_per_ns);
        let share = forgotten(dt_ns * self.half_lives_per_ns);
        self.sum += share * rate - gone * self.sum;
        self.unknown -= gone * self.unknown;
    }

    /// Variance per second after further quiet ticks; 0 before the first tick.
    fn variance(&self, quiet_ns: f64) -> f64 {
        let kept = 1.0 - forgotten(quiet_ns * self.half_lives_per_ns);
        let weight = 1.0 - self.unknown * kept;
        if weight > 0.0 {
            self.sum * kept / weight
        } else {
            0.0
        }
    }
}

/// What the estimator says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VolatilityView {
    /// Volatility of one minute, bps; `None` until ready.
    pub vola_1m_bps: Option<f64>,
    /// Fast over baseline volatility; 1 until both are ready.
    pub sigma: f64,
}

/// Fast and baseline volatility of one mid.
#[derive(Debug, Clone)]
pub struct Volatility {
    fast: Ewma,
    baseline: Ewma,
    half_life_ns: [i64; 2],
    min_samples: u64,
    mid: MidTick,
    ts: TsNs,
    first: Option<TsNs>,
    samples: u64,
    quiet_ns: i64,
}

impl Volatility {
    /// An estimator; half-lives in seconds, ready after `min_samples` ticks over half a half-life.
    #[must_use]
    pub fn new(fast_sec: f64, baseline_sec: f64, min_samples: u32) -> Self {
        Self {
            fast: Ewma::new(fast_sec),
            baseline: Ewma::new(baseline_sec),
            half_life_ns: [to_ns(fast_sec), to_ns(baseline_sec)],
            min_samples: u64::from(min_samples),
            mid: MidTick::ZERO,
            ts: TsNs::ZERO,
            first: None,
            samples: 0,
            quiet_ns: 0,
        }
    }

    /// A tick of the mid at venue time `ts`.
    #[inline]
    pub fn tick(&mut self, mid: MidTick, ts: TsNs) {
        let dt = ts.since_ns(self.ts);
        if dt <= 0 || self.first.is_none() || mid.get() <= 0 {
            self.start(mid, ts);
            return;
        }
        self.ts = ts;
        self.samples += 1;
        let dt = dt.max(DT_FLOOR_NS);
        if mid == self.mid {
            self.quiet_ns = self.quiet_ns.saturating_add(dt);
        } else {
            self.move_to(mid, dt);
        }
    }

    /// The estimate now.
    #[must_use]
    pub fn view(&self) -> VolatilityView {
        let quiet = as_f64(self.quiet_ns);
        let fast = self.ready(0).then(|| self.fast.variance(quiet));
        let baseline = self.ready(1).then(|| self.baseline.variance(quiet));
        let sigma = match (fast, baseline) {
            (Some(fast), Some(base)) if base > 0.0 => libm::sqrt(fast / base),
            _ => 1.0,
        };
        VolatilityView {
            vola_1m_bps: fast.map(|variance| 1e4 * libm::sqrt(60.0 * variance)),
            sigma,
        }
    }

    /// The first tick sets the start; one that is not later than the last, or without a price, counts
    /// for nothing.
    #[cold]
    fn start(&mut self, mid: MidTick, ts: TsNs) {
        if self.first.is_none() && mid.get() > 0 {
            self.first = Some(ts);
            (self.mid, self.ts) = (mid, ts);
        }
    }

    #[inline]
    fn move_to(&mut self, mid: MidTick, dt_ns: i64) {
        let before = as_f64(self.mid.get());
        let r = log_return((as_f64(mid.get()) - before) / before);
        let dt = as_f64(dt_ns);
        let rate = r * r / (dt * NS);
        let quiet = as_f64(self.quiet_ns);
        self.fast.add(quiet, dt, rate);
        self.baseline.add(quiet, dt, rate);
        self.quiet_ns = 0;
        self.mid = mid;
    }

    fn ready(&self, which: usize) -> bool {
        let span = self.first.map_or(0, |first| self.ts.since_ns(first));
        self.samples >= self.min_samples && span >= self.half_life_ns[which] / 2
    }
}

#[allow(clippy::cast_precision_loss)] // nanoseconds of a session and prices are below 2^53
const fn as_f64(x: i64) -> f64 {
    x as f64
}

#[allow(clippy::cast_possible_truncation)] // a float cast saturates
fn to_ns(seconds: f64) -> i64 {
    (seconds * 1e9) as i64
}
