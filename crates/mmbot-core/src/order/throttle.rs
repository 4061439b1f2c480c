//! How many replaces may be under way, how soon after each other, how many in a minute.

use mmbot_types::{BlockDetail, ReplaceParams, TsNs};
use std::collections::VecDeque;

/// Window of the replace rate, ns.
const WINDOW_NS: i64 = 60_000_000_000;
/// A request without an answer for so long is no longer in flight, ns.
pub const ANSWER_TIMEOUT_NS: i64 = 3_000_000_000;
/// Send times kept; a limit above this (a thousand a second) is no limit.
const SENT_MAX: usize = 1 << 16;

/// State of the replace throttle of one symbol.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct ReplaceThrottle {
    in_flight: u32,
    last_sent: Option<TsNs>,
    sent: VecDeque<TsNs>,
}

impl ReplaceThrottle {
    /// Whether a replace may be sent at `now`.
    ///
    /// # Errors
    /// The first check that refuses: concurrency, interval, rate.
    pub fn check(&mut self, params: &ReplaceParams, now: TsNs) -> Result<(), BlockDetail> {
        if f64::from(self.in_flight) + 1.0 > params.max_concurrent.max(1.0) {
            return Err(BlockDetail::InFlight);
        }
        let interval_ns = params.min_interval_ms.saturating_mul(1_000_000);
        if self
            .last_sent
            .is_some_and(|last| now.since_ns(last) < interval_ns)
        {
            return Err(BlockDetail::Interval);
        }
        if self.sent_last_minute(now) >= params.replace_rate_per_min as usize {
            return Err(BlockDetail::RatePerMin);
        }
        Ok(())
    }

    /// A replace was sent.
    pub fn on_sent(&mut self, now: TsNs) {
        self.in_flight += 1;
        self.last_sent = Some(now);
        if self.sent.len() >= SENT_MAX {
            self.sent.pop_front();
        }
        self.sent.push_back(now);
    }

    /// A replace was answered, or given up.
    #[inline]
    pub fn on_answered(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// When the last replace was sent.
    #[must_use]
    pub const fn last_sent(&self) -> Option<TsNs> {
        self.last_sent
    }

    /// Replaces in flight.
    #[must_use]
    pub const fn in_flight(&self) -> u32 {
        self.in_flight
    }

    /// Replaces sent within the last 60 s.
    pub fn sent_last_minute(&mut self, now: TsNs) -> usize {
        while self
            .sent
            .front()
            .is_some_and(|at| now.since_ns(*at) >= WINDOW_NS)
        {
            self.sent.pop_front();
        }
        self.sent.len()
    }

    /// The same without forgetting older ones.
    #[must_use]
    pub fn rate_per_min(&self, now: TsNs) -> usize {
        let recent = |at: &&TsNs| now.since_ns(**at) < WINDOW_NS;
        self.sent.iter().rev().take_while(recent).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mmbot_types::Params;
    use proptest::prelude::*;

    /// spec: 02-7.1, 01-D7
    #[test]
    fn checks_refuse_in_their_order() {
        let mut params = Params::default().replace;
        (params.max_concurrent, params.min_interval_ms) = (1.5, 60);
        let ms = |x| TsNs::ZERO.plus_ms(x);
        let mut throttle = ReplaceThrottle::default();
        assert_eq!(throttle.check(&params, ms(0)), Ok(()));
        throttle.on_sent(ms(0));
        assert_eq!(
            throttle.check(&params, ms(90)),
            Err(BlockDetail::InFlight),
            "half a place is none"
        );
        throttle.on_answered();
        assert_eq!(throttle.check(&params, ms(59)), Err(BlockDetail::Interval));
        assert_eq!(throttle.check(&params, ms(60)), Ok(()));
    }

    proptest! {
        /// spec: 02-7.1/3 02-7.3
        #[test]
        fn the_rate_is_that_of_a_list_of_times(
            steps in prop::collection::vec(0i64..9_000, 1..400),
            rate in 1u32..20,
        ) {
            let mut params = Params::default().replace;
            params.min_interval_ms = 0;
            params.max_concurrent = 1.0;
            params.replace_rate_per_min = rate;
            let mut throttle = ReplaceThrottle::default();
            let (mut now_ms, mut list) = (0i64, Vec::new());
            for step in steps {
                now_ms += step;
                let recent = list.iter().filter(|at| now_ms - **at < 60_000).count();
                let allowed = recent < rate as usize;
                let now = TsNs::ZERO.plus_ms(now_ms);
                prop_assert_eq!(throttle.check(&params, now).is_ok(), allowed);
                if allowed {
                    list.push(now_ms);
                    throttle.on_sent(now);
                    throttle.on_answered();
                }
            }
        }
    }
}
