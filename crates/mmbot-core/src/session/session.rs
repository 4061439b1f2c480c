//! The parent of all session guards: it owns their state and the order in which they are asked.
//!
//! Symbols of a session are coupled every [`SYNC_NS`] of event time and at no other moment: then
//! the session reads what each symbol did ([`Session::read`]), judges ([`Session::judge`]) and
//! gives each a new [`Permit`]. Between two synchronisations a symbol depends on its own events
//! alone, so that symbols may be run one after the other, or side by side, with the same result.
//!
//! Order of a synchronisation: requests and their results are counted; then once a full second has
//! begun regimes, back-off, autopolicy and runtime guard are evaluated; then what guards of loss
//! and position say (skew, caps, risk grade); then, in a full second, the allocator; then what is
//! lent is divided.

use super::by_hand::ByHand;
use super::calm::Calm;
use super::capital::Capital;
use super::event_log::{EventLog, SessionEvent};
use super::losses::Losses;
use super::mux::{Mux, MuxTable};
use super::order_flow::OrderFlow;
use super::permit::Permit;
use super::requests::Requests;
use super::seat::Seat;
use super::shadow_stats::ShadowStats;
use crate::market::Market;
use crate::portfolio::{FeeTilt, WeightError};
use crate::trader::Trader;
use mmbot_types::{InstrumentIdx, ParamError, RolloutParams, SessionParams, TsNs};
use std::sync::Arc;

/// Time between two synchronisations: the refresh time of quotes, so that a guard acts at the next
/// decision. A whole number of them makes a second.
pub const SYNC_NS: i64 = 100_000_000;
const SECOND_NS: i64 = 1_000_000_000;

/// See the module.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Session {
    pub(super) params: SessionParams,
    pub(super) by_hand: ByHand,
    pub(super) symbols: Vec<String>,
    pub(super) seats: Vec<Seat>,
    pub(super) requests: Requests,
    pub(super) losses: Losses,
    pub(super) capital: Capital,
    flow: OrderFlow,
    shadows: ShadowStats,
    #[serde(skip)]
    pub(super) events: EventLog,
    /// Changes of the risk grade that are in `events`.
    pub(super) risk_seen: u64,
    pub(super) mux_table: MuxTable,
    pub(super) muxes: Vec<Mux>,
    pub(super) not_leader: bool,
    pub(super) rollout: Arc<RolloutParams>,
    /// When weights are to be asked for; `None` at once.
    rebalance_at: Option<TsNs>,
    next_sync: TsNs,
    /// Symbols with a target.
    quoted: usize,
    /// What is known of the guards until somebody changes what they obey.
    pub(super) calm: Option<Calm>,
    /// First instant after the second that was judged last.
    next_second: TsNs,
}

impl Session {
    /// A session of instruments with these symbols, in the order of their indices.
    ///
    /// # Errors
    /// The first parameter outside its range.
    pub fn new(params: SessionParams, symbols: Vec<String>) -> Result<Self, ParamError> {
        params.validate()?;
        let count = symbols.len();
        Ok(Self {
            seats: vec![Seat::default(); count],
            requests: Requests::new(&params, &symbols),
            losses: Losses::new(&params, count),
            by_hand: ByHand::of(&params),
            flow: OrderFlow::new(count),
            shadows: ShadowStats::new(count),
            events: EventLog::default(),
            risk_seen: 0,
            capital: Capital::new(params.portfolio.clone(), &symbols)?,
            mux_table: MuxTable::new(&params.mux),
            muxes: vec![Mux::default(); count],
            not_leader: false,
            rollout: Arc::new(params.rollout.clone()),
            rebalance_at: None,
            next_sync: TsNs::NEVER,
            quoted: 0,
            calm: None,
            next_second: TsNs::new(i64::MIN),
            symbols,
            params,
        })
    }

    /// Plans the first synchronisation.
    pub const fn start(&mut self, first: TsNs) {
        self.next_sync = first;
    }

    /// Time of the next synchronisation; it comes before all events at that time.
    #[inline]
    #[must_use]
    pub const fn next_sync(&self) -> TsNs {
        self.next_sync
    }

    /// Parameters in force.
    #[must_use]
    pub const fn params(&self) -> &SessionParams {
        &self.params
    }

    /// Symbols in the order of their indices.
    #[must_use]
    pub fn symbols(&self) -> &[String] {
        &self.symbols
    }

    /// New parameters at `now`; windows and states are kept, and so is what was set by hand unless
    /// the configuration of that changed.
    ///
    /// # Errors
    /// The first parameter outside its range; nothing has changed then.
    pub fn apply_params(&mut self, mut params: SessionParams, now: TsNs) -> Result<(), ParamError> {
        params.validate()?;
        self.calm = None;
        self.by_hand.configure(&mut params);
        self.capital.set_params(params.portfolio.clone())?;
        self.requests.reload(&params);
        self.losses.reload(&params, now);
        self.mux_table = MuxTable::new(&params.mux);
        self.rollout = Arc::new(params.rollout.clone());
        if params.portfolio != self.params.portfolio {
            self.rebalance_at = None;
        }
        self.params = params;
        Ok(())
    }

    /// True if weights are to be asked for, between reading and judging: at the start, every
    /// `portfolio.rebalance_minutes`, and after a change of what the allocator obeys.
    #[must_use]
    pub fn rebalance_due(&self, now: TsNs) -> bool {
        self.seats.len() > 1 && self.rebalance_at.is_none_or(|at| now >= at)
    }

    /// Weights of the symbols from now on, and whether raising targets is worth a better fee tier.
    ///
    /// # Errors
    /// [`WeightError`]; the weights are as they were then.
    pub fn rebalance(
        &mut self,
        weights: &[f64],
        fee_tilt: FeeTilt,
        now: TsNs,
    ) -> Result<(), WeightError> {
        self.calm = None;
        self.capital.rebalance(weights, fee_tilt)?;
        self.defer_rebalance(now);
        Ok(())
    }

    /// Nobody has weights to give: they are asked for again after `portfolio.rebalance_minutes`.
    #[allow(clippy::cast_possible_truncation)] // a float cast saturates
    pub fn defer_rebalance(&mut self, now: TsNs) {
        let wait_ns = (self.params.portfolio.rebalance_minutes * 60e9) as i64;
        self.rebalance_at = Some(now.plus_ns(wait_ns));
    }

    /// First step of a synchronisation: what the symbol `at` is and did.
    pub fn read(&mut self, at: usize, now: TsNs, trader: &mut Trader, market: &mut Market) {
        let begins_second = self.begins_second(now);
        if let Some(seat) = self.seats.get_mut(at) {
            seat.read(now, trader, market);
            if begins_second {
                seat.read_second(now, trader, market);
                self.capital.observe(at, seat, market);
            }
            trader.set_rollout(&self.rollout);
        }
    }

    /// Second step: all guards, in their order.
    pub fn judge(&mut self, now: TsNs) {
        let circuit = self.requests.breaker().transitions();
        self.requests.count(&self.params, &self.seats, now);
        self.losses.account(&self.params, &self.seats);
        if self.begins_second(now) || !self.is_calm(now) {
            self.judge_in_full(now);
        }
        self.lend_gross();
        self.requests
            .lend(&self.params, &mut self.seats, self.quoted, now);
        self.note_circuit(circuit, now);
        let grid = now.get().div_euclid(SYNC_NS).saturating_add(1);
        self.next_sync = TsNs::new(grid.saturating_mul(SYNC_NS));
    }

    /// The guards of loss and position, and once a second the others and the allocator.
    #[inline(never)]
    fn judge_in_full(&mut self, now: TsNs) {
        let full_second = self.begins_second(now);
        if full_second {
            self.judge_second(self.quoted, now);
        }
        self.losses
            .judge(&self.params, &self.seats, now, &mut self.events);
        self.note_risk();
        if full_second {
            self.allocate(now);
        }
        self.write_permits();
        let wanted = |seat: &&Seat| seat.permit.budget.is_some_and(|b| b.target_usd > 0.0);
        self.quoted = self.seats.iter().filter(wanted).count();
        self.calm = self.losses.calm(&self.params, now);
    }

    /// Third step: what the symbol `at` may do until the next synchronisation.
    #[inline]
    #[must_use]
    pub fn permit(&self, at: usize) -> Option<&Permit> {
        Some(&self.seats.get(at)?.permit)
    }

    /// What is known of each symbol, as of the last synchronisation.
    #[must_use]
    pub fn seats(&self) -> &[Seat] {
        &self.seats
    }

    /// Windows, breaker, back-off, autopolicy.
    #[must_use]
    pub const fn requests(&self) -> &Requests {
        &self.requests
    }

    /// Requests' guards, to load a snapshot or set them by hand.
    pub const fn requests_mut(&mut self) -> &mut Requests {
        &mut self.requests
    }

    /// Risk grade, runtime guard, skew, caps.
    #[must_use]
    pub const fn losses(&self) -> &Losses {
        &self.losses
    }

    /// Guards of loss and position, for figures that are worked out when somebody asks; nothing is
    /// to be set through it.
    pub const fn losses_figures(&mut self) -> &mut Losses {
        &mut self.losses
    }

    /// Guards of loss and position, to set them.
    pub const fn losses_mut(&mut self) -> &mut Losses {
        self.calm = None;
        &mut self.losses
    }

    /// Allocation.
    #[must_use]
    pub const fn capital(&self) -> &Capital {
        &self.capital
    }

    /// Allocation, to load a snapshot.
    pub const fn capital_mut(&mut self) -> &mut Capital {
        self.calm = None;
        &mut self.capital
    }

    /// Ages of orders and hits, of the recent past.
    pub const fn flow_mut(&mut self) -> &mut OrderFlow {
        &mut self.flow
    }

    /// Statistics of virtual orders.
    #[must_use]
    pub const fn shadows(&self) -> &ShadowStats {
        &self.shadows
    }

    /// What happened.
    #[must_use]
    pub const fn events(&self) -> &EventLog {
        &self.events
    }

    /// Regimes of the mux.
    #[must_use]
    pub const fn mux_table(&self) -> &MuxTable {
        &self.mux_table
    }

    /// Mux of each symbol.
    #[must_use]
    pub fn muxes(&self) -> &[Mux] {
        &self.muxes
    }

    /// Largest feed latency over symbols, ms; 0 in silence.
    #[must_use]
    pub fn ws_lag_ms_max(&self) -> f64 {
        let lags = self.seats.iter().filter_map(|seat| seat.market.ws_lag_ms);
        lags.fold(0.0, f64::max)
    }

    /// True if it is known that the guards of loss and position would say what they said.
    #[inline]
    fn is_calm(&self, now: TsNs) -> bool {
        let calm = self.calm.as_ref();
        calm.is_some_and(|calm| calm.holds(&self.losses, &self.seats, now))
    }

    /// True if no synchronisation of its second was judged yet.
    fn begins_second(&self, now: TsNs) -> bool {
        now >= self.next_second
    }

    /// What is judged once a second, before what every synchronisation judges. Apart, and so is
    /// [`Self::allocate`]: nine of ten synchronisations do not load their code.
    #[cold]
    fn judge_second(&mut self, quoted: usize, now: TsNs) {
        let second = now.get().div_euclid(SECOND_NS);
        self.next_second = TsNs::new(second.saturating_mul(SECOND_NS)).plus_ns(SECOND_NS);
        self.flow.count(&self.seats, now);
        self.count_shadows(now);
        self.losses.count_latencies(&self.seats, now);
        self.change_regimes(now);
        let before = self.requests.autopolicy().level();
        let lag_ms = self.ws_lag_ms_max();
        self.requests.on_second(&self.params, lag_ms, quoted, now);
        let level = self.requests.autopolicy().level();
        if level != before {
            self.events.note(now, None, SessionEvent::Autopolicy(level));
        }
        let seats = &self.seats;
        let (losses, requests) = (&mut self.losses, &mut self.requests);
        losses.on_second(&self.params, requests, seats, quoted, now, &mut self.events);
    }

    fn change_regimes(&mut self, now: TsNs) {
        for (at, (mux, seat)) in (0u16..).zip(self.muxes.iter_mut().zip(&self.seats)) {
            let view = mux.update(&self.mux_table, seat.market.sigma, now);
            if view.switched {
                let event = SessionEvent::Mux(view.regime);
                self.events.note(now, Some(InstrumentIdx(at)), event);
            }
        }
    }

    fn count_shadows(&mut self, now: TsNs) {
        for (at, seat) in (0u16..).zip(&self.seats) {
            for sample in &seat.shadows {
                let symbol = InstrumentIdx(at);
                let params = &self.params.shadow;
                let warning = self.shadows.record_shadow_sample(params, symbol, *sample);
                if let Some(warning) = warning {
                    let event = SessionEvent::Shadow(warning.summary);
                    self.events.note(now, Some(symbol), event);
                }
            }
        }
    }

    /// The allocator's second; moves of targets that were capped, or moved under another back-off
    /// level, are told.
    #[cold]
    fn allocate(&mut self, now: TsNs) {
        self.capital
            .tick(&self.params, &self.seats, &self.losses, now);
        let allocation = self.capital.allocator().allocation();
        if allocation.targets.is_empty() {
            return;
        }
        for (at, figures) in (0u16..).zip(&allocation.figures) {
            let step = figures.step;
            if step.bound || step.level_changed {
                let event = SessionEvent::Alloc(step);
                self.events.note(now, Some(InstrumentIdx(at)), event);
            }
        }
    }

    fn note_circuit(&mut self, before: [u64; 3], now: TsNs) {
        let after = self.requests.breaker().transitions();
        for (state, (after, before)) in after.into_iter().zip(before).enumerate() {
            if after != before {
                self.events.note(now, None, SessionEvent::Circuit(state));
            }
        }
    }
}
