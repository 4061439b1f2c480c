//! Time moves from stop to stop.

use super::read::ReportWires;
use super::write::Pen;
use super::{Batch, Delivered, External, Spot, Wires, World};
use crate::error::RunError;
use crate::lane::Lane;
use crate::timed::Timed;
use mmbot_core::{Market, StaleNote, Trader};
use mmbot_sim::Exchange;
use mmbot_types::{ActionBuf, ExecReport, ReportKind, Side, TsNs};

impl World {
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
            let mut stop = self
                .received
                .next_packet_end(&mut self.scout, self.next_due);
            for at in [
                self.next_timer,
                self.requests.next_ns(),
                self.reports.next_ns(),
                self.next_bar_ns,
                self.next_curve_ns,
                self.next_unusable_ns(),
            ] {
                stop = stop.min(at);
            }
            let bound = stop.min(limit_ns.saturating_sub(1));
            let reached = self.read_at_exchange(bound, external);
            self.read_at_engine(reached);
            if stop >= limit_ns && reached == bound && self.reports.next_ns() > bound {
                break;
            }
            self.at_stop(reached, external)?;
        }
        self.chunks.release([&mut self.at_exchange]);
        self.received
            .release([&mut self.at_engine, &mut self.scout]);
        Ok(())
    }

    /// Requests, then reports, then decisions. Each phase runs over all lanes before what it made
    /// is sent on: lanes do not wait for each other, and memory just written is not read back at
    /// once.
    fn at_stop(&mut self, stop: i64, external: &mut impl External) -> Result<(), RunError> {
        self.now_ns = stop;
        self.carry_out_requests(stop, external);
        self.read_reports(stop, stop, external)?;
        self.send_all(stop, external);
        let packet_ended = self.last_packet_ns == stop;
        let all = self.take_unusable(stop);
        let anybody = all || self.next_timer <= stop || (packet_ended && self.next_due <= stop);
        let lanes = if anybody { self.lanes.len() } else { 0 };
        for lane in 0..lanes {
            if all || self.timer[lane] <= stop || (packet_ended && self.due[lane] <= stop) {
                self.decide(lane, stop, external)?;
                self.close(lane);
            }
        }
        self.send_all(stop, external);
        self.sample(stop);
        Ok(())
    }

    /// Requests that have reached the exchange by `stop`; what it says to them goes on the wire.
    fn carry_out_requests<W: Wires>(&mut self, stop: i64, on_wire: &mut W) {
        if W::WATCHES {
            return self.carry_out_watched(stop, on_wire);
        }
        let mut wires = ReportWires {
            wiring: &mut self.wiring,
            feed_latency_ns: self.feed_latency_ns,
            queue: &mut self.reports,
        };
        let due = self.requests.until(stop);
        for Timed { lane, item, .. } in due {
            self.exchange
                .request(*lane, item, TsNs::new(stop), &mut wires);
        }
        let count = due.len();
        self.requests.drop_first(count);
    }

    /// The same, where the wire decides whether a request is carried out.
    fn carry_out_watched(&mut self, stop: i64, on_wire: &mut impl Wires) {
        let due = self.requests.until(stop);
        for Timed { lane, item, .. } in due {
            let spot = Spot {
                symbol: self.symbol,
                lane: *lane as usize,
            };
            let (exchange, made) = (&mut self.exchange, &mut self.made);
            on_wire.execute(spot, item, TsNs::new(stop), exchange, made);
        }
        let count = due.len();
        self.requests.drop_first(count);
        self.schedule_reports(on_wire);
    }

    /// Delivers all reports due at or before `until`. A fill leads to a decision before the next
    /// report, wherever the strategy lives.
    pub(super) fn read_reports<E: External>(
        &mut self,
        until: i64,
        now: i64,
        external: &mut E,
    ) -> Result<(), RunError> {
        if !E::WATCHES {
            return self.read_some_reports(usize::MAX, until, now, external);
        }
        // requests are seen beside the state that made them, not after the next report
        while let Some(first) = self.reports.until(until).first().copied() {
            self.read_some_reports(1, until, now, external)?;
            self.show(first.lane as usize, now, first.item, external);
            self.send_all(now, external);
        }
        Ok(())
    }

    /// Delivers the first reports due at or before `until`, `most` at most.
    #[inline]
    fn read_some_reports(
        &mut self,
        most: usize,
        until: i64,
        now: i64,
        external: &mut impl External,
    ) -> Result<(), RunError> {
        let recorded = self.sampling.curve_ns.is_some();
        let (mut taken, mut outcome) = (0, Ok(()));
        let due = self.reports.until(until);
        for Timed { lane, item, .. } in &due[..due.len().min(most)] {
            taken += 1;
            let at = *lane as usize;
            let entry = &mut self.lanes[at];
            // before its trader may forget the order
            if let Some(side) = filled_side(&entry.trader, item) {
                entry.desk.note(side, item);
            }
            let market = &mut self.markets[entry.market].1;
            self.pen.report(now, item);
            let trader = &mut entry.trader;
            let asks = trader.on_report(TsNs::new(now), item, market, &mut self.actions);
            if recorded && is_resting(item.kind) {
                note_queue(&self.exchange, *lane, trader);
            }
            self.pen.intents(now, trader, &self.actions);
            if asks {
                let (pen, actions) = (&mut self.pen, &mut self.actions);
                outcome = entry.decide((self.symbol, at), now, market, external, pen, actions);
                if outcome.is_err() {
                    break;
                }
            }
            // most reports ask for nothing and move no decision
            let due = entry.trader.due().get();
            if self.outbox.is_open(&self.actions) || due != self.due[at] {
                (self.due[at], self.timer[at]) = (due, entry.trader.timer_due().get());
                self.outbox.close(at, &self.actions);
            }
        }
        self.reports.drop_first(taken);
        outcome
    }

    fn show(&self, lane: usize, now: i64, report: ExecReport, on_wire: &mut impl Wires) {
        on_wire.delivered(&Delivered {
            spot: Spot {
                symbol: self.symbol,
                lane,
            },
            now: TsNs::new(now),
            report,
            trader: &self.lanes[lane].trader,
        });
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
        let (pen, actions) = (&mut self.pen, &mut self.actions);
        entry.decide((self.symbol, lane), now, market, external, pen, actions)
    }

    /// A decision of a lane at `now`, because its session wants one.
    pub(crate) fn decide_at(
        &mut self,
        lane: usize,
        now: i64,
        external: &mut impl External,
    ) -> Result<(), RunError> {
        self.decide(lane, now, external)?;
        self.close(lane);
        self.send_all(now, external);
        Ok(())
    }

    /// A decision of a lane at `now`, and what its anti-stale guard did in it; nothing before the
    /// first event.
    pub(crate) fn check_stale(
        &mut self,
        lane: usize,
        now: i64,
        external: &mut impl External,
    ) -> Result<Vec<StaleNote>, RunError> {
        if !self.started || self.now_ns == 0 {
            return Ok(Vec::new());
        }
        self.lanes[lane].trader.watch_stale();
        self.decide_at(lane, now, external)?;
        Ok(self.lanes[lane].trader.take_stale())
    }

    /// What came into the buffer of actions is the lane's, and its next decision is planned: now,
    /// while its trader is at hand.
    #[inline]
    pub(super) fn close(&mut self, lane: usize) {
        self.refresh_due(lane);
        self.outbox.close(lane, &self.actions);
    }

    /// Puts all actions in the outbox on the wire and plans the next decision.
    pub(super) fn send_all<W: Wires>(&mut self, now: i64, on_wire: &mut W) {
        let mut from = 0;
        for at in 0..self.outbox.ends.len() {
            let (lane, to) = self.outbox.ends[at];
            let spot = Spot {
                symbol: self.symbol,
                lane: lane as usize,
            };
            if W::WATCHES && to > from {
                let entry = &self.lanes[spot.lane];
                on_wire.batch(&Batch {
                    spot,
                    now: TsNs::new(now),
                    actions: &self.actions.as_slice()[from..to],
                    trader: &entry.trader,
                    market: &self.markets[entry.market].1,
                    exchange: &self.exchange,
                });
            }
            for (action, _) in &self.actions.as_slice()[from..to] {
                let arrives = self.wiring.arrival(spot.lane, action, TsNs::new(now));
                if let Some(arrives) = on_wire.request(spot, action, arrives) {
                    self.requests.push(arrives, lane, *action);
                }
            }
            from = to;
        }
        if !self.outbox.ends.is_empty() {
            self.plan_next();
        }
        self.forget_actions();
    }

    /// Empties the outbox.
    pub(super) fn forget_actions(&mut self) {
        self.outbox.ends.clear();
        self.actions.clear();
        self.pen.forget_actions();
    }

    /// The earliest decision of all lanes, kept so that a stop need not look at each.
    pub(super) fn plan_next(&mut self) {
        self.next_due = self.due.iter().copied().min().unwrap_or(i64::MAX);
        self.next_timer = self.timer.iter().copied().min().unwrap_or(i64::MAX);
    }

    #[inline]
    pub(super) fn refresh_due(&mut self, lane: usize) {
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
}

impl Lane {
    /// Decides at `now`, as lane `place.1` of the world of instrument `place.0`.
    #[inline(always)]
    fn decide(
        &mut self,
        place: (usize, usize),
        now: i64,
        market: &mut Market,
        external: &mut impl External,
        pen: &mut Pen,
        actions: &mut ActionBuf,
    ) -> Result<(), RunError> {
        if pen.writes() || self.trader.wants_external() {
            return self.decide_watched(place, now, market, external, pen, actions);
        }
        self.trader.decide(TsNs::new(now), market, actions);
        Ok(())
    }

    /// The same, where the strategy is outside or somebody writes down what happens.
    #[inline(never)]
    fn decide_watched(
        &mut self,
        place: (usize, usize),
        now: i64,
        market: &mut Market,
        external: &mut impl External,
        pen: &mut Pen,
        actions: &mut ActionBuf,
    ) -> Result<(), RunError> {
        let (at, trader) = (TsNs::new(now), &mut self.trader);
        if trader.wants_external() {
            let view = trader.external_view(at, market);
            let quotes = external.quotes(place.0, place.1, &view)?;
            pen.quotes(now, &quotes);
            trader.decide_with(at, market, &quotes, actions);
        } else {
            pen.decide(now);
            trader.decide(at, market, actions);
        }
        pen.intents(now, trader, actions);
        Ok(())
    }
}

/// True if the report says that an order rests at a new place.
const fn is_resting(kind: ReportKind) -> bool {
    matches!(kind, ReportKind::Accepted | ReportKind::Amended { .. })
}

/// Completes the order event just made with what only the exchange knows.
fn note_queue(exchange: &Exchange, lane: u32, trader: &mut Trader) {
    if let Some(row) = trader.last_order_event_mut()
        && let Some(ahead) = exchange.queue_ahead(lane, row.cid)
    {
        row.queue_ahead = ahead;
    }
}

/// Side of the order that a report says has traded.
#[inline]
fn filled_side(trader: &Trader, report: &ExecReport) -> Option<Side> {
    let filled = matches!(report.kind, ReportKind::Filled { .. });
    filled.then(|| trader.side_of(report.cid)).flatten()
}
