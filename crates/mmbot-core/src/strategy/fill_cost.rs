//! What fills cost beyond the quoted price: the observations that the allocator's calibration and
//! the spread's slippage term live on.
//!
//! Of a maker fill the observation is how far the mid moved against us within half a second, of a
//! taker fill how far from the mid it was executed; both relative to the mid at the fill, in bps.
//! Against the fill price, a maker's would contain the half-spread that it earned.

use crate::market::Market;
use crate::portfolio::CostObservation;
use mmbot_types::{ExecPrice, MidTick, Side, TsNs};
use std::collections::VecDeque;

/// After this time the mid shows what a maker fill cost, ms.
const MAKER_HORIZON_MS: i64 = 500;

/// A fill that waits for its half second.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct CostlyFill {
    /// Venue time.
    pub ts: TsNs,
    /// Our side.
    pub side: Side,
    /// Execution price of a taker; `None` for a maker.
    pub taken_at: Option<ExecPrice>,
    /// Notional, USD.
    pub notional_usd: f64,
    /// Spread at the fill, bps.
    pub spread_bps: f64,
    /// Traded notional of the last hour, USD.
    pub volume_usd: f64,
}

/// See the module.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct FillCosts {
    waiting: VecDeque<CostlyFill>,
}

impl FillCosts {
    /// A fill; fills come in venue time.
    pub fn on_fill(&mut self, fill: CostlyFill) {
        self.waiting.push_back(fill);
    }

    /// Shows what the fills cost whose half second has passed; one without valid mids is left out.
    pub fn resolve(&mut self, market: &Market, mut observed: impl FnMut(CostObservation)) {
        while let Some(fill) = self.waiting.front().copied() {
            let horizon = fill.ts.plus_ms(MAKER_HORIZON_MS);
            if market.last_ts_exch() <= horizon {
                break;
            }
            self.waiting.pop_front();
            let mid = market.fresh_mid_at(fill.ts);
            let after = market.fresh_mid_at(horizon);
            if let (Some(mid), Some(after)) = (mid, after) {
                observed(CostObservation {
                    spread_bps: fill.spread_bps,
                    volume_usd: fill.volume_usd,
                    slippage_bps: slippage_bps(&fill, mid, after),
                    notional_usd: fill.notional_usd,
                });
            }
        }
    }
}

#[allow(clippy::cast_precision_loss)] // prices are below 2^53
fn slippage_bps(fill: &CostlyFill, mid: MidTick, after: MidTick) -> f64 {
    let (mid, after) = (mid.to_exec().get(), after.to_exec().get());
    let against = match fill.taken_at {
        Some(px) => px.get() - mid,
        None => mid - after,
    };
    1e4 * (fill.side.sign() * against) as f64 / mid as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use mmbot_types::{Instrument, Params, PriceTick, QtyLot};

    fn at(ms: i64) -> TsNs {
        TsNs::ZERO.plus_ms(1_000_000 + ms)
    }

    fn market() -> Market {
        let i = Instrument::new("X", "0.1", "0.001", "0.001", 5.0, 1.0).unwrap();
        Market::new(i, Params::default().signals, 1000)
    }

    fn book(market: &mut Market, mid: i64, ms: i64) {
        market.reset();
        market.depth(Side::Buy, PriceTick::new(mid - 1), QtyLot::new(1));
        market.depth(Side::Sell, PriceTick::new(mid + 1), QtyLot::new(1));
        market.end_packet(at(ms), at(ms));
    }

    fn fill(ms: i64, side: Side, taken_at: Option<i64>) -> CostlyFill {
        CostlyFill {
            ts: at(ms),
            side,
            taken_at: taken_at.map(|tick| ExecPrice::new(tick * 10_000)),
            notional_usd: 250.0,
            spread_bps: 2.0,
            volume_usd: 1e6,
        }
    }

    /// spec: 03-5.3, 03-D7
    #[test]
    fn a_maker_is_charged_the_adverse_move_of_half_a_second_and_a_taker_its_distance_from_the_mid()
    {
        for (side, taken_at, bps) in [
            (Side::Buy, None, 10.0),
            (Side::Sell, None, -10.0),
            (Side::Buy, Some(10_050), 50.0),
            (Side::Sell, Some(10_050), -50.0),
        ] {
            let (mut market, mut costs) = (market(), FillCosts::default());
            let mut seen = Vec::new();
            book(&mut market, 10_000, 0);
            costs.on_fill(fill(0, side, taken_at));
            book(&mut market, 9_990, 400);
            costs.resolve(&market, |cost| seen.push(cost));
            assert_eq!(seen, []);
            book(&mut market, 9_000, 501);
            costs.resolve(&market, |cost| seen.push(cost));
            assert_eq!(seen.len(), 1);
            assert!(
                (seen[0].slippage_bps - bps).abs() < 1e-9,
                "{side:?} {taken_at:?}"
            );
            assert_eq!((seen[0].notional_usd, seen[0].spread_bps), (250.0, 2.0));
            costs.resolve(&market, |cost| seen.push(cost));
            assert_eq!(seen.len(), 1);
        }
    }

    /// spec: 03-5.3
    #[test]
    fn a_fill_in_a_silence_is_left_out() {
        let (mut market, mut costs) = (market(), FillCosts::default());
        let mut seen = Vec::new();
        book(&mut market, 10_000, 0);
        costs.on_fill(fill(5_000, Side::Buy, None));
        book(&mut market, 9_000, 9_000);
        costs.resolve(&market, |cost| seen.push(cost));
        assert_eq!((seen.len(), costs.waiting.len()), (0, 0));
    }
}
