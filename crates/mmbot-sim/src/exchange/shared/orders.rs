//! Requests of outside accounts.

use super::{LANE, SharedEvent, SharedExchange, whole_lots};
use crate::exchange::lane::Fill;
use crate::exchange::store::{Handle, Resting};
use crate::exchange::{Exchange, Feed};
use crate::queue::QueuePosition;
use mmbot_types::{
    Action, Cid, ExecReport, Liquidity, NewOrder, PriceTick, QtyLot, RejectReason, ReportKind,
    Side, TimeInForce, TsNs,
};

/// How long an order may rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SharedTif {
    /// Rests until cancelled.
    GoodTilCancel,
    /// Is refused if it would trade at once.
    PostOnly,
    /// What does not trade at once is cancelled.
    ImmediateOrCancel,
    /// Trades whole at once or not at all.
    FillOrKill,
}

/// A limit order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharedOrder {
    /// Unique over all accounts.
    pub cid: Cid,
    /// Side.
    pub side: Side,
    /// Limit price.
    pub px: PriceTick,
    /// Quantity.
    pub qty: QtyLot,
    /// Time in force.
    pub tif: SharedTif,
}

impl SharedOrder {
    /// The order before it has traded; its place in the queue is found when it rests.
    fn resting(&self) -> Resting {
        Resting::incoming(LANE, &limit(self.cid, self.side, self.px, self.qty))
    }
}

fn limit(cid: Cid, side: Side, px: PriceTick, qty: QtyLot) -> NewOrder {
    NewOrder {
        cid,
        side,
        px,
        qty,
        tif: TimeInForce::GoodTilCancel,
    }
}

impl SharedExchange {
    /// A new order: it is refused, or accepted, trades what it can and rests as its time in force
    /// says.
    pub fn place(&mut self, order: SharedOrder, now: TsNs, out: &mut Vec<SharedEvent>) {
        self.seq += 1;
        if let Some(reason) = self.refusal(&order) {
            return report(out, order.cid, now, ReportKind::Rejected(reason));
        }
        report(out, order.cid, now, ReportKind::Accepted);
        let mut resting = order.resting();
        let fits = order.tif != SharedTif::FillOrKill || self.can_fill(&order);
        if fits {
            self.sweep(&mut resting, now, out);
        }
        if resting.open.is_zero() {
            return;
        }
        match order.tif {
            SharedTif::GoodTilCancel | SharedTif::PostOnly => self.rest(&resting),
            SharedTif::ImmediateOrCancel | SharedTif::FillOrKill => {
                report(out, order.cid, now, ReportKind::Cancelled);
            }
        }
    }

    /// Changes price and total quantity (the filled part included) of a resting order. An order
    /// that now crosses trades, unless it is `post_only`: then it is cancelled, as Bybit does.
    pub fn amend(
        &mut self,
        cid: Cid,
        px: PriceTick,
        total: QtyLot,
        post_only: bool,
        now: TsNs,
        out: &mut Vec<SharedEvent>,
    ) {
        self.seq += 1;
        let refuse = |out: &mut Vec<SharedEvent>, reason| {
            report(out, cid, now, ReportKind::AmendRejected(reason));
        };
        let Some(handle) = self.exchange.orders.find(LANE, cid) else {
            return refuse(out, RejectReason::UnknownOrder);
        };
        if self.exchange.feed != Feed::Live {
            return refuse(out, RejectReason::MarketUnavailable);
        }
        let order = *self.exchange.orders.get(handle);
        let open_qty = QtyLot::new(total.get() - order.cum.get());
        if open_qty.get() <= 0 || px.get() <= 0 {
            return refuse(out, RejectReason::Filter);
        }
        let crosses = px != order.px && self.would_cross(order.side, px);
        if crosses && post_only {
            self.remove(handle, cid);
            report(out, cid, now, ReportKind::Cancelled);
            return;
        }
        report(out, cid, now, ReportKind::Amended { px, open_qty });
        if px == order.px && open_qty <= order.open {
            self.exchange.orders.get_mut(handle).open = open_qty;
            return;
        }
        self.remove(handle, cid);
        let mut moved = order;
        (moved.px, moved.open) = (px, open_qty);
        self.sweep(&mut moved, now, out);
        if !moved.open.is_zero() {
            self.rest(&moved);
        }
    }

    /// Takes an order out.
    pub fn cancel(&mut self, cid: Cid, now: TsNs, out: &mut Vec<SharedEvent>) {
        self.seq += 1;
        let action = Action::Cancel { cid };
        self.exchange.request(LANE, &action, now, &mut self.reports);
        self.tell(out);
    }

    fn refusal(&mut self, order: &SharedOrder) -> Option<RejectReason> {
        let known = self.exchange.orders.find(LANE, order.cid).is_some();
        if self.exchange.feed != Feed::Live {
            return Some(RejectReason::MarketUnavailable);
        }
        if order.qty.get() <= 0 || order.px.get() <= 0 || known {
            return Some(RejectReason::Filter);
        }
        let lane = &mut self.exchange.lanes[LANE as usize];
        if lane.happens(lane.config.reject_prob) {
            return Some(RejectReason::Injected);
        }
        let crosses = order.tif == SharedTif::PostOnly && self.would_cross(order.side, order.px);
        crosses.then_some(RejectReason::PostOnlyWouldCross)
    }

    fn would_cross(&self, side: Side, px: PriceTick) -> bool {
        let best = self.levels(side.opposite(), 1);
        best.first().is_some_and(|level| side.crosses(px, level.0))
    }

    fn can_fill(&self, order: &SharedOrder) -> bool {
        let mut left = order.qty.get();
        for (px, qty) in self.levels(order.side.opposite(), usize::MAX) {
            if left <= 0 || !order.side.crosses(order.px, px) {
                break;
            }
            left -= qty.get();
        }
        left <= 0
    }

    fn rest(&mut self, order: &Resting) {
        // later than everything of the accounts at this price, and than what the market shows there
        let displayed = self.exchange.book.qty_at(order.side, order.px);
        let taken = self.exchange.lanes[LANE as usize].taken_at(order.side, order.px);
        let ahead = QtyLot::new((displayed.get() - taken.get()).max(0));
        let queue = QueuePosition::join(ahead);
        self.sides.insert(order.cid, order.side);
        let whole = limit(order.cid, order.side, order.px, order.open + order.cum);
        self.exchange.orders.insert(LANE, &whole, order.cum, queue);
    }

    fn remove(&mut self, handle: Handle, cid: Cid) {
        self.exchange.orders.remove(handle);
        self.sides.remove(&cid);
    }

    /// Takes what the published book offers, level by level, while the price allows.
    fn sweep(&mut self, order: &mut Resting, now: TsNs, out: &mut Vec<SharedEvent>) {
        let opposite = order.side.opposite();
        while !order.open.is_zero() {
            match self.levels(opposite, 1).first() {
                Some(&(px, _)) if order.side.crosses(order.px, px) => {
                    self.sweep_level(order, px, now, out);
                }
                _ => break,
            }
        }
    }

    /// One level in time order: before each resting order comes the part of the market's size that
    /// is ahead of it.
    fn sweep_level(
        &mut self,
        order: &mut Resting,
        px: PriceTick,
        now: TsNs,
        out: &mut Vec<SharedEvent>,
    ) {
        let mut makers = Vec::new();
        let opposite = order.side.opposite();
        self.exchange.orders.collect_at(opposite, px, &mut makers);
        for handle in makers {
            let ahead = whole_lots(self.exchange.orders.get(handle).queue.ahead());
            self.take_market(order, px, ahead, now, out);
            if order.open.is_zero() {
                return;
            }
            self.meet(order, handle, now, out);
        }
        let rest = order.open;
        self.take_market(order, px, rest, now, out);
    }

    /// Takes at most `limit` of what the market itself shows at `px`.
    fn take_market(
        &mut self,
        order: &mut Resting,
        px: PriceTick,
        limit: QtyLot,
        now: TsNs,
        out: &mut Vec<SharedEvent>,
    ) {
        let opposite = order.side.opposite();
        let displayed = self.exchange.book.qty_at(opposite, px);
        let lane = &mut self.exchange.lanes[LANE as usize];
        let free = displayed.get() - lane.taken_at(opposite, px).get();
        let qty = order.open.min(limit).min(QtyLot::new(free.max(0)));
        if qty.is_zero() {
            return;
        }
        lane.take(opposite, px, qty);
        Exchange::note_taken(&mut self.exchange.taken, opposite, px);
        let orders = &mut self.exchange.orders;
        orders.each_at(opposite, px, |maker| maker.queue.on_taken(qty));
        self.execute(order, px, qty, now, out);
    }

    /// Trades with one resting order of an account.
    fn meet(&mut self, order: &mut Resting, handle: Handle, now: TsNs, out: &mut Vec<SharedEvent>) {
        let maker = self.exchange.orders.get_mut(handle);
        let qty = order.open.min(maker.open);
        maker.open -= qty;
        maker.cum += qty;
        let fill = Fill {
            cid: maker.cid,
            side: maker.side,
            px: maker.px,
            qty,
            cum: maker.cum,
            liquidity: Liquidity::Maker,
        };
        let done = maker.open.is_zero();
        self.execute(order, fill.px, qty, now, out);
        let told = self.exchange.lanes[LANE as usize].book_fill(fill, now);
        out.push(SharedEvent::Report(told));
        if done {
            self.remove(handle, fill.cid);
        }
    }

    /// The print and the taker's side of an execution.
    fn execute(
        &mut self,
        order: &mut Resting,
        px: PriceTick,
        qty: QtyLot,
        ts: TsNs,
        out: &mut Vec<SharedEvent>,
    ) {
        let side = order.side;
        order.open -= qty;
        order.cum += qty;
        out.push(SharedEvent::Print { side, px, qty, ts });
        let fill = Fill {
            cid: order.cid,
            side,
            px,
            qty,
            cum: order.cum,
            liquidity: Liquidity::Taker,
        };
        let told = self.exchange.lanes[LANE as usize].book_fill(fill, ts);
        out.push(SharedEvent::Report(told));
    }
}

fn report(out: &mut Vec<SharedEvent>, cid: Cid, ts_exch: TsNs, kind: ReportKind) {
    out.push(SharedEvent::Report(ExecReport { cid, ts_exch, kind }));
}
