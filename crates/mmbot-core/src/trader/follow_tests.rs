//! A follower knows of a trader's orders what the trader knows, from requests and reports alone.

use super::desk_tests::{Desk, at, filled, params};
use super::*;
use mmbot_types::{Action, ActionBuf, ExecReport, MidTick, PriceTick, RejectReason, ReportKind};

/// A trader and its follower, which hears of everything but decides nothing.
struct Pair {
    desk: Desk,
    follower: Trader,
}

impl Pair {
    fn new() -> Self {
        let desk = Desk::new(params());
        let instrument = desk.market.instrument().clone();
        Self {
            desk,
            follower: Trader::following(instrument, SeatPlace::ALONE).unwrap(),
        }
    }

    fn hear(&mut self, actions: &[(Action, Cause)]) {
        let mid = self.desk.market.last_mid().unwrap_or_default();
        for (action, cause) in actions {
            let now = at(self.desk.now_ms);
            assert!(self.follower.on_request(now, action, *cause, mid));
        }
    }

    fn decide(&mut self, now_ms: i64) -> Vec<(Action, Cause)> {
        self.desk.now_ms = now_ms;
        let now = at(now_ms);
        self.follower.pass_time(now, &self.desk.market);
        let actions = self.desk.decide();
        self.hear(&actions);
        self.compare();
        actions
    }

    fn report(&mut self, cid: Cid, kind: ReportKind) {
        let ts_exch = at(self.desk.now_ms);
        let report = ExecReport { cid, ts_exch, kind };
        let mut none = ActionBuf::new();
        let follower = &mut self.follower;
        follower.on_report(ts_exch, &report, &mut self.desk.market, &mut none);
        assert!(none.is_empty(), "it decides nothing");
        let actions = self.desk.report(cid, kind);
        self.hear(&actions);
        self.compare();
    }

    fn compare(&self) {
        let orders = |trader: &Trader| trader.open_orders().collect::<Vec<_>>();
        assert_eq!(orders(&self.follower), orders(&self.desk.trader));
        let books = |trader: &Trader| (trader.position(), trader.cash(), trader.fees());
        assert_eq!(books(&self.follower), books(&self.desk.trader));
    }
}

#[test]
fn a_follower_has_the_orders_position_and_money_of_the_trader_it_follows() {
    let mut pair = Pair::new();
    let first = pair.decide(0);
    let (bid, ask) = (first[0].0.cid(), first[1].0.cid());
    pair.report(bid, ReportKind::Accepted);
    pair.report(ask, ReportKind::Rejected(RejectReason::PostOnlyWouldCross));
    pair.report(bid, filled(99_980, 1, 1));
    pair.report(bid, filled(99_980, 1, 1));
    pair.desk.now_ms = 600;
    pair.desk.book(100_039, 100_041);
    let moved = pair.decide(600);
    assert!(!moved.is_empty());
    // no answer: the order is unknown to both
    pair.decide(4_000);
    pair.report(bid, ReportKind::Cancelled);
    pair.report(bid, filled(99_980, 1, 2));
    for ms in (4_100..9_000).step_by(100) {
        for (action, _) in pair.decide(ms) {
            if let Action::Place(new) = action {
                pair.report(new.cid, ReportKind::Accepted);
                pair.report(new.cid, ReportKind::Cancelled);
            }
        }
    }
}

#[test]
fn a_request_that_no_state_allows_is_refused_and_changes_nothing() {
    let mut pair = Pair::new();
    let first = pair.decide(0);
    let before: Vec<_> = pair.follower.open_orders().collect();
    let cid = first[0].0.cid();
    let amend = Action::Amend {
        cid,
        px: PriceTick::new(5),
        total_qty: QtyLot::new(1),
    };
    for action in [first[0].0, amend, Action::Cancel { cid }] {
        let mid = MidTick::ZERO;
        assert!(!pair.follower.on_request(at(1), &action, Cause::Quote, mid));
    }
    assert_eq!(pair.follower.open_orders().collect::<Vec<_>>(), before);
}
