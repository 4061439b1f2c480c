//! One exchange for many outside accounts.
//!
//! A backtest gives each trader a lane of its own, in which no other trader exists. Here all
//! orders share one lane: they compete for the same prints in price-time order, trade with each
//! other, and the published book shows them beside the market's own sizes, less what they have
//! taken and the market has not renewed. The market itself still does not react.
//!
//! Calls come in time order. Every call appends what happened to a list of [`SharedEvent`]s, public
//! prints included: the print of an execution stands before the reports of it.

mod orders;

pub use orders::{SharedOrder, SharedTif};

use super::{Exchange, Feed, Reports};
use crate::config::{SimConfig, SimConfigError};
use mmbot_types::{
    Cid, EventRow, ExecReport, Liquidity, PriceTick, QtyLot, ReportKind, RowKind, Side, TsNs,
};
use std::collections::BTreeMap;

/// The only lane.
const LANE: u32 = 0;

/// What happened, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SharedEvent {
    /// A public trade.
    Print {
        /// Side of the aggressor.
        side: Side,
        /// Price.
        px: PriceTick,
        /// Size.
        qty: QtyLot,
        /// Exchange time.
        ts: TsNs,
    },
    /// Something happened to an order.
    Report(ExecReport),
}

/// The simulated exchange of one instrument, open to any number of accounts; order ids are unique
/// over all of them.
#[derive(Debug, Clone)]
pub struct SharedExchange {
    exchange: Exchange,
    /// Sides of the orders that rest.
    sides: BTreeMap<Cid, Side>,
    reports: Reports,
    seq: u64,
}

impl SharedExchange {
    /// An exchange that treats all orders as `config` says. Its frictions that have no counterpart
    /// in a public tape (`toxic_sweep_prob`, `extra_slippage_bps`) must be zero.
    ///
    /// # Errors
    /// The first parameter outside its range.
    pub fn new(config: &SimConfig) -> Result<Self, SimConfigError> {
        for (key, value) in [
            ("toxic_sweep_prob", config.toxic_sweep_prob),
            ("extra_slippage_bps", config.extra_slippage_bps),
        ] {
            if value != 0.0 {
                let (lo, hi) = (0.0, 0.0);
                return Err(SimConfigError { key, lo, hi });
            }
        }
        Ok(Self {
            exchange: Exchange::new(std::slice::from_ref(config))?,
            sides: BTreeMap::new(),
            reports: Reports::new(),
            seq: 0,
        })
    }

    /// Counts market rows and requests: grows with everything that may change the book.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// True while there is a usable book.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.exchange.feed == Feed::Live
    }

    /// Signed sum of all accounts' positions, which is zero between accounts.
    #[must_use]
    pub fn position(&self) -> QtyLot {
        self.exchange.account(LANE).position
    }

    /// Volume that trades before a resting order, whole lots; `None` if it does not rest.
    #[must_use]
    pub fn queue_ahead(&self, cid: Cid) -> Option<QtyLot> {
        self.exchange.queue_ahead(LANE, cid).map(whole_lots)
    }

    /// A row of the market.
    pub fn market(&mut self, row: &EventRow, out: &mut Vec<SharedEvent>) {
        let (side, px, qty, ts) = (row.side, row.px, row.qty, row.ts_exch);
        self.seq += 1;
        match row.kind {
            RowKind::Depth => {
                self.exchange.depth(side, px, qty, ts, &mut self.reports);
                self.tell_reached(out);
            }
            RowKind::Trade => {
                out.push(SharedEvent::Print { side, px, qty, ts });
                self.exchange.trade(side, px, qty, ts, &mut self.reports);
                self.tell(out);
            }
            RowKind::Reset => self.exchange.reset(),
            RowKind::Gap => self.exchange.gap(),
        }
        if row.last {
            self.exchange.end_packet(ts, &mut self.reports);
            self.tell_reached(out);
        }
    }

    /// The published book: at most `max` levels of a side from the touch outward.
    #[must_use]
    pub fn levels(&self, side: Side, max: usize) -> Vec<(PriceTick, QtyLot)> {
        let lane = &self.exchange.lanes[LANE as usize];
        let mut own = self.own_levels(side).into_iter().peekable();
        let market = self.exchange.book.levels(side).map(|(px, qty)| {
            let free = qty.get() - lane.taken_at(side, px).get();
            (px, QtyLot::new(free.max(0)))
        });
        let mut market = market.filter(|level| !level.1.is_zero()).peekable();
        let mut shown = Vec::with_capacity(max.min(256));
        while shown.len() < max {
            let level = match (market.peek().copied(), own.peek().copied()) {
                (None, None) => break,
                (Some(theirs), Some(ours)) if theirs.0 == ours.0 => {
                    market.next();
                    own.next();
                    (theirs.0, theirs.1 + ours.1)
                }
                (Some(theirs), Some(ours)) if side.better(theirs.0, ours.0) => {
                    market.next();
                    theirs
                }
                (Some(theirs), None) => {
                    market.next();
                    theirs
                }
                (_, Some(ours)) => {
                    own.next();
                    ours
                }
            };
            shown.push(level);
        }
        shown
    }

    /// What rests of the accounts' orders, per price from the touch outward.
    fn own_levels(&self, side: Side) -> Vec<(PriceTick, QtyLot)> {
        let mut levels: Vec<(PriceTick, QtyLot)> = Vec::new();
        for handle in self.exchange.orders.of_lane(LANE) {
            let order = self.exchange.orders.get(handle);
            if order.side == side {
                levels.push((order.px, order.open));
            }
        }
        levels.sort_unstable_by_key(|level| -level.0.get() * side.sign());
        levels.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
        levels
    }

    /// Passes reports on: fills of a print that is already told.
    fn tell(&mut self, out: &mut Vec<SharedEvent>) {
        for (_, report) in self.reports.drain(..) {
            out.push(SharedEvent::Report(report));
        }
        self.forget_done();
    }

    /// Passes reports on: fills because an opposite quote came to our price, each of which is a
    /// trade of its own.
    fn tell_reached(&mut self, out: &mut Vec<SharedEvent>) {
        if self.reports.is_empty() {
            return;
        }
        for (_, report) in self.reports.drain(..) {
            if let ReportKind::Filled {
                px,
                qty,
                liquidity: Liquidity::Maker,
                ..
            } = report.kind
                && let Some(side) = self.sides.get(&report.cid)
            {
                let px = PriceTick::new(px.get() / mmbot_types::PRICE_SCALE);
                out.push(SharedEvent::Print {
                    side: side.opposite(),
                    px,
                    qty,
                    ts: report.ts_exch,
                });
            }
            out.push(SharedEvent::Report(report));
        }
        self.forget_done();
    }

    fn forget_done(&mut self) {
        if self.sides.len() > self.exchange.open_orders(LANE) {
            let orders = &self.exchange.orders;
            self.sides
                .retain(|cid, _| orders.find(LANE, *cid).is_some());
        }
    }
}

#[allow(clippy::cast_possible_truncation)] // sizes are far below 2^53 lots
fn whole_lots(lots: f64) -> QtyLot {
    QtyLot::new(lots as i64)
}
