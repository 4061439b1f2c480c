//! What others see of a lane's market and accounts.

use super::World;
use mmbot_core::{EdgeTotals, Market};

impl World {
    /// The received market as lane `lane` sees it; `None` beyond the last lane.
    pub fn market_of(&mut self, lane: usize) -> Option<&mut Market> {
        let market = self.lanes.get(lane)?.market;
        self.markets.get_mut(market).map(|entry| &mut entry.1)
    }

    /// The same, only to be looked at.
    #[must_use]
    pub fn market_seen_by(&self, lane: usize) -> Option<&Market> {
        let market = self.lanes.get(lane)?.market;
        self.markets.get(market).map(|entry| &entry.1)
    }

    /// Edge of a lane so far; fills that wait for their horizon count with the latest mid. `None`
    /// beyond the last lane.
    #[must_use]
    pub fn edge_of(&self, lane: usize) -> Option<EdgeTotals> {
        let lane = self.lanes.get(lane)?;
        let market = &self.markets.get(lane.market)?.1;
        Some(lane.edge.unwrap_or_else(|| lane.trader.edge(market)))
    }
}
