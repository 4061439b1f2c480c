//! Between traders and exchange: messages are lost, late, doubled; the venue refuses and vanishes.
//! Every message is noted as true before anything happens to it, and judged.

use super::clock::LocalClock;
use super::kill_watch::KillWatch;
use super::kind::Fault;
use super::plan::{Canary, Draws, FaultPlan};
use crate::error::RunError;
use crate::invariant::Audit;
use crate::world::{Arrivals, Batch, Delivered, External, Spot, Wires};
use mmbot_core::session::{Circuit, Holds, Lent};
use mmbot_core::{Permit, Quote, Session, StrategyView};
use mmbot_sim::{Exchange, Reports};
use mmbot_types::{Action, Cid, ExecReport, Params, RejectReason, ReportKind, TsNs};

/// Draws of everything that happens to messages.
#[derive(Debug)]
struct MessageDraws {
    request_lost: Draws,
    request_delayed: Draws,
    request_late: Draws,
    report_lost: Draws,
    report_delayed: Draws,
    report_resent: Draws,
    report_duplicated: Draws,
    report_reordered: Draws,
    business_reject: Draws,
    amend_refused: Draws,
}

/// Stretches of venue time in which the venue is not well.
#[derive(Debug)]
struct VenueWindows {
    rate_limit: Vec<(i64, i64)>,
    server_failure: Vec<(i64, i64)>,
    outage: Vec<(i64, i64)>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Rim {
    pub audit: Audit,
    pub clock: LocalClock,
    /// No faults any more.
    pub healed: bool,
    /// Faults that happened, by [`Fault::index`].
    pub happened: [u64; Fault::COUNT],
    pub canary: Option<Canary>,
    /// The order whose fill is never told, planted.
    pub swallowed: Option<(usize, Cid)>,
    /// What happens after the first kill.
    pub killed: Option<KillWatch>,
    /// Messages of both ways.
    pub messages: u64,
    draws: MessageDraws,
    windows: VenueWindows,
    /// Requests that the outage swallowed alternate with those that it refused.
    outage_turn: u64,
}

/// Late requests are carried out after this: their trader has given them up.
const LATE_FROM_NS: i64 = 3_200_000_000;

impl Rim {
    /// The rim of a plan, between traders that are to obey `params` and their venue.
    pub(super) fn new(plan: &FaultPlan, params: &[Params]) -> Self {
        let draws = |fault| Draws::new(plan, fault);
        Self {
            audit: Audit::new(params),
            clock: LocalClock::new(plan),
            healed: false,
            happened: [0; Fault::COUNT],
            canary: plan.canary,
            swallowed: None,
            killed: None,
            messages: 0,
            draws: MessageDraws {
                request_lost: draws(Fault::RequestLost),
                request_delayed: draws(Fault::RequestDelayed),
                request_late: draws(Fault::RequestLate),
                report_lost: draws(Fault::ReportLost),
                report_delayed: draws(Fault::ReportDelayed),
                report_resent: draws(Fault::ReportResent),
                report_duplicated: draws(Fault::ReportDuplicated),
                report_reordered: draws(Fault::ReportReordered),
                business_reject: draws(Fault::BusinessReject),
                amend_refused: draws(Fault::AmendRefused),
            },
            windows: VenueWindows {
                rate_limit: plan.windows(Fault::RateLimitBurst),
                server_failure: plan.windows(Fault::ServerFailureBurst),
                outage: plan.windows(Fault::Outage),
            },
            outage_turn: 0,
        }
    }

    pub(super) fn note(&mut self, fault: Fault) {
        self.happened[fault.index()] += 1;
    }

    /// A symbol's trader is given parameters; returns those that it gets.
    pub(super) fn give_params(&mut self, symbol: usize, params: Params) -> Params {
        self.audit.on_params(symbol, &params);
        match self.canary {
            Some(Canary::LooseLimits) => without_limits(params),
            _ => params,
        }
    }

    fn watch_exchange(&mut self, spot: Spot, now_ns: i64) {
        if let Some(watch) = &mut self.killed {
            let truth = &self.audit.seats[spot.symbol].truth;
            watch.at_exchange(spot.symbol, truth, now_ns);
        }
    }

    fn forget_request(&mut self, spot: Spot, action: &Action) {
        self.audit.seats[spot.symbol].truth.off_wire(action);
    }

    /// Why the venue does not carry out a request: `Some(None)` if it says nothing at all.
    fn refusal(&mut self, action: &Action, now: TsNs) -> Option<Option<RejectReason>> {
        let venue_ns = self.clock.venue(now.get());
        let within = |windows: &[(i64, i64)]| {
            windows
                .iter()
                .any(|window| (window.0..window.1).contains(&venue_ns))
        };
        if within(&self.windows.outage) {
            self.note(Fault::Outage);
            self.outage_turn += 1;
            let silent = self.outage_turn % 2 == 0;
            return Some((!silent).then_some(RejectReason::MarketUnavailable));
        }
        if within(&self.windows.server_failure) {
            self.note(Fault::ServerFailureBurst);
            return Some(Some(RejectReason::MarketUnavailable));
        }
        if within(&self.windows.rate_limit) {
            self.note(Fault::RateLimitBurst);
            return Some(Some(RejectReason::RateLimit));
        }
        if matches!(action, Action::Cancel { .. }) {
            return None;
        }
        if matches!(action, Action::Amend { .. }) && self.draws.amend_refused.next().is_some() {
            self.note(Fault::AmendRefused);
            return Some(Some(RejectReason::Filter));
        }
        if self.draws.business_reject.next().is_some() {
            self.note(Fault::BusinessReject);
            return Some(Some(RejectReason::Injected));
        }
        None
    }

    fn swallows(&mut self, spot: Spot, report: &ExecReport) -> bool {
        let fill = matches!(report.kind, ReportKind::Filled { .. });
        let wanted = self.canary == Some(Canary::SwallowedFill) && self.swallowed.is_none();
        if wanted && fill {
            self.swallowed = Some((spot.symbol, report.cid));
        }
        wanted && fill
    }

    fn arrivals(&mut self, report: &ExecReport, at_ns: i64) -> Arrivals {
        // refusals answer a request: they come once or never
        let answer = matches!(
            report.kind,
            ReportKind::Rejected(_) | ReportKind::AmendRejected(_) | ReportKind::CancelRejected(_)
        );
        let mut at = at_ns;
        if let Some(delay) = self.draws.report_delayed.next() {
            self.note(Fault::ReportDelayed);
            at += delay;
        }
        if self.draws.report_lost.next().is_some() {
            self.note(Fault::ReportLost);
            return Arrivals {
                first: None,
                second: None,
            };
        }
        if answer {
            return Arrivals::once(at);
        }
        if let Some(delay) = self.draws.report_reordered.next() {
            self.note(Fault::ReportReordered);
            at += delay;
        }
        if let Some(delay) = self.draws.report_resent.next() {
            self.note(Fault::ReportResent);
            return Arrivals::once(at + 1_000_000_000 + delay);
        }
        let again = self.draws.report_duplicated.next();
        if again.is_some() {
            self.note(Fault::ReportDuplicated);
        }
        Arrivals {
            first: Some(at),
            second: again.map(|delay| at + delay),
        }
    }
}

impl Wires for Rim {
    const WATCHES: bool = true;

    fn batch(&mut self, batch: &Batch<'_>) {
        self.audit.on_batch(batch);
        if let Some(watch) = &mut self.killed {
            watch.on_batch(batch);
            watch.at_exchange(
                batch.spot.symbol,
                &self.audit.seats[batch.spot.symbol].truth,
                batch.now.get(),
            );
        }
    }

    fn request(&mut self, spot: Spot, action: &Action, arrives_ns: i64) -> Option<i64> {
        self.messages += 1;
        if self.healed {
            return Some(arrives_ns);
        }
        let delayed = self.draws.request_delayed.next();
        let late = self.draws.request_late.next();
        if self.draws.request_lost.next().is_some() {
            self.note(Fault::RequestLost);
            self.forget_request(spot, action);
            return None;
        }
        if let Some(late) = late {
            self.note(Fault::RequestLate);
            return Some(arrives_ns + late.max(LATE_FROM_NS));
        }
        if delayed.is_some() {
            self.note(Fault::RequestDelayed);
        }
        Some(arrives_ns + delayed.unwrap_or(0))
    }

    fn execute(
        &mut self,
        spot: Spot,
        action: &Action,
        now: TsNs,
        exchange: &mut Exchange,
        out: &mut Reports,
    ) {
        let refusal = match (self.healed, self.canary) {
            (true, Some(Canary::UnhealedVenue)) => Some(None),
            (true, _) => None,
            (false, _) => self.refusal(action, now),
        };
        // lanes are few: the index fits
        let lane = u32::try_from(spot.lane).unwrap_or(u32::MAX);
        match refusal {
            None => exchange.request(lane, action, now, out),
            Some(None) => {}
            Some(Some(reason)) => {
                let kind = match action {
                    Action::Place(_) => ReportKind::Rejected(reason),
                    Action::Amend { .. } => ReportKind::AmendRejected(reason),
                    Action::Cancel { .. } => ReportKind::CancelRejected(reason),
                };
                let cid = action.cid();
                out.push((
                    lane,
                    ExecReport {
                        cid,
                        ts_exch: now,
                        kind,
                    },
                ));
            }
        }
        self.forget_request(spot, action);
        self.watch_exchange(spot, now.get());
    }

    fn report(&mut self, spot: Spot, report: &mut ExecReport, arrives_ns: i64) -> Arrivals {
        self.messages += 1;
        let local_ns = report.ts_exch.get();
        report.ts_exch = TsNs::new(self.clock.venue(local_ns));
        self.audit.seats[spot.symbol].truth.said(report);
        self.watch_exchange(spot, local_ns);
        if self.swallows(spot, report) {
            return Arrivals {
                first: None,
                second: None,
            };
        }
        if self.healed {
            return Arrivals::once(arrives_ns);
        }
        self.arrivals(report, arrives_ns)
    }

    fn delivered(&mut self, delivered: &Delivered<'_>) {
        self.audit.on_delivered(delivered);
        if let Some(watch) = &mut self.killed {
            let now_ns = delivered.now.get();
            watch.at_trader(delivered.spot.symbol, delivered.trader, now_ns);
        }
    }

    fn synchronised(&mut self, _lane: usize, now: TsNs, session: &Session) {
        self.audit.on_synchronised(now, session);
        if let (Some(watch), true) = (&mut self.killed, self.audit.killed) {
            watch.gate_closed(now.get());
        }
    }

    fn permit(&mut self, spot: Spot, permit: &Permit) -> Option<Permit> {
        self.audit.on_permit(spot.symbol, permit);
        let mut permit = *permit;
        match self.canary {
            Some(Canary::DeafToGuards) => permit.holds = Holds::NONE,
            Some(Canary::BoundlessRequests) => {
                permit.lent = Lent::UNLIMITED;
                permit.circuit = Circuit::Closed;
                permit.backoff_until = TsNs::ZERO;
            }
            Some(Canary::BoundlessBudget) => {
                permit.gross_cap_usd = f64::INFINITY;
                if let Some(budget) = &mut permit.budget {
                    (budget.target_usd, budget.levels_max) = (3.0 * budget.target_usd, u32::MAX);
                }
            }
            Some(Canary::HeldForever) => permit.holds.set(Holds::RISK_PAUSED, self.healed),
            Some(_) | None => return None,
        }
        Some(permit)
    }
}

/// Limits that are as good as none.
const fn without_limits(mut params: Params) -> Params {
    params.risk.max_position_usd = 1e9;
    params.risk.max_order_notional_usd = 0.0;
    params.risk.max_active_per_side = 10;
    params
}

impl External for Rim {
    fn quotes(
        &mut self,
        _symbol: usize,
        lane: usize,
        _view: &StrategyView,
    ) -> Result<Vec<Quote>, RunError> {
        Err(RunError::Strategy(format!(
            "lane {lane} has strategy.kind external, which a fault world does not run"
        )))
    }
}
