//! Market events that meet our resting orders.

use super::lane::Fill;
use super::store::Handle;
use super::{Exchange, Feed, Reports};
use crate::config::FillMode;
use crate::queue::QueuePosition;
use mmbot_types::{Liquidity, PriceTick, QtyLot, Side, TsNs};

impl Exchange {
    /// A level changed where our orders rest, or where its size can fill them.
    #[cold]
    #[inline(never)]
    pub(super) fn level_changed(
        &mut self,
        side: Side,
        px: PriceTick,
        before: QtyLot,
        after: QtyLot,
        now: TsNs,
        out: &mut Reports,
    ) {
        if let Some(at) = self.taken.iter().position(|level| *level == (side, px)) {
            self.taken.swap_remove(at);
            for lane in &mut self.lanes {
                lane.level_changed(side, px);
            }
        }
        if self.orders.may_rest_at(side, px) {
            self.advance_queues(side, px, before, after);
        }
        if !after.is_zero() && self.orders.may_reach(side.opposite(), px) {
            self.quoted(side, px, after, now, out);
        }
    }

    fn advance_queues(&mut self, side: Side, px: PriceTick, before: QtyLot, after: QtyLot) {
        let briefs = &self.briefs;
        self.orders.each_at(side, px, |order| {
            let model = briefs[order.lane as usize].queue;
            order.queue.on_level_change(model, before, after);
        });
    }

    /// An opposite quote stands at the price of our orders or beyond: it fills them up to its size.
    fn quoted(&mut self, side: Side, px: PriceTick, qty: QtyLot, now: TsNs, out: &mut Reports) {
        self.event += 1;
        let mut reached = std::mem::take(&mut self.scratch);
        reached.clear();
        self.orders
            .collect_reached(side.opposite(), px, &mut reached);
        for &handle in &reached {
            let lane_idx = self.orders.get(handle).lane as usize;
            let open = self.orders.get(handle).open;
            let lane = &mut self.lanes[lane_idx];
            let free = QtyLot::new(qty.get() - lane.taken_at(side, px).get());
            let fill = if lane.config.partial_fills {
                lane.volume_left(self.event, free).min(open)
            } else {
                open
            };
            if fill.get() > 0 {
                lane.use_volume(fill);
                lane.take(side, px, fill);
                Self::note_taken(&mut self.taken, side, px);
                self.fill_resting(handle, fill, now, out);
            }
        }
        self.scratch = reached;
    }

    /// A print on `side` (the resting side) at `px`.
    #[cold]
    #[inline(never)]
    pub(super) fn printed(
        &mut self,
        side: Side,
        px: PriceTick,
        qty: QtyLot,
        now: TsNs,
        out: &mut Reports,
    ) {
        self.event += 1;
        let mut reached = std::mem::take(&mut self.scratch);
        reached.clear();
        self.orders.collect_reached(side, px, &mut reached);
        for &handle in &reached {
            let order = self.orders.get_mut(handle);
            let (open, at_price) = (order.open, order.px == px);
            let lane = &mut self.lanes[order.lane as usize];
            let left = lane.volume_left(self.event, qty);
            let past = if !at_price {
                order.queue = QueuePosition::default();
                qty
            } else if lane.config.mode == FillMode::QueueAware {
                order.queue.on_print(qty)
            } else {
                QtyLot::ZERO
            };
            let fill = match lane.config.partial_fills {
                true => open.min(past).min(left),
                false if past.is_zero() => QtyLot::ZERO,
                false => open,
            };
            if fill.get() > 0 {
                lane.use_volume(fill);
                order
                    .queue
                    .consume_behind(QtyLot::new(past.get() - fill.get()));
                self.fill_resting(handle, fill, now, out);
            }
        }
        self.scratch = reached;
    }

    /// Fills `qty` of a resting order at its price (or all of it, as taker, if a toxic sweep
    /// happens).
    fn fill_resting(&mut self, handle: Handle, qty: QtyLot, now: TsNs, out: &mut Reports) {
        let order = self.orders.get_mut(handle);
        let lane = &mut self.lanes[order.lane as usize];
        let toxic = lane.happens(lane.config.toxic_sweep_prob);
        let (qty, liquidity) = if toxic {
            (order.open, Liquidity::Taker)
        } else {
            (qty, Liquidity::Maker)
        };
        lane.toxic_sweeps += u64::from(toxic);
        debug_assert!(
            qty.get() > 0 && qty <= order.open,
            "a fill is never more than is open"
        );
        order.open -= qty;
        order.cum += qty;
        let (lane_id, done) = (order.lane, order.open.is_zero());
        let fill = Fill {
            cid: order.cid,
            side: order.side,
            px: order.px,
            qty,
            cum: order.cum,
            liquidity,
        };
        out.push((lane_id, lane.book_fill(fill, now)));
        if done {
            self.orders.remove(handle);
        }
    }

    /// The snapshot is complete: queues are estimated anew and quotes may have reached our orders.
    #[cold]
    #[inline(never)]
    pub(super) fn snapshot_complete(&mut self, after_gap: bool, now: TsNs, out: &mut Reports) {
        self.feed = Feed::Live;
        for lane in 0..self.lanes.len() {
            let number = u32::try_from(lane).unwrap_or(u32::MAX);
            let handles: Vec<Handle> = self.orders.of_lane(number).collect();
            for handle in handles {
                let order = self.orders.get_mut(handle);
                let displayed = self.book.qty_at(order.side, order.px);
                let model = self.briefs[lane].queue;
                if after_gap {
                    order.queue = QueuePosition::join(displayed);
                } else {
                    order.queue.on_level_change(model, displayed, displayed);
                }
            }
        }
        for side in Side::BOTH {
            let crossing: Vec<(PriceTick, QtyLot)> = self
                .book
                .levels(side)
                .take_while(|(px, _)| self.orders.may_reach(side.opposite(), *px))
                .collect();
            for (px, qty) in crossing {
                self.quoted(side, px, qty, now, out);
            }
        }
    }
}
