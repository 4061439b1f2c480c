//! Day counters, latches and volatility of the intraday caps.

use super::caps::{Cap, CapsEvent, DayTotals, IntradayCaps};
use mmbot_types::Intent;
use mmbot_types::{IntradayCapsParams, TsNs};
use proptest::prelude::*;

const DAY_S: i64 = 86_400;

fn at(seconds: i64) -> TsNs {
    TsNs::new(seconds * 1_000_000_000)
}

fn params(pnl: f64, turnover: f64, vol: f64) -> IntradayCapsParams {
    IntradayCapsParams {
        daily_pnl_stop_usd: pnl,
        daily_turnover_cap_usd: turnover,
        daily_vol_cap_pct: vol,
    }
}

/// spec: 02-11.4/1, 02-11.4/2
#[test]
fn a_cap_is_breached_at_its_limit_and_not_before() {
    let rows = [
        (params(100.0, 0.0, 0.0), -99.99, 1e9, None),
        (params(100.0, 0.0, 0.0), -100.0, 0.0, Some(Cap::Pnl)),
        (params(0.0, 1_000.0, 0.0), -1e9, 999.99, None),
        (params(0.0, 1_000.0, 0.0), 0.0, 1_000.0, Some(Cap::Turnover)),
        (params(100.0, 1_000.0, 0.0), -200.0, 2_000.0, Some(Cap::Pnl)),
        (params(0.0, 0.0, 0.0), -1e12, 1e12, None),
    ];
    for (p, net, turnover, cap) in rows {
        let mut caps = IntradayCaps::new(1);
        let event = caps.update(&p, net, turnover, at(1));
        assert_eq!(event, cap.map(CapsEvent::Block), "{p:?} {net} {turnover}");
        assert_eq!(caps.is_breached(), cap.is_some());
        for intent in Intent::ALL {
            let passes = cap.is_none() || intent != Intent::Expand;
            assert_eq!(caps.allows(intent), passes);
        }
    }
}

/// spec: 02-11.4
#[test]
fn a_recovered_result_does_not_lift_the_latch_but_the_next_day_does() {
    let p = params(100.0, 0.0, 0.0);
    let mut caps = IntradayCaps::new(0);
    assert_eq!(
        caps.update(&p, -100.0, 0.0, at(10)),
        Some(CapsEvent::Block(Cap::Pnl))
    );
    assert_eq!(caps.update(&p, 500.0, 0.0, at(20)), None);
    assert!(caps.is_breached());
    assert_eq!(caps.update(&p, -90.0, 0.0, at(DAY_S).plus_ns(-1)), None);
    assert_eq!(
        caps.update(&p, -90.0, 0.0, at(DAY_S)),
        Some(CapsEvent::Resume)
    );
    assert_eq!(caps.gauges().pnl_usd, 0.0, "the day starts at -90");
    assert_eq!(caps.update(&p, -189.9, 0.0, at(DAY_S + 1)), None);
    let again = caps.update(&p, -190.0, 0.0, at(DAY_S + 2));
    assert_eq!(again, Some(CapsEvent::Block(Cap::Pnl)));
    assert_eq!(caps.gauges().breach_total, 2);
}

/// spec: 02-11.4
#[test]
fn a_raised_limit_lifts_the_latch_and_a_lowered_one_does_not() {
    let mut caps = IntradayCaps::new(0);
    let mut step = |stop, net| {
        let event = caps.update(&params(stop, 0.0, 0.0), net, 0.0, at(1));
        (event.map(CapsEvent::name), caps.gauges().latched_at[0])
    };
    assert_eq!(step(100.0, -120.0), (Some("block"), Some(100.0)));
    assert_eq!(step(50.0, 0.0), (None, Some(100.0)), "lowered");
    assert_eq!(step(100.0, 0.0), (None, Some(100.0)), "back where it was");
    assert_eq!(
        step(110.0, -120.0),
        (None, Some(110.0)),
        "raised, not enough"
    );
    assert_eq!(step(130.0, -120.0), (Some("resume"), None));
    assert_eq!(step(130.0, -130.0), (Some("block"), Some(130.0)));
    assert_eq!(
        step(0.0, -130.0),
        (Some("resume"), None),
        "off is the highest limit"
    );
}

/// spec: 02-11.4
#[test]
fn one_latch_holds_while_the_other_is_lifted() {
    let mut caps = IntradayCaps::new(0);
    caps.update(&params(100.0, 1_000.0, 0.0), -100.0, 1_000.0, at(1));
    assert_eq!(
        caps.update(&params(200.0, 1_000.0, 0.0), -100.0, 1_000.0, at(2)),
        None
    );
    assert!(caps.is_breached(), "turnover");
    let event = caps.update(&params(200.0, 2_000.0, 0.0), -100.0, 1_000.0, at(3));
    assert_eq!(event, Some(CapsEvent::Resume));
}

/// spec: 02-11.4/3, 02-D13
#[test]
fn volatility_is_the_root_of_the_squared_minute_returns_of_the_day() {
    let p = params(0.0, 0.0, 2.0);
    let mut caps = IntradayCaps::new(2);
    let mids = [[100.0, 50.0], [101.0, 50.0], [100.0, 50.1], [101.0, 50.0]];
    for (minute, mids) in (0i64..).zip(mids) {
        let mids = mids.map(Some);
        caps.on_minute(&mids, at(minute * 60));
        // a second look at the same minute counts nothing
        caps.on_minute(&[Some(1.0), Some(1.0)], at(minute * 60 + 59));
    }
    let r = libm::log(1.01);
    let expected = 100.0 * libm::sqrt(3.0 * r * r);
    assert!((caps.gauges().vol_pct - expected).abs() < 1e-9);
    assert_eq!(caps.update(&p, 0.0, 0.0, at(181)), None, "{expected}");
    caps.on_minute(&[Some(99.0), None], at(240));
    assert_eq!(
        caps.update(&p, 0.0, 0.0, at(241)),
        Some(CapsEvent::Block(Cap::Vol))
    );
}

/// spec: 02-11.4/3
#[test]
fn the_return_over_midnight_belongs_to_no_day_and_bad_mids_to_none() {
    let mut caps = IntradayCaps::new(1);
    caps.on_minute(&[Some(100.0)], at(DAY_S - 60));
    caps.on_minute(&[Some(200.0)], at(DAY_S));
    assert_eq!(caps.gauges().vol_pct, 0.0);
    for (minute, mid) in [
        (1, Some(f64::NAN)),
        (2, Some(0.0)),
        (3, Some(-1.0)),
        (4, None),
    ] {
        caps.on_minute(&[mid], at(DAY_S + minute * 60));
    }
    caps.on_minute(&[Some(202.0)], at(DAY_S + 300));
    let expected = 100.0 * libm::log(1.01);
    assert!((caps.gauges().vol_pct - expected).abs() < 1e-9);
}

/// spec: 02-11.4
#[test]
fn yesterdays_volatility_does_not_block_today() {
    let p = params(0.0, 0.0, 1.0);
    let mut caps = IntradayCaps::new(1);
    caps.on_minute(&[Some(100.0)], at(0));
    caps.on_minute(&[Some(110.0)], at(60));
    assert_eq!(
        caps.update(&p, 0.0, 0.0, at(60)),
        Some(CapsEvent::Block(Cap::Vol))
    );
    // the update of midnight may come before its mids
    assert_eq!(
        caps.update(&p, 0.0, 0.0, at(DAY_S)),
        Some(CapsEvent::Resume)
    );
    caps.on_minute(&[Some(120.0)], at(DAY_S));
    assert_eq!(caps.update(&p, 0.0, 0.0, at(DAY_S + 1)), None);
}

/// spec: 02-11.4
#[test]
fn a_restart_counts_on_from_the_day_so_far_and_keeps_the_latch() {
    let p = params(100.0, 1_000.0, 5.0);
    let mut caps = IntradayCaps::new(2);
    caps.restore(&DayTotals {
        utc_day: 1,
        pnl_usd: -60.0,
        turnover_usd: 900.0,
        sum_sq_returns: vec![0.0001, f64::NAN],
        latched_at: [None; 3],
    });
    assert_eq!(caps.update(&p, -39.0, 50.0, at(DAY_S + 5)), None);
    let gauges = caps.gauges();
    assert_eq!((gauges.pnl_usd, gauges.turnover_usd), (-99.0, 950.0));
    assert!((gauges.vol_pct - 1.0).abs() < 1e-12);
    let event = caps.update(&p, -40.0, 50.0, at(DAY_S + 6));
    assert_eq!(event, Some(CapsEvent::Block(Cap::Pnl)));

    let totals = DayTotals {
        utc_day: 1,
        pnl_usd: 10.0,
        turnover_usd: 0.0,
        sum_sq_returns: caps.sum_sq_returns().collect(),
        latched_at: caps.gauges().latched_at,
    };
    let mut restarted = IntradayCaps::new(2);
    restarted.restore(&totals);
    assert!(restarted.is_breached());
    assert_eq!(restarted.update(&p, 0.0, 0.0, at(DAY_S + 60)), None);
    assert!(restarted.is_breached(), "a restart lifts no stop");
    let mut later = IntradayCaps::new(2);
    later.restore(&totals);
    let event = later.update(&p, 0.0, 0.0, at(2 * DAY_S + 60));
    assert_eq!(event, Some(CapsEvent::Resume), "totals of another day");
    assert_eq!(later.gauges().pnl_usd, 0.0);
}

#[test]
fn numbers_that_are_not_finite_keep_the_last_ones_and_time_does_not_go_back() {
    let p = params(100.0, 0.0, 0.0);
    let mut caps = IntradayCaps::new(0);
    caps.update(&p, -50.0, 10.0, at(DAY_S));
    caps.update(&p, f64::NAN, f64::INFINITY, at(0));
    let gauges = caps.gauges();
    assert_eq!((gauges.pnl_usd, gauges.turnover_usd), (-50.0, 10.0));
    assert!(!gauges.breached);
}

proptest! {
    /// spec: 02-11.4
    #[test]
    fn blocking_is_that_of_the_worst_moment_of_the_day(
        steps in prop::collection::vec((0i64..20_000, -60i32..60, 0u32..300), 1..80),
    ) {
        let p = params(100.0, 2_000.0, 0.0);
        let mut caps = IntradayCaps::new(0);
        let (mut now, mut net, mut turnover) = (0i64, 0.0f64, 0.0f64);
        let (mut day, mut start, mut latched, mut was) = (0i64, (0.0, 0.0), false, false);
        let mut blocks = 0u64;
        for (wait, change, traded) in steps {
            now += wait;
            net += f64::from(change);
            turnover += f64::from(traded);
            if now / DAY_S != day {
                (day, start, latched) = (now / DAY_S, (net, turnover), false);
            }
            latched |= net - start.0 <= -100.0 || turnover - start.1 >= 2_000.0;
            blocks += u64::from(latched && !was);
            let event = caps.update(&p, net, turnover, at(now)).map(CapsEvent::name);
            let expected = match (was, latched) {
                (false, true) => Some("block"),
                (true, false) => Some("resume"),
                _ => None,
            };
            prop_assert_eq!(event, expected);
            prop_assert_eq!(caps.is_breached(), latched);
            prop_assert_eq!(caps.gauges().breach_total, blocks);
            was = latched;
        }
    }
}
