//! What must hold after every event of a run, whatever went wrong in it. Each rule has a name; it
//! is judged by what was sent and said ([`Truth`]), not by what a trader believes, and it counts
//! how often it was judged, so that a rule that never saw anything is noticed.

#[cfg(test)]
mod counter_lie_tests;
#[cfg(test)]
mod lie_tests;
mod limits;
mod permits;
mod replaces;
mod rule;
mod windows;

pub use rule::Invariant;

use crate::fault::{Phase, Truth};
use crate::world::{Batch, Delivered, Spot};
use mmbot_core::{Permit, Session, Telemetry, Trader};
use mmbot_types::{
    Action, BlockDetail, BlockReason, Cid, ExecReport, Params, ReportKind, Side, TsNs,
};
use replaces::Replaces;
use std::collections::BTreeSet;
use windows::Windows;

/// A rule that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which rule.
    pub invariant: Invariant,
    /// Local time, ns.
    pub ts_ns: i64,
    /// Instrument; `None` where it is the session's.
    pub symbol: Option<usize>,
    /// What was found.
    pub detail: String,
}

/// Violations kept of one rule; the first ones tell the story.
const VIOLATIONS_MAX: u64 = 4;

/// Violations found, and how often each rule was judged.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// The first violations.
    pub violations: Vec<Violation>,
    /// Judgements by rule.
    pub judged: [u64; Invariant::COUNT],
    /// Violations by rule, those not kept among them.
    pub broken: [u64; Invariant::COUNT],
}

impl Findings {
    /// Judges a rule.
    pub fn judge(
        &mut self,
        invariant: Invariant,
        holds: bool,
        ts: TsNs,
        symbol: Option<usize>,
        detail: impl FnOnce() -> String,
    ) {
        self.judged[invariant as usize] += 1;
        if holds {
            return;
        }
        self.broken[invariant as usize] += 1;
        if self.broken[invariant as usize] <= VIOLATIONS_MAX {
            self.violations.push(Violation {
                invariant,
                ts_ns: ts.get(),
                symbol,
                detail: detail(),
            });
        }
    }
}

/// What is known of one symbol.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seat {
    pub truth: Truth,
    /// What the trader was told to obey.
    params: Params,
    /// What the session allowed at the last synchronisation.
    permit: Option<Permit>,
    windows: Windows,
    replaces: Replaces,
    told: BTreeSet<(Cid, i64)>,
    told_position: i64,
    /// Orders whose end was told before all their fills.
    ended_early: Vec<Cid>,
    illegal: u64,
}

impl Seat {
    /// Fills per side of which a trader could not know: the end of their order was told before
    /// them, and says nothing of them.
    fn unknowable(&self) -> [i64; 2] {
        let mut lots = [0; 2];
        for cid in &self.ended_early {
            if let Some(order) = self.truth.order(*cid) {
                let untold = self.untold_of(*cid);
                lots[order.side.index()] += untold;
            }
        }
        lots
    }

    fn untold_of(&self, cid: Cid) -> i64 {
        let said = self.truth.order(cid).map_or(&[][..], |order| &order.said);
        let untold = said.iter().filter_map(|report| match report.kind {
            ReportKind::Filled { qty, cum_qty, .. } => {
                (!self.told.contains(&(cid, cum_qty.get()))).then_some(qty.get())
            }
            _ => None,
        });
        untold.sum()
    }

    fn forget_told(&mut self) {
        let mut early = std::mem::take(&mut self.ended_early);
        early.retain(|cid| self.untold_of(*cid) > 0);
        self.ended_early = early;
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct Audit {
    pub findings: Findings,
    pub seats: Vec<Seat>,
    session: permits::SessionLimits,
    cids: BTreeSet<u64>,
    /// Local time of a stop by hand.
    stopped_at: Option<i64>,
    /// The last synchronisation halted the session.
    pub killed: bool,
}

impl Audit {
    /// An audit of symbols whose traders were given `params`.
    pub(crate) fn new(params: &[Params]) -> Self {
        let seat = |params: &Params| Seat {
            params: *params,
            ..Seat::default()
        };
        Self {
            findings: Findings::default(),
            seats: params.iter().map(seat).collect(),
            session: permits::SessionLimits::default(),
            cids: BTreeSet::new(),
            stopped_at: None,
            killed: false,
        }
    }

    /// The operator stops or resumes traders at `now`.
    pub(crate) const fn set_stopped(&mut self, at: Option<i64>) {
        self.stopped_at = at;
    }

    /// A trader's requests, before they leave.
    pub(crate) fn on_batch(&mut self, batch: &Batch<'_>) {
        let at = batch.spot.symbol;
        for (action, _) in batch.actions {
            let fresh = self.seats[at].truth.sent(action, batch.now.get());
            if let Action::Place(order) = action {
                let in_session = batch.trader.session_seq(order.cid);
                let single = fresh && self.cids.insert(in_session);
                self.findings.judge(
                    Invariant::OneOrderPerCid,
                    single,
                    batch.now,
                    Some(at),
                    || format!("id {} is used again", order.cid.get()),
                );
            }
        }
        self.judge_silence(batch);
        let seat = &mut self.seats[at];
        if let Some(permit) = &seat.permit {
            let [bought, sold] = seat.unknowable();
            let position = seat.truth.position().get() - bought + sold;
            let case = limits::Case {
                truth: &seat.truth,
                position,
                permit,
                params: &seat.params,
                batch,
            };
            case.judge(&mut self.findings);
        }
        let replace = &seat.params.replace;
        seat.replaces.judge(&mut self.findings, replace, batch);
        windows::judge(&mut self.findings, &mut self.seats, &self.session, batch);
        self.judge_trader(batch.spot, batch.now, batch.trader);
    }

    /// A report reached a trader.
    pub(crate) fn on_delivered(&mut self, delivered: &Delivered<'_>) {
        let seat = &mut self.seats[delivered.spot.symbol];
        let report = &delivered.report;
        if let ReportKind::Filled { qty, cum_qty, .. } = report.kind
            && let Some(order) = seat.truth.order(report.cid)
            && seat.told.insert((report.cid, cum_qty.get()))
        {
            seat.told_position += order.side.sign() * qty.get();
        }
        if report.kind == ReportKind::Cancelled && !seat.ended_early.contains(&report.cid) {
            seat.ended_early.push(report.cid);
        }
        seat.forget_told();
        seat.replaces.answered(report);
        let (told, held) = (seat.told_position, delivered.trader.position().get());
        self.findings.judge(
            Invariant::PositionIsSumOfFills,
            told == held,
            delivered.now,
            Some(delivered.spot.symbol),
            || format!("position {held}, fills told {told}, at {report:?}"),
        );
        self.judge_trader(delivered.spot, delivered.now, delivered.trader);
    }

    /// A symbol's trader was given new parameters.
    pub(crate) fn on_params(&mut self, symbol: usize, params: &Params) {
        self.seats[symbol].params = *params;
    }

    /// The session has new parameters.
    pub(crate) fn on_reload(&mut self, window_sec: u32, now: TsNs) {
        for seat in &mut self.seats {
            seat.windows.resize(window_sec, now);
        }
    }

    /// Symbols were coupled.
    pub(crate) fn on_synchronised(&mut self, now: TsNs, session: &Session) {
        self.session = permits::SessionLimits::of(session);
        self.killed = session.losses().risk().grade() == mmbot_core::session::RiskGrade::Halted;
        permits::judge(&mut self.findings, &mut self.seats, session, now);
    }

    /// The permit that a symbol should obey.
    pub(crate) fn on_permit(&mut self, symbol: usize, permit: &Permit) {
        self.seats[symbol].permit = Some(*permit);
    }

    /// Fills of a symbol's orders that its trader was not told.
    pub(crate) fn untold(&self, symbol: usize) -> Vec<ExecReport> {
        let seat = &self.seats[symbol];
        seat.truth.untold(&seat.told).collect()
    }

    fn judge_silence(&mut self, batch: &Batch<'_>) {
        let silent = self.stopped_at.is_some() || self.killed;
        for (action, cause) in batch.actions {
            let cancels = matches!(action, Action::Cancel { .. });
            if !cancels {
                self.findings.judge(
                    Invariant::SilentAfterStop,
                    !silent,
                    batch.now,
                    Some(batch.spot.symbol),
                    || format!("{action:?} because of {}", cause.name()),
                );
            }
        }
    }

    /// What holds of a trader at any moment.
    fn judge_trader(&mut self, spot: Spot, now: TsNs, trader: &Trader) {
        let seat = &mut self.seats[spot.symbol];
        let mut worst = [0; 2];
        for (cid, order) in seat.truth.alive() {
            worst[order.side.index()] += seat.truth.worst_open(cid, order);
        }
        let unknowable = seat.unknowable();
        let position = seat.truth.position().get() - unknowable[0] + unknowable[1];
        for side in Side::BOTH {
            let sign = side.sign();
            let real = sign * position + worst[side.index()];
            let known = sign * trader.position().get() + trader.worst_open(side).get();
            self.findings.judge(
                Invariant::ExposureIsCounted,
                known >= real,
                now,
                Some(spot.symbol),
                || {
                    let orders = beliefs(seat, trader, side);
                    let name = side.name();
                    format!("{name}: {known} lots counted, {real} possible; {orders}")
                },
            );
        }
        let t = trader.telemetry();
        let grown =
            t.illegal_transitions > std::mem::replace(&mut seat.illegal, t.illegal_transitions);
        self.findings.judge(
            Invariant::NoIllegalTransition,
            !grown,
            now,
            Some(spot.symbol),
            || format!("{:?}", trader.last_illegal()),
        );
        self.judge_counters(spot.symbol, now, t);
    }

    /// Every wish of a trader is a request or a refusal, and every refusal has one reason.
    fn judge_counters(&mut self, symbol: usize, now: TsNs, t: &Telemetry) {
        let by_reason: u64 = BlockReason::ALL.iter().map(|r| t.blocks.count_of(*r)).sum();
        let by_detail: u64 = BlockDetail::ALL.iter().map(|d| t.blocks.count(*d)).sum();
        let marked = BlockReason::ALL.iter().all(|r| {
            t.blocks.blocked_by(*r) <= t.blocks.total_iterations().min(t.blocks.count_of(*r))
        });
        let sum = t.places + t.amends + t.cancels + by_detail;
        self.findings.judge(
            Invariant::BlocksAddUp,
            marked && by_reason == by_detail && t.attempts == sum,
            now,
            Some(symbol),
            || format!("{} attempts, {sum} requests and refusals", t.attempts),
        );
    }
}

/// Orders of a side as they are and as they are believed to be, for whoever looks into it.
fn beliefs(seat: &Seat, trader: &Trader, side: Side) -> String {
    let truth = &seat.truth;
    let mut lines = Vec::new();
    let position = (truth.position().get(), trader.position().get());
    for order in trader.open_orders().filter(|order| order.side == side) {
        let (open, cid) = (order.open_qty.get(), order.cid.get());
        lines.push(format!(
            "believed {cid} {} {open}+{}",
            order.state,
            order.filled_qty.get()
        ));
    }
    for (cid, order) in truth.alive().filter(|(_, order)| order.side == side) {
        let worst = truth.worst_open(cid, order);
        let phase = match order.phase {
            Phase::OnWire => "on the wire",
            Phase::Resting => "resting",
            Phase::Done(_) => "done",
        };
        lines.push(format!("true {} {phase} {worst}+{}", cid.get(), order.cum));
    }
    let untold = truth.untold(&seat.told).count();
    if untold > 0 {
        lines.push(format!("{untold} fills not told"));
    }
    format!("positions {position:?}; {}", lines.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judgements_are_counted() {
        let mut findings = Findings::default();
        for holds in [true, false, true] {
            let now = TsNs::new(5);
            findings.judge(Invariant::HeldSymbol, holds, now, None, || "why".into());
        }
        assert_eq!(findings.judged[Invariant::HeldSymbol as usize], 3);
        assert_eq!(findings.violations.len(), 1);
        assert_eq!(findings.violations[0].detail, "why");
    }
}
