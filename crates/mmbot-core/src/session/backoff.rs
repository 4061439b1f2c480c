//! Adaptive back-off of one symbol: while calls fail or the feed lags, creates and amends wait
//! longer from second to second; cancels never wait.
//!
//! At most one evaluation a second moves the back-off: doubled up to the cap while there is reason,
//! gone at the first evaluation without. The jitter is applied after the cap and comes from a keyed
//! hash of symbol and time, so that symbols spread out and a replay waits as long as the original:
//! with `u` the first 8 bytes of HMAC-SHA256(key `mmbot`, `{symbol}|{floor(now_sec / 5)}`) as a big
//! endian number over 2^64, the back-off is `base * (1 + jitter_pct * (2 u - 1))`.

use super::hmac::hmac_sha256;
use super::ring::second_of;
use mmbot_types::{ThrottleParams, TsNs};
use std::io::Write as _;

/// Evaluations are at least this far apart, ns.
const EVALUATION_NS: i64 = 1_000_000_000;
/// The jitter of a symbol changes after so many seconds.
const JITTER_SEC: i64 = 5;
const JITTER_KEY: &[u8] = b"mmbot";

/// What an evaluation looks at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BackoffSigns {
    /// Share of failed calls of the last 60 s, in [0, 1].
    pub rest_error_rate: f64,
    /// Age of the feed, ms.
    pub ws_lag_ms: f64,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Backoff {
    symbol: Box<str>,
    latest: Option<Evaluation>,
    max_observed_ms: f64,
    count: u64,
}

/// The last evaluation.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
struct Evaluation {
    at: TsNs,
    /// Before jitter; 0 if there was no reason.
    base_ms: u32,
    backoff_ms: f64,
    /// Creates and amends wait until then.
    until: TsNs,
}

impl Backoff {
    /// No back-off of this symbol.
    #[must_use]
    pub fn new(symbol: &str) -> Self {
        Self {
            symbol: symbol.into(),
            latest: None,
            max_observed_ms: 0.0,
            count: 0,
        }
    }

    /// Looks at the signs, unless the last evaluation is less than a second old.
    pub fn evaluate(&mut self, params: &ThrottleParams, signs: BackoffSigns, now: TsNs) {
        if self.fresh(now).is_none() {
            let triggered = signs.rest_error_rate >= params.error_rate_trigger
                || signs.ws_lag_ms >= params.ws_lag_trigger_ms;
            self.conclude(params, triggered, now);
        }
    }

    /// The venue said that we ask too often (HTTP 429 or its own code): backs off at once, between
    /// evaluations too. It doubles at most once a second; a repetition within that second makes the
    /// same back-off begin anew.
    pub fn rate_limited(&mut self, params: &ThrottleParams, now: TsNs) {
        let now = self.latest.map_or(now, |last| now.max(last.at));
        match self.fresh(now) {
            Some(running) if running.base_ms > 0 => {
                let until = running.until.max(after_ms(now, running.backoff_ms));
                self.latest = Some(Evaluation { until, ..running });
            }
            _ => self.conclude(params, true, now),
        }
    }

    /// True while creates and amends of the symbol must wait.
    #[inline]
    #[must_use]
    pub fn blocks(&self, now: TsNs) -> bool {
        self.latest
            .is_some_and(|last| last.base_ms > 0 && now.max(last.at) < last.until)
    }

    /// The current back-off, ms, with jitter; 0 without one. It is that of the last evaluation and
    /// lapses when it is over and no evaluation has followed for a second.
    #[must_use]
    pub fn current_ms(&self, now: TsNs) -> f64 {
        let due = self.fresh(now).is_none() && !self.blocks(now);
        self.latest
            .map_or(0.0, |last| if due { 0.0 } else { last.backoff_ms })
    }

    /// Creates and amends of the symbol wait until then; the epoch if they need not.
    #[must_use]
    pub fn blocked_until(&self) -> TsNs {
        let waiting = self.latest.filter(|last| last.base_ms > 0);
        waiting.map_or(TsNs::ZERO, |last| last.until)
    }

    /// The largest back-off since the start or the last reset, ms.
    #[must_use]
    pub const fn max_observed_ms(&self) -> f64 {
        self.max_observed_ms
    }

    /// Evaluations that found reason to back off.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Raises the observed maximum to that of an earlier run.
    pub const fn seed_max_observed(&mut self, backoff_ms: f64) {
        self.max_observed_ms = self.max_observed_ms.max(backoff_ms);
    }

    /// Ends the back-off and forgets the observed maximum; what was counted stays counted.
    pub const fn reset(&mut self) {
        self.latest = None;
        self.max_observed_ms = 0.0;
    }

    /// The last evaluation, if the next one is not due yet.
    fn fresh(&self, now: TsNs) -> Option<Evaluation> {
        self.latest
            .filter(|last| now.since_ns(last.at) < EVALUATION_NS)
    }

    fn conclude(&mut self, params: &ThrottleParams, triggered: bool, now: TsNs) {
        let base_ms = match self.latest.map_or(0, |last| last.base_ms) {
            _ if !triggered => 0,
            0 => params.backoff_base_ms,
            base_ms => base_ms.saturating_mul(2).min(params.backoff_cap_ms),
        };
        let backoff_ms = if triggered {
            f64::from(base_ms) * (1.0 + jitter(&self.symbol, params.jitter_pct, now))
        } else {
            0.0
        };
        self.count += u64::from(triggered);
        self.max_observed_ms = self.max_observed_ms.max(backoff_ms);
        self.latest = Some(Evaluation {
            at: now,
            base_ms,
            backoff_ms,
            until: after_ms(now, backoff_ms),
        });
    }
}

/// `ms` after `from`, to the nanosecond below.
#[allow(clippy::cast_possible_truncation)] // at most some minutes
fn after_ms(from: TsNs, ms: f64) -> TsNs {
    from.plus_ns((ms * 1e6) as i64)
}

/// A number in [-pct, +pct]; the formula is in the module's text.
#[allow(clippy::cast_precision_loss)] // the nearest double is meant
fn jitter(symbol: &str, pct: f64, now: TsNs) -> f64 {
    // 20 bytes hold every i64
    let mut digits = [0u8; 20];
    let mut rest = &mut digits[..];
    let _ = write!(rest, "{}", second_of(now).div_euclid(JITTER_SEC));
    let length = 20 - rest.len();
    let digest = hmac_sha256(JITTER_KEY, &[symbol.as_bytes(), b"|", &digits[..length]]);
    let mut first = [0u8; 8];
    first.copy_from_slice(&digest[..8]);
    let u = u64::from_be_bytes(first) as f64 / 18_446_744_073_709_551_616.0;
    pct * (2.0 * u - 1.0)
}
