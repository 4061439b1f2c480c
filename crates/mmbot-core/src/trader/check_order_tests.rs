//! All checks refuse at once, and one after the other stops refusing: each time the first that is
//! left is counted, and nothing else. Then: which checks cancels skip, and what is no block.

use super::desk_tests::{Desk, at, causes, params};
use crate::order::OrderEvent;
use crate::session::{Circuit, Holds, Lent, Permit, QuoteBudget};
use crate::strategy::Quote;
use crate::trader::SeatPlace;
use mmbot_types::{
    Action, ActionBuf, BlockDetail, Cause, Op, Params, PriceTick, QtyLot, QuoterKind, Side,
};

/// What refuses the second bid, in the order of the checks, and how it stops refusing.
type Row = (BlockDetail, fn(&mut Params, &mut Permit));

#[rustfmt::skip]
const NEW_ORDER: [Row; 17] = [
    (BlockDetail::Kill, |_, p| lift(p, Holds::KILL)),
    (BlockDetail::NotLeader, |_, p| lift(p, Holds::NOT_LEADER)),
    (BlockDetail::RiskPaused, |_, p| lift(p, Holds::RISK_PAUSED)),
    (BlockDetail::GuardPaused, |_, p| lift(p, Holds::GUARD_PAUSED)),
    (BlockDetail::SchedulerClosed, |_, p| lift(p, Holds::SCHEDULER_CLOSED)),
    (BlockDetail::IntradayCaps, |_, p| lift(p, Holds::INTRADAY_CAPS)),
    (BlockDetail::PosSkew, |_, p| lift(p, Holds::POS_SKEW)),
    (BlockDetail::ReduceOnly, |_, p| lift(p, Holds::REDUCE_ONLY)),
    (BlockDetail::LimitPosition, |q, _| q.risk.max_position_usd = 1e9),
    (BlockDetail::LimitGrossExposure, |_, p| p.gross_cap_usd = f64::INFINITY),
    (BlockDetail::LimitOrderNotional, |q, _| q.risk.max_order_notional_usd = 0.0),
    (BlockDetail::LimitActiveOrders, |q, _| q.risk.max_active_per_side = 10),
    (BlockDetail::PortfolioLevels, |_, p| budget(p, 9, 1.0)),
    (BlockDetail::PortfolioBudget, |_, p| budget(p, 9, 1e6)),
    (BlockDetail::CircuitOpen, |_, p| p.circuit = Circuit::Closed),
    (BlockDetail::ThrottleBlock, |_, p| p.lent = Lent::UNLIMITED),
    (BlockDetail::Backoff, |_, p| p.backoff_until = at(0)),
];

const ALL_HOLDS: [Holds; 8] = [
    Holds::KILL,
    Holds::NOT_LEADER,
    Holds::RISK_PAUSED,
    Holds::GUARD_PAUSED,
    Holds::SCHEDULER_CLOSED,
    Holds::INTRADAY_CAPS,
    Holds::POS_SKEW,
    Holds::REDUCE_ONLY,
];

fn lift(permit: &mut Permit, gone: Holds) {
    let before = permit.holds;
    permit.holds = Holds::NONE;
    for hold in ALL_HOLDS {
        permit.holds.set(hold, before.has(hold) && hold != gone);
    }
}

fn budget(permit: &mut Permit, levels_max: u32, target_usd: f64) {
    permit.budget = Some(QuoteBudget {
        target_usd,
        levels_max,
        side_mult: [1.0; 2],
    });
}

fn bids(prices: &[i64]) -> Vec<Quote> {
    let bid = |px: &i64| Quote {
        side: Side::Buy,
        px: PriceTick::new(*px),
        qty: QtyLot::new(50),
    };
    prices.iter().map(bid).collect()
}

fn external() -> Params {
    let mut params = params();
    params.quote.kind = QuoterKind::External;
    params
}

fn decide(desk: &mut Desk, quotes: &[Quote]) -> Vec<(Action, Cause)> {
    let mut out = ActionBuf::new();
    desk.trader
        .decide_with(at(desk.now_ms), &mut desk.market, quotes, &mut out);
    out.as_slice().to_vec()
}

fn counts(desk: &Desk) -> Vec<(BlockDetail, u64)> {
    let count = |detail: &BlockDetail| (*detail, desk.count(*detail));
    BlockDetail::ALL.iter().map(count).collect()
}

/// What was counted since `before`.
fn counted(desk: &Desk, before: &[(BlockDetail, u64)]) -> Vec<(BlockDetail, u64)> {
    let grown = |((detail, now), (_, then)): ((BlockDetail, u64), &(BlockDetail, u64))| {
        (now > *then).then_some((detail, now - then))
    };
    counts(desk)
        .into_iter()
        .zip(before)
        .filter_map(grown)
        .collect()
}

/// spec: 02-5.3, 02-5.3/1, 02-5.3/2, 02-5.3/3, 02-5.3/4, 02-5.3/5, 02-5.3/6, 02-5.3/7, 02-5.3/8
/// spec: 02-5.3/9, 02-6
#[test]
fn of_all_refusals_at_once_the_first_check_is_counted_once() {
    let mut params = external();
    let mut desk = Desk::new(params);
    let resting = decide(&mut desk, &bids(&[99_000]));
    desk.confirm(&resting);
    params.risk.max_position_usd = 1.0;
    params.risk.max_order_notional_usd = 1.0;
    params.risk.max_active_per_side = 1;
    let mut permit = *desk.trader.permit();
    for hold in ALL_HOLDS {
        permit.holds.set(hold, true);
    }
    permit.gross_cap_usd = 1.0;
    budget(&mut permit, 1, 1.0);
    permit.circuit = Circuit::Open;
    permit.lent = Lent {
        creates: 0,
        amends: 0,
        cancels: 0,
    };
    permit.backoff_until = at(1_000_000);
    for (detail, stop_refusing) in NEW_ORDER {
        desk.trader.apply_params(at(0), params).unwrap();
        desk.trader.set_permit(&permit);
        let before = counts(&desk);
        // the resting order leaves with the first hold; unanswered, it still counts as open
        let actions = decide(&mut desk, &bids(&[99_000, 98_000]));
        let places = |action: &(Action, Cause)| matches!(action.0, Action::Place(_));
        assert!(!actions.iter().any(places), "{detail:?}: {actions:?}");
        assert_eq!(counted(&desk, &before), [(detail, 1)]);
        stop_refusing(&mut params, &mut permit);
    }
    desk.trader.apply_params(at(0), params).unwrap();
    desk.trader.set_permit(&permit);
    let before = counts(&desk);
    let actions = decide(&mut desk, &bids(&[99_000, 98_000]));
    assert_eq!(causes(&actions), [Cause::Quote]);
    assert_eq!(counted(&desk, &before), []);
}

/// spec: 02-5.3, 02-5.3/6, 02-5.3/8, 02-5.3/9, 02-5.3/10, 02-7.1
#[test]
fn a_replace_passes_the_same_checks_and_then_its_own() {
    let mut p = external();
    p.replace.min_time_in_book_ms = 0;
    let mut desk = Desk::new(p);
    let resting = decide(&mut desk, &bids(&[99_000, 98_000]));
    desk.confirm(&resting);
    // one replace is under way, has just been sent, and was the last of its minute
    let moved = decide(&mut desk, &bids(&[98_900, 98_000]));
    assert_eq!(causes(&moved), [Cause::Replace]);
    let mut permit = *desk.trader.permit();
    permit.circuit = Circuit::Open;
    permit.lent.amends = 0;
    permit.backoff_until = at(1_000_000);
    p.risk.max_position_usd = 1.0;
    p.replace.max_concurrent = 1.0;
    p.replace.min_interval_ms = 60;
    p.replace.replace_rate_per_min = 1;
    let rows: [Row; 7] = [
        (BlockDetail::LimitPosition, |q, _| {
            q.risk.max_position_usd = 1e9;
        }),
        (BlockDetail::CircuitOpen, |_, p| p.circuit = Circuit::Closed),
        (BlockDetail::ThrottleBlock, |_, p| p.lent = Lent::UNLIMITED),
        (BlockDetail::Backoff, |_, p| p.backoff_until = at(0)),
        (BlockDetail::InFlight, |q, _| q.replace.max_concurrent = 9.0),
        (BlockDetail::Interval, |q, _| q.replace.min_interval_ms = 0),
        (BlockDetail::RatePerMin, |q, _| {
            q.replace.replace_rate_per_min = 9;
        }),
    ];
    for (detail, stop_refusing) in rows {
        desk.trader.apply_params(at(0), p).unwrap();
        desk.trader.set_permit(&permit);
        let before = counts(&desk);
        assert!(decide(&mut desk, &bids(&[98_900, 97_900])).is_empty());
        assert_eq!(counted(&desk, &before), [(detail, 1)]);
        stop_refusing(&mut p, &mut permit);
    }
    desk.trader.apply_params(at(0), p).unwrap();
    desk.trader.set_permit(&permit);
    let replaced = decide(&mut desk, &bids(&[98_900, 97_900]));
    assert_eq!(causes(&replaced), [Cause::Replace]);
}

/// spec: 02-5.3, 02-8.1
#[test]
fn a_cancel_of_quoting_waits_for_its_window_alone_and_a_cancel_of_a_guard_for_nothing() {
    let mut desk = Desk::new(external());
    let resting = decide(&mut desk, &bids(&[99_000]));
    desk.confirm(&resting);
    desk.now_ms = 500;
    let mut permit = *desk.trader.permit();
    permit.circuit = Circuit::Open;
    permit.backoff_until = at(1_000_000);
    permit.gross_cap_usd = 1.0;
    permit.lent = Lent {
        creates: 0,
        amends: 0,
        cancels: 0,
    };
    desk.trader.set_permit(&permit);
    let before = counts(&desk);
    assert!(decide(&mut desk, &[]).is_empty());
    assert_eq!(counted(&desk, &before), [(BlockDetail::ThrottleBlock, 1)]);
    desk.market.gap();
    let gone = decide(&mut desk, &[]);
    assert_eq!(causes(&gone), [Cause::StaleBook]);
    let mut desk = Desk::new(external());
    let resting = decide(&mut desk, &bids(&[99_000]));
    desk.confirm(&resting);
    desk.now_ms = 500;
    permit.lent.cancels = 1;
    desk.trader.set_permit(&permit);
    assert_eq!(causes(&decide(&mut desk, &[])), [Cause::NoTarget]);
}

/// A desk whose book is lost, so that all its orders have been asked to go.
fn leaving() -> Desk {
    let mut desk = Desk::new(params());
    desk.trader.join_session(SeatPlace::ALONE);
    desk.trader
        .set_permit(&Permit::alone(1_000.0, f64::INFINITY, 0.0));
    desk.settle();
    desk.market.gap();
    let first = desk.decide();
    assert_eq!(causes(&first), [Cause::StaleBook; 2]);
    desk
}

/// spec: 02-5.3/11, 02-5.6
#[test]
fn a_cancel_that_was_sent_a_moment_ago_is_not_repeated_and_that_is_no_block() {
    let mut desk = leaving();
    let blocks = desk.trader.telemetry().blocks.total();
    for (ms, again) in [(1, true), (4_999, true), (5_000, false)] {
        for slot in desk.trader.orders.all_open() {
            let cancel = OrderEvent::CancelSent;
            assert_eq!(
                desk.trader.is_repetition(at(ms), slot, cancel),
                again,
                "{ms}"
            );
        }
    }
    assert_eq!(desk.trader.idempotency().hits(Op::Cancel), 4);
    assert_eq!(desk.trader.telemetry().blocks.total(), blocks);
}

/// spec: 02-11.2
#[test]
fn a_cancel_without_an_answer_is_asked_for_again_once_its_time_is_over() {
    let mut desk = leaving();
    for (ms, sent) in [(2_999, 0), (3_100, 2), (4_999, 0), (6_099, 0), (6_100, 2)] {
        desk.now_ms = ms;
        let blocks = desk.trader.telemetry().blocks.total();
        assert_eq!(desk.decide().len(), sent, "{ms}");
        let more = desk.trader.telemetry().blocks.total() - blocks;
        assert_eq!(more, 1, "the book, and not the repetition: {ms}");
    }
}
