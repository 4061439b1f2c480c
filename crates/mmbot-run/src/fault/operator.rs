//! What an operator does in a run, at times drawn by the plan.

use super::crash::Crashes;
use super::kill_watch::KillWatch;
use super::kind::Fault;
use super::plan::{FaultPlan, below};
use super::rim::Rim;
use super::setup::Setup;
use crate::error::RunError;
use crate::fleet::Fleet;
use mmbot_core::session::{KillCause, RiskGrade};
use mmbot_types::journal::Control;
use mmbot_types::{CounterRng, TsNs};

/// Something that an operator does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Deed {
    Stop,
    Kill,
    Resume,
    Floor(RiskGrade),
    LiftFloor,
    Params,
    Session,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Operator {
    /// By venue time, ns; done from the front.
    deeds: Vec<(i64, Deed)>,
    done: usize,
    /// Local time of the first stop or kill that nobody has lifted.
    pub dead_since: Option<i64>,
}

impl Operator {
    pub(super) fn new(plan: &FaultPlan) -> Self {
        let mut deeds = Vec::new();
        let rng = CounterRng::new(plan.seed, "operator");
        for (fault, deed) in [
            (Fault::OperatorStop, Deed::Stop),
            (Fault::OperatorKill, Deed::Kill),
        ] {
            for (from, to) in plan.windows(fault) {
                deeds.push((from, deed));
                if below(rng, from.unsigned_abs(), 3) > 0 {
                    deeds.push((to, Deed::Resume));
                }
            }
        }
        let grades = [RiskGrade::Wide, RiskGrade::ReduceOnly, RiskGrade::Flat];
        for (at, (from, to)) in (0..).zip(plan.windows(Fault::OperatorFloor)) {
            let grade = usize::try_from(below(rng, at, 3)).unwrap_or(0);
            deeds.push((from, Deed::Floor(grades[grade])));
            deeds.push((to, Deed::LiftFloor));
        }
        let moments = |fault, deed| {
            let windows = plan.windows(fault).into_iter();
            windows.map(move |(from, _)| (from, deed))
        };
        deeds.extend(moments(Fault::ParamsReload, Deed::Params));
        deeds.extend(moments(Fault::SessionReload, Deed::Session));
        deeds.retain(|(at, _)| *at < plan.safety_ms * 1_000_000);
        if let Some(at_ms) = plan.kill_at_ms {
            let kill_ns = at_ms * 1_000_000;
            deeds.retain(|(at, deed)| *at < kill_ns || *deed != Deed::Resume);
            deeds.push((kill_ns, Deed::Kill));
        }
        deeds.sort_unstable();
        Self {
            deeds,
            done: 0,
            dead_since: None,
        }
    }

    /// Does what is due at `venue_ns`, local time `now_ns`.
    pub(super) fn turn(
        &mut self,
        mut hand: Hand<'_>,
        venue_ns: i64,
        now_ns: i64,
    ) -> Result<(), RunError> {
        while let Some((at, deed)) = self.deeds.get(self.done).copied()
            && at <= venue_ns
        {
            self.done += 1;
            self.act(deed, &mut hand, now_ns)?;
        }
        Ok(())
    }

    fn act(&mut self, deed: Deed, hand: &mut Hand<'_>, now_ns: i64) -> Result<(), RunError> {
        let (fleet, rim, now) = (&mut *hand.fleet, &mut *hand.rim, TsNs::new(now_ns));
        match deed {
            Deed::Stop => {
                rim.note(Fault::OperatorStop);
                self.dead_since.get_or_insert(now_ns);
                rim.audit.set_stopped(Some(now_ns));
                fleet.stop(now_ns, rim);
            }
            Deed::Kill => {
                rim.note(Fault::OperatorKill);
                self.dead_since.get_or_insert(now_ns);
                watch(fleet, rim, now_ns);
                if let Some(session) = fleet.session_mut(0) {
                    session.kill(KillCause::Operator, now);
                }
                fleet.write_control(now, Control::operator_kill());
            }
            Deed::Resume => self.resume(fleet, rim, now_ns),
            Deed::Floor(grade) => {
                rim.note(Fault::OperatorFloor);
                set_floor(fleet, Some(grade), now);
            }
            Deed::LiftFloor => set_floor(fleet, None, now),
            Deed::Params => {
                rim.note(Fault::ParamsReload);
                hand.reload_symbols(now_ns)?;
            }
            Deed::Session => {
                rim.note(Fault::SessionReload);
                hand.reload_session(now)?;
            }
        }
        Ok(())
    }

    /// Lifts stops, kills, pauses and floors.
    pub(super) fn resume(&mut self, fleet: &mut Fleet, rim: &mut Rim, now_ns: i64) {
        self.dead_since = None;
        rim.audit.set_stopped(None);
        for symbol in 0..rim.audit.seats.len() {
            if let Some((trader, _)) = fleet.world_mut(symbol).and_then(|world| world.seat(0)) {
                trader.resume();
            }
        }
        let now = TsNs::new(now_ns);
        if let Some(session) = fleet.session_mut(0) {
            session.resume(now);
        }
        fleet.write_control(now, Control::Resume);
    }
}

/// What an operator has hold of.
#[derive(Debug)]
pub(super) struct Hand<'a> {
    pub fleet: &'a mut Fleet,
    pub rim: &'a mut Rim,
    pub setup: &'a mut Setup,
    pub crashes: &'a mut Crashes,
}

impl Hand<'_> {
    fn reload_symbols(&mut self, now_ns: i64) -> Result<(), RunError> {
        for symbol in 0..self.rim.audit.seats.len() {
            let Some(world) = self.fleet.world_mut(symbol) else {
                continue;
            };
            let mut params = self.setup.params();
            if let Some(lane) = world.lane(0) {
                // signals are the market's and stay
                params.signals = lane.trader().params().signals;
            }
            let given = self.rim.give_params(symbol, params);
            world.apply_params(0, given, now_ns)?;
            let now = TsNs::new(now_ns);
            self.crashes.note_params(self.fleet, symbol, &given, now);
        }
        Ok(())
    }

    fn reload_session(&mut self, now: TsNs) -> Result<(), RunError> {
        let params = self.setup.session();
        self.rim.audit.on_reload(params.throttle.window_sec, now);
        if let Some(session) = self.fleet.session_mut(0) {
            session.apply_params(params.clone(), now)?;
        }
        self.crashes.note_session(self.fleet, &params, now);
        Ok(())
    }
}

fn set_floor(fleet: &mut Fleet, grade: Option<RiskGrade>, now: TsNs) {
    if let Some(session) = fleet.session_mut(0) {
        session.set_floor(grade, now);
    }
    fleet.write_control(now, Control::Grade(grade));
}

/// Watches what becomes of the orders that there are at a kill; the first one counts.
fn watch(fleet: &Fleet, rim: &mut Rim, now_ns: i64) {
    if rim.killed.is_none() {
        let seats = rim.audit.seats.iter().enumerate();
        let both = seats.filter_map(|(symbol, seat)| {
            let lane = fleet.world(symbol)?.lane(0)?;
            Some((&seat.truth, lane.trader()))
        });
        rim.killed = Some(KillWatch::new(now_ns, both));
    }
}
