//! Time moves from stop to stop.

use super::write::instrument_idx;
use super::{Batch, Delivered, External, Spot, Wires, World};
use crate::error::RunError;
use crate::lane::{Lane, RecentFill};
use mmbot_core::{StaleNote, Trader};
use mmbot_sim::Exchange;
use mmbot_types::{ExecReport, Liquidity, ReportKind, TsNs};

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
        while let Some((lane, action)) = self.requests.first_until(stop) {
            let spot = Spot {
                symbol: self.symbol,
                lane: lane as usize,
            };
            let (exchange, made) = (&mut self.exchange, &mut self.made);
            external.execute(spot, action, TsNs::new(stop), exchange, made);
            self.requests.drop_first();
        }
        self.schedule_reports(external);
        self.read_reports(stop, stop, external)?;
        self.send_all(stop, external);
        let packet_ended = self.last_packet_ns == stop;
        let anybody = self.next_timer <= stop || (packet_ended && self.next_due <= stop);
        let lanes = if anybody { self.lanes.len() } else { 0 };
        for lane in 0..lanes {
            if self.timer[lane] <= stop || (packet_ended && self.due[lane] <= stop) {
                self.decide(lane, stop, external)?;
                self.outbox.close(lane, &self.actions);
            }
        }
        self.send_all(stop, external);
        self.sample(stop);
        Ok(())
    }

    /// Delivers all reports due at or before `until`. A fill leads to a decision before the next
    /// report, wherever the strategy lives.
    pub(super) fn read_reports<E: External>(
        &mut self,
        until: i64,
        now: i64,
        external: &mut E,
    ) -> Result<(), RunError> {
        while let Some((lane, report)) = self.reports.first_until(until) {
            let at = lane as usize;
            let entry = &mut self.lanes[at];
            note_fill(entry, report);
            let market = &mut self.markets[entry.market].1;
            if let Some(tap) = &mut self.tap {
                let instrument = instrument_idx(self.symbol);
                tap.rows(instrument, &mut self.unwritten);
                tap.report(instrument, TsNs::new(now), report);
            }
            let asks = entry
                .trader
                .on_report(TsNs::new(now), report, market, &mut self.actions);
            let resting = matches!(
                report.kind,
                ReportKind::Accepted | ReportKind::Amended { .. }
            );
            if resting && self.sampling.curve_ns.is_some() {
                note_queue(&self.exchange, lane, &mut entry.trader);
            }
            let watched = E::WATCHES.then_some(*report);
            self.reports.drop_first();
            self.write_intents(now);
            if asks {
                self.decide(at, now, external)?;
            }
            if let Some(report) = watched {
                self.show(at, now, report, external);
            }
            // most reports ask for nothing and move no decision
            let due = self.lanes[at].trader.due().get();
            if self.outbox.is_open(&self.actions) || due != self.due[at] {
                self.outbox.close(at, &self.actions);
            }
            if E::WATCHES {
                // requests are seen beside the state that made them, not after the next report
                self.send_all(now, external);
            }
        }
        Ok(())
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
        let now_ts = TsNs::new(now);
        if entry.trader.wants_external() {
            let view = entry.trader.external_view(now_ts, market);
            let quotes = external.quotes(self.symbol, lane, &view)?;
            if let Some(tap) = &mut self.tap {
                let instrument = instrument_idx(self.symbol);
                tap.rows(instrument, &mut self.unwritten);
                tap.quotes(instrument, now_ts, &quotes);
            }
            entry
                .trader
                .decide_with(now_ts, market, &quotes, &mut self.actions);
        } else {
            if let Some(tap) = &mut self.tap {
                let instrument = instrument_idx(self.symbol);
                tap.rows(instrument, &mut self.unwritten);
                tap.decide(instrument, now_ts);
            }
            entry.trader.decide(now_ts, market, &mut self.actions);
        }
        self.write_intents(now);
        Ok(())
    }

    /// A decision of a lane at `now`, because its session wants one.
    pub(crate) fn decide_at(
        &mut self,
        lane: usize,
        now: i64,
        external: &mut impl External,
    ) -> Result<(), RunError> {
        self.decide(lane, now, external)?;
        self.outbox.close(lane, &self.actions);
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

    /// Puts all actions in the outbox on the wire and plans the lanes' next decisions.
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
            let wire = &mut self.wires[spot.lane];
            for (action, _) in &self.actions.as_slice()[from..to] {
                let arrives = wire.arrival(action, TsNs::new(now));
                if let Some(arrives) = on_wire.request(spot, action, arrives) {
                    self.requests.push(arrives, lane, action);
                }
            }
            from = to;
            self.refresh_due(lane as usize);
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
        self.written = 0;
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

/// Completes the order event just made with what only the exchange knows.
fn note_queue(exchange: &Exchange, lane: u32, trader: &mut Trader) {
    if let Some(row) = trader.last_order_event_mut()
        && let Some(ahead) = exchange.queue_ahead(lane, row.cid)
    {
        row.queue_ahead = ahead;
    }
}

/// Books a fill in the lane's closed trades and live view, before its trader may forget the order.
#[inline]
fn note_fill(lane: &mut Lane, report: &ExecReport) {
    let ReportKind::Filled {
        px,
        qty,
        fee,
        liquidity,
        ..
    } = report.kind
    else {
        return;
    };
    if let Some(side) = lane.trader.side_of(report.cid) {
        let maker = liquidity == Liquidity::Maker;
        let fill = RecentFill {
            ts_exch: report.ts_exch,
            side,
            px,
            qty,
            maker,
        };
        lane.note_fill(fill, fee);
    }
}
