//! Answers that never come, positions that are not ours, holds.

use super::SeatPlace;
use super::desk_tests::{Desk, at, causes, params};
use mmbot_types::{Action, Cause, Cid, ExecPrice, PRICE_SCALE, QtyLot, RejectReason, ReportKind};

fn placed() -> (Desk, Vec<Cid>) {
    let mut desk = Desk::new(params());
    let cids = desk.decide().iter().map(|one| one.0.cid()).collect();
    (desk, cids)
}

/// spec: 02-5.1, 02-12/2
#[test]
fn an_order_without_an_answer_is_unknown_and_counts_as_live_until_it_is_resolved() {
    let (mut desk, cids) = placed();
    let worst = desk.trader.worst_open(mmbot_types::Side::Buy);
    for cid in &cids {
        desk.trader.on_unanswered(at(5), *cid);
        assert_eq!(desk.open(*cid).unwrap().state, "Unknown");
    }
    assert_eq!(desk.trader.worst_open(mmbot_types::Side::Buy), worst);
    desk.now_ms = 10;
    assert!(desk.decide().is_empty(), "nothing is sent twice");
    desk.report(cids[0], ReportKind::Rejected(RejectReason::UnknownOrder));
    desk.report(cids[1], ReportKind::Accepted);
    assert!(desk.open(cids[0]).is_none());
    assert_eq!(desk.open(cids[1]).unwrap().state, "Live");
    assert_eq!(desk.trader.telemetry().timeouts, cids.len() as u64);
}

/// spec: 02-8.2
#[test]
fn an_answer_that_nobody_was_there_to_hear_is_no_failure_of_the_venue() {
    let ((mut desk, cids), (mut other, same)) = (placed(), placed());
    desk.trader.join_session(SeatPlace::ALONE);
    other.trader.join_session(SeatPlace::ALONE);
    for (cid, other_cid) in cids.iter().zip(&same) {
        desk.trader.on_unanswered(at(5), *cid);
        other.trader.on_interrupted(at(5), *other_cid);
        assert_eq!(other.open(*other_cid).unwrap().state, "Unknown");
    }
    let failed = |desk: &mut Desk| desk.trader.since_mut().take_results().0.tally().failed;
    assert_eq!(failed(&mut desk), cids.len() as u64);
    assert_eq!(failed(&mut other), 0);
    assert_eq!(other.trader.telemetry().timeouts, 0);
    other.trader.on_interrupted(at(6), same[0]);
    assert_eq!(
        other.open(same[0]).unwrap().state,
        "Unknown",
        "once is enough"
    );
}

#[test]
fn a_missing_answer_means_nothing_for_an_order_that_asked_for_nothing() {
    let (mut desk, cids) = placed();
    desk.report(cids[0], ReportKind::Accepted);
    let hash = desk.trader.state_hash();
    desk.trader.on_unanswered(at(5), cids[0]);
    desk.trader.on_unanswered(at(5), Cid::new(999_999));
    assert_eq!(desk.trader.state_hash(), hash);
}

#[test]
fn a_lost_cancel_is_asked_for_again_after_the_time_of_an_answer() {
    let (mut desk, cids) = placed();
    desk.report(cids[0], ReportKind::Accepted);
    desk.report(cids[1], ReportKind::Accepted);
    desk.trader.hold(true);
    desk.now_ms = 600;
    assert_eq!(causes(&desk.decide()), [Cause::RiskPause; 2]);
    desk.trader.on_unanswered(at(700), cids[0]);
    desk.now_ms = 1_600;
    assert!(desk.decide().is_empty());
    desk.now_ms = 3_700;
    desk.book(99_999, 100_001);
    let again = desk.decide();
    assert!(
        again.contains(&(Action::Cancel { cid: cids[0] }, Cause::RiskPause)),
        "{again:?}"
    );
}

/// spec: 02-13/5
#[test]
fn an_adopted_position_is_risk_from_then_on_and_the_accounts_stay_exact() {
    let (mut desk, cids) = placed();
    desk.fill(cids[0], 99_980, 7, 7);
    let px = ExecPrice::new(100_000 * PRICE_SCALE + 3_333);
    desk.trader.adopt(at(20), QtyLot::new(-40), px);
    assert_eq!(desk.trader.position(), QtyLot::new(-40));
    assert_eq!(desk.trader.telemetry().fills(), 1, "it is no fill");
    for (n, mid) in [100_000, 100_040, 99_700].into_iter().enumerate() {
        desk.now_ms = 1_000 * (n as i64 + 1);
        desk.book(mid - 1, mid + 1);
        desk.settle();
        let mid = desk.market.last_mid().unwrap();
        assert_eq!(desk.trader.edge(&desk.market).net, desk.trader.net(mid));
    }
    desk.trader.adopt(at(9_000), QtyLot::ZERO, px);
    assert!(desk.trader.finish(&mut desk.market).is_ok());
}

/// spec: 02-13/5
#[test]
fn a_held_symbol_quotes_nothing_until_the_hold_is_lifted() {
    let (mut desk, cids) = placed();
    for cid in cids {
        desk.report(cid, ReportKind::Accepted);
    }
    desk.trader.hold(true);
    assert!(desk.trader.is_held());
    desk.now_ms = 1_000;
    let cancels = desk.settle();
    assert_eq!(causes(&cancels), [Cause::RiskPause; 2]);
    desk.now_ms = 2_000;
    assert!(desk.decide().is_empty());
    assert!(desk.count(mmbot_types::BlockDetail::RiskPaused) >= 2);
    desk.trader.resume();
    assert!(desk.decide().is_empty(), "only its own lifting lifts it");
    desk.trader.hold(false);
    desk.now_ms = 3_000;
    desk.book(99_999, 100_001);
    assert_eq!(desk.decide().len(), 2);
}
