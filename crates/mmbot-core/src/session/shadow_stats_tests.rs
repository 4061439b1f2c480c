//! Fixed point, warnings and ids of virtual orders.

use super::shadow_stats::{ShadowSample, ShadowStats, VirtualCids};
use mmbot_types::{InstrumentIdx, PriceTick, QtyLot, ShadowParams, TsNs};
use proptest::prelude::*;

const SYMBOL: InstrumentIdx = InstrumentIdx(0);

fn params(min_count: u32) -> ShadowParams {
    ShadowParams {
        min_count,
        ..ShadowParams::default()
    }
}

fn sample(price_diff_bps: f64, size_diff_pct: f64) -> Option<ShadowSample> {
    Some(ShadowSample {
        price_diff_bps,
        size_diff_pct,
    })
}

/// spec: 02-14
#[test]
fn samples_are_truncated_toward_zero_and_means_floored() {
    type Row<'a> = (&'a [(f64, f64)], i64, f64);
    let rows: [Row<'_>; 5] = [
        (&[(1.9, 0.19)], 1, 0.1),
        (&[(-1.9, -0.19)], -1, -0.1),
        (&[(1.0, 0.1), (2.0, 0.2)], 1, 0.1),
        (&[(-1.0, -0.1), (-2.0, -0.2)], -2, -0.2),
        (&[(-0.9, 0.09), (0.0, 0.0)], 0, 0.0),
    ];
    for (samples, bps, pct) in rows {
        let mut stats = ShadowStats::new(1);
        for (price, size) in samples {
            stats.record_shadow_sample(&params(1), SYMBOL, sample(*price, *size));
        }
        let got = stats.summary(&params(1)).unwrap();
        assert_eq!(
            (got.avg_price_diff_bps, got.avg_size_diff_pct),
            (bps, pct),
            "{samples:?}"
        );
        assert_eq!(stats.gauges(SYMBOL).summary, Some(got));
    }
}

/// spec: 02-14, 02-D24
#[test]
fn a_mean_beyond_its_limit_is_told_once_per_crossing() {
    let p = params(3);
    let mut stats = ShadowStats::new(1);
    let mut told = |price, size| {
        let warning = stats.record_shadow_sample(&p, SYMBOL, sample(price, size));
        warning.map(|warning| warning.summary.avg_price_diff_bps)
    };
    assert_eq!(told(9.0, 0.0), None);
    assert_eq!(told(9.0, 0.0), None, "too few");
    assert_eq!(told(9.0, 0.0), Some(9));
    assert_eq!(told(9.0, 0.0), None, "still beyond");
    assert_eq!(told(-16.0, 0.0), None, "20 // 5 is within");
    assert_eq!(told(40.0, 0.0), Some(10));
    assert_eq!(told(-60.0, 0.0), None);
    assert_eq!(told(-80.0, 0.0), Some(-10), "in magnitude");
    assert_eq!(told(80.0, 0.0), None);
    assert_eq!(told(0.0, 150.0), Some(0), "the size alone");
}

/// spec: 02-14
#[test]
fn at_the_limit_is_not_beyond_it() {
    let mut stats = ShadowStats::new(1);
    let warning = stats.record_shadow_sample(&params(1), SYMBOL, sample(5.0, 10.0));
    assert_eq!(warning, None);
    let warning = stats.record_shadow_sample(&params(1), SYMBOL, sample(7.0, 10.0));
    assert_eq!(warning.map(|w| w.summary.avg_price_diff_bps), Some(6));
}

/// spec: 02-14
#[test]
fn the_summary_over_all_symbols_needs_enough_samples() {
    let p = params(4);
    let mut stats = ShadowStats::new(2);
    for _ in 0..2 {
        stats.record_shadow_sample(&p, InstrumentIdx(0), sample(3.0, 1.0));
    }
    stats.record_shadow_sample(&p, InstrumentIdx(1), sample(-8.0, 1.0));
    assert_eq!(stats.summary(&p), None);
    stats.record_shadow_sample(&p, InstrumentIdx(1), sample(1.0, 1.0));
    let all = stats.summary(&p).unwrap();
    assert_eq!(
        (all.count, all.avg_price_diff_bps),
        (4, -1),
        "sums over symbols, then floored"
    );
    assert_eq!(
        stats
            .gauges(InstrumentIdx(1))
            .summary
            .unwrap()
            .avg_price_diff_bps,
        -4
    );
}

/// spec: 02-14
#[test]
fn without_a_displayed_level_there_is_an_order_but_no_sample() {
    let at = |px, qty| (PriceTick::new(px), QtyLot::new(qty));
    let got = ShadowSample::of(at(9_990, 15), at(10_000, 10)).unwrap();
    assert!((got.price_diff_bps + 10.0).abs() < 1e-9 && (got.size_diff_pct - 50.0).abs() < 1e-9);
    assert_eq!(ShadowSample::of(at(9_990, 15), at(10_000, 0)), None);
    assert_eq!(ShadowSample::of(at(9_990, 15), at(0, 10)), None);
    let mut stats = ShadowStats::new(1);
    for none in [None, sample(f64::NAN, 0.0), sample(0.0, f64::INFINITY)] {
        assert_eq!(stats.record_shadow_sample(&params(1), SYMBOL, none), None);
    }
    let gauges = stats.gauges(SYMBOL);
    assert_eq!(
        (gauges.orders_total, gauges.last, gauges.summary),
        (3, None, None)
    );
    let unknown = stats.record_shadow_sample(&params(1), InstrumentIdx(5), sample(99.0, 99.0));
    assert_eq!(unknown, None);
    assert_eq!(stats.summary(&params(1)), None);
}

/// spec: 02-14, 02-D16
#[test]
fn ids_of_one_millisecond_are_numbered() {
    let mut cids = VirtualCids::default();
    let mut next = |ns| cids.next("BTCUSDT", TsNs::new(ns)).to_string();
    assert_eq!(next(5_000_000), "shadow:BTCUSDT:5");
    assert_eq!(next(5_999_999), "shadow:BTCUSDT:5:1");
    assert_eq!(
        next(4_000_000),
        "shadow:BTCUSDT:5:2",
        "time does not go back"
    );
    assert_eq!(next(6_000_000), "shadow:BTCUSDT:6");
}

proptest! {
    /// spec: 02-14
    #[test]
    fn the_order_of_samples_does_not_matter_and_means_are_those_of_wide_integers(
        samples in prop::collection::vec((-500.0f64..500.0, -300.0f64..300.0), 1..100),
        turn in 0usize..100,
    ) {
        let p = params(1);
        let run = |samples: &[(f64, f64)]| {
            let mut stats = ShadowStats::new(1);
            for (price, size) in samples {
                stats.record_shadow_sample(&p, SYMBOL, sample(*price, *size));
            }
            stats.summary(&p).unwrap()
        };
        let got = run(&samples);
        let n = samples.len() as i128;
        let bps: i128 = samples.iter().map(|s| s.0.trunc() as i128).sum();
        let permille: i128 = samples.iter().map(|s| (s.1 * 10.0).trunc() as i128).sum();
        // floor: the largest integer not above the mean
        let floor = |sum: i128| (-5_000..5_000).rev().find(|q| q * n <= sum).unwrap();
        prop_assert_eq!(i128::from(got.avg_price_diff_bps), floor(bps));
        prop_assert_eq!(got.avg_size_diff_pct, floor(permille) as f64 / 10.0);
        let mut turned = samples.clone();
        turned.rotate_left(turn % samples.len());
        prop_assert_eq!(run(&turned), got);
    }
}
