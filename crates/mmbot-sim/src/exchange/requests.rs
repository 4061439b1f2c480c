//! Order requests as they reach the exchange.

use super::lane::Fill;
use super::{Exchange, Feed, ReportSink};
use crate::queue::QueuePosition;
use mmbot_types::{
    Action, Cid, ExecReport, Liquidity, NewOrder, PriceTick, QtyLot, RejectReason, ReportKind,
    Side, TimeInForce, TsNs,
};

impl Exchange {
    /// Carries out a request of a lane at exchange time `now`; reports are appended to `out`.
    ///
    /// # Panics
    /// If the lane does not exist.
    #[inline]
    pub fn request(&mut self, lane: u32, action: &Action, now: TsNs, out: &mut impl ReportSink) {
        match *action {
            Action::Place(ref order) => self.place(lane, order, now, out),
            Action::Amend { cid, px, total_qty } => {
                self.amend(lane, cid, px, total_qty, now, out);
            }
            Action::Cancel { cid } => self.cancel(lane, cid, now, out),
        }
    }

    #[inline]
    fn place(&mut self, lane_id: u32, order: &NewOrder, now: TsNs, out: &mut impl ReportSink) {
        let report = |kind| ExecReport {
            cid: order.cid,
            ts_exch: now,
            kind,
        };
        if let Some(reason) = self.refusal(lane_id, order, now) {
            out.report(lane_id, report(ReportKind::Rejected(reason)));
            return;
        }
        out.report(lane_id, report(ReportKind::Accepted));
        if order.tif != TimeInForce::PostOnly {
            return self.take_and_rest(lane_id, order, now, out);
        }
        let queue = QueuePosition::join(self.book.qty_at(order.side, order.px));
        self.orders.insert(lane_id, order, QtyLot::ZERO, queue);
    }

    /// An order that may trade at once, then rests with what is left.
    #[cold]
    fn take_and_rest(
        &mut self,
        lane_id: u32,
        order: &NewOrder,
        now: TsNs,
        out: &mut impl ReportSink,
    ) {
        let taken = self.take_liquidity(lane_id, order, now, out);
        if taken == order.qty {
            return;
        }
        if order.tif == TimeInForce::ImmediateOrCancel {
            let report = ExecReport {
                cid: order.cid,
                ts_exch: now,
                kind: ReportKind::Cancelled,
            };
            return out.report(lane_id, report);
        }
        let queue = QueuePosition::join(self.book.qty_at(order.side, order.px));
        self.orders.insert(lane_id, order, taken, queue);
    }

    #[inline]
    fn refusal(&mut self, lane_id: u32, order: &NewOrder, now: TsNs) -> Option<RejectReason> {
        let judged = self.briefs[lane_id as usize].refuses;
        if judged && !self.lanes[lane_id as usize].within_rate(now) {
            Some(RejectReason::RateLimit)
        } else if self.feed != Feed::Live {
            Some(RejectReason::MarketUnavailable)
        } else if order.qty.get() <= 0
            || order.px.get() <= 0
            || self.orders.find(lane_id, order.cid).is_some()
        {
            Some(RejectReason::Filter)
        } else if judged && self.lanes[lane_id as usize].is_rejected() {
            Some(RejectReason::Injected)
        } else if order.tif == TimeInForce::PostOnly && self.would_cross(order.side, order.px) {
            Some(RejectReason::PostOnlyWouldCross)
        } else {
            None
        }
    }

    #[inline]
    fn would_cross(&self, side: Side, px: PriceTick) -> bool {
        self.book
            .best(side.opposite())
            .is_some_and(|opposite| side.crosses(px, opposite))
    }

    /// Takes displayed opposite size level by level while the price allows; what this lane has
    /// taken before and the market has not renewed is not there. Returns what was taken.
    fn take_liquidity(
        &mut self,
        lane_id: u32,
        order: &NewOrder,
        now: TsNs,
        out: &mut impl ReportSink,
    ) -> QtyLot {
        let opposite = order.side.opposite();
        let lane = &mut self.lanes[lane_id as usize];
        let mut taken = QtyLot::ZERO;
        for (px, displayed) in self.book.levels(opposite) {
            if taken == order.qty || !order.side.crosses(order.px, px) {
                break;
            }
            let free = displayed.get() - lane.taken_at(opposite, px).get();
            let qty = (order.qty - taken).min(QtyLot::new(free.max(0)));
            if qty.is_zero() {
                continue;
            }
            lane.take(opposite, px, qty);
            Self::note_taken(&mut self.taken, opposite, px);
            taken += qty;
            let fill = Fill {
                cid: order.cid,
                side: order.side,
                px,
                qty,
                cum: taken,
                liquidity: Liquidity::Taker,
            };
            out.report(lane_id, lane.book_fill(fill, now));
        }
        taken
    }

    fn amend(
        &mut self,
        lane_id: u32,
        cid: Cid,
        px: PriceTick,
        total: QtyLot,
        now: TsNs,
        out: &mut impl ReportSink,
    ) {
        let kind = match self.try_amend(lane_id, cid, px, total, now) {
            Ok(open_qty) => ReportKind::Amended { px, open_qty },
            Err(reason) => ReportKind::AmendRejected(reason),
        };
        let report = ExecReport {
            cid,
            ts_exch: now,
            kind,
        };
        out.report(lane_id, report);
    }

    fn try_amend(
        &mut self,
        lane_id: u32,
        cid: Cid,
        px: PriceTick,
        total: QtyLot,
        now: TsNs,
    ) -> Result<QtyLot, RejectReason> {
        let lane = &mut self.lanes[lane_id as usize];
        if !lane.within_rate(now) {
            return Err(RejectReason::RateLimit);
        }
        let handle = self
            .orders
            .find(lane_id, cid)
            .ok_or(RejectReason::UnknownOrder)?;
        if self.feed != Feed::Live {
            return Err(RejectReason::MarketUnavailable);
        }
        let order = *self.orders.get(handle);
        let open = QtyLot::new(total.get() - order.cum.get());
        if open.get() <= 0 || px.get() <= 0 {
            return Err(RejectReason::Filter);
        }
        // a resting order never takes: an amend across the touch is refused whatever its time in
        // force
        if px != order.px && self.would_cross(order.side, px) {
            return Err(RejectReason::PostOnlyWouldCross);
        }
        if px == order.px && open <= order.open {
            self.orders.get_mut(handle).open = open;
            return Ok(open);
        }
        self.orders.requeue(handle, px);
        let displayed = self.book.qty_at(order.side, px);
        let moved = self.orders.get_mut(handle);
        moved.open = open;
        moved.queue = QueuePosition::join(displayed);
        Ok(open)
    }

    #[inline]
    fn cancel(&mut self, lane_id: u32, cid: Cid, now: TsNs, out: &mut impl ReportSink) {
        let kind = if self.orders.remove_of(lane_id, cid) {
            ReportKind::Cancelled
        } else {
            ReportKind::CancelRejected(RejectReason::UnknownOrder)
        };
        let report = ExecReport {
            cid,
            ts_exch: now,
            kind,
        };
        out.report(lane_id, report);
    }
}
