//! Everything about requests to the venue: windows, circuit breaker, back-off, autopolicy. Their
//! states, and the order in which they are asked at a synchronisation.

use super::autopolicy::{Autopolicy, AutopolicyBases, AutopolicySigns, EffectiveQuoting};
use super::backoff::{Backoff, BackoffSigns};
use super::breaker::{CircuitBreaker, CircuitState};
use super::call_rates::CallRates;
use super::counting::{OpenSecond, Room};
use super::lend::lend;
use super::permit::{Calmer, Circuit, Lent};
use super::ring::{SecondRing, second_of};
use super::seat::Seat;
use super::windows::{Limits, LimitsInForce, OpWindows};
use mmbot_types::{Op, SessionParams, TsNs};

/// Seconds over which rates per second are taken.
const RATE_WINDOW_SEC: u32 = 10;

/// See the module.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Requests {
    pub(super) session: OpWindows,
    pub(super) symbols: Vec<OpWindows>,
    pub(super) backoffs: Vec<Backoff>,
    pub(super) breaker: CircuitBreaker,
    pub(super) rates: CallRates,
    pub(super) cancels: SecondRing,
    /// The same per symbol.
    pub(super) symbol_rates: Vec<CallRates>,
    pub(super) symbol_cancels: Vec<SecondRing>,
    pub(super) symbol_creates: Vec<SecondRing>,
    autopolicy: Autopolicy,
    /// Symbol that may probe next.
    next_prober: usize,
    wants: Vec<u64>,
    shares: Vec<u64>,
    limits: LimitsInForce,
    /// What the windows do not have yet.
    pub(super) open: OpenSecond,
    /// What the windows take, while nothing is put into them.
    pub(super) room: Room,
}

impl Requests {
    /// No request was sent yet.
    pub fn new(params: &SessionParams, symbols: &[String]) -> Self {
        let window_sec = params.throttle.window_sec;
        Self {
            session: OpWindows::new(window_sec),
            symbols: symbols.iter().map(|_| OpWindows::new(window_sec)).collect(),
            backoffs: symbols.iter().map(|symbol| Backoff::new(symbol)).collect(),
            breaker: CircuitBreaker::new(&params.circuit),
            rates: CallRates::new(params.runtime_guard.window_sec),
            cancels: SecondRing::new(RATE_WINDOW_SEC),
            symbol_rates: vec![CallRates::new(params.runtime_guard.window_sec); symbols.len()],
            symbol_cancels: vec![SecondRing::new(RATE_WINDOW_SEC); symbols.len()],
            symbol_creates: vec![SecondRing::new(RATE_WINDOW_SEC); symbols.len()],
            autopolicy: Autopolicy::default(),
            next_prober: 0,
            wants: vec![0; symbols.len()],
            shares: vec![0; symbols.len()],
            limits: LimitsInForce::default(),
            open: OpenSecond::new(symbols.len()),
            room: Room::default(),
        }
    }

    /// New parameters: windows change their length, the newest seconds are kept.
    pub fn reload(&mut self, params: &SessionParams) {
        self.settle();
        let window_sec = params.throttle.window_sec;
        self.limits = LimitsInForce::default();
        self.room.forget();
        self.session.resize(window_sec);
        for windows in &mut self.symbols {
            windows.resize(window_sec);
        }
        for rates in self.symbol_rates.iter_mut().chain([&mut self.rates]) {
            rates.resize_guard_window(params.runtime_guard.window_sec);
        }
    }

    /// The evaluations of a full second.
    pub fn on_second(&mut self, params: &SessionParams, ws_lag_ms: f64, quoted: usize, now: TsNs) {
        self.settle();
        let signs = BackoffSigns {
            rest_error_rate: self.rates.rest_error_rate(now),
            ws_lag_ms,
        };
        for backoff in &mut self.backoffs {
            backoff.evaluate(&params.throttle, signs, now);
        }
        let signs = AutopolicySigns {
            backoff_ms_max: self.backoff_ms_max(now),
            throttle_events_total: self.session.total(now),
            quoted_symbols: quoted,
        };
        self.autopolicy.evaluate(&params.autopolicy, &signs, now);
    }

    /// Writes into each permit what it may send until the next synchronisation.
    pub fn lend(&mut self, params: &SessionParams, seats: &mut [Seat], quoted: usize, now: TsNs) {
        self.lend_requests(params, seats, quoted, now);
        let mut circuit = self.breaker.state_at(&params.circuit, now);
        let mut prober = None;
        if let CircuitState::HalfOpen(_) = circuit {
            prober = self.prober(params, seats, now);
            circuit = self.breaker.state_at(&params.circuit, now);
        }
        for (at, seat) in seats.iter_mut().enumerate() {
            let calmer = self.calmer(params, seat);
            let permit = &mut seat.permit;
            permit.backoff_until = self.backoffs[at].blocked_until();
            permit.circuit = match circuit {
                CircuitState::Closed => Circuit::Closed,
                CircuitState::HalfOpen(_) if prober == Some(at) => Circuit::Probe,
                CircuitState::HalfOpen(_) | CircuitState::Open { .. } => Circuit::Open,
            };
            permit.calmer = calmer;
        }
    }

    /// Divides what the windows still take.
    fn lend_requests(
        &mut self,
        params: &SessionParams,
        seats: &mut [Seat],
        quoted: usize,
        now: TsNs,
    ) {
        if !self.open.holds(now) {
            self.settle();
        }
        if !self.room.is_of(now, quoted) {
            self.measure_room(params, quoted, now);
        }
        if let [alone] = seats {
            for op in Op::ALL {
                let left = self.room.of_session(op, &self.open);
                let own = self.room.of_symbol(0, op, &self.open);
                *lent_of(&mut alone.permit.lent, op) = share_of(left.min(own));
            }
            return;
        }
        for op in Op::ALL {
            for (want, seat) in self.wants.iter_mut().zip(seats.iter()) {
                *want = u64::from(sent_of(seat, op)) + u64::from(seat.sent.refused);
            }
            let left = self.room.of_session(op, &self.open);
            lend(left, &self.wants, &mut self.shares);
            for (at, seat) in seats.iter_mut().enumerate() {
                let own = self.room.of_symbol(at, op, &self.open);
                *lent_of(&mut seat.permit.lent, op) = share_of(self.shares[at].min(own));
            }
        }
    }

    /// Works out what the windows take in the second of `now`.
    #[cold]
    fn measure_room(&mut self, params: &SessionParams, quoted: usize, now: TsNs) {
        let Limits { session, symbol } = *self.limits.of(&params.throttle, quoted);
        let of_session = self.session.remaining_of_all(&session, now);
        let symbols = self.symbols.iter_mut();
        let of_symbols = symbols.map(|windows| windows.remaining_of_all(&symbol, now));
        self.room.measure(now, quoted, of_session, of_symbols);
    }

    /// Failed calls over all calls of the last 60 s.
    pub fn rest_error_rate(&mut self, now: TsNs) -> f64 {
        self.settle();
        self.rates.rest_error_rate(now)
    }

    /// Rejects over sends of the runtime guard's window.
    pub fn order_reject_rate(&mut self, now: TsNs) -> f64 {
        self.settle();
        self.rates.order_reject_rate(now)
    }

    /// Cancels a second over the last 10 s.
    #[allow(clippy::cast_precision_loss)] // counts of requests
    pub fn cancels_per_sec(&mut self, now: TsNs) -> f64 {
        self.settle();
        self.cancels.total(second_of(now)) as f64 / f64::from(RATE_WINDOW_SEC)
    }

    /// Call rates of a symbol.
    pub fn rates_of(&mut self, at: usize) -> &mut CallRates {
        self.settle();
        if let [_] = *self.symbol_rates {
            return &mut self.rates;
        }
        &mut self.symbol_rates[at]
    }

    /// Cancels a second of a symbol over the last 10 s.
    #[allow(clippy::cast_precision_loss)] // counts of requests
    pub fn cancels_per_sec_of(&mut self, at: usize, now: TsNs) -> f64 {
        self.settle();
        if let [_] = *self.symbol_cancels {
            return self.cancels_per_sec(now);
        }
        self.symbol_cancels[at].total(second_of(now)) as f64 / f64::from(RATE_WINDOW_SEC)
    }

    /// New orders a second of a symbol over the last 10 s.
    #[allow(clippy::cast_precision_loss)] // counts of requests
    pub fn creates_per_sec_of(&mut self, at: usize, now: TsNs) -> f64 {
        self.settle();
        self.symbol_creates[at].total(second_of(now)) as f64 / f64::from(RATE_WINDOW_SEC)
    }

    /// Requests of an operation and symbol in the window.
    pub fn events_in_window_of(&mut self, at: usize, op: Op, now: TsNs) -> u64 {
        self.settle();
        self.symbols[at].sent_in_window(op, now)
    }

    /// Largest back-off of any symbol since the start or the last reset, ms.
    #[must_use]
    pub fn backoff_ms_max_observed(&self) -> f64 {
        let observed = self.backoffs.iter().map(Backoff::max_observed_ms);
        observed.fold(0.0, f64::max)
    }

    /// Raises that maximum to the one of an earlier run.
    pub fn seed_backoff_max(&mut self, backoff_ms: f64) {
        for backoff in &mut self.backoffs {
            backoff.seed_max_observed(backoff_ms);
        }
    }

    /// The breaker's state at `now`.
    pub fn circuit_at(&mut self, params: &SessionParams, now: TsNs) -> CircuitState {
        self.breaker.state_at(&params.circuit, now)
    }

    /// Quoting parameters of a symbol as autopolicy has them, at level 0 too.
    #[must_use]
    pub fn effective_quoting(&self, params: &SessionParams, seat: &Seat) -> EffectiveQuoting {
        let bases = AutopolicyBases {
            min_time_in_book_ms: seat.min_time_in_book_ms,
            replace_threshold_bps: seat.replace_threshold_bps,
            levels_per_side_max: params.autopolicy.levels_per_side_max,
        };
        match self.autopolicy.level() {
            0 => EffectiveQuoting {
                min_time_in_book_ms: bases.min_time_in_book_ms,
                replace_threshold_bps: bases.replace_threshold_bps,
                levels_per_side_max: bases.levels_per_side_max,
            },
            level => bases.effective_at(&params.autopolicy, level),
        }
    }

    /// Largest current back-off over symbols, ms.
    #[must_use]
    pub fn backoff_ms_max(&self, now: TsNs) -> f64 {
        let current = self.backoffs.iter().map(|backoff| backoff.current_ms(now));
        current.fold(0.0, f64::max)
    }

    /// Requests of all operations and symbols in the window.
    pub fn events_in_window(&mut self, now: TsNs) -> u64 {
        self.settle();
        self.session.total(now)
    }

    /// Back-off per symbol.
    #[must_use]
    pub fn backoffs(&self) -> &[Backoff] {
        &self.backoffs
    }

    /// The circuit breaker.
    #[must_use]
    pub const fn breaker(&self) -> &CircuitBreaker {
        &self.breaker
    }

    /// Autopolicy.
    #[must_use]
    pub const fn autopolicy(&self) -> &Autopolicy {
        &self.autopolicy
    }

    /// Autopolicy, to set its level by hand.
    pub const fn autopolicy_mut(&mut self) -> &mut Autopolicy {
        &mut self.autopolicy
    }

    /// Takes windows from a snapshot.
    pub fn restore(&mut self, session: OpWindows, symbols: Vec<OpWindows>) {
        // rates know what was sent, whatever windows begin with
        self.settle();
        self.room.forget();
        self.session = session;
        for (windows, loaded) in self.symbols.iter_mut().zip(symbols) {
            *windows = loaded;
        }
    }

    /// Clears windows, back-offs and their maximum.
    pub fn reset(&mut self) {
        self.settle();
        self.room.forget();
        self.session.clear();
        self.symbols.iter_mut().for_each(OpWindows::clear);
        self.backoffs.iter_mut().for_each(Backoff::reset);
    }

    /// The symbol whose next create or amend is the probe, while the breaker is half open. It is
    /// counted as started when it is lent; a symbol that no longer quotes hands it on.
    fn prober(&mut self, params: &SessionParams, seats: &[Seat], now: TsNs) -> Option<usize> {
        if seats.iter().any(|seat| seat.probing) {
            return None;
        }
        let unused = |seat: &Seat| seat.permit.circuit == Circuit::Probe && seat.probe.is_none();
        let lent = seats.iter().position(unused);
        let quotes = |at: usize| seats[at].permit.budget.is_some() && seats[at].market.synced;
        if lent.is_some_and(quotes) {
            return lent;
        }
        let count = seats.len().max(1);
        let mut turn = (0..seats.len()).map(|step| (self.next_prober + step) % count);
        let chosen = turn.find(|at| quotes(*at))?;
        if lent.is_none() && !self.breaker.take_probe(&params.circuit, now) {
            return None;
        }
        self.next_prober = chosen + 1;
        Some(chosen)
    }

    fn calmer(&self, params: &SessionParams, seat: &Seat) -> Option<Calmer> {
        if !self.autopolicy.active() {
            return None;
        }
        let effective = self.effective_quoting(params, seat);
        Some(Calmer {
            min_time_in_book_ms: effective.min_time_in_book_ms,
            replace_threshold_bps: effective.replace_threshold_bps,
            levels_max: effective.levels_per_side_max,
        })
    }
}

/// A number of requests as a permit has it: `u32::MAX` is no limit.
fn share_of(requests: u64) -> u32 {
    u32::try_from(requests).unwrap_or(u32::MAX)
}

const fn sent_of(seat: &Seat, op: Op) -> u32 {
    match op {
        Op::Create => seat.sent.creates,
        Op::Amend => seat.sent.amends,
        Op::Cancel => seat.sent.cancels,
    }
}

const fn lent_of(lent: &mut Lent, op: Op) -> &mut u32 {
    match op {
        Op::Create => &mut lent.creates,
        Op::Amend => &mut lent.amends,
        Op::Cancel => &mut lent.cancels,
    }
}
