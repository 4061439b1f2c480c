//! Rules of the simulated exchange, one sentence a test. The first three are defects found in
//! peers.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use mmbot_sim::{Account, Exchange, Reports, SimConfig};
use mmbot_types::{
    Action, Cid, ExecPrice, FeeRate, Liquidity, Money, NewOrder, PriceTick, QtyLot, RejectReason,
    ReportKind, Side, TimeInForce, TsNs,
};

struct Venue {
    exchange: Exchange,
    out: Reports,
    now: i64,
}

impl Venue {
    fn new(config: SimConfig) -> Self {
        let mut venue = Self {
            exchange: Exchange::new(&[config]).unwrap(),
            out: Vec::new(),
            now: 1,
        };
        venue.exchange.reset();
        for (side, px, qty) in [
            (Side::Buy, 100, 10),
            (Side::Buy, 99, 10),
            (Side::Sell, 102, 10),
            (Side::Sell, 103, 10),
        ] {
            venue.depth(side, px, qty);
        }
        venue.packet();
        venue
    }

    fn depth(&mut self, side: Side, px: i64, qty: i64) {
        let (px, qty, now) = (PriceTick::new(px), QtyLot::new(qty), TsNs::new(self.now));
        self.exchange.depth(side, px, qty, now, &mut self.out);
    }

    fn packet(&mut self) {
        self.exchange.end_packet(TsNs::new(self.now), &mut self.out);
    }

    fn print(&mut self, side: Side, px: i64, qty: i64) {
        let (px, qty, now) = (PriceTick::new(px), QtyLot::new(qty), TsNs::new(self.now));
        self.exchange.trade(side, px, qty, now, &mut self.out);
    }

    fn place(&mut self, cid: u64, side: Side, px: i64, qty: i64, tif: TimeInForce) {
        let order = NewOrder {
            cid: Cid::new(cid),
            side,
            px: PriceTick::new(px),
            qty: QtyLot::new(qty),
            tif,
        };
        self.request(Action::Place(order));
    }

    fn request(&mut self, action: Action) {
        self.exchange
            .request(0, &action, TsNs::new(self.now), &mut self.out);
    }

    fn position(&self) -> i64 {
        self.exchange.account(0).position.get()
    }

    fn kinds(&mut self) -> Vec<ReportKind> {
        std::mem::take(&mut self.out)
            .into_iter()
            .map(|(_, report)| report.kind)
            .collect()
    }
}

const POST: TimeInForce = TimeInForce::PostOnly;

#[test]
fn an_order_of_5_filled_in_five_pieces_ends_with_position_5() {
    let mut venue = Venue::new(SimConfig::default());
    venue.place(1, Side::Buy, 101, 5, POST);
    for piece in 1..=5 {
        venue.print(Side::Sell, 101, 1);
        assert_eq!(venue.position(), piece);
    }
    assert_eq!(venue.exchange.open_orders(0), 0);
    let cums: Vec<i64> = venue
        .kinds()
        .iter()
        .filter_map(|kind| match kind {
            ReportKind::Filled { cum_qty, .. } => Some(cum_qty.get()),
            _ => None,
        })
        .collect();
    assert_eq!(cums, [1, 2, 3, 4, 5]);
}

#[test]
fn lots_that_a_lane_is_given_are_paid_for_without_a_fee_and_can_be_taken_again() {
    let mut venue = Venue::new(SimConfig::default());
    let px = ExecPrice::new(1_015_000);
    venue.exchange.endow(0, QtyLot::new(4), px);
    let given = venue.exchange.account(0);
    assert_eq!(given.position.get(), 4);
    assert_eq!(given.cash.get(), -4 * 1_015_000);
    assert_eq!(given.fees.get(), 0);
    venue.exchange.endow(0, QtyLot::new(-4), px);
    assert_eq!(venue.exchange.account(0), Account::default());
}

#[test]
fn a_trade_of_3_fills_at_most_3_over_eight_resting_orders_of_1() {
    let mut venue = Venue::new(SimConfig::default());
    for cid in 1..=8 {
        venue.place(cid, Side::Buy, 101, 1, POST);
    }
    venue.print(Side::Sell, 101, 3);
    assert_eq!(venue.position(), 3);
    venue.print(Side::Sell, 100, 3);
    assert_eq!(venue.position(), 6);
    venue.depth(Side::Sell, 101, 1);
    assert_eq!(venue.position(), 7);
}

#[test]
fn best_price_fills_first_then_the_order_accepted_first() {
    let mut venue = Venue::new(SimConfig::default());
    venue.place(1, Side::Sell, 103, 1, POST);
    venue.place(2, Side::Sell, 102, 1, POST);
    venue.place(3, Side::Sell, 102, 1, POST);
    venue.out.clear();
    venue.print(Side::Buy, 104, 2);
    let cids: Vec<u64> = venue
        .out
        .iter()
        .map(|(_, report)| report.cid.get())
        .collect();
    assert_eq!(cids, [2, 3]);
}

#[test]
fn a_displayed_quote_fills_at_most_once_until_it_changes() {
    let mut venue = Venue::new(SimConfig::default());
    venue.place(1, Side::Buy, 102, 4, TimeInForce::ImmediateOrCancel);
    venue.place(2, Side::Buy, 102, 20, TimeInForce::ImmediateOrCancel);
    assert_eq!(venue.position(), 10);
    venue.depth(Side::Sell, 102, 3);
    venue.place(3, Side::Buy, 102, 20, TimeInForce::ImmediateOrCancel);
    assert_eq!(venue.position(), 13);
    assert_eq!(venue.exchange.open_orders(0), 0);
}

#[test]
fn a_marketable_order_takes_level_by_level_and_the_rest_rests() {
    let mut venue = Venue::new(SimConfig::default());
    venue.place(1, Side::Buy, 103, 25, TimeInForce::GoodTilCancel);
    assert_eq!(venue.position(), 20);
    assert_eq!(venue.exchange.open_orders(0), 1);
    let takers = venue
        .kinds()
        .iter()
        .filter(|k| {
            matches!(
                k,
                ReportKind::Filled {
                    liquidity: Liquidity::Taker,
                    ..
                }
            )
        })
        .count();
    assert_eq!(takers, 2);
}

#[test]
fn a_post_only_order_that_would_cross_is_rejected() {
    let mut venue = Venue::new(SimConfig::default());
    venue.place(1, Side::Buy, 102, 1, POST);
    assert_eq!(
        venue.kinds(),
        [ReportKind::Rejected(RejectReason::PostOnlyWouldCross)]
    );
    venue.place(2, Side::Buy, 101, 1, POST);
    venue.out.clear();
    let (cid, px, total_qty) = (Cid::new(2), PriceTick::new(102), QtyLot::new(1));
    venue.request(Action::Amend { cid, px, total_qty });
    assert_eq!(
        venue.kinds(),
        [ReportKind::AmendRejected(RejectReason::PostOnlyWouldCross)]
    );
    assert_eq!(venue.exchange.open_orders(0), 1);
}

#[test]
fn an_amend_that_only_shrinks_keeps_its_place_and_any_other_rejoins_at_the_back() {
    let mut venue = Venue::new(SimConfig::default());
    venue.place(1, Side::Buy, 100, 5, POST);
    venue.print(Side::Sell, 100, 4);
    venue.depth(Side::Buy, 100, 6);
    let ahead = |venue: &Venue| venue.exchange.queue_ahead(0, Cid::new(1)).unwrap();
    assert_eq!(ahead(&venue), 6.0);
    venue.depth(Side::Buy, 100, 9);
    let cid = Cid::new(1);
    let amend = |px, qty| Action::Amend {
        cid,
        px: PriceTick::new(px),
        total_qty: QtyLot::new(qty),
    };
    venue.request(amend(100, 3));
    assert_eq!(ahead(&venue), 6.0);
    venue.request(amend(100, 4));
    assert_eq!(ahead(&venue), 9.0);
    venue.request(amend(99, 4));
    assert_eq!(ahead(&venue), 10.0);
}

#[test]
fn what_fills_while_an_amend_travels_counts_against_it() {
    let mut venue = Venue::new(SimConfig::default());
    venue.place(1, Side::Buy, 101, 5, POST);
    venue.print(Side::Sell, 101, 3);
    let (cid, px) = (Cid::new(1), PriceTick::new(101));
    venue.request(Action::Amend {
        cid,
        px,
        total_qty: QtyLot::new(4),
    });
    venue.print(Side::Sell, 101, 9);
    assert_eq!(venue.position(), 4);
    venue.out.clear();
    venue.request(Action::Amend {
        cid,
        px,
        total_qty: QtyLot::new(9),
    });
    venue.request(Action::Cancel { cid });
    assert_eq!(
        venue.kinds(),
        [
            ReportKind::AmendRejected(RejectReason::UnknownOrder),
            ReportKind::CancelRejected(RejectReason::UnknownOrder),
        ]
    );
}

#[test]
fn after_a_gap_nothing_fills_and_nothing_is_accepted_until_a_snapshot_is_complete() {
    let mut venue = Venue::new(SimConfig::default());
    venue.place(1, Side::Buy, 101, 5, POST);
    venue.exchange.gap();
    venue.out.clear();
    venue.print(Side::Sell, 99, 50);
    venue.depth(Side::Sell, 101, 50);
    venue.place(2, Side::Buy, 95, 1, POST);
    assert_eq!(
        venue.kinds(),
        [ReportKind::Rejected(RejectReason::MarketUnavailable)]
    );
    venue.exchange.reset();
    venue.depth(Side::Buy, 101, 7);
    venue.print(Side::Sell, 99, 50);
    assert_eq!(venue.position(), 0);
    venue.depth(Side::Sell, 105, 7);
    venue.packet();
    assert_eq!(venue.exchange.queue_ahead(0, Cid::new(1)), Some(7.0));
    venue.exchange.gap();
    venue.request(Action::Cancel { cid: Cid::new(1) });
    assert_eq!(
        venue.exchange.open_orders(0),
        0,
        "cancels pass even without data"
    );
}

#[test]
fn a_snapshot_that_shows_the_other_side_at_our_price_fills_us_once_complete() {
    let mut venue = Venue::new(SimConfig::default());
    venue.place(1, Side::Buy, 101, 5, POST);
    venue.exchange.gap();
    venue.exchange.reset();
    venue.depth(Side::Sell, 100, 3);
    venue.depth(Side::Buy, 99, 3);
    assert_eq!(venue.position(), 0);
    venue.packet();
    assert_eq!(venue.position(), 3);
}

#[test]
fn fees_rebates_and_slippage_are_booked_exactly() {
    let config = SimConfig {
        maker_fee: FeeRate::from_bps(-0.5).unwrap(),
        taker_fee: FeeRate::from_bps(4.0).unwrap(),
        extra_slippage_bps: 10.0,
        ..SimConfig::default()
    };
    let mut venue = Venue::new(config);
    venue.place(1, Side::Buy, 101, 2, POST);
    venue.print(Side::Sell, 101, 2);
    let account = venue.exchange.account(0);
    // 101 ticks and 10 bps against us, on the grid of 1/10,000 tick
    let paid = i128::from(1_010_000 + 1_010) * 2;
    assert_eq!(account.cash, Money::new(-paid));
    assert_eq!(
        account.fees,
        FeeRate::from_bps(-0.5).unwrap().fee_on(Money::new(paid))
    );
    assert!(account.fees < Money::ZERO);
}

#[test]
fn a_toxic_sweep_takes_the_whole_order_as_taker() {
    let mut venue = Venue::new(SimConfig {
        toxic_sweep_prob: 1.0,
        ..SimConfig::default()
    });
    venue.place(1, Side::Buy, 101, 5, POST);
    venue.print(Side::Sell, 101, 1);
    assert_eq!((venue.position(), venue.exchange.toxic_sweeps(0)), (5, 1));
}

#[test]
fn without_partial_fills_an_order_that_is_reached_fills_whole() {
    let config = SimConfig {
        partial_fills: false,
        ..SimConfig::default()
    };
    let mut venue = Venue::new(config);
    venue.place(1, Side::Buy, 100, 5, POST);
    venue.print(Side::Sell, 100, 10);
    assert_eq!(venue.position(), 0, "the queue ahead took it all");
    venue.print(Side::Sell, 100, 1);
    assert_eq!(venue.position(), 5);
}

#[test]
fn rejects_and_rate_limits_answer_the_request() {
    let mut venue = Venue::new(SimConfig {
        reject_prob: 1.0,
        ..SimConfig::default()
    });
    venue.place(1, Side::Buy, 101, 1, POST);
    assert_eq!(
        venue.kinds(),
        [ReportKind::Rejected(RejectReason::Injected)]
    );
    let mut venue = Venue::new(SimConfig {
        max_requests_per_sec: 1,
        ..SimConfig::default()
    });
    venue.place(1, Side::Buy, 101, 1, POST);
    venue.place(2, Side::Buy, 101, 1, POST);
    venue.now += 1_000_000_000;
    venue.place(3, Side::Buy, 101, 1, POST);
    assert_eq!(
        venue.kinds(),
        [
            ReportKind::Accepted,
            ReportKind::Rejected(RejectReason::RateLimit),
            ReportKind::Accepted,
        ]
    );
}

#[test]
fn a_bad_or_repeated_order_is_refused_by_the_filter() {
    let mut venue = Venue::new(SimConfig::default());
    venue.place(1, Side::Buy, 101, 0, POST);
    venue.place(2, Side::Buy, -1, 1, POST);
    venue.place(3, Side::Buy, 101, 1, POST);
    venue.place(3, Side::Buy, 101, 1, POST);
    let filter = ReportKind::Rejected(RejectReason::Filter);
    assert_eq!(
        venue.kinds(),
        [filter, filter, ReportKind::Accepted, filter]
    );
}

#[test]
fn prices_4096_ticks_apart_do_not_mix() {
    let mut venue = Venue::new(SimConfig::default());
    venue.place(1, Side::Sell, 110, 1, POST);
    venue.place(2, Side::Sell, 110 + 4096, 1, POST);
    venue.print(Side::Buy, 111, 5);
    assert_eq!(venue.position(), -1);
    venue.print(Side::Buy, 110 + 4097, 5);
    assert_eq!(venue.position(), -2);
}
