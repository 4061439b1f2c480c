//! Merges the book and trade streams of the catalog into chunks for a run, in bounded memory.
//!
//! A stream is in arrival order, with times that never go back. A chunk holds rows that no later
//! row can precede, neither in exchange order nor in receive order; what is not yet certain waits
//! for more input. At equal exchange times trades come before depth rows: a print explains the
//! decrease that follows it.

mod pending;

use mmbot_types::columns::{LAST_BIT, never_goes_back};
use mmbot_types::{ChunkError, EventColumns, RowKind, Side};
use pending::{Pending, Rows, Run, interleave, truncate};

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

/// Rows of the book stream that are skipped at once on the way to the next print.
const STRIDE: usize = 8;

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

/// See the module.
#[derive(Debug, Clone)]
pub struct StreamMerger {
    book: Pending,
    trades: Pending,
    last_update: Option<(i64, u8)>,
    /// What the current chunk is made of, kept for its memory.
    runs: Vec<Run>,
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
            runs: Vec::new(),
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
    /// The first bad row of the batch; nothing of the batch is kept then.
    pub fn push_book(&mut self, batch: BookBatch<'_>) -> Result<(), ChunkError> {
        let n = batch.ts_ns.len();
        let columns = [batch.update_id.len(), batch.kind.len(), batch.side.len()];
        if columns.iter().any(|len| *len != n) {
            return Err(ChunkError::Length);
        }
        let rows = Rows {
            ts: batch.ts_ns,
            recv: batch.recv_ns,
            px: batch.px,
            qty: batch.qty,
        };
        self.book.check(&rows, 0)?;
        let Some(last) = n.checked_sub(1) else {
            return Ok(());
        };
        let packet = |row: usize| (batch.update_id[row], batch.kind[row]);
        if self.last_update != Some(packet(0)) {
            self.close_packet();
            self.reset_before(&batch, 0);
        }
        if batch.kind.contains(&SNAPSHOT_ROW) {
            let mut from = 0;
            for row in 1..n {
                if packet(row) != packet(row - 1) {
                    self.add_rows(&batch, from, row);
                    self.close_packet();
                    self.reset_before(&batch, row);
                    from = row;
                }
            }
            self.add_rows(&batch, from, n);
        } else {
            // nothing comes between the rows: whole columns, then the packet ends
            let start = self.book.rows.len();
            self.add_rows(&batch, 0, n);
            let flags = &mut self.book.rows.flags[start..];
            mark_ends(flags, batch.update_id, batch.kind);
            if let Some(ended) = flags.iter().rposition(|flags| flags & LAST_BIT != 0) {
                self.book.settled = start + ended + 1;
            }
        }
        self.last_update = Some(packet(last));
        self.book.saw(&rows);
        Ok(())
    }

    /// A snapshot packet begins with a reset.
    #[inline]
    fn reset_before(&mut self, batch: &BookBatch<'_>, row: usize) {
        if batch.kind[row] == SNAPSHOT_ROW {
            let flags = EventColumns::flags_of(RowKind::Reset, Side::Buy, false);
            let rows = &mut self.book.rows;
            rows.flags.push(flags);
            rows.px.push(0);
            rows.qty.push(0);
            rows.ts_exch.push(batch.ts_ns[row]);
            rows.ts_local.push(batch.recv_ns[row]);
        }
    }

    /// Rows `from..to`, column by column; packet ends are marked later.
    #[inline]
    fn add_rows(&mut self, batch: &BookBatch<'_>, from: usize, to: usize) {
        let rows = &mut self.book.rows;
        let kinds = batch.kind[from..to].iter().zip(&batch.side[from..to]);
        rows.flags.extend(kinds.map(|(kind, side)| {
            let kind = if *kind == GAP_ROW {
                RowKind::Gap
            } else {
                RowKind::Depth
            };
            EventColumns::flags_of(kind, Side::from_bit(*side), false)
        }));
        rows.extend_checked(&batch.px[from..to], &batch.qty[from..to]);
        rows.ts_exch.extend_from_slice(&batch.ts_ns[from..to]);
        rows.ts_local.extend_from_slice(&batch.recv_ns[from..to]);
    }

    /// Adds rows of the trade stream.
    ///
    /// # Errors
    /// The first bad row of the batch; nothing of the batch is kept then.
    pub fn push_trades(&mut self, batch: TradeBatch<'_>) -> Result<(), ChunkError> {
        if batch.side.len() != batch.ts_ns.len() {
            return Err(ChunkError::Length);
        }
        let rows = Rows {
            ts: batch.ts_ns,
            recv: batch.recv_ns,
            px: batch.px,
            qty: batch.qty,
        };
        self.trades.check(&rows, 1)?;
        let to = &mut self.trades.rows;
        let flags =
            |side: &u8| EventColumns::flags_of(RowKind::Trade, Side::from_bit(*side), false);
        to.flags.extend(batch.side.iter().map(flags));
        to.extend_checked(batch.px, batch.qty);
        to.ts_exch.extend_from_slice(batch.ts_ns);
        to.ts_local.extend_from_slice(batch.recv_ns);
        self.trades.settled = self.trades.rows.len();
        self.trades.saw(&rows);
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
            *flags |= LAST_BIT;
        }
        self.book.settled = self.book.rows.len();
    }

    /// The next chunk; `None` if more input is needed or all is taken.
    #[must_use]
    pub fn take(&mut self) -> Option<EventColumns> {
        let mut merged = EventColumns::default();
        self.take_into(&mut merged).then_some(merged)
    }

    /// [`Self::take`] into a chunk that is no longer needed, for its memory; false leaves it empty.
    pub fn take_into(&mut self, merged: &mut EventColumns) -> bool {
        let (book_to, trades_to) = self.certain();
        let total = book_to - self.book.head + trades_to - self.trades.head;
        if total == 0 {
            truncate(merged, 0);
            merged.local_order = None;
            return false;
        }
        self.plan(book_to, trades_to);
        interleave(&self.book, &self.trades, &self.runs, total, merged);
        let in_order = never_goes_back(&merged.ts_local);
        let cut = self.local_cut(merged, in_order, book_to, trades_to);
        let trades_cut = if cut == total {
            trades_to - self.trades.head
        } else {
            let prints = |flags: &&u8| RowKind::from_flags(**flags) == RowKind::Trade;
            merged.flags[..cut].iter().filter(prints).count()
        };
        self.trades.head += trades_cut;
        self.book.head += cut - trades_cut;
        self.book.compact();
        self.trades.compact();
        truncate(merged, cut);
        if !in_order {
            merged.local_order = local_order(&merged.ts_local);
        }
        cut > 0
    }

    /// How the rows up to `book_to` and `trades_to` alternate.
    fn plan(&mut self, book_to: usize, trades_to: usize) {
        let book = &self.book.rows.ts_exch[..book_to];
        let trades = &self.trades.rows.ts_exch[..trades_to];
        let (mut b, mut t) = (self.book.head, self.trades.head);
        self.runs.clear();
        while t < trades_to {
            let ts = trades[t];
            let (from_book, from_trades) = (b, t);
            while b + STRIDE <= book_to && book[b + STRIDE - 1] < ts {
                b += STRIDE;
            }
            while b < book_to && book[b] < ts {
                b += 1;
            }
            let until = book.get(b).copied().unwrap_or(i64::MAX);
            while t < trades_to && trades[t] <= until {
                t += 1;
            }
            self.runs.push(Run {
                book: b - from_book,
                trades: t - from_trades,
            });
        }
        self.runs.push(Run {
            book: book_to - b,
            trades: 0,
        });
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
    fn local_cut(
        &self,
        merged: &EventColumns,
        in_order: bool,
        book_to: usize,
        trades_to: usize,
    ) -> usize {
        let future = |stream: &Pending, to: usize| match stream.rows.ts_local.get(to) {
            Some(recv) => *recv,
            None if stream.ended => i64::MAX,
            None => stream.last_recv,
        };
        let mut suffix_min = future(&self.book, book_to).min(future(&self.trades, trades_to));
        if in_order {
            return merged.ts_local.partition_point(|recv| *recv <= suffix_min);
        }
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

/// Marks rows after which the packet changes; of the last row nobody knows yet.
fn mark_ends(flags: &mut [u8], update_id: &[i64], kind: &[u8]) {
    // two passes, each over numbers of one width: together they would go one by one
    for (flag, kind) in flags.iter_mut().zip(kind.windows(2)) {
        *flag |= u8::from(kind[0] != kind[1]) << LAST_BIT.trailing_zeros();
    }
    let mut rows = flags.iter_mut();
    for ids in update_id.windows(2) {
        if let Some(flag) = rows.next() {
            *flag |= u8::from(ids[0] != ids[1]) << LAST_BIT.trailing_zeros();
        }
    }
}

/// Rows in receive order, or `None` if that is row order.
#[must_use]
pub fn local_order(ts_local: &[i64]) -> Option<Vec<u32>> {
    if never_goes_back(ts_local) {
        return None;
    }
    let mut order: Vec<u32> = (0..u32::try_from(ts_local.len()).unwrap_or(u32::MAX)).collect();
    order.sort_by_key(|at| ts_local[*at as usize]);
    Some(order)
}
