//! Rows of one stream that wait to be merged.

use mmbot_types::{ChunkError, EventColumns};

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
        let high = |px: &i64| !(0..=i64::from(i32::MAX)).contains(px);
        if let Some(row) = rows.px.iter().position(high) {
            return Err(ChunkError::Price { row });
        }
        if let Some(row) = rows.qty.iter().position(|qty| *qty < qty_min) {
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

    pub(super) fn compact(&mut self) {
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

/// First row whose time is before the one before it (or before `last`).
fn first_back(last: i64, times: &[i64]) -> Option<usize> {
    if times.first().is_some_and(|first| *first < last) {
        return Some(0);
    }
    if times.is_sorted() {
        return None;
    }
    times
        .windows(2)
        .position(|pair| pair[1] < pair[0])
        .map(|at| at + 1)
}

pub(super) fn with_capacity(n: usize) -> EventColumns {
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
pub(super) fn copy_rows(from: &EventColumns, start: usize, end: usize, to: &mut EventColumns) {
    to.flags.extend_from_slice(&from.flags[start..end]);
    to.px.extend_from_slice(&from.px[start..end]);
    to.qty.extend_from_slice(&from.qty[start..end]);
    to.ts_exch.extend_from_slice(&from.ts_exch[start..end]);
    to.ts_local.extend_from_slice(&from.ts_local[start..end]);
}

pub(super) fn truncate(columns: &mut EventColumns, len: usize) {
    columns.flags.truncate(len);
    columns.px.truncate(len);
    columns.qty.truncate(len);
    columns.ts_exch.truncate(len);
    columns.ts_local.truncate(len);
}
