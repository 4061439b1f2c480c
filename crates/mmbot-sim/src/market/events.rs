//! What each kind of event does.

use super::Market;
use super::intensity::{INFORMED_COST_BPS, Kind, MAKER_CANCEL_AT_TOUCH, STEP_MAX_S, queue_lots};
use super::lob::{Class, NIL};
use super::takers::whole;
use mmbot_types::Side;

/// Size of a maker's order over the usual queue: median and spread of the logarithm.
const MAKER_MEDIAN: f64 = 0.014;
const MAKER_SIGMA: f64 = 1.3;
/// The same for patient orders, which grow with distance.
const PATIENT_MEDIAN: f64 = 0.018;
const PATIENT_SIGMA: f64 = 1.3;
/// Patient orders lie within this distance, of which a share lies close.
const DEPTH_BPS: f64 = 5.0;
const DEPTH_TICKS_MIN: f64 = 80.0;
const CLOSE_SHARE: f64 = 0.08;
const CLOSE_TICKS: f64 = 4.0;
/// Share of makers that leave a price and quote again at once.
const REQUOTE_SHARE: f64 = 0.75;
/// Share of a stale queue that leaves in one step.
const WITHDRAW_SHARE: f64 = 0.45;
/// How keen on leaving the first of a queue is, compared with the average; the last is as much
/// keener (queue position has value: C. C. Moallemi, K. Yuan, "A model for queue position valuation
/// in a limit order book", 2016).
const KEEN_AT_FRONT: f64 = 0.4;
/// Price protection of uninformed market orders.
const PROTECTION_BPS: f64 = 1.5;
/// An improvement goes all the way to the makers' view with this probability.
const FULL_IMPROVEMENT: f64 = 0.8;
/// Seconds of book life before the snapshot.
const WARM_UP_STEPS: u32 = 1_000;

impl Market {
    /// One event. Thinned candidates do nothing.
    pub(super) fn happen(&mut self, kind: Kind) {
        match kind {
            Kind::News => {
                let scales = self.chain.scales();
                self.fair.news(scales, &self.table, &mut self.rng);
            }
            Kind::Shock => self.fair.shock(self.chain.scales(), &mut self.rng),
            Kind::Uninformed => self.uninformed(),
            Kind::Informed(side) => self.informed(side),
            Kind::Refill => self.refill(),
            Kind::Stale(side) => self.withdraw(side),
            Kind::Touch(side) => {
                let (px, qty) = (self.world.lob.best(side), self.maker_lots());
                self.world.place(side, Class::Maker, px, qty);
            }
            Kind::Deep(side) => self.deep(side),
            Kind::MakerCancel(side) => self.maker_cancel(side),
            Kind::PatientCancel(side) => {
                if let Some(id) = self.pick(side, Class::Patient) {
                    self.world.cancel(id);
                }
            }
        }
    }

    /// Levels on both sides, then some life so that queues have a history.
    pub(super) fn fill_opening_book(&mut self) {
        let mid = floor_ticks(self.fair.price());
        for i in 0..3 {
            for side in Side::BOTH {
                let px = match side {
                    Side::Buy => mid - i,
                    Side::Sell => mid + 1 + i,
                };
                let qty = self.maker_lots();
                self.world.place(side, Class::Maker, px, qty);
            }
        }
        for _ in 0..WARM_UP_STEPS {
            for side in Side::BOTH {
                self.happen(Kind::Deep(side));
                self.happen(Kind::Touch(side));
                self.happen(Kind::MakerCancel(side));
                self.happen(Kind::PatientCancel(side));
            }
        }
        for side in Side::BOTH {
            while queue_lots(&self.world.lob, side) > 1.5 * self.touch_lots {
                self.happen(Kind::MakerCancel(side));
            }
        }
        // decays start from rest
        self.takers.advance(STEP_MAX_S);
    }

    fn uninformed(&mut self) {
        let scales = self.chain.scales();
        let forced = scales.forced_sell > 0.0 && self.rng.uniform() < scales.forced_sell;
        let mut side = self.takers.side(&self.table, &mut self.rng);
        if forced {
            side = Side::Sell;
        }
        let best = self.world.lob.best(side.opposite());
        let best_lots = self.world.lob.level(best).qty;
        let qty = self.takers.size(best_lots, &self.table, &mut self.rng);
        let protection = floor_ticks(self.fair.ticks(PROTECTION_BPS)).max(2);
        self.market_order(side, qty, outward(side.opposite(), best, protection));
        self.takers.excite();
    }

    fn informed(&mut self, side: Side) {
        let qty = self.takers.informed_size(&self.table, &mut self.rng);
        let cost = self.fair.ticks(INFORMED_COST_BPS);
        let limit = match side {
            Side::Buy => floor_ticks(self.fair.informed_view() - cost),
            Side::Sell => floor_ticks(self.fair.informed_view() + cost) + 1,
        };
        self.market_order(side, qty, limit);
    }

    #[allow(clippy::cast_precision_loss)] // far below 2^53
    fn market_order(&mut self, side: Side, qty: i64, limit: i32) {
        let mut taken = 0;
        loop {
            let part = self.world.take(side, qty - taken, limit);
            taken += part;
            if part == 0 || taken == qty {
                break;
            }
            // a sweep through the whole published window: show what came up behind it, then go on
            // (a nanosecond later, so that the two packets stay apart when they are sorted by time)
            self.publish();
            self.now_ns += 1;
        }
        if taken > 0 {
            let impact = side.sign() as f64 * self.chain.scales().impact;
            self.fair.infer(impact, taken as f64, self.touch_lots);
        }
    }

    /// The spread is open: a maker improves the side that is farther from the makers' view.
    fn refill(&mut self) {
        let (bid, ask) = (
            self.world.lob.best(Side::Buy),
            self.world.lob.best(Side::Sell),
        );
        let bid_goal = floor_ticks(self.fair.view()).clamp(bid, ask - 1);
        let ask_goal = (bid_goal + 1).clamp(bid + 1, ask);
        let side = if bid_goal - bid >= ask - ask_goal {
            Side::Buy
        } else {
            Side::Sell
        };
        let (from, goal) = match side {
            Side::Buy => (bid, bid_goal),
            Side::Sell => (ask, ask_goal),
        };
        let steps = from.abs_diff(goal);
        if steps == 0 {
            return;
        }
        let steps = if self.rng.uniform() < FULL_IMPROVEMENT {
            steps
        } else {
            1 + self.below(steps)
        };
        let px = outward(side, from, -i32::try_from(steps).unwrap_or(0));
        let qty = self.maker_lots();
        self.world.place(side, Class::Maker, px, qty);
    }

    /// The best price of a side is stale: a share of its queue leaves at once, and most of those
    /// makers quote again where the price is now believed to be.
    fn withdraw(&mut self, side: Side) {
        let best = self.world.lob.best(side);
        let view = floor_ticks(self.fair.view());
        let goal = match side {
            Side::Buy => view.min(best),
            Side::Sell => (view + 1).max(best),
        };
        let mut at = self.world.lob.level(best).head;
        while at != NIL {
            let (id, order) = (at, *self.world.lob.order(at));
            at = self.world.lob.behind(id);
            let leaves = self.rng.uniform() < WITHDRAW_SHARE;
            if !leaves || !self.world.cancel(id) || order.class == Class::Patient {
                continue;
            }
            // a price next to the old one would be this queue again
            if goal != best && self.rng.uniform() < REQUOTE_SHARE {
                self.world.place(side, Class::Maker, goal, order.qty);
            }
        }
    }

    fn deep(&mut self, side: Side) {
        let reach = self.fair.ticks(DEPTH_BPS).max(DEPTH_TICKS_MIN);
        let close = self.rng.uniform() < CLOSE_SHARE;
        let far = if close { 0.0 } else { self.rng.uniform() };
        let ticks = if close {
            CLOSE_TICKS * self.rng.exponential()
        } else {
            reach * far
        };
        let px = outward(side, self.world.lob.best(side), 1 + floor_ticks(ticks));
        let median = PATIENT_MEDIAN * (1.0 + 3.0 * far) * self.chain.scales().depth;
        let qty = whole(self.table.lognormal(
            &mut self.rng,
            median * self.touch_lots,
            PATIENT_SIGMA,
        ));
        self.world.place(side, Class::Patient, px, qty);
    }

    /// Makers at the best price mostly stay; those that the price left behind go and mostly join it
    /// again.
    fn maker_cancel(&mut self, side: Side) {
        let Some(id) = self.pick(side, Class::Maker) else {
            return;
        };
        let order = *self.world.lob.order(id);
        let best = self.world.lob.best(side);
        let share = self.queue_share(side);
        if order.px == best {
            // a place near the front is worth keeping
            let rank = KEEN_AT_FRONT + 2.0 * (1.0 - KEEN_AT_FRONT) * self.world.lob.rank(id);
            let keen = MAKER_CANCEL_AT_TOUCH * rank * (0.5 + 0.5 * share).min(3.0);
            if self.rng.uniform() < keen {
                self.world.cancel(id);
            }
            return;
        }
        let joins = self.rng.uniform() < REQUOTE_SHARE * (1.6 - 0.8 * share).clamp(0.0, 1.0);
        if self.world.cancel(id) && joins {
            let best = self.world.lob.best(side);
            self.world.place(side, Class::Maker, best, order.qty);
        }
    }

    /// Size of the best queue over its usual size in this state.
    fn queue_share(&self, side: Side) -> f64 {
        queue_lots(&self.world.lob, side) / (self.touch_lots * self.chain.scales().depth)
    }

    fn maker_lots(&mut self) -> i64 {
        let median = MAKER_MEDIAN * self.touch_lots * self.chain.scales().depth.max(0.3);
        whole(self.table.lognormal(&mut self.rng, median, MAKER_SIGMA))
    }

    /// A random resting order of a class.
    fn pick(&mut self, side: Side, class: Class) -> Option<u32> {
        let n = self.world.lob.list(side, class).len();
        if n == 0 {
            return None;
        }
        let at = usize::try_from(self.rng.below(n as u64)).unwrap_or(0);
        self.world.lob.list(side, class).get(at).copied()
    }

    /// Uniform in 0..n, n > 0.
    #[allow(clippy::cast_possible_truncation)] // below a u32
    fn below(&mut self, n: u32) -> u32 {
        self.rng.below(u64::from(n)) as u32
    }
}

/// `px` moved away from the market.
#[inline]
const fn outward(side: Side, px: i32, ticks: i32) -> i32 {
    match side {
        Side::Buy => px - ticks,
        Side::Sell => px + ticks,
    }
}

/// Whole ticks at or below a price (which is positive and far below the `i32` range).
#[inline]
#[allow(clippy::cast_possible_truncation)]
fn floor_ticks(ticks: f64) -> i32 {
    libm::floor(ticks) as i32
}
