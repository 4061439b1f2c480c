//! What a trader did, for its session: results of requests, which it takes at every
//! synchronisation; latencies of cancels, orders that ended and fills, which it takes once a
//! second.
//! Counters that only grow are read from the telemetry.

use super::Trader;
use crate::market::MarketView;
use crate::order::{DoneReason, OrderState, Terms};
use crate::portfolio::OrderEnd;
use crate::session::{CallOutcome, OutcomeCounts, ShadowSample};
use mmbot_types::{Cid, ExecPrice, RejectReason, Side, TsNs};

/// Entries of one kind kept until they are taken. A symbol sends at most a few hundred requests in
/// that time; beyond this the rest is not sampled.
const ENTRIES_MAX: usize = 1024;

/// An order that ended, for the fill rate.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct EndNote {
    /// Local time.
    pub ts: TsNs,
    /// How.
    pub end: OrderEnd,
}

/// A fill, for turnover and cost calibration.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct FillNote {
    /// Local time.
    pub ts: TsNs,
    /// Venue time.
    pub ts_exch: TsNs,
    /// Side of our order.
    pub side: Side,
    /// Notional, USD.
    pub notional_usd: f64,
    /// Execution price if it took; `None` if our order was resting.
    pub taken_at: Option<ExecPrice>,
}

/// See the module.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Since {
    /// Results of requests.
    pub outcomes: OutcomeCounts,
    /// Result of the circuit breaker's probe.
    pub probe: Option<CallOutcome>,
    /// Time from sending a cancel to its answer, ns.
    pub cancel_latency_ns: Vec<i64>,
    /// Times that orders rested at one price, ns.
    pub ages_ns: Vec<i64>,
    /// New orders against the displayed best level of their side.
    pub shadows: Vec<Option<ShadowSample>>,
    /// Orders that ended.
    pub ended: Vec<EndNote>,
    /// Fills.
    pub fills: Vec<FillNote>,
}

impl Since {
    /// Results of requests, and of the probe, since the last call.
    #[inline]
    pub fn take_results(&mut self) -> (OutcomeCounts, Option<CallOutcome>) {
        (std::mem::take(&mut self.outcomes), self.probe.take())
    }

    /// Forgets all but results, keeps the memory.
    pub fn clear_notes(&mut self) {
        self.cancel_latency_ns.clear();
        self.ages_ns.clear();
        self.shadows.clear();
        self.ended.clear();
        self.fills.clear();
    }
}

/// What a refusal says about the venue: refusals for business reasons are results like others.
/// `None` if nothing was sent.
pub(super) const fn outcome_of(reason: RejectReason) -> Option<CallOutcome> {
    Some(match reason {
        RejectReason::RateLimit => CallOutcome::RateLimited,
        RejectReason::MarketUnavailable => CallOutcome::Server,
        RejectReason::PostOnlyWouldCross
        | RejectReason::UnknownOrder
        | RejectReason::Filter
        | RejectReason::Injected => CallOutcome::BusinessReject,
        RejectReason::NotSent => return None,
    })
}

impl Trader {
    /// A request about the order in `slot` was answered, or given up.
    #[cold]
    pub(super) fn note_result(&mut self, now: TsNs, slot: usize, outcome: CallOutcome) {
        if !self.in_session {
            return;
        }
        let order = self.orders.get(slot);
        if matches!(order.state, OrderState::PendingCancel { .. })
            && self.since.cancel_latency_ns.len() < ENTRIES_MAX
        {
            self.since.cancel_latency_ns.push(now.since_ns(order.sent));
        }
        self.since.outcomes.add(outcome, 1);
        self.limited |= outcome == CallOutcome::RateLimited;
        if self.probe == Some(order.cid) {
            self.probe = None;
            self.since.probe = Some(outcome);
        }
    }

    /// A request about the order in `slot` was not sent. One that probes has found out nothing: the
    /// circuit stays open.
    #[cold]
    pub(super) fn note_unsent(&mut self, slot: usize) {
        if self.probe == Some(self.orders.get(slot).cid) {
            self.probe = None;
            self.since.probe = Some(CallOutcome::OtherError);
        }
    }

    /// A request about the order probes whether the venue is well again.
    pub(super) fn is_probe(&self, cid: Cid) -> bool {
        self.probe == Some(cid)
    }

    /// The order in `slot` may be over.
    #[inline]
    pub(super) fn note_end(&mut self, now: TsNs, slot: usize) {
        if !self.in_session || self.since.ended.len() >= ENTRIES_MAX {
            return;
        }
        let order = self.orders.get(slot);
        let OrderState::Done(reason) = order.state else {
            return;
        };
        #[allow(clippy::cast_precision_loss)] // an order's age
        let rested_ms = order.age_ns(now) as f64 / 1e6;
        let end = OrderEnd {
            filled: !order.filled.is_zero(),
            rested_ms,
            rejected: reason == DoneReason::Rejected,
        };
        self.since.ended.push(EndNote { ts: now, end });
    }

    /// An order's time at its price ended.
    #[inline]
    pub(super) fn note_age(&mut self, age_ns: i64) {
        if self.in_session && self.since.ages_ns.len() < ENTRIES_MAX {
            self.since.ages_ns.push(age_ns);
        }
    }

    /// A new order is sent: compares it with the displayed best level of its side.
    #[inline]
    pub(super) fn note_shadow(&mut self, view: &MarketView, side: Side, terms: &Terms) {
        if self.permit.shadows && self.since.shadows.len() < ENTRIES_MAX {
            let best_qty = match side {
                Side::Buy => view.bid_qty,
                Side::Sell => view.ask_qty,
            };
            let best = (view.best(side), best_qty);
            let sample = ShadowSample::of((terms.px, terms.total), best);
            self.since.shadows.push(sample);
        }
    }

    /// Notes a fill for the session.
    pub(super) fn note_fill(&mut self, fill: FillNote) {
        if self.in_session && self.since.fills.len() < ENTRIES_MAX {
            self.since.fills.push(fill);
        }
    }
}
