//! The autopolicy: effective values, each rule, and a list of evaluations as its naive twin.

use super::autopolicy::{Autopolicy, AutopolicyBases, AutopolicySigns, EffectiveQuoting};
use super::autopolicy_grid_tests::Event;
use mmbot_types::{AutopolicyParams, TsNs};
use proptest::prelude::*;

pub(super) const QUIET: AutopolicySigns = AutopolicySigns {
    backoff_ms_max: 2999.9,
    throttle_events_total: 39,
    quoted_symbols: 1,
};
pub(super) const BAD: AutopolicySigns = AutopolicySigns {
    backoff_ms_max: 3000.0,
    ..QUIET
};
const BASES: AutopolicyBases = AutopolicyBases {
    min_time_in_book_ms: 300,
    replace_threshold_bps: 2.0,
    levels_per_side_max: 10,
};

pub(super) fn at(second: i64) -> TsNs {
    TsNs::new(1_700_000_000_000_000_000).plus_ms(1000 * second)
}

pub(super) fn defaults() -> AutopolicyParams {
    AutopolicyParams::default()
}

pub(super) fn at_level(level: u32, second: i64) -> Autopolicy {
    let mut policy = Autopolicy::default();
    policy.set_level(&defaults(), level, at(second));
    assert_eq!(policy.level(), level);
    policy
}

/// spec: 02-10.2
#[test]
fn each_level_rests_longer_moves_less_and_stands_on_fewer_levels() {
    let rows = [
        (0, 300, 2.0, 10),
        (1, 345, 2.3, 8),
        (2, 390, 2.6, 5),
        (3, 435, 2.9, 3),
        (4, 480, 3.2, 1),
        (9, 705, 4.7, 1),
    ];
    for (level, rest_ms, threshold_bps, levels) in rows {
        let eff = BASES.effective_at(&defaults(), level);
        assert_eq!(eff.min_time_in_book_ms, rest_ms, "{level}");
        assert!(
            (eff.replace_threshold_bps - threshold_bps).abs() < 1e-12,
            "{level}"
        );
        assert_eq!(eff.levels_per_side_max, levels, "{level}");
    }
}

/// spec: 02-10.2
#[test]
fn effective_values_keep_their_caps() {
    let mut params = defaults();
    (
        params.max_min_time_in_book_ms,
        params.max_replace_threshold_bps,
    ) = (400, 2.5);
    params.min_levels_cap = 4;
    let capped = EffectiveQuoting {
        min_time_in_book_ms: 400,
        replace_threshold_bps: 2.5,
        levels_per_side_max: 4,
    };
    assert_eq!(BASES.effective_at(&params, 3), capped);
}

/// spec: 02-10.2
#[test]
fn levels_are_rounded_half_away_from_zero() {
    let mut params = defaults();
    for (step, base, levels) in [
        (0.25, 2, 2),
        (0.25, 10, 8),
        (0.5, 3, 2),
        (0.5, 5, 3),
        (0.1, 4, 4),
    ] {
        params.levels_per_side_shrink_step_pct = step;
        let bases = AutopolicyBases {
            levels_per_side_max: base,
            ..BASES
        };
        assert_eq!(
            bases.effective_at(&params, 1).levels_per_side_max,
            levels,
            "{step} {base}"
        );
    }
}

/// spec: 02-10.2
#[test]
fn backoff_or_events_at_their_trigger_are_bad() {
    let events = |total, quoted_symbols| AutopolicySigns {
        throttle_events_total: total,
        quoted_symbols,
        ..QUIET
    };
    let rows = [
        ("quiet", QUIET, false),
        ("backoff", BAD, true),
        ("events", events(40, 1), true),
        ("no symbol counts as one", events(40, 0), true),
        ("per symbol", events(119, 3), false),
        ("per symbol reached", events(120, 3), true),
    ];
    for (name, signs, bad) in rows {
        let mut policy = Autopolicy::default();
        policy.evaluate(&defaults(), &signs, at(0));
        policy.evaluate(&defaults(), &signs, at(1));
        assert_eq!(policy.active(), bad, "{name}");
    }
}

/// spec: 02-10.2
#[test]
fn it_rises_under_lasting_trouble_and_falls_in_lasting_quiet_once_a_cooldown() {
    let (mut policy, mut changes) = (Autopolicy::default(), Vec::new());
    for second in 0..1000 {
        let signs = if second < 500 { BAD } else { QUIET };
        if policy.evaluate(&defaults(), &signs, at(second)) {
            assert_eq!(policy.last_change(), Some(at(second)));
            changes.push((second, policy.level()));
        }
    }
    let expected = [(1, 1), (121, 2), (241, 3), (501, 2), (621, 1), (741, 0)];
    assert_eq!(changes, expected);
    assert_eq!(policy.steps(), 6);
}

/// spec: 02-10.2
#[test]
fn a_single_good_second_breaks_the_streak() {
    let mut policy = Autopolicy::default();
    for second in 0..300 {
        let signs = if second % 2 == 0 { BAD } else { QUIET };
        assert!(!policy.evaluate(&defaults(), &signs, at(second)));
    }
}

/// spec: 02-10.2
#[test]
fn a_manual_level_stays_for_the_cooldown_even_if_it_is_the_same() {
    let mut policy = at_level(2, 0);
    let set_at = policy.last_change();
    assert!(!policy.set_level(&defaults(), 2, at(100)));
    assert_eq!(policy.last_change(), set_at, "not a change");
    let change = (100..400).find(|second| policy.evaluate(&defaults(), &QUIET, at(*second)));
    assert_eq!((change, policy.level()), (Some(220), 1));
}

/// spec: 02-10.2
#[test]
fn a_policy_that_is_not_enabled_stays_at_level_zero() {
    let mut off = defaults();
    off.enabled = false;
    let mut policy = at_level(3, 0);
    assert!(policy.evaluate(&off, &BAD, at(1)));
    assert!(!policy.set_level(&off, 2, at(2)));
    for second in 3..500 {
        assert!(!policy.evaluate(&off, &BAD, at(second)));
    }
    assert_eq!(policy.level(), 0);
    assert!(
        !policy.evaluate(&defaults(), &BAD, at(500)),
        "streaks begin anew"
    );
    assert!(policy.evaluate(&defaults(), &BAD, at(501)));
}

#[test]
fn a_clock_that_steps_back_stands_still() {
    let mut policy = at_level(1, 1000);
    for second in [0, 1, 2, 1119] {
        assert!(!policy.evaluate(&defaults(), &BAD, at(second)));
    }
    assert!(policy.evaluate(&defaults(), &BAD, at(1120)));
    assert!(!policy.reset(at(0)) || policy.last_change() == Some(at(1120)));
}

/// One second of the naive model, which keeps everything that ever happened.
#[derive(Debug, Clone, Copy)]
enum Past {
    Evaluated(bool),
    Changed,
    Held,
}

proptest! {
    /// spec: 02-10.2
    /// spec: 01-5
    #[test]
    fn the_level_follows_from_the_list_of_evaluations(
        events in prop::collection::vec(prop_oneof![
            5 => Just(Event::Bad),
            5 => Just(Event::Good),
            1 => (0u32..5).prop_map(Event::Set),
            1 => Just(Event::Reset),
        ], 1..200),
        bad_required in 1u32..4,
        good_required in 1u32..4,
        cooldown_sec in 0u32..6,
        level_max in 0u32..4,
    ) {
        let params = AutopolicyParams {
            hysteresis_bad_required: bad_required,
            hysteresis_good_required: good_required,
            cooldown_minutes: f64::from(cooldown_sec) / 60.0,
            level_max,
            ..defaults()
        };
        let cooldown = i64::from(cooldown_sec);
        let mut policy = Autopolicy::default();
        let (mut level, mut past) = (0u32, Vec::<(i64, Past)>::new());
        for (second, event) in (0i64..).zip(events) {
            let target = match event {
                Event::Set(n) => n.min(level_max),
                Event::Reset => 0,
                _ => {
                    let bad = matches!(event, Event::Bad);
                    past.push((second, Past::Evaluated(bad)));
                    let run = past.iter().rev();
                    let run = run.take_while(|(_, p)| matches!(p, Past::Evaluated(b) if *b == bad));
                    let required = if bad { bad_required } else { good_required };
                    let held = past.iter().any(|(at, p)| {
                        !matches!(p, Past::Evaluated(_)) && second - at < cooldown
                    });
                    match (run.count() >= required as usize && !held, bad) {
                        (false, _) => level,
                        (true, true) => (level + 1).min(level_max),
                        (true, false) => level.saturating_sub(1),
                    }
                }
            };
            let changed = target != level;
            level = target;
            match event {
                Event::Set(_) => past.push((second, Past::Held)),
                // streaks end, nothing is held unless the level changed
                Event::Reset if !changed => past.push((second - 1_000_000, Past::Held)),
                _ if changed => past.push((second, Past::Changed)),
                _ => {}
            }
            let got = match event {
                Event::Set(n) => policy.set_level(&params, n, at(second)),
                Event::Reset => policy.reset(at(second)),
                Event::Bad => policy.evaluate(&params, &BAD, at(second)),
                _ => policy.evaluate(&params, &QUIET, at(second)),
            };
            prop_assert_eq!((policy.level(), got), (level, changed));
        }
    }

    /// spec: 02-10.2
    #[test]
    fn a_higher_level_is_never_less_calm(
        rest in 0i64..10_000, threshold in 0.0f64..50.0, levels in 1u32..40,
        steps in prop::array::uniform3(0.0f64..1.0), level in 0u32..10,
    ) {
        let params = AutopolicyParams {
            min_time_in_book_ms_step_pct: steps[0],
            replace_threshold_bps_step_pct: steps[1],
            levels_per_side_shrink_step_pct: steps[2],
            ..defaults()
        };
        let bases = AutopolicyBases {
            min_time_in_book_ms: rest,
            replace_threshold_bps: threshold,
            levels_per_side_max: levels,
        };
        let low = bases.effective_at(&params, level);
        let high = bases.effective_at(&params, level + 1);
        prop_assert!(high.min_time_in_book_ms >= low.min_time_in_book_ms);
        prop_assert!(high.replace_threshold_bps >= low.replace_threshold_bps);
        prop_assert!(high.levels_per_side_max <= low.levels_per_side_max);
        prop_assert!(high.levels_per_side_max >= params.min_levels_cap);
    }
}
