//! A world: one exchange, one or more views of its market, and the lanes that trade in it.
//!
//! Time moves from stop to stop. A stop is the next moment at which something reaches the other
//! side (a request the exchange, a report the engine) or a trader decides. Up to it the exchange
//! reads rows in exchange order and the engine's view reads them in receive order, each in a tight
//! loop. At a stop: requests, then reports, then decisions. Lanes share the market and nothing
//! else, so a lane does not depend on which others run beside it.

mod external;
mod finish;
mod inject;
mod look;
mod read;
mod stale;
mod step;
mod wires;
mod write;

use write::Pen;
pub(crate) use write::instrument_idx;

pub use external::{External, NoStrategy, WeightAnswer, WeightRequest};
pub use wires::{Arrivals, Batch, Delivered, Spot, Wires};

use crate::cursor::{Chunks, Place, local_row};
use crate::error::RunError;
use crate::lane::{Lane, LaneSpec};
use crate::timed::TimedQueue;
use crate::wiring::Wiring;
use mmbot_core::{Market, SeatPlace, Trader};
use mmbot_sim::{Exchange, Reports};
use mmbot_types::{Action, ActionBuf, EventColumns, ExecReport, Instrument, SignalParams, TsNs};
use std::sync::Arc;

/// What is sampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sampling {
    /// Bar length of the PnL observations, ns.
    pub bar_ns: i64,
    /// Step of the curve, ns; `None` records neither curve nor fills.
    pub curve_ns: Option<i64>,
}

/// Whose actions are where in the shared action buffer: lane and end of its part.
#[derive(Debug, Clone, Default)]
struct Outbox {
    ends: Vec<(u32, usize)>,
}

impl Outbox {
    /// True if `actions` has something that is nobody's yet.
    #[inline]
    fn is_open(&self, actions: &ActionBuf) -> bool {
        actions.as_slice().len() > self.ends.last().map_or(0, |end| end.1)
    }

    /// What came into `actions` since the last call is lane `lane`'s.
    #[inline]
    fn close(&mut self, lane: usize, actions: &ActionBuf) {
        // lanes are few: the index fits
        let lane = u32::try_from(lane).unwrap_or(u32::MAX);
        self.ends.push((lane, actions.as_slice().len()));
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub struct World {
    /// Which instrument of the run it is.
    symbol: usize,
    exchange: Exchange,
    markets: Vec<(SignalParams, Market)>,
    lanes: Vec<Lane>,
    wiring: Wiring,
    /// Per lane: when a packet end, and when anything at all, leads to a decision.
    due: Vec<i64>,
    timer: Vec<i64>,
    next_due: i64,
    next_timer: i64,
    /// Rows as they happen at the exchange, and as the engine receives them: the same, unless a
    /// fault world spoils what is received.
    chunks: Chunks,
    received: Chunks,
    at_exchange: Place,
    at_engine: Place,
    scout: Place,
    requests: TimedQueue<Action>,
    reports: TimedQueue<ExecReport>,
    made: Reports,
    actions: ActionBuf,
    outbox: Outbox,
    /// Latency of the market data at the exchange cursor.
    feed_latency_ns: i64,
    last_packet_ns: i64,
    now_ns: i64,
    next_bar_ns: i64,
    next_curve_ns: i64,
    sampling: Sampling,
    started: bool,
    watch: Option<Box<stale::Watch>>,
    pub(crate) pen: Pen,
}

impl World {
    /// A world of `lanes` for one instrument.
    ///
    /// # Errors
    /// The first parameter outside its range.
    pub fn new(
        instrument: &Instrument,
        specs: &[LaneSpec],
        sampling: Sampling,
    ) -> Result<Self, RunError> {
        let sims: Vec<_> = specs.iter().map(|spec| spec.sim).collect();
        let mut world = Self {
            symbol: 0,
            exchange: Exchange::new(&sims)?,
            markets: Vec::new(),
            lanes: Vec::with_capacity(specs.len()),
            wiring: Wiring::new(&sims),
            due: vec![i64::MAX; specs.len()],
            timer: vec![i64::MAX; specs.len()],
            next_due: i64::MAX,
            next_timer: i64::MAX,
            chunks: Chunks::default(),
            received: Chunks::default(),
            at_exchange: Place::default(),
            at_engine: Place::default(),
            scout: Place::default(),
            requests: TimedQueue::default(),
            reports: TimedQueue::default(),
            made: Vec::with_capacity(64),
            actions: ActionBuf::new(),
            outbox: Outbox::default(),
            feed_latency_ns: 0,
            last_packet_ns: i64::MIN,
            now_ns: 0,
            next_bar_ns: i64::MAX,
            next_curve_ns: i64::MAX,
            sampling,
            started: false,
            watch: None,
            pen: Pen::of(0),
        };
        for spec in specs {
            world.add_lane(instrument, spec)?;
        }
        Ok(world)
    }

    fn add_lane(&mut self, instrument: &Instrument, spec: &LaneSpec) -> Result<(), RunError> {
        let signals = spec.params.signals;
        let horizon_ms = spec.params.edge.adverse_horizon_ms;
        let known = self
            .markets
            .iter()
            .position(|(params, market)| *params == signals && market.horizon_ms() == horizon_ms);
        let market = known.unwrap_or_else(|| {
            let mut market = Market::new(instrument.clone(), signals, horizon_ms);
            if self.sampling.curve_ns.is_some() {
                market.keep_long_history();
            }
            self.markets.push((signals, market));
            self.markets.len() - 1
        });
        let mut trader = Trader::new(instrument.clone(), spec.params)?;
        if self.sampling.curve_ns.is_some() {
            trader.enable_fill_log();
        }
        self.lanes.push(Lane::new(trader, market));
        Ok(())
    }

    /// Makes it the world of instrument `symbol` in sessions of several.
    pub(crate) fn join(
        &mut self,
        symbol: usize,
        symbols: usize,
        in_session: impl Fn(usize) -> bool,
    ) {
        self.symbol = symbol;
        self.pen = Pen::of(symbol);
        let place = SeatPlace {
            index: symbol as u64,
            count: symbols as u64,
        };
        for (at, lane) in self.lanes.iter_mut().enumerate() {
            if in_session(at) {
                lane.trader.join_session(place);
            }
        }
    }

    /// Receive time of the first row; `None` before there is one.
    pub(crate) fn first_local_ns(&self) -> Option<i64> {
        let first = self
            .received
            .get(0)
            .filter(|_| self.started && self.now_ns == 0)?;
        Some(first.ts_local[local_row(first, 0)])
    }

    /// The trader of a lane with its market.
    pub(crate) fn seat(&mut self, lane: usize) -> Option<(&mut Trader, &mut Market)> {
        let lane = self.lanes.get_mut(lane)?;
        let market = self.markets.get_mut(lane.market)?;
        Some((&mut lane.trader, &mut market.1))
    }

    /// As [`Self::seat`], to look at.
    pub(crate) fn seat_of(&self, lane: usize) -> Option<(&Market, &Trader)> {
        let lane = self.lanes.get(lane)?;
        Some((&self.markets.get(lane.market)?.1, &lane.trader))
    }

    /// Number of lanes.
    #[must_use]
    pub fn lane_count(&self) -> usize {
        self.lanes.len()
    }

    /// A lane; `None` beyond the last.
    #[must_use]
    pub fn lane(&self, lane: usize) -> Option<&Lane> {
        self.lanes.get(lane)
    }

    /// A lane, to take its samples from; `None` beyond the last.
    pub fn lane_mut(&mut self, lane: usize) -> Option<&mut Lane> {
        self.lanes.get_mut(lane)
    }

    /// The exchange.
    #[must_use]
    pub const fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// Latest stop, ns; 0 before the first event.
    #[must_use]
    pub const fn now_ns(&self) -> i64 {
        self.now_ns
    }

    /// Adds market data; nothing is processed yet.
    pub fn push(&mut self, chunk: Arc<EventColumns>) {
        if chunk.is_empty() {
            return;
        }
        if let Some(watch) = &mut self.watch {
            watch.push(&chunk);
        }
        self.received.push(Arc::clone(&chunk));
        self.chunks.push(chunk);
        if !self.started {
            self.start();
        }
    }

    fn start(&mut self) {
        let Some(first) = self.received.get(0) else {
            return;
        };
        let at_ns = first.ts_local[local_row(first, 0)];
        self.started = true;
        self.next_bar_ns = at_ns.saturating_add(self.sampling.bar_ns);
        if let Some(step) = self.sampling.curve_ns {
            self.next_curve_ns = at_ns.saturating_add(step);
        }
        for lane in 0..self.lanes.len() {
            self.lanes[lane].trader.start(TsNs::new(at_ns));
            self.refresh_due(lane);
        }
        self.plan_next();
    }

    /// New parameters of a lane, between two events. Signal parameters are the market's and stay.
    ///
    /// # Errors
    /// A parameter outside its range, or changed signal parameters.
    pub fn apply_params(
        &mut self,
        lane: usize,
        params: mmbot_types::Params,
        now: i64,
    ) -> Result<(), RunError> {
        let Some(entry) = self.lanes.get_mut(lane) else {
            return Err(RunError::Lanes);
        };
        entry.trader.apply_params(TsNs::new(now), params)?;
        self.refresh_due(lane);
        self.plan_next();
        self.scout = self.at_engine;
        Ok(())
    }

    /// Cancels all orders of all lanes and quotes no more.
    pub fn stop(&mut self, now: i64, wires: &mut impl Wires) {
        for lane in 0..self.lanes.len() {
            let trader = &mut self.lanes[lane].trader;
            trader.stop(TsNs::new(now), &mut self.actions);
            self.pen.intents(now, trader, &self.actions);
            self.close(lane);
        }
        self.send_all(now, wires);
    }
}
