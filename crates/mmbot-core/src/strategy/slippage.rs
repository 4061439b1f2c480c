//! What fills cost beyond the quoted price: an exponentially weighted mean of observed slippage, by
//! which `strategy.slippage_penalty_coef` widens the spread.
//!
//! Of a maker fill the observation is how far the mid moved against us within half a second, of a
//! taker fill how far from the mid it was executed; both relative to the mid at the fill, in bps.

use crate::market::Market;
use mmbot_types::{ExecPrice, MidTick, Side, TsNs};
use std::collections::VecDeque;

/// After this time the mid shows what a maker fill cost, ms.
const MAKER_HORIZON_MS: i64 = 500;
/// Weight of the newest observation.
const ALPHA: f64 = 0.1;
/// The mean counts from this many observations on (`portfolio.cost.calib_min_samples`).
const SAMPLES_MIN: u64 = 20;

#[derive(Debug, Clone, Copy)]
struct Waiting {
    ts: TsNs,
    side: Side,
    /// Execution price of a taker; `None` for a maker.
    taken_at: Option<ExecPrice>,
}

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct SlippageEwma {
    waiting: VecDeque<Waiting>,
    mean_bps: f64,
    samples: u64,
}

impl SlippageEwma {
    /// A fill at venue time `ts`; `taken_at` is the execution price if it took.
    pub fn on_fill(&mut self, ts: TsNs, side: Side, taken_at: Option<ExecPrice>) {
        self.waiting.push_back(Waiting { ts, side, taken_at });
    }

    /// Observes the fills whose half second has passed; one without valid mids is left out.
    pub fn resolve(&mut self, market: &Market) {
        while let Some(fill) = self.waiting.front().copied() {
            let horizon = fill.ts.plus_ms(MAKER_HORIZON_MS);
            if market.last_ts_exch() <= horizon {
                break;
            }
            self.waiting.pop_front();
            let mid = market.fresh_mid_at(fill.ts);
            let after = market.fresh_mid_at(horizon);
            if let (Some(mid), Some(after)) = (mid, after) {
                self.observe(&fill, mid, after);
            }
        }
    }

    /// Expected slippage, bps; 0 until there are enough observations.
    #[must_use]
    pub fn bps(&self) -> f64 {
        if self.samples >= SAMPLES_MIN {
            self.mean_bps.max(0.0)
        } else {
            0.0
        }
    }

    #[allow(clippy::cast_precision_loss)] // prices are below 2^53
    fn observe(&mut self, fill: &Waiting, mid: MidTick, after: MidTick) {
        let (mid, after) = (mid.to_exec().get(), after.to_exec().get());
        let against = match fill.taken_at {
            Some(px) => px.get() - mid,
            None => mid - after,
        };
        let bps = 1e4 * (fill.side.sign() * against) as f64 / mid as f64;
        self.mean_bps = if self.samples == 0 {
            bps
        } else {
            ALPHA * bps + (1.0 - ALPHA) * self.mean_bps
        };
        self.samples += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mmbot_types::{Instrument, Params, PriceTick, QtyLot};

    fn at(ms: i64) -> TsNs {
        TsNs::ZERO.plus_ms(1_000_000 + ms)
    }

    fn book(market: &mut Market, mid: i64, ms: i64) {
        market.reset();
        market.depth(Side::Buy, PriceTick::new(mid - 1), QtyLot::new(1));
        market.depth(Side::Sell, PriceTick::new(mid + 1), QtyLot::new(1));
        market.end_packet(at(ms), at(ms));
    }

    #[test]
    fn it_counts_from_twenty_observations_on_and_never_below_zero() {
        let i = Instrument::new("X", "0.1", "0.001", "0.001", 5.0, 1.0).unwrap();
        let mut market = Market::new(i, Params::default().signals, 1000);
        let mut slippage = SlippageEwma::default();
        for n in 0..20 {
            assert_eq!(slippage.bps(), 0.0, "{n}");
            book(&mut market, 10_000, 1_000 * n);
            slippage.on_fill(at(1_000 * n), Side::Buy, None);
            book(&mut market, 9_990, 1_000 * n + 400);
            slippage.resolve(&market);
            book(&mut market, 9_990, 1_000 * n + 501);
            slippage.resolve(&market);
        }
        assert!((slippage.bps() - 10.0).abs() < 1e-9, "{}", slippage.bps());
        book(&mut market, 10_000, 30_000);
        slippage.on_fill(
            at(30_000),
            Side::Sell,
            Some(ExecPrice::new(10_050 * 10_000)),
        );
        book(&mut market, 10_000, 30_501);
        slippage.resolve(&market);
        // sold 50 bps above the mid: 0.1 x -50 + 0.9 x 10
        assert!((slippage.bps() - 4.0).abs() < 1e-9, "{}", slippage.bps());
    }

    #[test]
    fn a_fill_in_a_silence_is_left_out() {
        let i = Instrument::new("X", "0.1", "0.001", "0.001", 5.0, 1.0).unwrap();
        let mut market = Market::new(i, Params::default().signals, 1000);
        let mut slippage = SlippageEwma::default();
        book(&mut market, 10_000, 0);
        slippage.on_fill(at(5_000), Side::Buy, None);
        book(&mut market, 9_000, 9_000);
        slippage.resolve(&market);
        assert_eq!(slippage.samples, 0);
        assert!(slippage.waiting.is_empty());
    }
}
