//! What people want to see of fills and nobody decides by: closed trades, and the last few fills.

use crate::round_trip::RoundTrips;
use mmbot_types::{
    ExecPrice, ExecReport, Instrument, Liquidity, Money, QtyLot, ReportKind, Side, TsNs,
};
use std::collections::VecDeque;

/// A fill for the live view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecentFill {
    /// Venue time.
    pub ts_exch: TsNs,
    /// Side of our order.
    pub side: Side,
    /// Execution price.
    pub px: ExecPrice,
    /// Quantity.
    pub qty: QtyLot,
    /// Our order was resting.
    pub maker: bool,
}

/// Fills kept for the live view.
const RECENT_FILLS: usize = 10;

/// See the module.
#[derive(Debug, Clone)]
pub struct Desk {
    trips: RoundTrips,
    recent: VecDeque<RecentFill>,
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            trips: RoundTrips::default(),
            recent: VecDeque::with_capacity(RECENT_FILLS),
        }
    }
}

impl Desk {
    /// Closed trades.
    #[must_use]
    pub const fn round_trips(&self) -> &RoundTrips {
        &self.trips
    }

    /// Last fills, oldest first.
    pub fn recent_fills(&self) -> impl Iterator<Item = &RecentFill> {
        self.recent.iter()
    }

    /// What the open position cost, USD; negative for a short position.
    #[must_use]
    pub fn open_cost_usd(&self, instrument: &Instrument) -> f64 {
        instrument.money_to_f64(self.trips.open_cost())
    }

    /// Books lots that are taken over at `px`, negative ones are sold: no fill of ours.
    pub(crate) fn adopt(&mut self, lots: QtyLot, px: ExecPrice) {
        let side = if lots.get() < 0 {
            Side::Sell
        } else {
            Side::Buy
        };
        let size = QtyLot::new(lots.get().saturating_abs());
        self.trips.on_fill(side, px, size, Money::ZERO);
    }

    /// Books the fill of a report about an order of `side`, if it is one.
    #[inline]
    pub(crate) fn note(&mut self, side: Side, report: &ExecReport) {
        let ReportKind::Filled {
            px,
            qty,
            fee,
            liquidity,
            ..
        } = report.kind
        else {
            return;
        };
        self.trips.on_fill(side, px, qty, fee);
        if self.recent.len() == RECENT_FILLS {
            self.recent.pop_front();
        }
        self.recent.push_back(RecentFill {
            ts_exch: report.ts_exch,
            side,
            px,
            qty,
            maker: liquidity == Liquidity::Maker,
        });
    }
}
