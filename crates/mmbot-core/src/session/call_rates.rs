//! How often calls fail and orders are rejected: shares over the last seconds, counted by whole
//! seconds.

use super::outcome::{CallOutcome, OutcomeCounts};
use super::ring::{SecondRing, second_of};
use mmbot_types::TsNs;

/// Window of `rest_error_rate`, seconds.
pub const CALL_WINDOW_SEC: u32 = 60;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CallRates {
    calls: SecondRing,
    failed: SecondRing,
    sends: SecondRing,
    rejects: SecondRing,
}

impl CallRates {
    /// Rates without any call; `guard_window_sec` is the window of the runtime guard.
    #[must_use]
    pub fn new(guard_window_sec: u32) -> Self {
        Self {
            calls: SecondRing::new(CALL_WINDOW_SEC),
            failed: SecondRing::new(CALL_WINDOW_SEC),
            sends: SecondRing::new(guard_window_sec),
            rejects: SecondRing::new(guard_window_sec),
        }
    }

    /// A call ended.
    pub fn on_call(&mut self, outcome: CallOutcome, now: TsNs) {
        self.on_calls(&OutcomeCounts::one(outcome), now);
    }

    /// Calls ended.
    pub fn on_calls(&mut self, counts: &OutcomeCounts, now: TsNs) {
        if counts.is_empty() {
            return;
        }
        let (tally, second) = (counts.tally(), second_of(now));
        self.calls.add(second, saturated(tally.all));
        if tally.failed > 0 {
            self.failed.add(second, saturated(tally.failed));
        }
    }

    /// `sent` orders were sent and `rejected` were rejected, each order counted once.
    pub fn on_orders(&mut self, sent: u32, rejected: u32, now: TsNs) {
        for (ring, n) in [(&mut self.sends, sent), (&mut self.rejects, rejected)] {
            if n > 0 {
                ring.add(second_of(now), n);
            }
        }
    }

    /// Failed calls over all calls of the last 60 s; 0 without a call.
    pub fn rest_error_rate(&mut self, now: TsNs) -> f64 {
        let second = second_of(now);
        share(self.failed.total(second), self.calls.total(second))
    }

    /// Rejects over sends of the guard's window; 0 without a send, at most 1 (a reject may come
    /// when its send has left the window).
    pub fn order_reject_rate(&mut self, now: TsNs) -> f64 {
        let second = second_of(now);
        share(self.rejects.total(second), self.sends.total(second))
    }

    /// Makes the guard's window `guard_window_sec` long; the newest seconds are kept.
    pub fn resize_guard_window(&mut self, guard_window_sec: u32) {
        self.sends.resize(guard_window_sec);
        self.rejects.resize(guard_window_sec);
    }
}

fn saturated(n: u64) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[allow(clippy::cast_precision_loss)] // counts of calls
fn share(part: u64, all: u64) -> f64 {
    if all == 0 {
        0.0
    } else {
        (part as f64 / all as f64).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: i64) -> TsNs {
        TsNs::ZERO.plus_ms(1000 * second)
    }

    /// spec: 02-5.5
    #[test]
    fn the_error_rate_is_failed_over_all_calls_of_sixty_seconds() {
        let mut rates = CallRates::new(300);
        assert_eq!(rates.rest_error_rate(at(0)), 0.0);
        rates.on_call(CallOutcome::Timeout, at(0));
        rates.on_call(CallOutcome::Ok, at(1));
        rates.on_call(CallOutcome::BusinessReject, at(1));
        rates.on_call(CallOutcome::OtherError, at(1));
        assert_eq!(rates.rest_error_rate(at(59)), 0.5);
        assert_eq!(rates.rest_error_rate(at(60)), 1.0 / 3.0);
        assert_eq!(rates.rest_error_rate(at(61)), 0.0);
    }

    /// spec: 02-5.5
    #[test]
    fn the_reject_rate_is_rejects_over_sends_of_the_guards_window() {
        let mut rates = CallRates::new(10);
        rates.on_orders(0, 1, at(0));
        assert_eq!(rates.order_reject_rate(at(0)), 0.0, "without a send");
        rates.on_orders(3, 0, at(2));
        rates.on_orders(1, 0, at(4));
        assert_eq!(rates.order_reject_rate(at(4)), 0.25);
        rates.on_orders(0, 7, at(5));
        assert_eq!(rates.order_reject_rate(at(5)), 1.0, "at most");
        rates.resize_guard_window(2);
        assert_eq!(rates.order_reject_rate(at(5)), 1.0);
        assert_eq!(rates.order_reject_rate(at(6)), 0.0);
    }

    proptest! {
        /// spec: 02-5.5
        #[test]
        fn rates_equal_those_of_lists(
            events in prop::collection::vec((0i64..9, 0usize..8), 1..150),
            guard_sec in 1u32..40,
        ) {
            let mut rates = CallRates::new(guard_sec);
            let (mut now, mut list) = (0, Vec::new());
            for (gap, kind) in events {
                now += gap;
                list.push((now, kind));
                match kind {
                    6 => rates.on_orders(2, 0, at(now)),
                    7 => rates.on_orders(0, 1, at(now)),
                    _ => rates.on_call(CallOutcome::ALL[kind], at(now)),
                }
                let count = |window: i64, is: &dyn Fn(usize) -> bool| {
                    let recent = list.iter().filter(|(s, kind)| *s > now - window && is(*kind));
                    recent.count() as f64
                };
                let (failed, calls) = (count(60, &|k| (2..6).contains(&k)), count(60, &|k| k < 6));
                let expected = if calls > 0.0 { failed / calls } else { 0.0 };
                prop_assert_eq!(rates.rest_error_rate(at(now)), expected);
                let guard = i64::from(guard_sec);
                let (rejects, sends) = (count(guard, &|k| k == 7), 2.0 * count(guard, &|k| k == 6));
                let expected = if sends > 0.0 { (rejects / sends).min(1.0) } else { 0.0 };
                prop_assert_eq!(rates.order_reject_rate(at(now)), expected);
            }
        }
    }
}
