//! How long orders rested and how many of them were filled, over the recent past.

use super::latency_window::LatencyWindow;
use super::ring::{SecondRing, second_of};
use super::seat::Seat;
use mmbot_types::TsNs;

/// Window of the ages of orders, seconds.
const AGE_WINDOW_SEC: u32 = 300;
/// Window of the share of orders with a fill, seconds.
const END_WINDOW_SEC: u32 = 3600;

/// See the module.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct OrderFlow {
    /// By instrument.
    ages: Vec<LatencyWindow>,
    ended: SecondRing,
    with_fill: SecondRing,
}

impl OrderFlow {
    pub(super) fn new(symbols: usize) -> Self {
        Self {
            ages: vec![LatencyWindow::new(AGE_WINDOW_SEC); symbols],
            ended: SecondRing::new(END_WINDOW_SEC),
            with_fill: SecondRing::new(END_WINDOW_SEC),
        }
    }

    /// Counts what ended since the last synchronisation.
    pub(super) fn count(&mut self, seats: &[Seat], now: TsNs) {
        for (ages, seat) in self.ages.iter_mut().zip(seats) {
            ages.record_all(&seat.ages_ns, now);
            for end in &seat.ended {
                let second = second_of(end.ts);
                self.ended.add(second, 1);
                if end.end.filled {
                    self.with_fill.add(second, 1);
                }
            }
        }
    }

    /// Nearest-rank percentile of the ages of a symbol's orders in the last 300 s, ms; `None`
    /// without orders.
    pub fn age_ms(&mut self, at: usize, percent: usize, now: TsNs) -> Option<f64> {
        self.ages.get_mut(at)?.percentile_ms(percent, now)
    }

    /// Orders with a fill over orders that ended in the last 3600 s; `None` without any.
    #[allow(clippy::cast_precision_loss)] // counts
    pub fn hit_rate(&mut self, now: TsNs) -> Option<f64> {
        let second = second_of(now);
        let (filled, ended) = (self.with_fill.total(second), self.ended.total(second));
        (ended > 0).then(|| filled as f64 / ended as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portfolio::OrderEnd;
    use crate::trader::EndNote;

    fn seat(ages_ms: &[i64], filled: &[bool], ts: TsNs) -> Seat {
        let end = |filled: &bool| EndNote {
            ts,
            end: OrderEnd {
                filled: *filled,
                rested_ms: 0.0,
                rejected: false,
            },
        };
        let mut seat = Seat::default();
        seat.ages_ns = ages_ms.iter().map(|ms| ms * 1_000_000).collect();
        seat.ended = filled.iter().map(end).collect();
        seat
    }

    /// spec: 02-5.5 02-7.3
    #[test]
    fn ages_are_ranked_over_300_s_and_hits_counted_over_3600_s() {
        let at = |second: i64| TsNs::ZERO.plus_ms(1000 * second);
        let mut flow = OrderFlow::new(1);
        assert_eq!(
            (flow.age_ms(0, 50, at(0)), flow.hit_rate(at(0))),
            (None, None)
        );
        let ages: Vec<i64> = (1..=100).collect();
        flow.count(&[seat(&ages, &[true, false, false, false], at(10))], at(10));
        assert_eq!(flow.age_ms(0, 50, at(309)), Some(50.0));
        assert_eq!(flow.age_ms(0, 95, at(309)), Some(95.0));
        assert_eq!(flow.age_ms(0, 99, at(309)), Some(99.0));
        assert_eq!(flow.age_ms(0, 99, at(310)), None);
        assert_eq!(flow.age_ms(1, 99, at(309)), None);
        assert_eq!(flow.hit_rate(at(3609)), Some(0.25));
        assert_eq!(flow.hit_rate(at(3610)), None);
    }
}
