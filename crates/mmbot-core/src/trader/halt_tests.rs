//! Situations in which nothing may be quoted, targets from outside, and the decision grid.

use super::desk_tests::{Desk, at, causes, params};
use crate::session::{CallOutcome, Circuit, Holds, Lent, OutcomeCounts, Permit};
use crate::strategy::Quote;
use crate::trader::SeatPlace;
use mmbot_types::{
    Action, ActionBuf, BlockDetail, Cadence, Cause, PriceTick, QtyLot, QuoterKind, RejectReason,
    ReportKind, Side,
};

/// spec: 02-2/4, 01-8.1/6, 01-8.1/7
#[test]
fn an_unusable_book_takes_all_orders_out() {
    let mut desk = Desk::new(params());
    desk.settle();
    desk.now_ms = 500;
    desk.market.gap();
    let actions = desk.decide();
    assert_eq!(causes(&actions), [Cause::StaleBook; 2]);
    assert!(desk.decide().is_empty());
    assert_eq!(desk.count(BlockDetail::StaleBook), 2);
    desk.confirm(&actions);
    desk.now_ms = 600;
    desk.book(99_999, 100_001);
    assert_eq!(desk.settle().len(), 2);
    desk.now_ms = 2_601;
    assert_eq!(
        causes(&desk.decide()),
        [Cause::StaleBook; 2],
        "silent for two seconds"
    );
}

/// spec: 02-2/3
#[test]
fn an_adverse_book_takes_the_near_orders_of_its_side_and_places_none() {
    let mut desk = Desk::new(params());
    desk.settle();
    desk.now_ms = 100;
    desk.sizes(99_999, 90, 100_001, 10);
    let actions = desk.decide();
    assert_eq!(causes(&actions), [Cause::Adverse]);
    assert_eq!(desk.count(BlockDetail::Adverse), 1);
    desk.confirm(&actions);
    desk.now_ms = 200;
    desk.book(99_999, 100_001);
    assert!(desk.decide().is_empty(), "the pause of 300 ms");
    desk.now_ms = 400;
    assert_eq!(causes(&desk.decide()), [Cause::Quote]);
}

/// spec: 02-5.3/1
#[test]
fn a_stop_cancels_what_it_can_at_once_and_the_rest_as_soon_as_it_rests() {
    let mut desk = Desk::new(params());
    let first = desk.decide();
    desk.report(first[0].0.cid(), ReportKind::Accepted);
    let mut out = ActionBuf::new();
    desk.trader.stop(at(1), &mut out);
    assert_eq!(
        out.as_slice(),
        [(
            Action::Cancel {
                cid: first[0].0.cid()
            },
            Cause::Kill
        )]
    );
    let late = desk.report(first[1].0.cid(), ReportKind::Accepted);
    assert_eq!(
        late,
        [(
            Action::Cancel {
                cid: first[1].0.cid()
            },
            Cause::Kill
        )]
    );
    desk.confirm(out.as_slice());
    desk.confirm(&late);
    desk.now_ms = 200;
    assert!(desk.decide().is_empty());
    assert_eq!(desk.count(BlockDetail::Kill), 1);
    assert_eq!(desk.trader.open_orders().count(), 0);
    desk.trader.resume();
    assert_eq!(desk.decide().len(), 2);
}

/// spec: 09-1
#[test]
fn orders_that_are_kept_stay_whatever_happens_until_it_quotes_again() {
    let mut desk = Desk::new(params());
    let first = desk.decide();
    desk.report(first[0].0.cid(), ReportKind::Accepted);
    desk.trader.keep_orders();
    assert!(desk.trader.is_stopped());
    let late = desk.report(first[1].0.cid(), ReportKind::Accepted);
    assert!(
        late.is_empty(),
        "not even one that rests only now is asked for"
    );
    desk.now_ms = 500;
    desk.market.gap();
    assert!(desk.decide().is_empty(), "the book is unusable");
    desk.now_ms = 60_000;
    desk.book(99_900, 99_902);
    assert!(desk.decide().is_empty(), "old, and far from the market");
    assert_eq!(desk.trader.open_orders().count(), 2);
    desk.trader.resume();
    assert!(!desk.trader.is_stopped());
    assert!(!desk.decide().is_empty());
    let mut out = ActionBuf::new();
    desk.trader.keep_orders();
    desk.trader.stop(at(60_001), &mut out);
    assert!(!out.as_slice().is_empty(), "a stop is a stop");
}

/// spec: 02-5.3/1 02-5.3/2 02-5.3/3
#[test]
fn a_hold_of_the_session_takes_all_orders_out_and_counts_its_own_reason() {
    for (hold, detail, cause) in [
        (Holds::KILL, BlockDetail::Kill, Cause::Kill),
        (
            Holds::RISK_PAUSED,
            BlockDetail::RiskPaused,
            Cause::RiskPause,
        ),
        (
            Holds::GUARD_PAUSED,
            BlockDetail::GuardPaused,
            Cause::GuardPause,
        ),
        (
            Holds::SCHEDULER_CLOSED,
            BlockDetail::SchedulerClosed,
            Cause::ScheduleClosed,
        ),
    ] {
        let mut desk = Desk::new(params());
        desk.settle();
        let mut permit = *desk.trader.permit();
        permit.holds.set(hold, true);
        assert!(desk.trader.set_permit(&permit), "tighter: decide at once");
        let actions = desk.decide();
        assert_eq!(causes(&actions), [cause; 2]);
        desk.confirm(&actions);
        assert!(desk.decide().is_empty());
        assert_eq!(desk.count(detail), 2);
        permit.holds = Holds::NONE;
        desk.trader.set_permit(&permit);
        assert_eq!(desk.decide().len(), 2, "and quotes come back");
    }
}

/// spec: 02-11.3 02-11.4
#[test]
fn while_only_reducing_is_allowed_expanding_orders_go_and_reducing_ones_shrink() {
    let mut p = params();
    p.quote.levels_per_side = 2;
    let mut desk = Desk::new(p);
    let first = desk.settle();
    desk.fill(first[0].0.cid(), 99_980, 30, 30);
    let mut permit = *desk.trader.permit();
    permit.holds.set(Holds::REDUCE_ONLY, true);
    desk.trader.set_permit(&permit);
    let actions = desk.settle();
    let gone = causes(&actions)
        .iter()
        .filter(|cause| **cause == Cause::ReduceOnly)
        .count();
    assert_eq!(
        gone, 4,
        "50 lots a level are more than the 30 held: {actions:?}"
    );
    let quotes = desk.settle();
    assert_eq!(quotes.len(), 1, "one ask of what is held");
    let Action::Place(order) = quotes[0].0 else {
        panic!("{quotes:?}");
    };
    assert_eq!((order.side, order.qty), (Side::Sell, QtyLot::new(30)));
    assert!(desk.count(BlockDetail::ReduceOnly) > 0);
    desk.fill(order.cid, 100_020, 30, 30);
    assert_eq!(desk.trader.position(), QtyLot::ZERO);
    assert!(desk.decide().is_empty(), "nothing is left to reduce");
}

/// spec: 02-5.3/8 02-5.3/9 02-8.1
#[test]
fn what_was_lent_is_used_up_and_cancels_of_guards_need_none() {
    let mut desk = Desk::new(params());
    let mut permit = *desk.trader.permit();
    permit.lent = Lent {
        creates: 1,
        amends: 0,
        cancels: 0,
    };
    desk.trader.set_permit(&permit);
    assert_eq!(desk.settle().len(), 1, "one of two");
    assert_eq!(desk.count(BlockDetail::ThrottleBlock), 1);
    desk.now_ms = 500;
    desk.book(101_999, 102_001);
    assert!(desk.decide().is_empty(), "neither amend nor create");
    assert_eq!(desk.count(BlockDetail::ThrottleBlock), 3);
    permit.circuit = Circuit::Open;
    desk.trader.set_permit(&permit);
    desk.decide();
    assert_eq!(
        desk.count(BlockDetail::CircuitOpen),
        2,
        "asked before the windows"
    );
    desk.market.gap();
    assert_eq!(causes(&desk.decide()), [Cause::StaleBook]);
}

/// A trader of a session that may send one request as a probe, and its permit.
fn half_open() -> (Desk, Permit) {
    let mut desk = Desk::new(params());
    desk.trader.join_session(SeatPlace::ALONE);
    let mut permit = Permit::alone(1_000.0, f64::INFINITY, 0.0);
    permit.circuit = Circuit::Probe;
    desk.trader.set_permit(&permit);
    (desk, permit)
}

/// spec: 02-10.1
#[test]
fn a_half_open_circuit_lets_one_request_probe() {
    let (mut desk, mut permit) = half_open();
    let sent = desk.decide();
    assert_eq!(sent.len(), 1);
    assert!(desk.trader.is_probing());
    assert_eq!(desk.count(BlockDetail::CircuitOpen), 1);
    desk.report(
        sent[0].0.cid(),
        ReportKind::Rejected(RejectReason::RateLimit),
    );
    assert_eq!(
        desk.trader.since_mut().probe,
        Some(CallOutcome::RateLimited)
    );
    permit.circuit = Circuit::Closed;
    permit.backoff_until = at(200);
    desk.trader.set_permit(&permit);
    desk.now_ms = 199;
    assert!(desk.decide().is_empty());
    assert_eq!(desk.count(BlockDetail::Backoff), 2);
    desk.now_ms = 200;
    assert_eq!(desk.decide().len(), 2);
}

#[test]
fn a_request_that_the_session_kept_back_is_no_failure_of_the_venue() {
    let (mut desk, mut permit) = half_open();
    let sent = desk.decide();
    let kept_back = ReportKind::Rejected(RejectReason::NotSent);
    desk.report(sent[0].0.cid(), kept_back);
    assert!(desk.open(sent[0].0.cid()).is_none());
    // nobody has found out whether the venue is well
    let found = desk.trader.since_mut().take_results();
    assert_eq!(
        found,
        (OutcomeCounts::default(), Some(CallOutcome::OtherError))
    );
    permit.circuit = Circuit::Closed;
    desk.trader.set_permit(&permit);
    desk.now_ms = 500;
    for (action, _) in desk.decide() {
        desk.report(action.cid(), kept_back);
    }
    assert_eq!(
        desk.trader.since_mut().take_results().0,
        OutcomeCounts::default()
    );
    desk.now_ms = 1_000;
    assert_eq!(desk.decide().len(), 2, "wanted anew, without a back-off");
    assert_eq!(desk.count(BlockDetail::Backoff), 0);
}

#[test]
fn targets_from_outside_pass_the_same_guards() {
    let mut p = params();
    p.quote.kind = QuoterKind::External;
    let mut desk = Desk::new(p);
    let mut out = ActionBuf::new();
    let quote = |side, px, qty| Quote {
        side,
        px: PriceTick::new(px),
        qty: QtyLot::new(qty),
    };
    let quotes = [
        quote(Side::Buy, 100_500, 50),
        quote(Side::Buy, 99_000, 900),
        quote(Side::Sell, 100_010, 0),
        quote(Side::Sell, 100_020, 3000),
    ];
    assert!(desk.trader.wants_external());
    desk.trader
        .decide_with(at(0), &mut desk.market, &quotes, &mut out);
    let sent: Vec<(i64, i64)> = out
        .as_slice()
        .iter()
        .map(|(action, _)| match action {
            Action::Place(order) => (order.px.get(), order.qty.get()),
            _ => (0, 0),
        })
        .collect();
    // bounded a tick from the other side; the second bid gets what the budget leaves
    assert_eq!(sent, [(100_000, 50), (99_000, 50)]);
    assert_eq!(desk.count(BlockDetail::LimitPosition), 1);
    desk.confirm(out.as_slice());
    desk.fill(out.as_slice()[0].0.cid(), 100_000, 50, 50);
    assert_eq!(
        desk.trader.timer_due(),
        at(0),
        "the strategy is asked at once"
    );
}

#[test]
fn a_fixed_grid_keeps_its_origin_and_ignores_fills() {
    let mut p = params();
    p.quote.cadence = Cadence::FixedGrid { interval_ms: 100 };
    let mut desk = Desk::new(p);
    assert_eq!(
        (desk.trader.due(), desk.trader.timer_due()),
        (at(100), at(100))
    );
    desk.now_ms = 100;
    let first = desk.settle();
    assert_eq!(desk.trader.due(), at(200));
    let iterations = desk.trader.telemetry().blocks.total_iterations();
    desk.fill(first[0].0.cid(), 99_980, 1, 1);
    assert_eq!(
        desk.trader.telemetry().blocks.total_iterations(),
        iterations
    );
    desk.now_ms = 455;
    desk.decide();
    assert_eq!(desk.trader.due(), at(500));
    p.quote.cadence = Cadence::FixedGrid { interval_ms: 50 };
    desk.trader.apply_params(at(460), p).unwrap();
    assert_eq!(desk.trader.due(), at(510));
}

/// spec: 02-11.2
#[test]
fn while_paused_a_cancel_is_sent_again_when_it_was_refused_or_not_answered() {
    let mut desk = Desk::new(params());
    desk.trader.join_session(SeatPlace::ALONE);
    let mut permit = Permit::alone(2_000.0, f64::INFINITY, 10_000.0);
    desk.trader.set_permit(&permit);
    desk.settle();
    permit.holds.set(Holds::GUARD_PAUSED, true);
    desk.trader.set_permit(&permit);
    let first = desk.decide();
    assert_eq!(causes(&first), [Cause::GuardPause; 2]);
    assert_eq!(desk.trader.telemetry().guard_cancels, 2);
    let (refused, lost) = (first[0].0.cid(), first[1].0.cid());
    desk.report(refused, ReportKind::CancelRejected(RejectReason::RateLimit));
    let mut sent_at = Vec::new();
    for ms in (100..7_000).step_by(100) {
        desk.now_ms = ms;
        desk.book(99_999, 100_001);
        for (action, _) in desk.decide() {
            sent_at.push((action.cid() == lost, ms));
        }
    }
    let of = |is_lost| -> Vec<i64> {
        let mine = sent_at.iter().filter(|sent| sent.0 == is_lost);
        mine.map(|sent| sent.1).collect()
    };
    assert_eq!(of(false), [100, 3_100, 6_100], "at the next decision");
    assert_eq!(of(true), [3_000, 6_000], "as soon as it is given up");
}
