//! The audit is lied to: each rule must break for the lie that is told against it, and for no other
//! reason. An audit that believes everything would pass every run.

use super::{Audit, Invariant};
use crate::world::{Batch, Delivered, Spot};
use mmbot_core::session::{Circuit, Holds, Lent, RiskGrade};
use mmbot_core::{Market, Permit, Session, Trader};
use mmbot_sim::{Exchange, SimConfig};
use mmbot_types::{
    Action, ActionBuf, Cause, Cid, ExecPrice, ExecReport, Instrument, Liquidity, Money, NewOrder,
    Params, PriceTick, QtyLot, ReportKind, SessionParams, Side, TimeInForce, TsNs,
};

const SPOT: Spot = Spot { symbol: 0, lane: 0 };
/// Ten lots at this price are 99.999 USD.
const PX: i64 = 99_999;
const LOTS: i64 = 10;

/// A trader on a quiet market, and its audit.
struct Court {
    trader: Trader,
    market: Market,
    exchange: Exchange,
    audit: Audit,
    now: TsNs,
    sent: Vec<Action>,
}

impl Court {
    fn new(params: Params, permit: Permit) -> Self {
        let instrument = Instrument::new("X", "0.1", "0.001", "0.001", 5.0, 1.0).unwrap();
        let mut trader = Trader::new(instrument.clone(), params).unwrap();
        let mut market = Market::new(instrument, params.signals, 1000);
        let now = TsNs::new(1_000_000_000);
        trader.start(now);
        market.reset();
        for (side, px) in [(Side::Buy, PX), (Side::Sell, PX + 2)] {
            market.depth(side, PriceTick::new(px), QtyLot::new(50));
        }
        market.end_packet(now, now);
        let mut audit = Audit::new(&[params]);
        audit.on_permit(0, &permit);
        Self {
            trader,
            market,
            exchange: Exchange::new(&[SimConfig::default()]).unwrap(),
            audit,
            now,
            sent: Vec::new(),
        }
    }

    fn send(&mut self, actions: &[(Action, Cause)]) {
        self.sent.extend(actions.iter().map(|(action, _)| *action));
        self.audit.on_batch(&Batch {
            spot: SPOT,
            now: self.now,
            actions,
            trader: &self.trader,
            market: &self.market,
            exchange: &self.exchange,
        });
    }

    /// What the trader really wants.
    fn decide(&mut self) -> Vec<(Action, Cause)> {
        let mut out = ActionBuf::new();
        self.trader.decide(self.now, &mut self.market, &mut out);
        out.as_slice().to_vec()
    }

    /// A report that reaches audit and, unless it is a lie, trader.
    fn report(&mut self, cid: Cid, kind: ReportKind, reaches_trader: bool) {
        let report = ExecReport {
            cid,
            ts_exch: self.now,
            kind,
        };
        let truth = &mut self.audit.seats[0].truth;
        for action in self.sent.iter().filter(|action| action.cid() == cid) {
            truth.off_wire(action);
        }
        self.sent.retain(|action| action.cid() != cid);
        truth.said(&report);
        let mut out = ActionBuf::new();
        if reaches_trader {
            let market = &mut self.market;
            self.trader.on_report(self.now, &report, market, &mut out);
        }
        self.audit.on_delivered(&Delivered {
            spot: SPOT,
            now: self.now,
            report,
            trader: &self.trader,
        });
        self.send(out.as_slice());
    }

    fn broken(&self) -> Vec<Invariant> {
        let counts = self.audit.findings.broken;
        let broken = |rule: &Invariant| counts[*rule as usize] > 0;
        Invariant::ALL.into_iter().filter(broken).collect()
    }
}

/// Limits that hold nothing back.
fn loose() -> (Params, Permit) {
    let mut params = Params::default();
    params.risk.max_position_usd = 1e6;
    params.risk.max_order_notional_usd = 0.0;
    params.risk.max_gross_exposure_usd = 0.0;
    params.replace.min_interval_ms = 0;
    (params, Permit::alone(1e6, f64::INFINITY, 1e6))
}

/// An order of which no trader knows.
fn order(cid: u64) -> (Action, Cause) {
    let order = NewOrder {
        cid: Cid::new(cid << 8),
        side: Side::Buy,
        px: PriceTick::new(PX),
        qty: QtyLot::new(LOTS),
        tif: TimeInForce::PostOnly,
    };
    (Action::Place(order), Cause::Quote)
}

fn amend(cid: u64) -> (Action, Cause) {
    let amend = Action::Amend {
        cid: Cid::new(cid << 8),
        px: PriceTick::new(PX - 1),
        total_qty: QtyLot::new(LOTS),
    };
    (amend, Cause::Replace)
}

/// Rules that break, beside the one that sees orders of which the trader knows nothing.
fn broken_by(
    limit: impl FnOnce(&mut Params, &mut Permit),
    batches: &[&[(Action, Cause)]],
) -> Vec<Invariant> {
    let (mut params, mut permit) = loose();
    limit(&mut params, &mut permit);
    let mut court = Court::new(params, permit);
    for batch in batches {
        court.send(batch);
    }
    let mut broken = court.broken();
    broken.retain(|rule| *rule != Invariant::ExposureIsCounted);
    broken
}

#[test]
fn an_honest_trader_breaks_nothing() {
    let (params, permit) = loose();
    let mut court = Court::new(params, permit);
    let wanted = court.decide();
    assert!(wanted.len() >= 2, "{wanted:?}");
    court.send(&wanted);
    for (action, _) in &wanted {
        court.report(action.cid(), ReportKind::Accepted, true);
    }
    assert_eq!(court.broken(), []);
    assert!(court.audit.findings.judged[Invariant::PositionLimit as usize] > 0);
}

#[test]
fn an_order_that_its_trader_does_not_count_is_seen() {
    let (params, permit) = loose();
    let mut court = Court::new(params, permit);
    court.send(&[order(1)]);
    assert_eq!(court.broken(), [Invariant::ExposureIsCounted]);
}

/// spec: 02-5.3/6 02-11.1
#[test]
fn orders_beyond_a_limit_are_seen_and_orders_up_to_it_are_not() {
    let usd = 99.999;
    let one: &[&[_]] = &[&[order(1)]];
    let two: &[&[_]] = &[&[order(1), order(2)]];
    type Limit = fn(&mut Params, &mut Permit, f64);
    type Count = fn(&mut Params, &mut Permit);
    let limits: [(Invariant, Limit); 4] = [
        (Invariant::PositionLimit, |p, _, usd| {
            p.risk.max_position_usd = usd;
        }),
        (Invariant::OrderNotional, |p, _, usd| {
            p.risk.max_order_notional_usd = usd;
        }),
        (Invariant::GrossShare, |_, permit, usd| {
            permit.gross_cap_usd = usd;
        }),
        (Invariant::PortfolioBudget, |_, permit, usd| {
            if let Some(budget) = &mut permit.budget {
                budget.target_usd = usd;
            }
        }),
    ];
    for (rule, limit) in limits {
        assert_eq!(broken_by(|p, permit| limit(p, permit, usd), one), []);
        let less = usd * 0.999;
        assert_eq!(broken_by(|p, permit| limit(p, permit, less), one), [rule]);
    }
    let counts: [(Invariant, Count); 2] = [
        (Invariant::ActiveOrders, |p, _| {
            p.risk.max_active_per_side = 1;
        }),
        (Invariant::PortfolioLevels, |_, permit| {
            if let Some(budget) = &mut permit.budget {
                budget.levels_max = 1;
            }
        }),
    ];
    for (rule, limit) in counts {
        assert_eq!(broken_by(limit, one), []);
        assert_eq!(broken_by(limit, two), [rule]);
    }
}

/// spec: 02-5.3/1 02-5.3/2 02-5.3/8 02-5.3/9
#[test]
fn orders_that_a_guard_a_breaker_or_a_loan_forbids_are_seen() {
    let one: &[&[_]] = &[&[order(1)]];
    let two: &[&[_]] = &[&[order(1), order(2)]];
    let late = TsNs::new(1_000_000_001);
    let hold = |hold: Holds| broken_by(|_, permit| permit.holds.set(hold, true), one);
    for stop in [Holds::KILL, Holds::RISK_PAUSED, Holds::SCHEDULER_CLOSED] {
        assert_eq!(hold(stop), [Invariant::HeldSymbol]);
    }
    for guard in [Holds::POS_SKEW, Holds::INTRADAY_CAPS, Holds::REDUCE_ONLY] {
        assert_eq!(hold(guard), [Invariant::ReduceOnly]);
    }
    let circuit = |circuit, batch| broken_by(|_, permit| permit.circuit = circuit, batch);
    assert_eq!(circuit(Circuit::Closed, two), []);
    assert_eq!(circuit(Circuit::Probe, one), []);
    assert_eq!(circuit(Circuit::Probe, two), [Invariant::CircuitAndBackoff]);
    assert_eq!(circuit(Circuit::Open, one), [Invariant::CircuitAndBackoff]);
    let backoff = broken_by(|_, permit| permit.backoff_until = late, one);
    assert_eq!(backoff, [Invariant::CircuitAndBackoff]);
    let lent = Lent {
        creates: 1,
        ..Lent::UNLIMITED
    };
    assert_eq!(broken_by(|_, permit| permit.lent = lent, one), []);
    let too_many = broken_by(|_, permit| permit.lent = lent, two);
    assert_eq!(too_many, [Invariant::LentRequests]);
}

/// spec: 02-7.1
#[test]
fn replaces_faster_than_allowed_are_seen() {
    let batches: &[&[_]] = &[&[order(1), order(2)], &[amend(1)], &[amend(2)]];
    let replace = |limit: fn(&mut Params)| broken_by(|p, _| limit(p), batches);
    assert_eq!(replace(|_| ()), []);
    for limit in [
        (|p| p.replace.min_interval_ms = 1) as fn(&mut Params),
        |p| p.replace.max_concurrent = 1.0,
        |p| p.replace.replace_rate_per_min = 1,
    ] {
        assert_eq!(replace(limit), [Invariant::ReplaceThrottle]);
    }
}

#[test]
fn an_id_that_is_used_again_is_seen() {
    let again = broken_by(|_, _| (), &[&[order(1)], &[order(1)]]);
    assert_eq!(again, [Invariant::OneOrderPerCid]);
}

/// spec: 09-1
#[test]
fn an_order_after_a_stop_or_a_kill_is_seen() {
    let (params, permit) = loose();
    for killed in [false, true] {
        let mut court = Court::new(params, permit);
        if killed {
            court.audit.killed = true;
        } else {
            court.audit.set_stopped(Some(court.now.get()));
        }
        court.send(&[order(1)]);
        assert!(court.broken().contains(&Invariant::SilentAfterStop));
        let mut court = Court::new(params, permit);
        court.audit.set_stopped(Some(court.now.get()));
        court.audit.set_stopped(None);
        court.send(&[order(1)]);
        assert!(!court.broken().contains(&Invariant::SilentAfterStop));
    }
}

/// A session over the trader of a court, one look old.
fn session(court: &mut Court, creates_per_sec: f64) -> Session {
    let mut params = SessionParams::default();
    params.throttle.window_sec = 1;
    params.throttle.max_creates_per_sec = creates_per_sec;
    let mut session = Session::new(params, vec!["X".to_owned()]).unwrap();
    session.start(court.now);
    session.read(0, court.now, &mut court.trader, &mut court.market);
    session.judge(court.now);
    session
}

/// spec: 02-8.1
#[test]
fn requests_beyond_a_window_are_seen_also_those_that_the_session_does_not_know() {
    let (params, permit) = loose();
    for (lots, expected) in [(3, vec![]), (4, vec![Invariant::RequestWindows])] {
        let mut court = Court::new(params, permit);
        let session = session(&mut court, 3.0);
        court.audit.on_synchronised(court.now, &session);
        let orders: Vec<_> = (1..=lots).map(order).collect();
        court.send(&orders);
        let mut broken = court.broken();
        broken.retain(|rule| *rule != Invariant::ExposureIsCounted);
        assert_eq!(broken, expected, "{lots}");
        // the session lent again what it does not know to be used
        court.audit.on_synchronised(court.now, &session);
        assert!(court.broken().contains(&Invariant::LendingAddsUp));
    }
}

#[test]
fn a_halted_session_is_known_to_be_killed() {
    let (params, permit) = loose();
    let mut court = Court::new(params, permit);
    let mut session = session(&mut court, 3.0);
    court.audit.on_synchronised(court.now, &session);
    assert!(!court.audit.killed);
    session.kill(mmbot_core::session::KillCause::Operator, court.now);
    session.judge(court.now);
    assert_eq!(session.losses().risk().grade(), RiskGrade::Halted);
    court.audit.on_synchronised(court.now, &session);
    assert!(court.audit.killed);
}

/// A court in which an order of the trader's rests, with the order's id and side.
fn resting() -> (Court, Cid) {
    let (params, permit) = loose();
    let mut court = Court::new(params, permit);
    let wanted = court.decide();
    court.send(&wanted);
    let cid = wanted[0].0.cid();
    court.report(cid, ReportKind::Accepted, true);
    assert_eq!(court.broken(), []);
    (court, cid)
}

/// spec: 02-13
#[test]
fn a_fill_that_its_trader_did_not_book_is_seen() {
    let fill = ReportKind::Filled {
        px: ExecPrice::new(PX * 10_000),
        qty: QtyLot::new(1),
        cum_qty: QtyLot::new(1),
        liquidity: Liquidity::Maker,
        fee: Money::ZERO,
    };
    for (booked, expected) in [
        (true, vec![]),
        (false, vec![Invariant::PositionIsSumOfFills]),
    ] {
        let (mut court, cid) = resting();
        court.report(cid, fill, booked);
        assert_eq!(court.broken(), expected);
    }
}

/// spec: 02-5.1
#[test]
fn an_illegal_transition_is_seen() {
    let (params, permit) = loose();
    let mut court = Court::new(params, permit);
    let wanted = court.decide();
    court.send(&wanted);
    let kind = ReportKind::Amended {
        px: PriceTick::new(PX),
        open_qty: QtyLot::new(1),
    };
    court.report(wanted[0].0.cid(), kind, true);
    assert!(court.broken().contains(&Invariant::NoIllegalTransition));
}
