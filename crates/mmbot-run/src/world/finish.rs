//! The end of a run: what is on the wire is read, then both sides of it must agree.

use super::{External, World};
use crate::error::RunError;

impl World {
    /// Ends the run: the last bar is taken, fills are resolved, money and positions are compared.
    ///
    /// # Errors
    /// [`RunError::Identity`] and [`RunError::Conservation`]: defects of ours; a strategy's
    /// failure.
    pub fn finish(&mut self, last_ns: i64, external: &mut impl External) -> Result<(), RunError> {
        // reports still on the wire when the data end are read, what they make a trader want is not
        // sent
        self.read_reports(i64::MAX - 1, last_ns, external)?;
        self.forget_actions();
        for at in 0..self.lanes.len() {
            let lane = &mut self.lanes[at];
            let market = &mut self.markets[lane.market].1;
            lane.sample_bar(last_ns, market);
            let edge = lane.trader.finish(market);
            lane.edge = Some(edge.map_err(|source| RunError::Identity { lane: at, source })?);
        }
        self.check_conservation()
    }

    fn check_conservation(&self) -> Result<(), RunError> {
        for (at, lane) in self.lanes.iter().enumerate() {
            let theirs = self.exchange.account(u32::try_from(at).unwrap_or(u32::MAX));
            let ours = &lane.trader;
            let (position, theirs_position) = (ours.position().get(), theirs.position.get());
            let pairs = [
                (
                    "position",
                    i128::from(position),
                    i128::from(theirs_position),
                ),
                ("cash", ours.cash().get(), theirs.cash.get()),
                ("fees", ours.fees().get(), theirs.fees.get()),
            ];
            for (what, engine, exchange) in pairs {
                if engine != exchange {
                    return Err(RunError::Conservation {
                        lane: at,
                        what,
                        engine,
                        exchange,
                    });
                }
            }
        }
        Ok(())
    }
}
