//! Risk state of a session: one grade, taken from everything that demands one (drawdown, kills,
//! caps of the day, runtime guard, trading windows, storage, a floor set by hand). Every change is
//! a record.

use super::calendar::seconds_ns;
use super::day_drawdown::DayDrawdown;
use super::risk_grade::{KillCause, RiskCause, RiskGrade, RiskInput, transition};
use mmbot_types::Intent;
use mmbot_types::{SessionRiskParams, TsNs};
use std::collections::VecDeque;

/// Changes kept. With the default minimum stay a grade cannot flap faster than twice a minute, so
/// that this is half an hour of the worst case; a reader looks every second.
pub const RISK_CHANGES_MAX: usize = 64;

/// What the other guards say.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct RiskInputs {
    /// Equity of the session's ledger, unrealised result included, USD.
    pub equity_usd: f64,
    /// A cap of the day is breached.
    pub caps_breached: bool,
    /// The runtime guard's pause is effective for the whole session.
    pub guard_paused: bool,
    /// Outside the trading windows.
    pub schedule_closed: bool,
}

/// A change of the grade, for journal and audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RiskChange {
    /// When.
    pub ts: TsNs,
    /// Grade before.
    pub from: RiskGrade,
    /// Grade from now on.
    pub to: RiskGrade,
    /// Why.
    pub cause: RiskCause,
}

/// What is exported.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RiskGauges {
    /// Present grade.
    pub grade: RiskGrade,
    /// The drawdown pauses or halts.
    pub risk_paused: bool,
    /// Minus the drawdown of the day, fraction; -1 once there is nothing left.
    pub drawdown_day: f64,
    /// Largest drawdown of the day, fraction; 1 once there is nothing left.
    pub drawdown_largest: f64,
    /// Times it halted.
    pub kills_total: u64,
}

#[derive(Debug, Clone, Copy)]
struct Demand {
    grade: RiskGrade,
    cause: RiskCause,
}

/// See the module.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct RiskMonitor {
    grade: RiskGrade,
    entered_at: TsNs,
    now: TsNs,
    drawdown: DayDrawdown,
    inputs: RiskInputs,
    floor: Option<RiskGrade>,
    storage_held: bool,
    kill: Option<KillCause>,
    kills_total: u64,
    kill_orders: u64,
    changes: VecDeque<RiskChange>,
    changes_total: u64,
}

impl RiskMonitor {
    /// The grade at `now`.
    pub fn update(
        &mut self,
        params: &SessionRiskParams,
        inputs: &RiskInputs,
        now: TsNs,
    ) -> RiskGrade {
        self.now = self.now.max(now);
        self.inputs = *inputs;
        self.drawdown.update(params, inputs.equity_usd, self.now);
        let stayed = self.now.since_ns(self.entered_at) >= min_stay_ns(self.grade, params);
        self.demand(stayed);
        self.grade
    }

    /// Halts at once.
    pub fn kill(&mut self, cause: KillCause, now: TsNs) {
        self.now = self.now.max(now);
        self.kill_orders += 1;
        // the first cause is the one that counts
        self.kill.get_or_insert(cause);
        self.demand(false);
    }

    /// Lifts a kill and nothing else, at once: whatever else demands a grade goes on to.
    pub fn lift_kill(&mut self, now: TsNs) {
        self.now = self.now.max(now);
        self.kill = None;
        let grade = self.severest().grade;
        self.enter(
            transition(self.grade, RiskInput::Resume { grade }),
            RiskCause::Resumed,
        );
    }

    /// Times somebody has ordered a kill, those of a session that was halted already among them.
    #[must_use]
    pub const fn kill_orders(&self) -> u64 {
        self.kill_orders
    }

    /// Sets a floor by hand (severer at once, milder after the minimum stay), or lifts it.
    pub fn set_floor(&mut self, floor: Option<RiskGrade>, now: TsNs) {
        self.now = self.now.max(now);
        self.floor = floor;
        self.demand(false);
    }

    /// Holds the session flat while what happens to it cannot be written down (a resume by hand
    /// does not lift that), or ends it after the minimum stay.
    pub fn set_storage_hold(&mut self, held: bool, now: TsNs) {
        self.now = self.now.max(now);
        self.storage_held = held;
        self.demand(false);
    }

    /// Lifts kill, drawdown pause, floor and the pause of the runtime guard (which is resumed with
    /// it) at once; the high water of the day starts anew. What the other guards demand stays.
    pub fn resume(&mut self, now: TsNs) {
        self.now = self.now.max(now);
        (self.kill, self.floor) = (None, None);
        self.inputs.guard_paused = false;
        self.drawdown.reset();
        let grade = self.severest().grade;
        self.enter(
            transition(self.grade, RiskInput::Resume { grade }),
            RiskCause::Resumed,
        );
    }

    /// Present grade.
    #[must_use]
    pub const fn grade(&self) -> RiskGrade {
        self.grade
    }

    /// Since when, ns.
    #[must_use]
    pub const fn entered_at(&self) -> TsNs {
        self.entered_at
    }

    /// Floor set by hand.
    #[must_use]
    pub const fn floor(&self) -> Option<RiskGrade> {
        self.floor
    }

    /// Held back because what happens cannot be written down.
    #[must_use]
    pub const fn storage_held(&self) -> bool {
        self.storage_held
    }

    /// Whether a request may be sent. A live order whose intent is not allowed is cancelled.
    #[must_use]
    pub const fn allows(&self, intent: Intent) -> bool {
        self.grade.allows(intent)
    }

    /// Factor of the spread.
    #[must_use]
    pub const fn spread_mult(&self, params: &SessionRiskParams) -> f64 {
        match self.grade {
            RiskGrade::Wide => params.grades.wide_spread_mult,
            // a reducing order is wanted soon, the others are not sent at all
            RiskGrade::Normal | RiskGrade::ReduceOnly | RiskGrade::Flat | RiskGrade::Halted => 1.0,
        }
    }

    /// Changes from the `seen`-th on, oldest first; those that are no longer kept are missing.
    pub fn changes_since(&self, seen: u64) -> impl Iterator<Item = &RiskChange> {
        let kept = self.changes.len() as u64;
        let forgotten = self.changes_total - kept;
        let skip = seen.saturating_sub(forgotten).min(kept);
        self.changes
            .iter()
            .skip(usize::try_from(skip).unwrap_or(usize::MAX))
    }

    /// Changes so far: what a reader has seen after it read them all.
    #[must_use]
    pub const fn changes_total(&self) -> u64 {
        self.changes_total
    }

    /// What is exported.
    #[must_use]
    pub fn gauges(&self) -> RiskGauges {
        let exported = |drawdown: f64| if drawdown.is_finite() { drawdown } else { 1.0 };
        RiskGauges {
            grade: self.grade,
            risk_paused: self.drawdown.demanded() >= RiskGrade::Flat,
            drawdown_day: -exported(self.drawdown.drawdown()),
            drawdown_largest: exported(self.drawdown.largest_of_day()),
            kills_total: self.kills_total,
        }
    }

    fn demand(&mut self, stayed: bool) {
        let Demand { grade, cause } = self.severest();
        let next = transition(self.grade, RiskInput::Demand { grade, stayed });
        let cause = if next > self.grade {
            cause
        } else {
            RiskCause::Recovered
        };
        self.enter(next, cause);
    }

    fn enter(&mut self, next: RiskGrade, cause: RiskCause) {
        if next == self.grade {
            return;
        }
        if self.changes.len() >= RISK_CHANGES_MAX {
            self.changes.pop_front();
        }
        self.changes.push_back(RiskChange {
            ts: self.now,
            from: self.grade,
            to: next,
            cause,
        });
        self.changes_total += 1;
        self.kills_total += u64::from(next == RiskGrade::Halted);
        (self.grade, self.entered_at) = (next, self.now);
    }

    /// Lowest and highest equity with which an update would change nothing while the inputs stay
    /// and the day lasts; `None` while the grade is not normal, or is about to change.
    pub(super) fn calm_equity_usd(&self, params: &SessionRiskParams) -> Option<[f64; 2]> {
        let calm = self.grade == RiskGrade::Normal && self.is_calm();
        calm.then(|| self.drawdown.calm_equity_usd(params))?
    }

    /// True while nothing demands a grade.
    #[inline]
    fn is_calm(&self) -> bool {
        let inputs = &self.inputs;
        let alarm = inputs.guard_paused | inputs.schedule_closed | inputs.caps_breached;
        !alarm
            && !self.storage_held
            && self.kill.is_none()
            && self.drawdown.demanded() == RiskGrade::Normal
            && self.floor.unwrap_or_default() == RiskGrade::Normal
    }

    /// The severest grade that is demanded, and who is first to demand it.
    fn severest(&self) -> Demand {
        if self.is_calm() {
            return Demand {
                grade: RiskGrade::Normal,
                cause: RiskCause::Recovered,
            };
        }
        let when = |holds: bool, grade| if holds { grade } else { RiskGrade::Normal };
        let kill = self.kill.unwrap_or(KillCause::Operator);
        let killed = when(self.kill.is_some(), RiskGrade::Halted);
        let inputs = &self.inputs;
        let guard = when(inputs.guard_paused, RiskGrade::Flat);
        let closed = when(inputs.schedule_closed, RiskGrade::Flat);
        let held = when(self.storage_held, RiskGrade::Flat);
        let caps = when(inputs.caps_breached, RiskGrade::ReduceOnly);
        let mut severest = Demand {
            grade: RiskGrade::Normal,
            cause: RiskCause::Recovered,
        };
        for (grade, cause) in [
            (killed, RiskCause::Kill(kill)),
            (self.drawdown.demanded(), RiskCause::Drawdown),
            (guard, RiskCause::RuntimeGuard),
            (closed, RiskCause::Schedule),
            (held, RiskCause::Storage),
            (caps, RiskCause::IntradayCaps),
            (self.floor.unwrap_or_default(), RiskCause::Override),
        ] {
            if grade > severest.grade {
                severest = Demand { grade, cause };
            }
        }
        severest
    }
}

/// Shortest stay in a grade before a milder one, ns. A pause by drawdown lasts its recovery time by
/// itself.
fn min_stay_ns(grade: RiskGrade, params: &SessionRiskParams) -> i64 {
    match grade {
        RiskGrade::Normal => 0,
        RiskGrade::Wide | RiskGrade::ReduceOnly | RiskGrade::Flat | RiskGrade::Halted => {
            seconds_ns(params.grades.min_stay_sec)
        }
    }
}
