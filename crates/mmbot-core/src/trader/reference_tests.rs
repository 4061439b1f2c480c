//! The comparison market maker, rule by rule.

use super::desk_tests::{Desk, causes, price};
use mmbot_types::{Action, BlockDetail, Cause, Params, QtyLot, TimeInForce};

fn desk(max_lots: i64) -> Desk {
    Desk::new(Params::reference(100, 5.0, 0.5, 10, max_lots))
}

#[test]
fn it_quotes_a_fixed_number_of_ticks_off_the_mid_post_only() {
    let mut desk = desk(200);
    desk.book(99_999, 100_002);
    let actions = desk.decide();
    // mid 100,000.5: floor(99,995.5), ceil(100,005.5)
    assert_eq!(
        actions.iter().map(|a| price(&a.0)).collect::<Vec<_>>(),
        [99_995, 100_006]
    );
    for (action, _) in &actions {
        assert!(matches!(action, Action::Place(o) if o.tif == TimeInForce::PostOnly));
    }
}

#[test]
fn it_never_quotes_inside_the_touch() {
    let mut desk = desk(200);
    desk.book(99_950, 100_050);
    let prices: Vec<i64> = desk.decide().iter().map(|a| price(&a.0)).collect();
    assert_eq!(prices, [99_950, 100_050]);
}

#[test]
fn it_leans_against_its_inventory() {
    let mut desk = desk(200);
    let bid = desk.settle()[0].0.cid();
    desk.fill(bid, 99_995, 10, 10);
    desk.now_ms = 100;
    // fair is half a tick lower, 99,999.5: floor(99,994.5), and ceil(100,004.5) is where the ask is
    let actions = desk.decide();
    assert_eq!(causes(&actions), [Cause::Quote]);
    assert_eq!(price(&actions[0].0), 99_994);
}

#[test]
fn it_cancels_and_places_at_once_but_only_what_is_acknowledged() {
    let mut desk = desk(200);
    let first = desk.decide();
    desk.book(100_009, 100_011);
    let moved = desk.decide();
    assert_eq!(
        causes(&moved),
        [Cause::Quote; 2],
        "the old ones are not acknowledged yet"
    );
    desk.confirm(&first);
    let later = desk.decide();
    assert_eq!(causes(&later), [Cause::Replace; 2]);
    assert!(desk.decide().is_empty());
}

#[test]
fn an_order_on_its_way_out_still_counts_at_its_price() {
    let mut desk = desk(200);
    desk.settle();
    desk.book(100_009, 100_011);
    let moved = desk.decide();
    assert_eq!(
        causes(&moved),
        [Cause::Replace, Cause::Replace, Cause::Quote, Cause::Quote]
    );
    desk.book(99_999, 100_001);
    let back = desk.decide();
    assert!(
        back.is_empty(),
        "cancels not confirmed, new ones not acknowledged: {back:?}"
    );
}

#[test]
fn it_stops_a_side_at_its_limit() {
    let mut desk = desk(10);
    let first = desk.settle();
    desk.fill(first[0].0.cid(), 99_995, 10, 10);
    assert_eq!(desk.trader.position(), QtyLot::new(10));
    desk.book(99_999, 100_002);
    let actions = desk.decide();
    assert!(actions.iter().all(|a| price(&a.0) != 99_995), "{actions:?}");
    assert_eq!(desk.count(BlockDetail::LimitPosition), 1);
}

#[test]
fn it_takes_its_orders_out_when_the_book_is_gone() {
    let mut desk = desk(200);
    desk.settle();
    desk.market.gap();
    assert_eq!(causes(&desk.decide()), [Cause::StaleBook; 2]);
}
