//! Adverse guard: while the displayed sizes lean heavily to one side, and for a pause afterwards,
//! the side that would be run over is not quoted.

use crate::market::MarketView;
use mmbot_types::{QuoteParams, Side, TsNs};

/// See the module.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct AdverseGuard {
    /// Per side: suppressed before this time.
    until: [Option<TsNs>; 2],
}

impl AdverseGuard {
    /// Which sides are suppressed at `now`: bids, asks.
    pub fn update(&mut self, params: &QuoteParams, view: &MarketView, now: TsNs) -> [bool; 2] {
        if !params.enable_adverse_guard {
            return [false; 2];
        }
        let bid_share = view.bid_share();
        let leans = [
            bid_share <= 1.0 - params.imbalance_cutoff,
            bid_share >= params.imbalance_cutoff,
        ];
        Side::BOTH.map(|side| {
            let until = &mut self.until[side.index()];
            if leans[side.index()] {
                *until = Some(now.plus_ms(params.guard_pause_ms));
                return true;
            }
            until.is_some_and(|until| now < until)
        })
    }
}
