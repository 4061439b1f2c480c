//! Expected slippage of a trader without an allocator, by which `strategy.slippage_penalty_coef`
//! widens the spread: the allocator's calibration, fed with the trader's own fills.

use super::fill_cost::{CostlyFill, FillCosts};
use crate::market::Market;
use crate::portfolio::SymbolCalibration;
use mmbot_types::{CostParams, ExecPrice, Side, TsNs};

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct SlippageEwma {
    costs: FillCosts,
    calibration: SymbolCalibration,
    params: CostParams,
}

impl SlippageEwma {
    /// A fill at venue time `ts`; `taken_at` is the execution price if it took.
    pub fn on_fill(&mut self, ts: TsNs, side: Side, taken_at: Option<ExecPrice>) {
        self.costs.on_fill(CostlyFill {
            ts,
            side,
            taken_at,
            // the mean slippage takes no notice of sizes
            notional_usd: 1.0,
            spread_bps: 0.0,
            volume_usd: 0.0,
        });
    }

    /// Observes the fills whose half second has passed; one without valid mids is left out.
    pub fn resolve(&mut self, market: &Market) {
        let (calibration, params) = (&mut self.calibration, &self.params);
        self.costs.resolve(market, |seen| {
            *calibration = calibration.after(&seen, params).unwrap_or(*calibration);
        });
    }

    /// Expected slippage, bps; 0 until there are enough observations.
    #[must_use]
    pub fn bps(&self) -> f64 {
        self.calibration.slippage_ewma_bps(&self.params)
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
}
