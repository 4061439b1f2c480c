//! Components on numbers worked out by hand, records, markouts.

use super::*;
use crate::market::Market;
use crate::telemetry::Telemetry;
use mmbot_types::{Cid, ExecPrice, Instrument, PRICE_SCALE, Params, PriceTick, QtyLot, Side, TsNs};

fn at(ms: i64) -> TsNs {
    TsNs::ZERO.plus_ms(1_000_000 + ms)
}

fn market() -> Market {
    let i = Instrument::new("X", "0.1", "0.001", "0.001", 5.0, 1.0).unwrap();
    let mut market = Market::new(i, Params::default().signals, 1000);
    market.keep_long_history();
    market
}

fn book(market: &mut Market, bid: i64, ask: i64, ms: i64) {
    market.reset();
    market.depth(Side::Buy, PriceTick::new(bid), QtyLot::new(1));
    market.depth(Side::Sell, PriceTick::new(ask), QtyLot::new(1));
    market.end_packet(at(ms), at(ms));
}

fn exec(ticks: i64) -> ExecPrice {
    ExecPrice::new(ticks * PRICE_SCALE)
}

fn buy(ms: i64) -> Fill {
    Fill {
        ts: at(ms),
        side: Side::Buy,
        qty: QtyLot::new(3),
        px: exec(998),
        decision_mid: exec(1000),
        reference: exec(998),
        taken: false,
    }
}

fn record(fill: &Fill) -> FillRecord {
    FillRecord {
        ts_exch: fill.ts,
        ts_local: fill.ts,
        cid: Cid::new(1),
        side: fill.side,
        px: fill.px,
        qty: fill.qty,
        fee: Money::ZERO,
        maker: true,
        decision_mid: MidTick::new(2000),
        reference_px: PriceTick::new(998),
        mid_before: None,
        mid_after: None,
        queue_wait_ns: 0,
        order_age_ns: 0,
        level: 0,
    }
}

fn ticks(money: Money) -> f64 {
    money.get() as f64 / PRICE_SCALE as f64
}

#[test]
fn the_components_are_those_of_the_definition() {
    let (mut market, mut t) = (market(), Telemetry::default());
    let mut edge = EdgeBook::new(1000);
    book(&mut market, 999, 1001, 0);
    book(&mut market, 998, 1000, 100);
    let fill = buy(200);
    edge.on_fill(fill, || record(&fill));
    // a move at the very time of the fill is no part of the mid before it
    book(&mut market, 996, 998, 200);
    edge.resolve(&market, &mut t);
    book(&mut market, 995, 997, 1200);
    book(&mut market, 990, 992, 1201);
    edge.resolve(&market, &mut t);
    let totals = edge.totals(&market, Money::new(7), Money::ZERO);
    assert_eq!(ticks(totals.gross), 6.0, "3 x (1000 - 998)");
    assert_eq!(ticks(totals.slippage), 3.0, "3 x (1000 - 999)");
    assert_eq!(ticks(totals.adverse), 9.0, "3 x (999 - 996)");
    assert_eq!(ticks(totals.inventory), 15.0, "3 x (996 - 991)");
    assert_eq!(
        ticks(totals.net),
        6.0 - 3.0 - 9.0 - 15.0 - 7.0 / PRICE_SCALE as f64
    );
    // 1 tick of 998 and 3 of 998, in 1e-4 bps
    assert_eq!(t.slippage_bps_e4.percentile(500), Some(100_200));
    assert_eq!(t.adverse_bps_e4.percentile(500), Some(300_601));
}

#[test]
fn fills_that_wait_count_with_the_last_known_mid() {
    let (mut market, mut t) = (market(), Telemetry::default());
    let mut edge = EdgeBook::new(1000);
    book(&mut market, 999, 1001, 0);
    let fill = buy(100);
    edge.on_fill(fill, || record(&fill));
    book(&mut market, 997, 999, 300);
    let open = edge.totals(&market, Money::ZERO, Money::ZERO);
    assert_eq!((ticks(open.adverse), ticks(open.inventory)), (6.0, 0.0));
    edge.resolve_all(&market, &mut t);
    assert_eq!(edge.totals(&market, Money::ZERO, Money::ZERO), open);
}

#[test]
fn a_record_is_handed_out_once_and_only_when_complete() {
    let (mut market, mut t) = (market(), Telemetry::default());
    let mut edge = EdgeBook::new(1000);
    edge.enable_log();
    book(&mut market, 999, 1001, 0);
    for ms in [100, 150] {
        let fill = buy(ms);
        edge.on_fill(fill, || record(&fill));
    }
    book(&mut market, 997, 999, 1120);
    edge.resolve(&market, &mut t);
    let first = edge.take_fills();
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].mid_before, Some(MidTick::new(2000)));
    assert_eq!(
        first[0].mid_after,
        Some(MidTick::new(2000)),
        "1,100 ms is before the move"
    );
    assert!(edge.take_fills().is_empty());
    edge.resolve_all(&market, &mut t);
    let rest = edge.take_fills();
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0].mid_after, Some(MidTick::new(1996)));
}

/// spec: 02-15
#[test]
fn markouts_follow_a_fill_and_skip_what_is_not_known() {
    let (mut market, mut t) = (market(), Telemetry::default());
    let mut edge = EdgeBook::new(1000);
    edge.enable_log();
    book(&mut market, 999, 1001, 0);
    let fill = buy(100);
    edge.on_fill(fill, || record(&fill));
    book(&mut market, 989, 991, 250);
    book(&mut market, 999, 1001, 500);
    // silence from 500 to 4,000: no valid mid at 1,100 + ... only up to 1,500
    book(&mut market, 999, 1001, 4_000);
    book(&mut market, 1009, 1011, 5_050);
    edge.resolve(&market, &mut t);
    book(&mut market, 1009, 1011, 6_000);
    edge.resolve(&market, &mut t);
    let sums = *edge.markouts().unwrap().sums();
    let at_ms = |ms| sums[MARKOUT_MS.iter().position(|x| *x == ms).unwrap()];
    assert_eq!(
        at_ms(200).sum_bps_e4,
        -801_603,
        "(990 - 998) / 998, truncated"
    );
    assert_eq!(
        (at_ms(200).count, at_ms(200).down, at_ms(200).up),
        (1, 1, 0)
    );
    assert_eq!(at_ms(500).sum_bps_e4, 200_400);
    assert_eq!(at_ms(1_000).count, 1);
    assert_eq!(at_ms(5_000).sum_bps_e4, 1_202_404);
    assert_eq!(
        at_ms(10_000).count + at_ms(10_000).skipped,
        0,
        "not passed yet"
    );
    edge.resolve_all(&market, &mut t);
    let sums = *edge.markouts().unwrap().sums();
    assert_eq!(sums[4].skipped, 1, "beyond the end of the data");
    assert!((sums[1].avg_bps() - 20.04).abs() < 1e-9);
}

/// spec: 02-15
#[test]
fn a_markout_in_a_silence_is_skipped() {
    let (mut market, mut t) = (market(), Telemetry::default());
    let mut edge = EdgeBook::new(1000);
    edge.enable_log();
    book(&mut market, 999, 1001, 0);
    let fill = buy(100);
    edge.on_fill(fill, || record(&fill));
    book(&mut market, 999, 1001, 9_000);
    edge.resolve(&market, &mut t);
    let sums = edge.markouts().unwrap().sums();
    assert_eq!((sums[0].count, sums[1].count), (1, 1));
    assert_eq!((sums[2].skipped, sums[3].skipped), (1, 1));
}

/// spec: 02-15, 02-D15
#[test]
fn a_markout_is_signed_by_side() {
    let sums_of = |side: Side| {
        let (mut market, mut t) = (market(), Telemetry::default());
        let mut edge = EdgeBook::new(1000);
        edge.enable_log();
        book(&mut market, 999, 1001, 0);
        let fill = Fill {
            side,
            px: exec(1000),
            ..buy(100)
        };
        edge.on_fill(fill, || record(&fill));
        book(&mut market, 1009, 1011, 200);
        book(&mut market, 1009, 1011, 400);
        edge.resolve(&market, &mut t);
        edge.markouts().unwrap().sums()[0]
    };
    let (bought, sold) = (sums_of(Side::Buy), sums_of(Side::Sell));
    // 10 of 1000 in 1e-4 bps
    assert_eq!(
        (bought.sum_bps_e4, sold.sum_bps_e4),
        (1_000_000, -1_000_000)
    );
    assert_eq!((bought.up, bought.down), (1, 0));
    assert_eq!((sold.up, sold.down), (0, 1));
}
