//! Freeze, bias and changes of the position skew guard.

use super::skew::{PosSkew, SkewEvent, SkewScope};
use mmbot_types::Intent;
use mmbot_types::{Color, InstrumentIdx, PosSkewParams, Side, TsNs};
use proptest::prelude::*;

fn params(symbol: f64, color: f64) -> PosSkewParams {
    PosSkewParams {
        per_symbol_abs_limit_usd: symbol,
        per_color_abs_limit_usd: color,
        ..PosSkewParams::default()
    }
}

fn at(seconds: i64) -> TsNs {
    TsNs::new(seconds * 1_000_000_000)
}

fn step(
    guard: &mut PosSkew,
    p: &PosSkewParams,
    symbols: &[f64],
    colors: [f64; 2],
) -> Vec<SkewEvent> {
    let mut events = Vec::new();
    guard.update(p, symbols, colors, at(1), |event| events.push(event));
    events
}

/// spec: 02-11.3/1, 02-D14
#[test]
fn a_frozen_symbol_lets_only_reducing_orders_and_cancels_through() {
    let p = params(1_000.0, 0.0);
    let rows = [
        (999.0, false),
        (1_000.0, false),
        (1_000.01, true),
        (-1_000.0, false),
        (-1_000.01, true),
    ];
    for (position, frozen) in rows {
        let mut guard = PosSkew::new(2);
        step(&mut guard, &p, &[0.0, position], [0.0; 2]);
        let (calm, symbol) = (InstrumentIdx(0), InstrumentIdx(1));
        for intent in Intent::ALL {
            let passes = !frozen || intent != Intent::Expand;
            assert_eq!(
                guard.allows(symbol, intent),
                passes,
                "{position} {intent:?}"
            );
            assert!(guard.allows(calm, intent), "the other symbol is free");
        }
        let closed = |side| guard.side_mult(symbol, side) == 0.0;
        assert_eq!(closed(Side::Buy), frozen && position > 0.0);
        assert_eq!(closed(Side::Sell), frozen && position < 0.0);
    }
}

/// spec: 02-11.3/2
#[test]
fn the_bias_of_a_colour_grows_with_the_excess_up_to_its_cap() {
    let rows = [
        (1_000.0, 0.10, 0.0),
        (1_000.000_001, 0.10, 0.05),
        (1_500.0, 0.10, 0.075),
        (2_000.0, 0.10, 0.10),
        (9_000.0, 0.50, 0.10),
        (9_000.0, 0.06, 0.06),
        (1_200.0, 0.06, 0.06),
        (9_000.0, 0.0, 0.0),
    ];
    for (sum, cap, bias) in rows {
        for sign in [1.0, -1.0] {
            let mut p = params(0.0, 1_000.0);
            p.bias_cap_ratio = cap;
            let mut guard = PosSkew::new(0);
            step(&mut guard, &p, &[], [sign * sum, 0.0]);
            let got = guard.bias(Color::Blue);
            assert!((got - bias).abs() < 1e-9, "{sum} {cap}: {got}");
            let (raising, other) = match sign > 0.0 {
                true => (Side::Buy, Side::Sell),
                false => (Side::Sell, Side::Buy),
            };
            assert_eq!(guard.qty_mult(Color::Blue, raising), 1.0 - got);
            assert_eq!(guard.qty_mult(Color::Blue, other), 1.0 + got);
            assert_eq!(guard.qty_mult(Color::Green, raising), 1.0);
        }
    }
}

/// spec: 02-11.3/2
#[test]
fn each_colour_over_the_limit_has_its_own_bias() {
    let mut guard = PosSkew::new(0);
    step(&mut guard, &params(0.0, 100.0), &[], [150.0, -300.0]);
    assert!((guard.qty_mult(Color::Blue, Side::Buy) - 0.925).abs() < 1e-12);
    assert!((guard.qty_mult(Color::Green, Side::Sell) - 0.9).abs() < 1e-12);
    assert!(
        guard.is_breached(InstrumentIdx(7)),
        "drives the back-off of every symbol"
    );
}

/// spec: 02-11.3/3
#[test]
fn every_change_of_a_condition_is_told_once_with_the_largest_ratio() {
    let p = params(100.0, 400.0);
    let mut guard = PosSkew::new(3);
    assert_eq!(step(&mut guard, &p, &[100.0, 0.0, 0.0], [100.0, 0.0]), []);
    let events = step(&mut guard, &p, &[150.0, -250.0, 0.0], [500.0, 0.0]);
    let scopes: Vec<_> = events.iter().map(|event| event.scope).collect();
    let expected = [
        SkewScope::Symbol(InstrumentIdx(0)),
        SkewScope::Symbol(InstrumentIdx(1)),
        SkewScope::Color(Color::Blue),
    ];
    assert_eq!(scopes, expected);
    for event in events {
        assert_eq!((event.change.name(), event.value), ("breach", 2.5));
    }
    assert_eq!(
        step(&mut guard, &p, &[150.0, -250.0, 0.0], [500.0, 0.0]),
        []
    );
    let gauges = guard.gauges(&p);
    assert_eq!((gauges.breach_total, gauges.symbol_breach_count), (3, 2));
    assert!(gauges.color_breach);
    assert_eq!(gauges.last_change, Some(at(1)));

    let events = step(&mut guard, &p, &[100.0, -250.0, 0.0], [400.0, 0.0]);
    let names: Vec<_> = events.iter().map(|event| event.change.name()).collect();
    assert_eq!(names, ["recover", "recover"]);
    assert_eq!(guard.gauges(&p).breach_total, 3, "starts only");
    let events = step(&mut guard, &params(0.0, 0.0), &[], [0.0, 0.0]);
    assert_eq!(events.len(), 1, "a limit that is switched off holds");
}

#[test]
fn a_value_that_is_not_finite_or_missing_keeps_the_last_one() {
    let p = params(100.0, 100.0);
    let mut guard = PosSkew::new(2);
    step(&mut guard, &p, &[0.0, 150.0], [0.0, 150.0]);
    let events = step(&mut guard, &p, &[f64::NAN], [0.0, f64::INFINITY]);
    assert_eq!(events, []);
    assert!(guard.is_frozen(InstrumentIdx(1)));
    assert!(!guard.is_frozen(InstrumentIdx(0)));
    assert!(!guard.is_frozen(InstrumentIdx(9)), "no such symbol");
    assert!((guard.bias(Color::Green) - 0.075).abs() < 1e-12);
}

proptest! {
    /// spec: 02-11.3
    #[test]
    fn the_percentile_is_the_nearest_rank_of_a_sorted_list(
        positions in prop::collection::vec(-1e5f64..1e5, 1..60),
        limit in 1.0f64..1e5,
    ) {
        let p = params(limit, 0.0);
        let mut guard = PosSkew::new(positions.len());
        step(&mut guard, &p, &positions, [0.0; 2]);
        let mut sorted: Vec<_> = positions.iter().map(|usd| usd.abs() / limit).collect();
        sorted.sort_by(f64::total_cmp);
        // the smallest value with at least 95% of the values at or below it
        let wanted = sorted.iter().enumerate().find(|(at, _)| (at + 1) * 100 >= 95 * sorted.len());
        prop_assert_eq!(guard.gauges(&p).abs_p95, *wanted.unwrap().1);
        prop_assert_eq!(guard.gauges(&params(0.0, 0.0)).abs_p95, 0.0);
    }

    /// spec: 02-11.3
    #[test]
    fn breach_counts_are_those_of_a_look_at_every_step(
        steps in prop::collection::vec(
            (prop::collection::vec(-200i32..200, 3), -300i32..300, -300i32..300),
            1..40,
        ),
    ) {
        let p = params(100.0, 150.0);
        let mut guard = PosSkew::new(3);
        let (mut last, mut starts) = ([false; 5], 0u64);
        for (symbols, blue, green) in steps {
            let symbols: Vec<_> = symbols.into_iter().map(f64::from).collect();
            let colors = [f64::from(blue), f64::from(green)];
            let now = [
                symbols[0].abs() > 100.0,
                symbols[1].abs() > 100.0,
                symbols[2].abs() > 100.0,
                colors[0].abs() > 150.0,
                colors[1].abs() > 150.0,
            ];
            let changed = now.iter().zip(&last).filter(|(a, b)| a != b).count();
            starts += now.iter().zip(&last).filter(|(a, b)| **a && !**b).count() as u64;
            prop_assert_eq!(step(&mut guard, &p, &symbols, colors).len(), changed);
            prop_assert_eq!(guard.gauges(&p).breach_total, starts);
            last = now;
        }
    }
}
