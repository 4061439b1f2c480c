//! The exchange against a brute-force order-by-order market: real queues of single orders, in which
//! our order stands as a ghost at a known place. The exchange sees only levels and prints.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use mmbot_sim::{Exchange, FillMode, QueueModel, Reports, SimConfig};
use mmbot_types::{Action, Cid, NewOrder, PriceTick, QtyLot, ReportKind, Side, TimeInForce, TsNs};
use proptest::prelude::*;

const BEST: i64 = 100;
const LEVELS: i64 = 4;

#[derive(Debug, Clone, Copy)]
enum Op {
    /// A new bid at the back of a level.
    Add { level: i64, qty: i64 },
    /// The order at a place of a level's queue is cancelled.
    Cancel { level: i64, place: usize },
    /// A selling market order.
    Sell { qty: i64 },
}

/// A ghost: how many real orders stand before it, what is left, what has filled.
#[derive(Debug, Clone, Copy)]
struct Ghost {
    px: i64,
    before: usize,
    open: i64,
    filled: i64,
}

/// Real bids, best level first; each level a queue of order sizes.
#[derive(Debug, Clone)]
struct Market {
    levels: Vec<Vec<i64>>,
    ghosts: Vec<Ghost>,
    now: i64,
    exchange: Exchange,
    out: Reports,
}

impl Market {
    fn new(models: &[QueueModel], sizes: &[Vec<i64>]) -> Self {
        let lanes: Vec<SimConfig> = models
            .iter()
            .map(|queue| SimConfig {
                queue: *queue,
                ..SimConfig::default()
            })
            .collect();
        let mut market = Self {
            levels: sizes.to_vec(),
            ghosts: Vec::new(),
            now: 0,
            exchange: Exchange::new(&lanes).unwrap(),
            out: Vec::new(),
        };
        market.exchange.reset();
        for level in 0..LEVELS {
            market.publish(level);
        }
        let far = PriceTick::new(BEST + 10);
        market
            .exchange
            .depth(Side::Sell, far, QtyLot::new(5), TsNs::ZERO, &mut market.out);
        market.exchange.end_packet(TsNs::ZERO, &mut market.out);
        market
    }

    /// Every lane places one order of `qty` at the back of `level`.
    fn place(&mut self, level: i64, qty: i64, lanes: u32) {
        let px = BEST - level;
        for lane in 0..lanes {
            let order = NewOrder {
                cid: Cid::new(1),
                side: Side::Buy,
                px: PriceTick::new(px),
                qty: QtyLot::new(qty),
                tif: TimeInForce::PostOnly,
            };
            self.exchange.request(
                lane,
                &Action::Place(order),
                TsNs::new(self.now),
                &mut self.out,
            );
            let before = self.levels[usize::try_from(level).unwrap()].len();
            self.ghosts.push(Ghost {
                px,
                before,
                open: qty,
                filled: 0,
            });
        }
    }

    fn size(&self, level: i64) -> i64 {
        self.levels[usize::try_from(level).unwrap()].iter().sum()
    }

    fn publish(&mut self, level: i64) {
        let (px, qty) = (PriceTick::new(BEST - level), QtyLot::new(self.size(level)));
        let now = TsNs::new(self.now);
        self.exchange.depth(Side::Buy, px, qty, now, &mut self.out);
    }

    fn apply(&mut self, op: Op) {
        self.now += 1;
        match op {
            Op::Add { level, qty } => {
                self.levels[usize::try_from(level).unwrap()].push(qty);
                self.publish(level);
            }
            Op::Cancel { level, place } => {
                let queue = &mut self.levels[usize::try_from(level).unwrap()];
                if queue.is_empty() {
                    return;
                }
                let place = place % queue.len();
                queue.remove(place);
                for ghost in self.ghosts.iter_mut().filter(|g| g.px == BEST - level) {
                    ghost.before -= usize::from(place < ghost.before);
                }
                self.publish(level);
            }
            Op::Sell { qty } => self.sell(qty),
        }
    }

    fn sell(&mut self, mut qty: i64) {
        for level in 0..LEVELS {
            let px = BEST - level;
            let print = qty.min(self.size(level));
            if print == 0 {
                continue;
            }
            // what comes past the real orders before a ghost reaches it; a print below its price is
            // all its
            for ghost in self.ghosts.iter_mut().filter(|g| g.px >= px) {
                let ahead: i64 = if ghost.px > px {
                    0
                } else {
                    self.levels[usize::try_from(level).unwrap()][..ghost.before]
                        .iter()
                        .sum()
                };
                let fill = (print - ahead).max(0).min(ghost.open);
                ghost.open -= fill;
                ghost.filled += fill;
            }
            let traded = (PriceTick::new(px), QtyLot::new(print));
            let now = TsNs::new(self.now);
            self.exchange
                .trade(Side::Sell, traded.0, traded.1, now, &mut self.out);
            self.consume(level, print);
            self.publish(level);
            qty -= print;
        }
    }

    fn consume(&mut self, level: i64, mut qty: i64) {
        let queue = &mut self.levels[usize::try_from(level).unwrap()];
        while qty > 0 && !queue.is_empty() {
            let take = qty.min(queue[0]);
            queue[0] -= take;
            qty -= take;
            if queue[0] == 0 {
                queue.remove(0);
                for ghost in self.ghosts.iter_mut().filter(|g| g.px == BEST - level) {
                    ghost.before = ghost.before.saturating_sub(1);
                }
            }
        }
    }

    fn filled(&self, lane: u32) -> i64 {
        self.exchange.account(lane).position.get()
    }

    fn true_ahead(&self, ghost: Ghost) -> i64 {
        let level = usize::try_from(BEST - ghost.px).unwrap();
        self.levels[level][..ghost.before].iter().sum()
    }
}

fn op(cancels: bool) -> impl Strategy<Value = Op> {
    let add = (0..LEVELS, 1i64..6).prop_map(|(level, qty)| Op::Add { level, qty });
    let sell = (1i64..12).prop_map(|qty| Op::Sell { qty });
    let cancel = (0..LEVELS, 0usize..8).prop_map(|(level, place)| Op::Cancel { level, place });
    prop_oneof![4 => add, 2 => sell, if cancels { 3 } else { 0 } => cancel]
}

fn sizes() -> impl Strategy<Value = Vec<Vec<i64>>> {
    prop::collection::vec(prop::collection::vec(1i64..6, 1..5), LEVELS as usize)
}

fn models() -> Vec<QueueModel> {
    vec![
        QueueModel::Conservative,
        QueueModel::Power { n: 2.0 },
        QueueModel::Log,
        QueueModel::Calibrated { n: 0.5 },
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn without_cancellations_every_model_is_exact(
        sizes in sizes(),
        level in 0..LEVELS,
        qty in 1i64..9,
        ops in prop::collection::vec(op(false), 1..60),
    ) {
        let mut market = Market::new(&models(), &sizes);
        market.place(level, qty, 4);
        for op in ops {
            market.apply(op);
            for lane in 0..4u32 {
                let ghost = market.ghosts[lane as usize];
                prop_assert_eq!(market.filled(lane), ghost.filled, "lane {}", lane);
                if ghost.open > 0 && market.size(BEST - ghost.px) > 0 {
                    let ahead = market.exchange.queue_ahead(lane, Cid::new(1)).unwrap();
                    prop_assert_eq!(ahead, market.true_ahead(ghost) as f64);
                }
            }
        }
    }

    #[test]
    fn with_cancellations_the_conservative_model_is_never_early(
        sizes in sizes(),
        level in 0..LEVELS,
        qty in 1i64..9,
        ops in prop::collection::vec(op(true), 1..80),
    ) {
        let mut market = Market::new(&[QueueModel::Conservative], &sizes);
        market.place(level, qty, 1);
        for op in ops {
            market.apply(op);
            prop_assert!(market.filled(0) <= market.ghosts[0].filled);
        }
    }

    #[test]
    fn fills_in_reports_add_up_to_the_account(
        sizes in sizes(),
        level in 0..LEVELS,
        ops in prop::collection::vec(op(true), 1..80),
        model in 0usize..4,
    ) {
        let mut market = Market::new(&[models()[model]], &sizes);
        market.place(level, 7, 1);
        for op in ops {
            market.apply(op);
        }
        let (mut sum, mut last_cum) = (0, 0);
        for (_, report) in &market.out {
            if let ReportKind::Filled { qty, cum_qty, .. } = report.kind {
                sum += qty.get();
                prop_assert_eq!(cum_qty.get(), last_cum + qty.get());
                last_cum = cum_qty.get();
            }
        }
        prop_assert_eq!(sum, market.filled(0));
        prop_assert!(sum <= 7);
        prop_assert_eq!(market.exchange.open_orders(0) == 0, sum == 7);
    }
}

#[test]
fn modes_differ_only_at_the_own_price() {
    let lanes = [FillMode::Conservative, FillMode::QueueAware].map(|mode| SimConfig {
        mode,
        ..SimConfig::default()
    });
    let mut exchange = Exchange::new(&lanes).unwrap();
    let (mut out, now) = (Vec::new(), TsNs::ZERO);
    exchange.reset();
    exchange.depth(
        Side::Buy,
        PriceTick::new(100),
        QtyLot::new(1),
        now,
        &mut out,
    );
    exchange.depth(
        Side::Sell,
        PriceTick::new(102),
        QtyLot::new(1),
        now,
        &mut out,
    );
    exchange.end_packet(now, &mut out);
    for lane in 0..2 {
        let order = NewOrder {
            cid: Cid::new(1),
            side: Side::Buy,
            px: PriceTick::new(100),
            qty: QtyLot::new(5),
            tif: TimeInForce::PostOnly,
        };
        exchange.request(lane, &Action::Place(order), now, &mut out);
    }
    exchange.trade(
        Side::Sell,
        PriceTick::new(100),
        QtyLot::new(3),
        now,
        &mut out,
    );
    assert_eq!(
        [0, 1].map(|lane| exchange.account(lane).position.get()),
        [0, 2]
    );
    exchange.trade(
        Side::Sell,
        PriceTick::new(99),
        QtyLot::new(2),
        now,
        &mut out,
    );
    assert_eq!(
        [0, 1].map(|lane| exchange.account(lane).position.get()),
        [2, 4]
    );
    exchange.depth(
        Side::Sell,
        PriceTick::new(100),
        QtyLot::new(2),
        now,
        &mut out,
    );
    assert_eq!(
        [0, 1].map(|lane| exchange.account(lane).position.get()),
        [4, 5]
    );
}
