//! The tight loops: market rows into the exchange and into the engine's views.

use super::{Spot, Wires, World};
use crate::cursor::{Place, local_row};
use crate::timed::TimedQueue;
use crate::wiring::Wiring;
use mmbot_core::Market;
use mmbot_sim::{ReportSink, Reports};
use mmbot_types::columns::{LAST_BIT, SIDE_BIT};
use mmbot_types::{EventColumns, ExecReport, PriceTick, QtyLot, RowKind, Side, TsNs};

impl World {
    /// Rows at or before `until`, in exchange order. A fill makes a report that may be due before
    /// `until`: the new, earlier end is returned.
    pub(super) fn read_at_exchange(&mut self, mut until: i64, on_wire: &mut impl Wires) -> i64 {
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
                        self.symbol,
                        &mut self.made,
                        &mut self.wiring,
                        self.feed_latency_ns,
                        &mut self.reports,
                        on_wire,
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
            self.at_exchange = Place {
                chunk: self.at_exchange.chunk + 1,
                row: 0,
            };
        }
        until
    }

    /// What the exchange has made goes on the wire.
    pub(super) fn schedule_reports(&mut self, on_wire: &mut impl Wires) {
        schedule(
            self.symbol,
            &mut self.made,
            &mut self.wiring,
            self.feed_latency_ns,
            &mut self.reports,
            on_wire,
        );
    }

    /// Rows received at or before `until`, in receive order, into every market view.
    pub(super) fn read_at_engine(&mut self, until: i64) {
        while let Some(chunk) = self.received.get(self.at_engine.chunk) {
            let from = self.at_engine.row;
            let mut to = from;
            for (_, market) in &mut self.markets {
                to = match &chunk.local_order {
                    None => read_rows(market, chunk, from, until, |at| at),
                    Some(order) => read_rows(market, chunk, from, until, |at| order[at] as usize),
                };
            }
            self.pen
                .note_rows((from..to).map(|at| chunk.row(local_row(chunk, at))));
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
            self.at_engine = Place {
                chunk: self.at_engine.chunk + 1,
                row: 0,
            };
        }
        self.scout = self.scout.max(self.at_engine);
    }
}

/// The way of reports to the engine.
pub(super) struct ReportWires<'a> {
    pub wiring: &'a mut Wiring,
    pub feed_latency_ns: i64,
    pub queue: &'a mut TimedQueue<ExecReport>,
}

impl ReportSink for ReportWires<'_> {
    // always: a report that is put together elsewhere and copied waits for its own stores
    #[inline(always)]
    fn report(&mut self, lane: u32, report: ExecReport) {
        let (made, feed_ns) = (report.ts_exch.get(), self.feed_latency_ns);
        let at = self.wiring.delivery(lane as usize, made, feed_ns);
        self.queue.push(at, lane, report);
    }
}

/// Puts reports on the wire; returns the earliest delivery.
fn schedule(
    symbol: usize,
    made: &mut Reports,
    wiring: &mut Wiring,
    feed_latency_ns: i64,
    queue: &mut TimedQueue<ExecReport>,
    on_wire: &mut impl Wires,
) -> i64 {
    let mut earliest = i64::MAX;
    for &mut (number, ref mut report) in made.iter_mut() {
        let lane = number as usize;
        let at = wiring.delivery(lane, report.ts_exch.get(), feed_latency_ns);
        let arrivals = on_wire.report(Spot { symbol, lane }, report, at);
        if let Some(at) = arrivals.first {
            queue.push(at, number, *report);
            earliest = earliest.min(at);
        }
        if let Some(at) = arrivals.second {
            queue.push(at, number, *report);
            earliest = earliest.min(at);
        }
    }
    made.clear();
    earliest
}

/// Applies rows from position `from` of the receive order while received at or before `until`;
/// returns the position after the last.
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
