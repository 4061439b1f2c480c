//! Weights against the step-by-step redistribution, regimes against a list of everything seen.

use super::mux::{Mux, MuxTable};
use mmbot_types::{MuxBand, MuxParams, MuxStrategy, TsNs};
use proptest::prelude::*;

fn at(seconds: i64) -> TsNs {
    TsNs::new(seconds * 1_000_000_000)
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-12
}

fn params(weights: &[f64], caps: &[Option<f64>]) -> MuxParams {
    let strategy = |(at, cap): (usize, &Option<f64>)| MuxStrategy {
        name: format!("s{at}"),
        spread_mult: 0.5 + at as f64,
        size_mult: 0.25 * at as f64,
        weight_cap: *cap,
    };
    MuxParams {
        strategies: caps.iter().enumerate().map(strategy).collect(),
        bands: vec![MuxBand {
            name: "only".to_owned(),
            lower: 0.0,
            upper: 1.0,
            weights: weights.to_vec(),
        }],
        ..MuxParams::default()
    }
}

fn weights_of(weights: &[f64], caps: &[Option<f64>]) -> Vec<f64> {
    MuxTable::new(&params(weights, caps)).regimes()[0]
        .weights
        .to_vec()
}

/// spec: 02-3
#[test]
fn the_default_regimes_mix_their_strategies() {
    let table = MuxTable::new(&MuxParams::default());
    let expected = [
        (0.7 * 1.5 + 0.3, 0.7 * 0.7 + 0.3),
        (0.4 * 1.5 + 0.5 + 0.07, 0.4 * 0.7 + 0.5 + 0.12),
        (0.2 * 1.5 + 0.5 + 0.21, 0.2 * 0.7 + 0.5 + 0.36),
    ];
    for (regime, (spread, size)) in table.regimes().iter().zip(expected) {
        assert!(close(regime.spread_mult, spread), "{regime:?}");
        assert!(close(regime.size_mult, size), "{regime:?}");
    }
}

/// spec: 02-3
#[test]
fn size_is_only_ever_scaled_down() {
    let mut p = MuxParams::default();
    p.strategies[1].size_mult = 50.0;
    let table = MuxTable::new(&p);
    assert!(table.regimes().iter().all(|regime| regime.size_mult == 1.0));
}

/// spec: 02-3, 02-D5
#[test]
fn what_is_above_a_cap_goes_to_the_others_until_nothing_is() {
    type Row<'a> = (&'a [f64], &'a [Option<f64>], &'a [f64]);
    let rows: [Row<'_>; 6] = [
        // 0.35 stays, 0.15 goes to the others as 2:3
        (
            &[0.2, 0.3, 0.5],
            &[None, None, Some(0.35)],
            &[0.26, 0.39, 0.35],
        ),
        // the second reaches its cap only through the excess of the third
        (
            &[0.2, 0.3, 0.5],
            &[None, Some(0.35), Some(0.35)],
            &[0.3, 0.35, 0.35],
        ),
        // nobody else has a weight: equal parts
        (&[0.0, 0.0, 1.0], &[None, None, Some(0.4)], &[0.3, 0.3, 0.4]),
        (
            &[0.0, 0.0, 1.0],
            &[Some(0.1), None, Some(0.4)],
            &[0.1, 0.5, 0.4],
        ),
        // caps that cannot hold are scaled
        (&[0.5, 0.5], &[Some(0.2), Some(0.3)], &[0.4, 0.6]),
        (&[0.5, 0.5], &[Some(0.0), Some(0.0)], &[0.5, 0.5]),
    ];
    for (weights, caps, expected) in rows {
        let got = weights_of(weights, caps);
        let same = got.iter().zip(expected).all(|(a, b)| close(*a, *b));
        assert!(same, "{weights:?} {caps:?} {got:?}");
    }
}

/// The rule word by word: cut, hand the excess on, repeat.
fn step_by_step(weights: &[f64], caps: &[f64]) -> Vec<f64> {
    let mut w = weights.to_vec();
    for _ in 0..200 {
        let mut excess = 0.0;
        for (w, cap) in w.iter_mut().zip(caps) {
            if *w > *cap {
                excess += *w - cap;
                *w = *cap;
            }
        }
        let open: Vec<_> = (0..w.len()).filter(|i| w[*i] < caps[*i]).collect();
        let sum: f64 = open.iter().map(|i| w[*i]).sum();
        if excess < 1e-15 || open.is_empty() {
            break;
        }
        for i in &open {
            w[*i] += if sum > 0.0 {
                excess * w[*i] / sum
            } else {
                excess / open.len() as f64
            };
        }
    }
    w
}

fn mixture() -> impl Strategy<Value = (Vec<f64>, Vec<Option<f64>>)> {
    let row = (
        prop_oneof![1 => Just(0.0), 4 => 0.01f64..1.0],
        prop::option::of(0.0f64..1.0),
    );
    prop::collection::vec(row, 1..7)
        .prop_filter("some weight", |rows| rows.iter().any(|row| row.0 > 0.0))
        .prop_map(|rows| {
            let sum: f64 = rows.iter().map(|row| row.0).sum();
            rows.iter().map(|row| (row.0 / sum, row.1)).unzip()
        })
}

proptest! {
    /// spec: 02-3, 02-D5
    #[test]
    fn weights_sum_to_one_and_no_cap_is_exceeded((weights, caps) in mixture()) {
        let got = weights_of(&weights, &caps);
        prop_assert!(close(got.iter().sum(), 1.0), "{:?}", got);
        let room: f64 = caps.iter().map(|cap| cap.unwrap_or(f64::INFINITY)).sum();
        if room >= 1.0 {
            let caps: Vec<_> = caps.iter().map(|cap| cap.unwrap_or(f64::INFINITY)).collect();
            prop_assert!(got.iter().zip(&caps).all(|(w, cap)| w <= cap), "{:?}", got);
            let naive = step_by_step(&weights, &caps);
            prop_assert!(got.iter().zip(&naive).all(|(a, b)| (a - b).abs() < 1e-9));
        }
    }

    /// spec: 02-3
    #[test]
    fn the_order_of_the_strategies_does_not_matter(
        (weights, caps) in mixture(),
        turn in 0usize..7,
    ) {
        let turn = turn % weights.len();
        let (mut turned, mut turned_caps) = (weights.clone(), caps.clone());
        turned.rotate_left(turn);
        turned_caps.rotate_left(turn);
        let mut expected = weights_of(&weights, &caps);
        expected.rotate_left(turn);
        let got = weights_of(&turned, &turned_caps);
        prop_assert!(got.iter().zip(&expected).all(|(a, b)| close(*a, *b)));
    }

    /// spec: 02-3, 02-D6
    #[test]
    fn regimes_follow_the_rules_on_any_path(
        steps in prop::collection::vec(
            (-5i64..40, prop_oneof![6 => (0.0f64..2.5).prop_map(Some), 1 => Just(None),
                1 => Just(Some(f64::NAN)), 1 => Just(Some(f64::INFINITY))]),
            1..80,
        ),
    ) {
        let table = MuxTable::new(&MuxParams::default());
        let mut mux = Mux::default();
        let (mut now, mut latest) = (1_000i64, 0i64);
        let (mut regime, mut since, mut switches) = (None, 0i64, 0u64);
        for (step, sigma) in steps {
            now += step;
            latest = latest.max(now);
            let wanted = sigma.filter(|s| s.is_finite()).map(|sigma| match sigma {
                s if s < 0.8 => 0,
                s if s < 1.5 => 1,
                _ => 2,
            });
            let before = regime;
            if let Some(wanted) = wanted {
                if regime.is_none() || (regime != Some(wanted) && latest - since >= 60) {
                    switches += u64::from(regime.is_some());
                    (regime, since) = (Some(wanted), latest);
                }
            }
            let view = mux.update(&table, sigma, at(now));
            prop_assert_eq!(view.regime, regime.unwrap_or(1));
            prop_assert_eq!(view.switched, before.is_some() && before != regime);
            prop_assert_eq!(mux.switches(), switches);
        }
    }
}

/// spec: 02-3
#[test]
fn a_band_has_its_lower_edge_and_the_last_has_everything_above() {
    let table = MuxTable::new(&MuxParams::default());
    let rows = [
        (-1.0, 0),
        (0.0, 0),
        (0.799_999, 0),
        (0.8, 1),
        (1.499_999, 1),
        (1.5, 2),
        (9.99, 2),
        (1e6, 2),
    ];
    for (sigma, regime) in rows {
        let view = Mux::default().update(&table, Some(sigma), at(0));
        assert_eq!(view.regime, regime, "{sigma}");
        assert!(!view.switched);
    }
}

/// spec: 02-3
#[test]
fn exactly_the_hysteresis_is_enough_and_the_first_regime_starts_the_clock() {
    let table = MuxTable::new(&MuxParams::default());
    let mut mux = Mux::default();
    assert_eq!(mux.update(&table, None, at(0)).regime, 1, "mid until known");
    assert_eq!(mux.regime(), None);
    assert_eq!(mux.update(&table, Some(0.1), at(5)).regime, 0, "at once");
    let early = mux.update(&table, Some(2.0), at(65).plus_ns(-1));
    assert_eq!((early.regime, early.switched), (0, false));
    let due = mux.update(&table, Some(2.0), at(65));
    assert_eq!((due.regime, due.switched), (2, true));
    assert_eq!(mux.switches(), 1);
}

/// spec: 02-3
#[test]
fn without_a_band_called_mid_the_first_is_neutral() {
    let mut p = MuxParams::default();
    p.bands[1].name = "calm".to_owned();
    let view = Mux::default().update(&MuxTable::new(&p), None, at(0));
    assert_eq!(view.regime, 0);
}

#[test]
fn switched_off_it_changes_nothing_and_other_bands_start_anew() {
    let mut p = MuxParams::default();
    let mut mux = Mux::default();
    mux.update(&MuxTable::new(&p), Some(2.0), at(0));
    p.enabled = false;
    let view = mux.update(&MuxTable::new(&p), Some(0.1), at(100));
    assert_eq!(
        (view.spread_mult, view.size_mult, view.regime),
        (1.0, 1.0, 2)
    );
    p.enabled = true;
    p.bands.truncate(2);
    let view = mux.update(&MuxTable::new(&p), None, at(101));
    assert_eq!((view.regime, mux.regime()), (1, None), "that band is gone");
    let view = mux.update(&MuxTable::new(&p), Some(0.1), at(102));
    assert_eq!((view.regime, view.switched), (0, false));
}
