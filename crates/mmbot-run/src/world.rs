//! A world: one exchange, one or more views of its market, and the lanes that trade in it.
//!
//! Time moves from stop to stop. A stop is the next moment at which something reaches the other side
//! (a request the exchange, a report the engine) or a trader decides. Up to it the exchange reads rows in
//! exchange order and the engine's view reads them in receive order, each in a tight loop. At a stop:
//! requests, then reports, then decisions. Lanes share the market and nothing else, so a lane does not
//! depend on which others run beside it.

use crate::cursor::{Chunks, Place, local_row};
use crate::error::RunError;
use crate::lane::{Lane, LaneSpec};
use crate::timed::TimedQueue;
use mmbot_core::{Market, Quote, StrategyView, Trader};
use mmbot_sim::{Exchange, Reports, ResponseLatency};
use mmbot_types::columns::{LAST_BIT, SIDE_BIT};
use mmbot_types::{
    Action, ActionBuf, EventColumns, ExecReport, Instrument, PriceTick, QtyLot, ReportKind,
    RowKind, Side, SignalParams, TsNs,
};
use std::sync::Arc;

/// A strategy from outside the core: gets a view, gives targets.
pub trait External {
    /// Targets of `lane` at this decision.
    ///
    /// # Errors
    /// [`RunError::Strategy`] with the strategy's own message; the run stops.
    fn quotes(&mut self, lane: usize, view: &StrategyView) -> Result<Vec<Quote>, RunError>;
}

/// No strategy from outside: a lane that asks for one is an error.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoStrategy;

impl External for NoStrategy {
    fn quotes(&mut self, lane: usize, _view: &StrategyView) -> Result<Vec<Quote>, RunError> {
        Err(RunError::Strategy(format!("lane {lane} has strategy.kind external but no strategy")))
    }
}

/// What is sampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sampling {
    /// Bar length of the PnL observations, ns.
    pub bar_ns: i64,
    /// Step of the curve, ns; `None` records neither curve nor fills.
    pub curve_ns: Option<i64>,
}

/// See the module.
#[derive(Debug, Clone)]
pub struct World {
    exchange: Exchange,
    markets: Vec<(SignalParams, Market)>,
    lanes: Vec<Lane>,
    response: Vec<ResponseLatency>,
    /// Per lane: when a packet end, and when anything at all, leads to a decision.
    due: Vec<i64>,
    timer: Vec<i64>,
    chunks: Chunks,
    at_exchange: Place,
    at_engine: Place,
    scout: Place,
    requests: TimedQueue<(u32, Action)>,
    reports: TimedQueue<(u32, ExecReport)>,
    made: Reports,
    actions: ActionBuf,
    /// Latency of the market data at the exchange cursor.
    feed_latency_ns: i64,
    last_packet_ns: i64,
    next_bar_ns: i64,
    next_curve_ns: i64,
    sampling: Sampling,
    started: bool,
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
            exchange: Exchange::new(&sims)?,
            markets: Vec::new(),
            lanes: Vec::with_capacity(specs.len()),
            response: sims.iter().map(|sim| sim.response).collect(),
            due: vec![i64::MAX; specs.len()],
            timer: vec![i64::MAX; specs.len()],
            chunks: Chunks::default(),
            at_exchange: Place::default(),
            at_engine: Place::default(),
            scout: Place::default(),
            requests: TimedQueue::default(),
            reports: TimedQueue::default(),
            made: Vec::with_capacity(64),
            actions: ActionBuf::new(),
            feed_latency_ns: 0,
            last_packet_ns: i64::MIN,
            next_bar_ns: i64::MAX,
            next_curve_ns: i64::MAX,
            sampling,
            started: false,
        };
        for spec in specs {
            world.add_lane(instrument, spec)?;
        }
        Ok(world)
    }

    fn add_lane(&mut self, instrument: &Instrument, spec: &LaneSpec) -> Result<(), RunError> {
        let signals = spec.params.signals;
        let horizon_ms = spec.params.edge.adverse_horizon_ms;
        let known = self.markets.iter().position(|(params, market)| {
            *params == signals && market.horizon_ms() == horizon_ms
        });
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
        self.lanes.push(Lane::new(trader, &spec.sim, market));
        Ok(())
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

    /// The received market as lane `lane` sees it; `None` beyond the last lane.
    pub fn market_of(&mut self, lane: usize) -> Option<&mut Market> {
        let market = self.lanes.get(lane)?.market;
        self.markets.get_mut(market).map(|entry| &mut entry.1)
    }

    /// The exchange.
    #[must_use]
    pub const fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// Adds market data; nothing is processed yet.
    pub fn push(&mut self, chunk: Arc<EventColumns>) {
        if chunk.is_empty() {
            return;
        }
        self.chunks.push(chunk);
        if !self.started {
            self.start();
        }
    }

    fn start(&mut self) {
        let Some(first) = self.chunks.get(0) else {
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
    }

    /// Processes everything before `limit_ns`. Rows at or after it stay for the next call.
    ///
    /// # Errors
    /// [`RunError::Strategy`].
    pub fn run_before(
        &mut self,
        limit_ns: i64,
        external: &mut impl External,
    ) -> Result<(), RunError> {
        while self.started {
            let book_due = self.due.iter().copied().min().unwrap_or(i64::MAX);
            let mut stop = self.chunks.next_packet_end(&mut self.scout, book_due);
            for at in self.timer.iter().chain([
                &self.requests.next_ns(),
                &self.reports.next_ns(),
                &self.next_bar_ns,
                &self.next_curve_ns,
            ]) {
                stop = stop.min(*at);
            }
            let bound = stop.min(limit_ns.saturating_sub(1));
            let reached = self.read_at_exchange(bound);
            self.read_at_engine(reached);
            if stop >= limit_ns && reached == bound && self.reports.next_ns() > bound {
                break;
            }
            self.at_stop(reached, external)?;
        }
        self.chunks.release([&mut self.at_exchange, &mut self.at_engine, &mut self.scout]);
        Ok(())
    }

    fn at_stop(&mut self, stop: i64, external: &mut impl External) -> Result<(), RunError> {
        while let Some((lane, action)) = self.requests.pop_until(stop) {
            self.exchange.request(lane, &action, TsNs::new(stop), &mut self.made);
            self.schedule_reports();
        }
        while let Some((lane, report)) = self.reports.pop_until(stop) {
            self.deliver(lane as usize, &report, stop);
        }
        let packet_ended = self.last_packet_ns == stop;
        for lane in 0..self.lanes.len() {
            if self.timer[lane] <= stop || (packet_ended && self.due[lane] <= stop) {
                self.decide(lane, stop, external)?;
            }
        }
        self.sample(stop);
        Ok(())
    }

    /// Rows at or before `until`, in exchange order. A fill makes a report that may be due before `until`: the
    /// new, earlier end is returned.
    fn read_at_exchange(&mut self, mut until: i64) -> i64 {
        while let Some(chunk) = self.chunks.get(self.at_exchange.chunk) {
            let n = chunk.len();
            let (flags, px) = (&chunk.flags[..n], &chunk.px[..n]);
            let (qty, ts) = (&chunk.qty[..n], &chunk.ts_exch[..n]);
            let mut row = self.at_exchange.row;
            while row < n && ts[row] <= until {
                let now = TsNs::new(ts[row]);
                let flag = flags[row];
                let side = Side::from_bit(flag & SIDE_BIT);
                let (price, size) = (PriceTick::new(i64::from(px[row])), QtyLot::new(qty[row]));
                match RowKind::from_flags(flag) {
                    RowKind::Depth => {
                        self.exchange.depth(side, price, size, now, &mut self.made);
                    }
                    RowKind::Trade => {
                        self.exchange.trade(side, price, size, now, &mut self.made);
                    }
                    RowKind::Reset => self.exchange.reset(),
                    RowKind::Gap => self.exchange.gap(),
                }
                if flag & LAST_BIT != 0 {
                    self.exchange.end_packet(now, &mut self.made);
                }
                if !self.made.is_empty() {
                    self.feed_latency_ns = chunk.ts_local[row] - ts[row];
                    let earliest = schedule(
                        &mut self.made,
                        &mut self.lanes,
                        &self.response,
                        self.feed_latency_ns,
                        &mut self.reports,
                    );
                    until = until.min(earliest);
                }
                row += 1;
            }
            if row > 0 && row != self.at_exchange.row {
                self.feed_latency_ns = chunk.ts_local[row - 1] - ts[row - 1];
            }
            self.at_exchange.row = row;
            if row < n {
                break;
            }
            self.at_exchange = Place { chunk: self.at_exchange.chunk + 1, row: 0 };
        }
        until
    }

    fn schedule_reports(&mut self) {
        schedule(
            &mut self.made,
            &mut self.lanes,
            &self.response,
            self.feed_latency_ns,
            &mut self.reports,
        );
    }

    /// Rows received at or before `until`, in receive order, into every market view.
    fn read_at_engine(&mut self, until: i64) {
        while let Some(chunk) = self.chunks.get(self.at_engine.chunk) {
            let from = self.at_engine.row;
            let mut to = from;
            for (_, market) in &mut self.markets {
                to = match &chunk.local_order {
                    None => read_rows(market, chunk, from, until, |at| at),
                    Some(order) => read_rows(market, chunk, from, until, |at| order[at] as usize),
                };
            }
            if let Some(last) = (from..to)
                .rev()
                .map(|at| local_row(chunk, at))
                .find(|row| chunk.flags[*row] & LAST_BIT != 0)
            {
                self.last_packet_ns = chunk.ts_local[last];
            }
            self.at_engine.row = to;
            if to < chunk.len() {
                break;
            }
            self.at_engine = Place { chunk: self.at_engine.chunk + 1, row: 0 };
        }
        self.scout = self.scout.max(self.at_engine);
    }

    #[inline]
    fn deliver(&mut self, lane: usize, report: &ExecReport, now: i64) {
        self.read_report(lane, report, now);
        self.send(lane, now);
    }

    #[inline]
    fn read_report(&mut self, lane: usize, report: &ExecReport, now: i64) {
        let entry = &mut self.lanes[lane];
        if let ReportKind::Filled { px, qty, fee, .. } = report.kind
            && let Some(side) = entry.trader.side_of(report.cid)
        {
            entry.trips.on_fill(side, px, qty, fee);
        }
        let market = &mut self.markets[entry.market].1;
        self.actions.clear();
        entry.trader.on_report(TsNs::new(now), report, market, &mut self.actions);
    }

    #[inline]
    fn decide(
        &mut self,
        lane: usize,
        now: i64,
        external: &mut impl External,
    ) -> Result<(), RunError> {
        let entry = &mut self.lanes[lane];
        let market = &mut self.markets[entry.market].1;
        let now_ts = TsNs::new(now);
        self.actions.clear();
        if entry.trader.wants_external() {
            let view = entry.trader.external_view(now_ts, market);
            let quotes = external.quotes(lane, &view)?;
            entry.trader.decide_with(now_ts, market, &quotes, &mut self.actions);
        } else {
            entry.trader.decide(now_ts, market, &mut self.actions);
        }
        self.send(lane, now);
        Ok(())
    }

    #[inline]
    fn send(&mut self, lane: usize, now: i64) {
        let entry = &mut self.lanes[lane];
        for (action, _) in self.actions.as_slice() {
            let at = entry.arrival(action, TsNs::new(now));
            // lanes are few: the index fits
            self.requests.push(at, (u32::try_from(lane).unwrap_or(u32::MAX), *action));
        }
        self.refresh_due(lane);
    }

    #[inline]
    fn refresh_due(&mut self, lane: usize) {
        let trader: &Trader = &self.lanes[lane].trader;
        self.due[lane] = trader.due().get();
        self.timer[lane] = trader.timer_due().get();
    }

    fn sample(&mut self, now: i64) {
        while self.next_bar_ns <= now {
            for lane in &mut self.lanes {
                lane.sample_bar(self.next_bar_ns, &self.markets[lane.market].1);
            }
            self.next_bar_ns = self.next_bar_ns.saturating_add(self.sampling.bar_ns);
        }
        while self.next_curve_ns <= now {
            for lane in &mut self.lanes {
                lane.sample_curve(self.next_curve_ns, &self.markets[lane.market].1);
            }
            let step = self.sampling.curve_ns.unwrap_or(i64::MAX);
            self.next_curve_ns = self.next_curve_ns.saturating_add(step);
        }
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
        self.scout = self.at_engine;
        Ok(())
    }

    /// Cancels all orders of all lanes and quotes no more.
    pub fn stop(&mut self, now: i64) {
        for lane in 0..self.lanes.len() {
            self.actions.clear();
            self.lanes[lane].trader.stop(TsNs::new(now), &mut self.actions);
            self.send(lane, now);
        }
    }

    /// Ends the run: the last bar is taken, fills are resolved, money and positions are compared.
    ///
    /// # Errors
    /// [`RunError::Identity`] and [`RunError::Conservation`]: defects of ours.
    pub fn finish(&mut self, last_ns: i64) -> Result<(), RunError> {
        // reports still on the wire when the data end are read, what they make a trader want is not sent
        while let Some((lane, report)) = self.reports.pop_until(i64::MAX) {
            self.read_report(lane as usize, &report, last_ns);
        }
        for at in 0..self.lanes.len() {
            let lane = &mut self.lanes[at];
            let market = &mut self.markets[lane.market].1;
            lane.sample_bar(last_ns, market);
            let edge = lane.trader.finish(market);
            lane.edge = Some(edge.map_err(|source| RunError::Identity { lane: at, source })?);
        }
        self.check_conservation()
    }

    fn check_conservation(&self) -> Result<(), RunError> {
        for (at, lane) in self.lanes.iter().enumerate() {
            let theirs = self.exchange.account(u32::try_from(at).unwrap_or(u32::MAX));
            let ours = &lane.trader;
            let (position, theirs_position) = (ours.position().get(), theirs.position.get());
            let pairs = [
                ("position", i128::from(position), i128::from(theirs_position)),
                ("cash", ours.cash().get(), theirs.cash.get()),
                ("fees", ours.fees().get(), theirs.fees.get()),
            ];
            for (what, engine, exchange) in pairs {
                if engine != exchange {
                    return Err(RunError::Conservation { lane: at, what, engine, exchange });
                }
            }
        }
        Ok(())
    }
}

/// Puts reports on the wire; returns the earliest delivery.
fn schedule(
    made: &mut Reports,
    lanes: &mut [Lane],
    response: &[ResponseLatency],
    feed_latency_ns: i64,
    wire: &mut TimedQueue<(u32, ExecReport)>,
) -> i64 {
    let mut earliest = i64::MAX;
    for (lane, report) in made.drain(..) {
        let latency = match response[lane as usize] {
            ResponseLatency::OfFeed => feed_latency_ns.max(0),
            ResponseLatency::ConstantNs(ns) => ns,
        };
        let at = lanes[lane as usize].delivery(report.ts_exch.get(), latency);
        wire.push(at, (lane, report));
        earliest = earliest.min(at);
    }
    earliest
}

/// Applies rows from position `from` of the receive order while received at or before `until`; returns the
/// position after the last.
#[inline(always)]
fn read_rows(
    market: &mut Market,
    chunk: &EventColumns,
    from: usize,
    until: i64,
    row_at: impl Fn(usize) -> usize,
) -> usize {
    let n = chunk.len();
    let (flags, px) = (&chunk.flags[..n], &chunk.px[..n]);
    let (qty, received) = (&chunk.qty[..n], &chunk.ts_local[..n]);
    let mut at = from;
    while at < n {
        let row = row_at(at);
        let ts_local = received[row];
        if ts_local > until {
            break;
        }
        let flag = flags[row];
        let side = Side::from_bit(flag & SIDE_BIT);
        let (price, size) = (PriceTick::new(i64::from(px[row])), QtyLot::new(qty[row]));
        match RowKind::from_flags(flag) {
            RowKind::Depth => market.depth(side, price, size),
            RowKind::Trade => market.trade(side, price, size, TsNs::new(ts_local)),
            RowKind::Reset => market.reset(),
            RowKind::Gap => market.gap(),
        }
        if flag & LAST_BIT != 0 {
            market.end_packet(TsNs::new(chunk.ts_exch[row]), TsNs::new(ts_local));
        }
        at += 1;
    }
    at
}
