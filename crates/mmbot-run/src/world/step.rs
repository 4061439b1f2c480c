//! Time moves from stop to stop.

use super::{External, World};
use crate::error::RunError;
use crate::lane::RecentFill;
use mmbot_core::Trader;
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
        self.chunks
            .release([&mut self.at_exchange, &mut self.at_engine, &mut self.scout]);
        Ok(())
    }

    fn at_stop(&mut self, stop: i64, external: &mut impl External) -> Result<(), RunError> {
        self.now_ns = stop;
        while let Some((lane, action)) = self.requests.pop_until(stop) {
            self.exchange
                .request(lane, &action, TsNs::new(stop), &mut self.made);
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

    #[inline]
    fn deliver(&mut self, lane: usize, report: &ExecReport, now: i64) {
        self.read_report(lane, report, now);
        self.send(lane, now);
    }

    #[inline]
    pub(super) fn read_report(&mut self, lane: usize, report: &ExecReport, now: i64) {
        let entry = &mut self.lanes[lane];
        if let ReportKind::Filled {
            px,
            qty,
            fee,
            liquidity,
            ..
        } = report.kind
            && let Some(side) = entry.trader.side_of(report.cid)
        {
            let maker = liquidity == Liquidity::Maker;
            let fill = RecentFill {
                ts_exch: report.ts_exch,
                side,
                px,
                qty,
                maker,
            };
            entry.note_fill(fill, fee);
        }
        let market = &mut self.markets[entry.market].1;
        self.actions.clear();
        entry
            .trader
            .on_report(TsNs::new(now), report, market, &mut self.actions);
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
            entry
                .trader
                .decide_with(now_ts, market, &quotes, &mut self.actions);
        } else {
            entry.trader.decide(now_ts, market, &mut self.actions);
        }
        self.send(lane, now);
        Ok(())
    }

    #[inline]
    pub(super) fn send(&mut self, lane: usize, now: i64) {
        let entry = &mut self.lanes[lane];
        for (action, _) in self.actions.as_slice() {
            let at = entry.arrival(action, TsNs::new(now));
            // lanes are few: the index fits
            self.requests
                .push(at, (u32::try_from(lane).unwrap_or(u32::MAX), *action));
        }
        self.refresh_due(lane);
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
