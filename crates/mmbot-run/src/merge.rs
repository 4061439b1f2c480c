//! Merges the book and trade streams of the catalog into chunks for a run, in bounded memory.
//!
//! A stream is in arrival order, with times that never go back. A chunk holds rows that no later
//! row can precede, neither in exchange order nor in receive order; what is not yet certain waits
//! for more input. At equal exchange times trades come before depth rows: a print explains the
//! decrease that follows it.

use mmbot_types::{ChunkError, EventColumns, RowKind, Side};

/// What a merger needs next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// More rows of the book stream.
    Book,
    /// More rows of the trade stream.
    Trades,
    /// Nothing: both streams have ended.
    Nothing,
}

/// Kind of a catalog row that is part of a snapshot.
pub const SNAPSHOT_ROW: u8 = 0;
/// Kind of a catalog row that marks missing data.
pub const GAP_ROW: u8 = 3;

/// Columns of a batch of the book stream (catalog names).
#[derive(Debug, Clone, Copy)]
pub struct BookBatch<'a> {
    /// Venue time, ns.
    pub ts_ns: &'a [i64],
    /// Receive time, ns.
    pub recv_ns: &'a [i64],
    /// Update id: rows of one packet share it.
    pub update_id: &'a [i64],
    /// 0 snapshot row, 1 delta, 3 gap mark.
    pub kind: &'a [u8],
    /// 0 bid, 1 ask.
    pub side: &'a [u8],
    /// Price, ticks.
    pub px: &'a [i64],
    /// Size, lots; 0 deletes.
    pub qty: &'a [i64],
}

/// Columns of a batch of the trade stream.
#[derive(Debug, Clone, Copy)]
pub struct TradeBatch<'a> {
    /// Venue time, ns.
    pub ts_ns: &'a [i64],
    /// Receive time, ns.
    pub recv_ns: &'a [i64],
    /// Aggressor: 0 buy, 1 sell.
    pub side: &'a [u8],
    /// Price, ticks.
    pub px: &'a [i64],
    /// Quantity, lots.
    pub qty: &'a [i64],
}

/// Rows of one stream that wait, ready-made but for the last packet's end.
#[derive(Debug, Clone, Default)]
struct Pending {
    rows: EventColumns,
    /// Rows before this one are taken.
    head: usize,
    /// Rows from here on may still grow (the last packet of the book stream).
    settled: usize,
    ended: bool,
    last_ts: i64,
    last_recv: i64,
}

impl Pending {
    fn check_times(&mut self, row: usize, ts: i64, recv: i64) -> Result<(), ChunkError> {
        if ts < self.last_ts {
            return Err(ChunkError::ExchangeTime { row });
        }
        if recv < self.last_recv {
            return Err(ChunkError::LocalTime { row });
        }
        (self.last_ts, self.last_recv) = (ts, recv);
        Ok(())
    }

    #[inline]
    fn add(&mut self, flags: u8, px: i32, qty: i64, ts: i64, recv: i64) {
        self.rows.flags.push(flags);
        self.rows.px.push(px);
        self.rows.qty.push(qty);
        self.rows.ts_exch.push(ts);
        self.rows.ts_local.push(recv);
    }

    /// First time that a row not yet settled can have.
    fn open_ts(&self) -> i64 {
        if self.ended {
            return i64::MAX;
        }
        self.rows
            .ts_exch
            .get(self.settled)
            .copied()
            .unwrap_or(self.last_ts)
    }

    fn compact(&mut self) {
        let head = self.head;
        for column in [
            &mut self.rows.qty,
            &mut self.rows.ts_exch,
            &mut self.rows.ts_local,
        ] {
            column.drain(..head);
        }
        self.rows.flags.drain(..head);
        self.rows.px.drain(..head);
        self.settled -= head;
        self.head = 0;
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub struct StreamMerger {
    book: Pending,
    trades: Pending,
    last_update: Option<(i64, u8)>,
}

impl Default for StreamMerger {
    fn default() -> Self {
        let pending = || Pending {
            last_ts: i64::MIN,
            last_recv: i64::MIN,
            ..Pending::default()
        };
        Self {
            book: pending(),
            trades: pending(),
            last_update: None,
        }
    }
}

impl StreamMerger {
    /// An empty merger.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds rows of the book stream. A change of update id ends a packet; a packet of snapshot rows
    /// begins with a reset.
    ///
    /// # Errors
    /// The first bad row of the batch; rows before it are kept.
    pub fn push_book(&mut self, batch: BookBatch<'_>) -> Result<(), ChunkError> {
        let n = batch.ts_ns.len();
        let columns = [
            batch.recv_ns.len(),
            batch.update_id.len(),
            batch.px.len(),
            batch.qty.len(),
        ];
        if columns.iter().any(|len| *len != n) || batch.kind.len() != n || batch.side.len() != n {
            return Err(ChunkError::Length);
        }
        for row in 0..n {
            let (ts, recv, kind) = (batch.ts_ns[row], batch.recv_ns[row], batch.kind[row]);
            self.book.check_times(row, ts, recv)?;
            let px = price(batch.px[row], row)?;
            if batch.qty[row] < 0 {
                return Err(ChunkError::Quantity { row });
            }
            let packet = (batch.update_id[row], kind);
            if self.last_update != Some(packet) {
                self.close_packet();
                self.last_update = Some(packet);
                if kind == SNAPSHOT_ROW {
                    let flags = EventColumns::flags_of(RowKind::Reset, Side::Buy, false);
                    self.book.add(flags, 0, 0, ts, recv);
                }
            }
            let kind = if kind == GAP_ROW {
                RowKind::Gap
            } else {
                RowKind::Depth
            };
            let side = Side::from_bit(batch.side[row]);
            self.book.add(
                EventColumns::flags_of(kind, side, false),
                px,
                batch.qty[row],
                ts,
                recv,
            );
        }
        Ok(())
    }

    /// Adds rows of the trade stream.
    ///
    /// # Errors
    /// The first bad row of the batch; rows before it are kept.
    pub fn push_trades(&mut self, batch: TradeBatch<'_>) -> Result<(), ChunkError> {
        let n = batch.ts_ns.len();
        let columns = [
            batch.recv_ns.len(),
            batch.side.len(),
            batch.px.len(),
            batch.qty.len(),
        ];
        if columns.iter().any(|len| *len != n) {
            return Err(ChunkError::Length);
        }
        for row in 0..n {
            let (ts, recv) = (batch.ts_ns[row], batch.recv_ns[row]);
            self.trades.check_times(row, ts, recv)?;
            let px = price(batch.px[row], row)?;
            if batch.qty[row] < 1 {
                return Err(ChunkError::Quantity { row });
            }
            let side = Side::from_bit(batch.side[row]);
            let flags = EventColumns::flags_of(RowKind::Trade, side, false);
            self.trades.add(flags, px, batch.qty[row], ts, recv);
        }
        self.trades.settled = self.trades.rows.len();
        Ok(())
    }

    /// The book stream has no more rows.
    pub fn end_book(&mut self) {
        self.close_packet();
        self.book.ended = true;
    }

    /// The trade stream has no more rows.
    pub fn end_trades(&mut self) {
        self.trades.ended = true;
    }

    /// What is needed to go on.
    #[must_use]
    pub fn wants(&self) -> Wants {
        match (self.book.ended, self.trades.ended) {
            (true, true) => Wants::Nothing,
            (true, false) => Wants::Trades,
            (false, true) => Wants::Book,
            (false, false) if self.book.last_ts <= self.trades.last_ts => Wants::Book,
            (false, false) => Wants::Trades,
        }
    }

    fn close_packet(&mut self) {
        if let Some(flags) = self.book.rows.flags.last_mut() {
            *flags |= mmbot_types::columns::LAST_BIT;
        }
        self.book.settled = self.book.rows.len();
    }

    /// The next chunk; `None` if more input is needed or all is taken.
    #[must_use]
    pub fn take(&mut self) -> Option<EventColumns> {
        let (book_to, trades_to) = self.certain();
        let (from_book, from_trades) = (self.book.head, self.trades.head);
        let total = book_to - from_book + trades_to - from_trades;
        if total == 0 {
            return None;
        }
        let mut merged = with_capacity(total);
        let (mut b, mut t) = (from_book, from_trades);
        while b < book_to || t < trades_to {
            let trade_first = t < trades_to
                && (b >= book_to || self.trades.rows.ts_exch[t] <= self.book.rows.ts_exch[b]);
            let (stream, at) = if trade_first {
                (&self.trades, &mut t)
            } else {
                (&self.book, &mut b)
            };
            copy_row(&stream.rows, *at, &mut merged);
            *at += 1;
        }
        let cut = self.local_cut(&merged, book_to, trades_to);
        let trades_cut = merged.flags[..cut]
            .iter()
            .filter(|f| RowKind::from_flags(**f) == RowKind::Trade)
            .count();
        self.trades.head = from_trades + trades_cut;
        self.book.head = from_book + cut - trades_cut;
        self.book.compact();
        self.trades.compact();
        truncate(&mut merged, cut);
        merged.local_order = local_order(&merged.ts_local);
        (cut > 0).then_some(merged)
    }

    /// Rows of both streams that nothing to come can precede in exchange order.
    fn certain(&self) -> (usize, usize) {
        // a trade at the time of an open packet comes before it, a packet at the time of a later
        // trade after
        let (book_open, trades_open) = (self.book.open_ts(), self.trades.open_ts());
        let book = &self.book.rows.ts_exch[..self.book.settled];
        let trades = &self.trades.rows.ts_exch[..self.trades.settled];
        let book_to = if self.trades.ended {
            book.len()
        } else {
            book.partition_point(|ts| *ts < trades_open)
        };
        let trades_to = if self.book.ended {
            trades.len()
        } else {
            trades.partition_point(|ts| *ts <= book_open)
        };
        (book_to, trades_to)
    }

    /// Longest prefix of `merged` such that no row after it was received before a row in it.
    fn local_cut(&self, merged: &EventColumns, book_to: usize, trades_to: usize) -> usize {
        let future = |stream: &Pending, to: usize| match stream.rows.ts_local.get(to) {
            Some(recv) => *recv,
            None if stream.ended => i64::MAX,
            None => stream.last_recv,
        };
        let mut suffix_min = future(&self.book, book_to).min(future(&self.trades, trades_to));
        let mut prefix_max = Vec::with_capacity(merged.len());
        let mut highest = i64::MIN;
        for recv in &merged.ts_local {
            highest = highest.max(*recv);
            prefix_max.push(highest);
        }
        for at in (0..merged.len()).rev() {
            if prefix_max[at] <= suffix_min {
                return at + 1;
            }
            suffix_min = suffix_min.min(merged.ts_local[at]);
        }
        0
    }
}

/// Rows in receive order, or `None` if that is row order.
#[must_use]
pub fn local_order(ts_local: &[i64]) -> Option<Vec<u32>> {
    if ts_local.is_sorted() {
        return None;
    }
    let mut order: Vec<u32> = (0..u32::try_from(ts_local.len()).unwrap_or(u32::MAX)).collect();
    order.sort_by_key(|at| ts_local[*at as usize]);
    Some(order)
}

fn price(px: i64, row: usize) -> Result<i32, ChunkError> {
    i32::try_from(px)
        .ok()
        .filter(|px| *px >= 0)
        .ok_or(ChunkError::Price { row })
}

fn with_capacity(n: usize) -> EventColumns {
    EventColumns {
        flags: Vec::with_capacity(n),
        px: Vec::with_capacity(n),
        qty: Vec::with_capacity(n),
        ts_exch: Vec::with_capacity(n),
        ts_local: Vec::with_capacity(n),
        local_order: None,
    }
}

#[inline(always)]
fn copy_row(from: &EventColumns, at: usize, to: &mut EventColumns) {
    to.flags.push(from.flags[at]);
    to.px.push(from.px[at]);
    to.qty.push(from.qty[at]);
    to.ts_exch.push(from.ts_exch[at]);
    to.ts_local.push(from.ts_local[at]);
}

fn truncate(columns: &mut EventColumns, len: usize) {
    columns.flags.truncate(len);
    columns.px.truncate(len);
    columns.qty.truncate(len);
    columns.ts_exch.truncate(len);
    columns.ts_local.truncate(len);
}
