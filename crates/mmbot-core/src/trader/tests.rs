//! Scripted situations of quoting: what is asked of the venue, why, and what is counted.

use super::desk_tests::{Desk, at, causes, params, price};
use crate::strategy::Quote;
use mmbot_types::{
    Action, ActionBuf, BlockDetail, BlockReason, Cause, Params, PriceTick, QtyLot, QuoterKind,
    RejectReason, ReplaceMode, ReportKind, Side,
};

/// spec: 02-5.2/4
#[test]
fn a_first_decision_quotes_both_sides_once() {
    let mut desk = Desk::new(params());
    let first = desk.decide();
    assert_eq!(
        first.iter().map(|a| price(&a.0)).collect::<Vec<_>>(),
        [99_980, 100_020]
    );
    assert_eq!(causes(&first), [Cause::Quote; 2]);
    desk.now_ms = 100;
    assert!(desk.decide().is_empty(), "both are on their way");
    desk.confirm(&first);
    desk.now_ms = 200;
    assert!(desk.decide().is_empty(), "both are where they should be");
    assert_eq!(desk.trader.telemetry().attempts, 2);
}

/// spec: 02-5.2/2, 02-5.2/3, 02-D1, 02-7.1/2
#[test]
fn an_order_is_amended_when_the_target_moved_far_enough_and_it_is_old_enough() {
    let mut desk = Desk::new(params());
    desk.settle();
    desk.now_ms = 400;
    desk.book(100_027, 100_029);
    assert!(
        desk.decide().is_empty(),
        "2.9 bps are below the threshold of 3"
    );
    desk.book(100_039, 100_041);
    assert!(desk.decide().is_empty(), "younger than 500 ms");
    assert_eq!(desk.count(BlockDetail::TimeInBook), 2);
    desk.now_ms = 500;
    let moved = desk.decide();
    assert_eq!(causes(&moved), [Cause::Replace]);
    assert_eq!(
        price(&moved[0].0),
        100_061,
        "the one that is farther off goes first"
    );
    assert_eq!(
        desk.count(BlockDetail::Interval),
        1,
        "60 ms between two replaces"
    );
    desk.now_ms = 560;
    assert_eq!(price(&desk.decide()[0].0), 100_019);
    desk.now_ms = 700;
    desk.confirm(&moved);
    assert_eq!(desk.trader.telemetry().replaces, 2);
    let blocks = &desk.trader.telemetry().blocks;
    assert_eq!(blocks.blocked_by(BlockReason::MinInterval), 2);
    assert_eq!(desk.trader.telemetry().attempts, 2 + 2 + blocks.total());
}

/// spec: 02-5.3/10, 02-7.1/1, 02-7.1/3
#[test]
fn concurrency_and_rate_refuse_in_their_order() {
    let mut p = params();
    p.replace.min_interval_ms = 0;
    p.replace.min_time_in_book_ms = 0;
    p.replace.max_concurrent = 1.0;
    p.replace.replace_rate_per_min = 2;
    let mut desk = Desk::new(p);
    desk.settle();
    desk.book(101_999, 102_001);
    let moved = desk.decide();
    assert_eq!(moved.len(), 1);
    assert_eq!(desk.count(BlockDetail::InFlight), 1);
    desk.confirm(&moved);
    let second = desk.settle();
    assert_eq!(second.len(), 1);
    desk.book(103_999, 104_001);
    assert!(desk.decide().is_empty());
    assert_eq!(desk.count(BlockDetail::RatePerMin), 2);
    assert_eq!(
        desk.trader
            .telemetry()
            .blocks
            .count_of(BlockReason::Throttle),
        2
    );
    desk.now_ms = 60_000;
    desk.book(103_999, 104_001);
    assert_eq!(desk.decide().len(), 1);
}

/// spec: 02-5.2/5
#[test]
fn without_amend_the_new_order_waits_for_the_end_of_the_old_one() {
    let mut p = params();
    p.replace.mode = ReplaceMode::CancelThenPlace;
    p.replace.min_interval_ms = 0;
    let mut desk = Desk::new(p);
    desk.settle();
    desk.now_ms = 500;
    desk.book(101_999, 102_001);
    let cancels = desk.decide();
    assert_eq!(causes(&cancels), [Cause::Replace; 2]);
    desk.now_ms = 600;
    assert!(desk.decide().is_empty());
    desk.confirm(&cancels);
    let placed = desk.decide();
    assert_eq!(causes(&placed), [Cause::Quote; 2]);
    assert_eq!(
        desk.trader.telemetry().replaces,
        2,
        "cancel and create count once"
    );
}

/// spec: 02-5.2
#[test]
fn cancel_and_place_sends_cancels_first() {
    let mut p = params();
    p.replace.mode = ReplaceMode::CancelAndPlace;
    p.replace.min_interval_ms = 0;
    let mut desk = Desk::new(p);
    desk.settle();
    desk.now_ms = 500;
    desk.book(101_999, 102_001);
    let actions = desk.decide();
    let kinds: Vec<bool> = actions
        .iter()
        .map(|a| matches!(a.0, Action::Cancel { .. }))
        .collect();
    assert_eq!(kinds, [true, true, false, false]);
    desk.now_ms = 600;
    assert!(desk.decide().is_empty());
}

/// spec: 02-5.2/5
#[test]
fn an_order_the_venue_will_not_amend_is_cancelled_and_created() {
    let mut desk = Desk::new(params());
    let first = desk.settle();
    desk.now_ms = 500;
    desk.book(101_999, 102_001);
    let moved = desk.decide();
    let cid = moved[0].0.cid();
    assert!(first.iter().any(|a| a.0.cid() == cid));
    desk.report(cid, ReportKind::AmendRejected(RejectReason::Filter));
    desk.now_ms = 1100;
    let next = desk.decide();
    assert!(
        next.contains(&(Action::Cancel { cid }, Cause::Replace)),
        "{next:?}"
    );
}

/// spec: 02-5.2/1
#[test]
fn a_level_that_is_no_longer_wanted_goes_when_it_is_old_enough() {
    let mut p = params();
    p.quote.levels_per_side = 2;
    let mut desk = Desk::new(p);
    desk.settle();
    p.quote.levels_per_side = 1;
    desk.trader.apply_params(at(0), p).unwrap();
    desk.now_ms = 100;
    assert!(desk.decide().is_empty());
    desk.now_ms = 500;
    let actions = desk.decide();
    let gone = causes(&actions)
        .iter()
        .filter(|c| **c == Cause::NoTarget)
        .count();
    assert_eq!(gone, 2);
}

/// spec: 02-5.4
#[test]
fn a_fill_leads_to_a_decision_at_once_and_never_frees_budget() {
    let mut desk = Desk::new(params());
    let first = desk.settle();
    desk.now_ms = 10;
    let cid = first[0].0.cid();
    let next = desk.fill(cid, 99_980, 40, 40);
    assert!(
        next.is_empty(),
        "60 lots rest, 40 are held: the budget is used: {next:?}"
    );
    assert_eq!(desk.trader.telemetry().blocks.total_iterations(), 2);
    assert_eq!(desk.trader.position(), QtyLot::new(40));
    let next = desk.fill(cid, 99_980, 60, 100);
    assert!(next.is_empty(), "{next:?}");
    assert_eq!(desk.count(BlockDetail::PortfolioBudget), 1);
    assert!(desk.open(cid).is_none());
    assert_eq!(desk.trader.telemetry().orders_with_fill, 1);
    assert_eq!(
        desk.trader.due(),
        at(110),
        "the next book decision counts from the fill"
    );
}

fn external() -> Params {
    let mut p = params();
    p.quote.kind = QuoterKind::External;
    p.replace.min_interval_ms = 0;
    p.replace.max_concurrent = 10.0;
    p
}

fn quotes(wanted: &[(Side, i64, i64)]) -> Vec<Quote> {
    let quote = |(side, px, qty): &(Side, i64, i64)| Quote {
        side: *side,
        px: PriceTick::new(*px),
        qty: QtyLot::new(*qty),
    };
    wanted.iter().map(quote).collect()
}

fn decide(desk: &mut Desk, wanted: &[(Side, i64, i64)]) -> Vec<(Action, Cause)> {
    let mut out = ActionBuf::new();
    let (now, wanted) = (at(desk.now_ms), quotes(wanted));
    desk.trader
        .decide_with(now, &mut desk.market, &wanted, &mut out);
    out.as_slice().to_vec()
}

/// spec: 02-5.2
#[test]
fn targets_and_orders_are_paired_from_the_touch_outward_whatever_their_order() {
    use Side::{Buy, Sell};
    let mut desk = Desk::new(external());
    let wanted = [
        (Buy, 99_000, 30),
        (Buy, 99_500, 30),
        (Sell, 101_000, 30),
        (Sell, 100_500, 30),
    ];
    let first = decide(&mut desk, &wanted);
    desk.confirm(&first);
    desk.now_ms = 500;
    let moved = [
        (Buy, 99_100, 30),
        (Buy, 99_600, 30),
        (Sell, 100_600, 30),
        (Sell, 101_100, 30),
    ];
    let amends = decide(&mut desk, &moved);
    assert_eq!(amends.len(), 4);
    for (action, _) in amends {
        let before = desk.open(action.cid()).unwrap().px.get();
        assert_eq!(price(&action), before + 100, "{action:?}");
    }
}

/// spec: 02-5.2, 02-5.2/1, 02-5.2/3, 02-5.2/4
#[test]
fn cancels_go_before_amends_and_amends_before_places() {
    use Side::{Buy, Sell};
    let mut desk = Desk::new(external());
    let first = decide(&mut desk, &[(Buy, 99_500, 30), (Buy, 99_000, 30)]);
    desk.confirm(&first);
    desk.now_ms = 500;
    let actions = decide(&mut desk, &[(Buy, 99_400, 30), (Sell, 101_000, 30)]);
    let kind = |action: &(Action, Cause)| match action.0 {
        Action::Cancel { .. } => "cancel",
        Action::Amend { .. } => "amend",
        Action::Place(_) => "place",
    };
    let kinds: Vec<_> = actions.iter().map(kind).collect();
    assert_eq!(kinds, ["cancel", "amend", "place"]);
    let expected = [Cause::NoTarget, Cause::Replace, Cause::Quote];
    assert_eq!(causes(&actions), expected);
}

/// spec: 02-5.2/2, 02-D1
#[test]
fn a_pair_is_kept_below_the_price_threshold_and_up_to_the_size_threshold() {
    // 3 bps of 100,000 are 30 ticks; a fifth of 50 lots are 10
    for (px, qty, kept) in [
        (100_000, 50, true),
        (99_971, 50, true),
        (99_970, 50, false),
        (100_000, 60, true),
        (100_000, 40, true),
        (100_000, 61, false),
        (100_000, 39, false),
        (99_971, 39, false),
    ] {
        let mut desk = Desk::new(external());
        desk.book(100_099, 100_101);
        let first = decide(&mut desk, &[(Side::Buy, 100_000, 50)]);
        desk.confirm(&first);
        desk.now_ms = 500;
        let actions = decide(&mut desk, &[(Side::Buy, px, qty)]);
        assert_eq!(actions.is_empty(), kept, "{px} {qty}: {actions:?}");
    }
}

/// spec: 02-5.2/1, 02-5.2/3
#[test]
fn an_order_is_old_enough_at_exactly_its_time_in_book() {
    for (ms, old_enough) in [(499, false), (500, true)] {
        for wanted in [&[(Side::Buy, 99_000, 50)][..], &[]] {
            let mut desk = Desk::new(external());
            let first = decide(&mut desk, &[(Side::Buy, 99_500, 50)]);
            desk.confirm(&first);
            desk.now_ms = ms;
            let actions = decide(&mut desk, wanted);
            assert_eq!(actions.len(), usize::from(old_enough), "{ms} {wanted:?}");
            let blocked = !old_enough && !wanted.is_empty();
            assert_eq!(desk.count(BlockDetail::TimeInBook), u64::from(blocked));
        }
    }
}

/// spec: 02-5.2/5
#[test]
fn only_an_amend_that_is_refused_as_such_becomes_a_cancel() {
    for (reason, falls_back) in [
        (RejectReason::Filter, true),
        (RejectReason::RateLimit, false),
    ] {
        let mut desk = Desk::new(external());
        let first = decide(&mut desk, &[(Side::Buy, 99_500, 50)]);
        desk.confirm(&first);
        let cid = first[0].0.cid();
        desk.now_ms = 500;
        assert_eq!(decide(&mut desk, &[(Side::Buy, 99_000, 50)]).len(), 1);
        desk.report(cid, ReportKind::AmendRejected(reason));
        desk.now_ms = 1_100;
        let next = decide(&mut desk, &[(Side::Buy, 99_000, 50)]);
        let cancels = next == [(Action::Cancel { cid }, Cause::Replace)];
        assert_eq!(cancels, falls_back, "{reason:?}: {next:?}");
    }
}
