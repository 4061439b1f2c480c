//! K parameter sets over one pass of the data of one or more instruments, spread over threads.

use crate::checkpoint::Checkpoint;
use crate::error::RunError;
use crate::fleet::Fleet;
pub use crate::fleet::SessionLane;
use crate::lane::Lane;
pub use crate::lane::LaneSpec;
pub use crate::span::Span;
use crate::taking::Taking;
use crate::tap::{JournalStart, Tap};
use crate::world::{External, NoStrategy, Sampling, World, instrument_idx};
use mmbot_core::{Session, StateError};
use mmbot_types::{EventColumns, Instrument, Params, SessionParams, TsNs};
use rayon::prelude::*;
use std::sync::Arc;

/// See the module. Lanes are numbered as given; results do not depend on the number of threads.
#[derive(Debug)]
pub struct Backtest {
    pub(crate) fleets: Vec<Fleet>,
    /// Fleet and lane in it, per lane.
    places: Vec<(usize, usize)>,
    /// Per instrument.
    pub(crate) spans: Vec<Span>,
    finished: bool,
    stopped: bool,
    /// Time before the first event, ns.
    pub(crate) begins_ns: i64,
    /// Receive time that [`Self::advance`] went to last: rows after it are of the future.
    paced_until: i64,
}

impl Backtest {
    /// A run of `lanes` without sessions over one instrument on at most `threads` threads.
    ///
    /// # Errors
    /// As [`Self::over`].
    pub fn new(
        instrument: &Instrument,
        lanes: &[LaneSpec],
        sampling: Sampling,
        threads: usize,
    ) -> Result<Self, RunError> {
        let lanes: Vec<_> = lanes
            .iter()
            .map(|lane| SessionLane {
                symbols: vec![*lane],
                session: None,
            })
            .collect();
        Self::over(std::slice::from_ref(instrument), &lanes, sampling, threads)
    }

    /// A run of `lanes` over `instruments` on at most `threads` threads.
    ///
    /// # Errors
    /// [`RunError::Lanes`] without lanes or instruments, or the first parameter outside its range.
    pub fn over(
        instruments: &[Instrument],
        lanes: &[SessionLane],
        sampling: Sampling,
        threads: usize,
    ) -> Result<Self, RunError> {
        if lanes.is_empty() || instruments.is_empty() {
            return Err(RunError::Lanes);
        }
        // dealt out like cards: neighbours in a grid trade alike, and threads wait for the slowest
        let count = threads.clamp(1, lanes.len());
        let dealt = |fleet: usize| lanes.iter().skip(fleet).step_by(count).cloned();
        let fleets = (0..count)
            .map(|fleet| Fleet::new(instruments, &dealt(fleet).collect::<Vec<_>>(), sampling))
            .collect::<Result<Vec<_>, _>>()?;
        let places = (0..lanes.len())
            .map(|lane| (lane % count, lane / count))
            .collect();
        Ok(Self {
            fleets,
            places,
            spans: vec![Span::default(); instruments.len()],
            finished: false,
            stopped: false,
            begins_ns: 0,
            paced_until: i64::MAX,
        })
    }

    /// Number of lanes.
    #[must_use]
    pub fn lane_count(&self) -> usize {
        self.places.len()
    }

    /// Number of instruments.
    #[must_use]
    pub fn symbol_count(&self) -> usize {
        self.spans.len()
    }

    /// A lane on an instrument and its world; `None` beyond the last.
    #[must_use]
    pub fn lane(&self, symbol: usize, lane: usize) -> Option<(&World, &Lane)> {
        let (fleet, at) = *self.places.get(lane)?;
        let world = self.fleets.get(fleet)?.world(symbol)?;
        Some((world, world.lane(at)?))
    }

    /// The session of a lane; `None` if it has none.
    #[must_use]
    pub fn session(&self, lane: usize) -> Option<&Session> {
        let (fleet, at) = *self.places.get(lane)?;
        self.fleets.get(fleet)?.session(at)
    }

    /// The session of a lane, to change it; `None` if it has none.
    pub fn session_mut(&mut self, lane: usize) -> Option<&mut Session> {
        let (fleet, at) = *self.places.get(lane)?;
        self.fleets.get_mut(fleet)?.session_mut(at)
    }

    /// Number of a lane in its world; 0 beyond the last.
    #[must_use]
    pub fn place_of(&self, lane: usize) -> usize {
        self.places.get(lane).map_or(0, |place| place.1)
    }

    /// World of a lane and the lane's number in it; `None` beyond the last.
    pub fn world_mut(&mut self, symbol: usize, lane: usize) -> Option<(&mut World, usize)> {
        let (fleet, at) = *self.places.get(lane)?;
        Some((self.fleets.get_mut(fleet)?.world_mut(symbol)?, at))
    }

    /// What an instrument's data were so far; `None` beyond the last.
    #[must_use]
    pub fn span(&self, symbol: usize) -> Option<&Span> {
        self.spans.get(symbol)
    }

    /// Processes a chunk of an instrument as far as no later chunk can change what happens.
    ///
    /// # Errors
    /// A bad or misplaced chunk, a strategy's failure, or [`RunError::Finished`].
    pub fn feed(&mut self, symbol: usize, chunk: Arc<EventColumns>) -> Result<(), RunError> {
        self.push(symbol, chunk)?;
        self.paced_until = i64::MAX;
        self.run_all(i64::MAX)
    }

    /// [`Self::feed`] with a strategy from outside; needs all lanes on one thread.
    ///
    /// # Errors
    /// As [`Self::feed`].
    pub fn feed_with(
        &mut self,
        symbol: usize,
        chunk: Arc<EventColumns>,
        external: &mut impl External,
    ) -> Result<(), RunError> {
        self.push(symbol, chunk)?;
        self.paced_until = i64::MAX;
        self.run_single(i64::MAX, external)
    }

    /// Adds a chunk without processing it.
    ///
    /// # Errors
    /// A misplaced chunk, [`RunError::Lanes`] for an unknown instrument, or
    /// [`RunError::Finished`].
    pub fn push(&mut self, symbol: usize, chunk: Arc<EventColumns>) -> Result<(), RunError> {
        if self.finished {
            return Err(RunError::Finished);
        }
        let span = self.spans.get_mut(symbol).ok_or(RunError::Lanes)?;
        if chunk.is_empty() {
            return Ok(());
        }
        span.check(&chunk)?;
        span.add(&chunk);
        for fleet in &mut self.fleets {
            fleet.push(symbol, Arc::clone(&chunk));
            fleet.know(symbol, span.last_exch_ns);
        }
        Ok(())
    }

    /// Processes up to and including receive time `until_ns`, as far as the data held allow; true
    /// if more data are needed to get there. Beyond the end of all data nothing happens.
    ///
    /// # Errors
    /// A strategy's failure.
    pub fn advance(
        &mut self,
        until_ns: i64,
        external: &mut impl External,
    ) -> Result<bool, RunError> {
        let wanted = until_ns.saturating_add(1);
        self.paced_until = until_ns;
        let ended = self.known_ns() == i64::MAX;
        let end = if ended { self.end_ns() } else { i64::MAX };
        self.run_single(wanted.min(end.saturating_add(1)), external)?;
        Ok(wanted > self.known_ns())
    }

    /// Processes what is left, ends the run and checks that money and positions add up. A run that
    /// was advanced step by step ends where the last step led, whatever has been fed beyond.
    ///
    /// # Errors
    /// [`RunError::Identity`] or [`RunError::Conservation`]; a strategy's failure.
    pub fn finish(&mut self, external: &mut impl External) -> Result<(), RunError> {
        self.finish_because("data_end", external)
    }

    /// [`Self::finish`] with the reason that a journal tells.
    ///
    /// # Errors
    /// As [`Self::finish`].
    pub fn finish_because(
        &mut self,
        reason: &str,
        external: &mut impl External,
    ) -> Result<(), RunError> {
        if std::mem::replace(&mut self.finished, true) {
            return Ok(());
        }
        for symbol in 0..self.spans.len() {
            self.end(symbol);
        }
        let last = self.end_ns().min(self.paced_until);
        if self.fleets.len() == 1 {
            self.run_single(last.saturating_add(1), external)?;
        } else {
            self.run_all(last.saturating_add(1))?;
        }
        self.spans.iter_mut().for_each(Span::end);
        self.fleets
            .iter_mut()
            .try_for_each(|fleet| fleet.finish(last, external))?;
        for fleet in &mut self.fleets {
            fleet.end_journal(last, reason);
        }
        Ok(())
    }

    /// Writes the session of the only lane down from now on; see [`Self::take_journal`].
    ///
    /// # Errors
    /// [`RunError::NoJournal`] for several lanes, a lane without a session or after the first
    /// event, [`RunError::Journal`] for a configuration that does not fit into a record.
    pub fn begin_journal(&mut self, start: JournalStart) -> Result<(), RunError> {
        match self.fleets.as_mut_slice() {
            [single] => single.begin_journal(start),
            _ => Err(RunError::NoJournal),
        }
    }

    /// Hands over the framed records since the last call. They are to be on the disk before the run
    /// goes on.
    ///
    /// # Errors
    /// [`RunError::NoJournal`] if none is written, [`RunError::Journal`] if a record was lost.
    pub fn take_journal<T>(&mut self, read: impl FnOnce(&[u8]) -> T) -> Result<T, RunError> {
        let tap = self.tap_mut().ok_or(RunError::NoJournal)?;
        let taken = read(tap.pending()?);
        tap.clear();
        Ok(taken)
    }

    /// Hands over the checkpoints since the last call, oldest first. They are of use once the
    /// records are on the disk.
    ///
    /// # Errors
    /// [`StateError`]: a defect of ours; the run may go on.
    pub fn take_checkpoints(&mut self) -> Result<Vec<Checkpoint>, StateError> {
        let checkpoints = self.tap_mut().and_then(Tap::checkpoints_mut);
        checkpoints.map_or_else(|| Ok(Vec::new()), Taking::hand_over)
    }

    /// Writes down parameters of an instrument that were just applied at `now`.
    pub fn write_params(&mut self, symbol: usize, config: Vec<u8>, now: i64) {
        if let Some(tap) = self.tap_mut() {
            tap.params(instrument_idx(symbol), TsNs::new(now), config);
        }
    }

    /// Writes down parameters of the session that were just applied at `now`.
    pub fn write_session(&mut self, config: Vec<u8>, now: i64) {
        if let Some(tap) = self.tap_mut() {
            tap.session_params(TsNs::new(now), config);
        }
    }

    /// Fleet of a lane, and the lane's number in it.
    pub(crate) fn fleet_of(&mut self, lane: usize) -> Option<(&mut Fleet, usize)> {
        let (fleet, at) = *self.places.get(lane)?;
        Some((self.fleets.get_mut(fleet)?, at))
    }

    pub(crate) fn tap_mut(&mut self) -> Option<&mut Tap> {
        self.fleets.first_mut()?.tap_mut()
    }

    /// Latest time processed so far, ns; before the first event what [`Self::begin_at`] says, or 0.
    #[must_use]
    pub fn now_ns(&self) -> i64 {
        let now_ns = self.fleets.first().map_or(0, Fleet::now_ns);
        now_ns.max(self.begins_ns)
    }

    /// Cancels all orders of all lanes at receive time `now_ns` and quotes no more.
    pub fn stop(&mut self, now_ns: i64) {
        self.stopped = true;
        for fleet in &mut self.fleets {
            fleet.stop(now_ns, &mut NoStrategy);
        }
    }

    /// True after a stop: what follows is the end.
    pub(crate) const fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// New parameters of a lane on an instrument, between two events.
    ///
    /// # Errors
    /// A parameter outside its range, an unknown lane or instrument.
    pub fn apply_params(
        &mut self,
        symbol: usize,
        lane: usize,
        params: Params,
        now: i64,
    ) -> Result<(), RunError> {
        let (world, at) = self.world_mut(symbol, lane).ok_or(RunError::Lanes)?;
        world.apply_params(at, params, now)
    }

    /// New parameters of a lane's session, between two events.
    ///
    /// # Errors
    /// A parameter outside its range, a lane without a session.
    pub fn apply_session(&mut self, lane: usize, params: SessionParams) -> Result<(), RunError> {
        let now = TsNs::new(self.now_ns());
        let session = self.session_mut(lane).ok_or(RunError::Lanes)?;
        Ok(session.apply_params(params, now)?)
    }

    fn run_all(&mut self, limit: i64) -> Result<(), RunError> {
        if let [single] = self.fleets.as_mut_slice() {
            return single.run_before(limit, &mut NoStrategy);
        }
        self.fleets
            .par_iter_mut()
            .map(|fleet| fleet.run_before(limit, &mut NoStrategy))
            .collect()
    }

    fn run_single(&mut self, limit: i64, external: &mut impl External) -> Result<(), RunError> {
        match self.fleets.as_mut_slice() {
            [single] => single.run_before(limit, external),
            _ => Err(RunError::Strategy(
                "a strategy from outside runs on one thread only".into(),
            )),
        }
    }
}
