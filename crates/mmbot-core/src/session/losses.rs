//! Guards of loss and position: risk grade, runtime guard, position skew, caps of the day, trading
//! windows; and the account that they judge.

use super::caps::IntradayCaps;
use super::event_log::{EventLog, SessionEvent};
use super::guard_verdict::GuardInputs;
use super::latency_window::LatencyWindow;
use super::permit::Holds;
use super::requests::Requests;
use super::risk_grade::{KillCause, RiskGrade};
use super::risk_state::{RiskInputs, RiskMonitor};
use super::runtime_guard::RuntimeGuard;
use super::schedule::Schedule;
use super::seat::Seat;
use super::skew::{PosSkew, SkewScope};
use mmbot_types::{InstrumentIdx, SessionParams, TsNs};

/// See the module.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Losses {
    equity_usd: f64,
    net_usd: f64,
    turnover_usd: f64,
    gross_usd: f64,
    risk: RiskMonitor,
    guard: RuntimeGuard,
    skew: PosSkew,
    caps: IntradayCaps,
    schedule: Schedule,
    open: bool,
    /// Cancel latencies of the session and of each symbol.
    latency: LatencyWindow,
    symbol_latency: Vec<LatencyWindow>,
    positions_usd: Vec<f64>,
    mids: Vec<Option<f64>>,
}

impl Losses {
    /// Nothing has happened yet.
    pub fn new(params: &SessionParams, symbols: usize) -> Self {
        let window_sec = params.runtime_guard.window_sec;
        Self {
            equity_usd: params.risk.initial_equity_usd,
            net_usd: 0.0,
            turnover_usd: 0.0,
            gross_usd: 0.0,
            risk: RiskMonitor::default(),
            guard: RuntimeGuard::new(&params.runtime_guard, symbols),
            skew: PosSkew::new(symbols),
            caps: IntradayCaps::new(symbols),
            schedule: Schedule::default(),
            open: true,
            latency: LatencyWindow::new(window_sec),
            symbol_latency: vec![LatencyWindow::new(window_sec); symbols],
            positions_usd: vec![0.0; symbols],
            mids: vec![None; symbols],
        }
    }

    /// New parameters: windows and states stay.
    pub fn reload(&mut self, params: &SessionParams, now: TsNs) {
        let window_sec = params.runtime_guard.window_sec;
        self.guard.reload(&params.runtime_guard, now);
        self.latency.set_window_sec(window_sec);
        for window in &mut self.symbol_latency {
            window.set_window_sec(window_sec);
        }
    }

    /// Halts.
    pub fn kill(&mut self, cause: KillCause, now: TsNs) {
        self.risk.kill(cause, now);
    }

    /// Lifts a kill and nothing else.
    pub fn lift_kill(&mut self, now: TsNs) {
        self.risk.lift_kill(now);
    }

    /// Sets the mildest grade that is allowed, or lifts that.
    pub fn set_floor(&mut self, floor: Option<RiskGrade>, now: TsNs) {
        self.risk.set_floor(floor, now);
    }

    /// Holds the session flat while what happens to it cannot be written down.
    pub fn set_storage_hold(&mut self, held: bool, now: TsNs) {
        self.risk.set_storage_hold(held, now);
    }

    /// Lifts manual pause, guard pause, drawdown pause and kill.
    pub fn resume(&mut self, now: TsNs) {
        self.guard.resume(now);
        self.risk.resume(now);
    }

    /// Cancel latencies of the second before.
    pub(super) fn count_latencies(&mut self, seats: &[Seat], now: TsNs) {
        for (window, seat) in self.symbol_latency.iter_mut().zip(seats) {
            self.latency.record_all(&seat.cancel_latency_ns, now);
            window.record_all(&seat.cancel_latency_ns, now);
        }
    }

    /// The evaluations of a full second.
    pub(super) fn on_second(
        &mut self,
        params: &SessionParams,
        requests: &mut Requests,
        seats: &[Seat],
        quoted: usize,
        now: TsNs,
        events: &mut EventLog,
    ) {
        self.guard_second(params, requests, seats, quoted, now, events);
        if now.get().rem_euclid(60_000_000_000) < 1_000_000_000 {
            for (mid, seat) in self.mids.iter_mut().zip(seats) {
                let known = seat.market.synced && seat.market.mid_usd > 0.0;
                *mid = known.then_some(seat.market.mid_usd);
            }
            self.caps.on_minute(&self.mids, now);
        }
    }

    /// What is judged at every synchronisation at which it is not known that nothing would change.
    pub(super) fn judge(
        &mut self,
        params: &SessionParams,
        seats: &[Seat],
        now: TsNs,
        events: &mut EventLog,
    ) {
        let cancels: u64 = seats
            .iter()
            .map(|seat| u64::from(seat.sent.guard_cancels))
            .sum();
        self.guard.on_cancels_sent(cancels);
        self.judge_skew(params, seats, now, events);
        let event = self
            .caps
            .update(&params.caps, self.net_usd, self.turnover_usd, now);
        if let Some(event) = event {
            let value = self.caps.largest_ratio(&params.caps);
            events.note(now, None, SessionEvent::Caps { event, value });
        }
        self.open = self.schedule.is_open(&params.schedule, now);
        let inputs = RiskInputs {
            equity_usd: self.equity_usd,
            caps_breached: self.caps.is_breached(),
            guard_paused: self.guard.is_paused_effective(&params.runtime_guard),
            schedule_closed: !self.open,
        };
        self.risk.update(&params.risk, &inputs, now);
    }

    /// What holds a symbol back.
    #[must_use]
    pub fn holds(&self, params: &SessionParams, symbol: InstrumentIdx) -> Holds {
        let grade = self.risk.grade();
        let guarded = self.guard.blocks(&params.runtime_guard, symbol);
        let mut holds = Holds::NONE;
        holds.set(Holds::KILL, grade == RiskGrade::Halted);
        holds.set(
            Holds::RISK_PAUSED,
            grade == RiskGrade::Flat && (self.risk.gauges().risk_paused || (!guarded && self.open)),
        );
        holds.set(Holds::GUARD_PAUSED, guarded);
        holds.set(Holds::SCHEDULER_CLOSED, !self.open);
        holds.set(Holds::INTRADAY_CAPS, self.caps.is_breached());
        holds.set(Holds::POS_SKEW, self.skew.is_frozen(symbol));
        holds.set(Holds::REDUCE_ONLY, grade == RiskGrade::ReduceOnly);
        holds
    }

    /// Equity of the session, USD.
    #[must_use]
    pub const fn equity_usd(&self) -> f64 {
        self.equity_usd
    }

    /// Net result since the start, USD.
    #[must_use]
    pub const fn net_usd(&self) -> f64 {
        self.net_usd
    }

    /// Risk grade.
    #[must_use]
    pub const fn risk(&self) -> &RiskMonitor {
        &self.risk
    }

    /// Runtime guard.
    #[must_use]
    pub const fn guard(&self) -> &RuntimeGuard {
        &self.guard
    }

    /// Runtime guard, to pause by hand.
    pub const fn guard_mut(&mut self) -> &mut RuntimeGuard {
        &mut self.guard
    }

    /// Position skew guard.
    #[must_use]
    pub const fn skew(&self) -> &PosSkew {
        &self.skew
    }

    /// Position skew guard, whose gauges sort.
    pub const fn skew_mut(&mut self) -> &mut PosSkew {
        &mut self.skew
    }

    /// Caps of the day.
    #[must_use]
    pub const fn caps(&self) -> &IntradayCaps {
        &self.caps
    }

    /// Caps of the day, to restore what a day brought before.
    pub const fn caps_mut(&mut self) -> &mut IntradayCaps {
        &mut self.caps
    }

    /// Inside a trading window.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.open
    }

    /// 95th percentile of cancel latency over the guard's window, ms.
    pub fn cancel_latency_p95_ms(&mut self, now: TsNs) -> Option<f64> {
        self.latency.p95_ms(now)
    }

    /// The same for one symbol.
    pub fn cancel_latency_p95_ms_of(&mut self, at: usize, now: TsNs) -> Option<f64> {
        self.symbol_latency.get_mut(at)?.p95_ms(now)
    }

    /// Positions and open orders, USD.
    #[must_use]
    pub const fn gross_usd(&self) -> f64 {
        self.gross_usd
    }

    /// Notional of all fills since the start, USD.
    #[must_use]
    pub const fn turnover_usd(&self) -> f64 {
        self.turnover_usd
    }

    /// First opening or closing of a trading window after `now`; `None` without one.
    pub(super) fn next_schedule_change(
        &mut self,
        params: &SessionParams,
        now: TsNs,
    ) -> Option<TsNs> {
        params.schedule.windows.as_ref()?;
        self.schedule.next_change(&params.schedule, now)
    }

    /// Sums of the symbols; to be called before anything is judged.
    pub(super) fn account(&mut self, params: &SessionParams, seats: &[Seat]) {
        let (mut net_usd, mut turnover_usd, mut gross_usd) = (0.0, 0.0, 0.0);
        for seat in seats {
            net_usd += seat.net_usd;
            turnover_usd += seat.turnover_usd;
            gross_usd += seat.gross_usd;
        }
        self.net_usd = net_usd;
        self.turnover_usd = turnover_usd;
        self.gross_usd = gross_usd;
        self.equity_usd = params.risk.initial_equity_usd + self.net_usd;
    }

    fn judge_skew(
        &mut self,
        params: &SessionParams,
        seats: &[Seat],
        now: TsNs,
        events: &mut EventLog,
    ) {
        let mut colors_usd = [0.0; 2];
        for (position, seat) in self.positions_usd.iter_mut().zip(seats) {
            *position = seat.position_usd;
            for (sum, usd) in colors_usd.iter_mut().zip(seat.color_usd) {
                *sum += usd;
            }
        }
        let positions = &self.positions_usd;
        self.skew
            .update(&params.pos_skew, positions, colors_usd, now, |event| {
                let symbol = match event.scope {
                    SkewScope::Symbol(symbol) => Some(symbol),
                    SkewScope::Color(_) => None,
                };
                events.note(event.ts, symbol, SessionEvent::Skew(event));
            });
    }

    fn guard_second(
        &mut self,
        params: &SessionParams,
        requests: &mut Requests,
        seats: &[Seat],
        quoted: usize,
        now: TsNs,
        events: &mut EventLog,
    ) {
        let guard = &params.runtime_guard;
        let largest = seats.iter().map(|seat| seat.position_usd.abs());
        let position_usd = largest.fold(0.0, f64::max);
        #[allow(clippy::cast_precision_loss)] // symbols are few
        let limit = params.throttle.session_cancels_per_sec * quoted.max(1) as f64;
        let inputs = GuardInputs {
            cancels_per_sec: requests.cancels_per_sec(now),
            cancel_limit_per_sec: limit,
            rest_error_rate: requests.rest_error_rate(now),
            pnl_usd: self.net_usd,
            position_notional_usd: position_usd,
            gross_exposure_usd: self.gross_usd,
            position_pct_budget: percent_of(position_usd, params.portfolio.budget_usd),
            ws_lag_ms: seats
                .iter()
                .filter_map(|seat| seat.market.ws_lag_ms)
                .reduce(f64::max),
            order_reject_rate: requests.order_reject_rate(now),
        };
        let change = self.guard.evaluate(guard, &inputs, &mut self.latency, now);
        if let Some(change) = change {
            events.note(now, None, SessionEvent::Runtime(change));
        }
        for (at, seat) in seats.iter().enumerate() {
            if guard.per_symbol.get(at).is_none_or(Option::is_none) {
                continue;
            }
            let symbol = InstrumentIdx(u16::try_from(at).unwrap_or(u16::MAX));
            let own = GuardInputs {
                cancels_per_sec: requests.cancels_per_sec_of(at, now),
                cancel_limit_per_sec: params.throttle.session_cancels_per_sec,
                rest_error_rate: requests.rates_of(at).rest_error_rate(now),
                order_reject_rate: requests.rates_of(at).order_reject_rate(now),
                pnl_usd: seat.net_usd,
                position_notional_usd: seat.position_usd.abs(),
                gross_exposure_usd: seat.gross_usd,
                position_pct_budget: percent_of(
                    seat.position_usd.abs(),
                    params.portfolio.budget_usd,
                ),
                ws_lag_ms: seat.market.ws_lag_ms,
            };
            let window = &mut self.symbol_latency[at];
            let change = self.guard.evaluate_symbol(guard, symbol, &own, window, now);
            if let Some(change) = change {
                events.note(now, Some(symbol), SessionEvent::Runtime(change));
            }
        }
    }
}

fn percent_of(part_usd: f64, whole_usd: f64) -> f64 {
    if whole_usd > 0.0 {
        100.0 * part_usd / whole_usd
    } else {
        0.0
    }
}
