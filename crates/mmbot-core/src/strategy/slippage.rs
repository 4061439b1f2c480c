//! What fills cost beyond the quoted price, once it is known: observations for the calibration of
//! the cost model.
//!
//! Of a maker fill the observation is how far the mid moved against us within half a second, of a
//! taker fill how far from the mid it was executed; both relative to the mid at the fill, in bps,
//! signed.

use crate::market::Market;
use crate::trader::FillNote;
use mmbot_types::MidTick;
use std::collections::VecDeque;

/// After this time the mid shows what a maker fill cost, ms.
const MAKER_HORIZON_MS: i64 = 500;
/// Fills that wait at most: beyond a thousand in half a second the rest is not sampled.
const WAITING_MAX: usize = 1024;

/// What a fill cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FillCost {
    /// Signed, bps; positive is a cost.
    pub slippage_bps: f64,
    /// Notional of the fill, USD.
    pub notional_usd: f64,
}

/// Fills whose half second has not passed.
#[derive(Debug, Clone, Default)]
pub struct SlippageWatch {
    waiting: VecDeque<FillNote>,
}

impl SlippageWatch {
    /// A fill to follow.
    pub fn on_fill(&mut self, fill: &FillNote) {
        if self.waiting.len() < WAITING_MAX {
            self.waiting.push_back(*fill);
        }
    }

    /// The next fill whose cost is known; one without valid mids is left out.
    pub fn next_known(&mut self, market: &Market) -> Option<FillCost> {
        while let Some(fill) = self.waiting.front().copied() {
            let horizon = fill.ts_exch.plus_ms(MAKER_HORIZON_MS);
            if market.last_ts_exch() <= horizon {
                return None;
            }
            self.waiting.pop_front();
            let mid = market.fresh_mid_at(fill.ts_exch);
            let after = market.fresh_mid_at(horizon);
            if let (Some(mid), Some(after)) = (mid, after) {
                return Some(cost_of(&fill, mid, after));
            }
        }
        None
    }
}

#[allow(clippy::cast_precision_loss)] // prices are below 2^53
fn cost_of(fill: &FillNote, mid: MidTick, after: MidTick) -> FillCost {
    let (mid, after) = (mid.to_exec().get(), after.to_exec().get());
    let against = match fill.taken_at {
        Some(px) => px.get() - mid,
        None => mid - after,
    };
    FillCost {
        slippage_bps: 1e4 * (fill.side.sign() * against) as f64 / mid as f64,
        notional_usd: fill.notional_usd,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mmbot_types::{ExecPrice, Instrument, Params, PriceTick, QtyLot, Side, TsNs};

    fn at(ms: i64) -> TsNs {
        TsNs::ZERO.plus_ms(1_000_000 + ms)
    }

    fn book(market: &mut Market, mid: i64, ms: i64) {
        market.reset();
        market.depth(Side::Buy, PriceTick::new(mid - 1), QtyLot::new(1));
        market.depth(Side::Sell, PriceTick::new(mid + 1), QtyLot::new(1));
        market.end_packet(at(ms), at(ms));
    }

    fn fill(ms: i64, side: Side, taken_at: Option<i64>) -> FillNote {
        FillNote {
            ts: at(ms),
            ts_exch: at(ms),
            side,
            notional_usd: 7.0,
            taken_at: taken_at.map(|px| ExecPrice::new(px * 10_000)),
        }
    }

    fn market() -> Market {
        let i = Instrument::new("X", "0.1", "0.001", "0.001", 5.0, 1.0).unwrap();
        Market::new(i, Params::default().signals, 1000)
    }

    /// spec: 03-5.3 03-D7
    #[test]
    fn a_maker_fill_costs_the_move_of_half_a_second_and_a_taker_fill_its_distance_from_the_mid() {
        let (mut market, mut watch) = (market(), SlippageWatch::default());
        book(&mut market, 10_000, 0);
        watch.on_fill(&fill(0, Side::Buy, None));
        watch.on_fill(&fill(1, Side::Sell, Some(10_050)));
        book(&mut market, 9_990, 400);
        assert_eq!(
            watch.next_known(&market),
            None,
            "the half second has not passed"
        );
        book(&mut market, 9_990, 501);
        let maker = watch.next_known(&market).unwrap();
        assert!((maker.slippage_bps - 10.0).abs() < 1e-9, "{maker:?}");
        assert!((maker.notional_usd - 7.0).abs() < 1e-12);
        assert_eq!(watch.next_known(&market), None);
        book(&mut market, 9_990, 600);
        let taker = watch.next_known(&market).unwrap();
        assert!(
            (taker.slippage_bps + 50.0).abs() < 1e-9,
            "sold above the mid: {taker:?}"
        );
    }

    #[test]
    fn a_fill_in_a_silence_is_left_out() {
        let (mut market, mut watch) = (market(), SlippageWatch::default());
        book(&mut market, 10_000, 0);
        watch.on_fill(&fill(5_000, Side::Buy, None));
        book(&mut market, 9_000, 9_000);
        assert_eq!(watch.next_known(&market), None);
        assert!(watch.waiting.is_empty());
    }
}
