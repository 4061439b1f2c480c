//! Matching against a market that our orders do not change.
//!
//! One book, the exchange's, serves all lanes; a lane has its own configuration, orders, queue
//! positions and account, and lanes never see each other. A resting order fills at its price when a
//! print goes through it, when the opposite quote reaches it, and (queue aware) when a print at its
//! price comes past the estimated queue ahead. A print or a displayed quote fills at most its own
//! size over all orders of a lane: best price first, then acceptance order.
//!
//! After a gap in the data nothing fills and nothing is accepted until a snapshot is complete;
//! orders that rested meanwhile then stand at the back of their levels.

mod lane;
mod matching;
mod requests;
mod shared;
mod store;

pub use lane::Account;
pub use shared::{SharedEvent, SharedExchange, SharedOrder, SharedTif};

use crate::config::{SimConfig, SimConfigError};
use lane::{Brief, Lane};
use mmbot_book::Ladder;
use mmbot_types::{Cid, ExecPrice, ExecReport, Money, PriceTick, QtyLot, Side, TsNs};
use store::{Handle, OrderStore};

/// An order as it rests at the exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestingOrder {
    /// Client order id.
    pub cid: Cid,
    /// Side.
    pub side: Side,
    /// Limit price.
    pub px: PriceTick,
    /// What is left to fill.
    pub open: QtyLot,
    /// What has filled.
    pub cum: QtyLot,
}

/// Reports of one call: lane and report.
pub type Reports = Vec<(u32, ExecReport)>;

/// Where reports go as they are made.
pub trait ReportSink {
    /// Takes the next report of a lane.
    fn report(&mut self, lane: u32, report: ExecReport);
}

impl ReportSink for Reports {
    #[inline]
    fn report(&mut self, lane: u32, report: ExecReport) {
        self.push((lane, report));
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Feed {
    /// No usable book: at the start, and from a gap to the next snapshot.
    Unusable,
    /// A snapshot is being received; `after_gap` if data were missing before it.
    Snapshot { after_gap: bool },
    /// Deltas apply.
    Live,
}

/// The simulated exchange of one instrument for any number of lanes.
#[derive(Debug, Clone)]
pub struct Exchange {
    book: Ladder,
    feed: Feed,
    orders: OrderStore,
    lanes: Vec<Lane>,
    briefs: Box<[Brief]>,
    /// Levels of which some lane has taken displayed size.
    taken: Vec<(Side, PriceTick)>,
    /// Numbers market events, so that per-event budgets need no reset.
    event: u64,
    scratch: Vec<Handle>,
}

impl Exchange {
    /// An exchange with one lane per configuration.
    ///
    /// # Errors
    /// The first parameter outside its range.
    pub fn new(lanes: &[SimConfig]) -> Result<Self, SimConfigError> {
        for config in lanes {
            config.validate()?;
        }
        Ok(Self {
            book: Ladder::new(),
            feed: Feed::Unusable,
            orders: OrderStore::new(lanes.len()),
            lanes: lanes.iter().map(|config| Lane::new(*config)).collect(),
            briefs: lanes.iter().map(Brief::of).collect(),
            taken: Vec::new(),
            event: 0,
            scratch: Vec::with_capacity(64),
        })
    }

    /// The exchange-side book.
    #[must_use]
    pub const fn book(&self) -> &Ladder {
        &self.book
    }

    /// Account of a lane.
    ///
    /// # Panics
    /// If the lane does not exist.
    #[must_use]
    pub fn account(&self, lane: u32) -> Account {
        self.lanes[lane as usize].account
    }

    /// Gives a lane lots that it did not trade for, paid at `px` without a fee; negative ones are
    /// taken.
    ///
    /// # Panics
    /// If the lane does not exist.
    pub fn endow(&mut self, lane: u32, lots: QtyLot, px: ExecPrice) {
        let account = &mut self.lanes[lane as usize].account;
        account.position += lots;
        account.cash -= Money::notional(px, lots);
    }

    /// Fills of a lane that became toxic sweeps.
    ///
    /// # Panics
    /// If the lane does not exist.
    #[must_use]
    pub fn toxic_sweeps(&self, lane: u32) -> u64 {
        self.lanes[lane as usize].toxic_sweeps
    }

    /// Estimated volume ahead of a resting order; `None` if it does not rest.
    #[must_use]
    pub fn queue_ahead(&self, lane: u32, cid: Cid) -> Option<f64> {
        self.orders
            .find(lane, cid)
            .map(|handle| self.orders.get(handle).queue.ahead())
    }

    /// Number of orders of a lane that rest.
    #[must_use]
    pub fn open_orders(&self, lane: u32) -> usize {
        self.orders.of_lane(lane).len()
    }

    /// Orders of a lane that rest, in acceptance order.
    pub fn resting(&self, lane: u32) -> impl Iterator<Item = RestingOrder> + '_ {
        self.orders.of_lane(lane).map(|handle| {
            let order = self.orders.get(handle);
            RestingOrder {
                cid: order.cid,
                side: order.side,
                px: order.px,
                open: order.open,
                cum: order.cum,
            }
        })
    }

    /// A level's new displayed size.
    #[inline(always)]
    pub fn depth(&mut self, side: Side, px: PriceTick, qty: QtyLot, now: TsNs, out: &mut Reports) {
        if self.feed != Feed::Live {
            return self.depth_not_live(side, px, qty);
        }
        let before = self.book.set(side, px, qty);
        let touches = self.orders.may_rest_at(side, px)
            | self.orders.may_reach(side.opposite(), px)
            | !self.taken.is_empty();
        if touches {
            self.level_changed(side, px, before, qty, now, out);
        }
    }

    /// A print; `side` is the aggressor's.
    #[inline(always)]
    pub fn trade(&mut self, side: Side, px: PriceTick, qty: QtyLot, now: TsNs, out: &mut Reports) {
        if self.orders.may_reach(side.opposite(), px) && self.feed == Feed::Live {
            self.printed(side.opposite(), px, qty, now, out);
        }
    }

    /// A snapshot begins: the book is emptied, depth rows refill it.
    pub fn reset(&mut self) {
        let after_gap = self.feed == Feed::Unusable;
        self.feed = Feed::Snapshot { after_gap };
        self.book.clear();
        self.taken.clear();
        for lane in &mut self.lanes {
            lane.forget_taken();
        }
    }

    /// Data are missing: nothing happens until the next snapshot.
    pub fn gap(&mut self) {
        self.feed = Feed::Unusable;
        self.book.clear();
    }

    /// The book is consistent again (last row of a packet).
    #[inline(always)]
    pub fn end_packet(&mut self, now: TsNs, out: &mut Reports) {
        if let Feed::Snapshot { after_gap } = self.feed {
            self.snapshot_complete(after_gap, now, out);
        }
    }

    /// Remembers that a lane has taken displayed size of a level.
    fn note_taken(taken: &mut Vec<(Side, PriceTick)>, side: Side, px: PriceTick) {
        if !taken.contains(&(side, px)) {
            taken.push((side, px));
        }
    }

    #[cold]
    fn depth_not_live(&mut self, side: Side, px: PriceTick, qty: QtyLot) {
        if self.feed != Feed::Unusable {
            self.book.set(side, px, qty);
        }
    }
}
