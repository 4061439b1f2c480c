//! Reports in every order and number.

use super::desk_tests::{Desk, at, filled, params};
use crate::order::SLOTS;
use mmbot_types::{Cid, Money, Params, PriceTick, QtyLot, RejectReason, ReportKind, Side};

fn first(desk: &mut Desk) -> Cid {
    desk.decide()[0].0.cid()
}

/// spec: 02-5.1
#[test]
fn five_pieces_of_five_make_five_in_any_order() {
    for order in [[1, 2, 3, 4, 5], [5, 4, 3, 2, 1], [3, 1, 5, 2, 4]] {
        let mut desk = Desk::new(params());
        let cid = first(&mut desk);
        for cum in order {
            desk.fill(cid, 99_980, 1, cum);
            desk.fill(cid, 99_980, 1, cum);
        }
        desk.report(cid, ReportKind::Accepted);
        assert_eq!(desk.trader.position(), QtyLot::new(5), "{order:?}");
        assert_eq!(desk.trader.fees(), Money::new(5));
        let t = desk.trader.telemetry();
        assert_eq!(
            (t.maker_fills, t.duplicate_fills, t.illegal_transitions),
            (5, 5, 0)
        );
        assert_eq!((t.orders_with_fill, t.accepted), (1, 1));
    }
}

/// spec: 02-5.1
#[test]
fn a_fill_before_the_acknowledgement_and_after_the_cancel_both_count() {
    let mut desk = Desk::new(params());
    let cid = first(&mut desk);
    desk.fill(cid, 99_980, 10, 10);
    assert_eq!(desk.open(cid).unwrap().state, "Live");
    desk.report(cid, ReportKind::Accepted);
    desk.report(cid, ReportKind::Cancelled);
    assert!(desk.open(cid).is_none());
    desk.fill(cid, 99_980, 5, 15);
    assert_eq!(desk.trader.position(), QtyLot::new(15));
    assert_eq!(desk.trader.telemetry().illegal_transitions, 0);
}

/// spec: 02-5.1
#[test]
fn a_venue_that_contradicts_itself_leaves_the_order_unknown() {
    let mut desk = Desk::new(params());
    let cid = first(&mut desk);
    desk.report(cid, ReportKind::Rejected(RejectReason::Filter));
    assert!(desk.open(cid).is_none());
    desk.report(cid, ReportKind::Accepted);
    assert_eq!(desk.open(cid).unwrap().state, "Unknown");
    let illegal = desk.trader.last_illegal().unwrap();
    assert_eq!(
        (illegal.state, illegal.event),
        ("Done(Rejected)", "Accepted")
    );
    // overlapping pieces
    desk.fill(cid, 99_980, 4, 4);
    desk.fill(cid, 99_980, 4, 6);
    assert_eq!(desk.trader.position(), QtyLot::new(4));
    assert_eq!(desk.trader.telemetry().illegal_transitions, 2);
}

#[test]
fn a_report_about_nobody_is_counted_and_changes_nothing() {
    let mut desk = Desk::new(params());
    let hash = desk.trader.state_hash();
    for raw in [0, 1, 77, u64::MAX] {
        desk.report(Cid::new(raw), filled(99_980, 3, 3));
    }
    assert_eq!(desk.trader.telemetry().orphan_reports, 4);
    assert_eq!(desk.trader.state_hash(), hash);
}

/// spec: 02-5.1
#[test]
fn a_cancel_refused_for_want_of_time_does_not_make_an_unheard_order_rest() {
    let mut desk = Desk::new(params());
    let cid = first(&mut desk);
    desk.now_ms = 3_100;
    desk.book(99_999, 100_001);
    desk.decide();
    assert_eq!(desk.open(cid).unwrap().state, "Unknown");
    desk.report(cid, ReportKind::CancelRejected(RejectReason::RateLimit));
    assert_eq!(desk.open(cid).unwrap().state, "Unknown");
    desk.report(cid, ReportKind::Rejected(RejectReason::Filter));
    assert!(desk.open(cid).is_none());
    assert_eq!(desk.trader.telemetry().illegal_transitions, 0);
}

/// An accepted order with a change of its total to `total` under way.
fn amending(desk: &mut Desk, total: i64) -> Cid {
    let cid = desk.settle()[0].0.cid();
    let slot = desk.trader.orders.find(cid).unwrap();
    let to = crate::order::Terms {
        total: QtyLot::new(total),
        ..desk.trader.orders.get(slot).terms
    };
    desk.trader
        .amend(at(0), slot, to, mmbot_types::Cause::Replace);
    cid
}

/// spec: 02-11.1
#[test]
fn a_filled_order_that_a_cancel_does_not_find_may_still_have_grown() {
    let mut desk = Desk::new(params());
    let cid = amending(&mut desk, 130);
    desk.now_ms = 3_100;
    desk.book(99_999, 100_001);
    desk.decide();
    assert_eq!(desk.open(cid).unwrap().state, "Unknown");
    desk.fill(cid, 99_980, 100, 100);
    let gone = ReportKind::CancelRejected(RejectReason::UnknownOrder);
    desk.report(cid, gone);
    assert_eq!(desk.open(cid).unwrap().state, "Unknown");
    assert_eq!(desk.trader.worst_open(Side::Buy), QtyLot::new(30));
    desk.fill(cid, 99_980, 30, 130);
    assert!(desk.open(cid).is_none());
    assert_eq!(desk.trader.position(), QtyLot::new(130));
}

/// spec: 02-5.1
#[test]
fn a_repeated_answer_is_not_taken_for_that_to_the_next_change() {
    let mut desk = Desk::new(params());
    let cid = amending(&mut desk, 60);
    let px = desk.open(cid).unwrap().px;
    let answer = ReportKind::Amended {
        px,
        open_qty: QtyLot::new(60),
    };
    desk.report(cid, answer);
    assert_eq!(desk.open(cid).unwrap().open_qty, QtyLot::new(60));
    let slot = desk.trader.orders.find(cid).unwrap();
    let to = crate::order::Terms {
        total: QtyLot::new(20),
        ..desk.trader.orders.get(slot).terms
    };
    desk.trader
        .amend(at(0), slot, to, mmbot_types::Cause::Replace);
    desk.report(cid, answer);
    let order = desk.open(cid).unwrap();
    assert_eq!(
        (order.state, order.open_qty),
        ("PendingAmend", QtyLot::new(60))
    );
}

/// spec: 02-5.1
#[test]
fn fills_that_overtake_the_answer_to_a_change_do_not_make_the_order_larger() {
    let mut desk = Desk::new(params());
    let cid = amending(&mut desk, 60);
    let px = desk.open(cid).unwrap().px;
    desk.now_ms = 20;
    desk.fill(cid, px.get(), 10, 10);
    desk.now_ms = 30;
    desk.fill(cid, px.get(), 5, 15);
    desk.now_ms = 10;
    let open_qty = QtyLot::new(60);
    desk.report(cid, ReportKind::Amended { px, open_qty });
    let order = desk.open(cid).unwrap();
    assert_eq!((order.state, order.open_qty), ("Live", QtyLot::new(45)));
    // what is said after the fills is taken as it is
    desk.now_ms = 40;
    let open_qty = QtyLot::new(46);
    desk.report(cid, ReportKind::Amended { px, open_qty });
    assert_eq!(desk.open(cid).unwrap().open_qty, open_qty);
}

/// spec: 02-5.1
#[test]
fn the_venue_says_that_more_is_open_than_was_asked_and_is_believed() {
    let mut desk = Desk::new(params());
    let cid = amending(&mut desk, 20);
    desk.now_ms = 3_100;
    desk.book(99_999, 100_001);
    desk.decide();
    let found = ReportKind::Amended {
        px: PriceTick::new(99_980),
        open_qty: QtyLot::new(100),
    };
    desk.report(cid, found);
    let order = desk.open(cid).unwrap();
    assert_eq!((order.state, order.open_qty), ("Live", QtyLot::new(100)));
}

/// spec: 02-5.1
#[test]
fn a_fill_told_long_after_its_order_is_booked_once() {
    let mut desk = Desk::new(params());
    desk.trader.join_session(crate::trader::SeatPlace::ALONE);
    desk.trader.permit = crate::session::Permit::alone(1_000.0, f64::INFINITY, 1_000.0);
    let cid = first(&mut desk);
    desk.report(cid, ReportKind::Accepted);
    desk.fill(cid, 99_980, 3, 3);
    desk.report(cid, ReportKind::Cancelled);
    for _ in 0..3 * SLOTS {
        desk.now_ms += 1_000;
        desk.book(99_999, 100_001);
        for (action, _) in desk.settle() {
            desk.report(action.cid(), ReportKind::Cancelled);
        }
    }
    assert!(
        desk.trader.orders.find(cid).is_none(),
        "its slot is another's"
    );
    for _ in 0..2 {
        desk.fill(cid, 99_980, 3, 3);
        desk.fill(cid, 99_980, 4, 7);
    }
    assert_eq!(desk.trader.position(), QtyLot::new(7));
    let t = desk.trader.telemetry();
    assert_eq!((t.orphan_reports, t.duplicate_fills), (0, 3));
    assert_eq!((t.orders_with_fill, t.illegal_transitions), (1, 0));
}

#[test]
fn an_amend_keeps_its_place_only_with_a_smaller_size() {
    let mut desk = Desk::new(params());
    let cid = desk.settle()[0].0.cid();
    let mut amend = |ms: i64, px: i64, total: i64| {
        desk.now_ms = ms;
        let slot = desk.trader.orders.find(cid).unwrap();
        let before = *desk.trader.orders.get(slot);
        let to = crate::order::Terms {
            px: PriceTick::new(px),
            total: QtyLot::new(total),
            decision_mid: mmbot_types::MidTick::new(7),
            ..before.terms
        };
        desk.trader
            .amend(at(ms), slot, to, mmbot_types::Cause::Replace);
        let kind = ReportKind::Amended {
            px: to.px,
            open_qty: to.total,
        };
        desk.report(cid, kind);
        let order = *desk.trader.orders.get(slot);
        assert_eq!(order.terms.total, QtyLot::new(total));
        assert_eq!(order.rests_from, Some(at(ms)));
        (
            order.queued_from == at(ms),
            order.terms.decision_mid.get() == 7,
        )
    };
    assert_eq!(
        amend(10, 99_980, 50),
        (false, false),
        "smaller: keeps queue and decision"
    );
    assert_eq!(
        amend(20, 99_980, 60),
        (true, false),
        "larger: back of the queue"
    );
    assert_eq!(
        amend(30, 99_970, 60),
        (true, true),
        "another price is another decision"
    );
    assert_eq!(desk.trader.telemetry().order_age_ns.count(), 3);
}

/// spec: 02-5.1
#[test]
fn an_old_answer_does_not_undo_a_newer_amend() {
    let mut desk = Desk::new(params());
    let cid = desk.settle()[0].0.cid();
    let amended = |px: i64| ReportKind::Amended {
        px: PriceTick::new(px),
        open_qty: QtyLot::new(9),
    };
    desk.now_ms = 20;
    desk.report(cid, amended(99_970));
    assert_eq!(
        desk.open(cid).unwrap().px,
        PriceTick::new(99_970),
        "the venue's word"
    );
    desk.now_ms = 10;
    desk.report(cid, amended(99_950));
    assert_eq!(desk.open(cid).unwrap().px, PriceTick::new(99_970));
    assert_eq!(desk.open(cid).unwrap().open_qty, QtyLot::new(9));
}

/// spec: 02-5.1
#[test]
fn a_repeated_acknowledgement_lets_no_old_amend_undo_a_newer_one() {
    let mut desk = Desk::new(params());
    let cid = desk.settle()[0].0.cid();
    let accepted_ms = desk.now_ms;
    let amended = |px: i64, open: i64| ReportKind::Amended {
        px: PriceTick::new(px),
        open_qty: QtyLot::new(open),
    };
    desk.now_ms = 20;
    desk.report(cid, amended(99_970, 9));
    desk.now_ms = 30;
    desk.report(cid, amended(99_960, 36));
    desk.now_ms = accepted_ms;
    desk.report(cid, ReportKind::Accepted);
    desk.now_ms = 20;
    desk.report(cid, amended(99_970, 9));
    let open = desk.open(cid).unwrap();
    assert_eq!(
        (open.px, open.open_qty),
        (PriceTick::new(99_960), QtyLot::new(36))
    );
}

#[test]
fn a_size_that_was_filled_meanwhile_ends_the_order() {
    let mut desk = Desk::new(params());
    let cid = desk.settle()[0].0.cid();
    let slot = desk.trader.orders.find(cid).unwrap();
    let to = crate::order::Terms {
        total: QtyLot::new(40),
        ..desk.trader.orders.get(slot).terms
    };
    desk.trader
        .amend(at(0), slot, to, mmbot_types::Cause::Replace);
    desk.fill(cid, 99_980, 40, 40);
    assert_eq!(
        desk.open(cid).unwrap().open_qty,
        QtyLot::new(60),
        "the change may yet be refused"
    );
    let kind = ReportKind::Amended {
        px: to.px,
        open_qty: QtyLot::ZERO,
    };
    desk.report(cid, kind);
    assert!(desk.open(cid).is_none());
    assert_eq!(desk.trader.telemetry().illegal_transitions, 0);
}

#[test]
fn orders_beyond_the_slots_are_refused_not_lost() {
    let mut p = Params::reference(100, 5.0, 0.0, 10, 1_000_000);
    p.quote.cadence = mmbot_types::Cadence::OnBook { refresh_ms: 1 };
    let mut desk = Desk::new(p);
    for i in 0..40 {
        desk.now_ms = i;
        desk.book(99_999 + 10 * i, 100_001 + 10 * i);
        desk.decide();
    }
    assert_eq!(
        desk.trader.open_orders().count(),
        SLOTS,
        "none was ever acknowledged"
    );
    let t = desk.trader.telemetry();
    assert_eq!(t.places, SLOTS as u64);
    assert_eq!(
        t.blocks.count(mmbot_types::BlockDetail::LimitActiveOrders),
        80 - SLOTS as u64
    );
}
