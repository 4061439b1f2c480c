//! Runtime guard: once a second the machinery is judged on its own figures, and a run of bad
//! verdicts pauses quoting until a run of good ones and the recovery time have passed. Symbols with
//! thresholds of their own are judged on their own figures and paused alone.

use super::calendar::{minutes_ns, utc_second};
use super::guard_verdict::judge;
pub use super::guard_verdict::{GuardInputs, GuardReasons};
use super::latency_window::LatencyWindow;
use super::pnl_slope::PnlSlope;
use mmbot_types::{GuardThresholds, InstrumentIdx, RuntimeGuardParams, TsNs};

/// A change of the pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuardChange {
    /// Paused, because of these.
    Paused(GuardReasons),
    /// Free again.
    Resumed,
}

/// What is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GuardGauges {
    /// The session is paused (dry run or not).
    pub paused: bool,
    /// The session may not quote because of this guard.
    pub paused_effective: bool,
    /// A pause only counts and stops nothing.
    pub dry_run: bool,
    /// Paused by hand.
    pub manual_override: bool,
    /// Bad evaluations of the session in a row.
    pub breach_streak: u32,
    /// Reasons of the latest bad evaluation of the session.
    pub last_reason: GuardReasons,
    /// Latest change of the session's pause or of the pause by hand.
    pub last_change: Option<TsNs>,
    /// Pauses of the session and of symbols.
    pub pauses_total: u64,
    /// Cancels sent because of this guard.
    pub cancels_total: u64,
}

/// Verdicts on one scope: the session or a symbol.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
struct Watch {
    slope: PnlSlope,
    /// Second of the latest evaluation.
    evaluated: Option<i64>,
    bad_streak: u32,
    good_streak: u32,
    paused_at: Option<TsNs>,
    last_reason: GuardReasons,
}

/// See the module.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct RuntimeGuard {
    session: Watch,
    /// By instrument index; only symbols with thresholds of their own.
    symbols: Box<[Option<Watch>]>,
    manual: bool,
    last_change: Option<TsNs>,
    now: TsNs,
    pauses_total: u64,
    cancels_total: u64,
}

impl RuntimeGuard {
    /// A guard of a session with `symbols` instruments.
    #[must_use]
    pub fn new(params: &RuntimeGuardParams, symbols: usize) -> Self {
        let own = |index: usize| params.per_symbol.get(index).is_some_and(Option::is_some);
        let watch = |index| own(index).then(|| Watch::new(params.window_sec));
        Self {
            session: Watch::new(params.window_sec),
            symbols: (0..symbols).map(watch).collect(),
            manual: params.manual_override_pause,
            last_change: None,
            now: TsNs::ZERO,
            pauses_total: 0,
            cancels_total: 0,
        }
    }

    /// New parameters: windows and verdicts stay; a symbol that lost its thresholds is free, and
    /// the pause by hand is as configured.
    pub fn reload(&mut self, params: &RuntimeGuardParams, now: TsNs) {
        let window_sec = params.window_sec;
        self.session.slope.set_window_sec(window_sec);
        for (index, watch) in self.symbols.iter_mut().enumerate() {
            let own = params.per_symbol.get(index).is_some_and(Option::is_some);
            match (own, watch.as_mut()) {
                (true, Some(watch)) => watch.slope.set_window_sec(window_sec),
                (true, None) => *watch = Some(Watch::new(window_sec)),
                (false, _) => *watch = None,
            }
        }
        self.set_manual(params.manual_override_pause, now);
    }

    /// Judges the session; only the first call within a second counts.
    pub fn evaluate(
        &mut self,
        params: &RuntimeGuardParams,
        inputs: &GuardInputs,
        cancel_latency: &mut LatencyWindow,
        now: TsNs,
    ) -> Option<GuardChange> {
        self.now = self.now.max(now);
        let thresholds = &params.thresholds;
        let watch = &mut self.session;
        let change = watch.evaluate(params, thresholds, inputs, cancel_latency, self.now);
        if self.manual {
            self.session.blame_operator();
        }
        if change.is_some() {
            self.last_change = Some(self.now);
        }
        self.count(change)
    }

    /// Judges a symbol on its own figures; nothing if it has no thresholds of its own.
    pub fn evaluate_symbol(
        &mut self,
        params: &RuntimeGuardParams,
        symbol: InstrumentIdx,
        inputs: &GuardInputs,
        cancel_latency: &mut LatencyWindow,
        now: TsNs,
    ) -> Option<GuardChange> {
        self.now = self.now.max(now);
        let index = usize::from(symbol.0);
        let thresholds = params.per_symbol.get(index)?.as_ref()?;
        let watch = self.symbols.get_mut(index)?.as_mut()?;
        let change = watch.evaluate(params, thresholds, inputs, cancel_latency, self.now);
        self.count(change)
    }

    /// Pauses by hand, or ends such a pause.
    pub fn set_manual(&mut self, paused: bool, now: TsNs) {
        self.now = self.now.max(now);
        if std::mem::replace(&mut self.manual, paused) != paused {
            self.last_change = Some(self.now);
        }
        if paused {
            self.session.blame_operator();
        }
    }

    /// Ends every pause. The results so far are forgotten: their slope would strike again.
    pub fn resume(&mut self, now: TsNs) {
        self.set_manual(false, now);
        if self.session.resume() {
            self.last_change = Some(self.now);
        }
        for watch in self.symbols.iter_mut().flatten() {
            watch.resume();
        }
    }

    /// True while the session is paused, in a dry run too.
    #[must_use]
    pub const fn is_paused(&self) -> bool {
        self.session.paused_at.is_some()
    }

    /// True while the whole session may not quote.
    #[must_use]
    pub const fn is_paused_effective(&self, params: &RuntimeGuardParams) -> bool {
        self.manual || (self.is_paused() && !params.dry_run)
    }

    /// True while orders of the symbol may be neither placed nor amended.
    #[must_use]
    pub fn blocks(&self, params: &RuntimeGuardParams, symbol: InstrumentIdx) -> bool {
        let watch = self
            .symbols
            .get(usize::from(symbol.0))
            .and_then(Option::as_ref);
        let alone = watch.is_some_and(|watch| watch.paused_at.is_some());
        self.is_paused_effective(params) || (alone && !params.dry_run)
    }

    /// `n` cancels were sent because of this guard.
    pub fn on_cancels_sent(&mut self, n: u64) {
        self.cancels_total += n;
    }

    /// What is exported.
    #[must_use]
    pub const fn gauges(&self, params: &RuntimeGuardParams) -> GuardGauges {
        GuardGauges {
            paused: self.is_paused(),
            paused_effective: self.is_paused_effective(params),
            dry_run: params.dry_run,
            manual_override: self.manual,
            breach_streak: self.session.bad_streak,
            last_reason: self.session.last_reason,
            last_change: self.last_change,
            pauses_total: self.pauses_total,
            cancels_total: self.cancels_total,
        }
    }

    fn count(&mut self, change: Option<GuardChange>) -> Option<GuardChange> {
        self.pauses_total += u64::from(matches!(change, Some(GuardChange::Paused(_))));
        change
    }
}

impl Watch {
    fn new(window_sec: u32) -> Self {
        Self {
            slope: PnlSlope::new(window_sec),
            evaluated: None,
            bad_streak: 0,
            good_streak: 0,
            paused_at: None,
            last_reason: GuardReasons::default(),
        }
    }

    fn evaluate(
        &mut self,
        params: &RuntimeGuardParams,
        thresholds: &GuardThresholds,
        inputs: &GuardInputs,
        cancel_latency: &mut LatencyWindow,
        now: TsNs,
    ) -> Option<GuardChange> {
        let second = utc_second(now);
        if self.evaluated.is_some_and(|seen| seen >= second) {
            return None;
        }
        self.evaluated = Some(second);
        self.slope.record(inputs.pnl_usd, now);
        if !params.enabled {
            return self.resume_keeping_window().then_some(GuardChange::Resumed);
        }
        let mut reasons = judge(thresholds, inputs, self.slope.usd_per_min());
        if cancel_latency.exceeds(thresholds.cancel_latency_p95_ms_max, now) {
            reasons = reasons.and(GuardReasons::CANCEL_LATENCY);
        }
        if reasons.is_empty() {
            self.good(params, now)
        } else {
            self.bad(params, reasons, now)
        }
    }

    fn bad(
        &mut self,
        params: &RuntimeGuardParams,
        reasons: GuardReasons,
        now: TsNs,
    ) -> Option<GuardChange> {
        self.last_reason = reasons;
        self.good_streak = 0;
        self.bad_streak = self.bad_streak.saturating_add(1);
        let pauses = self.paused_at.is_none() && self.bad_streak >= params.hysteresis_bad_required;
        pauses.then(|| {
            self.paused_at = Some(now);
            GuardChange::Paused(reasons)
        })
    }

    fn good(&mut self, params: &RuntimeGuardParams, now: TsNs) -> Option<GuardChange> {
        self.bad_streak = 0;
        self.good_streak = self.good_streak.saturating_add(1);
        let paused_at = self.paused_at?;
        let recovered = now.since_ns(paused_at) >= minutes_ns(params.recovery_minutes);
        let resumes = recovered && self.good_streak >= params.hysteresis_good_required;
        resumes.then(|| {
            self.paused_at = None;
            GuardChange::Resumed
        })
    }

    /// The pause by hand, beside what is bad now.
    fn blame_operator(&mut self) {
        let reasons = match self.bad_streak {
            0 => GuardReasons::default(),
            _ => self.last_reason,
        };
        self.last_reason = reasons.and(GuardReasons::MANUAL);
    }

    /// True if it was paused.
    fn resume(&mut self) -> bool {
        self.slope.clear();
        self.resume_keeping_window()
    }

    fn resume_keeping_window(&mut self) -> bool {
        (self.bad_streak, self.good_streak) = (0, 0);
        self.paused_at.take().is_some()
    }
}
