//! What stylised facts are computed from: every change of the touch, every print, and an average
//! depth profile, read from rows of any origin (generated or recorded).

use mmbot_book::Ladder;
use mmbot_types::{EventColumns, RowKind, Side};

/// Distances from the best price, in bps of it, at which cumulated depth is sampled.
pub const DEPTH_BPS: [f64; 6] = [0.1, 0.5, 1.0, 2.0, 5.0, 10.0];

/// Columns of touch changes and prints, and sums of the depth profile.
#[derive(Debug, Clone, Default)]
pub struct Tape {
    /// Time of each touch change, venue ns.
    pub touch_ts: Vec<i64>,
    /// Best bid, ticks.
    pub bid: Vec<i64>,
    /// Best ask, ticks.
    pub ask: Vec<i64>,
    /// Lots at the best bid.
    pub bid_qty: Vec<i64>,
    /// Lots at the best ask.
    pub ask_qty: Vec<i64>,
    /// Time of each print, venue ns.
    pub trade_ts: Vec<i64>,
    /// Its price, ticks.
    pub trade_px: Vec<i64>,
    /// Its size, lots.
    pub trade_qty: Vec<i64>,
    /// +1 if the buyer was the aggressor, else -1.
    pub trade_sign: Vec<i64>,
    /// Index of the touch that was valid before the print's packet (-1: none yet).
    pub trade_touch: Vec<i64>,
    /// Per tick of distance from the best price: sum of lots over samples and sides.
    pub profile_lots: Vec<f64>,
    /// Per tick of distance: in how many samples and sides there was a level.
    pub profile_hits: Vec<u64>,
    /// Per entry of [`DEPTH_BPS`]: sum of cumulated lots over samples and sides.
    pub depth_lots: [f64; DEPTH_BPS.len()],
    /// Levels a side, summed over samples and sides.
    pub level_sum: u64,
    /// Samples of one side.
    pub samples: u64,
    /// Depth rows, prints, packets, crossed packets (left out), gaps.
    pub counts: TapeCounts,
}

/// How much was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TapeCounts {
    /// Depth rows after the first snapshot.
    pub depth_rows: u64,
    /// Prints.
    pub prints: u64,
    /// Packets.
    pub packets: u64,
    /// Packets after which the book was crossed or one-sided.
    pub unusable_packets: u64,
    /// Gap rows.
    pub gaps: u64,
}

/// Reads rows into a [`Tape`].
#[derive(Debug, Clone)]
pub struct TapeReader {
    book: Ladder,
    live: bool,
    in_snapshot: bool,
    sample_ns: i64,
    next_sample: i64,
    tape: Tape,
}

impl TapeReader {
    /// A reader that samples depth every `sample_ms` (at least 1) up to `profile_ticks` from the
    /// best price.
    #[must_use]
    pub fn new(sample_ms: i64, profile_ticks: usize) -> Self {
        Self {
            book: Ladder::new(),
            live: false,
            in_snapshot: false,
            sample_ns: sample_ms.max(1).saturating_mul(1_000_000),
            next_sample: i64::MIN,
            tape: Tape {
                profile_lots: vec![0.0; profile_ticks],
                profile_hits: vec![0; profile_ticks],
                ..Tape::default()
            },
        }
    }

    /// Reads a chunk.
    pub fn push(&mut self, chunk: &EventColumns) {
        for i in 0..chunk.len() {
            let row = chunk.row(i);
            let ts = row.ts_exch.get();
            match row.kind {
                RowKind::Depth => {
                    self.book.set(row.side, row.px, row.qty);
                    self.tape.counts.depth_rows += u64::from(!self.in_snapshot);
                }
                RowKind::Trade => self.print(ts, row.px.get(), row.qty.get(), row.side),
                RowKind::Reset => {
                    self.book.clear();
                    self.live = true;
                    self.in_snapshot = true;
                }
                RowKind::Gap => {
                    self.live = false;
                    self.tape.counts.gaps += 1;
                }
            }
            if row.last {
                self.end_packet(ts);
            }
        }
    }

    /// What was read.
    #[must_use]
    pub const fn tape(&self) -> &Tape {
        &self.tape
    }

    #[allow(clippy::cast_possible_wrap)] // a length
    fn print(&mut self, ts: i64, px: i64, qty: i64, side: Side) {
        let tape = &mut self.tape;
        tape.counts.prints += 1;
        tape.trade_ts.push(ts);
        tape.trade_px.push(px);
        tape.trade_qty.push(qty);
        tape.trade_sign.push(side.sign());
        tape.trade_touch.push(tape.touch_ts.len() as i64 - 1);
    }

    fn end_packet(&mut self, ts: i64) {
        self.in_snapshot = false;
        self.tape.counts.packets += 1;
        let Some(touch) = self.book.touch().filter(|_| self.live) else {
            self.tape.counts.unusable_packets += 1;
            return;
        };
        let now = (
            touch.bid.get(),
            touch.ask.get(),
            touch.bid_qty.get(),
            touch.ask_qty.get(),
        );
        let tape = &mut self.tape;
        let last = tape.touch_ts.len().checked_sub(1);
        let same = last
            .is_some_and(|i| now == (tape.bid[i], tape.ask[i], tape.bid_qty[i], tape.ask_qty[i]));
        if !same {
            tape.touch_ts.push(ts);
            tape.bid.push(now.0);
            tape.ask.push(now.1);
            tape.bid_qty.push(now.2);
            tape.ask_qty.push(now.3);
        }
        if ts >= self.next_sample {
            self.next_sample = ts.saturating_add(self.sample_ns);
            for side in Side::BOTH {
                self.sample(side);
            }
        }
    }

    #[allow(clippy::cast_precision_loss)] // far below 2^53
    fn sample(&mut self, side: Side) {
        let tape = &mut self.tape;
        tape.samples += 1;
        let mut best = None;
        for (px, qty) in self.book.levels(side) {
            let best = *best.get_or_insert(px);
            tape.level_sum += 1;
            let ticks = px.ticks_from(best).unsigned_abs();
            let lots = qty.get() as f64;
            if let Ok(at) = usize::try_from(ticks)
                && at < tape.profile_lots.len()
            {
                tape.profile_lots[at] += lots;
                tape.profile_hits[at] += 1;
            }
            let bps = ticks as f64 / (best.get() as f64) * 1e4;
            for (sum, limit) in tape.depth_lots.iter_mut().zip(DEPTH_BPS) {
                if bps <= limit {
                    *sum += lots;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mmbot_types::{EventRow, PriceTick, QtyLot, TsNs};

    #[test]
    fn touches_prints_and_depth_are_those_of_a_small_tape() {
        let mut chunk = EventColumns::default();
        let mut row = |kind, side, px, qty, ts, last| {
            let row = EventRow {
                kind,
                side,
                last,
                px: PriceTick::new(px),
                qty: QtyLot::new(qty),
                ts_exch: TsNs::new(ts),
                ts_local: TsNs::new(ts),
            };
            chunk.push(row).unwrap();
        };
        use RowKind::{Depth, Gap, Reset, Trade};
        row(Reset, Side::Buy, 0, 0, 1, false);
        row(Depth, Side::Buy, 99, 5, 1, false);
        row(Depth, Side::Buy, 97, 3, 1, false);
        row(Depth, Side::Sell, 101, 4, 1, true);
        row(Trade, Side::Buy, 101, 1, 2, false);
        row(Depth, Side::Sell, 101, 3, 2, true);
        row(Depth, Side::Buy, 97, 4, 3, true);
        row(Gap, Side::Buy, 0, 0, 4, true);
        row(Depth, Side::Buy, 99, 1, 5, true);
        let mut reader = TapeReader::new(1_000, 4);
        reader.push(&chunk);
        let tape = reader.tape();
        assert_eq!(tape.touch_ts, [1, 2]);
        assert_eq!(tape.ask_qty, [4, 3]);
        assert_eq!((tape.trade_sign[0], tape.trade_touch[0]), (1, 0));
        assert_eq!(tape.samples, 2);
        assert_eq!(tape.profile_lots, [9.0, 0.0, 3.0, 0.0]);
        assert_eq!(tape.profile_hits, [2, 0, 1, 0]);
        let counts = TapeCounts {
            depth_rows: 3,
            prints: 1,
            packets: 5,
            unusable_packets: 2,
            gaps: 1,
        };
        assert_eq!(tape.counts, counts);
    }
}
