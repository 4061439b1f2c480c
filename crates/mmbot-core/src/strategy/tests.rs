//! The quoter's formulas on numbers worked out by hand, and its symmetries.

use super::built_in::{self, QuoterInput};
use super::targets::Targets;
use crate::market::{Market, MarketView};
use mmbot_types::{Instrument, Params, PriceTick, QtyLot, Side, TsNs};
use proptest::prelude::*;

fn targets(p: &Params, seen: &MarketView, i: &Instrument, input: &QuoterInput) -> Targets {
    built_in::targets(p, seen, i, input, &mut ())
}

fn instrument(tick: &str) -> Instrument {
    Instrument::new("BTCUSDT", tick, "0.001", "0.001", 5.0, 1.0).unwrap()
}

fn view_of(instrument: &Instrument, levels: &[(Side, i64, i64)]) -> MarketView {
    let mut market = Market::new(instrument.clone(), Params::default().signals, 1000);
    market.reset();
    for &(side, px, qty) in levels {
        market.depth(side, PriceTick::new(px), QtyLot::new(qty));
    }
    let now = TsNs::new(1_000_000_000);
    market.end_packet(now, now);
    market.view(now)
}

fn view(bid: i64, ask: i64) -> MarketView {
    view_of(
        &instrument("0.1"),
        &[(Side::Buy, bid, 5), (Side::Sell, ask, 5)],
    )
}

fn input(position_usd: f64, target_usd: f64) -> QuoterInput {
    QuoterInput {
        position_usd,
        side_usd: [target_usd; 2],
        slippage_ewma_bps: 0.0,
        spread_mult: 1.0,
        levels_max: 10,
    }
}

fn prices(targets: &Targets, side: Side) -> Vec<i64> {
    targets
        .of(side)
        .as_slice()
        .iter()
        .map(|t| t.px.get())
        .collect()
}

fn params() -> Params {
    let mut params = Params::default();
    params.quote.base_spread_bps = 4.0;
    params
}

/// spec: 02-2, 02-D2
#[test]
fn levels_stand_at_half_the_spread_and_outward() {
    // mid 100,000 ticks (10,000 USD); spread 4 bps; offsets 2, 3.6, 5.2 bps = 20, 36, 52 ticks
    let got = targets(
        &params(),
        &view(99_999, 100_001),
        &instrument("0.1"),
        &input(0.0, 9_000.0),
    );
    assert_eq!(prices(&got, Side::Buy), [99_980, 99_964, 99_948]);
    assert_eq!(prices(&got, Side::Sell), [100_020, 100_036, 100_052]);
    // 3,000 USD a level at 9,998 USD are 0.30006 units
    assert_eq!(got.of(Side::Buy).as_slice()[0].qty, QtyLot::new(300));
    assert_eq!(got.of(Side::Sell).as_slice()[2].qty, QtyLot::new(299));
}

/// spec: 02-2, 02-D3
#[test]
fn a_long_position_moves_both_quotes_down_by_a_capped_share_of_the_spread() {
    let mut p = params();
    p.quote.skew_coeff = 0.2;
    // half the limit: 0.2 * 0.5 * 4 bps = 0.4 bps = 4 ticks
    let half = targets(
        &p,
        &view(99_999, 100_001),
        &instrument("0.1"),
        &input(5_000.0, 9_000.0),
    );
    assert_eq!(prices(&half, Side::Buy)[0], 99_976);
    assert_eq!(prices(&half, Side::Sell)[0], 100_016);
    p.quote.skew_coeff = 1.0;
    // the cap of 0.3 spreads is 12 ticks
    let full = targets(
        &p,
        &view(99_999, 100_001),
        &instrument("0.1"),
        &input(99_000.0, 9_000.0),
    );
    assert_eq!(prices(&full, Side::Buy)[0], 99_968);
    p.quote.enable_inventory_skew = false;
    let off = targets(
        &p,
        &view(99_999, 100_001),
        &instrument("0.1"),
        &input(99_000.0, 9_000.0),
    );
    assert_eq!(prices(&off, Side::Buy)[0], 99_980);
}

/// spec: 02-2, 02-D2
#[test]
fn volatility_and_expected_slippage_widen_the_spread() {
    let mut p = params();
    p.quote.slippage_penalty_coef = 0.5;
    let mut seen = view(99_999, 100_001);
    seen.vola_1m_bps = Some(6.0);
    let wide = QuoterInput {
        slippage_ewma_bps: 4.0,
        ..input(0.0, 9_000.0)
    };
    // 4 + 6 + 2 = 12 bps: half is 60 ticks
    let got = targets(&p, &seen, &instrument("0.1"), &wide);
    assert_eq!(prices(&got, Side::Buy)[0], 99_940);
    p.quote.enable_dynamic_spread = false;
    let got = targets(&p, &seen, &instrument("0.1"), &wide);
    assert_eq!(prices(&got, Side::Buy)[0], 99_970);
}

/// spec: 02-2
#[test]
fn the_fewest_levels_that_anybody_allows_are_quoted() {
    for (configured, of_target, active, expected) in [
        (3, 10, 10, 3),
        (10, 4, 10, 4),
        (10, 10, 2, 2),
        (10, 1, 9, 1),
        (5, 0, 9, 0),
    ] {
        let mut p = params();
        p.quote.levels_per_side = configured;
        p.risk.max_active_per_side = active;
        let mut wanted = input(0.0, 90_000.0);
        wanted.levels_max = of_target;
        let got = targets(&p, &view(99_999, 100_001), &instrument("0.1"), &wanted);
        for side in Side::BOTH {
            assert_eq!(
                prices(&got, side).len(),
                expected,
                "{configured} {of_target} {active}"
            );
        }
    }
}

/// spec: 02-2, 02-3
#[test]
fn the_mux_multiplies_the_whole_spread_and_the_skew_with_it() {
    let mut p = params();
    p.quote.skew_coeff = 0.2;
    let mut wide = input(5_000.0, 9_000.0);
    wide.spread_mult = 2.0;
    // 8 bps: half is 40 ticks; skew 0.2 * 0.5 * 8 = 0.8 bps = 8 ticks
    let got = targets(&p, &view(99_999, 100_001), &instrument("0.1"), &wide);
    assert_eq!(prices(&got, Side::Buy)[0], 99_952);
    assert_eq!(prices(&got, Side::Sell)[0], 100_032);
}

/// spec: 02-2
#[test]
fn without_a_position_limit_there_is_no_skew_and_beyond_it_no_more() {
    let mut p = params();
    let first_bid = |p: &Params, position_usd: f64| {
        let wanted = input(position_usd, 9_000.0);
        prices(
            &targets(p, &view(99_999, 100_001), &instrument("0.1"), &wanted),
            Side::Buy,
        )[0]
    };
    p.quote.skew_coeff = 0.2;
    assert_eq!(first_bid(&p, 10_000.0), first_bid(&p, 77_000.0));
    assert!(first_bid(&p, -10_000.0) > first_bid(&p, 10_000.0));
    p.risk.max_position_usd = 0.0;
    assert_eq!(first_bid(&p, 77_000.0), 99_980);
}

/// spec: 02-2/4
#[test]
fn numbers_that_are_not_finite_are_not_quoted_on() {
    for (field, position_usd, vola) in [
        ("position", f64::NAN, Some(1.0)),
        ("position", f64::INFINITY, Some(f64::NAN)),
        ("volatility", 0.0, Some(f64::NAN)),
        ("volatility", 0.0, Some(f64::INFINITY)),
    ] {
        let mut seen = view(99_999, 100_001);
        seen.vola_1m_bps = vola;
        let wanted = input(position_usd, 9_000.0);
        let got = targets(&params(), &seen, &instrument("0.1"), &wanted);
        for side in Side::BOTH {
            assert_eq!(prices(&got, side), [0i64; 0], "{field}");
        }
    }
}

/// spec: 02-2/2
#[test]
fn levels_are_fewer_until_each_reaches_the_venues_minimum() {
    let count = |target_usd| {
        let got = targets(
            &params(),
            &view(99_999, 100_001),
            &instrument("0.1"),
            &input(0.0, target_usd),
        );
        (
            got.of(Side::Buy).as_slice().len(),
            got.of(Side::Sell).as_slice().len(),
        )
    };
    // one lot is 10 USD
    assert_eq!(count(31.0), (3, 3));
    assert_eq!(
        count(30.0),
        (3, 2),
        "three lots cost a little more than 30 on the ask side"
    );
    assert_eq!(count(11.0), (1, 1));
    assert_eq!(count(9.0), (0, 0));
    assert_eq!(count(f64::NAN), (0, 0));
}

proptest! {
    /// Ten times the price in ticks on a tenth of the tick: the same quotes in money, to a tick.
    /// spec: 02-2
    #[test]
    fn the_tick_does_not_matter(
        bid in 50_000i64..2_000_000, spread in 1i64..50, position in -12_000.0f64..12_000.0,
        vola in prop::option::of(0.0f64..50.0),
    ) {
        let (coarse, fine) = (instrument("0.1"), instrument("0.01"));
        let levels = |k: i64| [(Side::Buy, k * bid, 5), (Side::Sell, k * (bid + spread), 7)];
        let mut a = view_of(&coarse, &levels(1));
        let mut b = view_of(&fine, &levels(10));
        (a.vola_1m_bps, b.vola_1m_bps) = (vola, vola);
        prop_assert!((a.imbalance - b.imbalance).abs() < 1e-12);
        prop_assert!((a.micro_tilt - b.micro_tilt).abs() < 1e-9);
        let x = targets(&params(), &a, &coarse, &input(position, 9_000.0));
        let y = targets(&params(), &b, &fine, &input(position, 9_000.0));
        for side in Side::BOTH {
            let (x, y) = (x.of(side).as_slice(), y.of(side).as_slice());
            prop_assert_eq!(x.len(), y.len());
            for (x, y) in x.iter().zip(y) {
                // the coarse grid rounds away from the market; a price on both grids may be taken
                // for one a hair beyond on the fine one
                let away = side.sign() * (y.px.get() - 10 * x.px.get());
                prop_assert!((-1..=10).contains(&away), "{} {}", x.px, y.px);
                prop_assert!((x.qty.get() - y.qty.get()).abs() <= 1);
            }
        }
    }

    /// Seen in a mirror (sides and position swapped about the mid), quotes are mirrored.
    /// spec: 02-2
    #[test]
    fn a_mirrored_market_gets_mirrored_quotes(
        bid in 900_000i64..1_100_000, spread in 1i64..50, position in -12_000.0f64..12_000.0,
        bid_qty in 1i64..90, ask_qty in 1i64..90,
    ) {
        let i = instrument("0.1");
        let ask = bid + spread;
        let a = view_of(&i, &[(Side::Buy, bid, bid_qty), (Side::Sell, ask, ask_qty)]);
        let b = view_of(&i, &[(Side::Buy, bid, ask_qty), (Side::Sell, ask, bid_qty)]);
        prop_assert_eq!(a.imbalance, -b.imbalance);
        prop_assert!((a.micro_tilt + b.micro_tilt).abs() < 1e-6);
        let x = targets(&params(), &a, &i, &input(position, 9_000.0));
        let y = targets(&params(), &b, &i, &input(-position, 9_000.0));
        for side in Side::BOTH {
            let (x, y) = (prices(&x, side), prices(&y, side.opposite()));
            prop_assert_eq!(x.len(), y.len());
            for (x, y) in x.iter().zip(&y) {
                // the centre is multiplied, not added to: a tick of difference is possible
                prop_assert!((x + y - bid - ask).abs() <= 1, "{x} {y}");
            }
        }
    }
}
