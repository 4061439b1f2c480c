//! Old and left-behind orders, and answers that never come.

use super::desk_tests::{Desk, at, causes, params, price};
use mmbot_types::{Action, BlockDetail, Cause, RejectReason, ReportKind};

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
