//! Rows of one stream that wait to be merged.

use mmbot_types::columns::never_goes_back;
use mmbot_types::{ChunkError, EventColumns};

/// Rows that are appended at once.
const BLOCK: usize = 8;

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

/// Rows of the book stream up to the next trades, and those trades.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    pub(super) book: usize,
    pub(super) trades: usize,
}

/// Makes `to` the rows from the heads of both streams in the order of `runs`, `total` in all.
pub(super) fn interleave(
    book: &Pending,
    trades: &Pending,
    runs: &[Run],
    total: usize,
    to: &mut EventColumns,
) {
    // a block may reach beyond the last row
    let room = total + BLOCK;
    to.flags.resize(room, 0);
    to.px.resize(room, 0);
    to.qty.resize(room, 0);
    to.ts_exch.resize(room, 0);
    to.ts_local.resize(room, 0);
    to.local_order = None;
    let (mut b, mut t, mut at) = (book.head, trades.head, 0);
    for run in runs {
        copy_rows(&book.rows, b, run.book, to, at);
        at += run.book;
        copy_rows(&trades.rows, t, run.trades, to, at);
        at += run.trades;
        b += run.book;
        t += run.trades;
    }
    truncate(to, total);
}

/// Copies `n` rows. Runs are short: blocks of fixed length are a few moves where the exact length
/// is a call a column, and the next run covers what is too much.
#[inline(always)]
fn copy_rows(from: &EventColumns, begin: usize, n: usize, to: &mut EventColumns, at: usize) {
    let mut done = 0;
    while done < n {
        let (begin, at) = (begin + done, at + done);
        let whole = block(&from.flags, begin, &mut to.flags, at)
            && block(&from.px, begin, &mut to.px, at)
            && block(&from.qty, begin, &mut to.qty, at)
            && block(&from.ts_exch, begin, &mut to.ts_exch, at)
            && block(&from.ts_local, begin, &mut to.ts_local, at);
        if !whole {
            let rest = n - done;
            rows(&from.flags, begin, rest, &mut to.flags, at);
            rows(&from.px, begin, rest, &mut to.px, at);
            rows(&from.qty, begin, rest, &mut to.qty, at);
            rows(&from.ts_exch, begin, rest, &mut to.ts_exch, at);
            rows(&from.ts_local, begin, rest, &mut to.ts_local, at);
            return;
        }
        done += BLOCK;
    }
}

/// Copies a block, if there is one on both sides.
#[inline(always)]
fn block<T: Copy>(from: &[T], begin: usize, to: &mut [T], at: usize) -> bool {
    let from = from[begin..].first_chunk::<BLOCK>();
    match (from, to[at..].first_chunk_mut::<BLOCK>()) {
        (Some(from), Some(to)) => {
            *to = *from;
            true
        }
        _ => false,
    }
}

fn rows<T: Copy>(from: &[T], begin: usize, n: usize, to: &mut [T], at: usize) {
    to[at..at + n].copy_from_slice(&from[begin..begin + n]);
}

pub(super) fn truncate(columns: &mut EventColumns, len: usize) {
    columns.flags.truncate(len);
    columns.px.truncate(len);
    columns.qty.truncate(len);
    columns.ts_exch.truncate(len);
    columns.ts_local.truncate(len);
}
