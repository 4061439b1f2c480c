//! Old and left-behind orders, and answers that never come.

use super::desk_tests::{Desk, at, causes, params, price};
use mmbot_types::{Action, BlockDetail, Cause, RejectReason, ReportKind};

/// spec: 02-9/1
#[test]
fn an_order_lives_no_longer_than_its_time() {
    let mut p = params();
    p.anti_stale.enabled = true;
    let mut desk = Desk::new(p);
    desk.settle();
    desk.now_ms = 800;
    assert!(desk.decide().is_empty(), "exactly 800 ms is not too old");
    desk.now_ms = 801;
    let actions = desk.decide();
    assert_eq!(causes(&actions), [Cause::TtlExpired; 2]);
    assert_eq!(desk.trader.telemetry().ttl_cancels, 2);
    desk.now_ms = 900;
    assert!(
        desk.decide().is_empty(),
        "their targets wait for the cancels"
    );
    desk.confirm(&actions);
    assert_eq!(desk.decide().len(), 2);
}

/// spec: 02-9/2, 02-D4
#[test]
fn a_market_that_drifts_away_takes_the_order_along() {
    let mut p = params();
    p.anti_stale.enabled = true;
    p.replace.min_interval_ms = 0;
    let mut desk = Desk::new(p);
    desk.settle();
    desk.now_ms = 100;
    // 2.1 bps: more than the drift, less than the replace threshold, younger than min_time_in_book
    desk.book(100_020, 100_022);
    let actions = desk.decide();
    assert_eq!(causes(&actions), [Cause::PriceDrift; 2]);
    assert!(
        actions.iter().any(|a| price(&a.0) == 100_000),
        "{actions:?}"
    );
    assert_eq!(desk.trader.telemetry().drift_refreshes, 2);
    // a refresh that the venue refuses ends in a cancel
    let cid = actions[0].0.cid();
    let kind = ReportKind::AmendRejected(RejectReason::RateLimit);
    assert_eq!(
        desk.report(cid, kind),
        [(Action::Cancel { cid }, Cause::PriceDrift)]
    );
    desk.confirm(&actions[1..]);
    desk.now_ms = 200;
    desk.book(100_020, 100_022);
    assert!(
        desk.decide().is_empty(),
        "the drift is measured from the refresh"
    );
}

/// spec: 02-9
#[test]
fn a_disabled_guard_leaves_orders_of_any_age_and_drift() {
    let mut p = params();
    p.replace.replace_threshold_bps = 1_000.0;
    let mut desk = Desk::new(p);
    desk.settle();
    for (ms, mid) in [(801, 100_000), (60_000, 100_000), (900_000, 100_500)] {
        desk.now_ms = ms;
        desk.book(mid - 1, mid + 1);
        assert!(desk.decide().is_empty(), "{ms} {mid}");
    }
    p.anti_stale.enabled = true;
    desk.trader.apply_params(at(900_000), p).unwrap();
    assert_eq!(causes(&desk.decide()), [Cause::TtlExpired; 2]);
}

/// spec: 02-9/1, 02-9/2
#[test]
fn age_is_judged_before_drift_and_a_drifted_order_without_target_is_cancelled() {
    let mut p = params();
    p.anti_stale.enabled = true;
    p.quote.levels_per_side = 2;
    let mut desk = Desk::new(p);
    desk.settle();
    p.quote.levels_per_side = 1;
    desk.trader.apply_params(at(0), p).unwrap();
    desk.now_ms = 100;
    desk.book(100_020, 100_022);
    let actions = desk.decide();
    let cancelled = |action: &&(Action, Cause)| matches!(action.0, Action::Cancel { .. });
    let gone: Vec<_> = actions.iter().filter(cancelled).copied().collect();
    assert_eq!(causes(&gone), [Cause::PriceDrift; 2], "{actions:?}");
    assert_eq!(desk.trader.telemetry().drift_cancels, 2);
    let mut desk = Desk::new(p);
    desk.settle();
    desk.now_ms = 801;
    desk.book(100_020, 100_022);
    assert_eq!(causes(&desk.decide()), [Cause::TtlExpired; 2]);
    assert_eq!(desk.trader.telemetry().drift_cancels, 0);
}

/// spec: 02-9, 01-8.1/7
#[test]
fn without_a_synchronised_book_an_order_is_not_refreshed_but_cancelled() {
    let mut p = params();
    p.anti_stale.enabled = true;
    let mut desk = Desk::new(p);
    desk.settle();
    desk.now_ms = 801;
    desk.market.gap();
    assert_eq!(causes(&desk.decide()), [Cause::StaleBook; 2]);
    assert_eq!(desk.trader.telemetry().ttl_cancels, 0);
}

/// spec: 02-9
#[test]
fn a_refresh_obeys_the_throttle() {
    let mut p = params();
    p.anti_stale.enabled = true;
    p.replace.max_concurrent = 1.0;
    let mut desk = Desk::new(p);
    desk.settle();
    desk.now_ms = 100;
    desk.book(100_020, 100_022);
    assert_eq!(desk.decide().len(), 1);
    assert_eq!(desk.count(BlockDetail::InFlight), 1);
}

/// spec: 02-7.2 02-7.3
#[test]
fn the_oldest_orders_off_their_target_go_in_a_batch() {
    let mut p = params();
    p.quote.levels_per_side = 3;
    p.tail.tail_age_ms = 800;
    p.tail.max_batch = 2;
    let mut desk = Desk::new(p);
    let first = desk.settle();
    desk.now_ms = 900;
    assert!(desk.decide().is_empty(), "old, but on target");
    // one bps: no replace
    desk.book(100_009, 100_011);
    let actions = desk.decide();
    assert_eq!(causes(&actions), [Cause::TailAge; 2]);
    let oldest: Vec<_> = first[..2].iter().map(|a| a.0.cid()).collect();
    assert_eq!(
        actions.iter().map(|a| a.0.cid()).collect::<Vec<_>>(),
        oldest
    );
    assert_eq!(desk.trader.telemetry().batch_cancels, 1);
}

/// spec: 02-7.2
#[test]
fn jitter_spreads_the_tail_and_is_the_same_in_every_run() {
    let gone = |seed| {
        let mut p = params();
        p.quote.levels_per_side = 3;
        p.tail.tail_age_ms = 800;
        p.tail.jitter_ms = 1_000;
        p.seed = seed;
        let mut desk = Desk::new(p);
        desk.settle();
        desk.now_ms = 1_300;
        desk.book(100_009, 100_011);
        desk.decide().iter().map(|a| a.0.cid()).collect::<Vec<_>>()
    };
    assert_eq!(gone(1), gone(1));
    assert!((0..20).any(|seed| gone(seed) != gone(1)));
    assert!((0..20).any(|seed| !gone(seed).is_empty() && gone(seed).len() < 6));
}

/// spec: 02-12/2, 02-11.1/1
#[test]
fn a_request_without_an_answer_leaves_the_order_unknown_and_exposed() {
    let mut desk = Desk::new(params());
    let first = desk.decide();
    desk.now_ms = 2_999;
    desk.book(99_999, 100_001);
    assert!(desk.decide().is_empty());
    desk.now_ms = 3_000;
    assert!(desk.decide().is_empty(), "an unknown order keeps its place");
    assert_eq!(desk.trader.telemetry().timeouts, 2);
    assert!(
        desk.trader
            .open_orders()
            .all(|order| order.state == "Unknown")
    );
    let cid = first[0].0.cid();
    desk.report(cid, ReportKind::Accepted);
    assert_eq!(desk.open(cid).unwrap().state, "Live");
    let mut out = mmbot_types::ActionBuf::new();
    desk.trader.stop(at(6_000), &mut out);
    assert_eq!(
        out.as_slice().len(),
        2,
        "an unknown order is cancelled, too"
    );
}

/// spec: 02-7.1
#[test]
fn a_replace_without_an_answer_is_no_longer_in_flight() {
    let mut p = params();
    p.replace.max_concurrent = 1.0;
    let mut desk = Desk::new(p);
    desk.settle();
    desk.now_ms = 500;
    desk.book(101_999, 102_001);
    assert_eq!(desk.decide().len(), 1);
    desk.now_ms = 3_499;
    desk.book(101_999, 102_001);
    assert!(desk.decide().is_empty());
    desk.now_ms = 3_500;
    assert_eq!(desk.decide().len(), 1, "the other side's turn");
}
