//! What is done to a world from outside, between two events: by a fault world, or by hand.

use super::{Wires, World};
use crate::timed::TimedQueue;
use mmbot_core::{Market, Trader};
use mmbot_types::{Action, EventColumns, ExecPrice, ExecReport, QtyLot, TsNs};
use std::sync::Arc;

impl World {
    /// Adds market data of which the engine receives something else than what happened. Both start
    /// with a row at the same receive time.
    pub(crate) fn push_apart(&mut self, happened: EventColumns, received: EventColumns) {
        if !happened.is_empty() {
            self.chunks.push(Arc::new(happened));
        }
        if !received.is_empty() {
            self.received.push(Arc::new(received));
        }
        if !self.started {
            self.start();
        }
    }

    /// The exchange carries out `action` at `now_ns` though no trader asked: a cancel of its own,
    /// or one that a reconciliation asked for.
    pub(crate) fn at_venue(
        &mut self,
        lane: u32,
        action: &Action,
        now_ns: i64,
        on_wire: &mut impl Wires,
    ) {
        self.exchange
            .request(lane, action, TsNs::new(now_ns), &mut self.made);
        self.schedule_reports(on_wire);
    }

    /// A lane has `lots` more that it did not trade for, and so does its account at the exchange;
    /// its position then. `None` beyond the last lane.
    pub(crate) fn adopt(
        &mut self,
        at: usize,
        now: TsNs,
        lots: QtyLot,
        px: ExecPrice,
    ) -> Option<QtyLot> {
        let lane = self.lanes.get_mut(at)?;
        let before = lane.trader.position().get();
        let position = QtyLot::new(before.saturating_add(lots.get()));
        lane.trader.adopt(now, position, px);
        lane.desk.adopt(lots, px);
        self.exchange.endow(u32::try_from(at).ok()?, lots, px);
        Some(position)
    }

    /// The first lane goes on with another trader and market, as after a crash: reports under way
    /// are lost, rows that nobody has written down are forgotten.
    pub(crate) fn restore(&mut self, trader: Trader, market: Market) {
        let Some(lane) = self.lanes.first_mut() else {
            return;
        };
        lane.trader = trader;
        if let Some(entry) = self.markets.get_mut(lane.market) {
            entry.1 = market;
        }
        self.reports = TimedQueue::default();
        self.pen.forget_rows();
        self.refresh_due(0);
        self.plan_next();
        self.scout = self.at_engine;
    }

    /// Lets a report reach a trader at `at_ns`.
    pub(crate) fn tell(&mut self, lane: u32, report: &ExecReport, at_ns: i64) {
        self.reports.push(at_ns, lane, *report);
    }
}
