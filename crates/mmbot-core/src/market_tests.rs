//! What synchronisation points see of a market.

use crate::market::{Market, MarketActivity};
use mmbot_types::{Instrument, Params, PriceTick, QtyLot, Side, TsNs};

fn at(ms: i64) -> TsNs {
    TsNs::ZERO.plus_ms(ms)
}

fn market() -> Market {
    let instrument = Instrument::new("X", "0.5", "0.1", "0.1", 0.0, 2.0).unwrap();
    Market::new(instrument, Params::default().signals, 1_000)
}

fn quote(market: &mut Market, bid: i64, ask: i64, (sent_ms, received_ms): (i64, i64)) {
    market.reset();
    market.depth(Side::Buy, PriceTick::new(bid), QtyLot::new(30));
    market.depth(Side::Sell, PriceTick::new(ask), QtyLot::new(20));
    market.end_packet(at(sent_ms), at(received_ms));
}

/// spec: 01-8.2
#[test]
fn spread_depth_volume_and_lag_are_there_when_asked_for() {
    let mut market = market();
    let unknown = MarketActivity::default();
    assert_eq!(market.activity(at(1_000)), unknown);
    quote(&mut market, 9_999, 10_001, (1_000, 1_040));
    quote(&mut market, 9_999, 10_001, (1_050, 1_052));
    market.trade(Side::Buy, PriceTick::new(10_001), QtyLot::new(4), at(1_060));
    let seen = market.activity(at(1_100));
    // a tick times a lot is 0.5 * 0.1 * 2 USD
    assert!((seen.spread_bps.unwrap() - 2.0).abs() < 1e-9);
    assert!((seen.liquidity_depth_usd.unwrap() - 10_001.0 * 20.0 * 0.1).abs() < 1e-6);
    assert!((seen.volume_usd - 4_000.4).abs() < 1e-9);
    assert_eq!(seen.ws_lag_ms, Some(40.0));

    market.gap();
    let later = market.activity(at(2_100));
    assert_eq!((later.spread_bps, later.ws_lag_ms), (None, None));
    assert_eq!(
        later.liquidity_depth_usd, seen.liquidity_depth_usd,
        "the last value stays"
    );
    assert_eq!(market.activity(at(3_700_000)).volume_usd, 0.0);
}

/// spec: 01-8.4
#[test]
fn the_mid_after_some_changes_is_known_by_venue_time() {
    let mut market = market();
    for (ms, bid) in [(10, 100), (20, 104), (30, 102), (40, 108)] {
        quote(&mut market, bid, bid + 2, (ms, ms + 5));
    }
    let mid = |ms, n| {
        market
            .mid_after_changes(at(ms), n)
            .map(|mid| mid.ticks_f64())
    };
    assert_eq!(mid(10, 1), Some(105.0));
    assert_eq!(mid(15, 3), Some(109.0));
    assert_eq!(mid(20, 3), None);
    assert_eq!(mid(0, 1), Some(105.0), "the first mid is no change");
}
