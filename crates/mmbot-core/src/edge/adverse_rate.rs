//! Share of fills after which the mid moved against us within its next five changes: how toxic the
//! flow is that takes our quotes, whatever its speed.

use crate::market::Market;
use mmbot_types::{ExecPrice, Side, TsNs};
use std::collections::VecDeque;

/// A fill is judged by the mid after so many changes.
const CHANGES: u32 = 5;
/// Fills that wait for their mid; more are not kept, the oldest go first. Five changes take seconds
/// even in a quiet market, and no limit lets a symbol fill a thousand times a second.
pub const ADVERSE_PENDING_MAX: usize = 1 << 12;

#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
struct Waiting {
    ts: TsNs,
    side: Side,
    px: ExecPrice,
}

/// See the module.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct AdverseRate {
    window: usize,
    waiting: VecDeque<Waiting>,
    /// Whether each of the latest completed fills was adverse, oldest first.
    outcomes: VecDeque<bool>,
    adverse: usize,
}

impl AdverseRate {
    /// The rate over the last `window_fills` completed fills (`signals.adverse_window_fills`).
    #[must_use]
    pub fn new(window_fills: u32) -> Self {
        Self {
            window: window_fills as usize,
            waiting: VecDeque::new(),
            outcomes: VecDeque::new(),
            adverse: 0,
        }
    }

    /// Another number of fills; the latest stay.
    pub fn set_window_fills(&mut self, window_fills: u32) {
        self.window = window_fills as usize;
        self.trim();
    }

    /// A fill at venue time `ts`; one without a price is not followed.
    pub fn on_fill(&mut self, ts: TsNs, side: Side, px: ExecPrice) {
        if px.get() <= 0 {
            return;
        }
        if self.waiting.len() >= ADVERSE_PENDING_MAX {
            self.waiting.pop_front();
        }
        self.waiting.push_back(Waiting { ts, side, px });
    }

    /// Completes the fills after which the mid has changed often enough; to be called at
    /// synchronisation points.
    pub fn resolve(&mut self, market: &Market) {
        while let Some(fill) = self.waiting.front() {
            let Some(mid) = market.mid_after_changes(fill.ts, CHANGES) else {
                return;
            };
            // the sign of side * (mid - price) / price
            let moved = mid.to_exec().get().saturating_sub(fill.px.get());
            let adverse = moved * fill.side.sign() < 0;
            self.waiting.pop_front();
            self.outcomes.push_back(adverse);
            self.adverse += usize::from(adverse);
            self.trim();
        }
    }

    /// Share of adverse fills, in [0, 1]; `None` without a completed fill.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // counts
    pub fn rate(&self) -> Option<f64> {
        match self.outcomes.len() {
            0 => None,
            n => Some(self.adverse as f64 / n as f64),
        }
    }

    /// Fills that wait for their mid.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn trim(&mut self) {
        while self.outcomes.len() > self.window {
            let oldest = self.outcomes.pop_front();
            self.adverse -= usize::from(oldest == Some(true));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mmbot_types::{Instrument, Params, PriceTick, QtyLot};
    use proptest::prelude::*;

    fn market() -> Market {
        let instrument = Instrument::new("X", "1", "1", "1", 0.0, 1.0).unwrap();
        Market::new(instrument, Params::default().signals, 1_000)
    }

    /// A book with bid `bid` and ask `bid + 2` at millisecond `ms`.
    fn quote(market: &mut Market, bid: i64, ms: i64) {
        market.reset();
        let lot = QtyLot::new(1);
        market.depth(Side::Buy, PriceTick::new(bid), lot);
        market.depth(Side::Sell, PriceTick::new(bid + 2), lot);
        market.end_packet(TsNs::ZERO.plus_ms(ms), TsNs::ZERO.plus_ms(ms));
    }

    fn px(ticks: i64) -> ExecPrice {
        PriceTick::new(ticks).to_exec()
    }

    /// spec: 01-8.4
    #[test]
    fn a_fill_is_judged_by_the_mid_after_its_fifth_change() {
        let mut market = market();
        let mut rate = AdverseRate::new(10);
        quote(&mut market, 100, 1);
        // at the mid, which is 101
        rate.on_fill(TsNs::ZERO.plus_ms(1), Side::Buy, px(101));
        rate.on_fill(TsNs::ZERO.plus_ms(1), Side::Sell, px(101));
        rate.on_fill(TsNs::ZERO.plus_ms(1), Side::Buy, px(99));
        for (ms, bid) in [(2, 101), (3, 101), (4, 102), (5, 103), (6, 104)] {
            quote(&mut market, bid, ms);
            rate.resolve(&market);
            assert_eq!(rate.rate(), None, "{ms}: an unchanged mid is no change");
        }
        quote(&mut market, 98, 7);
        rate.resolve(&market);
        assert_eq!(rate.waiting(), 0);
        // the mid is 99 then: the first lost, the second won, the third is even
        assert_eq!(rate.rate(), Some(1.0 / 3.0));
    }

    /// spec: 01-8.4
    #[test]
    fn only_the_last_fills_count() {
        let mut market = market();
        let mut rate = AdverseRate::new(2);
        quote(&mut market, 100, 1);
        for side in [Side::Sell, Side::Buy, Side::Buy] {
            rate.on_fill(TsNs::ZERO.plus_ms(1), side, px(101));
        }
        for step in 1..=5 {
            quote(&mut market, 100 + step, 1 + step);
        }
        rate.resolve(&market);
        assert_eq!(
            rate.rate(),
            Some(0.0),
            "the adverse sell is the oldest of three"
        );
        rate.set_window_fills(1);
        assert_eq!(rate.rate(), Some(0.0));
    }

    #[test]
    fn what_waits_is_bounded_and_a_fill_without_a_price_is_not_followed() {
        let mut rate = AdverseRate::new(10);
        rate.on_fill(TsNs::ZERO, Side::Buy, px(0));
        assert_eq!(rate.waiting(), 0);
        for _ in 0..=ADVERSE_PENDING_MAX {
            rate.on_fill(TsNs::ZERO, Side::Buy, px(1));
        }
        assert_eq!(rate.waiting(), ADVERSE_PENDING_MAX);
    }

    proptest! {
        /// spec: 01-8.4
        #[test]
        fn it_is_the_share_over_a_list_of_everything(
            steps in prop::collection::vec((95i64..105, prop::option::of(any::<bool>())), 1..80),
            window in 1u32..20,
        ) {
            let mut market = market();
            let mut rate = AdverseRate::new(window);
            let (mut mids, mut fills) = (Vec::new(), Vec::new());
            for (ms, (bid, fill)) in (1i64..).zip(steps) {
                quote(&mut market, bid, ms);
                mids.push(bid + 1);
                if let Some(buy) = fill {
                    let side = if buy { Side::Buy } else { Side::Sell };
                    rate.on_fill(TsNs::ZERO.plus_ms(ms), side, px(100));
                    fills.push((mids.len() - 1, side));
                }
                rate.resolve(&market);
                let outcome = |(at, side): &(usize, Side)| {
                    let pairs = mids[*at..].windows(2).filter(|pair| pair[0] != pair[1]);
                    let fifth = pairs.map(|pair| pair[1]).nth(4)?;
                    Some((fifth - 100) * side.sign() < 0)
                };
                let done: Vec<_> = fills.iter().filter_map(outcome).collect();
                let last = &done[done.len().saturating_sub(window as usize)..];
                let adverse = last.iter().filter(|adverse| **adverse).count();
                let expected = (!last.is_empty()).then(|| adverse as f64 / last.len() as f64);
                prop_assert_eq!(rate.rate(), expected);
            }
        }
    }
}
