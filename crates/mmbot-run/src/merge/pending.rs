//! Rows of one stream that wait to be merged.

use mmbot_types::columns::never_goes_back;
use mmbot_types::{ChunkError, EventColumns};

/// Rows that are appended at once.
const BLOCK: usize = 16;

/// Columns that both streams have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) ts: &'a [i64],
    pub(super) recv: &'a [i64],
    pub(super) px: &'a [i64],
    pub(super) qty: &'a [i64],
}

/// Rows of one stream that wait, ready-made but for the last packet's end.
#[derive(Debug, Clone, Default)]
pub(super) struct Pending {
    pub(super) rows: EventColumns,
    /// Rows before this one are taken.
    pub(super) head: usize,
    /// Rows from here on may still grow (the last packet of the book stream).
    pub(super) settled: usize,
    pub(super) ended: bool,
    pub(super) last_ts: i64,
    pub(super) last_recv: i64,
}

impl Pending {
    /// Checks a batch that follows: times, prices, quantities of at least `qty_min`.
    pub(super) fn check(&self, rows: &Rows<'_>, qty_min: i64) -> Result<(), ChunkError> {
        let n = rows.ts.len();
        if [rows.recv.len(), rows.px.len(), rows.qty.len()]
            .iter()
            .any(|len| *len != n)
        {
            return Err(ChunkError::Length);
        }
        if let Some(row) = first_back(self.last_ts, rows.ts) {
            return Err(ChunkError::ExchangeTime { row });
        }
        if let Some(row) = first_back(self.last_recv, rows.recv) {
            return Err(ChunkError::LocalTime { row });
        }
        // whole columns first, without a branch a row: bad rows are looked for only if there are
        // any
        let px_bits = rows.px.iter().fold(0, |bits, px| bits | px);
        let high = |px: &i64| !(0..=i64::from(i32::MAX)).contains(px);
        if high(&px_bits)
            && let Some(row) = rows.px.iter().position(high)
        {
            return Err(ChunkError::Price { row });
        }
        let low = |bits, qty: &i64| bits | qty | qty.wrapping_sub(qty_min);
        if rows.qty.iter().fold(0, low) < 0
            && let Some(row) = rows.qty.iter().position(|qty| *qty < qty_min)
        {
            return Err(ChunkError::Quantity { row });
        }
        Ok(())
    }

    pub(super) fn saw(&mut self, rows: &Rows<'_>) {
        if let (Some(ts), Some(recv)) = (rows.ts.last(), rows.recv.last()) {
            (self.last_ts, self.last_recv) = (*ts, *recv);
        }
    }

    /// First time that a row not yet settled can have.
    pub(super) fn open_ts(&self) -> i64 {
        if self.ended {
            return i64::MAX;
        }
        self.rows
            .ts_exch
            .get(self.settled)
            .copied()
            .unwrap_or(self.last_ts)
    }

    /// Lets go of taken rows once they are the larger part, so that what waits is moved seldom.
    pub(super) fn compact(&mut self) {
        let head = self.head;
        if 2 * head < self.rows.len() {
            return;
        }
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

/// First row whose time is before the one before it (or before `last`).
fn first_back(last: i64, times: &[i64]) -> Option<usize> {
    if times.first().is_some_and(|first| *first < last) {
        return Some(0);
    }
    if never_goes_back(times) {
        return None;
    }
    times
        .windows(2)
        .position(|pair| pair[1] < pair[0])
        .map(|at| at + 1)
}

/// Empties `columns` and makes room for `n` rows.
pub(super) fn prepare(columns: &mut EventColumns, n: usize) {
    truncate(columns, 0);
    let n = n + BLOCK;
    columns.flags.reserve(n);
    columns.px.reserve(n);
    columns.qty.reserve(n);
    columns.ts_exch.reserve(n);
    columns.ts_local.reserve(n);
    columns.local_order = None;
}

/// Rows of the book stream up to the next trades, and those trades.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    pub(super) book: usize,
    pub(super) trades: usize,
}

/// Appends the rows from the heads of both streams in the order of `runs`. Column by column: a run
/// is short, and a column's place in it is found in registers.
pub(super) fn interleave(book: &Pending, trades: &Pending, runs: &[Run], to: &mut EventColumns) {
    let heads = (book.head, trades.head);
    let (book, trades) = (&book.rows, &trades.rows);
    weave(&book.flags, &trades.flags, heads, runs, &mut to.flags);
    weave(&book.px, &trades.px, heads, runs, &mut to.px);
    weave(&book.qty, &trades.qty, heads, runs, &mut to.qty);
    weave(&book.ts_exch, &trades.ts_exch, heads, runs, &mut to.ts_exch);
    weave(
        &book.ts_local,
        &trades.ts_local,
        heads,
        runs,
        &mut to.ts_local,
    );
}

fn weave<T: Copy>(book: &[T], trades: &[T], heads: (usize, usize), runs: &[Run], to: &mut Vec<T>) {
    let (mut b, mut t) = heads;
    for run in runs {
        extend(to, &book[b..], run.book);
        extend(to, &trades[t..], run.trades);
        b += run.book;
        t += run.trades;
    }
}

/// Appends the first `n` of `from`. Runs are short: a block of fixed length, cut back, is a few
/// moves where the exact length is a call.
#[inline(always)]
fn extend<T: Copy>(to: &mut Vec<T>, from: &[T], n: usize) {
    match (n, from.first_chunk::<BLOCK>()) {
        (1, _) => to.push(from[0]),
        (0..=BLOCK, Some(block)) => {
            let len = to.len() + n;
            to.extend_from_slice(block);
            to.truncate(len);
        }
        _ => to.extend_from_slice(&from[..n]),
    }
}

pub(super) fn truncate(columns: &mut EventColumns, len: usize) {
    columns.flags.truncate(len);
    columns.px.truncate(len);
    columns.qty.truncate(len);
    columns.ts_exch.truncate(len);
    columns.ts_local.truncate(len);
}
