//! Scripted situations: what is asked of the venue, why, and what is counted. A lot costs 10 USD.

use super::*;
use crate::market::Market;
use crate::strategy::Quote;
use mmbot_types::{
    Action, ActionBuf, BlockDetail, BlockReason, Cid, ExecPrice, ExecReport, Liquidity, PriceTick,
    QuoterKind, RejectReason, ReplaceMode, ReportKind,
};

pub(super) struct Desk {
    pub market: Market,
    pub trader: Trader,
    pub now_ms: i64,
}

pub(super) fn at(ms: i64) -> TsNs {
    TsNs::ZERO.plus_ms(1_000_000 + ms)
}

impl Desk {
    pub fn new(params: Params) -> Self {
        let i = Instrument::new("X", "0.1", "0.001", "0.001", 5.0, 1.0).unwrap();
        let mut trader = Trader::new(i.clone(), params).unwrap();
        trader.start(at(0));
        let market = Market::new(i, params.signals, 1000);
        let mut desk = Self {
            market,
            trader,
            now_ms: 0,
        };
        desk.book(99_999, 100_001);
        desk
    }

    /// A snapshot with ten lots at the best prices.
    pub fn book(&mut self, bid: i64, ask: i64) {
        self.sizes(bid, 10, ask, 10);
    }

    pub fn sizes(&mut self, bid: i64, bid_qty: i64, ask: i64, ask_qty: i64) {
        self.market.reset();
        for (side, px, qty) in [(Side::Buy, bid, bid_qty), (Side::Sell, ask, ask_qty)] {
            self.market
                .depth(side, PriceTick::new(px), QtyLot::new(qty));
        }
        self.market.end_packet(at(self.now_ms), at(self.now_ms));
    }

    pub fn decide(&mut self) -> Vec<(Action, Cause)> {
        let mut out = ActionBuf::new();
        self.trader
            .decide(at(self.now_ms), &mut self.market, &mut out);
        out.as_slice().to_vec()
    }

    pub fn report(&mut self, cid: Cid, kind: ReportKind) -> Vec<(Action, Cause)> {
        let mut out = ActionBuf::new();
        let ts_exch = at(self.now_ms);
        let report = ExecReport { cid, ts_exch, kind };
        self.trader
            .on_report(ts_exch, &report, &mut self.market, &mut out);
        out.as_slice().to_vec()
    }

    /// The venue does what was asked.
    pub fn confirm(&mut self, actions: &[(Action, Cause)]) {
        for (action, _) in actions {
            let filled = self.open(action.cid()).map_or(0, |o| o.filled_qty.get());
            let kind = match action {
                Action::Place(_) => ReportKind::Accepted,
                Action::Amend { px, total_qty, .. } => ReportKind::Amended {
                    px: *px,
                    open_qty: QtyLot::new(total_qty.get() - filled),
                },
                Action::Cancel { .. } => ReportKind::Cancelled,
            };
            self.report(action.cid(), kind);
        }
    }

    pub fn fill(&mut self, cid: Cid, px: i64, qty: i64, cum: i64) -> Vec<(Action, Cause)> {
        self.report(cid, filled(px, qty, cum))
    }

    pub fn open(&self, cid: Cid) -> Option<crate::order::OpenOrder> {
        self.trader.open_orders().find(|order| order.cid == cid)
    }

    /// Decides, and the venue does what was asked at once.
    pub fn settle(&mut self) -> Vec<(Action, Cause)> {
        let actions = self.decide();
        self.confirm(&actions);
        actions
    }

    pub fn count(&self, detail: BlockDetail) -> u64 {
        self.trader.telemetry().blocks.count(detail)
    }
}

pub(super) fn filled(px: i64, qty: i64, cum: i64) -> ReportKind {
    ReportKind::Filled {
        px: ExecPrice::new(px * mmbot_types::PRICE_SCALE),
        qty: QtyLot::new(qty),
        cum_qty: QtyLot::new(cum),
        liquidity: Liquidity::Maker,
        fee: Money::new(1),
    }
}

pub(super) fn params() -> Params {
    let mut p = Params::default();
    p.quote.base_spread_bps = 4.0;
    p.quote.levels_per_side = 1;
    p.quote.enable_dynamic_spread = false;
    p.quote.enable_inventory_skew = false;
    p.sizing.target_usd = 1_000.0;
    p.anti_stale.enabled = false;
    p.tail.tail_age_ms = 1_000_000;
    p
}

pub(super) fn causes(actions: &[(Action, Cause)]) -> Vec<Cause> {
    actions.iter().map(|a| a.1).collect()
}

pub(super) fn price(action: &Action) -> i64 {
    match action {
        Action::Place(order) => order.px.get(),
        Action::Amend { px, .. } => px.get(),
        Action::Cancel { .. } => 0,
    }
}

#[test]
fn a_first_decision_quotes_both_sides_once() {
    let mut desk = Desk::new(params());
    let first = desk.decide();
    assert_eq!(
        first.iter().map(|a| price(&a.0)).collect::<Vec<_>>(),
        [99_980, 100_020]
    );
    assert_eq!(causes(&first), [Cause::Quote; 2]);
    desk.now_ms = 100;
    assert!(desk.decide().is_empty(), "both are on their way");
    desk.confirm(&first);
    desk.now_ms = 200;
    assert!(desk.decide().is_empty(), "both are where they should be");
    assert_eq!(desk.trader.telemetry().attempts, 2);
}

#[test]
fn an_order_is_amended_when_the_target_moved_far_enough_and_it_is_old_enough() {
    let mut desk = Desk::new(params());
    desk.settle();
    desk.now_ms = 400;
    desk.book(100_027, 100_029);
    assert!(
        desk.decide().is_empty(),
        "2.9 bps are below the threshold of 3"
    );
    desk.book(100_039, 100_041);
    assert!(desk.decide().is_empty(), "younger than 500 ms");
    assert_eq!(desk.count(BlockDetail::TimeInBook), 2);
    desk.now_ms = 500;
    let moved = desk.decide();
    assert_eq!(causes(&moved), [Cause::Replace]);
    assert_eq!(
        price(&moved[0].0),
        100_061,
        "the one that is farther off goes first"
    );
    assert_eq!(
        desk.count(BlockDetail::Interval),
        1,
        "60 ms between two replaces"
    );
    desk.now_ms = 560;
    assert_eq!(price(&desk.decide()[0].0), 100_020);
    desk.now_ms = 700;
    desk.confirm(&moved);
    assert_eq!(desk.trader.telemetry().replaces, 2);
    let blocks = &desk.trader.telemetry().blocks;
    assert_eq!(blocks.blocked_by(BlockReason::MinInterval), 2);
    assert_eq!(desk.trader.telemetry().attempts, 2 + 2 + blocks.total());
}

#[test]
fn concurrency_and_rate_refuse_in_their_order() {
    let mut p = params();
    p.replace.min_interval_ms = 0;
    p.replace.min_time_in_book_ms = 0;
    p.replace.max_concurrent = 1.0;
    p.replace.replace_rate_per_min = 2;
    let mut desk = Desk::new(p);
    desk.settle();
    desk.book(101_999, 102_001);
    let moved = desk.decide();
    assert_eq!(moved.len(), 1);
    assert_eq!(desk.count(BlockDetail::InFlight), 1);
    desk.confirm(&moved);
    let second = desk.settle();
    assert_eq!(second.len(), 1);
    desk.book(103_999, 104_001);
    assert!(desk.decide().is_empty());
    assert_eq!(desk.count(BlockDetail::RatePerMin), 2);
    assert_eq!(
        desk.trader
            .telemetry()
            .blocks
            .count_of(BlockReason::Throttle),
        2
    );
    desk.now_ms = 60_000;
    desk.book(103_999, 104_001);
    assert_eq!(desk.decide().len(), 1);
}

#[test]
fn without_amend_the_new_order_waits_for_the_end_of_the_old_one() {
    let mut p = params();
    p.replace.mode = ReplaceMode::CancelThenPlace;
    p.replace.min_interval_ms = 0;
    let mut desk = Desk::new(p);
    desk.settle();
    desk.now_ms = 500;
    desk.book(101_999, 102_001);
    let cancels = desk.decide();
    assert_eq!(causes(&cancels), [Cause::Replace; 2]);
    desk.now_ms = 600;
    assert!(desk.decide().is_empty());
    desk.confirm(&cancels);
    let placed = desk.decide();
    assert_eq!(causes(&placed), [Cause::Quote; 2]);
    assert_eq!(
        desk.trader.telemetry().replaces,
        2,
        "cancel and create count once"
    );
}

#[test]
fn cancel_and_place_sends_cancels_first() {
    let mut p = params();
    p.replace.mode = ReplaceMode::CancelAndPlace;
    p.replace.min_interval_ms = 0;
    let mut desk = Desk::new(p);
    desk.settle();
    desk.now_ms = 500;
    desk.book(101_999, 102_001);
    let actions = desk.decide();
    let kinds: Vec<bool> = actions
        .iter()
        .map(|a| matches!(a.0, Action::Cancel { .. }))
        .collect();
    assert_eq!(kinds, [true, true, false, false]);
    desk.now_ms = 600;
    assert!(desk.decide().is_empty());
}

#[test]
fn an_order_the_venue_will_not_amend_is_cancelled_and_created() {
    let mut desk = Desk::new(params());
    let first = desk.settle();
    desk.now_ms = 500;
    desk.book(101_999, 102_001);
    let moved = desk.decide();
    let cid = moved[0].0.cid();
    assert!(first.iter().any(|a| a.0.cid() == cid));
    desk.report(cid, ReportKind::AmendRejected(RejectReason::Filter));
    desk.now_ms = 1100;
    let next = desk.decide();
    assert!(
        next.contains(&(Action::Cancel { cid }, Cause::Replace)),
        "{next:?}"
    );
}

#[test]
fn a_level_that_is_no_longer_wanted_goes_when_it_is_old_enough() {
    let mut p = params();
    p.quote.levels_per_side = 2;
    let mut desk = Desk::new(p);
    desk.settle();
    p.quote.levels_per_side = 1;
    desk.trader.apply_params(at(0), p).unwrap();
    desk.now_ms = 100;
    assert!(desk.decide().is_empty());
    desk.now_ms = 500;
    let actions = desk.decide();
    let gone = causes(&actions)
        .iter()
        .filter(|c| **c == Cause::NoTarget)
        .count();
    assert_eq!(gone, 2);
}

#[test]
fn a_fill_leads_to_a_decision_at_once_and_never_frees_budget() {
    let mut desk = Desk::new(params());
    let first = desk.settle();
    desk.now_ms = 10;
    let cid = first[0].0.cid();
    let next = desk.fill(cid, 99_980, 40, 40);
    assert!(
        next.is_empty(),
        "60 lots rest, 40 are held: the budget is used: {next:?}"
    );
    assert_eq!(desk.trader.telemetry().blocks.total_iterations(), 2);
    assert_eq!(desk.trader.position(), QtyLot::new(40));
    let next = desk.fill(cid, 99_980, 60, 100);
    assert!(next.is_empty(), "{next:?}");
    assert_eq!(desk.count(BlockDetail::PortfolioBudget), 1);
    assert!(desk.open(cid).is_none());
    assert_eq!(desk.trader.telemetry().orders_with_fill, 1);
    assert_eq!(
        desk.trader.due(),
        at(110),
        "the next book decision counts from the fill"
    );
}

#[test]
fn an_unusable_book_takes_all_orders_out() {
    let mut desk = Desk::new(params());
    desk.settle();
    desk.now_ms = 500;
    desk.market.gap();
    let actions = desk.decide();
    assert_eq!(causes(&actions), [Cause::StaleBook; 2]);
    assert!(desk.decide().is_empty());
    assert_eq!(desk.count(BlockDetail::StaleBook), 2);
    desk.confirm(&actions);
    desk.now_ms = 600;
    desk.book(99_999, 100_001);
    assert_eq!(desk.settle().len(), 2);
    desk.now_ms = 2_601;
    assert_eq!(
        causes(&desk.decide()),
        [Cause::StaleBook; 2],
        "silent for two seconds"
    );
}

#[test]
fn an_adverse_book_takes_the_near_orders_of_its_side_and_places_none() {
    let mut desk = Desk::new(params());
    desk.settle();
    desk.now_ms = 100;
    desk.sizes(99_999, 90, 100_001, 10);
    let actions = desk.decide();
    assert_eq!(causes(&actions), [Cause::Adverse]);
    assert_eq!(desk.count(BlockDetail::Adverse), 1);
    desk.confirm(&actions);
    desk.now_ms = 200;
    desk.book(99_999, 100_001);
    assert!(desk.decide().is_empty(), "the pause of 300 ms");
    desk.now_ms = 400;
    assert_eq!(causes(&desk.decide()), [Cause::Quote]);
}

#[test]
fn a_stop_cancels_what_it_can_at_once_and_the_rest_as_soon_as_it_rests() {
    let mut desk = Desk::new(params());
    let first = desk.decide();
    desk.report(first[0].0.cid(), ReportKind::Accepted);
    let mut out = ActionBuf::new();
    desk.trader.stop(at(1), &mut out);
    assert_eq!(
        out.as_slice(),
        [(
            Action::Cancel {
                cid: first[0].0.cid()
            },
            Cause::Kill
        )]
    );
    let late = desk.report(first[1].0.cid(), ReportKind::Accepted);
    assert_eq!(
        late,
        [(
            Action::Cancel {
                cid: first[1].0.cid()
            },
            Cause::Kill
        )]
    );
    desk.confirm(out.as_slice());
    desk.confirm(&late);
    desk.now_ms = 200;
    assert!(desk.decide().is_empty());
    assert_eq!(desk.count(BlockDetail::Kill), 1);
    assert_eq!(desk.trader.open_orders().count(), 0);
    desk.trader.resume();
    assert_eq!(desk.decide().len(), 2);
}

#[test]
fn a_drawdown_pauses_and_a_larger_one_kills() {
    let mut p = params();
    p.risk.initial_equity_usd = 10_000.0;
    p.sizing.target_usd = 8_000.0;
    let mut desk = Desk::new(p);
    let first = desk.settle();
    desk.fill(first[0].0.cid(), 99_980, 800, 800);
    desk.now_ms = 500;
    // 800 lots of 10 USD lose 4%
    desk.book(95_999, 96_001);
    let actions = desk.decide();
    assert_eq!(causes(&actions), [Cause::RiskPause]);
    desk.confirm(&actions);
    assert_eq!(desk.count(BlockDetail::RiskPaused), 1);
    desk.now_ms = 600;
    desk.book(92_999, 93_001);
    desk.decide();
    assert_eq!(desk.trader.risk_state(), crate::RiskState::Killed);
    assert_eq!(desk.trader.telemetry().risk_kills, 1);
    desk.now_ms = 400_000;
    desk.book(99_999, 100_001);
    assert!(desk.decide().is_empty());
}

#[test]
fn targets_from_outside_pass_the_same_guards() {
    let mut p = params();
    p.quote.kind = QuoterKind::External;
    let mut desk = Desk::new(p);
    let mut out = ActionBuf::new();
    let quote = |side, px, qty| Quote {
        side,
        px: PriceTick::new(px),
        qty: QtyLot::new(qty),
    };
    let quotes = [
        quote(Side::Buy, 100_500, 50),
        quote(Side::Buy, 99_000, 900),
        quote(Side::Sell, 100_010, 0),
        quote(Side::Sell, 100_020, 3000),
    ];
    assert!(desk.trader.wants_external());
    desk.trader
        .decide_with(at(0), &mut desk.market, &quotes, &mut out);
    let sent: Vec<(i64, i64)> = out
        .as_slice()
        .iter()
        .map(|(action, _)| match action {
            Action::Place(order) => (order.px.get(), order.qty.get()),
            _ => (0, 0),
        })
        .collect();
    // bounded a tick from the other side; the second bid gets what the budget leaves
    assert_eq!(sent, [(100_000, 50), (99_000, 50)]);
    assert_eq!(desk.count(BlockDetail::LimitPosition), 1);
    desk.confirm(out.as_slice());
    desk.fill(out.as_slice()[0].0.cid(), 100_000, 50, 50);
    assert_eq!(
        desk.trader.timer_due(),
        at(0),
        "the strategy is asked at once"
    );
}

#[test]
fn a_fixed_grid_keeps_its_origin_and_ignores_fills() {
    let mut p = params();
    p.quote.cadence = Cadence::FixedGrid { interval_ms: 100 };
    let mut desk = Desk::new(p);
    assert_eq!(
        (desk.trader.due(), desk.trader.timer_due()),
        (at(100), at(100))
    );
    desk.now_ms = 100;
    let first = desk.settle();
    assert_eq!(desk.trader.due(), at(200));
    let iterations = desk.trader.telemetry().blocks.total_iterations();
    desk.fill(first[0].0.cid(), 99_980, 1, 1);
    assert_eq!(
        desk.trader.telemetry().blocks.total_iterations(),
        iterations
    );
    desk.now_ms = 455;
    desk.decide();
    assert_eq!(desk.trader.due(), at(500));
    p.quote.cadence = Cadence::FixedGrid { interval_ms: 50 };
    desk.trader.apply_params(at(460), p).unwrap();
    assert_eq!(desk.trader.due(), at(510));
}
