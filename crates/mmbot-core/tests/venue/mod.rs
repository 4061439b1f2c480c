//! A random venue: it accepts, refuses, fills, cancels and amends as it likes, and its reports come
//! late, twice and in any order. It keeps the truth, against which the trader is judged.

use mmbot_core::{Market, Trader};
use mmbot_types::{
    Action, ActionBuf, Cause, Cid, ExecPrice, ExecReport, FeeRate, Instrument, Liquidity, Money,
    PRICE_SCALE, Params, PriceTick, QtyLot, RejectReason, ReportKind, Side, TsNs,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// One thing that happens.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// Time passes and a book arrives: mid moves by `ticks`, sizes lean by `lean` percent.
    Book {
        after_ms: i64,
        ticks: i64,
        lean: i64,
    },
    /// Data go missing.
    Gap,
    /// The venue works on the `pick`-th waiting request; it refuses some.
    Work { pick: usize, refuse: bool },
    /// A resting order trades some of its quantity.
    Trade { pick: usize, share: i64 },
    /// The `pick`-th report on the wire arrives; sometimes it stays to arrive again.
    Arrive { pick: usize, again: bool },
    /// The venue cancels something by itself.
    Drop { pick: usize },
}

pub fn steps(n: usize) -> impl Strategy<Value = Vec<Step>> {
    let pick = 0usize..50;
    let step = prop_oneof![
        6 => (1i64..400, -30i64..30, 2i64..98)
            .prop_map(|(after_ms, ticks, lean)| Step::Book { after_ms, ticks, lean }),
        1 => Just(Step::Gap),
        8 => (pick.clone(), prop::bool::weighted(0.1))
            .prop_map(|(pick, refuse)| Step::Work { pick, refuse }),
        4 => (pick.clone(), 1i64..=100).prop_map(|(pick, share)| Step::Trade { pick, share }),
        10 => (pick.clone(), prop::bool::weighted(0.1))
            .prop_map(|(pick, again)| Step::Arrive { pick, again }),
        1 => pick.prop_map(|pick| Step::Drop { pick }),
    ];
    prop::collection::vec(step, n)
}

/// An order as it is at the venue.
#[derive(Debug, Clone, Copy)]
pub struct Resting {
    pub side: Side,
    pub px: PriceTick,
    pub total: i64,
    pub cum: i64,
}

/// See the module.
pub struct Venue {
    pub market: Market,
    pub trader: Trader,
    pub now_ms: i64,
    pub mid: i64,
    pub requests: Vec<Action>,
    pub resting: BTreeMap<Cid, Resting>,
    pub wire: Vec<ExecReport>,
    pub in_order: bool,
    pub position: i64,
    pub cash: Money,
    pub fees: Money,
    pub seen: Vec<(Action, Cause)>,
    taker: bool,
    /// Quantity per side of fills that arrived after the end of their order.
    pub late: [i64; 2],
}

impl Venue {
    pub fn new(params: Params, in_order: bool) -> Self {
        let instrument = Instrument::new("X", "0.1", "0.001", "0.001", 5.0, 1.0).unwrap();
        let mut trader = Trader::new(instrument.clone(), params).unwrap();
        let mut market = Market::new(instrument, params.signals, params.edge.adverse_horizon_ms);
        trader.enable_fill_log();
        market.keep_long_history();
        trader.start(Self::at(0));
        Self {
            market,
            trader,
            now_ms: 0,
            mid: 100_000,
            requests: Vec::new(),
            resting: BTreeMap::new(),
            wire: Vec::new(),
            in_order,
            position: 0,
            cash: Money::ZERO,
            fees: Money::ZERO,
            seen: Vec::new(),
            taker: false,
            late: [0; 2],
        }
    }

    /// A report straight to the trader, whatever it says.
    pub fn deliver(&mut self, report: &ExecReport) {
        let mut out = ActionBuf::new();
        let now = self.now();
        self.trader
            .on_report(now, report, &mut self.market, &mut out);
        self.send(&out);
    }

    fn at(ms: i64) -> TsNs {
        TsNs::ZERO.plus_ms(1_000_000 + ms)
    }

    pub fn now(&self) -> TsNs {
        Self::at(self.now_ms)
    }

    pub fn step(&mut self, step: Step) {
        match step {
            Step::Book {
                after_ms,
                ticks,
                lean,
            } => self.book(after_ms, ticks, lean),
            Step::Gap => self.market.gap(),
            Step::Work { pick, refuse } => self.work(pick, refuse),
            Step::Trade { pick, share } => self.trade(pick, share),
            Step::Arrive { pick, again } => self.arrive(pick, again),
            Step::Drop { pick } => {
                if let Some(cid) = self.pick_resting(pick) {
                    self.resting.remove(&cid);
                    self.say(cid, ReportKind::Cancelled);
                }
            }
        }
    }

    /// Everything under way is worked off and every report arrives.
    pub fn settle(&mut self) {
        while !self.requests.is_empty() || !self.wire.is_empty() {
            self.work(0, false);
            self.arrive(0, false);
        }
    }

    fn book(&mut self, after_ms: i64, ticks: i64, lean: i64) {
        self.now_ms += after_ms;
        self.mid = (self.mid + ticks).max(1_000);
        let now = self.now();
        self.market.reset();
        for (side, qty) in [(Side::Buy, lean), (Side::Sell, 100 - lean)] {
            let px = PriceTick::new(self.mid - side.sign());
            self.market.depth(side, px, QtyLot::new(qty));
        }
        self.market.end_packet(now, now);
        if now >= self.trader.due() {
            let mut out = ActionBuf::new();
            self.trader.decide(now, &mut self.market, &mut out);
            self.send(&out);
        }
    }

    fn send(&mut self, out: &ActionBuf) {
        for (action, cause) in out.as_slice() {
            self.requests.push(*action);
            self.seen.push((*action, *cause));
        }
    }

    fn work(&mut self, pick: usize, refuse: bool) {
        if self.requests.is_empty() {
            return;
        }
        let action = self.requests.remove(pick % self.requests.len().min(3));
        let cid = action.cid();
        match action {
            Action::Place(_) if refuse => {
                self.say(cid, ReportKind::Rejected(RejectReason::PostOnlyWouldCross));
            }
            Action::Place(order) => {
                let fresh = Resting {
                    side: order.side,
                    px: order.px,
                    total: order.qty.get(),
                    cum: 0,
                };
                assert!(
                    self.resting.insert(cid, fresh).is_none(),
                    "one order per id"
                );
                self.say(cid, ReportKind::Accepted);
            }
            Action::Cancel { .. } => {
                let kind = match self.resting.remove(&cid) {
                    Some(_) => ReportKind::Cancelled,
                    None => ReportKind::CancelRejected(RejectReason::UnknownOrder),
                };
                self.say(cid, kind);
            }
            Action::Amend { px, total_qty, .. } => {
                let kind = self.amend(cid, px, total_qty.get(), refuse);
                self.say(cid, kind);
            }
        }
    }

    fn amend(&mut self, cid: Cid, px: PriceTick, total: i64, refuse: bool) -> ReportKind {
        let Some(order) = self.resting.get_mut(&cid) else {
            return ReportKind::AmendRejected(RejectReason::UnknownOrder);
        };
        if refuse || total <= order.cum {
            return ReportKind::AmendRejected(RejectReason::Filter);
        }
        (order.px, order.total) = (px, total);
        let open_qty = QtyLot::new(total - order.cum);
        ReportKind::Amended { px, open_qty }
    }

    fn trade(&mut self, pick: usize, share: i64) {
        let Some(cid) = self.pick_resting(pick) else {
            return;
        };
        let Some(order) = self.resting.get_mut(&cid) else {
            return;
        };
        let qty = ((order.total - order.cum) * share / 100).max(1);
        order.cum += qty;
        let (side, cum, done) = (order.side, order.cum, order.cum == order.total);
        let px = ExecPrice::new(order.px.get() * PRICE_SCALE + side.sign() * share);
        if done {
            self.resting.remove(&cid);
        }
        self.taker = !self.taker;
        let notional = Money::notional(px, QtyLot::new(qty));
        let fee = FeeRate::from_bps(if self.taker { 5.0 } else { -0.5 })
            .unwrap()
            .fee_on(notional);
        self.position += side.sign() * qty;
        self.cash -= Money::notional(px, QtyLot::new(side.sign() * qty));
        self.fees += fee;
        let kind = ReportKind::Filled {
            px,
            qty: QtyLot::new(qty),
            cum_qty: QtyLot::new(cum),
            liquidity: if self.taker {
                Liquidity::Taker
            } else {
                Liquidity::Maker
            },
            fee,
        };
        self.say(cid, kind);
    }

    fn pick_resting(&self, pick: usize) -> Option<Cid> {
        let n = self.resting.len().max(1);
        self.resting.keys().nth(pick % n).copied()
    }

    fn say(&mut self, cid: Cid, kind: ReportKind) {
        let ts_exch = self.now();
        self.wire.push(ExecReport { cid, ts_exch, kind });
    }

    fn arrive(&mut self, pick: usize, again: bool) {
        if self.wire.is_empty() {
            return;
        }
        let at = if self.in_order {
            0
        } else {
            pick % self.wire.len().min(6)
        };
        let report = if again && !self.in_order {
            self.wire[at]
        } else {
            self.wire.remove(at)
        };
        let mut out = ActionBuf::new();
        let now = self.now();
        self.note_late(&report);
        self.trader
            .on_report(now, &report, &mut self.market, &mut out);
        self.send(&out);
    }

    fn note_late(&mut self, report: &ExecReport) {
        let open = self.trader.open_orders().any(|o| o.cid == report.cid);
        if let ReportKind::Filled { qty, .. } = report.kind
            && !open
            && let Some(side) = self.trader.side_of(report.cid)
        {
            self.late[side.index()] += qty.get();
        }
    }
}
