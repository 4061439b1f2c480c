//! K parameter sets over one pass of one instrument's data, spread over threads.

use crate::cursor::local_row;
use crate::error::RunError;
use crate::lane::Lane;
pub use crate::lane::LaneSpec;
use crate::world::{External, NoStrategy, Sampling, World};
use mmbot_types::{EventColumns, Instrument, Params, RowKind};
use rayon::prelude::*;
use std::sync::Arc;

/// What the data were, as far as they have been seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Span {
    /// Rows.
    pub rows: u64,
    /// First exchange time, ns.
    pub first_exch_ns: Option<i64>,
    /// Last exchange time, ns.
    pub last_exch_ns: i64,
    /// First receive time, ns.
    pub first_local_ns: Option<i64>,
    /// Last receive time, ns.
    pub last_local_ns: i64,
    /// Stretches without usable data, exchange time, ns.
    pub gaps: Vec<(i64, i64)>,
    open_gap: Option<i64>,
}

impl Span {
    fn check(&self, chunk: &EventColumns) -> Result<(), RunError> {
        let early = |at_ns, seen_ns| Err(RunError::ChunkOrder { at_ns, seen_ns });
        let first = chunk.ts_exch.first().copied().unwrap_or(i64::MAX);
        let received = received_at(chunk, 0).unwrap_or(i64::MAX);
        if self.rows > 0 && first < self.last_exch_ns {
            return early(first, self.last_exch_ns);
        }
        if self.rows > 0 && received < self.last_local_ns {
            return early(received, self.last_local_ns);
        }
        Ok(())
    }

    fn add(&mut self, chunk: &EventColumns) {
        self.first_exch_ns = self
            .first_exch_ns
            .or_else(|| chunk.ts_exch.first().copied());
        self.first_local_ns = self.first_local_ns.or_else(|| received_at(chunk, 0));
        self.last_exch_ns = chunk.ts_exch.last().copied().unwrap_or(self.last_exch_ns);
        let received = received_at(chunk, chunk.len().saturating_sub(1));
        self.last_local_ns = received.unwrap_or(self.last_local_ns);
        self.rows += chunk.len() as u64;
        // resets and gaps share bit 1 of the flags: most chunks have neither
        if !chunk.flags.iter().any(|flags| flags & 2 != 0) {
            return;
        }
        for (row, flags) in chunk.flags.iter().enumerate() {
            match RowKind::from_flags(*flags) {
                RowKind::Gap => {
                    self.open_gap.get_or_insert(chunk.ts_exch[row]);
                }
                RowKind::Reset => {
                    if let Some(from) = self.open_gap.take() {
                        self.gaps.push((from, chunk.ts_exch[row]));
                    }
                }
                RowKind::Depth | RowKind::Trade => {}
            }
        }
    }
}

/// Receive time at position `at` of the receive order.
fn received_at(chunk: &EventColumns, at: usize) -> Option<i64> {
    (at < chunk.len()).then(|| chunk.ts_local[local_row(chunk, at)])
}

/// See the module. Lanes are numbered as given; results do not depend on the number of threads.
#[derive(Debug)]
pub struct Backtest {
    worlds: Vec<World>,
    /// World and lane in it, per lane.
    places: Vec<(usize, usize)>,
    span: Span,
    finished: bool,
}

impl Backtest {
    /// A run of `lanes` on at most `threads` threads.
    ///
    /// # Errors
    /// [`RunError::Lanes`] without lanes, or the first parameter outside its range.
    pub fn new(
        instrument: &Instrument,
        lanes: &[LaneSpec],
        sampling: Sampling,
        threads: usize,
    ) -> Result<Self, RunError> {
        if lanes.is_empty() {
            return Err(RunError::Lanes);
        }
        // dealt out like cards: neighbours in a grid trade alike, and threads wait for the slowest
        let count = threads.clamp(1, lanes.len());
        let dealt = |world: usize| lanes.iter().skip(world).step_by(count).copied();
        let worlds = (0..count)
            .map(|world| World::new(instrument, &dealt(world).collect::<Vec<_>>(), sampling))
            .collect::<Result<Vec<_>, _>>()?;
        let places = (0..lanes.len())
            .map(|lane| (lane % count, lane / count))
            .collect();
        Ok(Self {
            worlds,
            places,
            span: Span::default(),
            finished: false,
        })
    }

    /// Number of lanes.
    #[must_use]
    pub fn lane_count(&self) -> usize {
        self.places.len()
    }

    /// A lane and its world; `None` beyond the last.
    #[must_use]
    pub fn lane(&self, lane: usize) -> Option<(&World, &Lane)> {
        let (world, at) = *self.places.get(lane)?;
        let world = self.worlds.get(world)?;
        Some((world, world.lane(at)?))
    }

    /// Number of a lane in its world; 0 beyond the last.
    #[must_use]
    pub fn place_of(&self, lane: usize) -> usize {
        self.places.get(lane).map_or(0, |place| place.1)
    }

    /// World of a lane and the lane's number in it; `None` beyond the last.
    pub fn world_mut(&mut self, lane: usize) -> Option<(&mut World, usize)> {
        let (world, at) = *self.places.get(lane)?;
        Some((self.worlds.get_mut(world)?, at))
    }

    /// What the data were so far.
    #[must_use]
    pub const fn span(&self) -> &Span {
        &self.span
    }

    /// Processes a chunk as far as no later chunk can change what happens.
    ///
    /// # Errors
    /// A bad or misplaced chunk, a strategy's failure, or [`RunError::Finished`].
    pub fn feed(&mut self, chunk: Arc<EventColumns>) -> Result<(), RunError> {
        self.push(chunk)?;
        let limit = self.span.last_exch_ns;
        self.run_all(|world| world.run_before(limit, &mut NoStrategy))
    }

    /// [`Self::feed`] with a strategy from outside; needs a single world.
    ///
    /// # Errors
    /// As [`Self::feed`].
    pub fn feed_with(
        &mut self,
        chunk: Arc<EventColumns>,
        external: &mut impl External,
    ) -> Result<(), RunError> {
        self.push(chunk)?;
        let limit = self.span.last_exch_ns;
        self.run_single(limit, external)
    }

    /// Adds a chunk without processing it.
    ///
    /// # Errors
    /// A misplaced chunk, or [`RunError::Finished`].
    pub fn push(&mut self, chunk: Arc<EventColumns>) -> Result<(), RunError> {
        if self.finished {
            return Err(RunError::Finished);
        }
        if chunk.is_empty() {
            return Ok(());
        }
        self.span.check(&chunk)?;
        self.span.add(&chunk);
        for world in &mut self.worlds {
            world.push(Arc::clone(&chunk));
        }
        Ok(())
    }

    /// Processes up to and including receive time `until_ns`, as far as the data held allow; true
    /// if more data are needed to get there.
    ///
    /// # Errors
    /// A strategy's failure.
    pub fn advance(
        &mut self,
        until_ns: i64,
        external: &mut impl External,
    ) -> Result<bool, RunError> {
        let wanted = until_ns.saturating_add(1);
        self.run_single(wanted.min(self.span.last_exch_ns), external)?;
        Ok(wanted > self.span.last_exch_ns)
    }

    /// Processes what is left, ends the run and checks that money and positions add up.
    ///
    /// # Errors
    /// [`RunError::Identity`] or [`RunError::Conservation`]; a strategy's failure.
    pub fn finish(&mut self, external: &mut impl External) -> Result<(), RunError> {
        if std::mem::replace(&mut self.finished, true) {
            return Ok(());
        }
        let last = self.span.last_local_ns.max(self.span.last_exch_ns);
        if self.worlds.len() == 1 {
            self.run_single(last.saturating_add(1), external)?;
        } else {
            self.run_all(|world| world.run_before(last.saturating_add(1), &mut NoStrategy))?;
        }
        if let Some(from) = self.span.open_gap.take() {
            self.span.gaps.push((from, self.span.last_exch_ns));
        }
        self.worlds
            .iter_mut()
            .try_for_each(|world| world.finish(last, external))
    }

    /// Latest time processed so far, ns; 0 before the first event.
    #[must_use]
    pub fn now_ns(&self) -> i64 {
        self.worlds.first().map_or(0, World::now_ns)
    }

    /// Cancels all orders of all lanes at receive time `now_ns` and quotes no more.
    pub fn stop(&mut self, now_ns: i64) {
        for world in &mut self.worlds {
            world.stop(now_ns);
        }
    }

    /// New parameters of a lane, between two events.
    ///
    /// # Errors
    /// A parameter outside its range, an unknown lane.
    pub fn apply_params(&mut self, lane: usize, params: Params, now: i64) -> Result<(), RunError> {
        let (world, at) = self.world_mut(lane).ok_or(RunError::Lanes)?;
        world.apply_params(at, params, now)
    }

    fn run_all(
        &mut self,
        run: impl Fn(&mut World) -> Result<(), RunError> + Sync + Send,
    ) -> Result<(), RunError> {
        if let [single] = self.worlds.as_mut_slice() {
            return run(single);
        }
        self.worlds.par_iter_mut().map(run).collect()
    }

    fn run_single(&mut self, limit: i64, external: &mut impl External) -> Result<(), RunError> {
        match self.worlds.as_mut_slice() {
            [single] => single.run_before(limit, external),
            _ => Err(RunError::Strategy(
                "a strategy from outside runs on one thread only".into(),
            )),
        }
    }
}
