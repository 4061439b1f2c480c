//! A reconciliation as a live session runs it: the venue is asked what is true, its answer arrives
//! later as reports.
//!
//! All orders are looked at every 25 s (less in short runs) and when faults are healed, unknown
//! ones within two seconds. An order about which a request may still be carried out is not answered
//! for: what the venue says of it now may be wrong a moment later. One that the venue does not know
//! at two looks is over. An order of ours that the trader does not know is closed.

use super::kind::RECEIVE_WINDOW_MS;
use super::plan::Canary;
use super::rim::Rim;
use super::truth::{Phase, TrueOrder};
use crate::fleet::Fleet;
use mmbot_types::{Action, Cid, ExecReport, QtyLot, ReportKind, TsNs};
use std::collections::BTreeMap;

/// Time from a question to its answer, ns.
const ANSWER_NS: i64 = 80_000_000;
/// Time between two looks at an unknown order, ns.
const UNKNOWN_EVERY_NS: i64 = 1_500_000_000;
const RECEIVE_WINDOW_NS: i64 = RECEIVE_WINDOW_MS * 1_000_000;

/// See the module.
#[derive(Debug)]
pub(super) struct Reconciliation {
    every_ns: i64,
    next_ns: i64,
    next_unknown_ns: i64,
    /// Looks at which the venue did not know an order.
    missing: BTreeMap<(usize, Cid), u32>,
    pub looks: u64,
    pub closed: u64,
}

/// An order as its trader believes it to be.
#[derive(Debug, Clone, Copy)]
struct Believed {
    cid: Cid,
    unknown: bool,
    live: bool,
    px: i64,
    open: i64,
}

impl Reconciliation {
    pub(super) const fn new(every_ms: i64) -> Self {
        Self {
            every_ns: every_ms * 1_000_000,
            next_ns: every_ms * 1_000_000,
            next_unknown_ns: 0,
            missing: BTreeMap::new(),
            looks: 0,
            closed: 0,
        }
    }

    /// Looks at everything at the next turn.
    pub(super) const fn at_once(&mut self) {
        self.next_ns = 0;
    }

    /// What is due at local time `now_ns`.
    pub(super) fn turn(&mut self, fleet: &mut Fleet, rim: &mut Rim, now_ns: i64) {
        let all = now_ns >= self.next_ns;
        if !all && now_ns < self.next_unknown_ns {
            return;
        }
        self.next_unknown_ns = now_ns + UNKNOWN_EVERY_NS;
        if all {
            self.next_ns = now_ns + self.every_ns;
        }
        for symbol in 0..rim.audit.seats.len() {
            self.look(symbol, fleet, rim, now_ns, all);
        }
    }

    fn look(&mut self, symbol: usize, fleet: &mut Fleet, rim: &mut Rim, now_ns: i64, all: bool) {
        let believed = believed(fleet, symbol);
        for order in &believed {
            if !all && !order.unknown {
                continue;
            }
            self.looks += 1;
            let answers = self.answers(symbol, order, rim, now_ns);
            if let Some(world) = fleet.world_mut(symbol) {
                for report in answers {
                    world.tell(0, &report, now_ns + ANSWER_NS);
                }
            }
        }
        if all {
            self.tell_late_fills(symbol, &believed, fleet, rim, now_ns);
            self.close_strangers(symbol, &believed, fleet, rim, now_ns);
        }
    }

    fn answers(
        &mut self,
        symbol: usize,
        order: &Believed,
        rim: &Rim,
        now_ns: i64,
    ) -> Vec<ExecReport> {
        let truth = &rim.audit.seats[symbol].truth;
        let Some(real) = truth.order(order.cid) else {
            return Vec::new();
        };
        let stamp = TsNs::new(rim.clock.venue(now_ns));
        let say = |kind| ExecReport {
            cid: order.cid,
            ts_exch: stamp,
            kind,
        };
        match rim.canary {
            Some(Canary::ForgottenUnknown) if order.unknown => {
                return vec![say(ReportKind::Cancelled)];
            }
            Some(Canary::UnansweredUnknown) if order.unknown => return Vec::new(),
            _ => {}
        }
        let mut answers = fills(real, rim.swallowed == Some((symbol, order.cid)));
        let settled = now_ns - real.asked_ns > RECEIVE_WINDOW_NS;
        match real.phase {
            // a change to less than its trader believes may have completed it: nothing is left
            Phase::Done(ReportKind::Filled { .. }) => answers.push(say(state_of(real))),
            Phase::Done(kind) => answers.push(say(kind)),
            Phase::Resting if order.unknown && settled => {
                answers.extend(accepted(real));
                answers.push(say(state_of(real)));
            }
            Phase::Resting => {
                let open = real.total - real.cum;
                if order.live && settled && (order.px, order.open) != (real.px.get(), open) {
                    answers.push(say(state_of(real)));
                }
            }
            Phase::OnWire if settled && order.unknown => {
                let looks = self.missing.entry((symbol, order.cid)).or_default();
                *looks += 1;
                if *looks >= 2 {
                    answers.push(say(ReportKind::Cancelled));
                }
            }
            Phase::OnWire => {}
        }
        answers
    }

    /// Executions of orders that are over for their trader.
    fn tell_late_fills(
        &self,
        symbol: usize,
        believed: &[Believed],
        fleet: &mut Fleet,
        rim: &Rim,
        now_ns: i64,
    ) {
        let open = |cid: Cid| believed.iter().any(|order| order.cid == cid);
        for report in rim.audit.untold(symbol) {
            let swallowed = rim.swallowed == Some((symbol, report.cid));
            if !open(report.cid)
                && !swallowed
                && let Some(world) = fleet.world_mut(symbol)
            {
                world.tell(0, &report, now_ns + ANSWER_NS);
            }
        }
    }

    /// Orders that rest and that their trader does not know.
    fn close_strangers(
        &mut self,
        symbol: usize,
        believed: &[Believed],
        fleet: &mut Fleet,
        rim: &mut Rim,
        now_ns: i64,
    ) {
        let Some(world) = fleet.world_mut(symbol) else {
            return;
        };
        let known = |cid: Cid| believed.iter().any(|order| order.cid == cid);
        let strangers: Vec<Cid> = world.exchange().resting(0).map(|order| order.cid).collect();
        for cid in strangers.into_iter().filter(|cid| !known(*cid)) {
            self.closed += 1;
            world.at_venue(0, &Action::Cancel { cid }, now_ns, rim);
        }
    }
}

fn believed(fleet: &Fleet, symbol: usize) -> Vec<Believed> {
    let lane = fleet.world(symbol).and_then(|world| world.lane(0));
    let orders = lane.map(|lane| lane.trader().open_orders());
    orders
        .into_iter()
        .flatten()
        .map(|order| Believed {
            cid: order.cid,
            unknown: order.state == "Unknown",
            live: order.state == "Live",
            px: order.px.get(),
            open: order.open_qty.get(),
        })
        .collect()
}

fn state_of(real: &TrueOrder) -> ReportKind {
    ReportKind::Amended {
        px: real.px,
        open_qty: QtyLot::new(real.total - real.cum),
    }
}

fn accepted(real: &TrueOrder) -> Option<ExecReport> {
    let accepted = |report: &&ExecReport| report.kind == ReportKind::Accepted;
    real.said.iter().find(accepted).copied()
}

/// Executions of an order.
fn fills(real: &TrueOrder, swallow_first: bool) -> Vec<ExecReport> {
    let fill = |report: &&ExecReport| matches!(report.kind, ReportKind::Filled { .. });
    let skip = usize::from(swallow_first);
    real.said.iter().filter(fill).skip(skip).copied().collect()
}
