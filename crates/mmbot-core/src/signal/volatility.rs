//! Volatility of the mid: an exponentially weighted mean of squared log returns per second.
//!
//! Per valid tick (mid known, venue time strictly later than the last one), with half-life `h`:
//!
//! ```text
//! r = ln(mid / mid_prev);  dt = max(ts - ts_prev, 0.001) s;  d = 2^(-dt / h)
//! S = d S + (1 - d) r^2 / dt;  W = d W + (1 - d);  variance per second = S / W
//! ```
//!
//! Ticks that leave the mid where it was have `r = 0`, so that they only multiply `S` and `1 - W`
//! by their `d`, and such factors compose: `2^-a 2^-b = 2^-(a+b)`. Their seconds (each at least a
//! millisecond) are therefore summed as an integer and applied when the mid changes or is read.

use super::decay::{forgotten, kept, log_return};
use mmbot_types::{MidTick, TsNs};

/// Shortest time between two ticks, ns.
const DT_FLOOR_NS: i64 = 1_000_000;
const NS: f64 = 1e-9;

/// Weighted mean of one half-life.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
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
        let kept = kept((quiet_ns + dt_ns) * self.half_lives_per_ns);
        let share = forgotten(dt_ns * self.half_lives_per_ns);
        self.sum = self.sum * kept + share * rate;
        self.unknown *= kept;
    }

    /// Variance per second after further quiet ticks; 0 before the first tick.
    fn variance(&self, quiet_ns: f64) -> f64 {
        let kept = kept(quiet_ns * self.half_lives_per_ns);
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
    /// Fast over baseline volatility; `None` until both are ready.
    pub sigma: Option<f64>,
}

/// Fast and baseline volatility of one mid.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
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
            (Some(fast), Some(base)) if base > 0.0 => Some(libm::sqrt(fast / base)),
            _ => None,
        };
        VolatilityView {
            vola_1m_bps: fast.map(|variance| 1e4 * libm::sqrt(60.0 * variance)),
            sigma,
        }
    }

    /// The first tick sets the start; one that is not later than the last, or without a price,
    /// counts for nothing.
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The recursion as written, one step per tick.
    struct Naive {
        half_life: f64,
        s: f64,
        w: f64,
        last: Option<(f64, i64)>,
    }

    impl Naive {
        fn new(half_life: f64) -> Self {
            let (s, w, last) = (0.0, 0.0, None);
            Self {
                half_life,
                s,
                w,
                last,
            }
        }

        fn tick(&mut self, mid: f64, ts: i64) {
            let Some((mid_prev, ts_prev)) = self.last else {
                self.last = Some((mid, ts));
                return;
            };
            if ts <= ts_prev {
                return;
            }
            let r = libm::log(mid / mid_prev);
            let dt = ((ts - ts_prev) as f64 * 1e-9).max(0.001);
            let d = libm::exp2(-dt / self.half_life);
            self.s = d * self.s + (1.0 - d) * r * r / dt;
            self.w = d * self.w + (1.0 - d);
            self.last = Some((mid, ts));
        }

        fn vola_1m_bps(&self) -> f64 {
            1e4 * libm::sqrt(60.0 * self.s / self.w)
        }
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-9 * a.abs().max(b.abs()) + 1e-9
    }

    proptest! {
        /// spec: 01-8.3, 01-D13
        #[test]
        fn it_is_the_recursion_per_tick(
            steps in prop::collection::vec((-3i64..40_000_000, 0u8..4, -40i64..40), 1..300),
            stretch in prop::sample::select(vec![1i64, 50, 5_000]),
        ) {
            let mut fast = Volatility::new(2.0, 9.0, 1);
            let (mut naive, mut naive_base) = (Naive::new(2.0), Naive::new(9.0));
            let (mut ts, mut mid) = (1_000_000_000i64, 200_001i64);
            for (dt, still, move_by) in steps {
                ts += dt * stretch;
                if still == 0 {
                    mid += move_by;
                }
                fast.tick(MidTick::new(mid), TsNs::new(ts));
                naive.tick(mid as f64, ts);
                naive_base.tick(mid as f64, ts);
                let view = fast.view();
                if let Some(vola) = view.vola_1m_bps {
                    let expected = naive.vola_1m_bps();
                    prop_assert!(close(vola, expected), "{vola} {expected}");
                    let base = naive_base.vola_1m_bps();
                    if let Some(sigma) = view.sigma {
                        prop_assert!(close(sigma, expected / base));
                    }
                }
            }
        }
    }

    /// spec: 01-8.3, 01-D24
    #[test]
    fn it_is_ready_after_enough_ticks_over_half_a_half_life() {
        let mut vola = Volatility::new(2.0, 9.0, 3);
        let ms = |x: i64| TsNs::ZERO.plus_ms(1 + x);
        vola.tick(MidTick::new(100), ms(0));
        for (at, mid) in [(10, 101), (20, 100), (30, 101)] {
            vola.tick(MidTick::new(mid), ms(at));
        }
        assert_eq!(vola.view().vola_1m_bps, None, "too short a span");
        vola.tick(MidTick::new(101), ms(999));
        assert_eq!(vola.view().vola_1m_bps, None);
        vola.tick(MidTick::new(101), ms(1000));
        assert!(vola.view().vola_1m_bps.is_some_and(|x| x > 0.0));
        assert_eq!(vola.view().sigma, None, "no baseline yet");
        vola.tick(MidTick::new(101), ms(4500));
        assert!(
            vola.view()
                .sigma
                .is_some_and(|sigma| sigma > 0.0 && sigma < 1.0)
        );
    }

    /// spec: 01-8.3, 01-D24
    #[test]
    fn two_ticks_a_millisecond_apart_do_not_begin_orders_of_magnitude_too_high() {
        // a tick of a basis point every 100 ms, the first two a millisecond apart
        let mut vola = Volatility::new(60.0, 3600.0, 10);
        let mut ts = TsNs::new(1_000_000_000);
        vola.tick(MidTick::new(1_000_000), ts);
        let mut first = None;
        for i in 0..1_000i64 {
            ts = ts.plus_ms(if i == 0 { 1 } else { 100 });
            vola.tick(MidTick::new(1_000_000 + 100 * ((i + 1) % 2)), ts);
            first = first.or(vola.view().vola_1m_bps);
        }
        // 600 moves of a basis point a minute: sqrt(600) bps
        let (first, truth) = (first.unwrap(), libm::sqrt(600.0));
        assert!(
            first > truth * 0.9 && first < truth * 1.5,
            "{first} {truth}"
        );
        let last = vola.view().vola_1m_bps.unwrap();
        assert!((last / truth - 1.0).abs() < 0.25, "{last} {truth}");
    }

    /// spec: 01-8.3
    #[test]
    fn a_tick_without_a_price_or_from_the_past_counts_for_nothing() {
        let mut vola = Volatility::new(2.0, 9.0, 1);
        let ms = |x: i64| TsNs::ZERO.plus_ms(1 + x);
        for (at, mid) in [
            (0, 0),
            (0, 100),
            (2000, 101),
            (2000, 900),
            (1000, 900),
            (2500, 0),
        ] {
            vola.tick(MidTick::new(mid), ms(at));
        }
        let mut naive = Naive::new(2.0);
        naive.tick(100.0, 0);
        naive.tick(101.0, 2_000_000_000);
        assert!(close(vola.view().vola_1m_bps.unwrap(), naive.vola_1m_bps()));
    }
}
