//! The kill drill: a session on a synthetic market with faults is killed in the middle; with times
//! it is shown that its orders are gone at the exchange and that none is placed afterwards. Faults
//! go on for some seconds after the kill, so that its cancels meet them, and are healed then.

use super::kind::Fault;
use super::plan::FaultPlan;
use super::ratio::Ratio;
use super::run::FaultRun;
use crate::error::RunError;
use crate::invariant::Violation;

/// Time of the kill, ms.
const KILL_AT_MS: i64 = 20_000;
/// Faults go on for so long after it, ms.
const FAULTS_AFTER_MS: i64 = 5_000;
/// A session may have no orders at the moment of the kill, for want of reasons to quote: the next
/// seed is taken then, up to so many.
const SEEDS_TRIED: u64 = 16;

/// What the drill saw. Times are ms after the kill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drill {
    /// Seed of the run that was killed.
    pub seed: u64,
    /// Instruments.
    pub symbols: usize,
    /// Time of the kill after the start.
    pub kill_at_ms: i64,
    /// Requests sent before.
    pub requests_before: u64,
    /// Orders that rested at the exchange at the kill.
    pub resting_at_kill: usize,
    /// New orders under way to it then.
    pub under_way_at_kill: usize,
    /// From then on no trader may place.
    pub gate_closed_ms: Option<i64>,
    /// Cancels sent after the kill.
    pub cancels: u64,
    /// The last of them.
    pub last_cancel_ms: Option<i64>,
    /// New orders and changes sent after the gate was closed.
    pub placed_after: u64,
    /// Faults were healed.
    pub healed_ms: i64,
    /// From then on nothing of ours could trade at the exchange.
    pub gone_ms: Option<i64>,
    /// From then on the session knew.
    pub confirmed_ms: Option<i64>,
    /// Orders at the exchange at the end.
    pub resting_at_end: usize,
    /// Faults that happened, in the order of [`Fault::ALL`].
    pub happened: [u64; Fault::COUNT],
    /// Rules that did not hold.
    pub violations: Vec<Violation>,
}

impl Drill {
    /// True if there were orders, they are gone, and none was placed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.resting_at_kill > 0
            && self.gate_closed_ms.is_some()
            && self.gone_ms.is_some()
            && self.confirmed_ms.is_some()
            && self.placed_after == 0
            && self.resting_at_end == 0
            && self.violations.is_empty()
    }
}

/// Runs the drill with `symbols` instruments on the first seed from `seed` on whose session has
/// orders at the moment of the kill.
///
/// # Errors
/// [`RunError`]: a plan that cannot be run.
pub fn drill(seed: u64, symbols: usize) -> Result<Drill, RunError> {
    let mut tried = once(&plan(seed, symbols))?;
    for next in 1..SEEDS_TRIED {
        if tried.resting_at_kill > 0 {
            break;
        }
        tried = once(&plan(seed.wrapping_add(next), symbols))?;
    }
    Ok(tried)
}

/// Faults of the wire; the operator does nothing but kill.
fn plan(seed: u64, symbols: usize) -> FaultPlan {
    let mut plan = FaultPlan::calm(seed, symbols, KILL_AT_MS + FAULTS_AFTER_MS);
    for fault in [
        Fault::RequestDelayed,
        Fault::RequestLate,
        Fault::ReportDelayed,
        Fault::ReportDuplicated,
        Fault::ReportReordered,
    ] {
        plan.enable(fault, fault.default_ratio(), fault.default_max_ms());
    }
    // often enough that the few cancels of a kill meet them
    for fault in [Fault::RequestLost, Fault::ReportLost] {
        plan.enable(fault, Ratio { num: 1, den: 8 }, 0);
    }
    (plan.kill_at_ms, plan.steady) = (Some(KILL_AT_MS), true);
    plan
}

fn once(plan: &FaultPlan) -> Result<Drill, RunError> {
    let mut run = FaultRun::new(plan)?;
    run.advance(KILL_AT_MS)?;
    let requests_before = run.requests();
    run.live_through()?;
    let watch = run.rim.killed.clone().unwrap_or_default();
    let after = |at: Option<i64>| at.map(|at| (at - watch.killed_ns) / 1_000_000);
    let resting_at_end = run.resting();
    let outcome = run.end()?;
    Ok(Drill {
        seed: plan.seed,
        symbols: plan.symbols,
        kill_at_ms: KILL_AT_MS,
        requests_before,
        resting_at_kill: watch.resting,
        under_way_at_kill: watch.under_way,
        gate_closed_ms: after(watch.gate_closed_ns),
        cancels: watch.cancels,
        last_cancel_ms: after(watch.last_cancel_ns),
        placed_after: watch.placed_after,
        healed_ms: FAULTS_AFTER_MS,
        gone_ms: after(watch.gone_since()),
        confirmed_ms: after(watch.confirmed_since()),
        resting_at_end,
        happened: outcome.happened,
        violations: outcome.violations,
    })
}
