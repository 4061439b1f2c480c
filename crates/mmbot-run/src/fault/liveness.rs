//! What must come to pass once faults are healed, and what must be left at the end.

use super::run::{FaultRun, QUOTES_WITHIN_NS};
use crate::fleet::Fleet;
use crate::invariant::Invariant;
use crate::lane::Lane;
use mmbot_types::{BlockDetail, TsNs};

impl FaultRun {
    pub(super) fn judge_liveness(&mut self) {
        let now_ns = self.rim.clock.local(self.venue_ns);
        for (symbol, quoting) in self.quoting.iter().enumerate() {
            let since = now_ns - QUOTES_WITHIN_NS;
            if !self.setup.tight && quoting.free_since.is_some_and(|from| from <= since) {
                let quotes = quoting.quoted_at.is_some_and(|at| at >= since);
                self.rim.audit.findings.judge(
                    Invariant::QuotingResumes,
                    quotes,
                    TsNs::new(now_ns),
                    Some(symbol),
                    || {
                        let refused = refusals(&self.fleet, symbol);
                        let from = quoting.free_since;
                        format!(
                            "free since {from:?}, quoted {:?}; {refused}",
                            quoting.quoted_at
                        )
                    },
                );
            }
        }
        if self.operator.dead_since.is_some() {
            self.judge_rest(now_ns);
        }
        self.judge_unknown(now_ns);
    }

    /// Nothing of ours is left at the exchange or under way.
    pub(super) fn judge_rest(&mut self, now_ns: i64) {
        for symbol in 0..self.plan.symbols {
            let Some(world) = self.fleet.world(symbol) else {
                continue;
            };
            let resting = world.exchange().open_orders(0);
            let believed = world
                .lane(0)
                .map_or(0, |l| l.trader().open_orders().count());
            self.rim.audit.findings.judge(
                Invariant::NothingRestsAfterStop,
                resting == 0 && believed == 0,
                TsNs::new(now_ns),
                Some(symbol),
                || format!("{resting} rest, {believed} are believed to"),
            );
        }
    }

    pub(super) fn judge_unknown(&mut self, now_ns: i64) {
        for symbol in 0..self.plan.symbols {
            let lane = self.fleet.world(symbol).and_then(|world| world.lane(0));
            let orders = lane.map(|lane| lane.trader().open_orders());
            let unknown = orders
                .into_iter()
                .flatten()
                .filter(|o| o.state == "Unknown");
            let unknown: Vec<_> = unknown.map(|order| order.cid).collect();
            self.rim.audit.findings.judge(
                Invariant::UnknownsAreResolved,
                unknown.is_empty(),
                TsNs::new(now_ns),
                Some(symbol),
                || format!("{unknown:?}"),
            );
        }
    }

    /// The truth kept beside the exchange is the exchange's.
    pub(super) fn positions_agree(&self) -> Result<(), String> {
        for (symbol, seat) in self.rim.audit.seats.iter().enumerate() {
            let world = self.fleet.world(symbol);
            let theirs = world.map_or(0, |w| w.exchange().account(0).position.get());
            let noted = seat.truth.position().get();
            if noted != theirs {
                return Err(format!("noted position {noted}, exchange {theirs}"));
            }
        }
        Ok(())
    }
}

/// What refused a symbol's orders, for whoever looks into it.
fn refusals(fleet: &Fleet, symbol: usize) -> String {
    let lane = fleet.world(symbol).and_then(|world| world.lane(0));
    let Some(trader) = lane.map(Lane::trader) else {
        return String::new();
    };
    let blocks = &trader.telemetry().blocks;
    let refused = |detail: &BlockDetail| (detail.name(), blocks.count(*detail));
    let counts: Vec<_> = BlockDetail::ALL
        .iter()
        .map(refused)
        .filter(|c| c.1 > 0)
        .collect();
    format!("{counts:?} {:?}", trader.permit())
}
