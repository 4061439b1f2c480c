//! The worlds of a run's instruments, and the sessions that couple their traders.
//!
//! Every [`SYNC_NS`](mmbot_core::SYNC_NS) of receive time all worlds have been brought to the same
//! moment; then the sessions read, judge and give new permits. In between a world runs by itself,
//! which keeps its books in the cache and makes the result independent of how the data were cut.

use crate::error::RunError;
use crate::lane::LaneSpec;
use crate::tap::{JournalStart, Tap};
use crate::world::{
    External, Sampling, Spot, WeightAnswer, WeightRequest, Wires, World, instrument_idx,
};
use mmbot_core::{Engine, Session, StaleNote, session_hash};
use mmbot_types::journal::Control;
use mmbot_types::{EventColumns, Instrument, SessionParams, TsNs};
use std::sync::Arc;

/// A lane over all instruments of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionLane {
    /// Parameters and exchange per instrument, in their order.
    pub symbols: Vec<LaneSpec>,
    /// What couples them; `None` lets each trader run without a session.
    pub session: Option<SessionParams>,
}

/// See the module.
#[derive(Debug, Clone)]
pub struct Fleet {
    worlds: Vec<World>,
    sessions: Vec<Option<Session>>,
    /// Per world: rows before this time are known.
    known_until: Vec<i64>,
    /// `i64::MAX` without sessions, `i64::MIN` before the first row.
    next_sync_ns: i64,
    /// Writes the session of the only lane down; the worlds hold it in turn.
    tap: Option<Box<Tap>>,
}

impl Fleet {
    /// A fleet of `lanes` over `instruments`.
    ///
    /// # Errors
    /// [`RunError::Lanes`] for a lane that has not one specification per instrument, or the first
    /// parameter outside its range.
    pub fn new(
        instruments: &[Instrument],
        lanes: &[SessionLane],
        sampling: Sampling,
    ) -> Result<Self, RunError> {
        if lanes
            .iter()
            .any(|lane| lane.symbols.len() != instruments.len())
        {
            return Err(RunError::Lanes);
        }
        let mut sessions = Vec::with_capacity(lanes.len());
        for lane in lanes {
            let symbols = instruments.iter().map(|one| one.symbol().to_owned());
            let session = lane.session.clone();
            let session = session.map(|params| Session::new(params, symbols.collect()));
            sessions.push(session.transpose()?);
        }
        let mut worlds = Vec::with_capacity(instruments.len());
        for (symbol, instrument) in instruments.iter().enumerate() {
            let specs: Vec<_> = lanes.iter().map(|lane| lane.symbols[symbol]).collect();
            let mut world = World::new(instrument, &specs, sampling)?;
            world.join(symbol, instruments.len(), |lane| sessions[lane].is_some());
            worlds.push(world);
        }
        let coupled = sessions.iter().any(Option::is_some);
        Ok(Self {
            known_until: vec![i64::MIN; worlds.len()],
            worlds,
            sessions,
            next_sync_ns: if coupled { i64::MIN } else { i64::MAX },
            tap: None,
        })
    }

    /// The world of an instrument.
    #[must_use]
    pub fn world(&self, symbol: usize) -> Option<&World> {
        self.worlds.get(symbol)
    }

    /// The world of an instrument, to take samples from.
    pub fn world_mut(&mut self, symbol: usize) -> Option<&mut World> {
        self.worlds.get_mut(symbol)
    }

    /// The session of a lane.
    #[must_use]
    pub fn session(&self, lane: usize) -> Option<&Session> {
        self.sessions.get(lane)?.as_ref()
    }

    /// The session of a lane, to change its parameters.
    pub fn session_mut(&mut self, lane: usize) -> Option<&mut Session> {
        self.sessions.get_mut(lane)?.as_mut()
    }

    /// Adds market data of an instrument; nothing is processed yet.
    pub fn push(&mut self, symbol: usize, chunk: Arc<EventColumns>) {
        if let Some(world) = self.worlds.get_mut(symbol) {
            world.push(chunk);
        }
    }

    /// All rows of `symbol` before `until_ns` are known.
    pub fn know(&mut self, symbol: usize, until_ns: i64) {
        if let Some(known) = self.known_until.get_mut(symbol) {
            *known = (*known).max(until_ns);
        }
    }

    /// The instrument whose rows are known least far, with that time.
    #[must_use]
    pub fn hungriest(&self) -> Option<(usize, i64)> {
        let known = self.known_until.iter().copied().enumerate();
        known.min_by_key(|(symbol, until)| (*until, *symbol))
    }

    /// Processes everything before `limit_ns`, as far as all instruments' rows are known.
    ///
    /// # Errors
    /// A strategy's failure.
    pub fn run_before(
        &mut self,
        limit_ns: i64,
        external: &mut impl External,
    ) -> Result<(), RunError> {
        if self.next_sync_ns == i64::MAX {
            return self.run_apart(limit_ns, external);
        }
        let known = self.known_until.iter().copied().min().unwrap_or(i64::MIN);
        let limit = limit_ns.min(known);
        if limit == i64::MIN {
            return Ok(());
        }
        if self.next_sync_ns == i64::MIN {
            self.start();
        }
        while self.next_sync_ns <= limit {
            let now = self.next_sync_ns;
            self.run_worlds(now, external)?;
            self.synchronise(now, external)?;
        }
        self.run_worlds(limit, external)
    }

    /// Ends the run of all worlds.
    ///
    /// # Errors
    /// [`RunError::Identity`] and [`RunError::Conservation`]: defects of ours; a strategy's
    /// failure.
    pub fn finish(&mut self, last_ns: i64, external: &mut impl External) -> Result<(), RunError> {
        let tap = &mut self.tap;
        self.worlds
            .iter_mut()
            .try_for_each(|world| lend(tap, world, |world| world.finish(last_ns, external)))
    }

    /// Cancels all orders of all lanes and quotes no more.
    pub fn stop(&mut self, now_ns: i64, wires: &mut impl Wires) {
        if let Some(tap) = &mut self.tap {
            tap.control(TsNs::new(now_ns), Control::Stop);
        }
        let tap = &mut self.tap;
        for world in &mut self.worlds {
            lend(tap, world, |world| world.stop(now_ns, wires));
        }
    }

    /// A decision of a lane on an instrument at `now`, and what its anti-stale guard did in it.
    ///
    /// # Errors
    /// [`RunError::Lanes`] for an unknown instrument or lane; a strategy's failure.
    pub fn check_stale(
        &mut self,
        symbol: usize,
        lane: usize,
        now: i64,
        external: &mut impl External,
    ) -> Result<Vec<StaleNote>, RunError> {
        let world = self.worlds.get_mut(symbol).ok_or(RunError::Lanes)?;
        if world.lane(lane).is_none() {
            return Err(RunError::Lanes);
        }
        lend(&mut self.tap, world, |world| {
            world.check_stale(lane, now, external)
        })
    }

    /// The only lane goes on with the traders, markets and session of `engine`; reports on their
    /// way to it are lost.
    pub(crate) fn restore(&mut self, engine: &Engine) {
        for (symbol, world) in self.worlds.iter_mut().enumerate() {
            let instrument = instrument_idx(symbol);
            if let (Some(trader), Some(market)) =
                (engine.trader(instrument), engine.market(instrument))
            {
                world.restore(trader.clone(), market.clone());
            }
        }
        self.sessions = vec![Some(engine.session().clone())];
    }

    /// Latest time processed so far, ns; 0 before the first event.
    #[must_use]
    pub fn now_ns(&self) -> i64 {
        self.worlds.iter().map(World::now_ns).max().unwrap_or(0)
    }

    /// Writes the session of the only lane down from now on.
    ///
    /// # Errors
    /// [`RunError::NoJournal`] for other fleets or after the first event, [`RunError::Journal`].
    pub fn begin_journal(&mut self, start: JournalStart) -> Result<(), RunError> {
        let is_new = self.next_sync_ns == i64::MIN && self.tap.is_none();
        if !is_new || !matches!(self.sessions.as_slice(), [Some(_)]) {
            return Err(RunError::NoJournal);
        }
        self.tap = Some(Box::new(Tap::new(start)?));
        Ok(())
    }

    /// Writes down what an operator ordered.
    pub(crate) fn write_control(&mut self, now: TsNs, control: Control) {
        if let Some(tap) = &mut self.tap {
            tap.control(now, control);
        }
    }

    pub(crate) fn tap_mut(&mut self) -> Option<&mut Tap> {
        self.tap.as_deref_mut()
    }

    /// Writes the last hash and the end.
    pub(crate) fn end_journal(&mut self, now: i64, reason: &str) {
        if self.tap.is_some() {
            self.write_hash(now);
        }
        if let Some(tap) = &mut self.tap {
            tap.end(TsNs::new(now), reason);
        }
    }

    /// The state that the hash which comes next is the hash of.
    fn take_checkpoint(&mut self, now: i64) {
        let (Some(tap), [Some(session)]) = (&mut self.tap, self.sessions.as_slice()) else {
            return;
        };
        let at = tap.next_at();
        if let Some(checkpoints) = tap.checkpoints_mut() {
            let seats = self.worlds.iter().filter_map(|world| world.seat_of(0));
            checkpoints.take(at, TsNs::new(now), session, seats);
        }
    }

    fn write_hash(&mut self, now: i64) {
        let seats = self.worlds.iter().filter_map(|world| world.lane(0));
        let hash = session_hash(seats.map(|lane| lane.trader().state_hash()));
        if let Some(tap) = &mut self.tap {
            tap.hash(TsNs::new(now), hash);
        }
    }

    fn run_worlds(&mut self, limit_ns: i64, external: &mut impl External) -> Result<(), RunError> {
        let tap = &mut self.tap;
        self.worlds
            .iter_mut()
            .try_for_each(|world| lend(tap, world, |world| world.run_before(limit_ns, external)))
    }

    /// Without sessions nothing couples the worlds: each goes as far as it knows.
    fn run_apart(&mut self, limit_ns: i64, external: &mut impl External) -> Result<(), RunError> {
        for (world, known) in self.worlds.iter_mut().zip(&self.known_until) {
            world.run_before(limit_ns.min(*known), external)?;
        }
        Ok(())
    }

    fn start(&mut self) {
        let first = self.worlds.iter().filter_map(World::first_local_ns).min();
        let Some(first) = first else {
            return;
        };
        self.next_sync_ns = first;
        let tap = &mut self.tap;
        for world in &mut self.worlds {
            lend(tap, world, World::write_start);
        }
        for session in self.sessions.iter_mut().flatten() {
            session.start(TsNs::new(first));
        }
    }

    /// Couples the symbols of each lane; a trader whose permit became tighter decides at once.
    fn synchronise(&mut self, now: i64, external: &mut impl External) -> Result<(), RunError> {
        let mut next = i64::MAX;
        for (lane, session) in self.sessions.iter_mut().enumerate() {
            let Some(session) = session else {
                continue;
            };
            let at = TsNs::new(now);
            for (symbol, world) in self.worlds.iter_mut().enumerate() {
                if let Some((trader, market)) = world.seat(lane) {
                    session.read(symbol, at, trader, market);
                }
            }
            let answer = if session.rebalance_due(at) {
                rebalance(lane, session, at, external)?
            } else {
                None
            };
            if self.tap.is_some() {
                write_sync(&mut self.tap, &mut self.worlds, answer.as_ref(), at);
            }
            session.judge(at);
            external.synchronised(lane, at, session);
            for (symbol, world) in self.worlds.iter_mut().enumerate() {
                let seat = world.seat(lane);
                let tighter = match (session.permit(symbol), seat) {
                    (Some(permit), Some((trader, _))) => {
                        let other = external.permit(Spot { symbol, lane }, permit);
                        trader.set_permit(other.as_ref().unwrap_or(permit))
                    }
                    _ => false,
                };
                if tighter {
                    lend(&mut self.tap, world, |world| {
                        world.decide_at(lane, now, external)
                    })?;
                }
            }
            next = next.min(session.next_sync().get());
        }
        self.next_sync_ns = next;
        let tap = self.tap.as_mut();
        if tap.is_some_and(|tap| tap.hash_is_due(TsNs::new(now))) {
            self.take_checkpoint(now);
            self.write_hash(now);
        }
        Ok(())
    }
}

/// Gives the tap to a world for some work.
#[inline]
fn lend<T>(tap: &mut Option<Box<Tap>>, world: &mut World, work: impl FnOnce(&mut World) -> T) -> T {
    world.pen.tap = tap.take();
    let done = work(world);
    *tap = world.pen.tap.take();
    done
}

/// Writes down what a synchronisation looks at, then the synchronisation itself.
fn write_sync(
    tap: &mut Option<Box<Tap>>,
    worlds: &mut [World],
    answer: Option<&WeightAnswer>,
    now: TsNs,
) {
    for world in worlds {
        lend(tap, world, World::write_rows);
    }
    if let Some(tap) = tap {
        if let Some(answer) = answer {
            tap.weights(now, &answer.weights, answer.fee_tilt.improvement_bps());
        }
        tap.sync(now);
    }
}

/// Asks for weights; without an answer they stay.
fn rebalance(
    lane: usize,
    session: &mut Session,
    now: TsNs,
    external: &mut impl External,
) -> Result<Option<WeightAnswer>, RunError> {
    let seats = session.seats();
    let request = WeightRequest {
        now,
        volas: seats.iter().map(|seat| seat.market.vola).collect(),
        turnover_usd: seats.iter().map(|seat| seat.turnover_usd).sum(),
    };
    match external.weights(lane, &request)? {
        Some(answer) => {
            let taken = session.rebalance(&answer.weights, answer.fee_tilt, now);
            taken.map_err(|error| RunError::Strategy(error.to_string()))?;
            Ok(Some(answer))
        }
        None => {
            session.defer_rebalance(now);
            Ok(None)
        }
    }
}
