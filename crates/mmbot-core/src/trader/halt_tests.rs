//! Situations in which nothing may be quoted, targets from outside, and the decision grid.

use super::desk_tests::{Desk, at, causes, params};
use crate::strategy::Quote;
use mmbot_types::{
    Action, ActionBuf, BlockDetail, Cadence, Cause, PriceTick, QtyLot, QuoterKind, ReportKind, Side,
};

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

#[test]
fn a_drawdown_pauses_and_a_larger_one_kills() {
    let mut p = params();
    p.risk.initial_equity_usd = 10_000.0;
    p.sizing.target_usd = 8_000.0;
    let mut desk = Desk::new(p);
    let first = desk.settle();
    desk.fill(first[0].0.cid(), 99_980, 800, 800);
    desk.now_ms = 500;
    // 800 lots of 10 USD lose 4%
    desk.book(95_999, 96_001);
    let actions = desk.decide();
    assert_eq!(causes(&actions), [Cause::RiskPause]);
    desk.confirm(&actions);
    assert_eq!(desk.count(BlockDetail::RiskPaused), 1);
    desk.now_ms = 600;
    desk.book(92_999, 93_001);
    desk.decide();
    assert_eq!(desk.trader.risk_state(), crate::RiskState::Killed);
    assert_eq!(desk.trader.telemetry().risk_kills, 1);
    desk.now_ms = 400_000;
    desk.book(99_999, 100_001);
    assert!(desk.decide().is_empty());
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
