//! Circuit breaker of a venue session: stops creates and amends while calls fail, then feels its
//! way back with single probes. Cancels always pass.
//!
//! The states and what moves them are one match, [`next`]; `docs/circuit-states.md` is made from
//! it. Every method first lets the time pass and then applies what happened, with the parameters
//! of that call, so that a change of them holds at once and keeps state and window. Rates are over
//! whole seconds that cover `window_sec`. A rate of which there is no single case never opens,
//! whatever its threshold.

use super::outcome::{CallOutcome, OutcomeCounts, Tally, TallyWindow, whole_seconds};
use super::ring::second_of;
use mmbot_types::{CircuitParams, TsNs};

/// Where the breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum CircuitState {
    /// Everything passes.
    Closed,
    /// Creates and amends are refused.
    Open {
        /// Since when.
        since: TsNs,
    },
    /// Creates and amends pass as probes only.
    HalfOpen(Probes),
}

/// Probes since the breaker is half open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Probes {
    started: u32,
    last_start: Option<TsNs>,
    answers: OutcomeCounts,
}

/// What happens to a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    TimePassed,
    /// Calls ended that were no probes; they are in the window already.
    Results,
    ProbeStarted,
    ProbeAnswered(CallOutcome),
}

impl CircuitState {
    /// Number of states.
    pub const COUNT: usize = 3;

    /// Names in the order of [`CircuitState::numeric`].
    pub const NAMES: [&'static str; Self::COUNT] = ["closed", "open", "half_open"];

    /// 0 closed, 1 open, 2 half open.
    #[inline]
    #[must_use]
    pub const fn numeric(&self) -> usize {
        match self {
            CircuitState::Closed => 0,
            CircuitState::Open { .. } => 1,
            CircuitState::HalfOpen(_) => 2,
        }
    }

    /// Name used in metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        Self::NAMES[self.numeric()]
    }
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CircuitBreaker {
    state: CircuitState,
    window: TallyWindow,
    /// `window_sec` that the window has, its bits: most calls bring the same.
    window_sec: u64,
    entered: [u64; CircuitState::COUNT],
    latest: TsNs,
    /// Calls of a second that none of the window failed before, and that did not fail: they open
    /// nothing, and the window gets them when the second is over or a call fails.
    unfailed: (i64, u32),
}

impl CircuitBreaker {
    /// A closed breaker.
    #[must_use]
    pub fn new(params: &CircuitParams) -> Self {
        Self {
            state: CircuitState::Closed,
            window: TallyWindow::new(whole_seconds(params.window_sec)),
            window_sec: params.window_sec.to_bits(),
            entered: [0; CircuitState::COUNT],
            latest: TsNs::ZERO,
            unfailed: (0, 0),
        }
    }

    /// Whether a create or amend may be sent; where it may be a probe only, sending it has to be
    /// told with [`CircuitBreaker::take_probe`].
    pub fn allows_create(&mut self, params: &CircuitParams, now: TsNs) -> bool {
        match self.state_at(params, now) {
            CircuitState::Closed => true,
            CircuitState::Open { .. } => false,
            CircuitState::HalfOpen(probes) => probes.may_start(params, self.latest),
        }
    }

    /// A create or amend is being sent. True if it is a probe: then its end belongs to
    /// [`CircuitBreaker::on_probe_result`], exactly once (no answer is a timeout).
    pub fn take_probe(&mut self, params: &CircuitParams, now: TsNs) -> bool {
        let state = self.state_at(params, now);
        self.apply(Event::ProbeStarted, params);
        self.state != state
    }

    /// A call that was no probe ended.
    pub fn on_result(&mut self, params: &CircuitParams, outcome: CallOutcome, now: TsNs) {
        self.on_results(params, &OutcomeCounts::one(outcome), now);
    }

    /// Calls that were no probes ended since the last call of this method; judged together.
    pub fn on_results(&mut self, params: &CircuitParams, counts: &OutcomeCounts, now: TsNs) {
        self.state_at(params, now);
        // no rate without a case opens it
        let calm = self.state == CircuitState::Closed && !self.window.may_have_failed();
        match counts.unfailed() {
            Some(0) => {}
            Some(n) if calm => self.count_unfailed(n),
            _ => {
                self.settle();
                self.window.add(second_of(self.latest), counts);
                self.apply(Event::Results, params);
            }
        }
    }

    #[inline]
    fn count_unfailed(&mut self, n: u32) {
        let second = second_of(self.latest);
        if second != self.unfailed.0 {
            self.settle();
            self.unfailed.0 = second;
        }
        self.unfailed.1 = self.unfailed.1.saturating_add(n);
    }

    /// The window gets what it does not have yet.
    fn settle(&mut self) {
        let (second, n) = self.unfailed;
        if n > 0 {
            self.window.add_unfailed(second, n);
            self.unfailed.1 = 0;
        }
    }

    /// A probe ended. It counts in the window too, as every call does.
    pub fn on_probe_result(&mut self, params: &CircuitParams, outcome: CallOutcome, now: TsNs) {
        self.state_at(params, now);
        self.settle();
        let counts = OutcomeCounts::one(outcome);
        self.window.add(second_of(self.latest), &counts);
        self.apply(Event::ProbeAnswered(outcome), params);
    }

    /// The state at `now`.
    pub fn state_at(&mut self, params: &CircuitParams, now: TsNs) -> CircuitState {
        self.latest = self.latest.max(now);
        if self.window_sec != params.window_sec.to_bits() {
            self.window_sec = params.window_sec.to_bits();
            self.settle();
            self.window.resize(whole_seconds(params.window_sec));
        }
        // time alone moves nothing while it is closed: see `next`
        if self.state != CircuitState::Closed {
            self.apply(Event::TimePassed, params);
        }
        self.state
    }

    /// The calls of the window at `now`.
    pub fn tally(&mut self, now: TsNs) -> Tally {
        self.settle();
        self.window.tally(second_of(self.latest.max(now)))
    }

    /// How often each state was entered, in the order of [`CircuitState::numeric`].
    #[must_use]
    pub const fn transitions(&self) -> [u64; CircuitState::COUNT] {
        self.entered
    }

    fn apply(&mut self, event: Event, params: &CircuitParams) {
        self.settle();
        let window = self.window.tally(second_of(self.latest));
        let before = self.state.numeric();
        self.state = next(self.state, event, &window, params, self.latest);
        if self.state.numeric() != before {
            self.entered[self.state.numeric()] += 1;
            // what came before must not open it again
            if let CircuitState::HalfOpen(_) = self.state {
                self.window.clear();
            }
        }
    }
}

/// The state after `event` in `state` at `now`; `window` holds the results of the event already.
fn next(
    state: CircuitState,
    event: Event,
    window: &Tally,
    params: &CircuitParams,
    now: TsNs,
) -> CircuitState {
    let opened = CircuitState::Open { since: now };
    match (state, event) {
        // the late answer of a probe is an answer like any other
        (CircuitState::Closed, Event::Results | Event::ProbeAnswered(_)) => {
            if window.all >= u64::from(params.min_samples) && trips(window, window.all, params) {
                opened
            } else {
                state
            }
        }
        (CircuitState::Closed, Event::TimePassed | Event::ProbeStarted) => state,
        (CircuitState::Open { since }, Event::TimePassed) => {
            if now.since_ns(since) >= seconds_ns(params.open_duration_sec) {
                CircuitState::HalfOpen(Probes::default())
            } else {
                state
            }
        }
        (CircuitState::Open { .. }, Event::Results) => state,
        (CircuitState::Open { .. }, Event::ProbeStarted | Event::ProbeAnswered(_)) => state,
        (CircuitState::HalfOpen(probes), Event::TimePassed) => probes.judge(None, params, now),
        (CircuitState::HalfOpen(_), Event::Results) => state,
        (CircuitState::HalfOpen(probes), Event::ProbeStarted) => {
            if probes.may_start(params, now) {
                CircuitState::HalfOpen(probes.with_start(now))
            } else {
                state
            }
        }
        (CircuitState::HalfOpen(probes), Event::ProbeAnswered(outcome)) => probes
            .with_answer(outcome)
            .judge(Some(outcome), params, now),
    }
}

impl Probes {
    /// Probes started.
    #[must_use]
    pub const fn started(&self) -> u32 {
        self.started
    }

    /// Answers to them.
    #[must_use]
    pub const fn answers(&self) -> &OutcomeCounts {
        &self.answers
    }

    fn may_start(&self, params: &CircuitParams, now: TsNs) -> bool {
        let cooldown_ns = seconds_ns(params.cooldown_sec);
        let cooled = |last: TsNs| now.since_ns(last) >= cooldown_ns;
        self.started < params.half_open_probes && self.last_start.is_none_or(cooled)
    }

    const fn with_start(mut self, now: TsNs) -> Self {
        self.started += 1;
        self.last_start = Some(now);
        self
    }

    /// An answer when none is due belongs to a probe of an earlier round: it does not count here.
    fn with_answer(mut self, outcome: CallOutcome) -> Self {
        if self.answers.tally().all < u64::from(self.started) {
            self.answers.add(outcome, 1);
        }
        self
    }

    /// Open or closed when all probes are answered; open as soon as an outage decides it however
    /// the others end; half open until then.
    fn judge(self, last: Option<CallOutcome>, params: &CircuitParams, now: TsNs) -> CircuitState {
        let answers = self.answers.tally();
        let probes = u64::from(self.started.max(params.half_open_probes));
        let outage = last.is_some_and(CallOutcome::is_outage);
        let complete = answers.all >= probes;
        if (outage || complete) && trips(&answers, probes, params) {
            CircuitState::Open { since: now }
        } else if complete {
            CircuitState::Closed
        } else {
            CircuitState::HalfOpen(self)
        }
    }
}

/// True if a rate over `all` calls is at or above its threshold.
#[allow(clippy::cast_precision_loss)] // counts of calls
fn trips(tally: &Tally, all: u64, params: &CircuitParams) -> bool {
    [
        (tally.failed, params.err_rate_open),
        (tally.server, params.http_5xx_rate_open),
        (tally.rate_limited, params.http_429_rate_open),
    ]
    .iter()
    .any(|(count, threshold)| *count > 0 && *count as f64 / all as f64 >= *threshold)
}

#[allow(clippy::cast_possible_truncation)] // a float cast saturates: never
fn seconds_ns(seconds: f64) -> i64 {
    (seconds * 1e9) as i64
}
