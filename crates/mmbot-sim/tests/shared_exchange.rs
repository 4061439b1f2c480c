//! Rules of the exchange that outside accounts share, and laws that hold whatever they do.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use mmbot_sim::{SharedEvent, SharedExchange, SharedOrder, SharedTif, SimConfig};
use mmbot_types::{
    Cid, EventRow, ExecReport, Liquidity, PriceTick, QtyLot, RejectReason, ReportKind, RowKind,
    Side, TsNs,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

const NOW: TsNs = TsNs::new(7);

struct Venue {
    exchange: SharedExchange,
    out: Vec<SharedEvent>,
}

impl Venue {
    /// Bids 100 and 99, asks 102 and 103, ten lots each.
    fn new() -> Self {
        let mut venue = Self {
            exchange: SharedExchange::new(&SimConfig::default()).unwrap(),
            out: Vec::new(),
        };
        venue.row(RowKind::Reset, Side::Buy, 0, 0, false);
        for (side, px) in [(Side::Buy, 100), (Side::Buy, 99), (Side::Sell, 102)] {
            venue.row(RowKind::Depth, side, px, 10, false);
        }
        venue.row(RowKind::Depth, Side::Sell, 103, 10, true);
        venue
    }

    fn row(&mut self, kind: RowKind, side: Side, px: i64, qty: i64, last: bool) {
        let row = EventRow {
            kind,
            side,
            last,
            px: PriceTick::new(px),
            qty: QtyLot::new(qty),
            ts_exch: NOW,
            ts_local: NOW,
        };
        self.exchange.market(&row, &mut self.out);
    }

    fn place(&mut self, cid: u64, side: Side, px: i64, qty: i64, tif: SharedTif) {
        let order = SharedOrder {
            cid: Cid::new(cid),
            side,
            px: PriceTick::new(px),
            qty: QtyLot::new(qty),
            tif,
        };
        self.exchange.place(order, NOW, &mut self.out);
    }

    fn amend(&mut self, cid: u64, px: i64, total: i64, post_only: bool) {
        let (px, total) = (PriceTick::new(px), QtyLot::new(total));
        self.exchange
            .amend(Cid::new(cid), px, total, post_only, NOW, &mut self.out);
    }

    fn levels(&self, side: Side) -> Vec<(i64, i64)> {
        let levels = self.exchange.levels(side, 100).into_iter();
        levels.map(|(px, qty)| (px.get(), qty.get())).collect()
    }

    fn take(&mut self) -> Vec<SharedEvent> {
        std::mem::take(&mut self.out)
    }
}

/// Order, price, quantity, maker of each fill.
fn fills(events: &[SharedEvent]) -> Vec<(u64, i64, i64, bool)> {
    let fill = |event: &SharedEvent| match *event {
        SharedEvent::Report(ExecReport {
            cid,
            kind: ReportKind::Filled {
                px, qty, liquidity, ..
            },
            ..
        }) => Some((
            cid.get(),
            px.get() / mmbot_types::PRICE_SCALE,
            qty.get(),
            liquidity == Liquidity::Maker,
        )),
        _ => None,
    };
    events.iter().filter_map(fill).collect()
}

/// Side of the aggressor, price, size of each print.
fn prints(events: &[SharedEvent]) -> Vec<(Side, i64, i64)> {
    let print = |event: &SharedEvent| match *event {
        SharedEvent::Print { side, px, qty, .. } => Some((side, px.get(), qty.get())),
        SharedEvent::Report(_) => None,
    };
    events.iter().filter_map(print).collect()
}

fn last_report(events: &[SharedEvent]) -> ReportKind {
    let mut reports = events.iter().filter_map(|event| match event {
        SharedEvent::Report(report) => Some(report.kind),
        SharedEvent::Print { .. } => None,
    });
    reports.next_back().unwrap()
}

use SharedTif::{FillOrKill, GoodTilCancel, ImmediateOrCancel, PostOnly};

#[test]
fn an_order_inside_the_spread_is_shown_and_found_by_another_account() {
    let mut venue = Venue::new();
    venue.place(1, Side::Sell, 101, 3, GoodTilCancel);
    assert_eq!(venue.levels(Side::Sell)[0], (101, 3));
    venue.take();
    venue.place(2, Side::Buy, 102, 5, GoodTilCancel);
    let events = venue.take();
    let expected = vec![(2, 101, 3, false), (1, 101, 3, true), (2, 102, 2, false)];
    assert_eq!(fills(&events), expected);
    assert_eq!(prints(&events), [(Side::Buy, 101, 3), (Side::Buy, 102, 2)]);
    assert_eq!(venue.levels(Side::Sell), [(102, 8), (103, 10)]);
}

#[test]
fn a_taker_meets_the_market_ahead_then_the_account_then_the_rest() {
    let mut venue = Venue::new();
    venue.place(1, Side::Sell, 102, 4, GoodTilCancel);
    venue.row(RowKind::Depth, Side::Sell, 102, 15, true);
    assert_eq!(venue.levels(Side::Sell)[0], (102, 19));
    venue.take();
    venue.place(2, Side::Buy, 102, 12, ImmediateOrCancel);
    let taken = fills(&venue.take());
    assert_eq!(
        taken,
        [(2, 102, 10, false), (2, 102, 2, false), (1, 102, 2, true)]
    );
    venue.place(3, Side::Buy, 102, 7, GoodTilCancel);
    let taken = fills(&venue.take());
    assert_eq!(
        taken,
        [(3, 102, 2, false), (1, 102, 2, true), (3, 102, 5, false)]
    );
    // all that the market shows and all of the account's is gone: the level is empty
    assert_eq!(venue.levels(Side::Sell), [(103, 10)]);
    assert_eq!(venue.levels(Side::Buy)[0], (100, 10));
}

#[test]
fn what_was_taken_comes_back_when_the_market_renews_the_level() {
    let mut venue = Venue::new();
    venue.place(1, Side::Buy, 102, 10, GoodTilCancel);
    assert_eq!(venue.levels(Side::Sell)[0].0, 103);
    venue.row(RowKind::Depth, Side::Sell, 102, 4, true);
    assert_eq!(venue.levels(Side::Sell)[0], (102, 4));
}

#[test]
fn accounts_share_one_print_in_time_order() {
    let mut venue = Venue::new();
    venue.place(1, Side::Buy, 101, 3, PostOnly);
    venue.place(2, Side::Buy, 101, 3, PostOnly);
    venue.take();
    venue.row(RowKind::Trade, Side::Sell, 101, 4, true);
    assert_eq!(fills(&venue.take()), [(1, 101, 3, true), (2, 101, 1, true)]);
}

#[test]
fn a_quote_that_reaches_an_order_is_a_trade_of_its_own() {
    let mut venue = Venue::new();
    venue.place(1, Side::Buy, 101, 3, PostOnly);
    venue.take();
    venue.row(RowKind::Depth, Side::Sell, 101, 2, true);
    let events = venue.take();
    assert_eq!(prints(&events), [(Side::Sell, 101, 2)]);
    assert_eq!(fills(&events), [(1, 101, 2, true)]);
    assert_eq!(venue.levels(Side::Buy)[0], (101, 1));
    assert_eq!(venue.levels(Side::Sell)[0], (102, 10));
}

#[test]
fn post_only_is_refused_against_accounts_as_against_the_market() {
    let mut venue = Venue::new();
    let refused = ReportKind::Rejected(RejectReason::PostOnlyWouldCross);
    venue.place(1, Side::Buy, 102, 1, PostOnly);
    assert_eq!(last_report(&venue.take()), refused);
    venue.place(2, Side::Sell, 101, 1, PostOnly);
    venue.take();
    venue.place(3, Side::Buy, 101, 1, PostOnly);
    assert_eq!(last_report(&venue.take()), refused);
}

#[test]
fn fill_or_kill_trades_whole_or_not_at_all() {
    let mut venue = Venue::new();
    venue.place(1, Side::Buy, 102, 11, FillOrKill);
    let events = venue.take();
    assert!(fills(&events).is_empty());
    assert_eq!(last_report(&events), ReportKind::Cancelled);
    venue.place(2, Side::Buy, 103, 11, FillOrKill);
    assert_eq!(
        fills(&venue.take()),
        [(2, 102, 10, false), (2, 103, 1, false)]
    );
}

#[test]
fn an_amended_order_that_crosses_trades_unless_it_is_post_only() {
    let mut venue = Venue::new();
    venue.place(1, Side::Buy, 101, 5, GoodTilCancel);
    venue.take();
    venue.amend(1, 102, 12, false);
    let events = venue.take();
    assert_eq!(fills(&events), [(1, 102, 10, false)]);
    assert_eq!(venue.levels(Side::Buy)[0], (102, 2));
    venue.amend(1, 103, 12, true);
    assert_eq!(last_report(&venue.take()), ReportKind::Cancelled);
    assert_eq!(venue.levels(Side::Buy)[0], (100, 10));
}

#[test]
fn less_quantity_keeps_the_place_and_more_loses_it() {
    let mut venue = Venue::new();
    for cid in [1, 2] {
        venue.place(cid, Side::Buy, 101, 4, PostOnly);
    }
    venue.amend(1, 101, 3, true);
    venue.take();
    venue.row(RowKind::Trade, Side::Sell, 101, 1, true);
    assert_eq!(fills(&venue.take()), [(1, 101, 1, true)]);
    venue.amend(1, 101, 9, true);
    venue.take();
    venue.row(RowKind::Trade, Side::Sell, 101, 1, true);
    assert_eq!(fills(&venue.take()), [(2, 101, 1, true)]);
}

#[test]
fn nothing_is_accepted_without_a_book() {
    let mut venue = Venue::new();
    venue.row(RowKind::Gap, Side::Buy, 0, 0, true);
    venue.place(1, Side::Buy, 90, 1, GoodTilCancel);
    let refused = ReportKind::Rejected(RejectReason::MarketUnavailable);
    assert_eq!(last_report(&venue.take()), refused);
    assert!(!venue.exchange.is_live());
}

#[test]
fn frictions_that_no_tape_can_show_are_refused() {
    let config = SimConfig {
        toxic_sweep_prob: 0.1,
        ..SimConfig::default()
    };
    assert_eq!(
        SharedExchange::new(&config).unwrap_err().key,
        "toxic_sweep_prob"
    );
}

#[derive(Debug, Clone)]
enum Step {
    Depth(bool, i64, i64),
    Print(bool, i64, i64),
    Place(bool, i64, i64, usize),
    Amend(u64, i64, i64, bool),
    Cancel(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let depth = (any::<bool>(), 0i64..4, 0i64..12).prop_map(|(b, p, q)| Step::Depth(b, p, q));
    let print = (any::<bool>(), 96i64..106, 1i64..12).prop_map(|(b, p, q)| Step::Print(b, p, q));
    let place = (any::<bool>(), 96i64..106, 1i64..20, 0usize..4)
        .prop_map(|(b, p, q, t)| Step::Place(b, p, q, t));
    let amend = (1u64..30, 96i64..106, 1i64..25, any::<bool>())
        .prop_map(|(c, p, q, o)| Step::Amend(c, p, q, o));
    prop_oneof![
        2 => depth,
        2 => print,
        4 => place,
        1 => amend,
        1 => (1u64..30).prop_map(Step::Cancel),
    ]
}

fn side(is_buy: bool) -> Side {
    if is_buy { Side::Buy } else { Side::Sell }
}

fn run(venue: &mut Venue, step: &Step, next: &mut u64) {
    match *step {
        // bids at 97 to 100, asks at 101 to 104: the market alone never crosses
        Step::Depth(is_buy, at, qty) => {
            let px = if is_buy { 97 + at } else { 101 + at };
            venue.row(RowKind::Depth, side(is_buy), px, qty, true);
        }
        Step::Print(is_buy, px, qty) => venue.row(RowKind::Trade, side(is_buy), px, qty, true),
        Step::Place(is_buy, px, qty, tif) => {
            let tif = [GoodTilCancel, PostOnly, ImmediateOrCancel, FillOrKill][tif];
            venue.place(*next, side(is_buy), px, qty, tif);
            *next += 1;
        }
        Step::Amend(cid, px, total, post_only) => venue.amend(cid, px, total, post_only),
        Step::Cancel(cid) => {
            let out = &mut venue.out;
            venue.exchange.cancel(Cid::new(cid), NOW, out);
        }
    }
}

proptest! {
    #[test]
    fn the_published_book_is_never_crossed_and_fills_add_up(
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut venue = Venue::new();
        let (mut next, mut position) = (1, 0);
        let mut sides: BTreeMap<u64, i64> = BTreeMap::new();
        let mut filled: BTreeMap<u64, i64> = BTreeMap::new();
        for step in &steps {
            if let Step::Place(is_buy, ..) = step {
                sides.insert(next, side(*is_buy).sign());
            }
            run(&mut venue, step, &mut next);
            let events = venue.take();
            for (at, event) in events.iter().enumerate() {
                let SharedEvent::Report(report) = event else { continue };
                let ReportKind::Filled { qty, cum_qty, px, liquidity, .. } = report.kind else {
                    continue;
                };
                let cid = report.cid.get();
                let cum = filled.entry(cid).or_default();
                *cum += qty.get();
                prop_assert_eq!(*cum, cum_qty.get(), "fills of an order add up");
                position += sides[&cid] * qty.get();
                // every taker's fill is preceded by a print of it
                if liquidity == Liquidity::Taker {
                    let print = &events[at - 1];
                    let told = matches!(*print, SharedEvent::Print { qty: size, px: at_px, .. }
                        if size == qty && at_px.to_exec() == px);
                    prop_assert!(told, "{:?}", print);
                }
            }
            prop_assert_eq!(venue.exchange.position().get(), position);
            let (bids, asks) = (venue.levels(Side::Buy), venue.levels(Side::Sell));
            prop_assert!(bids.windows(2).all(|w| w[0].0 > w[1].0), "{:?}", bids);
            prop_assert!(asks.windows(2).all(|w| w[0].0 < w[1].0), "{:?}", asks);
            prop_assert!(bids.iter().chain(&asks).all(|level| level.1 > 0));
            if let (Some(bid), Some(ask)) = (bids.first(), asks.first()) {
                prop_assert!(bid.0 < ask.0, "{:?} {:?} after {:?}", bid, ask, step);
            }
        }
    }
}
