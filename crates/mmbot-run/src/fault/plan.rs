//! What goes wrong in a run: everything follows from one seed.
//!
//! A plan drawn from a seed switches a random half of the faults on (swarm testing, Groce et al.
//! 2012: runs in which some faults are absent find what runs with all of them hide). A scenario
//! file names them itself. Draws of a fault do not depend on which others are on, so that a list of
//! faults can be cut down to those that matter.

use super::kind::Fault;
use super::ratio::Ratio;
use mmbot_types::{CounterRng, StreamRng};

/// A fault's share and bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultOption {
    /// How often.
    pub ratio: Ratio,
    /// Longest duration or delay, ms.
    pub max_ms: i64,
}

/// A planted defect, which a run must find: else the harness is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Canary {
    /// Traders do not hear what guards forbid: after a kill they go on.
    DeafToGuards,
    /// Traders may send as many requests as they like.
    BoundlessRequests,
    /// Traders may quote whatever amount on as many levels as they like.
    BoundlessBudget,
    /// Traders do not hear of their limits of position, order notional and orders.
    LooseLimits,
    /// A fill is never told to its trader, and no reconciliation finds it.
    SwallowedFill,
    /// Unknown orders are forgotten: their exposure is not counted.
    ForgottenUnknown,
    /// No reconciliation answers for unknown orders: they stay unknown.
    UnansweredUnknown,
    /// A guard is never lifted for its trader.
    HeldForever,
    /// The venue does not come back: it never carries out a request any more.
    UnhealedVenue,
    /// A recovery misses a record of the journal.
    LostRecord,
}

impl Canary {
    /// Number of canaries.
    pub const COUNT: usize = 10;

    /// All canaries.
    pub const ALL: [Canary; Self::COUNT] = [
        Canary::DeafToGuards,
        Canary::BoundlessRequests,
        Canary::BoundlessBudget,
        Canary::LooseLimits,
        Canary::SwallowedFill,
        Canary::ForgottenUnknown,
        Canary::UnansweredUnknown,
        Canary::HeldForever,
        Canary::UnhealedVenue,
        Canary::LostRecord,
    ];

    /// Name in scenario files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Canary::DeafToGuards => "deaf_to_guards",
            Canary::BoundlessRequests => "boundless_requests",
            Canary::BoundlessBudget => "boundless_budget",
            Canary::LooseLimits => "loose_limits",
            Canary::SwallowedFill => "swallowed_fill",
            Canary::ForgottenUnknown => "forgotten_unknown",
            Canary::UnansweredUnknown => "unanswered_unknown",
            Canary::HeldForever => "held_forever",
            Canary::UnhealedVenue => "unhealed_venue",
            Canary::LostRecord => "lost_record",
        }
    }

    /// The canary of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|canary| canary.name() == name)
    }
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultPlan {
    /// Seed of market, parameters and faults.
    pub seed: u64,
    /// Instruments of the session.
    pub symbols: usize,
    /// Length of the phase with faults, ms of venue time.
    pub safety_ms: i64,
    /// Length of the phase after it, without faults.
    pub liveness_ms: i64,
    /// By [`Fault::index`].
    pub options: [FaultOption; Fault::COUNT],
    /// Planted defect.
    pub canary: Option<Canary>,
    /// The operator kills the session at this time, ms, and does not resume it.
    pub kill_at_ms: Option<i64>,
    /// Default parameters, and guards that do not pause for what goes wrong; else parameters are
    /// drawn.
    pub steady: bool,
}

/// Length of the healed phase, ms: unknown orders after three seconds, the receive window, two
/// looks of a reconciliation, and time to quote again.
pub const LIVENESS_MS: i64 = 25_000;

impl FaultPlan {
    /// A plan without faults.
    #[must_use]
    pub const fn calm(seed: u64, symbols: usize, safety_ms: i64) -> Self {
        let option = FaultOption {
            ratio: Ratio::NEVER,
            max_ms: 0,
        };
        Self {
            seed,
            symbols,
            safety_ms,
            liveness_ms: LIVENESS_MS,
            options: [option; Fault::COUNT],
            canary: None,
            kill_at_ms: None,
            steady: false,
        }
    }

    /// The plan of a seed: 1 to 3 instruments, a random half of the faults, each up to four times
    /// as rare or as frequent as by default.
    #[must_use]
    pub fn drawn(seed: u64, safety_ms: i64) -> Self {
        let mut rng = StreamRng::new(seed, "fault_plan");
        let mut plan = Self::calm(seed, 1 + rng.below(3) as usize, safety_ms);
        for fault in Fault::ALL {
            let (on, scale) = (rng.below(2) == 0, rng.below(5));
            if on {
                let Ratio { num, den } = fault.default_ratio();
                let scaled = [(1, 4), (1, 2), (1, 1), (2, 1), (4, 1)][scale as usize];
                let ratio = Ratio {
                    num: num * scaled.0,
                    den: den * scaled.1,
                };
                plan.enable(fault, ratio, fault.default_max_ms());
            }
        }
        plan
    }

    /// The plan of a seed with one planted defect and what makes it show.
    #[must_use]
    pub fn planted(seed: u64, safety_ms: i64, canary: Canary) -> Self {
        let mut plan = Self::drawn(seed, safety_ms);
        plan.canary = Some(canary);
        // what would keep the defect from being reached
        for fault in [
            Fault::OperatorStop,
            Fault::OperatorKill,
            Fault::OperatorFloor,
            Fault::Outage,
        ] {
            plan.disable(fault);
        }
        match canary {
            Canary::DeafToGuards => {
                plan.steady = true;
                plan.kill_at_ms = Some(safety_ms / 2);
            }
            Canary::BoundlessRequests | Canary::BoundlessBudget | Canary::LooseLimits => {}
            Canary::LostRecord => plan.enable(Fault::ProcessCrash, Ratio { num: 1, den: 4 }, 0),
            Canary::SwallowedFill | Canary::HeldForever | Canary::UnhealedVenue => {
                plan.steady = true;
            }
            Canary::ForgottenUnknown | Canary::UnansweredUnknown => {
                plan.steady = true;
                plan.enable(Fault::ReportLost, Ratio { num: 1, den: 4 }, 0);
            }
        }
        plan
    }

    /// Switches a fault on.
    pub const fn enable(&mut self, fault: Fault, ratio: Ratio, max_ms: i64) {
        self.options[fault.index()] = FaultOption { ratio, max_ms };
    }

    /// Switches a fault off.
    pub const fn disable(&mut self, fault: Fault) {
        self.options[fault.index()].ratio = Ratio::NEVER;
    }

    /// A fault's option.
    #[must_use]
    pub const fn option(&self, fault: Fault) -> FaultOption {
        self.options[fault.index()]
    }

    /// Faults that are on, in their order.
    pub fn enabled(&self) -> impl Iterator<Item = Fault> + '_ {
        let on = |fault: &Fault| self.option(*fault).ratio.num > 0;
        Fault::ALL.into_iter().filter(on)
    }

    /// The plan with only these faults on.
    #[must_use]
    pub fn with_only(&self, faults: &[Fault]) -> Self {
        let mut plan = self.clone();
        for fault in Fault::ALL {
            if !faults.contains(&fault) {
                plan.disable(fault);
            }
        }
        plan
    }

    /// Windows of a fault that is drawn per second, ns of venue time, in the phase with faults.
    #[must_use]
    pub fn windows(&self, fault: Fault) -> Vec<(i64, i64)> {
        let option = self.option(fault);
        let rng = CounterRng::new(self.seed, fault.name());
        let mut windows = Vec::new();
        let mut free_from = 0;
        for second in 1..self.safety_ms / 1000 {
            let index = second.unsigned_abs() * 3;
            if second * 1000 < free_from || !option.ratio.happens(rng, index) {
                continue;
            }
            let from_ms = second * 1000 + below(rng, index + 1, 1000);
            let length_ms = 1 + below(rng, index + 2, option.max_ms.max(1));
            windows.push((from_ms * 1_000_000, (from_ms + length_ms) * 1_000_000));
            free_from = from_ms + length_ms;
        }
        windows
    }
}

/// Uniform integer in [0, n), n > 0.
#[allow(clippy::cast_possible_truncation)] // below n
pub(super) fn below(rng: CounterRng, index: u64, n: i64) -> i64 {
    let n = u128::from(n.max(1).unsigned_abs());
    ((u128::from(rng.bits(index)) * n) >> 64) as i64
}

/// Draws of one fault that happens to messages: numbered by the messages that it could have hit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Draws {
    rng: CounterRng,
    option: FaultOption,
    next: u64,
}

impl Draws {
    pub(super) fn new(plan: &FaultPlan, fault: Fault) -> Self {
        Self {
            rng: CounterRng::new(plan.seed, fault.name()),
            option: plan.option(fault),
            next: 0,
        }
    }

    /// The fault's delay, ns, if it happens to the next message.
    pub(super) fn next(&mut self) -> Option<i64> {
        let index = self.next;
        self.next += 2;
        let happens = self.option.ratio.happens(self.rng, index);
        happens.then(|| below(self.rng, index + 1, self.option.max_ms.max(1)) * 1_000_000 + 1)
    }
}
