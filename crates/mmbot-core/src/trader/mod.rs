//! One parameter set on one instrument: orders, position, guards, accounts.
//!
//! A trader is told what happened and appends requests to a buffer. It decides at times that it
//! names itself ([`Trader::due`], [`Trader::timer_due`]) and, with [`Cadence::OnBook`], on own
//! fills. `decide` judges the whole situation anew: a request that was refused by a guard is not
//! queued, it is wanted again at the next decision, or not.

mod booking;
mod decide;
mod face;
mod follow;
mod gate;
mod log;
mod manage;
mod quality;
mod reduce;
mod reference;
mod reports;
mod send;
mod since;
mod sync;
mod tracing;
mod upkeep;
mod venue;

#[cfg(test)]
mod check_order_tests;
#[cfg(test)]
mod desk_tests;
#[cfg(test)]
mod follow_tests;
#[cfg(test)]
mod halt_tests;
#[cfg(test)]
mod reference_tests;
#[cfg(test)]
mod report_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod upkeep_tests;
#[cfg(test)]
mod venue_tests;

use crate::edge::EdgeBook;
use crate::guard::AdverseGuard;
use crate::order::{
    EarlyFills, IDEMPOTENCY_TTL_MS, IdempotencyFilter, IllegalTransition, OrderTable,
    ReplaceThrottle,
};
use crate::session::Permit;
use crate::strategy::Target;
use crate::telemetry::Telemetry;
use crate::trace::Trace;
pub use log::{OrderEventKind, OrderEventRow};
pub use quality::FillQuality;
pub use since::{EndNote, FillNote, Since};
pub use sync::SeatPlace;
pub use upkeep::StaleNote;

use mmbot_types::{
    Cadence, Cause, Cid, Color, CounterRng, Instrument, Money, ParamError, Params, QtyLot,
    RolloutParams, Side, TsNs,
};
use std::sync::Arc;

/// A decision runs at least so often with [`Cadence::OnBook`], ns.
const TIMER_NS: i64 = 1_000_000_000;

/// See the module. Fields stand in the order of their use: with many traders, what a decision and
/// a report look at is to lie in few cache lines.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[repr(C, align(64))]
pub struct Trader {
    due: TsNs,
    timer_due: TsNs,
    /// Earliest time at which a request may have gone unanswered for too long.
    timeout_at: TsNs,
    position: QtyLot,
    /// Reference strategy: ticks by which the inventory moves the fair price.
    skew_ticks: f64,
    stopped: bool,
    /// Stopped, and its orders stay where they are.
    keeps_orders: bool,
    /// Quotes nothing because of what was found out about its position.
    held: bool,
    /// The permit comes from a session.
    in_session: bool,
    /// Somebody wants to know of every request and answer: a session or a recorder. One test keeps
    /// all that from the path of a trader that is alone.
    witnessed: bool,
    /// Nothing but the book can forbid quoting, see [`Self::refresh_holds`].
    unheld: bool,
    /// The venue said since the last synchronisation that we ask too often.
    limited: bool,
    /// Colour of every new order, if they all have one.
    color_of_all: Option<Color>,
    /// Steps of the latest decision, if somebody wants to know.
    #[serde(skip)]
    trace: Option<Box<Trace>>,
    rollout: Arc<RolloutParams>,
    orders: OrderTable,
    early: EarlyFills,
    /// Order events for recorders; `None` if nobody wants them.
    #[serde(skip)]
    log: Option<Vec<OrderEventRow>>,
    /// This symbol's place among those of the session.
    seat: SeatPlace,
    jitter: CounterRng,
    telemetry: Telemetry,
    edge: EdgeBook,
    params: Params,
    cash: Money,
    fees: Money,
    throttle: ReplaceThrottle,
    adverse: AdverseGuard,
    /// The order whose request is the circuit breaker's probe.
    probe: Option<Cid>,
    since: Since,
    quality: FillQuality,
    /// What the anti-stale guard did; `None` if nobody wants to know.
    #[serde(skip)]
    stale_notes: Option<Vec<StaleNote>>,
    idempotency: IdempotencyFilter,
    /// Position by the colour of the orders that made it.
    position_by_color: [QtyLot; 2],
    /// What the session allows until the next synchronisation.
    permit: Permit,
    #[serde(skip)]
    last_illegal: Option<IllegalTransition>,
    #[serde(skip)]
    scratch: Scratch,
    instrument: Instrument,
}

/// Buffers of one decision, kept for their memory.
#[derive(Debug, Clone, Default)]
struct Scratch {
    pairs: Vec<Pair>,
    moves: Vec<Move>,
    fresh: Vec<Fresh>,
    cancels: Vec<(usize, Cause)>,
    amends: Vec<(usize, Cause)>,
    places: Vec<(usize, Cause)>,
    aged: Vec<(TsNs, usize)>,
}

/// A live order and its target.
#[derive(Debug, Clone, Copy)]
struct Pair {
    slot: usize,
    target: Option<Target>,
    suppressed: bool,
}

/// A live order that is to become another one.
#[derive(Debug, Clone, Copy)]
struct Move {
    slot: usize,
    target: Target,
    /// How far the order is off its target, bps: the worst goes first.
    off_bps: f64,
}

/// A target without a live order.
#[derive(Debug, Clone, Copy)]
struct Fresh {
    side: Side,
    level: u8,
    target: Target,
}

/// What a trader may do that belongs to no session.
fn alone(params: &Params) -> Permit {
    let risk = &params.risk;
    let gross_cap_usd = if risk.max_gross_exposure_usd > 0.0 {
        risk.max_gross_exposure_usd
    } else {
        f64::INFINITY
    };
    Permit::alone(
        params.sizing.target_usd,
        gross_cap_usd,
        risk.initial_equity_usd,
    )
}

impl Trader {
    /// A trader without orders; it decides nothing before [`Self::start`].
    ///
    /// # Errors
    /// The first parameter outside its range.
    pub fn new(instrument: Instrument, params: Params) -> Result<Self, ParamError> {
        params.validate()?;
        let mut trader = Self {
            due: TsNs::NEVER,
            timer_due: TsNs::NEVER,
            timeout_at: TsNs::NEVER,
            position: QtyLot::ZERO,
            skew_ticks: 0.0,
            stopped: false,
            keeps_orders: false,
            held: false,
            orders: OrderTable::new(),
            cash: Money::ZERO,
            fees: Money::ZERO,
            edge: EdgeBook::new(params.edge.adverse_horizon_ms),
            early: EarlyFills::default(),
            throttle: ReplaceThrottle::default(),
            adverse: AdverseGuard::default(),
            in_session: false,
            witnessed: false,
            unheld: false,
            limited: false,
            probe: None,
            since: Since::default(),
            stale_notes: None,
            quality: FillQuality::new(params.edge.adverse_window_fills),
            rollout: Arc::default(),
            color_of_all: None,
            seat: SeatPlace::ALONE,
            idempotency: IdempotencyFilter::new(IDEMPOTENCY_TTL_MS),
            log: None,
            position_by_color: [QtyLot::ZERO; 2],
            permit: alone(&params),
            last_illegal: None,
            scratch: Scratch::default(),
            jitter: CounterRng::new(params.seed, "tail_jitter"),
            params,
            telemetry: Telemetry::default(),
            instrument,
            trace: None,
        };
        trader.set_rollout(&Arc::default());
        trader.refresh_holds();
        Ok(trader)
    }

    /// Sets the time of the first local event: origin of a fixed grid.
    pub fn start(&mut self, ts_local: TsNs) {
        match self.params.quote.cadence {
            Cadence::OnBook { .. } => {
                self.due = ts_local;
                self.timer_due = ts_local.plus_ns(TIMER_NS);
            }
            Cadence::FixedGrid { interval_ms } => {
                self.due = ts_local.plus_ms(interval_ms);
                self.timer_due = self.due;
            }
        }
        self.telemetry.position.pass(self.position, ts_local);
    }

    /// Earliest local time at which a packet end leads to a decision; with a fixed grid the exact
    /// time of the next decision.
    #[inline]
    #[must_use]
    pub const fn due(&self) -> TsNs {
        self.due
    }

    /// Time at which a decision runs even without a packet.
    #[inline]
    #[must_use]
    pub const fn timer_due(&self) -> TsNs {
        self.timer_due
    }

    /// Plans the next decision after one at `now`.
    #[inline]
    fn schedule(&mut self, now: TsNs) {
        match self.params.quote.cadence {
            Cadence::OnBook { refresh_ms } => {
                self.due = now.plus_ms(refresh_ms);
                self.timer_due = now.plus_ns(TIMER_NS);
            }
            Cadence::FixedGrid { interval_ms } => {
                let step_ns = interval_ms.saturating_mul(1_000_000);
                self.due = self.due.plus_ns(step_ns);
                if self.due <= now {
                    // called late: the grid stays where it is, missed points are missed
                    let behind = now.since_ns(self.due);
                    self.due = self.due.plus_ns((behind / step_ns + 1) * step_ns);
                }
                self.timer_due = self.due;
            }
        }
    }
}
