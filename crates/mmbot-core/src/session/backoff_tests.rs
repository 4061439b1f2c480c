//! Back-off: every rule, and a list of evaluations as its naive twin.

use super::backoff::{Backoff, BackoffSigns};
use mmbot_types::{ThrottleParams, TsNs};
use proptest::prelude::*;

const START: TsNs = TsNs::new(1_700_000_000_000_000_000);
const GOOD: BackoffSigns = BackoffSigns {
    rest_error_rate: 0.019,
    ws_lag_ms: 499.0,
};
const FAILING: BackoffSigns = BackoffSigns {
    rest_error_rate: 0.02,
    ..GOOD
};
const LAGGING: BackoffSigns = BackoffSigns {
    ws_lag_ms: 500.0,
    ..GOOD
};

fn ms(ms: i64) -> TsNs {
    START.plus_ms(ms)
}

fn steady() -> ThrottleParams {
    ThrottleParams {
        jitter_pct: 0.0,
        ..ThrottleParams::default()
    }
}

/// spec: 02-8.2
#[test]
fn errors_or_lag_at_their_trigger_start_a_backoff() {
    for (name, signs, backoff_ms) in [
        ("below both", GOOD, 0.0),
        ("errors", FAILING, 200.0),
        ("lag", LAGGING, 200.0),
    ] {
        let mut backoff = Backoff::new("BTCUSDT");
        backoff.evaluate(&steady(), signs, ms(0));
        assert_eq!(backoff.current_ms(ms(0)), backoff_ms, "{name}");
        assert_eq!(backoff.blocks(ms(0)), backoff_ms > 0.0, "{name}");
    }
}

/// spec: 02-8.2
#[test]
fn it_doubles_once_a_second_up_to_the_cap_and_ends_with_its_reason() {
    let mut backoff = Backoff::new("BTCUSDT");
    let mut seen = Vec::new();
    for second in 0..8 {
        for call in [0, 1, 999] {
            backoff.evaluate(&steady(), FAILING, ms(second * 1000 + call));
        }
        seen.push(backoff.current_ms(ms(second * 1000)) as u32);
    }
    assert_eq!(seen, [200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
    assert_eq!((backoff.count(), backoff.max_observed_ms()), (8, 5000.0));
    backoff.evaluate(&steady(), GOOD, ms(7999));
    assert!(backoff.blocks(ms(7999)), "not evaluated yet");
    backoff.evaluate(&steady(), GOOD, ms(8000));
    assert!(!backoff.blocks(ms(8000)));
    assert_eq!(backoff.current_ms(ms(8000)), 0.0);
    backoff.evaluate(&steady(), LAGGING, ms(9000));
    assert_eq!(backoff.current_ms(ms(9000)), 200.0, "from the base again");
    assert_eq!(backoff.max_observed_ms(), 5000.0, "until reset");
}

/// spec: 02-8.2
#[test]
fn creates_wait_until_the_backoff_after_the_evaluation() {
    let mut backoff = Backoff::new("BTCUSDT");
    backoff.evaluate(&steady(), FAILING, ms(0));
    assert!(backoff.blocks(ms(199)));
    assert!(!backoff.blocks(ms(200)));
    assert_eq!(backoff.current_ms(ms(999)), 200.0, "stands for its second");
    assert_eq!(
        backoff.current_ms(ms(1000)),
        0.0,
        "nobody evaluates any more"
    );
    backoff.rate_limited(&steady(), ms(1000));
    backoff.rate_limited(&steady(), ms(2000));
    backoff.rate_limited(&steady(), ms(3000));
    assert_eq!(backoff.current_ms(ms(4599)), 1600.0);
    assert_eq!(backoff.current_ms(ms(4600)), 0.0);
}

/// spec: 02-8.2
#[test]
fn a_rate_limit_of_the_venue_triggers_at_once_between_evaluations() {
    let mut backoff = Backoff::new("BTCUSDT");
    backoff.evaluate(&steady(), GOOD, ms(0));
    backoff.rate_limited(&steady(), ms(300));
    assert_eq!(backoff.current_ms(ms(300)), 200.0);
    backoff.rate_limited(&steady(), ms(400));
    assert_eq!(backoff.current_ms(ms(400)), 200.0, "not twice in a second");
    assert!(backoff.blocks(ms(599)), "but it begins anew");
    assert!(!backoff.blocks(ms(600)));
    backoff.evaluate(&steady(), GOOD, ms(1299));
    assert_eq!(backoff.current_ms(ms(1299)), 200.0);
    backoff.rate_limited(&steady(), ms(1300));
    assert_eq!((backoff.current_ms(ms(1300)), backoff.count()), (400.0, 2));
    backoff.evaluate(&steady(), GOOD, ms(2300));
    assert_eq!(backoff.current_ms(ms(2300)), 0.0);
}

/// The back-off after a good evaluation, a bad one and a rate limit, ms, by situation: evaluations
/// before it, a second apart from 0 on, and the time of the event.
/// spec: 02-8.2
#[test]
fn every_cell_of_the_grid_is_as_written() {
    let rows: [(&str, &[BackoffSigns], i64, [f64; 3]); 6] = [
        ("never evaluated", &[], 0, [0.0, 200.0, 200.0]),
        ("quiet, not due", &[GOOD], 999, [0.0, 0.0, 200.0]),
        ("quiet, due", &[GOOD], 1000, [0.0, 200.0, 200.0]),
        (
            "backing off, not due",
            &[FAILING],
            999,
            [200.0, 200.0, 200.0],
        ),
        ("backing off, due", &[FAILING], 1000, [0.0, 400.0, 400.0]),
        (
            "at the cap, due",
            &[LAGGING; 6],
            6000,
            [0.0, 5000.0, 5000.0],
        ),
    ];
    for (name, before, event_ms, expected) in rows {
        let mut backoff = Backoff::new("BTCUSDT");
        for (second, signs) in (0..).zip(before) {
            backoff.evaluate(&steady(), *signs, ms(1000 * second));
        }
        let [mut good, mut bad, mut limited] = [backoff.clone(), backoff.clone(), backoff];
        good.evaluate(&steady(), GOOD, ms(event_ms));
        bad.evaluate(&steady(), FAILING, ms(event_ms));
        limited.rate_limited(&steady(), ms(event_ms));
        let got = [good, bad, limited].map(|backoff| backoff.current_ms(ms(event_ms)));
        assert_eq!(got, expected, "{name}");
    }
}

/// Numbers from another implementation of the same formula.
/// spec: 02-8.2
/// spec: 02-D8
#[test]
fn the_jitter_is_that_of_the_keyed_hash() {
    for (symbol, second, backoff_ms) in [
        ("BTCUSDT", 1_700_000_000, 194.240_647_348_061_17),
        ("BTCUSDT", 1_700_000_004, 194.240_647_348_061_17),
        ("ETHUSDT", 1_700_000_000, 205.509_331_470_433_9),
        ("BTCUSDT", 1_700_000_005, 204.883_418_421_573_6),
    ] {
        let now = TsNs::ZERO.plus_ms(second * 1000 + 999);
        let mut backoff = Backoff::new(symbol);
        backoff.evaluate(&ThrottleParams::default(), FAILING, now);
        assert_eq!(backoff.current_ms(now), backoff_ms, "{symbol} {second}");
    }
}

/// spec: 02-8.2
#[test]
fn the_jitter_follows_the_cap() {
    let params = ThrottleParams {
        jitter_pct: 0.5,
        backoff_base_ms: 5000,
        ..ThrottleParams::default()
    };
    let all = (0..200).map(|k| {
        let mut backoff = Backoff::new("BTCUSDT");
        backoff.rate_limited(&params, ms(5000 * k));
        backoff.max_observed_ms()
    });
    let all: Vec<f64> = all.collect();
    assert!(all.iter().all(|b| (2500.0..=7500.0).contains(b)));
    assert!(all.iter().any(|b| *b > 7000.0) && all.iter().any(|b| *b < 3000.0));
}

/// spec: 01-5
#[test]
fn new_parameters_hold_from_the_next_evaluation_and_keep_the_state() {
    let (mut params, mut backoff) = (steady(), Backoff::new("BTCUSDT"));
    backoff.evaluate(&params, FAILING, ms(0));
    backoff.evaluate(&params, FAILING, ms(1000));
    params.backoff_cap_ms = 300;
    assert_eq!(backoff.current_ms(ms(1000)), 400.0);
    backoff.evaluate(&params, FAILING, ms(2000));
    assert_eq!(backoff.current_ms(ms(2000)), 300.0);
}

/// spec: 02-8.4 02-8.3
#[test]
fn a_reset_clears_the_backoff_and_the_run_maximum() {
    let mut backoff = Backoff::new("BTCUSDT");
    backoff.seed_max_observed(4321.0);
    backoff.rate_limited(&steady(), ms(0));
    assert_eq!(backoff.max_observed_ms(), 4321.0);
    backoff.reset();
    assert!(!backoff.blocks(ms(0)));
    assert_eq!(
        (backoff.current_ms(ms(0)), backoff.max_observed_ms()),
        (0.0, 0.0)
    );
    assert_eq!(backoff.count(), 1);
}

#[test]
fn a_clock_that_steps_back_stands_still() {
    let mut backoff = Backoff::new("BTCUSDT");
    backoff.evaluate(&steady(), GOOD, ms(5000));
    backoff.evaluate(&steady(), FAILING, ms(2000));
    assert!(!backoff.blocks(ms(2000)));
    backoff.rate_limited(&steady(), ms(1000));
    backoff.rate_limited(&steady(), ms(2000));
    assert!(backoff.blocks(ms(2000)) && backoff.blocks(ms(5199)));
    assert!(!backoff.blocks(ms(5200)));
}

#[derive(Debug, Clone, Copy)]
enum Call {
    Evaluate(bool),
    RateLimited,
}

proptest! {
    /// The obvious model: a list of evaluations, of which the last unbroken run counts.
    /// spec: 02-8.2
    #[test]
    fn a_backoff_equals_the_run_of_triggered_evaluations(
        calls in prop::collection::vec((0i64..1500, prop_oneof![
            any::<bool>().prop_map(Call::Evaluate),
            Just(Call::RateLimited),
        ]), 1..80),
        cap_ms in 200u32..8000,
    ) {
        let params = ThrottleParams { backoff_cap_ms: cap_ms, ..steady() };
        let mut backoff = Backoff::new("BTCUSDT");
        let mut list: Vec<(i64, bool)> = Vec::new();
        let (mut now, mut until) = (0, 0);
        for (step, call) in calls {
            now += step;
            let due = list.last().is_none_or(|(at, _)| now - at >= 1000);
            let running = list.last().is_some_and(|(_, triggered)| *triggered);
            let triggered = match call {
                Call::Evaluate(bad) => due.then_some(bad),
                Call::RateLimited => (due || !running).then_some(true),
            };
            list.extend(triggered.map(|triggered| (now, triggered)));
            let run = list.iter().rev().take_while(|(_, triggered)| *triggered).count();
            let base = match run {
                0 => 0,
                n => i64::from(cap_ms).min(200 << (n - 1).min(20)),
            };
            match call {
                Call::RateLimited => until = until.max(now + base),
                Call::Evaluate(_) if triggered.is_some() => until = now + base,
                Call::Evaluate(_) => {}
            }
            match call {
                Call::Evaluate(true) => backoff.evaluate(&params, LAGGING, ms(now)),
                Call::Evaluate(false) => backoff.evaluate(&params, GOOD, ms(now)),
                Call::RateLimited => backoff.rate_limited(&params, ms(now)),
            }
            prop_assert_eq!(backoff.blocks(ms(now)), now < until);
            prop_assert!(!backoff.blocks(ms(until)));
            prop_assert!(until <= now || backoff.blocks(ms(until - 1)));
            let count = list.iter().filter(|(_, triggered)| *triggered).count();
            prop_assert_eq!(backoff.count(), count as u64);
        }
    }
}
